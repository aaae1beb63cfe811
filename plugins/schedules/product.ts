/**
 * Schedules multiplied.
 *
 * `torch.optim.lr_scheduler.ChainedScheduler` of torch 2.7, for schedules that multiply: torch hands each the value that those before it have made, so
 * that one which ends at an absolute value, as `cosine_annealing` with `etaMin`, does there what no product says. One of them may give values, which
 * are multiplied by the factors of the others. Where one follows a metric, so does the whole.
 *
 * ![product, step by step](../../examples/pictures/product.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { checkSome, compose, givesValues, makeInner } from "./compose.ts";
import { multiplied } from "./composed_stretches.ts";
import { changed, innersOf, inOrder } from "./simpler.ts";

/** Options of {@linkcode product}. */
export interface ProductOptions {
  /** The schedules: each `{ name, options }`, or a function. */
  schedules: readonly (Use | Schedule | MetricSchedule)[];
}

/**
 * Schedules multiplied.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("product", {
 *   schedules: [{ name: "exponential", options: { gamma: 0.5 } }, { name: "constant_lr", options: { factor: 0.5, totalIters: 2 } }],
 * });
 * typeof schedule === "function" && schedule(1); // 0.25
 * ```
 */
export const product: SchedulePlugin<"product", ProductOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "product",
  description: "Schedules multiplied",
  source: "torch.optim.lr_scheduler.ChainedScheduler 2.7",
  options: {
    schedules: { type: "array", holds: "schedule", description: "The schedules: each { name, options }, a plugin for name, or a function" },
  },
  check({ schedules }) {
    checkSome(schedules);
  },
  create({ schedules }, _maths, base, tools) {
    const parts = schedules.map((inner) => makeInner(inner, base, tools));
    if (parts.filter(givesValues).length > 1) {
      const message = "Cannot use schedules that give values more than once: a product is of factors, and one that gives values at most";
      throw Object.assign(new RangeError(message), { option: "schedules" });
    }
    return compose(
      "product",
      parts,
      base,
      (reads) => (step, group) => {
        let product = 1;
        for (let i = 0; i < reads.length; i++) product *= reads[i](step, group);
        return product;
      },
      multiplied,
      { raw: true },
    );
  },
  simplify({ schedules }, returns) {
    const parts = innersOf(schedules);
    if (parts.length === 1) return parts[0];
    if (parts.some((inner) => returns(inner) === "metric")) return undefined;
    // Times 1 is nothing.
    const factors = inOrder("product", parts.filter(({ name }) => name !== "constant"), () => true);
    return changed("product", { schedules }, { schedules: factors.length === 0 ? [parts[0]] : factors });
  },
};

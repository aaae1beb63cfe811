/**
 * A cosine wave between the base value and `etaMin`.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `torch.optim.lr_scheduler.CosineAnnealingLR` of torch 2.7: `etaMin + (lr - etaMin) * (1 + cos(pi*step/tMax)) / 2` with each group's own lr, so
 * that the factor is each group's own. torch goes on from the last value, so that its rounding adds up; here every step is computed for itself.
 * As there, the wave does not end at `tMax`: the rate rises again after it. `end: "hold"` keeps the value that it has there.
 *
 * ![cosine_annealing, step by step](../../examples/pictures/cosine_annealing.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { baseOf, checkFactorOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";
import { held, inStretches, waves } from "./stretches.ts";

/** Options of {@linkcode cosineAnnealing}. */
export interface CosineAnnealingOptions {
  /** Step at which the wave has gone down once. */
  tMax: number;
  /** Least value, absolute, of every group. */
  etaMin?: number;
  /** After `tMax`: `"continue"` the wave, as torch does, or `"hold"` the value that it has there. */
  end?: "continue" | "hold";
}

/**
 * A cosine wave between the base value and a least value.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_annealing", { tMax: 100, etaMin: 0.5 }, { value: 1, groups: [1, 2] });
 * schedule(100, 0); // 0.5
 * schedule(100, 1); // 0.25: of 2, which is 0.5 again
 * ```
 */
export const cosineAnnealing: SchedulePlugin<"cosine_annealing", CosineAnnealingOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_annealing",
  description: "A cosine wave between the base value and a least value",
  source: "https://arxiv.org/abs/1608.03983; torch.optim.lr_scheduler.CosineAnnealingLR 2.7",
  returns: "factor",
  options: {
    tMax: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Step at which the wave has gone down once" },
    etaMin: { default: 0, unit: "rate", description: "Least value, absolute, of every group" },
    end: { default: "continue", enum: ["continue", "hold"], description: "After tMax: continue the wave, or hold its value" },
  },
  // The wave goes on.
  rebase: ({ tMax }, { period }) => ({ tMax: period(tMax) }),
  create({ tMax, etaMin, end }, { cos }, base) {
    checkFactorOf("etaMin", etaMin, base);
    const last = end === "hold" ? tMax : Infinity;
    return inStretches((step, group) => {
      checkStep("cosine_annealing", step);
      const wave = (1 + cos(Math.PI * Math.min(step, last) / tMax)) / 2;
      if (etaMin === 0) return wave;
      const lr = baseOf(base, group);
      return (etaMin + (lr - etaMin) * wave) / lr;
    }, (_from, _to, group) => {
      return held([waves(0, 1, etaMin === 0 ? 0 : etaMin / baseOf(base, group), tMax)], last);
    });
  },
};

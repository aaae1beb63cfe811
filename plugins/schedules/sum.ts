/**
 * Schedules added.
 *
 * Where values and factors meet, it gives values: factors times each group's own base value. Where one follows a metric, so does the whole.
 *
 * ![sum, step by step](../../examples/pictures/sum.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { checkSome, compose, makeInner } from "./compose.ts";
import { added } from "./composed_stretches.ts";
import { changed, innerOf, innersOf, inOrder, type NormalInner } from "./simpler.ts";

/** Options of {@linkcode scheduleSum}. */
export interface ScheduleSumOptions {
  /** The schedules: each `{ name, options }`, or a function. */
  schedules: readonly (Use | Schedule | MetricSchedule)[];
}

/**
 * Schedules added.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("sum", {
 *   schedules: [{ name: "exponential", options: { gamma: 0.5 } }, { name: "constant" }],
 * });
 * typeof schedule === "function" && schedule(1); // 1.5
 * ```
 */
export const scheduleSum: SchedulePlugin<"sum", ScheduleSumOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "sum",
  description: "Schedules added",
  source: "own work",
  options: {
    schedules: { type: "array", holds: "schedule", description: "The schedules: each { name, options }, a plugin for name, or a function" },
  },
  check({ schedules }) {
    checkSome(schedules);
  },
  create({ schedules }, _maths, base, tools) {
    const parts = schedules.map((inner) => makeInner(inner, base, tools));
    return compose("sum", parts, base, (reads) => (step, group) => {
      let sum = 0;
      for (let i = 0; i < reads.length; i++) sum += reads[i](step, group);
      return sum;
    }, added);
  },
  simplify({ schedules }, returns) {
    // Factors beside values are each times the base value: their sum would be rounded elsewhere.
    const mayJoin = (terms: readonly NormalInner[]): boolean => {
      const kinds = new Set(terms.map(returns));
      return kinds.size === 1 && !kinds.has("metric");
    };
    if (schedules.some((inner) => returns(innerOf(inner)) === "metric")) return undefined;
    return changed("sum", { schedules }, { schedules: inOrder("sum", innersOf(schedules), mayJoin) });
  },
};

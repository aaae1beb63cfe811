/**
 * A schedule that begins again and again.
 *
 * ![repeat, step by step](../../examples/pictures/repeat.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, lastUpdate, makeInner } from "./compose.ts";
import { moved } from "./composed_stretches.ts";
import { stretch } from "./stretches.ts";
import { areWhole, innerOf } from "./simpler.ts";

/** Options of {@linkcode repeat}. */
export interface RepeatOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Steps after which it begins again. */
  every: number;
}

/**
 * A schedule that begins again and again.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("repeat", { schedule: { name: "exponential", options: { gamma: 0.5 } }, every: 10 });
 * typeof schedule === "function" && schedule(11); // 0.5
 * ```
 */
export const repeat: SchedulePlugin<"repeat", RepeatOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "repeat",
  description: "A schedule that begins again and again",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    every: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps after which it begins again" },
  },
  rebase: ({ every }, { period }) => ({ every: period(every) }),
  create({ schedule, every }, _maths, base, tools) {
    return compose(
      "repeat",
      [makeInner(schedule, base, tools)],
      base,
      ([read]) => (step, group) => read(step % every, group),
      ([{ stretches }]) =>
        function* (from, to, group) {
          // A remainder that is rounded may lie in the next round.
          if (!Number.isInteger(every)) return yield stretch(from, "any");
          for (let start = from - from % every; start <= to; start += every) {
            yield* moved(stretches(0, every - 1, group), start, start, start + every);
          }
        },
      { feed: ([take]) => (metric, step) => take(metric, Math.min(step, lastUpdate(step) % every + 1)) },
    );
  },
  simplify({ schedule, every }) {
    const { name, options: { schedule: held, every: shorter } } = innerOf(schedule);
    if (name !== "repeat" || !areWhole(every, shorter)) return undefined;
    if (every <= (shorter as number)) return { name, options: { schedule: held, every } };
    if (every % (shorter as number) === 0) return innerOf(schedule);
  },
};

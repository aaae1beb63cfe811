/**
 * A schedule that begins later: its value at step 0 for so long.
 *
 * `shift` is the other way about. A schedule that follows a metric gets none before it begins.
 *
 * ![delay, step by step](../../examples/pictures/delay.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, lastUpdate, makeInner } from "./compose.ts";
import { moved } from "./composed_stretches.ts";
import { stretch } from "./stretches.ts";
import { areWhole, innerOf } from "./simpler.ts";

/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Steps at its first value. */
  steps: number;
}

/**
 * A schedule that begins later.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("delay", { schedule: { name: "exponential", options: { gamma: 0.5 } }, steps: 10 });
 * typeof schedule === "function" && schedule(11); // 0.5
 * ```
 */
export const delay: SchedulePlugin<"delay", DelayOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "delay",
  description: "A schedule that begins later: its first value for so long",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    steps: { type: "number", minimum: 0, unit: "steps", description: "Steps at its first value" },
  },
  rebase: ({ schedule, steps }, by) => ({ schedule: by.schedule("schedule", schedule, steps) }),
  create({ schedule, steps }, _maths, base, tools) {
    return compose(
      "delay",
      [makeInner(schedule, base, tools)],
      base,
      ([read]) => (step, group) => read(Math.max(0, step - steps), group),
      ([{ stretches }]) =>
        function* (from, to, group) {
          if (from < steps) yield stretch(from, "constant");
          if (to >= steps) yield* moved(stretches(Math.max(0, from - steps), to - steps, group), steps, Math.max(from, steps), Infinity);
        },
      {
        feed: ([take]) => (metric, step) => {
          if (lastUpdate(step) >= steps) take(metric, step - steps);
        },
      },
    );
  },
  simplify({ schedule, steps }) {
    if (steps === 0) return innerOf(schedule);
    const { name, options: { schedule: held, steps: more } } = innerOf(schedule);
    if (name === "delay" && areWhole(steps, more)) return { name, options: { schedule: held, steps: steps + (more as number) } };
  },
};

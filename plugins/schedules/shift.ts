/**
 * A schedule from a later step on: at step 0 it is where the schedule is at `steps`.
 *
 * `delay` is the other way about.
 *
 * ![shift, step by step](../../examples/pictures/shift.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, makeInner } from "./compose.ts";
import { moved } from "./composed_stretches.ts";
import { areWhole, innerOf } from "./simpler.ts";

/** Options of {@linkcode shift}. */
export interface ShiftOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Its step at step 0. */
  steps: number;
}

/**
 * A schedule from a later step on.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("shift", { schedule: { name: "exponential", options: { gamma: 0.5 } }, steps: 2 });
 * typeof schedule === "function" && schedule(0); // 0.25
 * ```
 */
export const shift: SchedulePlugin<"shift", ShiftOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "shift",
  description: "A schedule from a later step on",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    steps: { type: "number", minimum: 0, unit: "steps", description: "Its step at step 0" },
  },
  rebase: ({ schedule, steps }, by) => ({ schedule: by.schedule("schedule", schedule, -steps), steps: -by.steps(-steps) }),
  create({ schedule, steps }, _maths, base, tools) {
    return compose(
      "shift",
      [makeInner(schedule, base, tools)],
      base,
      ([read]) => (step, group) => read(step + steps, group),
      ([{ stretches }]) => (from, to, group) => moved(stretches(from + steps, to + steps, group), -steps, from, Infinity),
      { feed: ([take]) => (metric, step) => take(metric, step + steps) },
    );
  },
  simplify({ schedule, steps }) {
    if (steps === 0) return innerOf(schedule);
    const { name, options: { schedule: held, steps: more } } = innerOf(schedule);
    if (!areWhole(steps, more)) return undefined;
    const [first, second] = [steps, more as number];
    if (name === "shift") return { name, options: { schedule: held, steps: first + second } };
    // What is held back is taken off.
    if (name === "delay") {
      return { name: first >= second ? "shift" : "delay", options: { schedule: held, steps: Math.abs(first - second) } };
    }
  },
};

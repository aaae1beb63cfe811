/**
 * A linear warmup in front of any schedule, which begins behind it.
 *
 * It rises from `startFactor` times the schedule's first value to that value; behind `numWarmupSteps` the schedule is at its step 0. `warmup` is
 * TensorFlow's, which rises to a value of its own. A schedule that follows a metric gets those that come after its own updates, none of the warmup.
 *
 * ![warm, step by step](../../examples/pictures/warm.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, lastUpdate, makeInner } from "./compose.ts";
import { moved } from "./composed_stretches.ts";
import { stretch } from "./stretches.ts";
import { innerOf } from "./simpler.ts";

/** Options of {@linkcode warm}. */
export interface WarmOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Steps of the warmup. */
  numWarmupSteps: number;
  /** Where it begins, as a share of the schedule's first value. */
  startFactor?: number;
}

/**
 * A linear warmup in front of any schedule.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("warm", {
 *   schedule: { name: "exponential", options: { gamma: 0.5 } },
 *   numWarmupSteps: 10,
 * });
 * typeof schedule === "function" && schedule(5); // 0.5
 * typeof schedule === "function" && schedule(11); // 0.5
 * ```
 */
export const warm: SchedulePlugin<"warm", WarmOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "warm",
  description: "A linear warmup in front of any schedule",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the warmup" },
    startFactor: { default: 0, minimum: 0, description: "Where it begins, as a share of the schedule's first value" },
  },
  rebase: ({ schedule, numWarmupSteps }, by) => ({ schedule: by.schedule("schedule", schedule, numWarmupSteps) }),
  create({ schedule, numWarmupSteps, startFactor }, _maths, base, tools) {
    return compose("warm", [makeInner(schedule, base, tools)], base, ([read]) => (step, group) => {
      if (step >= numWarmupSteps) return read(step - numWarmupSteps, group);
      return (startFactor + (1 - startFactor) * step / numWarmupSteps) * read(0, group);
    }, ([{ stretches }]) =>
      function* (from, to, group) {
        if (from < numWarmupSteps) yield stretch(from, "linear");
        if (to < numWarmupSteps) return;
        const first = Math.max(from, numWarmupSteps);
        yield* moved(stretches(first - numWarmupSteps, to - numWarmupSteps, group), numWarmupSteps, first, Infinity);
      }, {
      feed: ([take]) => (metric, step) => {
        if (lastUpdate(step) >= numWarmupSteps) take(metric, step - numWarmupSteps);
      },
    });
  },
  simplify: ({ schedule, numWarmupSteps }) => numWarmupSteps === 0 ? innerOf(schedule) : undefined,
};

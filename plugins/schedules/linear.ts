/**
 * A straight line down to 0, after a linear warmup.
 *
 * `get_linear_schedule_with_warmup` of transformers 4.37.2:
 * `max(0, (numTrainingSteps - step) / max(1, numTrainingSteps - numWarmupSteps))`.
 * Where the warmup is as long as the training, the peak is never reached, as there.
 *
 * ![linear, step by step](../../examples/pictures/linear.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Step at which 0 is reached. */
  numTrainingSteps: number;
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then a straight line down to 0.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("linear", { numWarmupSteps: 100, numTrainingSteps: 1000 });
 * schedule(550); // 0.5
 * ```
 */
export const linear: SchedulePlugin<"linear", LinearOptions, Schedule> = {
  kind: "schedule",
  name: "linear",
  description: "Linear warmup, then a straight line down to 0",
  source: "get_linear_schedule_with_warmup of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Step at which 0 is reached" },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  rebase({ warmupOffset }, { note }) {
    keepOffset(warmupOffset, note);
    return {};
  },
  create({ numWarmupSteps, numTrainingSteps, warmupOffset }) {
    return inStretches((step) => {
      checkStep("linear", step);
      if (step < numWarmupSteps) return Math.min(1, (step + warmupOffset) / Math.max(1, numWarmupSteps));
      return Math.max(0, (numTrainingSteps - step) / Math.max(1, numTrainingSteps - numWarmupSteps));
    }, [
      stretch(0, "linear"),
      stretch(numWarmupSteps, "linear"),
      stretch(Math.max(numWarmupSteps, numTrainingSteps), "constant"),
    ]);
  },
};

/**
 * One over the square root of the step, after a linear warmup.
 *
 * Vaswani et al., "Attention Is All You Need", 2017, https://arxiv.org/abs/1706.03762, section 5.3.
 * `get_inverse_sqrt_schedule` of transformers 4.37.2: `1 / sqrt((step + timescale - numWarmupSteps) / timescale)`.
 * Without warmup and timescale 4.37.2 divides by zero; here the timescale is then 10,000, as in transformers 5.
 *
 * ![inverse_sqrt, step by step](../../examples/pictures/inverse_sqrt.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode inverseSqrt}. */
export interface InverseSqrtOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Steps after the warmup, three times over, that halve the factor; null: the length of the warmup, or 10,000 without one. */
  timescale?: number | null;
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then one over the square root of the step.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("inverse_sqrt", { numWarmupSteps: 100 });
 * schedule(400); // 0.5
 * ```
 */
export const inverseSqrt: SchedulePlugin<"inverse_sqrt", InverseSqrtOptions, Schedule> = {
  kind: "schedule",
  name: "inverse_sqrt",
  description: "Linear warmup, then one over the square root of the step",
  source: "https://arxiv.org/abs/1706.03762; get_inverse_sqrt_schedule of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    timescale: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      unit: "steps",
      description: "Three times this many steps after the warmup halve the factor; null: the warmup's length, or 10,000 without one",
    },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  rebase({ numWarmupSteps, timescale, warmupOffset }, { steps, period, note }) {
    keepOffset(warmupOffset, note);
    const warmup = steps(numWarmupSteps);
    const scale = period(timescale ?? (numWarmupSteps || 10_000));
    return { numWarmupSteps: warmup, timescale: timescale === null && scale === (warmup || 10_000) ? null : scale };
  },
  create({ numWarmupSteps, timescale, warmupOffset }) {
    const scale = timescale ?? (numWarmupSteps || 10_000);
    const shift = scale - numWarmupSteps;
    return inStretches((step) => {
      checkStep("inverse_sqrt", step);
      if (step < numWarmupSteps) return Math.min(1, (step + warmupOffset) / Math.max(1, numWarmupSteps));
      return 1 / Math.sqrt((step + shift) / scale);
    }, [stretch(0, "linear"), stretch(numWarmupSteps, "smooth")]);
  },
};

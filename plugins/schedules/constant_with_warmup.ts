/**
 * A constant after a linear warmup.
 *
 * `get_constant_schedule_with_warmup` of transformers 4.37.2: `step / max(1, numWarmupSteps)` up to `numWarmupSteps`, then 1.
 * The warmup starts at 0, so that the first update changes nothing but the moments; `warmupOffset: 1` starts at the first step above it.
 *
 * ![constant_with_warmup, step by step](../../examples/pictures/constant_with_warmup.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode constantWithWarmup}. */
export interface ConstantWithWarmupOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then factor 1.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("constant_with_warmup", { numWarmupSteps: 100 });
 * schedule(25); // 0.25
 * ```
 */
export const constantWithWarmup: SchedulePlugin<"constant_with_warmup", ConstantWithWarmupOptions, Schedule> = {
  kind: "schedule",
  name: "constant_with_warmup",
  description: "Linear warmup, then the base value",
  source: "get_constant_schedule_with_warmup of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  rebase({ warmupOffset }, { note }) {
    keepOffset(warmupOffset, note);
    return {};
  },
  create({ numWarmupSteps, warmupOffset }) {
    return inStretches((step) => {
      checkStep("constant_with_warmup", step);
      return step < numWarmupSteps ? Math.min(1, (step + warmupOffset) / Math.max(1, numWarmupSteps)) : 1;
    }, [stretch(0, "linear"), stretch(numWarmupSteps, "constant")]);
  },
};

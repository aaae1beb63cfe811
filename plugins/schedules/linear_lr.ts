/**
 * A straight line from one factor to another.
 *
 * `torch.optim.lr_scheduler.LinearLR` of torch 2.7: `startFactor + (endFactor - startFactor) * min(step, totalIters) / totalIters`. torch
 * multiplies the last value, so that its rounding adds up; here every step is computed for itself.
 *
 * ![linear_lr, step by step](../../examples/pictures/linear_lr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode linearLr}. */
export interface LinearLrOptions {
  /** Factor at step 0, above 0. */
  startFactor?: number;
  /** Factor from `totalIters` on. */
  endFactor?: number;
  /** Step at which the line ends. */
  totalIters?: number;
}

/**
 * A straight line from one factor to another.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("linear_lr", { startFactor: 0.5, totalIters: 100 });
 * schedule(50); // 0.75
 * ```
 */
export const linearLr: SchedulePlugin<"linear_lr", LinearLrOptions, Schedule> = {
  kind: "schedule",
  name: "linear_lr",
  description: "A straight line from one factor to another",
  source: "torch.optim.lr_scheduler.LinearLR 2.7",
  returns: "factor",
  options: {
    startFactor: { default: 1 / 3, exclusiveMinimum: 0, maximum: 1, description: "Factor at step 0" },
    endFactor: { default: 1, minimum: 0, maximum: 1, description: "Factor where the line ends, and behind it" },
    totalIters: { default: 5, exclusiveMinimum: 0, unit: "steps", description: "Step at which the line ends" },
  },
  create({ startFactor, endFactor, totalIters }) {
    return inStretches((step) => {
      checkStep("linear_lr", step);
      return startFactor + (endFactor - startFactor) * Math.min(totalIters, step) / totalIters;
    }, [stretch(0, "linear"), stretch(totalIters, "constant")]);
  },
};

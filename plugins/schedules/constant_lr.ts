/**
 * A part of the base value at first, then all of it.
 *
 * `torch.optim.lr_scheduler.ConstantLR` of torch 2.7: `factor` up to step `totalIters`, then 1.
 *
 * ![constant_lr, step by step](../../examples/pictures/constant_lr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode constantLr}. */
export interface ConstantLrOptions {
  /** The factor at first. */
  factor?: number;
  /** Step from which on it is 1. */
  totalIters?: number;
}

/**
 * A part of the base value at first, then all of it.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("constant_lr", { factor: 0.25, totalIters: 10 });
 * schedule(9); // 0.25
 * schedule(10); // 1
 * ```
 */
export const constantLr: SchedulePlugin<"constant_lr", ConstantLrOptions, Schedule> = {
  kind: "schedule",
  name: "constant_lr",
  description: "A part of the base value at first, then all of it",
  source: "torch.optim.lr_scheduler.ConstantLR 2.7",
  returns: "factor",
  options: {
    factor: { default: 1 / 3, minimum: 0, maximum: 1, description: "The factor at first" },
    totalIters: { default: 5, minimum: 0, unit: "steps", description: "Step from which on it is 1" },
  },
  create({ factor, totalIters }) {
    return inStretches((step) => {
      checkStep("constant_lr", step);
      return step < totalIters ? factor : 1;
    }, [stretch(0, "constant"), stretch(totalIters, "constant")]);
  },
};

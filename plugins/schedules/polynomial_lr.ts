/**
 * A polynomial down to 0.
 *
 * `torch.optim.lr_scheduler.PolynomialLR` of torch 2.7: `(1 - min(step, totalIters) / totalIters)**power`. torch multiplies the last value,
 * so that its rounding adds up; here every step is computed for itself.
 *
 * ![polynomial_lr, step by step](../../examples/pictures/polynomial_lr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode polynomialLr}. */
export interface PolynomialLrOptions {
  /** Step from which on it is 0. */
  totalIters?: number;
  /** Exponent: 1 is a straight line. */
  power?: number;
}

/**
 * A polynomial down to 0.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("polynomial_lr", { totalIters: 100, power: 2 });
 * schedule(50); // 0.25
 * ```
 */
export const polynomialLr: SchedulePlugin<"polynomial_lr", PolynomialLrOptions, Schedule> = {
  kind: "schedule",
  name: "polynomial_lr",
  description: "A polynomial down to 0",
  source: "torch.optim.lr_scheduler.PolynomialLR 2.7",
  returns: "factor",
  options: {
    totalIters: { default: 5, exclusiveMinimum: 0, unit: "steps", description: "Step from which on it is 0" },
    power: { default: 1, minimum: 0, description: "Exponent: 1 is a straight line" },
  },
  create({ totalIters, power }, { pow }) {
    return inStretches((step) => {
      checkStep("polynomial_lr", step);
      return pow(1 - Math.min(totalIters, step) / totalIters, power);
    }, [stretch(0, power === 1 ? "linear" : "smooth"), stretch(totalIters, "constant")]);
  },
};

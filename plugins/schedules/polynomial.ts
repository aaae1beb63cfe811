/**
 * A polynomial down to `lrEnd`, after a linear warmup.
 *
 * `get_polynomial_decay_schedule_with_warmup` of transformers 4.37.2: `((lrInit - lrEnd)*remaining**power + lrEnd) / lrInit`.
 * As there, `lrInit` is the optimizer's own value and not the group's: a group with another one ends at its value times `lrEnd / lrInit`.
 * Where transformers divides by zero in the middle of a run (`numWarmupSteps` equal to `numTrainingSteps`, a negative power),
 * this schedule is refused when it is made.
 *
 * ![polynomial, step by step](../../examples/pictures/polynomial.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode polynomial}. */
export interface PolynomialOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Step at which `lrEnd` is reached. */
  numTrainingSteps: number;
  /** Value at the end, for the optimizer's own base value; below it. */
  lrEnd?: number;
  /** Exponent: 1 is a straight line. */
  power?: number;
  /** Value that `lrEnd` is measured against; null: the optimizer's own base value. */
  lrInit?: number | null;
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then a polynomial down to `lrEnd`.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("polynomial", { numWarmupSteps: 100, numTrainingSteps: 1000, power: 2, lrEnd: 0 });
 * schedule(550); // 0.25
 * ```
 */
export const polynomial: SchedulePlugin<"polynomial", PolynomialOptions, Schedule> = {
  kind: "schedule",
  name: "polynomial",
  description: "Linear warmup, then a polynomial down to lrEnd",
  source: "get_polynomial_decay_schedule_with_warmup of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Step at which lrEnd is reached" },
    lrEnd: { default: 1e-7, unit: "rate", description: "Value at the end, for the optimizer's own base value" },
    power: { default: 1, minimum: 0, description: "Exponent: 1 is a straight line" },
    lrInit: {
      default: null,
      type: ["number", "null"],
      unit: "rate",
      description: "Value that lrEnd is measured against; null: the optimizer's own",
    },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  check({ numWarmupSteps, numTrainingSteps }) {
    if (numWarmupSteps === numTrainingSteps) {
      const message = `Cannot use numTrainingSteps = ${numTrainingSteps}: it must differ from numWarmupSteps = ${numWarmupSteps}`;
      throw Object.assign(new RangeError(message), { option: "numTrainingSteps" });
    }
  },
  rebase({ warmupOffset }, { note }) {
    keepOffset(warmupOffset, note);
    return {};
  },
  create({ numWarmupSteps, numTrainingSteps, lrEnd, power, lrInit, warmupOffset }, { pow }, base) {
    const init = lrInit ?? base.value;
    const refuse = (why: string): never => {
      throw Object.assign(new RangeError(`Cannot use lrEnd = ${lrEnd}${why}`), { option: "lrEnd" });
    };
    if (!(init > lrEnd)) refuse(`: it must be smaller than the initial value ${init}`);
    if (init === 0) refuse(" with the initial value 0: the factor would be a division by 0");
    return inStretches((step) => {
      checkStep("polynomial", step);
      if (step < numWarmupSteps) return Math.min(1, (step + warmupOffset) / Math.max(1, numWarmupSteps));
      if (step > numTrainingSteps) return lrEnd / init;
      const remaining = 1 - (step - numWarmupSteps) / (numTrainingSteps - numWarmupSteps);
      return ((init - lrEnd) * pow(remaining, power) + lrEnd) / init;
    }, [
      stretch(0, "linear"),
      stretch(numWarmupSteps, power === 1 ? "linear" : "smooth"),
      // The step of the end itself is the last of the curve.
      stretch(Math.max(numWarmupSteps, Math.floor(numTrainingSteps) + 1), "constant"),
    ]);
  },
};

/**
 * TensorFlow's exponential decay.
 *
 * `tf.keras.optimizers.schedules.ExponentialDecay` of Keras 2.15, in float32 as there:
 * `initialLearningRate * decayRate**(step / decaySteps)`.
 *
 * A rate below 0, whose fractional powers are NaN, is refused when the schedule is made.
 *
 * ![exponential_decay, step by step](../../examples/pictures/exponential_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";

/** Options of {@linkcode exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** Value at step 0. */
  initialLearningRate: number;
  /** Steps in which the value falls by `decayRate`. */
  decaySteps: number;
  /** What is left after `decaySteps`, as a factor. */
  decayRate: number;
  /** Fall only at whole multiples of `decaySteps`. */
  staircase?: boolean;
}

/**
 * A fall by the same factor in every `decaySteps` steps.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("exponential_decay", { initialLearningRate: 0.5, decaySteps: 100, decayRate: 0.25 });
 * schedule(50); // 0.25: a value, not a factor
 * ```
 */
export const exponentialDecay: SchedulePlugin<"exponential_decay", ExponentialDecayOptions, Schedule> = {
  kind: "schedule",
  name: "exponential_decay",
  description: "Keras' fall by the same factor in every decaySteps steps",
  source: "tf.keras.optimizers.schedules.ExponentialDecay 2.15",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at step 0" },
    decaySteps: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps in which the value falls by decayRate" },
    decayRate: { type: "number", minimum: 0, description: "What is left after decaySteps, as a factor" },
    staircase: { default: false, description: "Fall only at whole multiples of decaySteps" },
  },
  check: (options) => checkFloat32(options, ["decaySteps"]),
  rebase: ({ decaySteps }, { period }) => ({ decaySteps: period(decaySteps) }),
  create({ initialLearningRate, decaySteps, decayRate, staircase }, { exp, log, pow }) {
    const f = Math.fround;
    const initial = f(initialLearningRate);
    const decay = f(decaySteps);
    const rate = f(decayRate);
    // The logarithm is the dear half of a power, and the rate stays; float32 does not see the difference.
    const logRate = log(rate);
    return Object.assign((step: number) => {
      checkStep("exponential_decay", step);
      const q = f(f(step) / decay);
      const p = staircase ? Math.floor(q) : q;
      return f(initial * f(rate > 0 ? exp(p * logRate) : pow(rate, p)));
    }, { returns: "value" as const, perGroup: false });
  },
};

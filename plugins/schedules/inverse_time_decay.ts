/**
 * TensorFlow's decay by one over the time.
 *
 * `tf.keras.optimizers.schedules.InverseTimeDecay` of Keras 2.15, in float32 as there:
 * `initialLearningRate / (1 + decayRate*step/decaySteps)`.
 *
 * A rate below 0, with which the denominator comes to 0, is refused when the schedule is made.
 *
 * ![inverse_time_decay, step by step](../../examples/pictures/inverse_time_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";

/** Options of {@linkcode inverseTimeDecay}. */
export interface InverseTimeDecayOptions {
  /** Value at step 0. */
  initialLearningRate: number;
  /** Steps in which the denominator grows by `decayRate`. */
  decaySteps: number;
  /** Growth of the denominator, which starts at 1. */
  decayRate: number;
  /** Fall only at whole multiples of `decaySteps`. */
  staircase?: boolean;
}

/**
 * One over a straight line.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("inverse_time_decay", { initialLearningRate: 0.5, decaySteps: 100, decayRate: 1 });
 * schedule(100); // 0.25: a value, not a factor
 * ```
 */
export const inverseTimeDecay: SchedulePlugin<"inverse_time_decay", InverseTimeDecayOptions, Schedule> = {
  kind: "schedule",
  name: "inverse_time_decay",
  description: "Keras' decay by one over the time",
  source: "tf.keras.optimizers.schedules.InverseTimeDecay 2.15",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at step 0" },
    decaySteps: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps in which the denominator grows by decayRate" },
    decayRate: { type: "number", minimum: 0, description: "Growth of the denominator, which starts at 1" },
    staircase: { default: false, description: "Fall only at whole multiples of decaySteps" },
  },
  check: (options) => checkFloat32(options, ["decaySteps"]),
  rebase: ({ decaySteps }, { period }) => ({ decaySteps: period(decaySteps) }),
  create({ initialLearningRate, decaySteps, decayRate, staircase }) {
    const f = Math.fround;
    const initial = f(initialLearningRate);
    const decay = f(decaySteps);
    const rate = f(decayRate);
    return Object.assign((step: number) => {
      checkStep("inverse_time_decay", step);
      const p = f(f(step) / decay);
      return f(initial / f(1 + f(rate * (staircase ? Math.floor(p) : p))));
    }, { returns: "value" as const, perGroup: false });
  },
};

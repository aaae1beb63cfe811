/**
 * TensorFlow's polynomial down to an end value, which may start again in cycles.
 *
 * `tf.keras.optimizers.schedules.PolynomialDecay` of Keras 2.15, in float32 as there: every operation rounds.
 * As there, `decaySteps: 0` gives NaN and a negative one the end value.
 *
 * A negative power, which is infinite at the end of the decay, is refused when the schedule is made.
 *
 * ![polynomial_decay, step by step](../../examples/pictures/polynomial_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";
import { pow32 } from "./pow32.ts";
import { stretch } from "./stretches.ts";

/** Options of {@linkcode polynomialDecay}. */
export interface PolynomialDecayOptions {
  /** Value at step 0. */
  initialLearningRate: number;
  /** Steps down to the end value. */
  decaySteps: number;
  /** Value at the end. */
  endLearningRate?: number;
  /** Exponent: 1 is a straight line. */
  power?: number;
  /** Start again at each multiple of `decaySteps`, over one more of them each time. */
  cycle?: boolean;
}

/**
 * A polynomial from one value down to another.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("polynomial_decay", { initialLearningRate: 0.5, decaySteps: 100, endLearningRate: 0 });
 * schedule(50); // 0.25: a value, not a factor
 * ```
 */
export const polynomialDecay: SchedulePlugin<"polynomial_decay", PolynomialDecayOptions, Schedule> = {
  kind: "schedule",
  name: "polynomial_decay",
  description: "Keras' polynomial from one value down to another",
  source: "tf.keras.optimizers.schedules.PolynomialDecay 2.15",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at step 0" },
    decaySteps: { type: "number", unit: "steps", description: "Steps down to the end value" },
    endLearningRate: { default: 1e-4, unit: "rate", description: "Value at the end" },
    power: { default: 1, minimum: 0, description: "Exponent: 1 is a straight line" },
    cycle: { default: false, description: "Start again at each multiple of decaySteps, over one more of them each time" },
  },
  check(options) {
    const { decaySteps, cycle } = options;
    checkFloat32(options, ["decaySteps"]);
    if (!cycle || decaySteps > 0) return;
    const message = `Cannot use decaySteps = ${decaySteps} with cycle: it must be above 0`;
    throw Object.assign(new RangeError(message), { option: "decaySteps" });
  },
  rebase: ({ decaySteps, cycle }, { steps, period }) => ({ decaySteps: cycle ? period(decaySteps) : steps(decaySteps) }),
  create({ initialLearningRate, decaySteps, endLearningRate, power, cycle }, { pow }) {
    const f = Math.fround;
    const decay = f(decaySteps);
    const end = f(endLearningRate);
    const span = f(f(initialLearningRate) - end);
    const exponent = f(power);
    return Object.assign((step: number) => {
      checkStep("polynomial_decay", step);
      const s = cycle ? f(step) : Math.min(f(step), decay);
      const steps = cycle && s !== 0 ? f(decay * Math.ceil(f(s / decay))) : decay;
      const rest = f(1 - f(s / steps));
      return f(f(span * (exponent === 1 ? rest : pow32(rest, exponent, pow))) + end);
    }, {
      returns: "value" as const,
      perGroup: false,
      stretches: () => cycle ? [stretch(0, "any")] : [stretch(0, "any"), stretch(decay, "constant")],
    });
  },
};

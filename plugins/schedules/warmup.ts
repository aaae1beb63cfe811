/**
 * TensorFlow's warmup in front of another schedule.
 *
 * `WarmUp` of transformers 4.37.2, in float32 as there: `initialLearningRate * (step / warmupSteps)**power` up to `warmupSteps`,
 * then the decay schedule, whose own step 0 is there. Nothing ties the two values together at the seam, as there.
 *
 * ![warmup, step by step](../../examples/pictures/warmup.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin, Tools } from "../../core/plugin/contract.ts";
import { cosineDecay } from "./cosine_decay.ts";
import { cosineDecayRestarts } from "./cosine_decay_restarts.ts";
import { exponentialDecay } from "./exponential_decay.ts";
import { inverseTimeDecay } from "./inverse_time_decay.ts";
import { piecewiseConstantDecay } from "./piecewise_constant_decay.ts";
import { polynomialDecay } from "./polynomial_decay.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";

/** A schedule by name, as recipes hold it, or by plugin object. */
export interface DecaySchedule {
  /** A plugin, or a name: one of Keras' decays, `"warmup"`, or any other that the registry has. */
  readonly name: string | SchedulePlugin;
  /** Its options. */
  readonly options?: object;
}

/** Options of {@linkcode warmup}. */
export interface WarmupOptions {
  /** Value at the end of the warmup. */
  initialLearningRate: number;
  /** What follows the warmup; one that returns factors has them multiplied by `initialLearningRate`. */
  decaySchedule: DecaySchedule | Schedule;
  /** Steps of the warmup. */
  warmupSteps: number;
  /** Exponent: 1 is a straight line. */
  power?: number;
}

/**
 * A polynomial up from 0, then another schedule.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("warmup", {
 *   initialLearningRate: 0.5,
 *   warmupSteps: 100,
 *   decaySchedule: { name: "polynomial_decay", options: { initialLearningRate: 0.5, decaySteps: 900, endLearningRate: 0 } },
 * });
 * schedule(50); // 0.25: a value, not a factor
 * ```
 */
export const warmup: SchedulePlugin<"warmup", WarmupOptions, Schedule> = {
  kind: "schedule",
  name: "warmup",
  description: "TensorFlow's warmup in front of another schedule",
  source: "WarmUp of transformers 4.37.2",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at the end of the warmup" },
    decaySchedule: {
      type: "object",
      holds: "schedule",
      description: "What follows: { name, options } of a schedule, a plugin for name, or a schedule function",
    },
    warmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the warmup" },
    power: { default: 1, minimum: 0, description: "Exponent: 1 is a straight line" },
  },
  check: (options) => checkFloat32(options),
  rebase: ({ decaySchedule, warmupSteps }, { schedule }) => ({
    decaySchedule: schedule("decaySchedule", decaySchedule, warmupSteps) as DecaySchedule,
  }),
  create({ initialLearningRate, decaySchedule, warmupSteps, power }, maths, _base, tools) {
    const f = Math.fround;
    const initial = f(initialLearningRate);
    const steps = f(warmupSteps);
    const exponent = f(power);
    const decay = makeDecay(decaySchedule, initialLearningRate, tools);
    const scale = decay.returns === "value" ? 1 : initialLearningRate;
    return Object.assign((step: number) => {
      checkStep("warmup", step);
      if (f(step) < steps) return f(initial * f(maths.pow(f(f(step) / steps), exponent)));
      return scale * decay(step - warmupSteps);
    }, { returns: "value" as const, perGroup: false });
  },
};

function makeDecay(decay: DecaySchedule | Schedule, base: number, tools: Tools): Schedule {
  if (typeof decay === "function") return decay;
  // Keras' own go by name also where no registry has them, as in a registry of `warmup` alone; any other name is the registry's. Only what Keras can put
  // behind a warmup stands here: a new schedule needs no line, since its name is found in the registry.
  const own = [polynomialDecay, cosineDecay, cosineDecayRestarts, exponentialDecay, inverseTimeDecay, piecewiseConstantDecay, warmup]
    .find(({ name }) => name === decay?.name);
  const made = tools.schedule(own === undefined ? decay : { ...decay, name: own }, { value: base, groups: [base] });
  if (typeof made !== "function") {
    throw Object.assign(new TypeError("Cannot use a decaySchedule that follows a metric, not the step"), { option: "decaySchedule" });
  }
  return made;
}

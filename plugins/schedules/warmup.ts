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
import type { Maths, OptionSpec, Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { cosineDecay } from "./cosine_decay.ts";
import { cosineDecayRestarts } from "./cosine_decay_restarts.ts";
import { exponentialDecay } from "./exponential_decay.ts";
import { inverseTimeDecay } from "./inverse_time_decay.ts";
import { piecewiseConstantDecay } from "./piecewise_constant_decay.ts";
import { polynomialDecay } from "./polynomial_decay.ts";

/** A schedule by name, as recipes hold it, or by plugin object. */
export interface DecaySchedule {
  /** `"polynomial_decay"`, `"cosine_decay"`, `"cosine_decay_restarts"`, `"exponential_decay"`, `"inverse_time_decay"`, `"piecewise_constant_decay"`, `"warmup"`, or a plugin. */
  readonly name: string | SchedulePlugin;
  /** Its options. */
  readonly options?: object;
}

/** Options of {@linkcode warmup}. */
export interface WarmupOptions {
  /** Value at the end of the warmup. */
  initialLearningRate: number;
  /** What follows the warmup. A function or plugin that returns factors has them multiplied by `initialLearningRate`. */
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
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at the end of the warmup" },
    decaySchedule: {
      type: "object",
      holds: "schedule",
      description: "What follows: { name, options } of one of Keras' decays, a plugin for name, or a schedule function",
    },
    warmupSteps: { type: "number", unit: "steps", description: "Steps of the warmup" },
    power: { default: 1, description: "Exponent: 1 is a straight line" },
  },
  create({ initialLearningRate, decaySchedule, warmupSteps, power }, maths) {
    const f = Math.fround;
    const initial = f(initialLearningRate);
    const steps = f(warmupSteps);
    const exponent = f(power);
    const decay = makeDecay(decaySchedule, initialLearningRate, maths);
    const scale = decay.returns === "value" ? 1 : initialLearningRate;
    return Object.assign((step: number) => {
      if (f(step) < steps) return f(initial * f(maths.pow(f(f(step) / steps), exponent)));
      return scale * decay(step - warmupSteps);
    }, { returns: "value" as const });
  },
};

function makeDecay(decay: DecaySchedule | Schedule, base: number, maths: Maths): Schedule {
  if (typeof decay === "function") return decay;
  if (typeof decay !== "object" || decay === null) {
    throw new TypeError(`Cannot use decaySchedule = ${decay}: it must be a schedule function or { name, options }`);
  }
  const stray = Object.keys(decay).find((key) => key !== "name" && key !== "options");
  if (stray !== undefined) throw new TypeError(`Cannot use decaySchedule.${stray}: known keys are name, options`);
  const plugin = typeof decay.name === "string" ? byName(decay.name) : decay.name;
  if (plugin?.kind !== "schedule" || typeof plugin.create !== "function") {
    throw new TypeError("Cannot use decaySchedule.name: it must be a name or a schedule plugin");
  }
  const options = complete(plugin, { ...decay.options });
  plugin.check?.(options);
  const made = plugin.create(options, maths, { value: base, groups: [base] });
  if (typeof made !== "function") throw new TypeError(`Cannot use decaySchedule "${plugin.name}": it follows a metric, not the step`);
  return made;
}

// No registry reaches a plugin: the names are those that a plugin of the same kind may import.
function byName(name: string): SchedulePlugin {
  const plugins: readonly SchedulePlugin[] = [
    polynomialDecay,
    cosineDecay,
    cosineDecayRestarts,
    exponentialDecay,
    inverseTimeDecay,
    piecewiseConstantDecay,
    warmup,
  ];
  const plugin = plugins.find((plugin) => plugin.name === name);
  if (plugin === undefined) {
    const known = plugins.map(({ name }) => name).join(", ");
    throw new TypeError(`Cannot use decaySchedule "${name}": known names are ${known}; pass any other as a plugin object`);
  }
  return plugin;
}

// What core does for the outer schedule's options, which a plugin cannot call.
function complete(plugin: SchedulePlugin, given: Record<string, unknown>): Record<string, unknown> {
  const specs: Record<string, OptionSpec<unknown>> = plugin.options;
  const stray = Object.keys(given).find((key) => !Object.hasOwn(specs, key));
  if (stray !== undefined) {
    throw new TypeError(`Cannot use option "${stray}" of "${plugin.name}": known options are ${Object.keys(specs).join(", ")}`);
  }
  return Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => {
      const value = given[key] === undefined ? spec.default : given[key];
      if (value === undefined) throw new TypeError(`Cannot create "${plugin.name}": option "${key}" must be given`);
      if (value !== spec.default) checkOption(`${key} = ${value} of "${plugin.name}"`, spec, value);
      return [key, value];
    }),
  );
}

function checkOption(what: string, spec: OptionSpec<unknown>, value: unknown): void {
  const types = spec.type === undefined ? [spec.default ?? value].map(typeOf) : [spec.type].flat();
  const type = typeOf(value);
  if (!types.includes(type) && !(type === "number" && types.includes("integer"))) {
    throw new TypeError(`Cannot use ${what}: it must be of type ${types.join(" or ")}`);
  }
  if (spec.enum !== undefined && !spec.enum.includes(value)) {
    throw new RangeError(`Cannot use ${what}: known values are ${spec.enum.join(", ")}`);
  }
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = spec;
  for (const number of [value].flat()) {
    if (typeof number !== "number") continue;
    if (number > exclusiveMinimum && number >= minimum && number <= maximum && number < exclusiveMaximum) continue;
    throw new RangeError(`Cannot use ${what}: it must be finite and within its bounds`);
  }
}

function typeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "function" ? "object" : typeof value;
}

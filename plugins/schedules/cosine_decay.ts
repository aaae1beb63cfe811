/**
 * TensorFlow's half cosine wave, with an optional warmup of its own.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `tf.keras.optimizers.schedules.CosineDecay` of Keras 2.15, in float32 as there; `exponent` is that of `optax.cosine_decay_schedule`.
 *
 * ![cosine_decay, step by step](../../examples/pictures/cosine_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";
import { pow32 } from "./pow32.ts";
import { stretch } from "./stretches.ts";

/** Options of {@linkcode cosineDecay}. */
export interface CosineDecayOptions {
  /** Value at step 0. */
  initialLearningRate: number;
  /** Steps of the half wave. */
  decaySteps: number;
  /** Value at the end, as a share of the value at the top. */
  alpha?: number;
  /** Value at the end of a linear warmup from `initialLearningRate`; null: no warmup. */
  warmupTarget?: number | null;
  /** Steps of that warmup. */
  warmupSteps?: number;
  /** Exponent of the wave, as optax has it: above 1 it is steeper at first. */
  exponent?: number;
}

/**
 * Half a cosine wave down to a share of the value at its top.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_decay", { initialLearningRate: 0.5, decaySteps: 100 });
 * schedule(50); // 0.25: a value, not a factor
 * ```
 */
export const cosineDecay: SchedulePlugin<"cosine_decay", CosineDecayOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_decay",
  description: "Keras' half cosine wave, with an optional linear warmup",
  source: "https://arxiv.org/abs/1608.03983; tf.keras.optimizers.schedules.CosineDecay 2.15",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at step 0" },
    decaySteps: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps of the half wave" },
    alpha: { default: 0, description: "Value at the end, as a share of the value at the top" },
    warmupTarget: {
      default: null,
      type: ["number", "null"],
      unit: "rate",
      description: "Value at the end of a linear warmup; null: no warmup",
    },
    warmupSteps: { default: 0, minimum: 0, unit: "steps", description: "Steps of that warmup" },
    exponent: { default: 1, exclusiveMinimum: 0, description: "Exponent of the wave: above 1 it is steeper at first" },
  },
  check: (options) => checkFloat32(options, ["decaySteps"]),
  rebase: ({ decaySteps, warmupTarget, warmupSteps }, { steps }) => ({
    decaySteps: steps(decaySteps, warmupTarget === null ? 0 : warmupSteps),
  }),
  create({ initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps, exponent }, { cos, pow }) {
    const f = Math.fround;
    const pi = f(Math.PI);
    const initial = f(initialLearningRate);
    const decay = f(decaySteps);
    const warmup = warmupTarget === null ? 0 : f(warmupSteps);
    const top = warmupTarget === null ? initial : f(warmupTarget);
    const last = f(decay + warmup);
    const share = f(alpha);
    const rest = f(1 - alpha);
    return Object.assign((step: number) => {
      checkStep("cosine_decay", step);
      const s = Math.min(f(step), last);
      if (warmupTarget !== null && s < warmup) return f(f(f(top - initial) * f(s / warmup)) + initial);
      const half = f(0.5 * f(1 + f(cos(f(pi * f(f(s - warmup) / decay))))));
      const wave = exponent === 1 ? half : pow32(half, f(exponent), pow);
      return f(top * f(f(rest * wave) + share));
    }, { returns: "value" as const, perGroup: false, stretches: () => [stretch(0, "any"), stretch(last, "constant")] });
  },
};

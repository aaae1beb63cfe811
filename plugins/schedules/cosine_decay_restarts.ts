/**
 * TensorFlow's half cosine waves that start again, each longer and lower by a factor.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `tf.keras.optimizers.schedules.CosineDecayRestarts` of Keras 2.15, in float32 as there.
 *
 * ![cosine_decay_restarts, step by step](../../examples/pictures/cosine_decay_restarts.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin.ts";

/** Options of {@linkcode cosineDecayRestarts}. */
export interface CosineDecayRestartsOptions {
  /** Value at step 0. */
  initialLearningRate: number;
  /** Steps of the first wave. */
  firstDecaySteps: number;
  /** Length of a wave over that of the one before. */
  tMul?: number;
  /** Height of a wave over that of the one before. */
  mMul?: number;
  /** Least value, as a share of `initialLearningRate`. */
  alpha?: number;
}

/**
 * Half cosine waves, each longer and lower than the one before.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_decay_restarts", { initialLearningRate: 0.5, firstDecaySteps: 100, mMul: 0.5 });
 * schedule(100); // 0.25: a value, not a factor
 * ```
 */
export const cosineDecayRestarts: SchedulePlugin<"cosine_decay_restarts", CosineDecayRestartsOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_decay_restarts",
  description: "Keras' half cosine waves that start again, each longer and lower by a factor",
  options: {
    initialLearningRate: { type: "number", description: "Value at step 0" },
    firstDecaySteps: { type: "number", description: "Steps of the first wave" },
    tMul: { default: 2, description: "Length of a wave over that of the one before" },
    mMul: { default: 1, description: "Height of a wave over that of the one before" },
    alpha: { default: 0, description: "Least value, as a share of initialLearningRate" },
  },
  create({ initialLearningRate, firstDecaySteps, tMul, mMul, alpha }, { pow, log, cos }) {
    const f = Math.fround;
    const pi = f(Math.PI);
    const initial = f(initialLearningRate);
    const first = f(firstDecaySteps);
    const longer = f(tMul);
    const lower = f(mMul);
    const share = f(alpha);
    const rest = f(1 - share);
    const shrink = f(1 - longer);
    const logarithm = f(log(longer));
    return Object.assign((step: number) => {
      let s = f(f(step) / first);
      let wave: number;
      if (longer === 1) {
        wave = Math.floor(s);
        s = f(s - wave);
      } else {
        // The waves before this one are a geometric series.
        wave = Math.floor(f(f(log(f(1 - f(s * shrink)))) / logarithm));
        const length = f(pow(longer, wave));
        s = f(f(s - f(f(1 - length) / shrink)) / length);
      }
      const height = f(f(0.5 * f(pow(lower, wave))) * f(1 + f(cos(f(pi * s)))));
      return f(initial * f(f(rest * height) + share));
    }, { returns: "value" as const });
  },
};

/**
 * TensorFlow's half cosine waves that start again, each longer and lower by a factor.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `tf.keras.optimizers.schedules.CosineDecayRestarts` of Keras 2.15, in float32 as there.
 *
 * Waves that grow shorter, whose lengths have a finite sum, come to NaN behind it: they are refused when the schedule is made.
 *
 * ![cosine_decay_restarts, step by step](../../examples/pictures/cosine_decay_restarts.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";

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
  source: "https://arxiv.org/abs/1608.03983; tf.keras.optimizers.schedules.CosineDecayRestarts 2.15",
  returns: "value",
  options: {
    initialLearningRate: { type: "number", unit: "rate", description: "Value at step 0" },
    firstDecaySteps: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps of the first wave" },
    tMul: { default: 2, minimum: 1, description: "Length of a wave over that of the one before" },
    mMul: { default: 1, minimum: 0, description: "Height of a wave over that of the one before" },
    alpha: { default: 0, description: "Least value, as a share of initialLearningRate" },
  },
  check: (options) => checkFloat32(options, ["firstDecaySteps"]),
  rebase: ({ firstDecaySteps }, { period }) => ({ firstDecaySteps: period(firstDecaySteps) }),
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
    // The waves are a geometric series.
    const waveAt = (s: number) => Math.floor(longer === 1 ? s : f(f(log(f(1 - f(s * shrink)))) / logarithm));
    const makeWave = (wave: number): Wave => ({
      length: longer === 1 ? 1 : f(pow(longer, wave)),
      start: longer === 1 ? wave : f(f(1 - f(pow(longer, wave))) / shrink),
      height: f(0.5 * f(pow(lower, wave))),
    });
    // Logarithm and powers are dear, and a wave's stay the same: the first ones are kept, and where they end.
    const kept: Wave[] = [];
    const ends: number[] = [];
    let near = 0;
    const find = (s: number): number => {
      if (!(longer > 1 && s >= 0)) return waveAt(s);
      while (near < mostKept && s >= (ends[near] ??= endOf(near, waveAt))) near += 1;
      while (near > 0 && s < ends[near - 1]) near -= 1;
      return near < mostKept ? near : waveAt(s);
    };
    return Object.assign((step: number) => {
      checkStep("cosine_decay_restarts", step);
      const s = f(f(step) / first);
      const wave = find(s);
      const { length, start, height } = wave >= 0 && wave < mostKept ? kept[wave] ??= makeWave(wave) : makeWave(wave);
      const decayed = f(height * f(1 + f(cos(f(pi * f(f(s - start) / length))))));
      return f(initial * f(f(rest * decayed) + share));
    }, { returns: "value" as const, perGroup: false });
  },
};

const mostKept = 64;

interface Wave {
  readonly length: number;
  /** Sum of the lengths before. */
  readonly start: number;
  readonly height: number;
}

/** The least float32 behind a wave, by bisection of its bits: what the rounded logarithm says, not what the series would. */
function endOf(wave: number, waveAt: (s: number) => number): number {
  const bits = new Int32Array(1);
  const single = new Float32Array(bits.buffer);
  let low = 0;
  let high = 0x7f800000; // infinity
  while (low < high) {
    const middle = (low + high) >>> 1;
    bits[0] = middle;
    if (waveAt(single[0]) > wave) high = middle;
    else low = middle + 1;
  }
  bits[0] = low;
  return single[0];
}

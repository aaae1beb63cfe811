/**
 * Adafactor: Adam's second moment from row and column sums, with a step size relative to the parameter.
 *
 * Shazeer & Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018, https://arxiv.org/abs/1804.04235.
 * Order of operations and defaults follow `transformers.Adafactor` 4.37.2: tensors of two and more dimensions factor over the last two, whatever
 * their size; the first moment averages the update after clipping and scaling; decay uses the scaled step, also where it is negative.
 * 16-bit parameters are widened, and rounded once at the end of a step.
 *
 * @module
 */
import type { OptimizerPlugin, Rule } from "../../core/plugin/contract.ts";

/** Options of {@linkcode adafactor}. */
export interface AdafactorOptions {
  /** External learning rate; null with `relativeStep`. */
  lr?: number | null;
  /** Added to the squared gradient, and least scale of a parameter. */
  eps?: readonly [number, number];
  /** Greatest root mean square of an update before it is scaled. */
  clipThreshold?: number;
  /** Exponent of the step count in the decay of the second moment. */
  decayRate?: number;
  /** Decay of a first moment; null: there is none. */
  beta1?: number | null;
  /** Decoupled decay, by the scaled learning rate. */
  weightDecay?: number;
  /** Scale the learning rate by the root mean square of the parameter. */
  scaleParameter?: boolean;
  /** Learning rate from the step count, instead of `lr`. */
  relativeStep?: boolean;
  /** Start the relative learning rate at 1e-6 a step instead of 1e-2. */
  warmupInit?: boolean;
  /** What `optimizer.readings()` says before the first step, as `AdafactorSchedule`'s `initial_lr`; it steers nothing. */
  initialLr?: number;
}

/**
 * Adam's second moment from row and column sums, with relative step sizes.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adafactor", { w }, { warmupInit: true });
 * optimizer.step({ w: { data: new Float32Array(12).fill(0.1), shape: [4, 3] } });
 * optimizer.readings(); // [1e-6]: the relative learning rate, scaled by the parameter
 * ```
 */
export const adafactor: OptimizerPlugin<"adafactor", AdafactorOptions> = {
  kind: "optimizer",
  name: "adafactor",
  description: "Second moments from row and column sums, relative step sizes; as in transformers 4.37.2",
  source: "https://arxiv.org/abs/1804.04235; transformers.Adafactor 4.37.2",
  options: {
    lr: { default: null, type: ["number", "null"], unit: "rate", description: "External learning rate; null with relativeStep" },
    eps: { default: [1e-30, 1e-3], description: "Added to the squared gradient, and least scale of a parameter" },
    clipThreshold: { default: 1, description: "Greatest root mean square of an update before it is scaled" },
    decayRate: { default: -0.8, description: "Exponent of the step count in the decay of the second moment" },
    beta1: { default: null, type: ["number", "null"], description: "Decay of a first moment; null: there is none" },
    weightDecay: { default: 0, description: "Decoupled decay, by the scaled learning rate; a negative one is applied too" },
    scaleParameter: { default: true, description: "Scale the learning rate by the root mean square of the parameter" },
    relativeStep: { default: true, description: "Learning rate from the step count, instead of lr" },
    warmupInit: { default: false, description: "Start the relative learning rate at 1e-6 a step instead of 1e-2" },
    initialLr: { default: 0, unit: "rate", description: "What readings() says before the first step; it steers nothing" },
  },
  check({ lr, relativeStep, warmupInit, initialLr }) {
    if (relativeStep && lr !== null) {
      throw new RangeError(`Cannot combine lr = ${lr} with relativeStep: set relativeStep to false, or lr to null`);
    }
    if (!relativeStep && warmupInit) throw new RangeError("Cannot use warmupInit without relativeStep");
    // Python's TypeError in the first step, told here at once.
    if (!relativeStep && lr === null) throw new TypeError("Cannot use lr = null without relativeStep: it must be a number");
    if (!relativeStep && initialLr !== 0) {
      throw new RangeError(`Cannot use initialLr = ${initialLr} without relativeStep: there is no relative learning rate to read`);
    }
  },
  rule({ beta1, weightDecay, scaleParameter }, { shape }): Rule {
    const factored = shape.length >= 2;
    return {
      slots: {
        RMS: { shape: "scalar", key: "RMS" },
        ...(factored
          ? { r: { shape: "row", key: "exp_avg_sq_row" }, c: { shape: "col", key: "exp_avg_sq_col" } }
          : { v: { shape: "param", key: "exp_avg_sq" } }),
        ...(beta1 === null ? {} : { m: { shape: "param", key: "exp_avg" } }),
      },
      // The reference's sums into r, c and v are fused. Where RMS is NaN, Python's max(eps2, RMS) is eps2.
      update: `
        RMS = rms(p)
        a = ${scaleParameter ? "rel*where(RMS > eps2, RMS, eps2)" : "rel"}
        s = g*g + eps1
        ${
        factored
          ? `r = fma(1 - beta2t, rowmean(s), beta2t*r)
        c = fma(1 - beta2t, colmean(s), beta2t*c)
        u = 1/sqrt(r/colmean(r))*(1/sqrt(c))*g`
          : `v = fma(1 - beta2t, s, beta2t*v)
        u = 1/sqrt(v)*g`
      }
        u /= max(1, rms(u)/clipThreshold)
        u *= a
        ${
        beta1 === null ? "" : `m = beta1*m + (1 - beta1)*u
        u = m`
      }
        ${weightDecay === 0 ? "p -= u" : "p = (p - weightDecay*a*p) - u"}
      `,
    };
  },
  scalars(options, t, { pow }) {
    const { eps: [eps1, eps2], clipThreshold, decayRate, beta1, weightDecay } = options;
    return { rel: relativeLr(options, t), eps1, eps2, clipThreshold, weightDecay, beta1: beta1 ?? 0, beta2t: 1 - pow(t, decayRate) };
  },
  reading(options, t, { RMS }) {
    // Before the first step nothing scales an external rate yet.
    if (t === 0) return options.relativeStep ? options.initialLr : relativeLr(options, t);
    const [, least] = options.eps;
    return relativeLr(options, t) * (options.scaleParameter ? RMS > least ? RMS : least : 1);
  },
};

function relativeLr({ lr, relativeStep, warmupInit }: Required<AdafactorOptions>, t: number): number {
  // Without relativeStep, check() has seen a number.
  if (!relativeStep) return lr ?? NaN;
  return Math.min(warmupInit ? 1e-6 * t : 1e-2, 1 / Math.sqrt(t));
}

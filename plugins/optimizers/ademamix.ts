/**
 * AdEMAMix: Adam with a second, slow first moment beside the fast one.
 *
 * Pagliardini, Ablin & Grangier, "The AdEMAMix Optimizer: Better, Faster, Older", 2024, https://arxiv.org/abs/2409.03137.
 * Follows pytorch_optimizer 4.1.0's `AdEMAMix`, which adds its decay to the gradient unless `weightDecouple` is set, and counts the optimizer's steps.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode ademamix}. */
export interface AdEMAMixOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the fast first moment, of the second and of the slow first moment. */
  betas?: readonly [number, number, number];
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Share of the slow moment. */
  alpha?: number;
  /** Steps in which alpha and the slow decay rise to their values; null: at once. */
  tAlphaBeta3?: number | null;
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with a slow moment beside the fast one, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("ademamix", { w }, { lr: 1e-3, tAlphaBeta3: 1000 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const ademamix: OptimizerPlugin<"ademamix", AdEMAMixOptions> = {
  kind: "optimizer",
  name: "ademamix",
  description: "Adam with a slow moment beside the fast one, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2409.03137; AdEMAMix of pytorch_optimizer 4.1.0",
  counts: "optimizer",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.9, 0.999, 0.9999],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the fast first moment, of the second and of the slow first moment",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    weightDecouple: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    alpha: { default: 5, minimum: 0, description: "Share of the slow moment" },
    tAlphaBeta3: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      unit: "steps",
      description: "Steps in which alpha and the slow decay rise to their values; null: at once",
    },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  check({ betas: [beta1, , beta3], tAlphaBeta3 }) {
    // The rise is one of half-lives, which a decay of 0 does not have.
    if (tAlphaBeta3 !== null && (beta1 === 0 || beta3 === 0)) {
      throw new RangeError(`Cannot use tAlphaBeta3 with betas[0] = ${beta1} and betas[2] = ${beta3}: both must be above 0`);
    }
  },
  rule({ weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        s: { shape: "param", key: "exp_avg_slow", dtype: moments },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        m  = beta1*m + (1 - beta1)*g
        v  = beta2*v + (1 - beta2)*g*g
        s  = b3*s + (1 - b3)*g
        u  = (m/c1 + a*s) / (sqrt(v)/sqrt(c2) + eps)
        p -= lr*u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2, beta3], weightDecay, alpha, tAlphaBeta3: T, eps }, t, { pow, exp, log }) {
    let [a, b3] = [alpha, beta3];
    if (T !== null) {
      const [ln1, ln3] = [log(beta1), log(beta3)];
      a = Math.min(t * alpha / T, alpha);
      b3 = Math.min(exp(ln1 * ln3 / ((1 - t / T) * ln3 + t / T * ln1)), beta3);
    }
    return { lr, beta1, beta2, b3, a, eps, weightDecay, c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t) };
  },
};

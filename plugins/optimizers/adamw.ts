/**
 * AdamW: Adam with decoupled weight decay.
 *
 * Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019, https://arxiv.org/abs/1711.05101.
 * Order of operations and defaults follow `transformers.AdamW` 4.37.2, which decays after the step, adds eps to the uncorrected root, and ignores
 * a negative decay. With 16-bit moments, which bfloat16 parameters have, results are rounded where the reference rounds.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adamw}. */
export interface AdamWOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Decoupled decay, after the step; negative: none. */
  weightDecay?: number;
  /** Correct the moments' bias; false as in BERT's TensorFlow code. */
  correctBias?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`, in which small gradients do not underflow; null, the default:
   * float32 for float16 parameters, which have no room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with decoupled weight decay, as in transformers.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 5e-5, weightDecay: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adamw: OptimizerPlugin<"adamw", AdamWOptions> = {
  kind: "optimizer",
  name: "adamw",
  description: "Adam with decoupled weight decay, as in transformers 4.37.2",
  source: "https://arxiv.org/abs/1711.05101; transformers.AdamW 4.37.2",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the root of the second moment" },
    weightDecay: { default: 0, description: "Decoupled decay, after the step; negative: none" },
    correctBias: { default: true, description: "Correct the moments' bias; false as in BERT's TensorFlow code" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
      },
      update: dtype === "float32" || moments === "float32"
        ? `
        m  = beta1*m + (1 - beta1)*g
        v  = beta2*v + (1 - beta2)*g*g
        u  = stepSize*m / (sqrt(v) + eps)
        p -= u
        ${weightDecay > 0 ? "p -= lr*weightDecay*p" : ""}
      `
        // Each in-place operation of the reference rounds to 16 bits, its scalars too: so m and v are assigned twice. Its addcmul_ is fused.
        : `
        m  = beta1*m
        m += round(round(1 - beta1)*g)
        v  = beta2*v
        v  = fma((1 - beta2)*g, g, v)
        d  = round(round(sqrt(v)) + round(eps))
        u  = stepSize*m / d
        p -= u
        ${weightDecay > 0 ? "p -= round(round(lr*weightDecay)*p)" : ""}
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, correctBias }, t, { pow }) {
    const correction = Math.sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t));
    const stepSize = correctBias ? lr * correction : lr;
    return { lr, beta1, beta2, eps, weightDecay, stepSize };
  },
};

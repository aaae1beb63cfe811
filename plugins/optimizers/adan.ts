/**
 * Adan: Nesterov momentum by the differences of gradients.
 *
 * Xie et al., "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models", 2022, https://arxiv.org/abs/2208.06677.
 * Follows timm 1.0.31's `Adan`; a caution there leaves out elements of the first moment alone, so that it is an option here and no transform.
 * Steps count per tensor, there per group: a tensor whose gradients come later starts with a difference of 0 all the same.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adan}. */
export interface AdanOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first moment, of the differences and of the second moment. */
  betas?: readonly [number, number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decay: of the result, or of the parameter before the step. */
  weightDecay?: number;
  /** Decay the parameter before the step. */
  noProx?: boolean;
  /** Leave out elements in which first moment and gradient disagree. */
  caution?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adaptive Nesterov momentum, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adan", { w }, { lr: 1e-3, weightDecay: 0.02 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adan: OptimizerPlugin<"adan", AdanOptions> = {
  kind: "optimizer",
  name: "adan",
  description: "Adaptive Nesterov momentum, as in timm",
  source: "https://arxiv.org/abs/2208.06677; Adan of timm 1.0.31",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.98, 0.92, 0.99],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the first moment, of the differences and of the second moment",
    },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay: of the result, or of the parameter before the step" },
    noProx: { default: false, description: "Decay the parameter before the step" },
    caution: { default: false, description: "Leave out elements in which first moment and gradient disagree" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, noProx, caution, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        n: { shape: "param", key: "exp_avg_diff", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        q: { shape: "param", key: "neg_pre_grad", dtype: moments },
      },
      update: `
        d  = where(t == 1, 0, g + q)
        m  = beta1*m + (1 - beta1)*g
        n  = beta2*n + (1 - beta2)*d
        s  = g + beta2*d
        v  = beta3*v + (1 - beta3)*s*s
        q  = -g
        ${caution ? "k  = m*g > 0" : ""}
        a  = ${caution ? "m*k/max(mean(k), 0.001)" : "m"}
        u  = (a/c1 + beta2/c2*n) / (sqrt(v)/sqrt(c3) + eps)
        ${weightDecay > 0 && noProx ? "p *= 1 - lr*weightDecay" : ""}
        p  = ${weightDecay > 0 && !noProx ? "(p - lr*u) / (1 + lr*weightDecay)" : "p - lr*u"}
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2, beta3], eps, weightDecay }, t, { pow }) => (
    { lr, beta1, beta2, beta3, eps, weightDecay, c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t), c3: 1 - pow(beta3, t) }
  ),
};

/**
 * Adamax: Adam by the greatest recent gradient in place of the second moment.
 *
 * Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2014, section 7.1, https://arxiv.org/abs/1412.6980.
 * Follows `torch.optim.Adamax` 2.2.2, which adds eps to the gradient's size before the maximum.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adamax}. */
export interface AdamaxOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first moment and of the greatest gradient. */
  betas?: readonly [number, number];
  /** Added to the gradient's size. */
  eps?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adamax, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adamax", { w }, { lr: 1e-2 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adamax: OptimizerPlugin<"adamax", AdamaxOptions> = {
  kind: "optimizer",
  name: "adamax",
  description: "Adamax, as in PyTorch",
  source: "https://arxiv.org/abs/1412.6980; torch.optim.Adamax 2.2.2",
  options: {
    lr: { default: 2e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.9, 0.999],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the first moment and of the greatest gradient",
    },
    eps: { default: 1e-8, minimum: 0, description: "Added to the gradient's size" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_inf", dtype: moments },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        m += (1 - beta1)*(g - m)
        v  = max(beta2*v, abs(g) + eps)
        u  = m/v
        p -= lr/c1*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }, t, { pow }) => ({ lr, beta1, beta2, eps, weightDecay, c1: 1 - pow(beta1, t) }),
};

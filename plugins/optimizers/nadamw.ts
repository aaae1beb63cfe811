/**
 * NAdamW: AdamW that looks one step ahead along its momentum.
 *
 * Dozat, "Incorporating Nesterov Momentum into Adam", 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ, with the decay of Loshchilov & Hutter,
 * "Decoupled Weight Decay Regularization", 2019, https://arxiv.org/abs/1711.05101.
 * Follows timm 1.0.31's `NAdamW`, which has no schedule of the momentum; its `caution` is transform `cautious`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode nadamw}. */
export interface NAdamWOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decoupled decay, before the step. */
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
 * AdamW with Nesterov momentum, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("nadamw", { w }, { lr: 1e-3, weightDecay: 0.05 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const nadamw: OptimizerPlugin<"nadamw", NAdamWOptions> = {
  kind: "optimizer",
  name: "nadamw",
  description: "AdamW with Nesterov momentum, as in timm",
  source: "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ; https://arxiv.org/abs/1711.05101; NAdamW of timm 1.0.31",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 1e-2, minimum: 0, description: "Decoupled decay, before the step" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, maximize, stateDtype }, { dtype }) {
    return {
      slots: adamMoments(stateDtype, dtype),
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
        m += (1 - beta1)*(g - m)
        v  = beta2*v + (1 - beta2)*g*g
        u  = (beta1*m + (1 - beta1)*g)/c1 / (sqrt(v)/sqrt(c2) + eps)
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }, t, { pow }) => (
    { lr, beta1, beta2, eps, weightDecay, c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t) }
  ),
};

/**
 * ADOPT: Adam that divides by the second moment of the steps before, so that it converges with any beta2.
 *
 * Taniguchi et al., "ADOPT: Modified Adam Can Converge with Any beta2 with the Optimal Rate", 2024, https://arxiv.org/abs/2411.02853.
 * Follows timm 1.0.31's `Adopt`: the first step moves nothing, and step t clips at (t - 1)^clipExp, where the paper has an exponent of 1/4. Its `caution` is
 * transform `cautious`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adopt}. */
export interface AdoptOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Least root of the second moment. */
  eps?: number;
  /** Exponent of the step at which the normalized gradient is clipped; null: nowhere. */
  clipExp?: number | null;
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  decoupled?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam by the second moment of the steps before, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adopt", { w }, { lr: 1e-3, weightDecay: 0.01, decoupled: true });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adopt: OptimizerPlugin<"adopt", AdoptOptions> = {
  kind: "optimizer",
  name: "adopt",
  description: "Adam by the second moment of the steps before, as in timm",
  source: "https://arxiv.org/abs/2411.02853; Adopt of timm 1.0.31",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.9999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-6, minimum: 0, description: "Least root of the second moment" },
    clipExp: {
      default: 0.333,
      type: ["number", "null"],
      description: "Exponent of the step at which the normalized gradient is clipped; null: nowhere",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    decoupled: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ clipExp, weightDecay, decoupled, maximize, stateDtype }, { dtype }) {
    return {
      slots: adamMoments(stateDtype, dtype),
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? decoupled ? "p -= where(t == 1, 0, lr*weightDecay*p)" : "g += weightDecay*p" : ""}
        n  = g/max(sqrt(v), eps)
        ${clipExp === null ? "" : "n  = clamp(n, -clip, clip)"}
        m  = where(t == 1, m, beta1*m + (1 - beta1)*n)
        u  = m
        p -= where(t == 1, 0, lr*u)
        v  = where(t == 1, g*g, beta2*v + (1 - beta2)*g*g)
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, clipExp, weightDecay }, t, { pow }) => (
    { lr, beta1, beta2, eps, weightDecay, clip: t === 1 ? 0 : pow(t - 1, clipExp ?? 0) }
  ),
};

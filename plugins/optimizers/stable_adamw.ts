/**
 * StableAdamW: AdamW whose step shrinks where the gradient is larger than its second moment says.
 *
 * Wortsman et al., "Stable and low-precision training for large-scale vision-language models", 2023, https://arxiv.org/abs/2304.13013.
 * Follows pytorch_optimizer 4.1.0's `StableAdamW`, which corrects the bias in the betas, counts steps per group, and adds up what 16-bit parameters lose
 * (Kahan's sum).
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode stableAdamw}. */
export interface StableAdamWOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Keep what rounding to 16 bits takes from the parameters, and add it later. */
  kahanSum?: boolean;
  /** Decay, decoupled or added to the gradient. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, where float16 parameters have a float32 second moment all the same, or `"float32"`;
   * null, the default: float32 for float16 parameters, which have no room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * AdamW with clipped steps, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("stable_adamw", { w }, { lr: 1e-3, betas: [0.9, 0.95] });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const stableAdamw: OptimizerPlugin<"stable_adamw", StableAdamWOptions> = {
  kind: "optimizer",
  name: "stable_adamw",
  description: "AdamW with clipped steps, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2304.13013; StableAdamW of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    kahanSum: { default: true, description: "Keep what rounding to 16 bits takes from the parameters, and add it later" },
    weightDecay: { default: 1e-2, minimum: 0, description: "Decay, decoupled or added to the gradient" },
    weightDecouple: { default: true, description: "Decay the parameter instead of adding to the gradient" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ kahanSum, weightDecay, weightDecouple, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const isKahan = kahanSum && dtype !== "float32";
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: dtype === "float16" ? "float32" : moments },
        s: isKahan ? { shape: "param", key: "kahan_comp", dtype: "param" } : undefined,
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 && !weightDecouple ? "g += weightDecay*p" : ""}
        m += (1 - beta1)*(g - m)
        v  = beta2*v + (1 - beta2)*g*g
        k  = lr/max(1, sqrt(mean(g*g/max(v, eps*eps))))
        ${weightDecay > 0 && weightDecouple ? "p *= 1 - k*weightDecay" : ""}
        u  = m / (sqrt(v) + eps)
        ${
        isKahan
          ? `s -= k*u
        q  = p
        p += s
        s += q - p`
          : "p -= k*u"
      }
      `,
    };
  },
  scalars({ lr, betas, eps, weightDecay }, t, { pow }) {
    // beta of step t, so that the moments need no correction: 0 in the first.
    const [beta1, beta2] = betas.map((beta) => beta * (1 - pow(beta, t - 1)) / (1 - pow(beta, t)));
    return { lr, beta1, beta2, eps, weightDecay };
  },
};

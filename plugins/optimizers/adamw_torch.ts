/**
 * AdamW as PyTorch has it.
 *
 * Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019, https://arxiv.org/abs/1711.05101; `amsgrad` from
 * Reddi et al., "On the Convergence of Adam and Beyond", 2018, https://arxiv.org/abs/1904.09237.
 * Order of operations and defaults follow `torch.optim.AdamW` 2.2.2, which decays before the step and adds eps to the corrected root.
 * With 16-bit moments, which bfloat16 parameters have, results are rounded where the reference rounds. `fused` is the arithmetic of its fused kernel for
 * CPUs (torch 2.15.0), whose sums of squares are multiplied and added in one rounding, and which rounds to 16 bits where it stores and nowhere else.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adamwTorch}. */
export interface AdamWTorchOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decoupled decay, before the step. */
  weightDecay?: number;
  /** Divide by the largest second moment so far. */
  amsgrad?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /** As PyTorch's fused kernel computes: in 16 bits it rounds where it stores and nowhere else, which takes less time. */
  fused?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`, in which small gradients do not underflow; null, the default:
   * float32 for float16 parameters, which have no room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with decoupled weight decay, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adamw_torch", { w }, { lr: 1e-3, amsgrad: true });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adamwTorch: OptimizerPlugin<"adamw_torch", AdamWTorchOptions> = {
  kind: "optimizer",
  name: "adamw_torch",
  description: "Adam with decoupled weight decay, as in PyTorch",
  source: "https://arxiv.org/abs/1711.05101; https://arxiv.org/abs/1904.09237; torch.optim.AdamW 2.2.2",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 1e-2, minimum: 0, description: "Decoupled decay, before the step" },
    amsgrad: { default: false, description: "Divide by the largest second moment so far" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    fused: { default: false, description: "As PyTorch's fused kernel computes: in 16 bits it rounds once a store" },
    stateDtype: stateDtypeSpec,
  },
  rule({ betas: [beta1], weightDecay, amsgrad, maximize, fused, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const w = amsgrad ? "w" : "v";
    // torch's lerp_ has two forms, so that neither end of it is lost.
    const lerp = 1 - beta1 < 0.5 ? "m += (1 - beta1)*(g - m)" : "m  = fma(m - g, rest, g)";
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        ...(amsgrad ? { w: { shape: "param", key: "max_exp_avg_sq", dtype: moments } as const } : {}),
      },
      update: fused
        // What is stored is computed on in float32: n, k and q are m, v and p before they are rounded.
        ? `
          ${maximize ? "g  = -g" : ""}
          q  = ${weightDecay > 0 ? "p*(1 - lr*weightDecay)" : "p"}
          n  = ${1 - beta1 < 0.5 ? "fma(1 - beta1, g - m, m)" : "fma(m - g, rest, g)"}
          k  = fma((1 - beta2)*g, g, beta2*v)
          x  = ${amsgrad ? "max(w, k)" : "k"}
          u  = lr/c1*n / (sqrt(x)/sqrt(c2) + eps)
          p  = q - u
          m  = n
          v  = k
          ${amsgrad ? "w  = x" : ""}
        `
        : dtype === "float32" || moments === "float32"
        ? `
          ${maximize ? "g  = -g" : ""}
          ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
          ${lerp}
          v  = beta2*v + (1 - beta2)*g*g
          ${amsgrad ? "w  = max(w, v)" : ""}
          u  = lr/c1*m / (sqrt(${w})*(1/sqrt(c2)) + eps)
          p -= u
        `
        // Each in-place operation rounds to 16 bits; lerp_ and addcmul_ are fused.
        : `
          ${maximize ? "g  = -g" : ""}
          ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
          ${1 - beta1 < 0.5 ? "m  = fma(1 - beta1, g - m, m)" : lerp}
          v  = beta2*v
          v  = fma((1 - beta2)*g, g, v)
          ${amsgrad ? "w  = max(w, v)" : ""}
          u  = lr/c1*m / round(round(round(sqrt(${w}))/sqrt(c2)) + eps)
          p -= u
        `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }, t, { pow }) => ({
    lr,
    beta1,
    beta2,
    eps,
    weightDecay,
    rest: 1 - Math.fround(1 - beta1),
    c1: 1 - pow(beta1, t),
    c2: 1 - pow(beta2, t),
  }),
};

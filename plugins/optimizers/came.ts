/**
 * CAME: Adafactor's factors with momentum, trusted less where momentum and update disagree.
 *
 * Luo et al., "CAME: Confidence-guided Adaptive Memory Efficient Optimization", 2023, https://arxiv.org/abs/2307.02047.
 * Follows pytorch_optimizer 4.1.0's `CAME`, whose decay is decoupled; `RMS` is kept for who reads states, and steers nothing. Tensors of rank 0 and 1 have
 * neither factors nor confidence. `amsBound` keeps the greatest root of the second moment and takes the root of that again, as there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode came}. */
export interface CameOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first moment, of the second and of the confidence. */
  betas?: readonly [number, number, number];
  /** Decay of the parameter, before the step. */
  weightDecay?: number;
  /** A decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Greatest root mean square of the update. */
  clipThreshold?: number;
  /** Divide by the greatest root of the second moment so far. */
  amsBound?: boolean;
  /** Added to the squares of the gradient. */
  eps1?: number;
  /** Added to the squares of what momentum and update differ by. */
  eps2?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Factored moments guided by confidence, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("came", { w }, { lr: 2e-4, weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const came: OptimizerPlugin<"came", CameOptions> = {
  kind: "optimizer",
  name: "came",
  description: "Factored moments guided by confidence, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2307.02047; CAME of pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 2e-4, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.9, 0.999, 0.9999],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the first moment, of the second and of the confidence",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay of the parameter, before the step" },
    fixedDecay: { default: false, description: "A decay that is not multiplied by the learning rate" },
    clipThreshold: { default: 1, exclusiveMinimum: 0, description: "Greatest root mean square of the update" },
    amsBound: { default: false, description: "Divide by the greatest root of the second moment so far" },
    eps1: { default: 1e-30, minimum: 0, description: "Added to the squares of the gradient" },
    eps2: { default: 1e-16, minimum: 0, description: "Added to the squares of what momentum and update differ by" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, fixedDecay, amsBound, maximize, stateDtype }, { shape, dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const factored = shape.length >= 2;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: factored ? undefined : { shape: "param", key: "exp_avg_sq", dtype: moments },
        r: factored ? { shape: "row", key: "exp_avg_sq_row", dtype: moments } : undefined,
        c: factored ? { shape: "col", key: "exp_avg_sq_col", dtype: moments } : undefined,
        a: factored ? { shape: "row", key: "exp_avg_res_row", dtype: moments } : undefined,
        b: factored ? { shape: "col", key: "exp_avg_res_col", dtype: moments } : undefined,
        w: amsBound ? { shape: "param", key: "exp_avg_sq_hat", dtype: moments } : undefined,
        RMS: { shape: "scalar", key: "RMS" },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        RMS = rms(p)
        s  = g*g + eps1
        ${
        factored
          ? `r  = beta2*r + (1 - beta2)*rowmean(s)
        c  = beta2*c + (1 - beta2)*colmean(s)
        u  = 1/sqrt(r/colmean(r))*(1/sqrt(c))`
          : `v  = beta2*v + (1 - beta2)*s
        u  = 1/sqrt(v)`
      }
        ${amsBound ? "w  = max(w, 1/u)" : ""}
        ${amsBound ? "u  = 1/sqrt(w/beta2)" : ""}
        u *= g
        u /= max(1, rms(u)/clipThreshold)
        m  = beta1*m + (1 - beta1)*u
        ${
        factored
          ? `e  = (u - m)*(u - m) + eps2
        a  = beta3*a + (1 - beta3)*rowmean(e)
        b  = beta3*b + (1 - beta3)*colmean(e)
        u  = 1/sqrt(a/colmean(a))*(1/sqrt(b))*m`
          : "u  = m"
      }
        ${weightDecay > 0 ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : ""}
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2, beta3], weightDecay, clipThreshold, eps1, eps2 }) => (
    { lr, beta1, beta2, beta3, weightDecay, clipThreshold, eps1, eps2 }
  ),
};

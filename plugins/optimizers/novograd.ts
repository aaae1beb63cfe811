/**
 * NovoGrad: a momentum of gradients that are divided by their tensor's norm.
 *
 * Ginsburg et al., "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep Networks", 2019, https://arxiv.org/abs/1905.11286.
 * Follows timm 1.0.31's `NvNovoGrad`, NVIDIA's: no bias is corrected, and the first norm is taken as it is. pytorch_optimizer 4.1.0 copies the first
 * gradient into the momentum, whatever `gradAveraging` says. timm's `corrected_weight_decay`, a decay by the square of a scheduled rate over the first,
 * is left out.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode novograd}. */
export interface NovoGradOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum and of the squared norm. */
  betas?: readonly [number, number];
  /** Added to the norm. */
  eps?: number;
  /** Decay, added to the normalized gradient or decoupled. */
  weightDecay?: number;
  /** Weigh the gradient by 1 - beta1 in the momentum. */
  gradAveraging?: boolean;
  /** Divide by the greatest norm so far. */
  amsgrad?: boolean;
  /** Decay the parameter instead of adding to the gradient. */
  decoupledDecay?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * A momentum of gradients divided by their norm, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("novograd", { w }, { lr: 1e-2, weightDecay: 1e-3 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const novograd: OptimizerPlugin<"novograd", NovoGradOptions> = {
  kind: "optimizer",
  name: "novograd",
  description: "A momentum of gradients divided by their norm, as in timm",
  source: "https://arxiv.org/abs/1905.11286; NvNovoGrad of timm 1.0.31",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.95, 0.98], minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum and of the squared norm" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the norm" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the normalized gradient or decoupled" },
    gradAveraging: { default: false, description: "Weigh the gradient by 1 - beta1 in the momentum" },
    amsgrad: { default: false, description: "Divide by the greatest norm so far" },
    decoupledDecay: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, gradAveraging, amsgrad, decoupledDecay, stateDtype }, { dtype }) {
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: momentDtype(stateDtype, dtype) },
        v: { shape: "scalar", key: "exp_avg_sq" },
        w: amsgrad ? { shape: "scalar", key: "max_exp_avg_sq" } : undefined,
      },
      update: `
        n  = sum(g*g)
        v  = where(v == 0, n, beta2*v + (1 - beta2)*n)
        ${amsgrad ? "w  = max(w, v)" : ""}
        ${weightDecay > 0 && decoupledDecay ? "p *= 1 - lr*weightDecay" : ""}
        d  = g/(sqrt(${amsgrad ? "w" : "v"}) + eps)
        ${weightDecay > 0 && !decoupledDecay ? "d += weightDecay*p" : ""}
        m  = beta1*m + ${gradAveraging ? "(1 - beta1)*d" : "d"}
        u  = m
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }) => ({ lr, beta1, beta2, eps, weightDecay }),
};

/**
 * RMSprop: the gradient over the root of its running mean square.
 *
 * Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012; `centered` from Graves, "Generating Sequences With Recurrent Neural
 * Networks", 2013, https://arxiv.org/abs/1308.0850.
 * Follows `torch.optim.RMSprop` 2.2.2, which adds eps to the root. A centered mean square that rounding has made negative gives NaN, as there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode rmsprop}. */
export interface RMSpropOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the mean square. */
  alpha?: number;
  /** Added to the root of the mean square. */
  eps?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Share of the last step that goes on. */
  momentum?: number;
  /** Take the square of the mean gradient off the mean square. */
  centered?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * RMSprop, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("rmsprop", { w }, { lr: 1e-2, momentum: 0.9 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const rmsprop: OptimizerPlugin<"rmsprop", RMSpropOptions> = {
  kind: "optimizer",
  name: "rmsprop",
  description: "RMSprop, as in PyTorch",
  source: "https://arxiv.org/abs/1308.0850; torch.optim.RMSprop 2.2.2",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    alpha: { default: 0.99, minimum: 0, description: "Decay of the mean square" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the mean square" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    momentum: { default: 0, minimum: 0, description: "Share of the last step that goes on" },
    centered: { default: false, description: "Take the square of the mean gradient off the mean square" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, momentum, centered, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        v: { shape: "param", key: "square_avg", dtype: moments },
        a: centered ? { shape: "param", key: "grad_avg", dtype: moments } : undefined,
        b: momentum > 0 ? { shape: "param", key: "momentum_buffer", dtype: moments } : undefined,
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        v  = alpha*v + (1 - alpha)*g*g
        ${centered ? "a += (1 - alpha)*(g - a)" : ""}
        u  = g / (sqrt(${centered ? "v - a*a" : "v"}) + eps)
        ${momentum > 0 ? "b  = momentum*b + u" : ""}
        ${momentum > 0 ? "u  = b" : ""}
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, alpha, eps, weightDecay, momentum }) => ({ lr, alpha, eps, weightDecay, momentum }),
};

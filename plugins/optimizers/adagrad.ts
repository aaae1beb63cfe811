/**
 * Adagrad: the gradient over the root of the sum of its squares.
 *
 * Duchi, Hazan & Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011, https://jmlr.org/papers/v12/duchi11a.html.
 * Follows `torch.optim.Adagrad` 2.2.2.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adagrad}. */
export interface AdagradOptions {
  /** Learning rate. */
  lr?: number;
  /** How fast the learning rate falls: 1 / (1 + (t - 1) lrDecay). */
  lrDecay?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** What the sum of squares starts at. */
  initialAccumulatorValue?: number;
  /** Added to the root of the sum. */
  eps?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adagrad, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adagrad", { w }, { lr: 1e-2 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adagrad: OptimizerPlugin<"adagrad", AdagradOptions> = {
  kind: "optimizer",
  name: "adagrad",
  description: "Adagrad, as in PyTorch",
  source: "https://jmlr.org/papers/v12/duchi11a.html; torch.optim.Adagrad 2.2.2",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    lrDecay: { default: 0, minimum: 0, description: "How fast the learning rate falls: 1 / (1 + (t - 1) lrDecay)" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    initialAccumulatorValue: { default: 0, minimum: 0, description: "What the sum of squares starts at" },
    eps: { default: 1e-10, minimum: 0, description: "Added to the root of the sum" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, initialAccumulatorValue, maximize, stateDtype }, { dtype }) {
    return {
      slots: { v: { shape: "param", key: "sum", init: initialAccumulatorValue, dtype: momentDtype(stateDtype, dtype) } },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        v += g*g
        u  = g / (sqrt(v) + eps)
        p -= lrt*u
      `,
    };
  },
  scalars: ({ lr, lrDecay, eps, weightDecay }, t) => ({ lrt: lr / (1 + (t - 1) * lrDecay), eps, weightDecay }),
};

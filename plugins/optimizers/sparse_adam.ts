/**
 * Adam for embeddings: rows without a gradient stand still, and so do their moments.
 *
 * Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2014, https://arxiv.org/abs/1412.6980.
 * Follows `torch.optim.SparseAdam` 2.15.0, which masks it by the rows that a gradient has.
 * A row without a gradient is one whose numbers are all 0: PyTorch, which takes sparse gradients alone, moves a row that is named with zeros. `t` counts the
 * steps in which the tensor had a gradient, as there, so that a row that is seen for the first time late is corrected by a late step's factors.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode sparseAdam}. */
export interface SparseAdamOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of the moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters alone. */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam in which rows without a gradient stand still, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const embedding = { data: new Float32Array(15).fill(1), shape: [5, 3] };
 * using optimizer = builtins.createOptimizer("sparse_adam", { embedding });
 * optimizer.step({ embedding: { indices: Int32Array.of(3), values: Float32Array.of(1, 2, 3) } }); // row 3 has moved
 * ```
 */
export const sparseAdam: OptimizerPlugin<"sparse_adam", SparseAdamOptions> = {
  kind: "optimizer",
  name: "sparse_adam",
  description: "Adam in which rows without a gradient stand still, as in PyTorch",
  source: "https://arxiv.org/abs/1412.6980; torch.optim.SparseAdam 2.15.0",
  options: {
    lr: { default: 1e-3, exclusiveMinimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, exclusiveMinimum: 0, description: "Added to the root of the second moment" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule({ maximize, stateDtype }, { shape, dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const [rows = 1, ...rest] = shape;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
      },
      matrix: [1, rows, rest.reduce((n, length) => n * length, 1)],
      update: `
        ${maximize ? "g = -g" : ""}
        k  = rowmax(abs(g))
        m  = where(k == 0, m, m + (1 - beta1)*(g - m))
        v  = where(k == 0, v, v + (1 - beta2)*(g*g - v))
        u  = where(k == 0, 0, m/(sqrt(v) + eps))
        p -= stepSize*u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps }, t, { pow }) {
    return { stepSize: lr * Math.sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)), beta1, beta2, eps };
  },
};

/**
 * SM3: Adagrad with a number for each row and each column in place of one for each element.
 *
 * Anil et al., "Memory-Efficient Adaptive Optimization", 2019, https://arxiv.org/abs/1901.11150, its variant SM3-II.
 * Follows pytorch_optimizer 4.1.0's `SM3` for scalars, vectors and matrices. A tensor of higher rank is taken as a matrix of its first dimension and all
 * others together, where the reference keeps a vector for each dimension: both are covers in the paper's sense, and this one is the finer.
 *
 * @module
 */
import type { OptimizerPlugin, Rule } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode sm3}. */
export interface Sm3Options {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum; 0: none, and no memory for it. */
  momentum?: number;
  /** Decay of the squares; 0: they add up, as in the paper. */
  beta?: number;
  /** Added to the squares. */
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
 * Adagrad by rows and columns, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("sm3", { w }, { lr: 0.1, momentum: 0.9 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const sm3: OptimizerPlugin<"sm3", Sm3Options> = {
  kind: "optimizer",
  name: "sm3",
  description: "Adagrad with a number for each row and column, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/1901.11150; SM3 of pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 0.1, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum; 0: none, and no memory for it" },
    beta: { default: 0, minimum: 0, maximum: 1, description: "Decay of the squares; 0: they add up, as in the paper" },
    eps: { default: 1e-30, minimum: 0, description: "Added to the squares" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ momentum, beta, maximize, stateDtype }, { shape, dtype }): Rule {
    const moments = momentDtype(stateDtype, dtype);
    const [rows = 1, ...others] = shape;
    const covered = others.length > 0;
    // The reference takes no maximum where a tensor has no dimension.
    const keeps = beta > 0 && shape.length > 0;
    const squares = covered
      ? `w  = ${beta > 0 ? "beta*min(r, c) + (1 - beta)*g*g" : "min(r, c) + g*g"}
        r  = ${keeps ? "max(r, rowmax(w))" : "rowmax(w)"}
        c  = ${keeps ? "max(c, colmax(w))" : "colmax(w)"}`
      : `w  = ${beta > 0 ? "beta*v + (1 - beta)*g*g" : "v + g*g"}
        v  = ${keeps ? "max(v, w)" : "w"}`;
    return {
      matrix: covered ? [1, rows, others.reduce((product, side) => product * side, 1)] : undefined,
      slots: {
        v: covered ? undefined : { shape: "param", key: "accumulator_0", dtype: moments },
        r: covered ? { shape: "row", key: "accumulator_0", dtype: moments } : undefined,
        c: covered ? { shape: "col", key: "accumulator_1", dtype: moments } : undefined,
        m: momentum > 0 ? { shape: "param", key: "momentum_buffer", dtype: moments } : undefined,
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${squares}
        u  = 1/sqrt(w + eps)*g
        ${momentum > 0 ? "m += (1 - momentum)*(u - m)" : ""}
        ${momentum > 0 ? "u  = m" : ""}
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, momentum, beta, eps }) => ({ lr, momentum, beta, eps }),
};

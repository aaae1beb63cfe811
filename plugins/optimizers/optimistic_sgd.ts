/**
 * Optimistic gradient descent: the gradient and by how much it changed, which damps the circling of games with two players.
 *
 * Mokhtari et al., "A Unified Analysis of Extra-gradient and Optimistic Gradient Methods for Saddle Point Problems: Proximal Point Approach", 2019,
 * https://arxiv.org/abs/1901.08511.
 * Follows optax 0.2.8's `optimistic_gradient_descent`; optax asks for a learning rate, the default here is that of PyTorch's SGD.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode optimisticSgd}. */
export interface OptimisticSgdOptions {
  /** Learning rate. */
  lr?: number;
  /** Weight of the gradient. */
  alpha?: number;
  /** Weight of its change. */
  beta?: number;
  /**
   * Element type of the gradient that is kept: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters,
   * and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * The gradient and its change, as in optax.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("optimistic_sgd", { w }, { lr: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const optimisticSgd: OptimizerPlugin<"optimistic_sgd", OptimisticSgdOptions> = {
  kind: "optimizer",
  name: "optimistic_sgd",
  description: "The gradient and its change, as in optax",
  source: "https://arxiv.org/abs/1901.08511; optimistic_gradient_descent of optax 0.2.8",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    alpha: { default: 1, description: "Weight of the gradient" },
    beta: { default: 1, description: "Weight of its change" },
    stateDtype: stateDtypeSpec,
  },
  rule: ({ stateDtype }, { dtype }) => ({
    slots: { q: { shape: "param", key: "previous_gradient", dtype: momentDtype(stateDtype, dtype) } },
    update: `
      u  = (alpha + beta)*g - beta*where(t == 1, g, q)
      p -= lr*u
      q  = g
    `,
  }),
  scalars: ({ lr, alpha, beta }) => ({ lr, alpha, beta }),
};

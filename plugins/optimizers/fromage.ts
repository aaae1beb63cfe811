/**
 * Fromage: gradient descent whose step is a share of its tensor's norm, and that shrinks the tensor so that it does not grow.
 *
 * Bernstein et al., "On the distance between two neural networks and the stability of learning", 2020, https://arxiv.org/abs/2002.03432.
 * Follows optax 0.2.8's `fromage`, whose norms are at least `minNorm`; optax asks for a learning rate, the default here is the paper's.
 * pytorch_optimizer 4.1.0's `Fromage` is the same with `minNorm: 0`, where a norm of 0 leaves the gradient as it is; `pBound` is its own.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode fromage}. */
export interface FromageOptions {
  /** Learning rate: the step's share of the tensor's norm. */
  lr?: number;
  /** Least norm of a tensor and of its gradient. */
  minNorm?: number;
  /** Greatest norm of a tensor, over its first; null: any. */
  pBound?: number | null;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
}

/**
 * Steps that are a share of the tensor's norm, as in optax.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("fromage", { w }, { lr: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const fromage: OptimizerPlugin<"fromage", FromageOptions> = {
  kind: "optimizer",
  name: "fromage",
  description: "Steps that are a share of the tensor's norm, as in optax",
  source: "https://arxiv.org/abs/2002.03432; fromage of optax 0.2.8",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate: the step's share of the tensor's norm" },
    minNorm: { default: 1e-6, minimum: 0, description: "Least norm of a tensor and of its gradient" },
    pBound: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      description: "Greatest norm of a tensor, over its first; null: any",
    },
    maximize: { default: false, description: "Go up the gradient instead of down" },
  },
  rule({ pBound, maximize }) {
    return {
      slots: { b: pBound === null ? undefined : { shape: "scalar", key: "max" } },
      update: `
        ${maximize ? "g  = -g" : ""}
        w  = max(norm(p), minNorm)
        n  = max(norm(g), minNorm)
        ${pBound === null ? "" : "b  = where(t == 1, pBound*norm(p), b)"}
        u  = where(w > 0, where(n > 0, w/n, 1), 1)*g
        p += (shrink - 1)*p - lr*shrink*u
        ${pBound === null ? "" : "h  = norm(p)"}
        ${pBound === null ? "" : "p *= where(h > b, b/h, 1)"}
      `,
    };
  },
  scalars: ({ lr, minNorm, pBound }) => ({ lr, minNorm, pBound: pBound ?? 0, shrink: 1 / Math.sqrt(1 + lr * lr) }),
};

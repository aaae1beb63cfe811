/**
 * Clips all gradients by the norm of all of them together, by exactly that.
 *
 * As `tf.clip_by_global_norm` and optax's `clip_by_global_norm`: `maxNorm / max(norm, maxNorm)`, without the 1e-6 of PyTorch, which
 * `clip_global_norm` has. A norm that is NaN or infinite makes all gradients NaN, as there.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode clipByGlobalNorm}. */
export interface ClipByGlobalNormOptions {
  /** Largest norm of all gradients together. */
  maxNorm: number;
}

/**
 * Scales all gradients down to a common norm of maxNorm, as TensorFlow does.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "clip_by_global_norm", options: { maxNorm: 1 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "adamw" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) }); // stepped by [0.6, 0.8]
 * ```
 */
export const clipByGlobalNorm: TransformPlugin<"clip_by_global_norm", ClipByGlobalNormOptions> = {
  kind: "transform",
  name: "clip_by_global_norm",
  description: "Scales all gradients down to a common norm of maxNorm, as TensorFlow does",
  source: "tf.clip_by_global_norm; clip_by_global_norm of optax 0.2",
  options: {
    maxNorm: {
      type: "number",
      exclusiveMinimum: 0,
      description: "Largest norm of all gradients together; to clip nothing, leave the transform out",
    },
  },
  check: ({ maxNorm }) => checkBound("maxNorm", maxNorm),
  rule: () => ({
    slots: { norm: { shape: "group", key: null, init: NaN } },
    before: `
      norm = allnorm(g)
      g   *= maxNorm/max(norm, maxNorm) + (norm - norm)   # 0, or NaN
    `,
  }),
  scalars: ({ maxNorm }) => ({ maxNorm }),
  reading: (_, { norm }) => ({ norm }),
};

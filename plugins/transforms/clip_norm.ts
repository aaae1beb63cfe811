/**
 * Clips each tensor's gradient by its own norm.
 *
 * `min(1, maxNorm / (norm + 1e-6))`, as `torch.nn.utils.clip_grad_norm_` does for one tensor. A norm that is no number makes all of the tensor NaN,
 * as there. The reading `norm` is the largest of the tensors' norms.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode clipNorm}. */
export interface ClipNormOptions {
  /** Largest norm of a tensor's gradient. */
  maxNorm: number;
}

/**
 * Scales each tensor's gradient down to a norm of at most maxNorm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "clip_norm", options: { maxNorm: 1 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "adamw" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) }); // stepped by the clipped gradient
 * ```
 */
export const clipNorm: TransformPlugin<"clip_norm", ClipNormOptions> = {
  kind: "transform",
  name: "clip_norm",
  description: "Scales each tensor's gradient down to a norm of at most maxNorm",
  source: "torch.nn.utils.clip_grad_norm_, of one tensor",
  options: {
    maxNorm: {
      type: "number",
      exclusiveMinimum: 0,
      description: "Largest norm of a tensor's gradient; to clip nothing, leave the transform out",
    },
  },
  check: ({ maxNorm }) => checkBound("maxNorm", maxNorm),
  rule: () => ({
    slots: { most: { shape: "group", key: null, init: NaN } },
    before: `
      n    = norm(g)
      most = allmax(n)
      g   *= min(1, maxNorm/(n + 1e-6))
    `,
  }),
  scalars: ({ maxNorm }) => ({ maxNorm }),
  reading: (_, { most }) => ({ norm: most }),
};

/**
 * Clips all gradients by the norm of all of them together.
 *
 * Pascanu et al., "On the difficulty of training recurrent neural networks", 2013, https://arxiv.org/abs/1211.5063.
 * `min(1, maxNorm / (norm + 1e-6))`, as `torch.nn.utils.clip_grad_norm_`; a norm that is no number makes all gradients NaN, as there.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode clipGlobalNorm}. */
export interface ClipGlobalNormOptions {
  /** Largest norm of all gradients together. */
  maxNorm: number;
}

/**
 * Scales all gradients down to a common norm of at most maxNorm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "clip_global_norm", options: { maxNorm: 1 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "adamw" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) }); // stepped by the clipped gradient
 * ```
 */
export const clipGlobalNorm: TransformPlugin<"clip_global_norm", ClipGlobalNormOptions> = {
  kind: "transform",
  name: "clip_global_norm",
  description: "Scales all gradients down to a common norm of at most maxNorm",
  source: "https://arxiv.org/abs/1211.5063; torch.nn.utils.clip_grad_norm_",
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
      g   *= min(1, maxNorm/(norm + 1e-6))
    `,
  }),
  scalars: ({ maxNorm }) => ({ maxNorm }),
  reading: (_, { norm }) => ({ norm }),
};

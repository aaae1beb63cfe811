/**
 * Clips the gradients of each group by the norm of that group.
 *
 * `torch.nn.utils.clip_grad_norm_` called for each group of parameters: `min(1, maxNorm / (norm + 1e-6))`. The reading `norm` is the largest of the
 * groups' norms.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode clipGroupNorm}. */
export interface ClipGroupNormOptions {
  /** Largest norm of a group's gradients together. */
  maxNorm: number;
}

/**
 * Scales the gradients of each group down to a common norm of at most maxNorm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const recipe = {
 *   optimizer: { name: "adamw" },
 *   groups: [{ match: ["head"] }], // the head by itself, the rest by itself
 *   transforms: [{ name: "clip_group_norm", options: { maxNorm: 1 } }],
 * };
 * using trainer = builtins.createTrainer({ w: new Float32Array(2), head: new Float32Array(2) }, recipe);
 * trainer.add({ w: new Float32Array([3, 4]), head: new Float32Array([0.3, 0.4]) }); // w is clipped
 * ```
 */
export const clipGroupNorm: TransformPlugin<"clip_group_norm", ClipGroupNormOptions> = {
  kind: "transform",
  name: "clip_group_norm",
  description: "Scales the gradients of each group down to a common norm of at most maxNorm",
  source: "torch.nn.utils.clip_grad_norm_, of each group",
  options: {
    maxNorm: {
      type: "number",
      exclusiveMinimum: 0,
      description: "Largest norm of a group's gradients together; to clip nothing, leave the transform out",
    },
  },
  check: ({ maxNorm }) => checkBound("maxNorm", maxNorm),
  rule: () => ({
    slots: { most: { shape: "group", key: null, init: NaN } },
    before: `
      n    = groupnorm(g)
      each = max(n, 0*size)   # a number per tensor, as sums over all take them
      most = allmax(each)
      g   *= min(1, maxNorm/(n + 1e-6))
    `,
  }),
  scalars: ({ maxNorm }) => ({ maxNorm }),
  reading: (_, { most }) => ({ norm: most }),
};

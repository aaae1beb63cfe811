/**
 * Grams: the size of the update from the rule, its direction from the gradient.
 *
 * Cao et al., "Grams: Gradient Descent with Adaptive Momentum Scaling", 2024, https://arxiv.org/abs/2412.17107. Behind `adamw_torch` it is
 * pytorch_optimizer's `Grams`. Where the gradient is 0 the parameter stands still.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode grams}: there are none. */
export type GramsOptions = Record<string, never>;

/**
 * Turns each element of the update to the gradient's side.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const recipe = { optimizer: { name: "adamw_torch" }, transforms: [{ name: "grams" }] };
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, recipe);
 * trainer.add({ w: new Float32Array([3, 4]) });
 * ```
 */
export const grams: TransformPlugin<"grams", GramsOptions> = {
  kind: "transform",
  name: "grams",
  description: "The update's size, the gradient's direction",
  source: "https://arxiv.org/abs/2412.17107; Grams of pytorch_optimizer 4.1.0",
  options: {},
  rule: () => ({ after: "u = abs(u)*sign(g)" }),
};

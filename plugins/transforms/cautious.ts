/**
 * Cautious updates: only where update and gradient agree in sign, the rest scaled up to make good for it.
 *
 * Liang et al., "Cautious Optimizers: Improving Training with One Line of Code", 2024, https://arxiv.org/abs/2411.16085. As `caution=True` in timm 1.0:
 * the mask is divided by its mean, which counts as 0.001 at least. That mean takes a pass of its own, over slots that the rule has already
 * overwritten.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode cautious}: there are none. */
export type CautiousOptions = Record<string, never>;

/**
 * Leaves out the elements in which update and gradient disagree.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "cautious" }]; // C-Lion
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "lion" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) });
 * ```
 */
export const cautious: TransformPlugin<"cautious", CautiousOptions> = {
  kind: "transform",
  name: "cautious",
  description: "Leaves out the elements in which update and gradient disagree",
  source: "https://arxiv.org/abs/2411.16085; caution of timm 1.0",
  options: {},
  rule: () => ({
    after: `
      k  = u*g > 0
      u *= k/max(mean(k), 0.001)
    `,
  }),
};

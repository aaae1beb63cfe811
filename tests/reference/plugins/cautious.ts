/**
 * Cautious updates: only where update and gradient agree in sign, the rest scaled up to make good for it.
 *
 * Liang et al., "Cautious Optimizers", 2024, https://arxiv.org/abs/2411.16085; timm's `caution=True`.
 * The mean of the mask takes a pass of its own, over slots that the rule has already overwritten.
 *
 * @module
 */
import type { TransformPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode cautious}: there are none. */
export type CautiousOptions = Record<string, never>;

/** Leaves out the elements in which update and gradient disagree. */
export const cautious: TransformPlugin<"cautious", CautiousOptions> = {
  kind: "transform",
  name: "cautious",
  description: "Leaves out the elements in which update and gradient disagree",
  options: {},
  rule: () => ({
    after: `
      k  = u*g > 0
      u *= k/max(mean(k), 0.001)
    `,
  }),
};

/**
 * SAM: the gradient is taken a little uphill, the step from where one stood. `optimizer.run("ascend", grads)` goes uphill, the next step goes back first.
 *
 * Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2020, https://arxiv.org/abs/2010.01412.
 *
 * @module
 */
import type { TransformPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode sam}. */
export interface SamOptions {
  /** How far uphill. */
  rho?: number;
}

/** Sharpness-aware minimization around any rule. */
export const sam: TransformPlugin<"sam", SamOptions> = {
  kind: "transform",
  name: "sam",
  description: "Gradients from a little uphill",
  options: { rho: { default: 0.05, minimum: 0, description: "How far uphill" } },
  rule: () => ({
    slots: { q: { shape: "param", key: "old_p", init: "p" } },
    also: {
      ascend: `
        n  = allnorm(g)
        q  = p
        p += rho*g/(n + 1e-12)
      `,
    },
    before: "p = q",
    // A step without an ascent must not go back to the place of the last one.
    last: "q = p",
  }),
  scalars: ({ rho }) => ({ rho }),
};

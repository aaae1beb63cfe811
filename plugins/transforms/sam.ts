/**
 * SAM: the gradient is taken a little uphill, the step from where one stood.
 *
 * Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization", 2020, https://arxiv.org/abs/2010.01412; adaptive: Kwon et al.,
 * "ASAM", 2021, https://arxiv.org/abs/2102.11600. As `SAM` of pytorch_optimizer 4.1.0 and of davda54/sam: `optimizer.run("ascend", grads)` is
 * `first_step`, the next step goes back first and is `second_step`. A step without an ascent is a plain one.
 *
 * Where a step is missing, as when a transform held it back, the next ascent starts from where one stood before the last. (There it would start
 * uphill, and drift.)
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode sam}. */
export interface SamOptions {
  /** How far uphill; default 0.05. */
  rho?: number;
  /** Whether each parameter's way is in proportion to its size; default false. */
  adaptive?: boolean;
}

/**
 * Sharpness-aware minimization around any rule, by the entry `"ascend"`.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([1, 2]);
 * const gradient = () => ({ w: w.map((x) => 2 * x) }); // of the sum of squares
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 0.1 }, { transforms: [{ name: "sam", options: { rho: 0.5 } }] });
 * optimizer.run("ascend", gradient()); // a little uphill
 * optimizer.step(gradient()); // from where it stood, by the gradient there
 * ```
 */
export const sam: TransformPlugin<"sam", SamOptions> = {
  kind: "transform",
  name: "sam",
  description: "Gradients from a little uphill: sharpness-aware minimization",
  source: "https://arxiv.org/abs/2010.01412; SAM of pytorch_optimizer 4.1.0",
  options: {
    rho: { default: 0.05, minimum: 0, description: "How far uphill" },
    adaptive: { default: false, description: "Each parameter's way in proportion to its size" },
  },
  rule: ({ adaptive }) => ({
    slots: {
      q: { shape: "param", key: "old_p", dtype: "param" },
      up: { shape: "scalar", key: "ascended" },
    },
    also: {
      ascend: `
        q  = where(up, q, p)
        n  = allnorm(${adaptive ? "abs(q)*g" : "g"})
        p  = q + ${adaptive ? "q*q*g" : "g"}*(rho/(n + 1e-12))
        up = 1
      `,
    },
    before: "p = where(up, q, p)",
    last: "up = 0",
  }),
  scalars: ({ rho }) => ({ rho }),
};

/**
 * Lion: the sign of an interpolated momentum.
 *
 * Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, https://arxiv.org/abs/2302.06675, algorithm 2.
 *
 * This is a stranger's package: it imports nothing but types, which are erased, and yet runs as WASM SIMD on all cores.
 *
 * @module
 */
import type { OptimizerPlugin } from "@glissade/optim/core";

/** Options of {@linkcode lion}. */
export interface LionOptions {
  /** Learning rate; a third to a tenth of AdamW's. */
  lr?: number;
  /** Decay of the momentum in the update, and in the momentum itself. */
  betas?: readonly [number, number];
  /** Decoupled weight decay. */
  weightDecay?: number;
}

/** The sign of an interpolated momentum. */
export const lion: OptimizerPlugin<"my_lion", LionOptions> = {
  kind: "optimizer",
  name: "my_lion",
  description: "Sign of an interpolated momentum (arXiv 2302.06675)",
  options: {
    lr: { default: 1e-4, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Of the update, of the momentum" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay" },
  },
  rule: () => ({
    slots: { m: { shape: "param", key: "exp_avg" } },
    update: `
      u  = sign(beta1*m + (1 - beta1)*g)
      m += (1 - beta2)*(g - m)
      p -= lr*(u + weightDecay*p)
    `,
  }),
  scalars: ({ lr, betas: [beta1, beta2], weightDecay }) => ({ lr, beta1, beta2, weightDecay }),
};

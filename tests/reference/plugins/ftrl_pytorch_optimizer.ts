/**
 * FTRL as in pytorch_optimizer 4.1.0, whose denominator is a root whatever the power is. With a power of -1/2 alone: a rule has no other power of elements.
 *
 * McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013, https://research.google/pubs/pub41159.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode ftrlPytorchOptimizer}. */
export interface FtrlPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** How the learning rate falls with the sum of the squared gradients. */
  lrPower?: -0.5;
  /** Added to the root of the sums. */
  beta?: number;
  /** Weight of the parameters' sizes. */
  lambda1?: number;
  /** Weight of the parameters' squares. */
  lambda2?: number;
}

/** FTRL-Proximal; as in pytorch_optimizer 4.1.0. */
export const ftrlPytorchOptimizer: OptimizerPlugin<"ftrl_pytorch_optimizer", FtrlPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "ftrl_pytorch_optimizer",
  description: "Follow the regularized leader; as in pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 1e-3, exclusiveMinimum: 0, description: "Learning rate" },
    lrPower: { default: -0.5, enum: [-0.5], description: "How the learning rate falls with the sum of the squared gradients" },
    beta: { default: 0, minimum: 0, description: "Added to the root of the sums" },
    lambda1: { default: 0, minimum: 0, description: "Weight of the parameters' sizes" },
    lambda2: { default: 0, minimum: 0, description: "Weight of the parameters' squares" },
  },
  rule: () => ({
    slots: { z: { shape: "param", key: "z", dtype: "param" }, n: { shape: "param", key: "n", dtype: "param" } },
    update: `
      a  = sqrt(n)
      n += g*g
      z += g - (sqrt(n) - a)/lr*p
      p  = where(abs(z) <= lambda1, 0, (sign(z)*lambda1 - z)/((sqrt(n) + beta)/lr + lambda2))
    `,
  }),
  scalars: ({ lr, beta, lambda1, lambda2 }) => ({ lr, beta, lambda1, lambda2 }),
};

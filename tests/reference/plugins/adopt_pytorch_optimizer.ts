/**
 * ADOPT as in pytorch_optimizer 4.1.0, which clips at the paper's t^(1/4) and decays in the first step, too.
 *
 * Taniguchi et al., "ADOPT: Modified Adam Can Converge with Any beta2 with the Optimal Rate", 2024, https://arxiv.org/abs/2411.02853.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode adoptPytorchOptimizer}. */
export interface AdoptPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** Least root of the second moment. */
  eps?: number;
}

/** Adam by the second moment of the steps before; as in pytorch_optimizer 4.1.0. */
export const adoptPytorchOptimizer: OptimizerPlugin<"adopt_pytorch_optimizer", AdoptPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "adopt_pytorch_optimizer",
  description: "Adam by the second moment of the steps before; as in pytorch_optimizer 4.1.0",
  counts: "optimizer",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.9999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    weightDecouple: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    eps: { default: 1e-6, minimum: 0, description: "Least root of the second moment" },
  },
  rule: ({ weightDecay, weightDecouple }) => ({
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: "param" },
      v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
    },
    update: `
      ${weightDecay === 0 ? "" : weightDecouple ? "p *= 1 - lr*weightDecay" : "g += weightDecay*p"}
      n  = clamp(g/max(sqrt(v), eps), -clip, clip)
      m  = where(t == 1, m, beta1*m + (1 - beta1)*n)
      u  = m
      p -= where(t == 1, 0, lr*u)
      v  = where(t == 1, g*g, beta2*v + (1 - beta2)*g*g)
    `,
  }),
  scalars: ({ lr, betas: [beta1, beta2], weightDecay, eps }, t, { pow }) => ({ lr, beta1, beta2, weightDecay, eps, clip: pow(t, 0.25) }),
};

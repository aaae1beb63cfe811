/**
 * NAdam: Adam with Nesterov momentum, whose schedule is a product kept per tensor.
 *
 * Dozat, "Incorporating Nesterov Momentum into Adam", 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.
 * Follows `torch.optim.NAdam` 2.2.2; the product is float64 here, float32 there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode nadam}. */
export interface NAdamOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
  /** How fast the momentum grows. */
  momentumDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  decoupledWeightDecay?: boolean;
}

/** Adam with Nesterov momentum. */
export const nadam: OptimizerPlugin<"nadam", NAdamOptions> = {
  kind: "optimizer",
  name: "nadam",
  description: "Adam with Nesterov momentum, as in PyTorch 2.2.2",
  options: {
    lr: { default: 2e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    momentumDecay: { default: 4e-3, minimum: 0, description: "How fast the momentum grows" },
    decoupledWeightDecay: { default: false, description: "Decay the parameter instead of adding to the gradient" },
  },
  rule: ({ weightDecay, decoupledWeightDecay }) => ({
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: "param" },
      v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
      q: { shape: "scalar", key: "mu_product", init: 1 },
    },
    update: `
      ${weightDecay === 0 ? "" : decoupledWeightDecay ? "p *= 1 - lr*weightDecay" : "g += weightDecay*p"}
      q *= mu
      m += (1 - beta1)*(g - m)
      v  = beta2*v + (1 - beta2)*g*g
      d  = sqrt(v/c2) + eps
      p -= lr*(1 - mu)/(1 - q)*g/d
      p -= lr*nu/(1 - q*nu)*m/d
    `,
  }),
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay }, t, { pow }) {
    const momentum = (step: number): number => beta1 * (1 - 0.5 * pow(0.96, step * momentumDecay));
    return { lr, beta1, beta2, eps, weightDecay, c2: 1 - pow(beta2, t), mu: momentum(t), nu: momentum(t + 1) };
  },
};

/**
 * LAMB as in pytorch_optimizer 4.1.0: the second moment is not corrected, the parameter's norm counts up to 10, and the ratio has an eps.
 *
 * You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2019, https://arxiv.org/abs/1904.00962.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode lambPytorchOptimizer}. */
export interface LambPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and the second moment. */
  betas?: readonly [number, number];
  /** Decay, decoupled or added to the update. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the update. */
  weightDecouple?: boolean;
  /** Weigh the gradient by 1 - beta1 in the first moment. */
  gradAveraging?: boolean;
  /** Greatest norm of all gradients together, with `preNorm`. */
  maxGradNorm?: number;
  /** Clip the gradients by their global norm. */
  preNorm?: boolean;
  /** Added to the root of the second moment and to the update's norm. */
  eps?: number;
}

/** Adam's update, scaled per tensor, in another library's arithmetic. */
export const lambPytorchOptimizer: OptimizerPlugin<"lamb_pytorch_optimizer", LambPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "lamb_pytorch_optimizer",
  description: "Adam's update, scaled per tensor by a ratio of norms; as in pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, decoupled or added to the update" },
    weightDecouple: { default: true, description: "Decay the parameter instead of adding to the update" },
    gradAveraging: { default: true, description: "Weigh the gradient by 1 - beta1 in the first moment" },
    maxGradNorm: { default: 1, minimum: 0, description: "Greatest norm of all gradients together, with preNorm" },
    preNorm: { default: false, description: "Clip the gradients by their global norm" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the root of the second moment and to the update's norm" },
  },
  rule: ({ weightDecay, weightDecouple, preNorm }) => ({
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: "param" },
      v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
      w: { shape: "scalar", key: "weight_norm" },
      n: { shape: "scalar", key: "adam_norm" },
      k: { shape: "scalar", key: "trust_ratio" },
    },
    update: `
      ${preNorm ? "n0 = allnorm(g)" : ""}
      ${preNorm ? "g *= min(1, maxGradNorm/(n0 + eps))" : ""}
      m  = beta1*m + beta3*g
      v  = beta2*v + (1 - beta2)*g*g
      u  = m / (sqrt(v) + eps)
      ${weightDecay === 0 ? "" : weightDecouple ? "p -= lr*weightDecay*p" : "u += weightDecay*p"}
      w  = min(norm(p), 10)
      n  = norm(u)
      k  = where(w == 0, 1, where(n == 0, 1, w/(n + eps)))
      p -= lr/c1*k*u
    `,
  }),
  scalars({ lr, betas: [beta1, beta2], weightDecay, gradAveraging, maxGradNorm, eps }, t, { pow }) {
    return { lr, beta1, beta2, beta3: gradAveraging ? 1 - beta1 : 1, weightDecay, maxGradNorm, eps, c1: 1 - pow(beta1, t) };
  },
};

/**
 * LaProp as in pytorch_optimizer 4.1.0, which adds eps to the root before its correction, and may take the mean out of the second moment.
 *
 * Ziyin et al., "LaProp: Separating Momentum and Adaptivity in Adam", 2020, https://arxiv.org/abs/2002.04839.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode lapropPytorchOptimizer}. */
export interface LaPropPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum and of the second moment. */
  betas?: readonly [number, number];
  /** Take the squared mean of the gradients out of the second moment. */
  centered?: boolean;
  /** Steps before that. */
  stepsBeforeUsingCentered?: number;
  /** Decay of the parameter, after the step. */
  weightDecay?: number;
  /** False: no decay at all, since it is added to a gradient that has been used. */
  weightDecouple?: boolean;
  /** A decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Divide by the greatest second moment so far. */
  amsBound?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
}

/** A momentum of normalized gradients; as in pytorch_optimizer 4.1.0. */
export const lapropPytorchOptimizer: OptimizerPlugin<"laprop_pytorch_optimizer", LaPropPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "laprop_pytorch_optimizer",
  description: "A momentum of normalized gradients; as in pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 4e-4, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum and of the second moment" },
    centered: { default: false, description: "Take the squared mean of the gradients out of the second moment" },
    stepsBeforeUsingCentered: { default: 10, minimum: 0, description: "Steps before that" },
    weightDecay: { default: 0, minimum: 0, description: "Decay of the parameter, after the step" },
    weightDecouple: { default: true, description: "False: no decay at all" },
    fixedDecay: { default: false, description: "A decay that is not multiplied by the learning rate" },
    amsBound: { default: false, description: "Divide by the greatest second moment so far" },
    eps: { default: 1e-15, minimum: 0, description: "Added to the root of the second moment" },
  },
  rule: ({ centered, weightDecay, weightDecouple, fixedDecay, amsBound }) => ({
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: "param" },
      v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
      a: { shape: "scalar", key: "exp_avg_lr_1" },
      b: { shape: "scalar", key: "exp_avg_lr_2" },
      e: centered ? { shape: "param", key: "exp_mean_avg_beta2", dtype: "param" } : undefined,
      w: amsBound ? { shape: "param", key: "max_exp_avg_sq", dtype: "param" } : undefined,
    },
    update: `
      v  = beta2*v + (1 - beta2)*g*g
      a  = beta1*a + (1 - beta1)*lr
      b  = beta2*b + (1 - beta2)
      ${centered ? "e += (1 - beta2)*(g - e)" : ""}
      s  = ${centered ? "where(t > before, v - e*e, v)" : "v"}
      ${amsBound ? "w  = max(w, s)" : ""}
      m  = beta1*m + (1 - beta1)*lr*(g/((sqrt(${amsBound ? "w" : "s"} + 0.000000000000001) + eps)/sqrt(c2)))
      u  = m
      p -= where(lr > 0, lr/a, 1)*u
      ${weightDecay > 0 && weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : ""}
    `,
  }),
  scalars: ({ lr, betas: [beta1, beta2], stepsBeforeUsingCentered: before, weightDecay, eps }, t, { pow }) => (
    { lr, beta1, beta2, before, weightDecay, eps, c2: 1 - pow(beta2, t) }
  ),
};

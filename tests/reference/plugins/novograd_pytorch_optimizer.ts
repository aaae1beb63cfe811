/**
 * NovoGrad as in pytorch_optimizer 4.1.0, whose first momentum is the gradient as it is.
 *
 * Ginsburg et al., "Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep Networks", 2019, https://arxiv.org/abs/1905.11286.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode novogradPytorchOptimizer}. */
export interface NovoGradPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum and of the squared norm. */
  betas?: readonly [number, number];
  /** Decay, added to the normalized gradient or decoupled. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Weigh the gradient by 1 - beta1 in the momentum. */
  gradAveraging?: boolean;
  /** Added to the norm. */
  eps?: number;
}

/** A momentum of gradients divided by their norm; as in pytorch_optimizer 4.1.0. */
export const novogradPytorchOptimizer: OptimizerPlugin<"novograd_pytorch_optimizer", NovoGradPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "novograd_pytorch_optimizer",
  description: "A momentum of gradients divided by their norm; as in pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.95, 0.98], minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum and of the squared norm" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the normalized gradient or decoupled" },
    weightDecouple: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    gradAveraging: { default: false, description: "Weigh the gradient by 1 - beta1 in the momentum" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the norm" },
  },
  rule: ({ weightDecay, weightDecouple, fixedDecay, gradAveraging }) => ({
    slots: { m: { shape: "param", key: "moments", dtype: "param" }, v: { shape: "scalar", key: "grads_ema" } },
    update: `
      n  = sum(g*g)
      v  = where(t == 1, n, v + (1 - beta2)*(n - v))
      g /= sqrt(v) + eps
      ${weightDecay > 0 ? weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
      m  = where(t == 1, g, beta1*m + ${gradAveraging ? "(1 - beta1)*g" : "g"})
      u  = m
      p -= lr*u
    `,
  }),
  scalars: ({ lr, betas: [beta1, beta2], weightDecay, eps }) => ({ lr, beta1, beta2, weightDecay, eps }),
};

/**
 * LARS as in pytorch_optimizer 4.1.0: scalars and vectors are not scaled, and the first momentum is dampened.
 *
 * You, Gitman & Ginsburg, "Large Batch Training of Convolutional Networks", 2017, https://arxiv.org/abs/1708.03888.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode larsPytorchOptimizer}. */
export interface LarsPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Share of the last step that goes on. */
  momentum?: number;
  /** Share of the gradient that momentum leaves out. */
  dampening?: number;
  /** Factor of the ratio. */
  trustCoefficient?: number;
  /** Look ahead along the momentum. */
  nesterov?: boolean;
}

/** Momentum, scaled per tensor by a ratio of norms; as in pytorch_optimizer 4.1.0. */
export const larsPytorchOptimizer: OptimizerPlugin<"lars_pytorch_optimizer", LarsPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "lars_pytorch_optimizer",
  description: "Momentum, scaled per tensor by a ratio of norms; as in pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    momentum: { default: 0.9, minimum: 0, description: "Share of the last step that goes on" },
    dampening: { default: 0, description: "Share of the gradient that momentum leaves out" },
    trustCoefficient: { default: 0.001, minimum: 0, description: "Factor of the ratio" },
    nesterov: { default: false, description: "Look ahead along the momentum" },
  },
  rule: ({ nesterov }, { shape }) => ({
    slots: { b: { shape: "param", key: "momentum_buffer", dtype: "param" } },
    update: `
      w  = norm(p)
      n  = norm(g)
      k  = where(w > 0, where(n > 0, trustCoefficient*w/(n + w*weightDecay), 1), 1)
      ${shape.length > 1 ? "g  = (g + weightDecay*p)*k" : ""}
      b  = momentum*b + (1 - dampening)*g
      u  = ${nesterov ? "g + momentum*b" : "b"}
      p -= lr*u
    `,
  }),
  scalars: ({ lr, weightDecay, momentum, dampening, trustCoefficient }) => ({ lr, weightDecay, momentum, dampening, trustCoefficient }),
};

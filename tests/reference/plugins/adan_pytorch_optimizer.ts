/**
 * Adan as in pytorch_optimizer 4.1.0, which clips by the global norm and keeps the negative gradient under another name than timm.
 *
 * Xie et al., "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models", 2022, https://arxiv.org/abs/2208.06677.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode adanPytorchOptimizer}. */
export interface AdanPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first moment, of the differences and of the second moment. */
  betas?: readonly [number, number, number];
  /** Decay: of the result, or of the parameter before the step. */
  weightDecay?: number;
  /** Decay the parameter before the step. */
  weightDecouple?: boolean;
  /** Greatest norm of all gradients together; 0: any. */
  maxGradNorm?: number;
  /** Added to the corrected root of the second moment. */
  eps?: number;
}

/** Adaptive Nesterov momentum; as in pytorch_optimizer 4.1.0. */
export const adanPytorchOptimizer: OptimizerPlugin<"adan_pytorch_optimizer", AdanPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "adan_pytorch_optimizer",
  description: "Adaptive Nesterov momentum; as in pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    betas: {
      default: [0.98, 0.92, 0.99],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the first moment, of the differences and of the second moment",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay: of the result, or of the parameter before the step" },
    weightDecouple: { default: false, description: "Decay the parameter before the step" },
    maxGradNorm: { default: 0, minimum: 0, description: "Greatest norm of all gradients together; 0: any" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
  },
  rule: ({ weightDecouple, maxGradNorm }) => ({
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: "param" },
      n: { shape: "param", key: "exp_avg_diff", dtype: "param" },
      v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
      q: { shape: "param", key: "previous_grad", dtype: "param" },
    },
    update: `
      ${maxGradNorm > 0 ? "n0 = allnorm(g)" : ""}
      ${maxGradNorm > 0 ? "g *= min(1, maxGradNorm/(n0 + eps))" : ""}
      d  = where(t == 1, 0, g + q)
      m  = beta1*m + (1 - beta1)*g
      n  = beta2*n + (1 - beta2)*d
      s  = g + beta2*d
      v  = beta3*v + (1 - beta3)*s*s
      q  = -g
      u  = (m/c1 + beta2/c2*n) / (sqrt(v)/sqrt(c3) + eps)
      ${weightDecouple ? "p *= 1 - lr*weightDecay" : ""}
      p  = ${weightDecouple ? "p - lr*u" : "(p - lr*u) / (1 + lr*weightDecay)"}
    `,
  }),
  scalars: ({ lr, betas: [beta1, beta2, beta3], weightDecay, maxGradNorm, eps }, t, { pow }) => (
    { lr, beta1, beta2, beta3, weightDecay, maxGradNorm, eps, c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t), c3: 1 - pow(beta3, t) }
  ),
};

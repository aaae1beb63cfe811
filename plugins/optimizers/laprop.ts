/**
 * LaProp: Adam that normalizes each gradient before it enters the momentum.
 *
 * Ziyin et al., "LaProp: Separating Momentum and Adaptivity in Adam", 2020, https://arxiv.org/abs/2002.04839.
 * Follows timm 1.0.31's `LaProp`: eps is added to the corrected root, the momentum holds the learning rates of its steps and is divided by their mean,
 * and decay comes after the step. pytorch_optimizer 4.1.0 adds eps before the correction. timm's `caution` is transform `cautious`;
 * its `corrected_weight_decay`, a decay by the square of a scheduled rate over the first, is left out.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode laprop}. */
export interface LaPropOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decoupled decay, after the step. */
  weightDecay?: number;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * A momentum of normalized gradients, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("laprop", { w }, { lr: 4e-4, weightDecay: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const laprop: OptimizerPlugin<"laprop", LaPropOptions> = {
  kind: "optimizer",
  name: "laprop",
  description: "A momentum of normalized gradients, as in timm",
  source: "https://arxiv.org/abs/2002.04839; LaProp of timm 1.0.31",
  options: {
    lr: { default: 4e-4, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum and of the second moment" },
    eps: { default: 1e-15, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay, after the step" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, stateDtype }, { dtype }) {
    return {
      slots: {
        ...adamMoments(stateDtype, dtype),
        a: { shape: "scalar", key: "exp_avg_lr_1" },
        b: { shape: "scalar", key: "exp_avg_lr_2" },
      },
      // b is 1 - beta2^t, and a/lr is 1 - beta1^t, as long as lr and the betas stay what they are.
      update: `
        a  = beta1*a + (1 - beta1)*lr
        b  = beta2*b + (1 - beta2)
        v  = beta2*v + (1 - beta2)*g*g
        m  = beta1*m + (1 - beta1)*lr*(g/(sqrt(v/b) + eps))
        u  = m
        p -= where(a > 0, lr/a, 0)*u
        ${weightDecay > 0 ? "p -= lr*weightDecay*p" : ""}
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }) => ({ lr, beta1, beta2, eps, weightDecay }),
};

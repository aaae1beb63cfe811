/**
 * Lion: the sign of an interpolated momentum.
 *
 * Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, https://arxiv.org/abs/2302.06675, algorithm 2.
 * Follows timm 1.0.31's `Lion`, with `weightDecouple` and `fixedDecay` of pytorch_optimizer 4.1.0; timm's `caution` is transform `cautious`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode lion}. */
export interface LionOptions {
  /** Learning rate; a third to a tenth of AdamW's. */
  lr?: number;
  /** Decay of the momentum in the update, and in the momentum itself. */
  betas?: readonly [number, number];
  /** Decay, decoupled or added to the gradient. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * The sign of an interpolated momentum, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("lion", { w }, { lr: 1e-4, weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const lion: OptimizerPlugin<"lion", LionOptions> = {
  kind: "optimizer",
  name: "lion",
  description: "The sign of an interpolated momentum, as in timm",
  source: "https://arxiv.org/abs/2302.06675; Lion of timm 1.0.31",
  options: {
    lr: { default: 1e-4, minimum: 0, unit: "rate", description: "Learning rate; a third to a tenth of AdamW's" },
    betas: {
      default: [0.9, 0.99],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the momentum in the update, and in the momentum itself",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay, decoupled or added to the gradient" },
    weightDecouple: { default: true, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    return {
      slots: { m: { shape: "param", key: "exp_avg", dtype: momentDtype(stateDtype, dtype) } },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        u  = sign(beta1*m + (1 - beta1)*g)
        m += (1 - beta2)*(g - m)
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], weightDecay }) => ({ lr, beta1, beta2, weightDecay }),
};

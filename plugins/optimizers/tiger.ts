/**
 * Tiger: the sign of a momentum, with one number of state for each parameter.
 *
 * Su, "Tiger: A Tight-fisted Optimizer", 2023, https://github.com/bojone/tiger.
 * Follows pytorch_optimizer 4.1.0's `Tiger`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode tiger}. */
export interface TigerOptions {
  /** Learning rate; a third to a tenth of AdamW's. */
  lr?: number;
  /** Decay of the momentum. */
  beta?: number;
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
 * The sign of a momentum, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("tiger", { w }, { lr: 3e-4, weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const tiger: OptimizerPlugin<"tiger", TigerOptions> = {
  kind: "optimizer",
  name: "tiger",
  description: "The sign of a momentum, as in pytorch_optimizer",
  source: "https://github.com/bojone/tiger; Tiger of pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate; a third to a tenth of AdamW's" },
    beta: { default: 0.965, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum" },
    weightDecay: { default: 0.01, minimum: 0, description: "Decay, decoupled or added to the gradient" },
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
        m += (1 - beta)*(g - m)
        u  = sign(m)
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, beta, weightDecay }) => ({ lr, beta, weightDecay }),
};

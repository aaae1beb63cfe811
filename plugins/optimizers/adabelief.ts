/**
 * AdaBelief: Adam that divides by how far the gradients are from their mean.
 *
 * Zhuang et al., "AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients", 2020, https://arxiv.org/abs/2010.07468.
 * Follows timm 1.0.31's `AdaBelief`: rectified as RAdam by default, eps is added to the stored variance at each step, and a rectified step does not look
 * at the variance's maximum. pytorch_optimizer 4.1.0's is the same with `rectify: false`; its `ams_bound` is `amsgrad`, its `weight_decouple`
 * `decoupledDecay`. timm keeps the moments of 16-bit parameters in float32, which here is `stateDtype: "float32"`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adabelief}. */
export interface AdaBeliefOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the mean of the gradients, and of the variance around it. */
  betas?: readonly [number, number];
  /** Added to the variance at each step, and to its corrected root. */
  eps?: number;
  /** Decay, decoupled or added to the gradient. */
  weightDecay?: number;
  /** Divide by the greatest variance so far; of effect without `rectify` alone, as in timm. */
  amsgrad?: boolean;
  /** Decay the parameter instead of adding to the gradient. */
  decoupledDecay?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Scale the step by how well the variance is known, as RAdam. */
  rectify?: boolean;
  /** Where a rectified step's variance is not known, go along the mean alone instead of nowhere. */
  degeneratedToSgd?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam by the variance of the gradients, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adabelief", { w }, { lr: 1e-3, weightDecay: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adabelief: OptimizerPlugin<"adabelief", AdaBeliefOptions> = {
  kind: "optimizer",
  name: "adabelief",
  description: "Adam by the variance of the gradients, as in timm",
  source: "https://arxiv.org/abs/2010.07468; AdaBelief of timm 1.0.31",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.9, 0.999],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the mean of the gradients, and of the variance around it",
    },
    eps: { default: 1e-16, minimum: 0, description: "Added to the variance at each step, and to its corrected root" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, decoupled or added to the gradient" },
    amsgrad: { default: false, description: "Divide by the greatest variance so far; of effect without rectify alone" },
    decoupledDecay: { default: true, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    rectify: { default: true, description: "Scale the step by how well the variance is known, as RAdam" },
    degeneratedToSgd: {
      default: true,
      description: "Where a rectified step's variance is not known, go along the mean alone instead of nowhere",
    },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, amsgrad, decoupledDecay, fixedDecay, rectify, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const decays = weightDecay > 0 && decoupledDecay;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_var", dtype: moments },
        w: amsgrad ? { shape: "param", key: "max_exp_avg_var", dtype: moments } : undefined,
      },
      // p is assigned once, so that 16-bit parameters round once, as in timm.
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 && !decoupledDecay ? "g += weightDecay*p" : ""}
        m += (1 - beta1)*(g - m)
        v  = beta2*v + (1 - beta2)*(g - m)*(g - m) + eps
        ${amsgrad ? "w  = max(w, v)" : ""}
        u  = ${rectify ? "where(known, m/(sqrt(v) + eps), m)" : `m / (sqrt(${amsgrad ? "w" : "v"})/sqrt(c2) + eps)`}
        p  = ${decays ? fixedDecay ? "p*(1 - weightDecay)" : "p*(1 - lr*weightDecay)" : "p"} - step*u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, rectify, degeneratedToSgd }, t, { pow }) {
    const c1 = 1 - pow(beta1, t);
    const c2 = 1 - pow(beta2, t);
    const most = 2 / (1 - beta2) - 1;
    const rho = most - 2 * t * (1 - c2) / c2;
    const known = rho >= 5;
    const rectified = known ? Math.sqrt(c2 * (rho - 4) / (most - 4) * (rho - 2) / rho * most / (most - 2)) : degeneratedToSgd ? 1 : 0;
    return { lr, beta1, beta2, eps, weightDecay, c2, known: known ? 1 : 0, step: lr * (rectify ? rectified : 1) / c1 };
  },
};

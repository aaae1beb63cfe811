/**
 * D-Adapt Adam: Adam with a step size that it learns, common to a group.
 *
 * Defazio & Mishchenko, "Learning-Rate-Free Learning by D-Adaptation", 2023, https://arxiv.org/abs/2301.07733.
 * Follows pytorch_optimizer 4.1.0's `DAdaptAdam`, the third version, whose sum weighs the gradients by the moments of the step before. Its sums run over
 * all tensors, so one group is assumed, as there. `prodigy` is its successor.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode dadaptAdam}. */
export interface DAdaptAdamOptions {
  /** Factor of the learned step size. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** First estimate. */
  d0?: number;
  /** Greatest growth of the estimate in a step; null: any. */
  growthRate?: number | null;
  /** Decay, added to the gradient or decoupled, by the learned step size. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learned step size. */
  fixedDecay?: boolean;
  /** Correct the moments' bias. */
  biasCorrection?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with a learned step size, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("dadapt_adam", { w }, { d0: 1e-4 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const dadaptAdam: OptimizerPlugin<"dadapt_adam", DAdaptAdamOptions> = {
  kind: "optimizer",
  name: "dadapt_adam",
  description: "Adam with a learned step size, by D-Adaptation, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2301.07733; DAdaptAdam of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 1, minimum: 0, unit: "rate", description: "Factor of the learned step size" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    d0: { default: 1e-6, exclusiveMinimum: 0, description: "First estimate" },
    growthRate: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      description: "Greatest growth of the estimate in a step; null: any",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled, by the learned step size" },
    weightDecouple: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learned step size" },
    biasCorrection: { default: false, description: "Correct the moments' bias" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ d0, growthRate, weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        s: { shape: "param", key: "s", dtype: moments },
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        d: { shape: "group", key: "d", init: d0 },
        N: { shape: "group", key: "numerator_weighted" },
      },
      // fma, as in PyTorch's kernels: without it the sum of steps, each a part of the last, lost three times as many digits as there.
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 && !weightDecouple ? "g += weightDecay*p" : ""}
        k  = d*step
        e  = g*(s/(sqrt(v) + eps))
        a  = allsum(e)
        m  = fma(k*(1 - beta1), g, beta1*m)
        v  = fma((1 - beta2)*g, g, beta2*v)
        s  = fma(k*(1 - r), g, r*s)
        l  = allsum(abs(s))
        N  = where(l > 0, r*N + (1 - r)*(k*a), N)
        h  = where(l > 0, N/((1 - r)*l), 0)
        d  = where(step > 0, max(d, ${growthRate === null ? "h" : "min(h, d*growthRate)"}), d)
        ${weightDecay > 0 && weightDecouple ? `p *= 1 - where(l > 0, ${fixedDecay ? "weightDecay" : "k*weightDecay"}, 0)` : ""}
        u  = m / (sqrt(v) + eps)
        p -= u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], growthRate, weightDecay, biasCorrection, eps }, t, { pow }) {
    const step = biasCorrection ? lr * Math.sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)) : lr;
    return { step, beta1, beta2, r: Math.sqrt(beta2), growthRate: growthRate ?? 0, weightDecay, eps };
  },
};

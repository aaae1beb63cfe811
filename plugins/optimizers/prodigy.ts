/**
 * Prodigy: Adam with a step size that it learns, common to a group.
 *
 * Mishchenko & Defazio, "Prodigy: An Expeditiously Adaptive Parameter-Free Learner", 2023, https://arxiv.org/abs/2306.06101.
 * Follows pytorch_optimizer 4.1.0's `Prodigy`, whose decay is decoupled. Its sums run over all tensors, so one group is assumed, as there. With the
 * default `d0` the distance from the start is mostly rounding in the first steps: float32 runs differ by percents there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode prodigy}. */
export interface ProdigyOptions {
  /** Factor of the learned step size. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Decay of the estimate; null: the root of beta2. */
  beta3?: number | null;
  /** First estimate. */
  d0?: number;
  /** Factor of the estimate. */
  dCoef?: number;
  /** Greatest growth of the estimate in a step; null: any. */
  growthRate?: number | null;
  /** Decay of the parameter, by the learned step size. */
  weightDecay?: number;
  /** Correct the moments' bias. */
  biasCorrection?: boolean;
  /** Leave the learning rate out of the estimate's denominator. */
  safeguardWarmup?: boolean;
  /** Added to the root of the second moment, times the estimate. */
  eps?: number;
  /** Maximize instead. */
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
 * using optimizer = builtins.createOptimizer("prodigy", { w }, { d0: 1e-4 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const prodigy: OptimizerPlugin<"prodigy", ProdigyOptions> = {
  kind: "optimizer",
  name: "prodigy",
  description: "Adam with a learned step size, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2306.06101; Prodigy of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 1, minimum: 0, unit: "rate", description: "Factor of the learned step size" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    beta3: {
      default: null,
      type: ["number", "null"],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Decay of the estimate; null: the root of beta2",
    },
    d0: { default: 1e-6, exclusiveMinimum: 0, description: "First estimate" },
    dCoef: { default: 1, minimum: 0, description: "Factor of the estimate" },
    growthRate: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      description: "Greatest growth of the estimate in a step; null: any",
    },
    weightDecay: { default: 0, minimum: 0, description: "Decay of the parameter, by the learned step size" },
    biasCorrection: { default: false, description: "Correct the moments' bias" },
    safeguardWarmup: { default: false, description: "Leave the learning rate out of the estimate's denominator" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment, times the estimate" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule({ d0, growthRate, weightDecay, safeguardWarmup, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        o: { shape: "param", key: "p0", init: "p", dtype: "param" },
        s: { shape: "param", key: "s", dtype: moments },
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        d: { shape: "group", key: "d", init: d0 },
        D: { shape: "group", key: "d_max", init: d0 },
        N: { shape: "group", key: "d_numerator" },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        k  = d*step
        a  = allsum(g*(o - p))
        N  = beta3*N + d/d0*k*a
        m  = fma(d*(1 - beta1), g, beta1*m)
        v  = fma(d*d*(1 - beta2)*g, g, beta2*v)
        s  = fma(d/d0*${safeguardWarmup ? "d" : "k"}, g, beta3*s)
        l  = allsum(abs(s))
        h  = where(l > 0, dCoef*N/l, 0)
        D  = max(D, h)
        d  = where(l > 0, ${growthRate === null ? "D" : "min(D, where(d == d0, max(d, h), d)*growthRate)"}, d)
        ${weightDecay > 0 ? "p *= 1 - where(l > 0, k*weightDecay, 0)" : ""}
        u  = k*m / (sqrt(v) + d*eps)
        p -= u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], beta3, d0, dCoef, growthRate, weightDecay, biasCorrection, eps }, t, { pow }) {
    const step = biasCorrection ? lr * Math.sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)) : lr;
    return { step, beta1, beta2, beta3: beta3 ?? Math.sqrt(beta2), d0, dCoef, growthRate: growthRate ?? 0, weightDecay, eps };
  },
};

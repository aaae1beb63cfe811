/**
 * LAMB: Adam's update, scaled per tensor by the ratio of the norms of parameter and update.
 *
 * You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2019, https://arxiv.org/abs/1904.00962.
 * Follows timm 1.0.31's `LAMB`, which first divides all gradients by their global norm where that is above `maxGradNorm`, and scales no tensor without decay.
 * Steps are the optimizer's, as timm counts them; its `caution` is transform `cautious`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode lamb}. */
export interface LambOptions {
  /** Learning rate. */
  lr?: number;
  /** Correct the moments' bias. */
  biasCorrection?: boolean;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decay, added to the update or decoupled. */
  weightDecay?: number;
  /** Weigh the gradient by 1 - beta1 in the first moment. */
  gradAveraging?: boolean;
  /** Greatest norm of all gradients together; null: any. */
  maxGradNorm?: number | null;
  /** A ratio of at most 1. */
  trustClip?: boolean;
  /** The ratio also where there is no decay. */
  alwaysAdapt?: boolean;
  /** Decay the parameter instead of adding to the update. */
  decoupledDecay?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam's update, scaled per tensor by a ratio of norms, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("lamb", { w }, { lr: 2e-3, weightDecay: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const lamb: OptimizerPlugin<"lamb", LambOptions> = {
  kind: "optimizer",
  name: "lamb",
  description: "Adam's update, scaled per tensor by a ratio of norms, as in timm",
  source: "https://arxiv.org/abs/1904.00962; LAMB of timm 1.0.31",
  counts: "optimizer",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    biasCorrection: { default: true, description: "Correct the moments' bias" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0.01, minimum: 0, description: "Decay, added to the update or decoupled" },
    gradAveraging: { default: true, description: "Weigh the gradient by 1 - beta1 in the first moment" },
    maxGradNorm: {
      default: 1,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      description: "Greatest norm of all gradients together; null: any",
    },
    trustClip: { default: false, description: "A ratio of at most 1" },
    alwaysAdapt: { default: false, description: "The ratio also where there is no decay" },
    decoupledDecay: { default: false, description: "Decay the parameter instead of adding to the update" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, maxGradNorm, trustClip, alwaysAdapt, decoupledDecay, stateDtype }, { dtype }) {
    const adapt = `
        w  = norm(p)
        n  = norm(u)
        k  = where(w > 0, where(n > 0, w/n, 1), 1)
        u *= ${trustClip ? "min(k, 1)" : "k"}`;
    return {
      slots: adamMoments(stateDtype, dtype),
      update: `
        ${maxGradNorm === null ? "" : "n0 = allnorm(g)"}
        ${maxGradNorm === null ? "" : "g /= max(n0/maxGradNorm, 1)"}
        m  = beta1*m + beta3*g
        v  = beta2*v + (1 - beta2)*g*g
        u  = m/c1 / (sqrt(v)/sqrt(c2) + eps)
        ${weightDecay > 0 ? decoupledDecay ? "p -= lr*weightDecay*p" : "u += weightDecay*p" : ""}
        ${weightDecay > 0 || alwaysAdapt ? adapt : ""}
        p -= lr*u
      `,
    };
  },
  scalars({ lr, biasCorrection, betas: [beta1, beta2], eps, weightDecay, gradAveraging, maxGradNorm }, t, { pow }) {
    const [c1, c2] = biasCorrection ? [1 - pow(beta1, t), 1 - pow(beta2, t)] : [1, 1];
    return { lr, beta1, beta2, beta3: gradAveraging ? 1 - beta1 : 1, eps, weightDecay, maxGradNorm: maxGradNorm ?? 0, c1, c2 };
  },
};

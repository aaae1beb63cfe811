/**
 * APOLLO, for tensors that it does not project: AdamW with one bias correction of the whole step.
 *
 * Zhu et al., "APOLLO: SGD-like Memory, AdamW-level Performance", 2024, https://arxiv.org/abs/2412.05270. Follows pytorch_optimizer 4.1.0's `APOLLO`, whose
 * groups project where they have a `rank`, and whose decay comes after the step and is corrected as the step is. Projections are not here: they
 * need moments of `rank` columns, which no class of slots has, and PyTorch's random numbers.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { lerp } from "./lerp.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode apollo}. */
export interface ApolloOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Decay of the parameter. */
  weightDecay?: number;
  /** Decay the parameter, after the step; false: add the decay to the gradient. */
  weightDecouple?: boolean;
  /** A decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Correct the moments' bias. */
  correctBias?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of the moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters alone. */
  stateDtype?: "param" | "float32" | null;
}

/**
 * AdamW as APOLLO has it for tensors that it does not project.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array(4).fill(1);
 * using optimizer = builtins.createOptimizer("apollo", { w }, { weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(4).fill(0.5) }); // w has moved
 * ```
 */
export const apollo: OptimizerPlugin<"apollo", ApolloOptions> = {
  kind: "optimizer",
  name: "apollo",
  description: "APOLLO without projection, as in pytorch_optimizer: AdamW that corrects the whole step",
  source: "https://arxiv.org/abs/2412.05270; APOLLO of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 0.01, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay of the parameter" },
    weightDecouple: { default: true, description: "Decay the parameter, after the step; false: add the decay to the gradient" },
    fixedDecay: { default: false, description: "A decay that is not multiplied by the learning rate" },
    correctBias: { default: true, description: "Correct the moments' bias" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the root of the second moment" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule({ betas: [beta1], weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const decays = weightDecay > 0 && weightDecouple;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
      },
      update: `
        ${maximize ? "g = -g" : ""}
        ${weightDecay > 0 && !weightDecouple ? "g += weightDecay*p" : ""}
        ${lerp("m", "g", "(1 - beta1)", 1 - beta1)}
        v  = beta2*v + (1 - beta2)*g*g
        u  = m/(sqrt(v) + eps)
        p -= stepSize*u
        ${decays ? `p *= 1 - ${fixedDecay ? "" : "stepSize*"}weightDecay` : ""}
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], weightDecay, correctBias, eps }, t, { pow }) {
    const correction = correctBias ? Math.sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t)) : 1;
    return { stepSize: lr * correction, beta1, beta2, weightDecay, eps };
  },
};

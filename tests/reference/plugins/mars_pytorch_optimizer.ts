/**
 * MARS as in pytorch_optimizer 4.1.0, which takes the gradient before the first for 0, and gives tensors of less than two dimensions a rate, betas and a
 * decay of their own. Without Shampoo's variant.
 *
 * Yuan et al., "MARS: Unleashing the Power of Variance Reduction for Training Large Models", 2024, https://arxiv.org/abs/2411.10438.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode marsPytorchOptimizer}. */
export interface MarsPytorchOptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** How much of the gradient's change is added to it. */
  gamma?: number;
  /** What the corrected gradients go to. */
  marsType?: "adamw" | "lion";
  /** Correct the gradients of tensors of less than two dimensions too. */
  optimize1d?: boolean;
  /** Learning rate of such tensors. */
  lr1d?: number;
  /** The betas there. */
  betas1d?: readonly [number, number];
  /** Decoupled decay. */
  weightDecay?: number;
  /** The decay there. */
  weightDecay1d?: number;
  /** A decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Divide by the greatest second moment so far. */
  amsBound?: boolean;
  /** Leave out elements in which first moment and gradient disagree. */
  cautious?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
}

/** AdamW or Lion over corrected gradients; as in pytorch_optimizer 4.1.0. */
export const marsPytorchOptimizer: OptimizerPlugin<"mars_pytorch_optimizer", MarsPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "mars_pytorch_optimizer",
  description: "AdamW or Lion over corrected gradients; as in pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 3e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.95, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    gamma: { default: 0.025, description: "How much of the gradient's change is added to it" },
    marsType: { default: "adamw", enum: ["adamw", "lion"], description: "What the corrected gradients go to" },
    optimize1d: { default: false, description: "Correct the gradients of tensors of less than two dimensions too" },
    lr1d: { default: 3e-3, minimum: 0, description: "Learning rate of such tensors" },
    betas1d: { default: [0.9, 0.95], minimum: 0, exclusiveMaximum: 1, description: "The betas there" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay" },
    weightDecay1d: { default: 0.1, minimum: 0, description: "The decay there" },
    fixedDecay: { default: false, description: "A decay that is not multiplied by the learning rate" },
    amsBound: { default: false, description: "Divide by the greatest second moment so far" },
    cautious: { default: false, description: "Leave out elements in which first moment and gradient disagree" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
  },
  rule({ marsType, optimize1d, fixedDecay, amsBound, cautious }, { shape }) {
    const corrected = optimize1d || shape.length >= 2;
    const lion = corrected && marsType === "lion";
    const [b1, b2, c1, c2, rate, decay] = corrected
      ? ["beta1", "beta2", "c1", "c2", "lr", "weightDecay"]
      : ["alpha1", "alpha2", "d1", "d2", "lr1d", "weightDecay1d"];
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: "param" },
        v: { shape: "param", key: "exp_avg_sq", dtype: "param" },
        q: { shape: "param", key: "last_grad", dtype: "param" },
        w: amsBound ? { shape: "param", key: "max_exp_avg_sq", dtype: "param" } : undefined,
      },
      update: `
        c  = ${corrected ? "(g - q)*(gamma*(beta1/(1 - beta1))) + g" : "g"}
        ${corrected ? "c /= max(norm(c), 1)" : ""}
        m += (1 - ${b1})*(c - m)
        ${lion ? "" : `v  = ${b2}*v + (1 - ${b2})*c*c`}
        ${amsBound && !lion ? "w  = max(w, v)" : ""}
        ${cautious ? "k  = m*g > 0" : ""}
        a  = ${cautious ? "m*(k*(size/(sum(k) + 1)))" : "m"}
        u  = ${lion ? "sign(a)" : `a / ((sqrt(${amsBound ? "w" : "v"} + 0.000000000000001) + eps)/sqrt(${c2})*${c1})`}
        p *= 1 - ${fixedDecay ? decay : `${rate}*${decay}`}
        p -= ${rate}*u
        q  = g
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], gamma, lr1d, betas1d: [alpha1, alpha2], weightDecay, weightDecay1d, eps }, t, { pow }) {
    const [c1, c2, d1, d2] = [beta1, beta2, alpha1, alpha2].map((beta) => 1 - pow(beta, t));
    return { lr, beta1, beta2, gamma, lr1d, alpha1, alpha2, weightDecay, weightDecay1d, eps, c1, c2, d1, d2 };
  },
};

/**
 * MARS: AdamW or Lion over gradients that are corrected by how they changed, and clipped to norm 1.
 *
 * Yuan et al., "MARS: Unleashing the Power of Variance Reduction for Training Large Models", 2024, https://arxiv.org/abs/2411.10438.
 * Follows timm 1.0.31's `Mars`: the first gradient is taken as it is, and tensors of less than two dimensions go to AdamW. pytorch_optimizer 4.1.0 takes
 * the gradient before the first for 0. timm's `caution` leaves out elements of the momentum, ahead of Lion's sign, so that it is an option here and no
 * transform.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode mars}. */
export interface MarsOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decoupled decay, with the step. */
  weightDecay?: number;
  /** How much of the gradient's change is added to it. */
  gamma?: number;
  /** What the corrected gradients go to. */
  marsType?: "adamw" | "lion";
  /** Correct the gradients of tensors of less than two dimensions too. */
  optimize1d?: boolean;
  /** Factor of the learning rate where AdamW takes tensors of less than two dimensions. */
  lr1dFactor?: number;
  /** The betas there; null: the same. */
  betas1d?: readonly [number, number] | null;
  /** Leave out elements in which first moment and gradient disagree. */
  caution?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * AdamW or Lion over corrected gradients, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("mars", { w }, { lr: 3e-3, weightDecay: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const mars: OptimizerPlugin<"mars", MarsOptions> = {
  kind: "optimizer",
  name: "mars",
  description: "AdamW or Lion over gradients corrected by their change, as in timm",
  source: "https://arxiv.org/abs/2411.10438; Mars of timm 1.0.31",
  options: {
    lr: { default: 3e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay, with the step" },
    gamma: { default: 0.025, description: "How much of the gradient's change is added to it" },
    marsType: { default: "adamw", enum: ["adamw", "lion"], description: "What the corrected gradients go to" },
    optimize1d: { default: false, description: "Correct the gradients of tensors of less than two dimensions too" },
    lr1dFactor: {
      default: 1,
      minimum: 0,
      description: "Factor of the learning rate where AdamW takes tensors of less than two dimensions",
    },
    betas1d: {
      default: null,
      type: ["array", "null"],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "The betas there; null: the same",
    },
    caution: { default: false, description: "Leave out elements in which first moment and gradient disagree" },
    stateDtype: stateDtypeSpec,
  },
  rule({ marsType, optimize1d, caution, stateDtype }, { shape, dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const corrected = optimize1d || shape.length >= 2;
    const lion = corrected && marsType === "lion";
    const [a1, a2] = corrected ? ["c1", "c2"] : ["d1", "d2"];
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: lion ? undefined : { shape: "param", key: "exp_avg_sq", dtype: moments },
        q: { shape: "param", key: "last_grad", dtype: moments },
      },
      update: `
        ${
        corrected
          ? `c  = where(t == 1, g, (g - q)*(gamma*(beta1/(1 - beta1))) + g)
        c  = c/max(norm(c), 1)
        m  = beta1*m + (1 - beta1)*c
        ${lion ? "" : "v  = beta2*v + (1 - beta2)*c*c"}`
          : `m  = alpha1*m + (1 - alpha1)*g
        v  = alpha2*v + (1 - alpha2)*g*g`
      }
        ${caution ? "k  = m*g > 0" : ""}
        a  = ${caution ? "m*(k/max(mean(k), 0.001))" : "m"}
        u  = ${lion ? "sign(a)" : `a/${a1} / (sqrt(v)/sqrt(${a2}) + eps)`}
        p -= ${corrected ? "lr" : "lr*lr1dFactor"}*(weightDecay*p + u)
        q  = g
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, gamma, lr1dFactor, betas1d }, t, { pow }) {
    const [alpha1, alpha2] = betas1d ?? [beta1, beta2];
    const [c1, c2, d1, d2] = [beta1, beta2, alpha1, alpha2].map((beta) => 1 - pow(beta, t));
    return { lr, beta1, beta2, eps, weightDecay, gamma, lr1dFactor, alpha1, alpha2, c1, c2, d1, d2 };
  },
};

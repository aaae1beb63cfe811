/**
 * NAdam: Adam with Nesterov momentum, whose schedule is a product kept per tensor.
 *
 * Dozat, "Incorporating Nesterov Momentum into Adam", 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.
 * Follows `torch.optim.NAdam` 2.2.2, and `maximize` of 2.7. The product is float64 here, float32 there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode nadam}. */
export interface NAdamOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
  /** How fast the momentum grows. */
  momentumDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  decoupledWeightDecay?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with Nesterov momentum, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("nadam", { w }, { lr: 2e-3, momentumDecay: 1e-2 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const nadam: OptimizerPlugin<"nadam", NAdamOptions> = {
  kind: "optimizer",
  name: "nadam",
  description: "Adam with Nesterov momentum, as in PyTorch",
  source: "https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ; torch.optim.NAdam 2.2.2",
  options: {
    lr: { default: 2e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    momentumDecay: { default: 4e-3, minimum: 0, description: "How fast the momentum grows" },
    decoupledWeightDecay: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, decoupledWeightDecay, maximize, stateDtype }, { dtype }) {
    return {
      slots: {
        ...adamMoments(stateDtype, dtype),
        q: { shape: "scalar", key: "mu_product", init: 1 },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? decoupledWeightDecay ? "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        q *= mu
        m += (1 - beta1)*(g - m)
        v  = beta2*v + (1 - beta2)*g*g
        u  = ((1 - mu)/(1 - q)*g + nu/(1 - q*nu)*m) / (sqrt(v/c2) + eps)
        p -= lr*u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay }, t, { pow }) {
    const momentum = (step: number): number => beta1 * (1 - 0.5 * pow(0.96, step * momentumDecay));
    return { lr, beta1, beta2, eps, weightDecay, c2: 1 - pow(beta2, t), mu: momentum(t), nu: momentum(t + 1) };
  },
};

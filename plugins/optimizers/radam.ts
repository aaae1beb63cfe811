/**
 * RAdam: Adam that trusts its second moment only once it has seen enough gradients.
 *
 * Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2019, https://arxiv.org/abs/1908.03265.
 * Follows `torch.optim.RAdam` 2.2.2, and `maximize` of 2.7: eps is added to the root before its correction.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { adamMoments, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode radam}. */
export interface RAdamOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Decay, added to the gradient or decoupled. */
  weightDecay?: number;
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
 * Adam with a rectified second moment, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("radam", { w }, { lr: 1e-3, betas: [0.9, 0.99] });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const radam: OptimizerPlugin<"radam", RAdamOptions> = {
  kind: "optimizer",
  name: "radam",
  description: "Adam with a rectified second moment, as in PyTorch",
  source: "https://arxiv.org/abs/1908.03265; torch.optim.RAdam 2.2.2",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient or decoupled" },
    decoupledWeightDecay: { default: false, description: "Decay the parameter instead of adding to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, decoupledWeightDecay, maximize, stateDtype }, { dtype }) {
    return {
      slots: adamMoments(stateDtype, dtype),
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? decoupledWeightDecay ? "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        m += (1 - beta1)*(g - m)
        v  = beta2*v + (1 - beta2)*g*g
        u  = m/c1*where(rho > 5, rect*sqrt(c2)/(sqrt(v) + eps), 1)
        p -= lr*u
      `,
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay }, t, { pow }) {
    const [c1, c2] = [1 - pow(beta1, t), 1 - pow(beta2, t)];
    const inf = 2 / (1 - beta2) - 1;
    // The length of the average so far: the variance is known where it is above 4, and torch waits for 5.
    const rho = inf - 2 * t * pow(beta2, t) / c2;
    const rect = rho > 5 ? Math.sqrt((rho - 4) * (rho - 2) * inf / ((inf - 4) * (inf - 2) * rho)) : 1;
    return { lr, beta1, beta2, eps, weightDecay, c1, c2, rho, rect };
  },
};

/**
 * ASGD: gradient descent with the average of its iterates, which point `"average"` gives.
 *
 * Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992, https://doi.org/10.1137/0330046; the learning rate's fall is that of
 * Bottou's, https://leon.bottou.org/projects/sgd.
 * Follows `torch.optim.ASGD` 2.2.2, which steps with the rate that the step before has left, the first time with `lr`. Rates are float64 here, float32 there.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode asgd}. */
export interface ASGDOptions {
  /** Learning rate. */
  lr?: number;
  /** How fast the learning rate falls, and a decay. */
  lambd?: number;
  /** Exponent of its fall. */
  alpha?: number;
  /** The step after which iterates are averaged. */
  t0?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Gradient descent with an average of its iterates, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("asgd", { w }, { lr: 0.05, t0: 100 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const asgd: OptimizerPlugin<"asgd", ASGDOptions> = {
  kind: "optimizer",
  name: "asgd",
  description: "Gradient descent with an average of its iterates, as in PyTorch",
  source: "https://doi.org/10.1137/0330046; https://leon.bottou.org/projects/sgd; torch.optim.ASGD 2.2.2",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    lambd: { default: 1e-4, description: "How fast the learning rate falls, and a decay" },
    alpha: { default: 0.75, description: "Exponent of its fall" },
    t0: { default: 1e6, description: "The step after which iterates are averaged" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, maximize, stateDtype }, { dtype }) {
    return {
      slots: {
        a: { shape: "param", key: "ax", dtype: momentDtype(stateDtype, dtype) },
        e: { shape: "scalar", key: "eta" },
        k: { shape: "scalar", key: "mu", init: 1 },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        e  = where(t == 1, lr, e)
        u  = e*g
        p *= 1 - lambd*e
        p -= u
        a  = where(k == 1, p, a + k*(p - a))
        e  = lr/pow(1 + lambd*lr*t, alpha)
        k  = 1/max(1, t - t0)
      `,
      points: { average: "a" },
    };
  },
  scalars: ({ lr, lambd, alpha, t0, weightDecay }) => ({ lr, lambd, alpha, t0, weightDecay }),
};

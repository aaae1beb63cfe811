/**
 * Yogi: Adam whose second moment moves by the square of the gradient alone, and so falls slowly.
 *
 * Zaheer et al., "Adaptive Methods for Nonconvex Optimization", 2018, https://proceedings.neurips.cc/paper/2018/hash/90365351ccc7437a1309dc64e4db32a3.
 * Follows optax 0.2.8's `yogi`, where the first moment too starts at `initialAccumulatorValue`, and one step count serves all tensors; optax asks for a
 * learning rate, the default here is the paper's. Decay, which optax leaves to others, is that of pytorch_optimizer 4.1.0's `Yogi`.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode yogi}. */
export interface YogiOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first moment, and speed of the second. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** What both moments start at. */
  initialAccumulatorValue?: number;
  /** Decay, decoupled or added to the gradient. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam with a slowly falling second moment, as in optax.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("yogi", { w }, { lr: 1e-2 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const yogi: OptimizerPlugin<"yogi", YogiOptions> = {
  kind: "optimizer",
  name: "yogi",
  description: "Adam with a slowly falling second moment, as in optax",
  source: "https://proceedings.neurips.cc/paper/2018/hash/90365351ccc7437a1309dc64e4db32a3; yogi of optax 0.2.8",
  counts: "optimizer",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first moment, and speed of the second" },
    eps: { default: 1e-3, minimum: 0, description: "Added to the corrected root of the second moment" },
    initialAccumulatorValue: { default: 1e-6, minimum: 0, description: "What both moments start at" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, decoupled or added to the gradient" },
    weightDecouple: { default: true, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ initialAccumulatorValue: init, weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "exp_avg", init, dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", init, dtype: moments },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        m  = beta1*m + (1 - beta1)*g
        v -= (1 - beta2)*sign(v - g*g)*g*g
        u  = m/c1 / (sqrt(v/c2) + eps)
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], eps, weightDecay }, t, { pow }) => (
    { lr, beta1, beta2, eps, weightDecay, c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t) }
  ),
};

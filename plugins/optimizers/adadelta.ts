/**
 * Adadelta: steps in the parameter's own unit, by the running mean squares of gradients and of steps.
 *
 * Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, https://arxiv.org/abs/1212.5701.
 * Follows `torch.optim.Adadelta` 2.2.2; eps stands under both roots.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adadelta}. */
export interface AdadeltaOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of both mean squares. */
  rho?: number;
  /** Added under both roots. */
  eps?: number;
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
 * Adadelta, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adadelta", { w }, { rho: 0.95 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adadelta: OptimizerPlugin<"adadelta", AdadeltaOptions> = {
  kind: "optimizer",
  name: "adadelta",
  description: "Adadelta, as in PyTorch",
  source: "https://arxiv.org/abs/1212.5701; torch.optim.Adadelta 2.2.2",
  options: {
    lr: { default: 1, minimum: 0, unit: "rate", description: "Learning rate" },
    rho: { default: 0.9, minimum: 0, maximum: 1, description: "Decay of both mean squares" },
    eps: { default: 1e-6, minimum: 0, description: "Added under both roots" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        v: { shape: "param", key: "square_avg", dtype: moments },
        a: { shape: "param", key: "acc_delta", dtype: moments },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        v  = rho*v + (1 - rho)*g*g
        u  = sqrt(a + eps)/sqrt(v + eps)*g
        a  = rho*a + (1 - rho)*u*u
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, rho, eps, weightDecay }) => ({ lr, rho, eps, weightDecay }),
};

/**
 * Sophia: momentum over a running diagonal of the Hessian, clipped per element.
 *
 * Liu et al., "Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", 2023, https://arxiv.org/abs/2305.14342.
 * Follows pytorch_optimizer 4.1.0's `SophiaH`. The diagonal is the caller's: write it to `optimizer.inputs.hessian` and call `optimizer.run("hessian")`
 * before a step, every ten steps or so; there it is drawn every `update_period` steps.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode sophia}. */
export interface SophiaOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the momentum and of the diagonal. */
  betas?: readonly [number, number];
  /** Decay, decoupled or added to the gradient. */
  weightDecay?: number;
  /** Decay the parameter instead of adding to the gradient. */
  weightDecouple?: boolean;
  /** A decoupled decay that is not multiplied by the learning rate. */
  fixedDecay?: boolean;
  /** Greatest size of an element of the update. */
  p?: number;
  /** Least value of the diagonal. */
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
 * Momentum over a diagonal of the Hessian, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("sophia", { w }, { lr: 0.06, weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const sophia: OptimizerPlugin<"sophia", SophiaOptions> = {
  kind: "optimizer",
  name: "sophia",
  description: "Momentum over a diagonal of the Hessian, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2305.14342; SophiaH of pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 6e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.96, 0.99], minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum and of the diagonal" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, decoupled or added to the gradient" },
    weightDecouple: { default: true, description: "Decay the parameter instead of adding to the gradient" },
    fixedDecay: { default: false, description: "A decoupled decay that is not multiplied by the learning rate" },
    p: { default: 0.01, minimum: 0, description: "Greatest size of an element of the update" },
    eps: { default: 1e-12, minimum: 0, description: "Least value of the diagonal" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, weightDecouple, fixedDecay, maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        m: { shape: "param", key: "momentum", dtype: moments },
        h: { shape: "param", key: "hessian_moment", dtype: moments },
        hessian: { shape: "param", key: "hessian", dtype: moments, input: true },
      },
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? weightDecouple ? fixedDecay ? "p *= 1 - weightDecay" : "p *= 1 - lr*weightDecay" : "g += weightDecay*p" : ""}
        m += (1 - beta1)*(g - m)
        u  = clamp(m/max(h, eps), -rho, rho)
        p -= lr*u
      `,
      also: { hessian: "h = beta2*h + (1 - beta2)*hessian" },
    };
  },
  scalars: ({ lr, betas: [beta1, beta2], weightDecay, p: rho, eps }) => ({ lr, beta1, beta2, weightDecay, rho, eps }),
};

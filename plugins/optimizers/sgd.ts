/**
 * Stochastic gradient descent, with momentum.
 *
 * Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; `nesterov` in the form of Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", 2013, https://proceedings.mlr.press/v28/sutskever13.html.
 * Follows `torch.optim.SGD` 2.2.2, whose first momentum is the gradient itself, without dampening; there `lr` must be given, 1e-3 is that of 2.3.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode sgd}. */
export interface SGDOptions {
  /** Learning rate. */
  lr?: number;
  /** Share of the last step that goes on. */
  momentum?: number;
  /** Share of the gradient that momentum leaves out. */
  dampening?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Look ahead along the momentum. */
  nesterov?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Gradient descent with momentum, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 0.1, momentum: 0.9 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const sgd: OptimizerPlugin<"sgd", SGDOptions> = {
  kind: "optimizer",
  name: "sgd",
  description: "Gradient descent with momentum, as in PyTorch",
  source: "https://proceedings.mlr.press/v28/sutskever13.html; torch.optim.SGD 2.2.2",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0, minimum: 0, description: "Share of the last step that goes on" },
    dampening: { default: 0, description: "Share of the gradient that momentum leaves out" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    nesterov: { default: false, description: "Look ahead along the momentum" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  check({ momentum, dampening, nesterov }) {
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError(
        `Cannot use nesterov with momentum = ${momentum} and dampening = ${dampening}: it needs a momentum and no dampening`,
      );
    }
  },
  rule({ momentum, weightDecay, nesterov, maximize, stateDtype }, { dtype }) {
    return {
      slots: momentum > 0 ? { b: { shape: "param", key: "momentum_buffer", dtype: momentDtype(stateDtype, dtype) } } : {},
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? "g += weightDecay*p" : ""}
        ${momentum > 0 ? "b  = where(t == 1, g, momentum*b + (1 - dampening)*g)" : ""}
        u  = ${momentum > 0 ? nesterov ? "g + momentum*b" : "b" : "g"}
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, momentum, dampening, weightDecay }) => ({ lr, momentum, dampening, weightDecay }),
};

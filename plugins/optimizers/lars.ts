/**
 * LARS: gradient descent with momentum, whose rate is scaled per tensor by the ratio of the norms of parameter and gradient.
 *
 * You, Gitman & Ginsburg, "Large Batch Training of Convolutional Networks", 2017, https://arxiv.org/abs/1708.03888.
 * Follows timm 1.0.31's `Lars`, which scales no tensor without decay, and whose first momentum is the gradient itself, without dampening.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode lars}. */
export interface LarsOptions {
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
  /** Factor of the ratio. */
  trustCoeff?: number;
  /** Added to the ratio's denominator. */
  eps?: number;
  /** A ratio of at most the learning rate. */
  trustClip?: boolean;
  /** The ratio also where there is no decay. */
  alwaysAdapt?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Momentum, scaled per tensor by a ratio of norms, as in timm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("lars", { w }, { lr: 0.5, momentum: 0.9, weightDecay: 1e-4 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const lars: OptimizerPlugin<"lars", LarsOptions> = {
  kind: "optimizer",
  name: "lars",
  description: "Momentum, scaled per tensor by a ratio of norms, as in timm",
  source: "https://arxiv.org/abs/1708.03888; Lars of timm 1.0.31",
  options: {
    lr: { default: 1, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0, minimum: 0, description: "Share of the last step that goes on" },
    dampening: { default: 0, description: "Share of the gradient that momentum leaves out" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    nesterov: { default: false, description: "Look ahead along the momentum" },
    trustCoeff: { default: 0.001, minimum: 0, description: "Factor of the ratio" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the ratio's denominator" },
    trustClip: { default: false, description: "A ratio of at most the learning rate" },
    alwaysAdapt: { default: false, description: "The ratio also where there is no decay" },
    stateDtype: stateDtypeSpec,
  },
  check({ momentum, dampening, nesterov }) {
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError(
        `Cannot use nesterov with momentum = ${momentum} and dampening = ${dampening}: it needs a momentum and no dampening`,
      );
    }
  },
  rule({ momentum, weightDecay, nesterov, trustClip, alwaysAdapt, stateDtype }, { dtype }) {
    const adapt = `
        w  = norm(p)
        n  = norm(g)
        k  = where(w > 0, where(n > 0, trustCoeff*w/(n + w*weightDecay + eps), 1), 1)
        g  = (g + weightDecay*p)*${trustClip ? "min(k/lr, 1)" : "k"}`;
    return {
      slots: momentum > 0 ? { b: { shape: "param", key: "momentum_buffer", dtype: momentDtype(stateDtype, dtype) } } : {},
      update: `
        ${weightDecay > 0 || alwaysAdapt ? adapt : ""}
        ${momentum > 0 ? "b  = where(t == 1, g, momentum*b + (1 - dampening)*g)" : ""}
        u  = ${momentum > 0 ? nesterov ? "g + momentum*b" : "b" : "g"}
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, momentum, dampening, weightDecay, trustCoeff, eps }) => ({ lr, momentum, dampening, weightDecay, trustCoeff, eps }),
};

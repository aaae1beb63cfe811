/**
 * Adam as PyTorch has it.
 *
 * Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2014, https://arxiv.org/abs/1412.6980; `amsgrad` from Reddi et al., "On the Convergence of
 * Adam and Beyond", 2018, https://arxiv.org/abs/1904.09237.
 * Follows `torch.optim.Adam` 2.2.2: AdamW but for its decay, which is added to the gradient.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { stateDtypeSpec } from "./moment_dtype.ts";
import { adamwTorch } from "./adamw_torch.ts";

/** Options of {@linkcode adam}. */
export interface AdamOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decay, added to the gradient. */
  weightDecay?: number;
  /** Divide by the largest second moment so far. */
  amsgrad?: boolean;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /** As PyTorch's fused kernel computes: in 16 bits it rounds where it stores and nowhere else, which takes less time. */
  fused?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Adam, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adam", { w }, { lr: 1e-3, betas: [0.9, 0.98] });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adam: OptimizerPlugin<"adam", AdamOptions> = {
  kind: "optimizer",
  name: "adam",
  description: "Adam, as in PyTorch",
  source: "https://arxiv.org/abs/1412.6980; https://arxiv.org/abs/1904.09237; torch.optim.Adam 2.2.2",
  options: {
    lr: { default: 1e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, added to the gradient" },
    amsgrad: { default: false, description: "Divide by the largest second moment so far" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    fused: { default: false, description: "As PyTorch's fused kernel computes: in 16 bits it rounds once a store" },
    stateDtype: stateDtypeSpec,
  },
  rule(options, tensor) {
    const { weightDecay, maximize, fused } = options;
    const { slots, update } = adamwTorch.rule({ ...options, weightDecay: 0, maximize: false }, tensor);
    return {
      slots,
      update: `
        ${maximize ? "g  = -g" : ""}
        ${weightDecay > 0 ? fused ? "g  = fma(p, weightDecay, g)" : "g += weightDecay*p" : ""}
        ${update}
      `,
    };
  },
  scalars: (options, t, maths) => adamwTorch.scalars(options, t, maths),
};

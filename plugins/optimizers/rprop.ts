/**
 * Rprop: steps by the gradient's sign alone, longer while the sign stays, shorter when it turns. For whole batches.
 *
 * Riedmiller & Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", 1993,
 * https://doi.org/10.1109/ICNN.1993.298623.
 * Follows `torch.optim.Rprop` 2.2.2, which takes no step where the sign has turned.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode rprop}. */
export interface RpropOptions {
  /** Learning rate. */
  lr?: number;
  /** Factors of the step where the sign turns, and where it stays. */
  etas?: readonly [number, number];
  /** Least and greatest step. */
  stepSizes?: readonly [number, number];
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Steps by the sign of the gradient, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("rprop", { w }, { lr: 1e-2, etas: [0.5, 1.1] });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const rprop: OptimizerPlugin<"rprop", RpropOptions> = {
  kind: "optimizer",
  name: "rprop",
  description: "Steps by the sign of the gradient, as in PyTorch",
  source: "https://doi.org/10.1109/ICNN.1993.298623; torch.optim.Rprop 2.2.2",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    etas: { default: [0.5, 1.2], exclusiveMinimum: 0, description: "Factors of the step where the sign turns, and where it stays" },
    stepSizes: { default: [1e-6, 50], unit: "rate", description: "Least and greatest step" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  check({ etas: [down, up] }) {
    if (down >= 1 || up <= 1) throw new RangeError(`Cannot use etas = [${down}, ${up}]: the first must be below 1, the second above`);
  },
  rule({ maximize, stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        q: { shape: "param", key: "prev", dtype: moments },
        h: { shape: "param", key: "step_size", dtype: moments },
      },
      // The first step is lr long, and a later lr changes nothing.
      update: `
        ${maximize ? "g  = -g" : ""}
        s  = sign(g*q)
        h  = clamp(where(t == 1, lr, h)*where(s > 0, up, where(s < 0, down, 1)), least, greatest)
        q  = where(s < 0, 0, g)
        u  = h*sign(q)
        p -= u
      `,
    };
  },
  scalars: ({ lr, etas: [down, up], stepSizes: [least, greatest] }) => ({ lr, down, up, least, greatest }),
};

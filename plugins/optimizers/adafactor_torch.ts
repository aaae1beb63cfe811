/**
 * Adafactor as PyTorch has it: the second moment of a matrix as its rows' and columns' means.
 *
 * Shazeer & Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018, https://arxiv.org/abs/1804.04235.
 * Follows `torch.optim.Adafactor` 2.7.1, which has no first moment and takes the lesser of `lr` and 1/sqrt(t). Its factors have a dimension of 1 where
 * theirs was summed up; here that dimension is left out.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode adafactorTorch}. */
export interface AdafactorTorchOptions {
  /** Learning rate. */
  lr?: number;
  /** Exponent of the step in the decay of the second moment. */
  beta2Decay?: number;
  /** Least mean of a row factor, and least root mean square of the parameter; null: the machine epsilon of its dtype. */
  eps?: readonly [number | null, number];
  /** Greatest root mean square of the update. */
  d?: number;
  /** Decoupled decay, before the step. */
  weightDecay?: number;
  /** Go up the gradient instead of down. */
  maximize?: boolean;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/** The distance from 1 to the next greater number. */
const EPSILON = { float32: 2 ** -23, bfloat16: 2 ** -7, float16: 2 ** -10 };

/**
 * Adafactor, as in PyTorch.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("adafactor_torch", { w }, { lr: 1e-2, weightDecay: 0.1 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const adafactorTorch: OptimizerPlugin<"adafactor_torch", AdafactorTorchOptions> = {
  kind: "optimizer",
  name: "adafactor_torch",
  description: "Adafactor, as in PyTorch",
  source: "https://arxiv.org/abs/1804.04235; torch.optim.Adafactor 2.7.1",
  options: {
    lr: { default: 1e-2, minimum: 0, unit: "rate", description: "Learning rate" },
    beta2Decay: { default: -0.8, maximum: 0, description: "Exponent of the step in the decay of the second moment" },
    eps: {
      default: [null, 1e-3],
      minimum: 0,
      description: "Least mean of a row factor, and least root mean square of the parameter; null: the machine epsilon of its dtype",
    },
    d: { default: 1, minimum: 1, description: "Greatest root mean square of the update" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay, before the step" },
    maximize: { default: false, description: "Go up the gradient instead of down" },
    stateDtype: stateDtypeSpec,
  },
  check({ eps }) {
    const [eps1, eps2, ...rest] = eps as readonly unknown[];
    if ((eps1 !== null && typeof eps1 !== "number") || typeof eps2 !== "number" || rest.length > 0) {
      throw new RangeError(`Cannot use eps = ${JSON.stringify(eps)}: it must be two numbers, or null and a number`);
    }
  },
  rule({ eps: [eps1], weightDecay, maximize, stateDtype }, { shape, dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const factored = shape.length >= 2;
    const least = eps1 ?? EPSILON[dtype];
    return {
      slots: factored
        ? { r: { shape: "row", key: "row_var", dtype: moments }, c: { shape: "col", key: "col_var", dtype: moments } }
        : { v: { shape: "param", key: "variance", dtype: moments } },
      update: `
        ${maximize ? "g  = -g" : ""}
        a  = max(eps2, rms(p))*rho
        ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
        ${
        factored
          ? `r += k*(rowmean(g*g) - r)
        c += k*(colmean(g*g) - c)
        s  = r*c/max(colmean(r), ${least})`
          : `v += k*(g*g - v)
        s  = v`
      }
        u  = g / sqrt(max(s, ${least * least}))
        u /= max(1, rms(u)/d)
        p -= a*u
      `,
    };
  },
  scalars: ({ lr, beta2Decay, eps: [, eps2], d, weightDecay }, t, { pow }) => (
    { lr, k: pow(t, beta2Decay), eps2, d, weightDecay, rho: Math.min(lr, 1 / Math.sqrt(t)) }
  ),
};

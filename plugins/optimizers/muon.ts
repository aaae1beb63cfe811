/**
 * Muon: momentum whose matrices are made orthogonal before they are a step.
 *
 * Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/; the scale of 0.2 times the
 * root of the longer side from Liu et al., "Muon is Scalable for LLM Training", 2025, https://arxiv.org/abs/2502.16982; coefficients also from Amsel et
 * al., "The Polar Express", 2025, https://arxiv.org/abs/2505.16932.
 * Follows timm 1.0.31's `Muon` with `conv_mode="flatten"`: what is no matrix, has a side under 4 or one 128 times as long as the other, goes by AdamW, or by
 * NAdamW with `nesterov`. Two differences: Newton-Schulz iterates in float32, there in bfloat16, as here with `nsDtype: "bfloat16"`; and of a matrix with more
 * rows than columns, X B is computed where timm transposes X, computes B X and transposes back: the same products, since B is symmetric.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";
import { coefficients, newtonSchulz, normed, nsDtypeSpec } from "./newton_schulz.ts";

/** Sets of coefficients, by name: see {@linkcode MuonOptions.nsCoefficients}. */
export type MuonCoefficients = "original" | "quintic" | "polar_express" | "polar_express_safer";

/** Options of {@linkcode muon}. */
export interface MuonOptions {
  /** Learning rate. */
  lr?: number;
  /** Decoupled decay, before the step. */
  weightDecay?: number;
  /** Decay of the momentum. */
  momentum?: number;
  /** Look one step ahead along the momentum; what is no matrix goes by NAdamW then. */
  nesterov?: boolean;
  /** Iterations of Newton-Schulz. */
  nsSteps?: number;
  /** Its coefficients, a set by name; further iterations repeat the last ones. */
  nsCoefficients?: MuonCoefficients;
  /** What Newton-Schulz rounds to after each operation: `"float32"`, or `"bfloat16"` as in timm and PyTorch, which leaves two digits of a step. */
  nsDtype?: "float32" | "bfloat16";
  /** The least norm that a matrix is divided by; of what is no matrix, added to the corrected root of the second moment. */
  eps?: number;
  /** Factor of the norm that a matrix is divided by: above 1 for coefficients that bear no singular value above 1. */
  safetyFactor?: number;
  /**
   * Factor of the learning rate: `"match_rms_adamw"`, 0.2 times the root of the longer side; `"original"`, the root of rows by columns, at least 1;
   * `"rms_to_rms"`, that root; null: none.
   */
  adjustLrFn?: "match_rms_adamw" | "original" | "rms_to_rms" | null;
  /** Factor of the learning rate of what is no matrix. */
  fallbackLrScale?: number;
  /** Decay of the first and of the second moment, of what is no matrix. */
  betas?: readonly [number, number];
  /**
   * Element type of momentum and moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which
   * have no room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

const leastSide = 4;
const mostAspect = 128;

/** Rows and columns of what Muon is for, as a matrix; null for what it is not for. */
function sidesOf(shape: readonly number[]): readonly [rows: number, cols: number] | null {
  if (shape.length < 2 || shape[0] === 1 || shape[1] === 1) return null;
  const [rows, ...rest] = shape;
  const cols = rest.reduce((n, length) => n * length, 1);
  const [short, long] = [Math.min(rows, cols), Math.max(rows, cols)];
  return short < leastSide || long > mostAspect * short ? null : [rows, cols];
}

/** The factor of the learning rate. */
function scaleOf(adjustLrFn: MuonOptions["adjustLrFn"], rows: number, cols: number): number {
  if (adjustLrFn === "original") return Math.sqrt(Math.max(1, rows / cols));
  if (adjustLrFn === "match_rms_adamw") return 0.2 * Math.sqrt(Math.max(rows, cols));
  return adjustLrFn === "rms_to_rms" ? Math.sqrt(rows / cols) : 1;
}

/**
 * Muon for matrices, AdamW for the rest, as in timm.
 *
 * Put embeddings and heads into a group of another optimizer: they are matrices too.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(32).fill(1), shape: [8, 4] };
 * using optimizer = builtins.createOptimizer("muon", { w }, { lr: 0.02, nesterov: true });
 * optimizer.step({ w: new Float32Array(32).map((_, i) => i % 5) }); // w.data has moved
 * ```
 */
export const muon: OptimizerPlugin<"muon", MuonOptions> = {
  kind: "optimizer",
  name: "muon",
  description: "Momentum made orthogonal for matrices, AdamW for the rest, as in timm",
  source:
    "https://kellerjordan.github.io/posts/muon/; https://arxiv.org/abs/2502.16982; https://arxiv.org/abs/2505.16932; Muon of timm 1.0.31",
  options: {
    lr: { default: 0.02, minimum: 0, unit: "rate", description: "Learning rate" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay, before the step" },
    momentum: { default: 0.95, minimum: 0, maximum: 1, description: "Decay of the momentum" },
    nesterov: { default: false, description: "Look one step ahead along the momentum" },
    nsSteps: { default: 5, type: "integer", unit: "count", minimum: 0, maximum: 20, description: "Iterations of Newton-Schulz" },
    nsCoefficients: {
      default: "quintic",
      enum: ["original", "quintic", "polar_express", "polar_express_safer"],
      description: "Coefficients of Newton-Schulz, a set by name; further iterations repeat the last ones",
    },
    nsDtype: nsDtypeSpec,
    eps: { default: 1e-7, minimum: 0, description: "The least norm that a matrix is divided by, and AdamW's eps for the rest" },
    safetyFactor: { default: 1, exclusiveMinimum: 0, description: "Factor of the norm that a matrix is divided by" },
    adjustLrFn: {
      default: "match_rms_adamw",
      type: ["string", "null"],
      enum: ["match_rms_adamw", "original", "rms_to_rms", null],
      description: "How the learning rate follows a matrix' sides",
    },
    fallbackLrScale: { default: 1, minimum: 0, description: "Factor of the learning rate of what is no matrix" },
    betas: { default: [0.9, 0.95], minimum: 0, exclusiveMaximum: 1, description: "Decay of AdamW's moments, of what is no matrix" },
    stateDtype: stateDtypeSpec,
  },
  rule({ weightDecay, momentum, nesterov, nsSteps, nsCoefficients, nsDtype, adjustLrFn, stateDtype }, { shape, dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    const sides = sidesOf(shape);
    if (sides === null) {
      return {
        slots: {
          m: { shape: "param", key: "exp_avg", dtype: moments },
          v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        },
        update: `
          ${weightDecay > 0 ? "p *= 1 - fallbackLr*weightDecay" : ""}
          m += (1 - beta1)*(g - m)
          v  = beta2*v + (1 - beta2)*g*g
          u  = ${nesterov ? "(beta1*m + (1 - beta1)*g)" : "m"}/c1 / (sqrt(v)/sqrt(c2) + eps)
          p -= fallbackLr*u
        `,
      };
    }
    const [rows, cols] = sides;
    return {
      slots: { m: { shape: "param", key: "momentum_buffer", dtype: moments } },
      matrix: [1, rows, cols],
      // torch's lerp has two forms, so that neither end of it is lost.
      update: `
        ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
        ${momentum > 0.5 ? "m += (1 - momentum)*(g - m)" : "m  = g - momentum*(g - m)"}
        ${!nesterov ? "o  = m" : momentum < 0.5 ? "o  = g + momentum*(m - g)" : "o  = m - (1 - momentum)*(m - g)"}
        ${normed("X", "o", "safetyFactor", "eps", nsDtype)}
        ${newtonSchulz(nsSteps, coefficients[nsCoefficients], rows > cols, nsDtype)}
        u  = ${scaleOf(adjustLrFn, rows, cols)}*X
        p -= lr*u
      `,
    };
  },
  scalars: (
    { lr, weightDecay, momentum, eps, safetyFactor, fallbackLrScale, betas: [beta1, beta2] },
    t,
    { pow },
  ) => ({
    ...{ lr, fallbackLr: lr * fallbackLrScale, weightDecay, momentum, eps, safetyFactor, beta1, beta2 },
    ...{ c1: 1 - pow(beta1, t), c2: 1 - pow(beta2, t) },
  }),
};

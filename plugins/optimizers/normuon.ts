/**
 * NorMuon: Muon whose rows are scaled by their own second moments.
 *
 * Li et al., "NorMuon: Making Muon more efficient and scalable", 2025, https://arxiv.org/abs/2510.05491. Defaults and order of operations follow
 * pytorch_optimizer 4.1.0. Newton-Schulz iterates in float32, there in bfloat16, as here with `nsDtype: "bfloat16"`. AdamW's rate is `adamwLr` in every group: there a group's own `lr` is that,
 * too.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { lerp } from "./lerp.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";
import { adamwRule, adjustedLr, checkMatrix, decay, nsCoeffsSpec, orthogonal, sidesOf, useMuonSpec } from "./muon_or_adamw.ts";
import { nsDtypeSpec } from "./newton_schulz.ts";

/** Options of {@linkcode normuon}. */
export interface NormuonOptions {
  /** Learning rate of matrices. */
  lr?: number;
  /** Decay of the momentum. */
  momentum?: number;
  /** Decay of the rows' second moments. */
  beta2?: number;
  /** Decay of matrices, before the step. */
  weightDecay?: number;
  /** Decay the parameter; false: add the decay to the gradient. */
  weightDecouple?: boolean;
  /** Look one step ahead along the momentum. */
  nesterov?: boolean;
  /** Iterations of Newton-Schulz. */
  nsSteps?: number;
  /** Its coefficients, a set by name. */
  nsCoeffs?: "original" | "quintic" | "polar_express" | "polar_express_safer";
  /** What Newton-Schulz rounds to after each operation: `"float32"`, or `"bfloat16"` as in pytorch_optimizer, which leaves two digits of a step. */
  nsDtype?: "float32" | "bfloat16";
  /** What becomes of the norm: `"preserve_norm"` keeps that of the orthogonal matrix, `"match_rms"` makes the root mean square 0.2. */
  updateScale?: "preserve_norm" | "match_rms";
  /** With `"preserve_norm"`: scale the learning rate by 0.2 times the root of the longer side; false: by the root of rows by columns, at least 1. */
  useAdjustedLr?: boolean;
  /** Whether tensors are for Muon or for AdamW; null, the default: those of two and more dimensions are for Muon. */
  useMuon?: boolean | null;
  /** Learning rate of AdamW. */
  adamwLr?: number;
  /** Decay of AdamW's moments. */
  adamwBetas?: readonly [number, number];
  /** Decay of what goes by AdamW. */
  adamwWd?: number;
  /** Added to the root of AdamW's second moment. */
  adamwEps?: number;
  /** Added to the roots of the rows' second moments, and to norms. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of momentum and moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters alone. */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Muon with rows of equal size, AdamW for the rest, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(32).fill(1), shape: [8, 4] };
 * using optimizer = builtins.createOptimizer("normuon", { w });
 * optimizer.step({ w: new Float32Array(32).map((_, i) => i % 5) }); // w.data has moved
 * ```
 */
export const normuon: OptimizerPlugin<"normuon", NormuonOptions> = {
  kind: "optimizer",
  name: "normuon",
  description: "Muon with rows scaled by their second moments, AdamW for the rest, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2510.05491; NorMuon of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 0.02, minimum: 0, unit: "rate", description: "Learning rate of matrices" },
    momentum: { default: 0.95, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum" },
    beta2: { default: 0.95, minimum: 0, exclusiveMaximum: 1, description: "Decay of the rows' second moments" },
    weightDecay: { default: 0, minimum: 0, description: "Decay of matrices, before the step" },
    weightDecouple: { default: true, description: "Decay the parameter; false: add the decay to the gradient" },
    nesterov: { default: true, description: "Look one step ahead along the momentum" },
    nsSteps: { default: 5, type: "integer", unit: "count", minimum: 1, maximum: 20, description: "Iterations of Newton-Schulz" },
    nsCoeffs: nsCoeffsSpec,
    nsDtype: nsDtypeSpec,
    updateScale: {
      default: "preserve_norm",
      enum: ["preserve_norm", "match_rms"],
      description: "Keep the norm of the orthogonal matrix, or make the root mean square 0.2",
    },
    useAdjustedLr: { default: false, description: "Scale the learning rate by 0.2 times the root of the longer side" },
    useMuon: useMuonSpec,
    adamwLr: { default: 3e-4, minimum: 0, unit: "rate", description: "Learning rate of AdamW" },
    adamwBetas: { default: [0.9, 0.95], minimum: 0, exclusiveMaximum: 1, description: "Decay of AdamW's moments" },
    adamwWd: { default: 0, minimum: 0, description: "Decay of what goes by AdamW" },
    adamwEps: { default: 1e-10, minimum: 0, description: "Added to the root of AdamW's second moment" },
    eps: { default: 1e-10, minimum: 0, description: "Added to the roots of the rows' second moments, and to norms" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule(options, { name, shape, dtype }) {
    const { momentum, beta2, weightDecay, weightDecouple, nesterov, nsSteps, nsCoeffs, nsDtype, updateScale, useAdjustedLr, useMuon } =
      options;
    const moments = momentDtype(options.stateDtype, dtype);
    checkMatrix(useMuon, name, shape);
    const sides = sidesOf(useMuon, shape);
    if (sides === null) return adamwRule(options, moments);
    const keeps = updateScale === "preserve_norm";
    return {
      slots: {
        m: { shape: "param", key: "momentum_buffer", dtype: moments },
        s: { shape: "row", key: "second_momentum_buffer", dtype: moments },
      },
      matrix: [1, ...sides],
      update: `
        ${options.maximize ? "g = -g" : ""}
        ${decay(weightDecay, weightDecouple, "lr", "weightDecay")}
        ${lerp("m", "g", "(1 - momentum)", 1 - momentum)}
        o  = ${nesterov ? "g" : "m"}
        ${nesterov ? lerp("o", "m", "momentum", momentum) : ""}
        ${orthogonal("o", nsSteps, nsCoeffs, sides, nsDtype)}
        ${lerp("s", "rowmean(X*X)", "(1 - beta2)", 1 - beta2)}
        O  = X/(sqrt(s) + eps)
        u  = O*(${keeps ? "norm(X)" : "0.2*sqrt(size)"}/(norm(O) + eps))
        p -= lr*${keeps ? adjustedLr(useAdjustedLr, sides) : 1}*u
      `,
    };
  },
  scalars: (
    { lr, momentum, beta2, weightDecay, adamwLr, adamwBetas: [adamwBeta1, adamwBeta2], adamwWd, adamwEps, eps },
    t,
    { pow },
  ) => ({
    ...{ lr, momentum, beta2, weightDecay, adamwLr, adamwBeta1, adamwBeta2, adamwWd, adamwEps, eps },
    ...{ a1: 1 - pow(adamwBeta1, t), a2: 1 - pow(adamwBeta2, t) },
  }),
};

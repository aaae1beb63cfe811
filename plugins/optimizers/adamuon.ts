/**
 * AdaMuon: Muon with a second moment of the orthogonal updates.
 *
 * Si et al., "AdaMuon: Adaptive Muon Optimizer", 2025, https://arxiv.org/abs/2507.11005. Defaults and order of operations follow pytorch_optimizer 4.1.0.
 * Newton-Schulz iterates in float32, there in bfloat16, as here with `nsDtype: "bfloat16"`, which then
 * rounds the step, too. AdamW's rate is `adamwLr` in every group: there a group's own `lr` is that, too.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { lerp } from "./lerp.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";
import { adamwRule, adjustedLr, checkMatrix, decay, nsCoeffsSpec, orthogonal, sidesOf, useMuonSpec } from "./muon_or_adamw.ts";
import { nsDtypeSpec } from "./newton_schulz.ts";

/** Options of {@linkcode adamuon}. */
export interface AdamuonOptions {
  /** Learning rate of matrices. */
  lr?: number;
  /** Decay of the momentum, and of the second moment of orthogonal updates. */
  betas?: readonly [number, number];
  /** Decay of matrices, before the step. */
  weightDecay?: number;
  /** Decay the parameter; false: add the decay to the gradient. */
  weightDecouple?: boolean;
  /** Iterations of Newton-Schulz. */
  nsSteps?: number;
  /** Its coefficients, a set by name. */
  nsCoeffs?: "original" | "quintic" | "polar_express" | "polar_express_safer";
  /** What Newton-Schulz rounds to after each operation: `"float32"`, or `"bfloat16"` as in pytorch_optimizer, which leaves two digits of a step. */
  nsDtype?: "float32" | "bfloat16";
  /** Scale the learning rate by 0.2 times the root of the longer side; false: by the root of rows by columns, at least 1. */
  useAdjustedLr?: boolean;
  /** Whether tensors are for Muon or for AdamW; null, the default: those of two and more dimensions are for Muon. */
  useMuon?: boolean | null;
  /** Learning rate of AdamW. */
  adamwLr?: number;
  /** Decay of AdamW's moments. */
  adamwBetas?: readonly [number, number];
  /** Decay of what goes by AdamW. */
  adamwWd?: number;
  /** Added to roots of second moments, and to norms. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of the moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters alone. */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Muon with a second moment, AdamW for the rest, as in pytorch_optimizer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(32).fill(1), shape: [8, 4] };
 * using optimizer = builtins.createOptimizer("adamuon", { w });
 * optimizer.step({ w: new Float32Array(32).map((_, i) => i % 5) }); // w.data has moved
 * ```
 */
export const adamuon: OptimizerPlugin<"adamuon", AdamuonOptions> = {
  kind: "optimizer",
  name: "adamuon",
  description: "Muon with a second moment, AdamW for the rest, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2507.11005; AdaMuon of pytorch_optimizer 4.1.0",
  counts: "group",
  options: {
    lr: { default: 0.02, minimum: 0, unit: "rate", description: "Learning rate of matrices" },
    betas: { default: [0.9, 0.95], minimum: 0, exclusiveMaximum: 1, description: "Decay of momentum and second moment, of matrices" },
    weightDecay: { default: 0, minimum: 0, description: "Decay of matrices, before the step" },
    weightDecouple: { default: true, description: "Decay the parameter; false: add the decay to the gradient" },
    nsSteps: { default: 5, type: "integer", unit: "count", minimum: 1, maximum: 20, description: "Iterations of Newton-Schulz" },
    nsCoeffs: nsCoeffsSpec,
    nsDtype: nsDtypeSpec,
    useAdjustedLr: { default: true, description: "Scale the learning rate by 0.2 times the root of the longer side" },
    useMuon: useMuonSpec,
    adamwLr: { default: 3e-4, minimum: 0, unit: "rate", description: "Learning rate of AdamW" },
    adamwBetas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decay of AdamW's moments" },
    adamwWd: { default: 0, minimum: 0, description: "Decay of what goes by AdamW" },
    eps: { default: 1e-10, minimum: 0, description: "Added to roots of second moments, and to norms" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule(options, { name, shape, dtype }) {
    const { betas: [beta1], weightDecay, weightDecouple, nsSteps, nsCoeffs, nsDtype, useAdjustedLr, useMuon } = options;
    const moments = momentDtype(options.stateDtype, dtype);
    checkMatrix(useMuon, name, shape);
    const sides = sidesOf(useMuon, shape);
    if (sides === null) return adamwRule(options, moments);
    // The step has the dtype of the iteration, and PyTorch divides a number by a tensor through the tensor's reciprocal.
    const round = nsDtype === "float32" ? "" : nsDtype;
    return {
      slots: { m: { shape: "param", key: "m", dtype: moments }, v: { shape: [sides[0] * sides[1]], key: "v", dtype: moments } },
      matrix: [1, ...sides],
      update: `
        ${options.maximize ? "g = -g" : ""}
        ${decay(weightDecay, weightDecouple, "lr", "weightDecay")}
        ${lerp("m", "g", "(1 - beta1)", 1 - beta1)}
        ${orthogonal("m", nsSteps, nsCoeffs, sides, nsDtype)}
        v  = beta2*v + (1 - beta2)*X*X
        O  = ${round}(X/(sqrt(v/c2) + adamwEps))
        n  = ${round}(${round}(norm(O)) + adamwEps)
        u  = ${round}(O*${round}(${Math.sqrt(Math.min(...sides))}*${round}(1/n)))
        p -= lr*${adjustedLr(useAdjustedLr, sides)}*u
      `,
    };
  },
  scalars: (
    { lr, betas: [beta1, beta2], weightDecay, adamwLr, adamwBetas: [adamwBeta1, adamwBeta2], adamwWd, eps: adamwEps },
    t,
    { pow },
  ) => ({
    ...{ lr, beta1, beta2, weightDecay, adamwLr, adamwBeta1, adamwBeta2, adamwWd, adamwEps },
    ...{ c2: 1 - pow(beta2, t), a1: 1 - pow(adamwBeta1, t), a2: 1 - pow(adamwBeta2, t) },
  }),
};

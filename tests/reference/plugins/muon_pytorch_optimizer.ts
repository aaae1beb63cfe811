/**
 * Muon as pytorch_optimizer has it: `muon` is timm's, with other defaults.
 *
 * Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/; the scale of
 * `useAdjustedLr` from Liu et al., "Muon is Scalable for LLM Training", 2025, https://arxiv.org/abs/2502.16982.
 * Follows pytorch_optimizer 4.1.0 with `ns_method="newton_schulz"`. Newton-Schulz iterates in float32, there in bfloat16, as here with `nsDtype: "bfloat16"`. AdamW's rate is `adamwLr` in every
 * group: there a group's own `lr` is that, too.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";
import { lerp } from "../../../plugins/optimizers/lerp.ts";
import { momentDtype, stateDtypeSpec } from "../../../plugins/optimizers/moment_dtype.ts";
import type { MuonCoefficients } from "../../../plugins/optimizers/muon.ts";
import { type NsDtype, nsDtypeSpec } from "../../../plugins/optimizers/newton_schulz.ts";
import {
  adamwRule,
  adjustedLr,
  checkMatrix,
  decay,
  nsCoeffsSpec,
  orthogonal,
  sidesOf,
  useMuonSpec,
} from "../../../plugins/optimizers/muon_or_adamw.ts";

/** Options of {@linkcode muonPytorchOptimizer}. */
export interface MuonPytorchOptimizerOptions {
  /** Learning rate of matrices. */
  lr?: number;
  /** Decay of the momentum. */
  momentum?: number;
  /** Decay of matrices, before the step. */
  weightDecay?: number;
  /** Decay the parameter; false: add the decay to the gradient. */
  weightDecouple?: boolean;
  /** Look one step ahead along the momentum. */
  nesterov?: boolean;
  /** Iterations of Newton-Schulz. */
  nsSteps?: number;
  /** Its coefficients, a set by name. */
  nsCoeffs?: MuonCoefficients;
  /** What Newton-Schulz rounds to after each operation. */
  nsDtype?: NsDtype;
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
  /** Added to the root of AdamW's second moment. */
  adamwEps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of momentum and moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters alone. */
  stateDtype?: "param" | "float32" | null;
}

/**
 * Muon for matrices, AdamW for the rest, as in pytorch_optimizer.
 */
export const muonPytorchOptimizer: OptimizerPlugin<"muon_pytorch_optimizer", MuonPytorchOptimizerOptions> = {
  kind: "optimizer",
  name: "muon_pytorch_optimizer",
  description: "Momentum made orthogonal for matrices, AdamW for the rest, as in pytorch_optimizer",
  counts: "group",
  options: {
    lr: { default: 0.02, minimum: 0, unit: "rate", description: "Learning rate of matrices" },
    momentum: { default: 0.95, minimum: 0, exclusiveMaximum: 1, description: "Decay of the momentum" },
    weightDecay: { default: 0, minimum: 0, description: "Decay of matrices, before the step" },
    weightDecouple: { default: true, description: "Decay the parameter; false: add the decay to the gradient" },
    nesterov: { default: true, description: "Look one step ahead along the momentum" },
    nsSteps: { default: 5, type: "integer", unit: "count", minimum: 1, maximum: 20, description: "Iterations of Newton-Schulz" },
    nsCoeffs: nsCoeffsSpec,
    nsDtype: nsDtypeSpec,
    useAdjustedLr: { default: false, description: "Scale the learning rate by 0.2 times the root of the longer side" },
    useMuon: useMuonSpec,
    adamwLr: { default: 3e-4, minimum: 0, unit: "rate", description: "Learning rate of AdamW" },
    adamwBetas: { default: [0.9, 0.95], minimum: 0, exclusiveMaximum: 1, description: "Decay of AdamW's moments" },
    adamwWd: { default: 0, minimum: 0, description: "Decay of what goes by AdamW" },
    adamwEps: { default: 1e-10, minimum: 0, description: "Added to the root of AdamW's second moment" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule(options, { name, shape, dtype }) {
    const { momentum, weightDecay, weightDecouple, nesterov, nsSteps, nsCoeffs, nsDtype, useAdjustedLr, useMuon, maximize } = options;
    const moments = momentDtype(options.stateDtype, dtype);
    checkMatrix(useMuon, name, shape);
    const sides = sidesOf(useMuon, shape);
    if (sides === null) return adamwRule(options, moments);
    return {
      slots: { m: { shape: "param", key: "momentum_buffer", dtype: moments } },
      matrix: [1, ...sides],
      update: `
        ${maximize ? "g = -g" : ""}
        ${decay(weightDecay, weightDecouple, "lr", "weightDecay")}
        ${lerp("m", "g", "(1 - momentum)", 1 - momentum)}
        o  = ${nesterov ? "g" : "m"}
        ${nesterov ? lerp("o", "m", "momentum", momentum) : ""}
        ${orthogonal("o", nsSteps, nsCoeffs, sides, nsDtype)}
        u  = ${adjustedLr(useAdjustedLr, sides)}*X
        p -= lr*u
      `,
    };
  },
  scalars: ({ lr, momentum, weightDecay, adamwLr, adamwBetas: [adamwBeta1, adamwBeta2], adamwWd, adamwEps }, t, { pow }) => ({
    ...{ lr, momentum, weightDecay, adamwLr, adamwBeta1, adamwBeta2, adamwWd, adamwEps },
    ...{ a1: 1 - pow(adamwBeta1, t), a2: 1 - pow(adamwBeta2, t) },
  }),
};

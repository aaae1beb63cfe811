/**
 * What the Muons of pytorch_optimizer have in common: which tensors are matrices, AdamW for the rest, and how the learning rate follows the sides.
 *
 * @module
 */
import type { OptionSpec, Rule } from "../../core/plugin/contract.ts";
import { lerp } from "./lerp.ts";
import { coefficients, newtonSchulz, normed, type NsDtype } from "./newton_schulz.ts";

/** A tensor as a matrix. */
export type MatrixSides = readonly [rows: number, cols: number];

/** Rows and columns of what goes by Muon, the first dimension by all others; null for what goes by AdamW. */
export function sidesOf(useMuon: boolean | null, shape: readonly number[]): MatrixSides | null {
  if (useMuon === false || shape.length < 2) return null;
  const [rows, ...rest] = shape;
  return [rows, rest.reduce((n, length) => n * length, 1)];
}

/** The option that says which tensors are for Muon. */
export const useMuonSpec: OptionSpec<boolean | null> = {
  default: null,
  type: ["boolean", "null"],
  description: "Whether tensors are for Muon or for AdamW; null: those of two and more dimensions",
};

/** The option that names the coefficients. */
export const nsCoeffsSpec: OptionSpec<keyof typeof coefficients> = {
  default: "original",
  enum: ["original", "quintic", "polar_express", "polar_express_safer"],
  description: "Coefficients of Newton-Schulz, a set by name; further iterations repeat the last ones",
};

/** Refuses a tensor that Muon is asked for and that is no matrix. */
export function checkMatrix(useMuon: boolean | null, name: string, shape: readonly number[]): void {
  if (useMuon !== true || shape.length >= 2) return;
  throw new RangeError(
    `Cannot use Muon for parameter "${name}" of shape [${shape}]: it needs two dimensions; give it to a group with useMuon: false`,
  );
}

/** The factor of the learning rate: Moonlight's 0.2 times the root of the longer side, or Jordan's root of rows by columns, at least 1. */
export function adjustedLr(useAdjustedLr: boolean, [rows, cols]: MatrixSides): number {
  return useAdjustedLr ? 0.2 * Math.sqrt(Math.max(rows, cols)) : Math.sqrt(Math.max(1, cols === 0 ? 1 : rows / cols));
}

/** A line of decay before the step. */
export const decay = (weightDecay: number, weightDecouple: boolean, lr: string, of: string): string =>
  weightDecay === 0 ? "" : weightDecouple ? `p *= 1 - ${lr}*${of}` : weightDecay > 0 ? `g += ${of}*p` : "";

/** Lines that make `X` the orthogonal matrix next to the one called `name`. */
export const orthogonal = (
  name: string,
  steps: number,
  set: keyof typeof coefficients,
  [rows, cols]: MatrixSides,
  dtype: NsDtype = "float32",
): string => `
  ${normed("X", name, "1", "1e-7", dtype)}
  ${newtonSchulz(steps, coefficients[set], rows > cols, dtype)}
`;

/** AdamW of what is no matrix; `adamwLr`, `adamwWd`, `adamwEps`, `adamwBeta1`, `adamwBeta2`, `a1` and `a2` are its numbers. */
export function adamwRule(
  { maximize, adamwWd, weightDecouple, adamwBetas: [beta1, beta2] }: {
    readonly maximize: boolean;
    readonly adamwWd: number;
    readonly weightDecouple: boolean;
    readonly adamwBetas: readonly [number, number];
  },
  moments: "param" | "float32",
): Rule {
  return {
    slots: {
      m: { shape: "param", key: "exp_avg", dtype: moments },
      v: { shape: "param", key: "exp_avg_sq", dtype: moments },
    },
    update: `
      ${maximize ? "g = -g" : ""}
      ${decay(adamwWd, weightDecouple, "adamwLr", "adamwWd")}
      ${lerp("m", "g", "(1 - adamwBeta1)", 1 - beta1)}
      ${lerp("v", "g*g", "(1 - adamwBeta2)", 1 - beta2)}
      u  = m/a1 / (sqrt(v)/sqrt(a2) + adamwEps)
      p -= adamwLr*u
    `,
  };
}

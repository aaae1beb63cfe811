/**
 * SOAP: Adam in the eigenbases of Shampoo's statistics.
 *
 * Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", 2024, https://arxiv.org/abs/2409.11321. Defaults and order of operations follow
 * pytorch_optimizer 4.1.0. A tensor's first step only gathers statistics. Three differences: a tensor whose first gradient comes later than others' begins
 * then, where there it steps at once; tensors of more than two dimensions are matrices, of the first by all others (there each dimension has a basis of its
 * own), with `mergeDims` of the dimensions that are left where those are two; statistics and bases are in float32 for 16-bit parameters too.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { lerp } from "./lerp.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode soap}. */
export interface SoapOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and of the second moment. */
  betas?: readonly [number, number];
  /** Decay of the statistics; null: `betas[1]`. */
  shampooBeta?: number | null;
  /** Decoupled decay, after the step. */
  weightDecay?: number;
  /** Steps from one improvement of the bases to the next. */
  preconditionFrequency?: number;
  /** The longest side that has a basis; longer ones are left alone. */
  maxPreconditionDim?: number;
  /** Merge neighbouring dimensions as long as their product is no longer than that. */
  mergeDims?: boolean;
  /** Give vectors a basis too. */
  precondition1d?: boolean;
  /** Correct the moments' bias. */
  correctBias?: boolean;
  /** Divide the step by its root mean square. */
  normalizeGradient?: boolean;
  /** Added to the root of the second moment. */
  eps?: number;
  /** Maximize instead. */
  maximize?: boolean;
  /** Element type of the moments: `"param"`, the parameter's, or `"float32"`; null, the default: float32 for float16 parameters, the parameter's for others. */
  stateDtype?: "param" | "float32" | null;
}

/** How a tensor is a matrix, and which of its sides have a basis. */
interface Sides {
  readonly rows: number;
  readonly cols: number;
  readonly left: boolean;
  readonly right: boolean;
}

/** Neighbours joined as long as their product is at most so much. */
function merged(shape: readonly number[], most: number): readonly number[] {
  const dims: number[] = [];
  let product = 1;
  for (const length of shape) {
    if (product * length > most && product > 1) {
      dims.push(product);
      product = 1;
    }
    if (product * length > most) dims.push(length);
    else product *= length;
  }
  return product > 1 || dims.length === 0 ? [...dims, product] : dims;
}

function sidesOf(shape: readonly number[], most: number, mergeDims: boolean, precondition1d: boolean): Sides {
  const size = shape.reduce((n, length) => n * length, 1);
  if (shape.length < 2) return { rows: size, cols: 1, left: shape.length === 1 && precondition1d && size <= most, right: false };
  const dims = mergeDims ? merged(shape, most) : shape;
  if (dims.length === 1) return { rows: size, cols: 1, left: size <= most, right: false };
  const [rows] = dims;
  const cols = rows === 0 ? 0 : size / rows;
  return { rows, cols, left: rows <= most, right: cols <= most };
}

/** One side's basis and statistics: the names that the text has for them. */
interface Side {
  readonly statistics: string;
  readonly basis: string;
  /** The line that makes g gᵀ, or gᵀ g. */
  readonly product: string;
  /** Reorders the second moment, whose rows or columns belong to the basis. */
  readonly gather: string;
}

const leftSide: Side = {
  statistics: "L",
  basis: "QL",
  product: "S = matmul(g, gt)",
  gather: "vt = transpose(v)\nvt = gather(vt, order)\nv = transpose(vt)",
};
const rightSide: Side = { statistics: "R", basis: "QR", product: "S = matmul(gt, g)", gather: "v = gather(v, order)" };

/** Columns in the order of their estimated eigenvalues, the greatest first. */
const ordered = ({ statistics, basis }: Side, of: string): string => `
  M = matmul(${statistics}, ${of})
  e = -colsum(${of}*M)
  order = argsort(e)
  ${basis} = gather(${of === "E" ? "E" : "M"}, order)
`;

/** The bases of the first statistics. */
const begin = (side: Side): string => `
  ${side.product}
  ${side.statistics} = (1 - shampooBeta)*S
  E = eigh(${side.statistics})
  ${ordered(side, "E")}
`;

/** One round of power iteration. */
const improve = (side: Side): string => `
  ${ordered(side, side.basis)}
  ${side.basis} = qr(${side.basis})
  ${side.gather}
`;

/** `to` is `from` in the eigenbases. */
const project = ({ left, right }: Sides, from: string, to: string): string => `
  ${to} = ${from}
  ${left ? `${to} = matmul(QLt, ${to})` : ""}
  ${right ? `${to} = matmul(${to}, QR)` : ""}
`;

/**
 * SOAP: Adam in the eigenbases of g gᵀ and gᵀ g, averaged over the steps.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("soap", { w });
 * const g = new Float32Array(12).map((_, i) => Math.sin(i));
 * optimizer.step({ w: g }); // gathers statistics
 * optimizer.step({ w: g }); // w.data has moved
 * ```
 */
export const soap: OptimizerPlugin<"soap", SoapOptions> = {
  kind: "optimizer",
  name: "soap",
  description: "Adam in the eigenbases of Shampoo's statistics, as in pytorch_optimizer",
  source: "https://arxiv.org/abs/2409.11321; SOAP of pytorch_optimizer 4.1.0",
  options: {
    lr: { default: 3e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: { default: [0.95, 0.95], minimum: 0, exclusiveMaximum: 1, description: "Decay of the first and of the second moment" },
    shampooBeta: {
      default: null,
      type: ["number", "null"],
      minimum: 0,
      maximum: 1,
      description: "Decay of the statistics; null: the second moment's",
    },
    weightDecay: { default: 0.01, minimum: 0, description: "Decoupled decay, after the step" },
    preconditionFrequency: { default: 10, type: "integer", unit: "steps", minimum: 1, description: "Steps from one basis to the next" },
    maxPreconditionDim: { default: 10000, type: "integer", minimum: 1, description: "The longest side that has a basis" },
    mergeDims: { default: false, description: "Merge neighbouring dimensions up to the longest side that has a basis" },
    precondition1d: { default: false, description: "Give vectors a basis, too" },
    correctBias: { default: true, description: "Correct the moments' bias" },
    normalizeGradient: { default: false, description: "Divide the step by its root mean square" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    maximize: { default: false, description: "Maximize instead" },
    stateDtype: stateDtypeSpec,
  },
  rule(options, { shape, dtype }) {
    const { betas: [beta1, beta2], shampooBeta, weightDecay, maxPreconditionDim, mergeDims, precondition1d } = options;
    const sides = sidesOf(shape, maxPreconditionDim, mergeDims, precondition1d);
    const { rows, cols, left, right } = sides;
    const both = [...left ? [leftSide] : [], ...right ? [rightSide] : []];
    const moments = momentDtype(options.stateDtype, dtype);
    const shampoo = 1 - (shampooBeta ?? beta2);
    const gt = both.length > 0 ? "gt = transpose(g)" : "";
    const maximize = options.maximize ? "g = -g" : "";
    return {
      matrix: [1, rows, cols],
      slots: {
        m: { shape: "param", key: "exp_avg", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        L: left ? { shape: [rows, rows], key: "GG.0" } : undefined,
        QL: left ? { shape: [rows, rows], key: "Q.0" } : undefined,
        R: right ? { shape: [cols, cols], key: "GG.1" } : undefined,
        QR: right ? { shape: [cols, cols], key: "Q.1" } : undefined,
      },
      update: [
        { when: "t == 1", text: `${maximize}\n${gt}\n${both.map(begin).join("\n")}` },
        {
          when: "t > 1",
          text: `
            ${maximize}
            ${lerp("m", "g", "(1 - beta1)", 1 - beta1)}
            ${left ? "QLt = transpose(QL)" : ""}
            ${project(sides, "g", "a")}
            ${lerp("v", "a*a", "(1 - beta2)", 1 - beta2)}
            ${project(sides, "m", "b")}
            u = b/(sqrt(v) + eps)
            ${left ? "u = matmul(QL, u)" : ""}
            ${right ? "QRt = transpose(QR)\nu = matmul(u, QRt)" : ""}
            ${options.normalizeGradient ? "u /= rms(u) + eps" : ""}
            p -= stepSize*u
            ${weightDecay > 0 ? "p *= 1 - lr*weightDecay" : ""}
            ${gt}
            ${both.map(({ statistics, product }) => `${product}\n${lerp(statistics, "S", "(1 - shampooBeta)", shampoo)}`).join("\n")}
          `,
        },
        ...both.length === 0 ? [] : [{ when: "(t > 1)*((t - 1) % frequency == 0)", text: both.map(improve).join("\n") }],
      ],
    };
  },
  scalars({ lr, betas: [beta1, beta2], shampooBeta, weightDecay, preconditionFrequency, correctBias, eps }, t, { pow }) {
    const step = Math.max(1, t - 1);
    const correction = correctBias ? Math.sqrt(1 - pow(beta2, step)) / (1 - pow(beta1, step)) : 1;
    return {
      ...{ lr, beta1, beta2, eps, weightDecay, frequency: preconditionFrequency },
      ...{ shampooBeta: shampooBeta ?? beta2, stepSize: lr * correction },
    };
  },
};

/**
 * The iteration of Newton and Schulz, as Muon and its kin have it: A = X Xᵀ, B = b A + c A A, X = a X + B X.
 *
 * @module
 */
import type { OptionSpec } from "../../core/plugin/contract.ts";

/** Coefficients of one step. */
export type Triple = readonly [a: number, b: number, c: number];

/** What the iteration rounds to. */
export type NsDtype = "float32" | "bfloat16";

/** The option that says what the iteration rounds to. */
export const nsDtypeSpec: OptionSpec<NsDtype> = {
  default: "float32",
  enum: ["float32", "bfloat16"],
  description: "What Newton-Schulz rounds to after each operation",
};

/** Sets of coefficients by name: Jordan's, modded-nanogpt's, and those of Polar Express (arXiv 2505.16932) with two margins. */
export const coefficients: Readonly<Record<"original" | "quintic" | "polar_express" | "polar_express_safer", readonly Triple[]>> = {
  original: [[3.4445, -4.775, 2.0315]],
  quintic: [
    [4.0848, -6.8946, 2.927],
    [3.9505, -6.3029, 2.6377],
    [3.7418, -5.5913, 2.3037],
    [2.8769, -3.1427, 1.2046],
    [2.8366, -3.0525, 1.2012],
  ],
  polar_express: [
    [8.237312490495555, -23.157747414558198, 16.680568411445915],
    [4.082441999064835, -2.893047735332586, 0.5252849256975648],
    [3.9263479922546582, -2.8547468034765298, 0.5318022422894988],
    [3.2982187133085143, -2.424541981026706, 0.48632008358844075],
    [2.2970369434552573, -1.63662558125903, 0.4002628455953627],
    [1.8763805351440397, -1.2347896577722228, 0.35891887501668385],
    [1.8564423485617974, -1.2132449880935525, 0.3568003487825883],
    [1.8749994008682747, -1.2499988017229169, 0.3749994008546422],
  ],
  polar_express_safer: [
    [8.156554524902461, -22.48329292557795, 15.878769915207462],
    [4.0429299351667245, -2.808917465908704, 0.5000178451051299],
    [3.8916678022926563, -2.7724841532176825, 0.5060648178503389],
    [3.285753657755658, -2.3681294933425394, 0.46449024233003117],
    [2.3005307116270983, -1.6111665557258408, 0.3833374427545273],
    [1.8631210546382593, -1.2042160621002727, 0.3421879560523383],
    [1.8382572152247512, -1.1779263289537742, 0.3396513038637379],
    [1.8749999923301852, -1.2499999836060613, 0.374999991275876],
  ],
};

/** A line in which `X` is the matrix called `name` by its norm, times a factor, of at least `eps`: then its singular values are at most 1. */
export function normed(X: string, name: string, factor: string, eps: string, dtype: NsDtype): string {
  if (dtype === "float32") return `${X} = ${name}/max(${factor}*norm(${name}), ${eps})`;
  return `
    ${X} = ${dtype}(${name})
    ${X} = ${dtype}(${X}/${dtype}(max(${dtype}(${factor}*${dtype}(norm(${X}))), ${eps})))
  `;
}

/**
 * Lines in which X goes towards the orthogonal matrix next to it. Its singular values must not exceed 1. Products are along its shorter side: of a `tall`
 * matrix, with more rows than columns, X B is computed and not B X. Further steps repeat the last coefficients. With `"bfloat16"` each product and each sum of
 * two is rounded to it, as PyTorch rounds `mm` and `addmm` of bfloat16, which add in float32.
 */
export function newtonSchulz(steps: number, triples: readonly Triple[], tall: boolean, dtype: NsDtype = "float32"): string {
  const round = dtype === "float32" ? "" : dtype;
  return Array.from({ length: steps }, (_, k) => {
    const [a, b, c] = triples[Math.min(k, triples.length - 1)];
    return `
      XT = transpose(X)
      A  = ${tall ? "matmul(XT, X)" : "matmul(X, XT)"}
      ${round && `A = ${round}(A)`}
      A2 = matmul(A, A)
      B  = ${round}(${b}*A + ${c}*A2)
      BX = ${tall ? "matmul(X, B)" : "matmul(B, X)"}
      X  = ${round}(${a}*X + BX)
    `;
  }).join("\n");
}

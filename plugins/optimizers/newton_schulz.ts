/**
 * The iteration of Newton and Schulz, as Muon and its kin have it: A = X Xᵀ, B = b A + c A A, X = a X + B X.
 *
 * @module
 */

/** Coefficients of one step. */
export type Triple = readonly [a: number, b: number, c: number];

/**
 * Lines in which X goes towards the orthogonal matrix next to it. Its singular values must not exceed 1. Products are along its shorter side: of a `tall`
 * matrix, with more rows than columns, X B is computed and not B X. Further steps repeat the last coefficients.
 */
export function newtonSchulz(steps: number, triples: readonly Triple[], tall: boolean): string {
  return Array.from({ length: steps }, (_, k) => {
    const [a, b, c] = triples[Math.min(k, triples.length - 1)];
    return `
      XT = transpose(X)
      A  = ${tall ? "matmul(XT, X)" : "matmul(X, XT)"}
      A2 = matmul(A, A)
      B  = ${b}*A + ${c}*A2
      BX = ${tall ? "matmul(X, B)" : "matmul(B, X)"}
      X  = ${a}*X + BX
    `;
  }).join("\n");
}

/**
 * Reflections I - tau v vᵀ (Householder), in float32 over rows that are padded with zeros to whole blocks, and the scalars in float64.
 *
 * `backends/wasm/householder.ts` does the same operations in the same order, two vectors at a time: hence eight sums side by side.
 *
 * @module
 */
import { block } from "../../routines/padded.ts";

const { fround } = Math;

/** Sum of x[i]*y[i] over n numbers from these places, all multiples of {@linkcode block}: eight sums in float32, added in float64. */
export function dot(x: Float32Array, fromX: number, y: Float32Array, fromY: number, n: number): number {
  let l0 = 0, l1 = 0, l2 = 0, l3 = 0, l4 = 0, l5 = 0, l6 = 0, l7 = 0;
  for (let i = fromX, j = fromY, end = fromX + n; i < end; i += block, j += block) {
    l0 = fround(l0 + fround(x[i] * y[j]));
    l1 = fround(l1 + fround(x[i + 1] * y[j + 1]));
    l2 = fround(l2 + fround(x[i + 2] * y[j + 2]));
    l3 = fround(l3 + fround(x[i + 3] * y[j + 3]));
    l4 = fround(l4 + fround(x[i + 4] * y[j + 4]));
    l5 = fround(l5 + fround(x[i + 5] * y[j + 5]));
    l6 = fround(l6 + fround(x[i + 6] * y[j + 6]));
    l7 = fround(l7 + fround(x[i + 7] * y[j + 7]));
  }
  return ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7));
}

/** x -= w*y over n numbers. */
export function subtract(x: Float32Array, fromX: number, w: number, y: Float32Array, fromY: number, n: number): void {
  for (let i = 0; i < n; i++) x[fromX + i] -= fround(w * y[fromY + i]);
}

/**
 * Makes the reflection that turns the numbers `at` to `end` of a row, which begins at `from`, into (beta, 0, 0, …): v takes their place, with v[at] = 1,
 * and zeros what stands before it in its block. Gives beta, and puts tau into `taus`. The sign of beta is not alpha's, as in LAPACK, so that nothing cancels;
 * numbers that are (alpha, 0, 0, …) already stay, with tau = 0.
 */
export function reflection(rows: Float32Array, from: number, at: number, end: number, taus: Float64Array, k: number): number {
  const alpha = rows[from + at];
  let sum = 0;
  for (let i = at + 1; i < end; i++) sum += rows[from + i] * rows[from + i];
  let beta = alpha;
  taus[k] = 0;
  if (sum !== 0) {
    const norm = Math.sqrt(alpha * alpha + sum);
    beta = alpha < 0 ? norm : -norm;
    // Of the numbers as they are rounded, so that the reflection is orthogonal.
    let square = 1;
    for (let i = at + 1; i < end; i++) {
      const v = fround(rows[from + i] / (alpha - beta));
      rows[from + i] = v;
      square += v * v;
    }
    taus[k] = 2 / square;
  }
  for (let i = at - at % block; i < at; i++) rows[from + i] = 0;
  rows[from + at] = 1;
  return beta;
}

/** Applies a reflection, whose v begins at `from` and has zeros before `at`, to a row. */
export function reflect(rows: Float32Array, row: number, v: Float32Array, from: number, at: number, width: number, tau: number): void {
  const first = at - at % block;
  const w = fround(tau * dot(v, from + first, rows, row + first, width - first));
  subtract(rows, row + first, w, v, from + first, width - first);
}

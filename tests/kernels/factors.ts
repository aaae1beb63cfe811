/**
 * What tests ask of factors: numpy's, and how far columns are from orthogonal, and vectors from being turned by nothing.
 *
 * @module
 */
import { readFileSync } from "node:fs";

interface Truth {
  readonly qr: readonly { readonly name: string; readonly shape: readonly [number, number]; readonly a: number[]; readonly q: number[] }[];
  readonly eigh: readonly { readonly name: string; readonly n: number; readonly a: number[]; readonly values: number[] }[];
}
/** What numpy gives. */
export const truth: Truth = JSON.parse(readFileSync(new URL("linalg_truth.json", import.meta.url), "utf8"));

/** The largest number of QᵀQ - I. */
export function skew(q: Float32Array, rows: number, cols: number): number {
  let most = 0;
  for (let i = 0; i < cols; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < rows; k++) sum += q[k * cols + i] * q[k * cols + j];
      most = Math.max(most, Math.abs(sum));
    }
  }
  return most;
}

/** Without its sign. */
export const largest = (a: ArrayLike<number>): number => Math.max(...Array.from(a, Math.abs));

/** Column by column: x·A x, and the largest number of A x - (x·A x) x. */
export function eigen(a: Float32Array, q: Float32Array, n: number): { values: number[]; residual: number } {
  const values: number[] = [];
  let residual = 0;
  for (let j = 0; j < n; j++) {
    const y = Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * q[k * n + j];
      return sum;
    });
    const value = y.reduce((sum, x, i) => sum + x * q[i * n + j], 0);
    values.push(value);
    y.forEach((x, i) => residual = Math.max(residual, Math.abs(x - value * q[i * n + j])));
  }
  return { values, residual };
}

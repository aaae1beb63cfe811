/**
 * Q of A = Q R, by Householder's reflections.
 *
 * Golub & Van Loan, "Matrix Computations", 5.2; signs as LAPACK's `geqrf` and `orgqr` have them: R's diagonal is negative where the column that is left
 * begins with what is not.
 *
 * @module
 */
import { padded, rowsAtOnce, scaleOf } from "../../routines/padded.ts";
import { reflect, reflection } from "./householder.ts";

/** Q of one matrix of `rows` x `cols`, not more columns than rows, into z, both from `from` on. What is not finite makes all of it NaN. */
export function qr(a: Float32Array, z: Float32Array, from: number, rows: number, cols: number): void {
  let largest = 0;
  for (let i = from; i < from + rows * cols; i++) largest = Math.max(largest, Math.abs(a[i]));
  const scale = scaleOf(largest);
  if (scale === 0) return void z.fill(NaN, from, from + rows * cols);
  // Columns of A as rows. A reflection begins at its diagonal, R before it is nobody's.
  const width = padded(rows);
  const columns = new Float32Array(cols * width);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) columns[j * width + i] = a[from + i * cols + j] * scale;
  }
  const taus = new Float64Array(cols);
  for (let first = 0; first < cols; first += rowsAtOnce) {
    const end = Math.min(cols, first + rowsAtOnce);
    for (let k = 0; k < first; k++) {
      for (let j = first; j < end; j++) reflect(columns, j * width, columns, k * width, k, width, taus[k]);
    }
    for (let j = first; j < end; j++) {
      for (let k = first; k < j; k++) reflect(columns, j * width, columns, k * width, k, width, taus[k]);
      reflection(columns, j * width, j, rows, taus, j);
    }
  }
  // Column j of Q is H0 H1 … applied to column j of the identity, which only those up to j change.
  const q = new Float32Array(rowsAtOnce * width);
  for (let first = 0; first < cols; first += rowsAtOnce) {
    const end = Math.min(cols, first + rowsAtOnce);
    q.fill(0);
    for (let j = first; j < end; j++) q[(j - first) * width + j] = 1;
    for (let k = end - 1; k >= 0; k--) {
      for (let j = Math.max(k, first); j < end; j++) reflect(q, (j - first) * width, columns, k * width, k, width, taus[k]);
    }
    for (let i = 0; i < rows; i++) {
      for (let j = first; j < end; j++) z[from + i * cols + j] = q[(j - first) * width + i];
    }
  }
}

/**
 * Eigenvectors of a symmetric matrix: reflections to a tridiagonal one, then QL iterations with implicit shifts.
 *
 * Golub & Van Loan, "Matrix Computations", 8.3; the iteration as in Bowdler, Martin, Reinsch & Wilkinson, "The QR and QL algorithms for symmetric
 * matrices", 1968. Its numbers are float64; vectors are float32. Jacobi's method, the other one that needs no more than this, takes ten times the
 * operations at a side of 512.
 *
 * @module
 */
import { mostIterations, negligible, rotationsAtOnce, stripWidth } from "../../routines/eigen.ts";
import { padded, rowsAtOnce, scaleOf } from "../../routines/padded.ts";
import { dot, reflect, reflection } from "./householder.ts";

const { fround } = Math;

/** Rotations that wait. */
interface Rotations {
  readonly rows: Int32Array;
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
  count: number;
}

/**
 * Eigenvectors of one matrix, which its lower triangle says, into the columns of z, both from `from` on: those of the least eigenvalues first. What is not
 * finite makes all of it NaN.
 */
export function eigh(a: Float32Array, z: Float32Array, from: number, n: number): void {
  let largest = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) largest = Math.max(largest, Math.abs(a[from + i * n + j]));
  const scale = scaleOf(largest);
  if (scale === 0) return void z.fill(NaN, from, from + n * n);
  const width = padded(n);
  const w = new Float32Array(n * width);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) w[i * width + j] = w[j * width + i] = a[from + i * n + j] * scale;
  }
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const taus = new Float64Array(n);
  tridiagonal(w, n, width, diagonal, beside, taus);
  const vectors = basis(w, n, width, taus);
  if (!diagonalise(vectors, n, width, diagonal, beside)) return void z.fill(NaN, from, from + n * n);
  const order = ascending(diagonal);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) z[from + i * n + j] = vectors[order[j] * width + i];
  }
}

/** Row k of w becomes the reflection that makes row and column k tridiagonal. */
function tridiagonal(w: Float32Array, n: number, width: number, diagonal: Float64Array, beside: Float64Array, taus: Float64Array): void {
  const p = new Float32Array(width);
  for (let k = 0; k < n; k++) {
    diagonal[k] = w[k * width + k];
    if (k >= n - 1) break;
    const at = k + 1;
    beside[k] = reflection(w, k * width, at, n, taus, k);
    const tau = taus[k];
    if (tau === 0) continue;
    const first = at - at % 8;
    const length = width - first;
    const v = k * width + first;
    p.fill(0, first);
    for (let i = at; i < n; i++) p[i] = tau * dot(w, i * width + first, w, v, length);
    const half = fround(tau / 2 * dot(p, first, w, v, length));
    for (let i = first; i < n; i++) p[i] -= fround(half * w[k * width + i]);
    // The sum first: so the matrix stays symmetric to the last bit.
    for (let i = at; i < n; i++) {
      const a = w[k * width + i];
      const b = p[i];
      for (let j = first; j < width; j++) w[i * width + j] -= fround(fround(a * p[j]) + fround(b * w[k * width + j]));
    }
  }
}

/** The reflections' product; its columns as rows. */
function basis(w: Float32Array, n: number, width: number, taus: Float64Array): Float32Array {
  const q = new Float32Array(n * width);
  for (let j = 0; j < n; j++) q[j * width + j] = 1;
  for (let first = 0; first < n; first += rowsAtOnce) {
    const end = Math.min(n, first + rowsAtOnce);
    for (let k = end - 2; k >= 0; k--) {
      if (taus[k] === 0) continue;
      for (let j = Math.max(k + 1, first); j < end; j++) reflect(q, j * width, w, k * width, k + 1, width, taus[k]);
    }
  }
  return q;
}

/** Rotates rows of `vectors` until the tridiagonal matrix is diagonal. False where that does not end. */
function diagonalise(vectors: Float32Array, n: number, width: number, d: Float64Array, e: Float64Array): boolean {
  const rotations: Rotations = {
    rows: new Int32Array(rotationsAtOnce),
    cosines: new Float32Array(rotationsAtOnce),
    sines: new Float32Array(rotationsAtOnce),
    count: 0,
  };
  for (let l = 0; l < n; l++) {
    for (let iterations = 0;; iterations++) {
      let m = l;
      while (m < n - 1 && !(Math.abs(e[m]) <= negligible * (Math.abs(d[m]) + Math.abs(d[m + 1])))) m++;
      if (m === l) break;
      if (iterations === mostIterations) return false;
      if (rotations.count + (m - l) > rotationsAtOnce) rotate(vectors, width, rotations);
      iterate(d, e, l, m, rotations);
    }
  }
  rotate(vectors, width, rotations);
  return true;
}

/** One iteration from row m up to row l. */
function iterate(d: Float64Array, e: Float64Array, l: number, m: number, rotations: Rotations): void {
  const ratio = (d[l + 1] - d[l]) / (2 * e[l]);
  const root = Math.sqrt(ratio * ratio + 1);
  let g = d[m] - d[l] + e[l] / (ratio < 0 ? ratio - root : ratio + root);
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i];
    const b = c * e[i];
    const r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      // The matrix falls apart here.
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    const q = (d[i] - g) * s + 2 * c * b;
    p = s * q;
    d[i + 1] = g + p;
    g = c * q - b;
    rotations.rows[rotations.count] = i;
    rotations.cosines[rotations.count] = c;
    rotations.sines[rotations.count++] = s;
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}

/** Applies the rotations that wait. */
function rotate(vectors: Float32Array, width: number, rotations: Rotations): void {
  const { rows, cosines, sines, count } = rotations;
  for (let strip = 0; strip < width; strip += stripWidth) {
    const length = Math.min(stripWidth, width - strip);
    for (let k = 0; k < count; k++) {
      const c = cosines[k];
      const s = sines[k];
      const x = rows[k] * width + strip;
      for (let j = x, end = x + length; j < end; j++) {
        const a = vectors[j];
        const b = vectors[j + width];
        vectors[j + width] = fround(s * a) + fround(c * b);
        vectors[j] = fround(c * a) - fround(s * b);
      }
    }
  }
  rotations.count = 0;
}

/** Indices of the numbers, the least first; equal ones in their order. */
function ascending(numbers: Float64Array): Int32Array {
  const order = new Int32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    let at = i;
    for (; at > 0 && numbers[order[at - 1]] > numbers[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}

/**
 * Routines, one row each: what a line of a text computes of whole matrices, such as a product, and no loop over elements can.
 *
 * A routine reads float32 matrices and writes one. It stands between kernels and is never fused with them. A new one is a name and a row here, and one
 * entry in each backend's table (`routines.ts` in `backends/js/` and `backends/wasm/`, `routine_code.ts` in `backends/webgpu/`): those are of type `Record<RoutineName, …>`, so that a missing
 * entry does not compile.
 *
 * @module
 */

/** A side of a matrix: as long as the tensor has rows, or columns. */
export type Side = "rows" | "cols";

/** How many rows a matrix has, and how many columns. */
export type Sides = readonly [height: Side, width: Side];

/** What routines take and give: a matrix of these sides, or a vector as long as one side. */
export type Shape = Sides | readonly [length: Side];

/** Routines, under the names that texts call. */
export type RoutineName = "matmul" | "transpose" | "qr" | "eigh" | "argsort" | "gather";

/** What a routine is, but for its loops. */
export interface Routine {
  /** What it takes. */
  readonly takes: readonly ("matrix" | "vector")[];
  /** The sides of what it gives. */
  result(args: readonly Shape[]): Shape;
  /** Two sides that must be equally long, or null. */
  agree(args: readonly Shape[]): Sides | null;
  /** True where its matrix must not have more columns than rows. */
  readonly tall?: true;
  /** The largest piece of a result that is one unit of work: rows and columns. Elements do not depend on each other, so that bits do not depend on it. */
  readonly tile: readonly [rows: number, cols: number];
  /** What an element of the result costs, in elements of a kernel; `inner` is how many products are added. */
  cost(inner: number): number;
}

/** Of a routine whose elements depend on each other: each matrix is one unit, so that only several of them use several threads. */
const whole = [Infinity, Infinity] as const;

/** Routines by name. */
export const routines: Readonly<Record<RoutineName, Routine>> = {
  // Element i, j is x[i][0]*y[0][j] + x[i][1]*y[1][j] + …, from zero and in this order; each product and each sum is rounded to float32.
  matmul: {
    takes: ["matrix", "matrix"],
    result: ([[height], [, width]]) => [height, width!],
    agree: ([[, width], [height]]) => [width!, height],
    // A unit packs its columns of y for itself: with 258 rows that is 2 % of its work, and nobody waits for anybody.
    tile: [258, 48],
    cost: (inner) => inner / 16,
  },
  // Element i, j is x[j][i].
  transpose: {
    takes: ["matrix"],
    result: ([[height, width]]) => [width!, height],
    agree: () => null,
    tile: [256, 256],
    cost: () => 1,
  },
  // Q of x = Q R: as large as x, its columns orthogonal and of length 1. Signs are LAPACK's.
  qr: {
    takes: ["matrix"],
    result: ([shape]) => shape,
    agree: () => null,
    tall: true,
    tile: whole,
    cost: (inner) => inner,
  },
  // Eigenvectors of a symmetric x, one a column, those of the least eigenvalues first; only the lower triangle is read. Signs mean nothing.
  eigh: {
    takes: ["matrix"],
    result: ([shape]) => shape,
    agree: ([[height, width]]) => [height, width!],
    tile: whole,
    cost: (inner) => 4 * inner,
  },
  // The places of a vector's numbers from the least to the greatest: equal ones in their order, NaN behind all.
  argsort: {
    takes: ["vector"],
    result: ([shape]) => shape,
    agree: () => null,
    tile: whole,
    cost: (inner) => inner / 8,
  },
  // Element i, j is x[i][order[j]], or NaN where that is no place.
  gather: {
    takes: ["matrix", "vector"],
    result: ([shape]) => shape,
    agree: ([[, width], [length]]) => [width!, length],
    tile: [256, 256],
    cost: () => 1,
  },
};

/** True for a name that a line of its own calls. */
export const isRoutine = (name: string): name is RoutineName => Object.hasOwn(routines, name);

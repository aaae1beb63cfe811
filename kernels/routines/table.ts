/**
 * Routines, one row each: what a line of a text computes of whole matrices, such as a product, and no loop over elements can.
 *
 * A routine reads float32 matrices and writes one. It stands between kernels and is never fused with them. A new one is a name and a row here, and one
 * entry in each backend's table (`backends/js/routines.ts`, `backends/wasm/routines.ts`): those are of type `Record<RoutineName, …>`, so that a missing
 * entry does not compile.
 *
 * @module
 */

/** A side of a matrix: as long as the tensor has rows, or columns. */
export type Side = "rows" | "cols";

/** How many rows a matrix has, and how many columns. */
export type Sides = readonly [height: Side, width: Side];

/** Routines, under the names that texts call. */
export type RoutineName = "matmul" | "transpose";

/** What a routine is, but for its loops. */
export interface Routine {
  /** How many matrices it takes. */
  readonly arity: 1 | 2;
  /** The sides of what it gives. */
  result(args: readonly Sides[]): Sides;
  /** Two sides that must be equally long, or null. */
  agree(args: readonly Sides[]): Sides | null;
  /** The largest piece of a result that is one unit of work: rows and columns. Elements do not depend on each other, so that bits do not depend on it. */
  readonly tile: readonly [rows: number, cols: number];
  /** What an element of the result costs, in elements of a kernel; `inner` is how many products are added. */
  cost(inner: number): number;
}

/** Routines by name. */
export const routines: Readonly<Record<RoutineName, Routine>> = {
  // Element i, j is x[i][0]*y[0][j] + x[i][1]*y[1][j] + …, from zero and in this order; each product and each sum is rounded to float32.
  matmul: {
    arity: 2,
    result: ([[height], [, width]]) => [height, width],
    agree: ([[, width], [height]]) => [width, height],
    // A unit packs its columns of y for itself: with 256 rows that is 3 % of its work, and nobody waits for anybody.
    tile: [256, 32],
    cost: (inner) => inner / 16,
  },
  // Element i, j is x[j][i].
  transpose: {
    arity: 1,
    result: ([[height, width]]) => [width, height],
    agree: () => null,
    tile: [256, 256],
    cost: () => 1,
  },
};

/** True for a name that a line of its own calls. */
export const isRoutine = (name: string): name is RoutineName => Object.hasOwn(routines, name);

/**
 * Numbers of the iteration that makes a tridiagonal matrix diagonal: every backend has the same.
 *
 * @module
 */

/** A number of the tridiagonal matrix beside its diagonal counts as 0 where it is so small beside its neighbours: vectors have 2^-24. */
export const negligible: number = 2 ** -40;
/** Iterations for one eigenvalue; it takes two or so. */
export const mostIterations: number = 60;
/** Rotations that are applied together, to a strip of a few columns after the other: so the strip stays in the cache. */
export const rotationsAtOnce: number = 1 << 16;
/** Columns of a strip in JavaScript; WASM, which keeps rows between rotations in locals, has its own. */
export const stripWidth: number = 32;

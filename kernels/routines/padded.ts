/**
 * Rows in memory of their own, for routines that go along them: padded with zeros to whole blocks, and scaled.
 *
 * @module
 */

/** Numbers that are computed side by side: two vectors of WASM. */
export const block = 8;

/**
 * A length, up to whole blocks and an odd number of them: rows that lie a power of two apart fight for the same places of the cache. At a side of 1024,
 * qr took 1.4 times as long.
 */
export const padded = (length: number): number => (Math.ceil(length / block) | 1) * block;

/** Rows that a reflection is applied to one after the other: while it lies in the cache. */
export const rowsAtOnce = 8;

/**
 * The power of two by which a matrix is multiplied, so that its largest number is about 1 and neither squares nor sums leave float32; 0 where a number is
 * not finite. Of nothing but zeros it is 1. That a number has become 0 by it is below what float32 tells apart from the largest.
 */
export function scaleOf(largest: number): number {
  if (!(largest <= 3.5e38)) return 0;
  let scale = 1;
  for (let x = largest; x >= 2; x /= 2) scale /= 2;
  for (let x = largest; x > 0 && x < 1; x *= 2) scale *= 2;
  return scale;
}

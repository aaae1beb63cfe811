/**
 * A power rounded to float32, for schedules that compute in it.
 *
 * @module
 */

/** Far more than an engine's own power is off by: that is some 2^-50 of its value. */
const margin = 2 ** -40;

/**
 * `Math.fround(pow(x, y))`, to the same bits, in less than half the time.
 *
 * `pow` has the same bits in every engine and the engine's own has not. But where that, with a margin on both sides, rounds to one float32, the true value
 * rounds to it too (the test of Ziv, "Fast evaluation of elementary mathematical functions with correctly rounded last bit", 1991). One value in some
 * 2^15 lies too near to the middle between two float32 numbers, and is asked of `pow`.
 */
export function pow32(x: number, y: number, pow: (x: number, y: number) => number): number {
  const near = Math.pow(x, y);
  const low = Math.fround(near * (1 - margin));
  return low === Math.fround(near * (1 + margin)) ? low : Math.fround(pow(x, y));
}

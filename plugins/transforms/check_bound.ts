/**
 * What a bound of clipping may be.
 *
 * @module
 */

/** Refuses a bound that is 0 in float32, in which kernels compute: every gradient would be 0, and training would stand still without a word. */
export function checkBound(option: string, bound: number): void {
  if (Math.fround(bound) > 0) return;
  const rounded = bound === 0 ? "" : ", which is 0 in float32";
  const message = `Cannot use ${option} = ${bound}${rounded}: every gradient would be 0; to clip nothing, leave the transform out`;
  throw Object.assign(new RangeError(message), { option });
}

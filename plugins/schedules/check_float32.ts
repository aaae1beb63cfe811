/**
 * Options of a schedule that computes in float32, as Keras' do.
 *
 * @module
 */

/**
 * Refuses numbers that float32 does not hold: beyond its largest they are infinite there, and a number of steps that comes to 0 is divided by. Either gives
 * NaN, at a step that may be hours away.
 */
export function checkFloat32(options: object, steps: readonly string[] = []): void {
  for (const [option, given] of Object.entries(options)) {
    for (const value of Array.isArray(given) ? given : [given]) {
      if (typeof value !== "number") continue;
      const single = Math.fround(value);
      // A 0 that is written is the option's own affair: its range says whether it may be.
      if (Number.isFinite(single) && (single !== 0 || value === 0 || !steps.includes(option))) continue;
      throw Object.assign(new RangeError(`Cannot use ${option} = ${value}: the schedule computes in float32, where that is ${single}`), {
        option,
      });
    }
  }
}

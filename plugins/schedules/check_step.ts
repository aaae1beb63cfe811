/**
 * What a schedule may be asked for.
 *
 * @module
 */

/** Refuses what is no step. A missing or negative one is a slip, and formulas would answer it with numbers that look right; at
 * infinity waves have no value. */
export function checkStep(name: string, step: unknown): void {
  if (typeof step === "number" && step >= 0 && step < Infinity) return;
  const Wrong = typeof step === "number" ? RangeError : TypeError;
  throw new Wrong(`Cannot ask schedule "${name}" for its value at step ${String(step)}: a step is a number from 0, and finite`);
}

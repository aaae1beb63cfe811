/**
 * What pages of tests have of @std/assert.
 *
 * @module
 */

/** Throws where something is not so. */
export function assert(isSo: unknown, message = "not so"): asserts isSo {
  if (!isSo) throw new Error(message);
}

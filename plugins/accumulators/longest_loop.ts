/**
 * Where an accumulator stops to loop and lets kernels do it.
 *
 * @module
 */

/** Elements up to which a loop in a plugin costs less than a dispatch; the bits are the same. */
export const longestLoop: number = 2048;

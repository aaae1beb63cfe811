/**
 * The control block: the words through which the calling thread and its workers share out the units of a table.
 *
 * A claim is one compare-and-swap on `next`, which carries the generation beside the number of the unit. So a worker that wakes late finds either
 * a unit of the newest table or none; nobody has to wait for it. The calling thread goes on as soon as as many units are done as the table has.
 *
 * The generation there has 12 bits. A claim could mistake one table for another only if it slept between its two looks at `next` through a multiple of
 * 4,096 tables, all but the last unit of the newest were taken meanwhile, and that table were shorter: seconds, between two instructions.
 *
 * @module
 */

/** Words of the control block. */
export const GENERATION = 0;
/** Generation and number of the next unit. */
export const NEXT = 1;
/** Units of the table. */
export const COUNT = 2;
/** Address of the table in arena 0. */
export const TABLE = 3;
/** Units done. */
export const DONE = 4;
/** 1 after a unit trapped. */
export const FAILED = 5;
/** 1: workers end. */
export const STOP = 6;
/** Units that workers ran, ever: tests look whether they really work. */
export const TAKEN = 7;
/** 1 while the calling thread sleeps on DONE. */
export const WAITING = 8;
/** From here on: address and length of each kernel's bytes in arena 0. */
export const DIRECTORY = 16;

/** Bits of a unit's number in NEXT. */
export const unitBits = 20;
/** The largest number: a closed table. */
export const closed: number = (1 << unitBits) - 1;
/** Kernels that the directory has room for. */
export const mostKernels = 2_000;

/** Claims a unit; -1 where none is left. */
export function claim(control: Int32Array): number {
  for (;;) {
    const next = Atomics.load(control, NEXT);
    const unit = next & closed;
    // The count is read between two looks at `next`, which changes before the count does.
    if (unit >= Atomics.load(control, COUNT)) return -1;
    if (Atomics.compareExchange(control, NEXT, next, next + 1) === next) return unit;
  }
}

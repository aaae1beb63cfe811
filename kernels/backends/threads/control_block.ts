/**
 * The control block: the words through which the calling thread and its workers share out the units of a table, and the protocol over them.
 *
 * ```text
 * caller:  openTable, then claim and finish until none is left, then untilFinished
 * worker:  untilOpened, then claim and finish until none is left, and again
 * ```
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
const WAITING = 8;
/** From here on: address and length of each kernel's bytes in arena 0. */
export const DIRECTORY = 16;

/** Bits of a unit's number in NEXT. */
export const unitBits = 20;
/** The largest number: a closed table. */
export const closed: number = (1 << unitBits) - 1;
/** Kernels that the directory has room for. */
export const mostKernels = 2_000;
/** How many words there are. */
export const controlWords: number = DIRECTORY + 2 * mostKernels;

// A unit takes tens of microseconds; only when a worker was put to sleep by the system is it worth waiting in earnest.
const spinsForUnits = 20_000;
// Waking from Atomics.wait costs tens of microseconds; the passes of one step follow each other faster than that.
const spinsForTables = 4_000;

/** Caller: makes a table of so many units, fewer than {@linkcode closed}, the newest one, and wakes the workers. The table before must be finished. */
export function openTable(control: Int32Array, address: number, units: number): void {
  const generation = Atomics.load(control, GENERATION) + 1 | 0;
  const open = generation << unitBits;
  // Closed first: a claim in flight must not meet the new count with the old generation.
  Atomics.store(control, NEXT, open | closed);
  Atomics.store(control, COUNT, units);
  Atomics.store(control, TABLE, address);
  Atomics.store(control, DONE, 0);
  Atomics.store(control, NEXT, open);
  Atomics.store(control, GENERATION, generation);
  Atomics.notify(control, GENERATION);
}

/** Both: claims a unit; -1 where none is left. */
export function claim(control: Int32Array): number {
  for (;;) {
    const next = Atomics.load(control, NEXT);
    const unit = next & closed;
    // The count is read between two looks at `next`, which changes before the count does.
    if (unit >= Atomics.load(control, COUNT)) return -1;
    if (Atomics.compareExchange(control, NEXT, next, next + 1) === next) return unit;
  }
}

/** Both: address of the table that a claimed unit belongs to. It stands until the unit is finished. */
export const tableOf = (control: Int32Array): number => Atomics.load(control, TABLE) >>> 0; // beyond 2 GiB a word is negative

/** Both: a claimed unit is done, or has failed for good. Wakes the caller where it sleeps and this was the last one. */
export function finish(control: Int32Array): void {
  if (Atomics.add(control, DONE, 1) + 1 === Atomics.load(control, COUNT) && Atomics.load(control, WAITING) === 1) {
    Atomics.notify(control, DONE);
  }
}

/** Caller: waits until all units of the newest table are done. It looks `spins` times before it sleeps; tests, which look at every step, less often. */
export function untilFinished(control: Int32Array, units: number, spins: number = spinsForUnits): void {
  for (let spin = 0; spin < spins; spin++) if (Atomics.load(control, DONE) >= units) return;
  Atomics.store(control, WAITING, 1);
  for (let done = Atomics.load(control, DONE); done < units; done = Atomics.load(control, DONE)) {
    try {
      Atomics.wait(control, DONE, done, 1);
    } catch {
      // A browser's main thread may not wait: it looks again.
    }
  }
  Atomics.store(control, WAITING, 0);
}

/** Worker: waits until there is a table newer than the one of generation `seen`, and gives its generation. `spins` as in {@linkcode untilFinished}. */
export function untilOpened(control: Int32Array, seen: number, spins: number = spinsForTables): number {
  for (let spin = 0; spin < spins && Atomics.load(control, GENERATION) === seen; spin++);
  Atomics.wait(control, GENERATION, seen);
  return Atomics.load(control, GENERATION);
}

/** Worker: a unit that was claimed has trapped; it is finished all the same. */
export const fail = (control: Int32Array): void => void Atomics.store(control, FAILED, 1);

/** Caller: whether a unit has failed since it asked last. */
export const failed = (control: Int32Array): boolean => Atomics.exchange(control, FAILED, 0) === 1;

/** Caller: tells the workers to end, and wakes them for it. */
export function stop(control: Int32Array): void {
  Atomics.store(control, STOP, 1);
  Atomics.add(control, GENERATION, 1);
  Atomics.notify(control, GENERATION);
}

/** Worker: whether it shall end. */
export const stopped = (control: Int32Array): boolean => Atomics.load(control, STOP) === 1;

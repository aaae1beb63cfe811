/**
 * A table whose units carry shares of the caller's arrays. Only the calling thread reaches those: it copies the units' shares in, in order and ahead of the
 * workers, and out again as units are finished. Two words of a record say how far its unit is.
 *
 * ```text
 * caller:  resetUnits, openTable, then for each unit: its share in, ready;  whenever one is finished: its share out
 * worker:  a claimed unit waits until it is ready, runs, is finished
 * ```
 *
 * @module
 */
import { claim, closed, DONE, finish, NEXT } from "./control_block.ts";

/** Words of a record, from its end: 1 once the unit may run, 1 once it has run. */
export const READY = 2;
export const FINISHED = 1;

// A share is copied in tens of microseconds.
const spins = 20_000;

/** A table in the making: its records, and what is copied for each unit. */
export interface Carrying {
  /** The records, one behind the other. */
  readonly words: Int32Array;
  /** Words of a record. */
  readonly fields: number;
  /** How many units are kept ready for the others before the calling thread runs one itself. */
  readonly ahead: number;
  bring(unit: number): void;
  take(unit: number): void;
}

const at = ({ fields }: Pick<Carrying, "fields">, unit: number, word: number): number => (unit + 1) * fields - word;

/** Caller, before the table is opened: no unit is ready. */
export function resetUnits(carrying: Carrying, units: number): void {
  for (let unit = 0; unit < units; unit++) {
    Atomics.store(carrying.words, at(carrying, unit, READY), 0);
    Atomics.store(carrying.words, at(carrying, unit, FINISHED), 0);
  }
}

/** Worker: waits until the unit of this record may run. Of tables that carry nothing all may. */
export function untilReady(record: Int32Array): void {
  const word = record.length - READY;
  for (let spin = 0; spin < spins; spin++) if (Atomics.load(record, word) !== 0) return;
  while (Atomics.load(record, word) === 0) Atomics.wait(record, word, 0);
}

/** Worker: the unit of this record has run. */
export const recordFinished = (record: Int32Array): void => void Atomics.store(record, record.length - FINISHED, 1);

/** What is left when no unit is left to claim. */
export interface Carried {
  /** What the last one threw that did. A copy that throws lets its unit run all the same, since a worker may wait for it. */
  readonly thrown: { readonly error: unknown } | null;
  /** Copies out what was not yet, once all units are finished. */
  takeRest(): void;
}

/** Caller: brings all units, and runs those that it claims. */
export function carryAlong(
  control: Int32Array,
  units: number,
  carrying: Carrying,
  run: (unit: number) => void,
): Carried {
  const { words, ahead } = carrying;
  let thrown: Carried["thrown"] = null;
  let brought = 0;
  let taken = 0;
  const attempt = (action: (unit: number) => void, unit: number): boolean => {
    try {
      action(unit);
      return true;
    } catch (error) {
      thrown = { error };
      return false;
    }
  };
  const bringNext = (): void => {
    attempt(carrying.bring, brought);
    const word = at(carrying, brought++, READY);
    Atomics.store(words, word, 1);
    Atomics.notify(words, word);
  };
  const takeFinished = (): void => {
    while (thrown === null && taken < brought && Atomics.load(words, at(carrying, taken, FINISHED)) === 1) attempt(carrying.take, taken++);
  };
  for (;;) {
    takeFinished();
    const next = Math.min(units, Atomics.load(control, NEXT) & closed);
    if (brought < units && brought - next < ahead) {
      bringNext();
      continue;
    }
    const unit = claim(control);
    if (unit < 0) break;
    while (brought <= unit) bringNext();
    if (attempt(run, unit)) Atomics.store(words, at(carrying, unit, FINISHED), 1);
    finish(control);
  }
  while (brought < units) bringNext();
  // Workers are at their last units: what they have finished goes out meanwhile.
  while (taken < units && thrown === null && Atomics.load(control, DONE) < units) takeFinished();
  return {
    thrown,
    takeRest() {
      while (taken < units) carrying.take(taken++);
    },
  };
}

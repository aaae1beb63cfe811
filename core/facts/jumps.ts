/**
 * Where a schedule jumps: at a step that differs from the one before by far more than the steps beside it do.
 *
 * @module
 */

/** A difference is a jump where it is so many times those beside it, */
const JUMP = 8;
/** and such a share of the values: below it are roundings. */
const ROUNDING = 1e-9;
/** Jumps that are told at most. */
const MOST_JUMPS = 10_000;

/** A search for jumps in a range. */
export interface Jumps {
  /** Those that were found. */
  readonly found: readonly number[];
  /** Looks at one step. */
  at(step: number): void;
  /** Whether a difference may be a jump, after the one before it: asks for nothing, so that most steps of a walk are done with. */
  mayBe(now: number, before: number): boolean;
}

/** Looks for jumps among the values of a range. Three steps alone have too little beside them to compare with. */
export function createJumps(value: (step: number) => number, from: number, to: number): Jumps {
  const found: number[] = [];
  const isShort = to - from < 3;
  const change = (step: number): number => Math.abs(value(step) - value(step - 1));
  return {
    found,
    mayBe: (now, before) => !isShort && now > JUMP * before,
    at(step) {
      if (isShort || step === from) return;
      const now = change(step);
      if (!(now > ROUNDING * Math.max(Math.abs(value(step)), Math.abs(value(step - 1))))) return;
      // At an end of the range both neighbours are on one side: beside the turn of a wave one of them alone may be as small as one likes.
      const beside = step === to ? [-1, -2] : step === from + 1 ? [1, 2] : [-1, 1];
      if (!(now > JUMP * Math.max(...beside.map((by) => change(step + by))))) return;
      found.push(step);
      if (found.length <= MOST_JUMPS) return;
      throw new RangeError(`Cannot tell where a schedule jumps from step ${from} to ${to}: there are more than ${MOST_JUMPS} jumps`);
    },
  };
}

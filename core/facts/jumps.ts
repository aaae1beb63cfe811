/**
 * Where a schedule jumps: at a step that differs from the one before by far more than the steps beside it do.
 *
 * Where two stretches meet, what each of them does by itself is what the step between them is held against: one that stays does nothing, so that every
 * change between two of them is a jump. The changes beside it would not do there. Of cuts at steps 1 and 2 each hid the other.
 *
 * @module
 */
import type { Piece } from "./pieces.ts";

/** A difference is a jump where it is so many times those beside it, */
const JUMP = 8;
/** and such a share of the values: below it are roundings. */
const ROUNDING = 1e-9;
/** Jumps that are told at most. */
const MOST_JUMPS = 10_000;

/** A search for jumps in a range. */
export interface Jumps {
  /** Those that were found, the first ones where there are very many. */
  readonly found: readonly number[];
  /** Whether there are more of them. */
  areMore(): boolean;
  /** Looks at one step. */
  at(step: number): void;
  /** Looks at the step at which a piece begins, behind another one. */
  between(before: Piece, after: Piece): void;
  /** Whether a difference may be a jump, after the one before it: asks for nothing, so that most steps of a walk are done with. */
  mayBe(now: number, before: number): boolean;
}

/** Looks for jumps among the values of a range. Three steps of no law have too little beside them to compare with. */
export function createJumps(value: (step: number) => number, from: number, to: number): Jumps {
  const found: number[] = [];
  let areMore = false;
  const isShort = to - from < 3;
  const change = (step: number): number => Math.abs(value(step) - value(step - 1));

  function judge(step: number, changes: () => readonly number[]): void {
    if (areMore) return;
    const now = change(step);
    if (!(now > ROUNDING * Math.max(Math.abs(value(step)), Math.abs(value(step - 1))))) return;
    if (!(now > JUMP * Math.max(...changes()))) return;
    if (found.length < MOST_JUMPS) found.push(step);
    else areMore = true;
  }

  function at(step: number): void {
    if (isShort || step === from) return;
    // At an end of the range both neighbours are on one side: beside the turn of a wave one of them alone may be as small as one likes.
    const beside = step === to ? [-1, -2] : step === from + 1 ? [1, 2] : [-1, 1];
    judge(step, () => beside.map((by) => change(step + by)));
  }

  return {
    found,
    areMore: () => areMore,
    mayBe: (now, before) => !isShort && now > JUMP * before,
    at,
    between(before, after) {
      const step = after.first;
      const own = [ownChange(before, step - 1, change), ownChange(after, step + 1, change)];
      if (own.includes(undefined)) at(step);
      else judge(step, () => own as number[]);
    },
  };
}

/** What a piece does by itself beside its end; undefined where it has too few steps, or no law, to tell. */
function ownChange({ first, last, law: { law } }: Piece, step: number, change: (step: number) => number): number | undefined {
  if (law === "constant") return 0;
  return law === "any" || step <= first || step > last ? undefined : change(step);
}

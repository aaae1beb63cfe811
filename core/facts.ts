/**
 * Questions to a schedule over a range of steps: its sum, its extremes, where it jumps and where it passes a value.
 *
 * @module
 */
import { maths } from "../kernels/math.ts";
import { refuseUnknownKeys, show } from "./names.ts";
import { createSum } from "./facts/exact_sum.ts";
import { createJumps } from "./facts/jumps.ts";
import { type Piece, piecesOf } from "./facts/pieces.ts";
import { holds, sumOf } from "./facts/sums.ts";
import { isMetric, isSchedule } from "./plugin/schedules.ts";
import type { Schedule } from "./types.ts";

/** What {@linkcode facts} is asked. */
export interface FactsRange {
  /** First step, a whole number from 0. */
  readonly from: number;
  /** Last step, which is in the range. */
  readonly to: number;
  /** The option's base value, which factors are multiplied by; default 1. */
  readonly base?: number;
  /** Asks for the first step whose value lies below this. */
  readonly below?: number;
  /** Asks for the first step whose value lies above this. */
  readonly above?: number;
  /** Asks what the weights are multiplied by over the range, by a decoupled decay of this strength. */
  readonly weightDecay?: number;
  /** Asks for the first step by which this share of the sum is reached, a number from 0 to 1. */
  readonly share?: number;
}

/** What {@linkcode facts} answers. */
export interface Facts {
  /** Of all values, one a step. */
  readonly sum: number;
  /** The sum by the number of steps. */
  readonly mean: number;
  /** The least value, and the first step that has it. */
  readonly minimum: { readonly value: number; readonly step: number };
  /** The greatest value, and the first step that has it. */
  readonly maximum: { readonly value: number; readonly step: number };
  /**
   * Steps that differ from the one before by far more than their neighbours do: eight times as much. Between two stretches in which the schedule says that it
   * stays, any change is one; but where it changes at every step, it is a curve. The first 10,000, where there are more.
   */
  readonly jumps: readonly number[];
  /** True where there are more jumps than those. */
  readonly moreJumps?: true;
  /** The first step below what was asked for; null: none. */
  readonly below?: number | null;
  /** The first step above it; null: none. */
  readonly above?: number | null;
  /** The product of `1 - lr * weightDecay` over the steps: what decay alone leaves of the weights. */
  readonly decay?: number;
  /** The first step by which the share is reached. */
  readonly share?: number;
}

/** Steps that are asked one by one at most: a second's work. */
const MOST_ASKED = 10_000_000;
/** Pieces of so few steps are asked step by step: it costs as much as seeking. */
const FEW = 32;

/**
 * Answers questions about a schedule over the steps `from` to `to`, both included. Values are those of the schedule times `base`, or the values
 * themselves where it returns such.
 *
 * Where a schedule says what its stretches are, as most of the built-in ones do, sums and the places of values are computed from those, over any number
 * of steps. Elsewhere each step is asked.
 *
 * TypeError: what is no schedule, or follows a metric, and what is no number. RangeError: a range that is none, more than ten million steps that must be
 * asked one by one, a value, sum or decay that is not finite, and a share of a sum in which some values lie below 0.
 *
 * @example Usage
 * ```ts
 * import { builtins, facts } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("linear", { numWarmupSteps: 1e6, numTrainingSteps: 1e9 });
 * const { mean, maximum, below } = facts(schedule, { from: 0, to: 1e9, base: 2e-3, below: 1e-6 });
 * console.log(mean.toFixed(6), maximum.step, below); // 0.001000 1000000 0
 * ```
 */
export function facts(schedule: Schedule, range: FactsRange): Facts {
  return factsOf(schedule, range);
}

/** The same of a group, with so many steps asked one by one at most. */
export function factsOf(schedule: Schedule, range: FactsRange, group?: number, mostAsked: number = MOST_ASKED): Facts {
  checkSchedule(schedule);
  checkRange(range);
  const { from, to, base = 1, below, above, weightDecay, share } = range;
  const factor = schedule.returns === "value" ? 1 : base;
  let left = mostAsked;
  const spend = (questions: number): void => {
    left -= questions;
    if (left >= 0) return;
    throw new RangeError(
      `Cannot sum a schedule from step ${from} to ${to}: more than ${mostAsked} of its steps must be asked one by one; ask for fewer`,
    );
  };
  const value = (step: number): number => {
    const given: unknown = schedule(step, group);
    if (typeof given !== "number") throw new TypeError(`Cannot sum a schedule: it gives ${show(given)} at step ${step}, not a number`);
    const found = factor * given;
    if (!Number.isFinite(found)) throw new RangeError(`Cannot sum a schedule: its value is ${found} at step ${step}`);
    return found;
  };
  const jumps = createJumps(value, from, to);
  const least = { value: Infinity, step: from };
  const most = { value: -Infinity, step: from };
  let firstBelow: number | null = null;
  let firstAbove: number | null = null;
  let decay = 1;

  /** Asks each step. */
  const walk = ({ first, last, law }: Piece): number => {
    spend(last - first + 1);
    const sum = createSum();
    const seesJumps = law.law === "any";
    let previous = seesJumps ? value(Math.max(from, first - 1)) : 0;
    let before = 0;
    for (let step = first; step <= last; step++) {
      const current = value(step);
      sum.add(current);
      if (current < least.value) Object.assign(least, { value: current, step });
      if (current > most.value) Object.assign(most, { value: current, step });
      if (firstBelow === null && current < below!) firstBelow = step;
      if (firstAbove === null && current > above!) firstAbove = step;
      if (weightDecay !== undefined) decay *= 1 - weightDecay * current;
      if (!seesJumps) continue;
      const now = Math.abs(current - previous);
      if (jumps.mayBe(now, before)) jumps.at(step);
      [previous, before] = [current, now];
    }
    return sum.total();
  };

  /** Asks the ends of a piece that rises or falls all the way, and seeks between them. */
  const leap = ({ first, last, law }: Piece): number => {
    spend(1);
    const start = value(first), end = value(last);
    const low = Math.min(start, end), high = Math.max(start, end);
    const seek = (passed: (value: number) => boolean): number =>
      passed(start) ? first : firstStep(first, last, (step) => passed(value(step)));
    if (low < least.value) Object.assign(least, { value: low, step: seek((value) => value <= low) });
    if (high > most.value) Object.assign(most, { value: high, step: seek((value) => value >= high) });
    if (firstBelow === null && low < below!) firstBelow = seek((value) => value < below!);
    if (firstAbove === null && high > above!) firstAbove = seek((value) => value > above!);
    if (weightDecay !== undefined) decay *= maths.pow(1 - weightDecay * start, last - first + 1);
    return sumOf(law, first, last, factor, value);
  };
  // A decay is a product, which has a closed form where all its terms are equal.
  const leaps = ({ first, last, law: { law } }: Piece): boolean =>
    law !== "any" && law !== "smooth" && (law === "constant" || weightDecay === undefined) && last - first >= FEW;

  const total = createSum();
  const parts: { readonly piece: Piece; readonly sum: number }[] = [];
  let behind: Piece | undefined;
  for (const given of piecesOf(schedule.stretches?.(from, to, group), from, to)) {
    // A boundary that was rounded to the other side of a step has put that step under the wrong law.
    const isTried = leaps(given) || given.law.law === "constant";
    const piece: Piece = !isTried || holds(given, factor, value) ? given : { ...given, law: { from: given.law.from, law: "any" } };
    if (behind !== undefined && piece.law.law !== "any") jumps.between(behind, piece);
    behind = piece;
    const sum = leaps(piece) ? leap(piece) : walk(piece);
    total.add(sum);
    if (share !== undefined) parts.push({ piece, sum });
  }
  const sum = total.total();
  if (!Number.isFinite(sum)) {
    throw new RangeError(`Cannot sum a schedule from step ${from} to ${to}: the sum lies beyond the largest number of float64`);
  }
  if (!Number.isFinite(decay)) {
    throw new RangeError(
      `Cannot multiply a decay of ${weightDecay} from step ${from} to ${to}: the product lies beyond the largest number of float64`,
    );
  }

  const stepOfShare = (wanted: number): number => {
    if (least.value < 0) throw new RangeError(`Cannot find a share of a sum: the value at step ${least.step} is ${least.value}, below 0`);
    const reached = createSum();
    for (const { piece, sum } of parts) {
      const before = reached.total();
      reached.add(sum);
      if (reached.total() < wanted) continue;
      const { first, last, law } = piece;
      if (leaps(piece)) return firstStep(first, last, (step) => before + sumOf(law, first, step, factor, value) >= wanted);
      const inside = createSum(before);
      for (let step = first; step < last; step++) {
        inside.add(value(step));
        if (inside.total() >= wanted) return step;
      }
      return last;
    }
    return to;
  };
  return {
    sum,
    mean: sum / (to - from + 1),
    minimum: least,
    maximum: most,
    jumps: jumps.found,
    ...jumps.areMore() && { moreJumps: true },
    ...below !== undefined && { below: firstBelow },
    ...above !== undefined && { above: firstAbove },
    ...weightDecay !== undefined && { decay },
    ...share !== undefined && { share: stepOfShare(share * sum) },
  };
}

/** The first step that is true; the last one is, and from the first true one on all are. */
function firstStep(first: number, last: number, isTrue: (step: number) => boolean): number {
  let low = first, high = last;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkSchedule(schedule: unknown): asserts schedule is Schedule {
  if (!isSchedule(schedule)) throw new TypeError(`Cannot sum ${show(schedule)}: it must be a schedule, a function of the step`);
  if (isMetric(schedule)) throw new TypeError("Cannot sum a schedule that follows a metric: it has no value at a step");
}

const names = ["from", "to", "base", "below", "above", "weightDecay", "share"];

function checkRange(range: unknown): asserts range is FactsRange {
  refuseUnknownKeys("the range of a schedule's facts", range, names);
  const { from, to, share, ...rest } = range as FactsRange;
  const given: Readonly<Record<string, unknown>> = { from, to, ...share !== undefined && { share }, ...rest };
  for (const [name, number] of Object.entries(given)) {
    if (number === undefined && name !== "from" && name !== "to") continue;
    if (typeof number !== "number") throw new TypeError(`Cannot sum a schedule with ${name} = ${show(number)}: it must be a number`);
    if (!Number.isFinite(number)) throw new RangeError(`Cannot sum a schedule with ${name} = ${number}: it must be finite`);
  }
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to < from) {
    throw new RangeError(`Cannot sum a schedule from = ${from} to = ${to}: both must be whole numbers from 0, in this order`);
  }
  if (share !== undefined && !(share >= 0 && share <= 1)) {
    throw new RangeError(`Cannot sum a schedule with share = ${share}: it must be a number from 0 to 1`);
  }
}

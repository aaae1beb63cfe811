/**
 * The stretches of compositions, made of those of their parts.
 *
 * @module
 */
import type { Schedule, Stretch } from "../../core/plugin/contract.ts";
import { stretch } from "./stretches.ts";

/** Reads a schedule at a step, for a group; undefined: the first. */
export type Read = (step: number, group: number | undefined) => number;

/** A part of a composition: its values in the terms of the whole, and its stretches in the same. */
export interface Part {
  readonly read: Read;
  readonly stretches: NonNullable<Schedule["stretches"]>;
}

/** Times a number. */
export function scaled(one: Stretch, by: number): Stretch {
  if (by === 0) return stretch(one.from, "constant");
  switch (one.law) {
    case "wave":
      return { ...one, about: one.about * by, height: one.height * by };
    case "geometric":
      return { ...one, about: one.about * by };
    default:
      return one;
  }
}

/** Plus a number. */
function raised(one: Stretch, by: number): Stretch {
  return one.law === "wave" || one.law === "geometric" ? { ...one, about: one.about + by } : one;
}

/** Stretches that begin so many steps later, of steps `first` up to `end`. */
export function* moved(stretches: Iterable<Stretch>, by: number, first: number, end: number): Generator<Stretch> {
  let before: Stretch | undefined;
  for (const one of stretches) {
    const from = one.from + by;
    if (from >= end) break;
    if (before !== undefined && from > first) yield before;
    // A wave that is cut is as far on as it would be.
    before = from >= first
      ? { ...one, from }
      : { ...one, from: first, ...one.law === "wave" && { phase: one.phase + one.angle * (first - from) } };
  }
  if (before !== undefined) yield before;
}

/** What combines the laws of parts from a step on: constants by their values, and at most one that is none. */
type Combine = (from: number, laws: readonly Stretch[], valueOf: (part: number) => number) => Stretch;

/** Stretches of all parts at once, cut wherever one of them begins. */
function* together(parts: readonly Part[], from: number, to: number, group: number | undefined, combine: Combine): Generator<Stretch> {
  const all = parts.map(({ stretches }) => stretches(from, to, group)[Symbol.iterator]());
  const laws = all.map((one): Stretch => one.next().value ?? stretch(from, "any"));
  const next = all.map((one): Stretch | undefined => one.next().value);
  for (let at = from; at <= to;) {
    const end = Math.min(...next.map((one) => one?.from ?? Infinity));
    const step = Math.ceil(at);
    if (step < end) yield combine(at, laws.map((one) => begun(one, at)), (part) => parts[part].read(step, group));
    next.forEach((one, i) => {
      if (one === undefined || one.from > end) return;
      laws[i] = one;
      next[i] = all[i].next().value;
    });
    at = Math.max(at, end);
  }
}

/** The same stretch, begun at a later step. */
function begun(one: Stretch, from: number): Stretch {
  return one.law === "wave" ? { ...one, from, phase: one.phase + one.angle * (from - one.from) } : { ...one, from };
}

const isConstant = ({ law }: Stretch): boolean => law === "constant";

/** What is known of laws that have no closed form together. */
function loose(from: number, laws: readonly Stretch[]): Stretch {
  return stretch(from, laws.some(({ law }) => law === "any") ? "any" : "smooth");
}

/** The stretches of a product. */
export function multiplied(parts: readonly Part[]): NonNullable<Schedule["stretches"]> {
  return (from, to, group) =>
    together(parts, from, to, group, (from, laws, valueOf) => {
      const others = laws.map((_, i) => i).filter((i) => !isConstant(laws[i]));
      if (others.length > 1) return loose(from, laws);
      const factor = laws.reduce((product, law, i) => isConstant(law) ? product * valueOf(i) : product, 1);
      return others.length === 0 ? stretch(from, "constant") : scaled(laws[others[0]], factor);
    });
}

/** The stretches of a sum. */
export function added(parts: readonly Part[]): NonNullable<Schedule["stretches"]> {
  return (from, to, group) =>
    together(parts, from, to, group, (from, laws, valueOf) => {
      const others = laws.map((_, i) => i).filter((i) => !isConstant(laws[i]));
      if (others.length === 0) return stretch(from, "constant");
      if (others.every((i) => laws[i].law === "linear")) return stretch(from, "linear");
      if (others.length > 1) return loose(from, laws);
      return raised(laws[others[0]], laws.reduce((sum, law, i) => isConstant(law) ? sum + valueOf(i) : sum, 0));
    });
}

/** The stretches of a part between bounds: what crosses a bound is cut where it does, and waves that do are of no law. */
export function clamped({ read, stretches }: Part, low: number, high: number): NonNullable<Schedule["stretches"]> {
  return function* (from, to, group) {
    let before: Stretch | undefined;
    for (const one of stretches(from, to, group)) {
      if (before !== undefined) yield* cut(before, one.from);
      before = one;
      // There may be stretches without an end.
      if (one.from > to) return;
    }
    if (before !== undefined) yield* cut(before, to + 1);

    function* cut(one: Stretch, end: number): Generator<Stretch> {
      const first = Math.max(Math.ceil(one.from), from), last = Math.min(Math.ceil(end) - 1, to);
      if (last < first) return;
      if (one.law === "any" || one.law === "smooth") return yield stretch(first, "any");
      if (one.law === "wave") {
        const reach = Math.abs(one.height);
        return yield one.about - reach >= low && one.about + reach <= high ? one : stretch(first, "any");
      }
      const sideOf = (step: number): number => read(step, group) < low ? -1 : read(step, group) > high ? 1 : 0;
      // From one side to the next, each found by bisection.
      for (let at = first; at <= last;) {
        const side = sideOf(at);
        let left = at, right = last + 1;
        while (right - left > 1) {
          const middle = left + Math.floor((right - left) / 2);
          if (sideOf(middle) === side) left = middle;
          else right = middle;
        }
        yield side === 0 ? { ...one, from: at } : stretch(at, "constant");
        at = right;
      }
    }
  };
}

/**
 * What simpler forms of compositions are made with.
 *
 * @module
 */
import type { Use } from "../../core/plugin/contract.ts";

/** A schedule within a composition that is in normal form. */
export interface NormalInner {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** It, in such options. */
export function innerOf(schedule: unknown): NormalInner {
  return schedule as NormalInner;
}

/** All of them. */
export function innersOf(schedules: readonly unknown[]): readonly NormalInner[] {
  return schedules as readonly NormalInner[];
}

/** Whether numbers of steps add up without rounding. */
export function areWhole(...steps: readonly unknown[]): boolean {
  return steps.every((step) => Number.isSafeInteger(step)) && Math.abs((steps as number[]).reduce((a, b) => a + b, 0)) < 2 ** 52;
}

/**
 * Terms in one order: the first two may change places, since each rounding is the same, and all behind them may not. Terms of the same operation, where they
 * stand first, give their own terms.
 */
export function inOrder(
  name: string,
  terms: readonly NormalInner[],
  mayJoin: (terms: readonly NormalInner[]) => boolean,
): readonly NormalInner[] {
  const key = (one: NormalInner): string => `${one.name === name ? 0 : 1}${JSON.stringify(one)}`;
  const [first, second, ...rest] = terms;
  const swapped = second !== undefined && key(second) < key(first) ? [second, first, ...rest] : terms;
  if (swapped[0]?.name !== name) return swapped;
  const joined = [...innersOf(swapped[0].options.schedules as readonly unknown[]), ...swapped.slice(1)];
  return mayJoin(joined) ? inOrder(name, joined, mayJoin) : swapped;
}

/** A use whose options changed; undefined where they did not. */
export function changed(name: string, before: object, options: object): Use | undefined {
  return JSON.stringify(before) === JSON.stringify(options) ? undefined : { name, options };
}

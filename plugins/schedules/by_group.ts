/**
 * Numbers of which an option holds one for all groups, or one for each.
 *
 * @module
 */
import type { Base } from "../../core/plugin/contract.ts";

/** One number a group. */
export function byGroup(option: string, given: number | readonly number[], { groups }: Base): readonly number[] {
  const count = Math.max(1, groups.length);
  if (typeof given === "number") return Array.from({ length: count }, () => given);
  if (given.length !== count) {
    throw Object.assign(new RangeError(`Cannot use ${option} of length ${given.length}: there are ${count} groups`), { option });
  }
  if (given.every(Number.isFinite)) return given;
  throw Object.assign(new TypeError(`Cannot use ${option} = [${given}]: it must hold numbers`), { option });
}

/** The base value of a group; of one that there is not yet, the optimizer's. */
export function baseOf({ value, groups }: Base, group: number | undefined): number {
  return groups[group ?? 0] ?? value;
}

/** Refuses a value that cannot be a factor of a base value: of 0 everything is 0. */
export function checkFactorOf(option: string, value: number, { value: own, groups }: Base): void {
  if (value === 0 || [own, ...groups].every((base) => base !== 0)) return;
  throw Object.assign(new RangeError(`Cannot use ${option} = ${value} with a base value 0: the factor would be a division by 0`), {
    option,
  });
}

/**
 * The options of the coming step: the group's own or the optimizer's, with their schedules applied.
 *
 * @module
 */
import { about, allAbout } from "../errors.ts";
import type { GroupState, PlainGroup } from "./groups.ts";
import { show } from "../names.ts";
import { checkOption, sameOption, type Values } from "../plugin/options.ts";
import { valueAt } from "../plugin/schedules.ts";

/** A group's base value of an option: its own, or the optimizer's. */
export function baseValue({ own }: PlainGroup, base: Values, option: string): unknown {
  return own.has(option) ? own.get(option) : base[option];
}

/** A group's base values. */
export function baseOf(group: PlainGroup, base: Values): Values {
  const values: Record<string, unknown> = {};
  for (const option of Object.keys(group.specs)) values[option] = baseValue(group, base, option);
  return Object.freeze(values);
}

/** What a base value comes to at a step: with the option's schedule, if it has one. */
export function currentValue({ scheduled, index }: GroupState, option: string, base: unknown, step: number): unknown {
  const one = scheduled.find((one) => one.option === option);
  return one === undefined ? base : allAbout({ option, group: index }, () => valueAt(one, base, index, step));
}

/**
 * All options at a step. A scheduled value must be a finite number and lie in its option's range, but for `lr`: no reference checks that one, and
 * their schedules may well end below 0. While nothing changes it is the same object.
 */
export function currentOptions(group: GroupState, base: Values, step: number): Values {
  const { scheduled, current } = group;
  if (scheduled.length === 0) return base;
  const values: Record<string, unknown> = { ...base };
  for (const { option } of scheduled) {
    const value = values[option] = currentValue(group, option, base[option], step);
    if (value !== current[option]) checkScheduled(group, option, value as number, step);
  }
  return isSame(values, current) ? current : Object.freeze(values);
}

function checkScheduled({ plugin, title, specs, index }: GroupState, option: string, value: number, step: number): void {
  const of = { plugin: plugin.name, option, group: index };
  if (!Number.isFinite(value)) {
    throw about(new RangeError(`Cannot step ${title}: the schedule of "${option}" gives ${show(value)} at step ${step}`), of);
  }
  if (option !== "lr") allAbout(of, () => checkOption(`${title}, scheduled at step ${step}`, option, specs[option], value));
}

function isSame(a: Values, b: Values): boolean {
  for (const name in a) if (!sameOption(a[name], b[name])) return false;
  return true;
}

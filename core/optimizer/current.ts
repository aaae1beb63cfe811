/**
 * The options of the coming step: the group's own or the optimizer's, with their schedules applied.
 *
 * @module
 */
import { about, allAbout } from "../errors.ts";
import type { GroupState, PlainGroup } from "./groups.ts";
import { show } from "../names.ts";
import { checkOption, sameOption, type Values } from "../plugin/options.ts";
import { elementOf, returnsOf, type Scheduled, valueAt } from "../plugin/schedules.ts";

/** What a group's schedules are made over: its own value of an option, or the optimizer's. */
export function unscaledValue({ own }: PlainGroup, base: Values, option: string): unknown {
  // Most groups have nothing of their own, and to be asked for a size costs less than to look.
  return own.size > 0 && own.has(option) ? own.get(option) : base[option];
}

/** A group's base value of an option: its own, or the optimizer's times the group's factor. */
export function baseValue(group: PlainGroup, base: Values, option: string): unknown {
  const value = unscaledValue(group, base, option);
  const factor = group.scale.size === 0 ? undefined : group.scale.get(option);
  return factor === undefined ? value : scaled(group, option, value, factor);
}

/** Times the group's factor. What is no number has none: an lr of null, as where an algorithm finds its own, or a list. */
function scaled({ title, plugin, index }: PlainGroup, option: string, value: unknown, factor: number): number {
  if (typeof value === "number") return value * factor;
  const message = `Cannot scale option "${option}" of ${title} in group ${index}: its value ${show(value)} is not a number`;
  throw about(new (value === null ? RangeError : TypeError)(message), { plugin: plugin.name, option, group: index });
}

/** A group's base values. What a factor makes of an option must lie in its range, as what is assigned must. */
export function baseOf(group: PlainGroup, base: Values): Values {
  const { specs, plugin, title, index } = group;
  const values: Record<string, unknown> = {};
  for (const option of Object.keys(specs)) values[option] = baseValue(group, base, option);
  for (const option of group.scale.keys()) {
    allAbout({ plugin: plugin.name, option, group: index }, () => checkOption(title, option, specs[option], values[option]));
  }
  return Object.freeze(values);
}

/** What a base value comes to at a step: with the option's schedule, if it has one. */
export function currentValue(group: GroupState, option: string, base: unknown, step: number): unknown {
  let value = base;
  for (const one of group.scheduled) if (one.name === option) value = put(value, one, scheduledValue(one, base, group, step));
  return value;
}

/** An option with a scheduled value in its place: all of it, or one element of a list. */
function put(value: unknown, { element }: Scheduled, scheduled: number): unknown {
  return element === undefined ? scheduled : Object.freeze((value as readonly unknown[]).map((one, i) => i === element ? scheduled : one));
}

/** A scheduled factor multiplies a base value that the group's own factor is in; a value that stands in the base's place is multiplied here. */
function scheduledValue(one: Scheduled, base: unknown, { index, scale }: GroupState, step: number): number {
  try {
    const value = valueAt(one, elementOf(base, one.element), index, step);
    const factor = scale.size === 0 ? undefined : scale.get(one.name);
    return factor !== undefined && returnsOf(one.schedule) === "value" ? value * factor : value;
  } catch (error) {
    throw error instanceof Error ? about(error, { option: one.option, group: index }) : error;
  }
}

/**
 * All options at a step. A scheduled value must be a finite number and lie in its option's range, but for `lr`: no reference checks that one, and
 * their schedules may well end below 0. While nothing changes it is the same object.
 */
export function currentOptions(group: GroupState, base: Values, step: number): Values {
  const { scheduled, current } = group;
  if (scheduled.length === 0) return base;
  const values: Record<string, unknown> = { ...base };
  for (const one of scheduled) {
    const { name, element } = one;
    const value = scheduledValue(one, base[name], group, step);
    values[name] = put(values[name], one, value);
    if (value !== elementOf(current[name], element)) checkScheduled(group, one, value, values[name], step);
  }
  return isSame(values, current) ? current : Object.freeze(values);
}

function checkScheduled(
  { plugin, title, specs, index }: GroupState,
  { option, name }: Scheduled,
  value: number,
  whole: unknown,
  step: number,
): void {
  if (Number.isFinite(value) && option === "lr") return;
  allAbout({ plugin: plugin.name, option, group: index }, () => {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot step ${title}: the schedule of "${option}" gives ${show(value)} at step ${step}`);
    }
    checkOption(`${title}, scheduled at step ${step}`, name, specs[name], whole);
  });
}

function isSame(a: Values, b: Values): boolean {
  for (const name in a) if (!sameOption(a[name], b[name])) return false;
  return true;
}

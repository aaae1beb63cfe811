/**
 * The schedules of an optimizer's options, made from its settings.
 *
 * @module
 */
import { type About, about, aboutOf } from "../errors.ts";
import { unscaledValue } from "./current.ts";
import type { PlainGroup } from "./groups.ts";
import { isRecord, known, show } from "../names.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import type { AnySpecs, Values } from "../plugin/options.ts";
import { checkReturns, elementOf, isMetric, isSchedule, placeOf, type Scheduled, schedulesOf } from "../plugin/schedules.ts";
import { type Find, titleOf } from "../plugin/use.ts";
import type { Base, MetricSchedule, Schedule, Settings, Use } from "../types.ts";

/** A schedule whose state can be read and put back, as plateau's. */
export interface StatefulSchedule extends Scheduled {
  readonly schedule: MetricSchedule & { state: unknown };
}

/** Schedules over base values of the optimizer and its groups. */
export function makeSchedules(
  find: Find,
  given: Settings<unknown>["schedules"] = {},
  main: OptimizerPlugin,
  base: Values,
  groups: readonly PlainGroup[],
): Scheduled[] {
  if (!isRecord(given)) {
    throw new TypeError(`Cannot use schedules ${show(given)}: they must be an object, option to schedule`);
  }
  return Object.entries(given).filter(([, use]) => use !== undefined).map(([option, use]) => {
    const bases = basesOf(option, main, base, groups);
    const schedule = isSchedule(use) ? checkReturns(use) : made(find, option, use, bases);
    if (isMetric(schedule)) checkFactors(option, schedule, groups.length);
    return { option, ...placeOf(option), schedule };
  });
}

/**
 * Options for which a schedule's values stand in place of base values: then a group's own value, or one that is assigned later, would do nothing, and
 * is refused. A schedule that knows groups may meet a group's own value, since a plugin makes it over the groups' values; what is assigned
 * later it never hears of.
 */
export function replacedOptions(scheduled: readonly Scheduled[], groups: readonly PlainGroup[]): ReadonlySet<string> {
  const replaced = new Set<string>();
  for (const { option, schedule } of scheduled) {
    if (isMetric(schedule) || schedule.returns !== "value") continue;
    replaced.add(option);
    if (knowsGroups(schedule, groups.length)) continue;
    for (const { set, index, title, plugin } of groups) {
      if (!set.has(option)) continue;
      const message =
        `Cannot schedule option "${option}" of ${title} by values: group ${index} sets it, and one of the two would do nothing; leave one out`;
      throw about(new TypeError(message), { plugin: plugin.name, option, group: index });
    }
  }
  return replaced;
}

/** Refuses to assign such an option. */
export function refuseReplaced(replaced: ReadonlySet<string>, { name }: OptimizerPlugin, option: string): void {
  if (!replaced.has(option)) return;
  const message =
    `Cannot assign option "${option}" of optimizer "${name}": its schedule gives values, which stand in its place; let the schedule give factors`;
  throw about(new TypeError(message), { plugin: name, option });
}

// What does not say it is tried: a default of the second parameter is not counted in a function's length, so that the first steps tell.
const knowsGroups = (schedule: Schedule, groups: number): boolean =>
  schedule.perGroup ?? (schedule.length > 1 ||
    [0, 1].some((step) =>
      Array.from({ length: groups }, (_, group) => schedule(step, group)).some((value) => !Object.is(value, schedule(step)))
    ));

/** Schedules that follow a metric. */
export function metricSchedules(scheduled: readonly Scheduled[]): (Scheduled & { readonly schedule: MetricSchedule })[] {
  return scheduled.filter((one): one is Scheduled & { readonly schedule: MetricSchedule } => isMetric(one.schedule));
}

/** Those of them that have a state. */
export function statefulSchedules(scheduled: readonly Scheduled[]): StatefulSchedule[] {
  return scheduled.filter((one): one is StatefulSchedule => typeof one.schedule === "object" && "state" in one.schedule);
}

function made(find: Find, option: string, use: unknown, bases: Base): Schedule | MetricSchedule {
  try {
    return schedulesOf(find)(use as Use, bases);
  } catch (error) {
    // What a schedule's plugin says is about its own options, not about the one that it schedules.
    throw error instanceof Error && aboutOf(error).plugin === undefined ? about(error, { option }) : error;
  }
}

/** An option's base values, which must be numbers. */
function basesOf(option: string, main: OptimizerPlugin, base: Values, groups: readonly PlainGroup[]): Base {
  const { name, element } = placeOf(option);
  const holders = groups.filter(({ specs }) => Object.hasOwn(specs, name));
  const isOwn = Object.hasOwn(main.options as AnySpecs, name);
  if (!isOwn && holders.length === 0) {
    const names = new Set([main.options, ...groups.map(({ specs }) => specs)].flatMap((specs) => Object.keys(specs as AnySpecs)));
    const message = `Cannot schedule option ${show(option)} of ${titleOf(main)}: ${known([...names], option)}`;
    throw about(new TypeError(message), { plugin: main.name, option });
  }
  const value = elementOf(isOwn ? base[name] : unscaledValue(holders[0], base, name), element);
  const values = groups.map((group) => holders.includes(group) ? elementOf(unscaledValue(group, base, name), element) : value);
  // The group's name first: the optimizer's base value may be one that no group has.
  groups.forEach(({ title, plugin, index }, i) =>
    checkBase(values[i], `${title} in group ${index}`, { plugin: plugin.name, option, group: index })
  );
  checkBase(value, titleOf(main), { plugin: main.name, option });
  return { value: value as number, groups: values as number[] };
}

function checkBase(value: unknown, title: string, of: About & { readonly option: string }): void {
  if (typeof value === "number") return;
  const Wrong = value === null ? RangeError : TypeError;
  throw about(new Wrong(`Cannot schedule option "${of.option}" of ${title}: its base value ${show(value)} is not a number`), of);
}

function checkFactors(option: string, schedule: MetricSchedule, groups: number): void {
  const count: unknown = schedule.factors(0)?.length;
  if (count === groups) return;
  const message = `Cannot schedule option "${option}": it gives ${show(count)} factors, and there are ${groups} groups`;
  throw about(new RangeError(message), { option });
}

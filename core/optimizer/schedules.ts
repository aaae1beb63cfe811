/**
 * The schedules of an optimizer's options, made from its settings and its groups'.
 *
 * @module
 */
import { type About, about, aboutOf, allAbout } from "../errors.ts";
import { unscaledValue } from "./current.ts";
import type { GroupState, PlainGroup } from "./groups.ts";
import { isRecord, known, show } from "../names.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import type { AnySpecs, Values } from "../plugin/options.ts";
import { checkReturns, elementOf, isMetric, isSchedule, placeOf, returnsOf, type Scheduled, schedulesOf } from "../plugin/schedules.ts";
import { type Find, titleOf } from "../plugin/use.ts";
import type { Base, Group, MetricSchedule, Schedule, Settings, Use } from "../types.ts";

/** A schedule whose state can be read and put back, as plateau's. */
export interface StatefulSchedule extends Scheduled {
  readonly schedule: MetricSchedule & { state: unknown };
}

/** What the settings say of schedules: those of the optimizer, and of some groups their own. */
export interface GivenSchedules {
  readonly schedules?: Settings<unknown>["schedules"];
  readonly groups?: readonly Pick<Group<unknown>, "schedules">[];
}

/** All schedules, over base values of the optimizer and its groups; a group's own are over its base values alone. */
export function makeSchedules(
  find: Find,
  { schedules, groups: given = [] }: GivenSchedules,
  main: OptimizerPlugin,
  base: Values,
  groups: readonly PlainGroup[],
): Scheduled[] {
  const scheduled = entriesOf(schedules).map(([option, use]) => {
    const schedule = made(find, option, use, basesOf(option, main, base, groups));
    if (isMetric(schedule)) checkFactors(`option "${option}"`, option, schedule, groups.length);
    return { option, ...placeOf(option), schedule };
  });
  const own = groups.flatMap((group) =>
    allAbout({ group: group.index }, () =>
      entriesOf(given[group.index]?.schedules).map(([option, use]) => {
        const value = ownBase(option, group, base);
        const schedule = made(find, option, use, { value, groups: [value] });
        if (isMetric(schedule)) checkFactors(`option "${option}" of group ${group.index}`, option, schedule, 1);
        return { option, ...placeOf(option), group: group.index, schedule };
      }))
  );
  return [...scheduled, ...own];
}

function entriesOf(given: unknown = {}): [option: string, use: unknown][] {
  if (!isRecord(given)) {
    throw new TypeError(`Cannot use schedules ${show(given)}: they must be an object, option to schedule`);
  }
  return Object.entries(given).filter(([, use]) => use !== undefined);
}

/** The schedules of a group: its own, and the optimizer's where it has none of its own. */
export function scheduledOf({ index, specs }: PlainGroup, scheduled: readonly Scheduled[]): Scheduled[] {
  const isOwn = ({ group, name, element }: Scheduled): boolean =>
    scheduled.some((own) => group === undefined && own.group === index && own.name === name && own.element === element);
  return scheduled.filter((one) => (one.group ?? index) === index && Object.hasOwn(specs, one.name) && !isOwn(one));
}

/** Whether a schedule's values stand in place of base values. */
function isOfValues({ schedule }: Scheduled): boolean {
  return returnsOf(schedule) === "value";
}

/**
 * Refuses a group's own value beside a schedule of values, for one of the two would do nothing. A schedule that knows groups may meet a group's own
 * value, since a plugin makes it over the groups' values. Of a list one element alone may have a schedule: then the group's own must be the optimizer's.
 */
export function refuseClashes(scheduled: readonly Scheduled[], groups: readonly PlainGroup[], base: Values): void {
  const values = new Map(scheduled.filter(isOfValues).map((one) => [one, knowsGroups(one.schedule as Schedule, groups.length)]));
  for (const group of groups) {
    const { set, own, index, title, plugin } = group;
    for (const one of scheduledOf(group, scheduled)) {
      const { option, name, element } = one;
      if (!set.has(name) || values.get(one) !== false) continue;
      if (element !== undefined && Object.is(elementOf(own.get(name), element), elementOf(base[name], element))) continue;
      const message =
        `Cannot schedule option "${option}" of ${title} by values: group ${index} sets it, and one of the two would do nothing; leave one out`;
      throw about(new TypeError(message), { plugin: plugin.name, option, group: index });
    }
  }
}

/** The schedule whose values stand in place of a group's base value of an option, or of an element of it. */
function replacing({ scheduled }: GroupState, option: string): Scheduled | undefined {
  return scheduled.find((one) => one.name === option && isOfValues(one));
}

/** Refuses to assign a group's option where its schedule gives values: what is assigned it would never hear of. */
export function refuseReplaced(group: GroupState, option: string): void {
  const one = replacing(group, option);
  if (one !== undefined) throw replacedError(group.plugin, option, one);
}

/** The same of the optimizer's option, unless a group takes it from there and has no such schedule. */
export function refuseReplacedByAll(
  { plugin, groups, scheduled }: { plugin: OptimizerPlugin; groups: readonly GroupState[]; scheduled: readonly Scheduled[] },
  option: string,
): void {
  const taking = groups.filter(({ specs, own }) => Object.hasOwn(specs, option) && !own.has(option));
  if (taking.some((group) => replacing(group, option) === undefined)) return;
  const one = scheduled.find((one) => one.name === option && isOfValues(one) && (one.group === undefined || taking.length > 0));
  if (one !== undefined) throw replacedError(plugin, option, one);
}

function replacedError({ name }: OptimizerPlugin, option: string, one: Scheduled): TypeError {
  const whose = one.element === undefined ? "its schedule" : `the schedule of "${one.option}"`;
  const message =
    `Cannot assign option "${option}" of optimizer "${name}": ${whose} gives values, which stand in its place; let the schedule give factors`;
  return about(new TypeError(message), { plugin: name, option });
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
  if (isSchedule(use)) return checkReturns(use);
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

/** A group's base value of an option of its algorithm, which must be a number. */
function ownBase(option: string, group: PlainGroup, base: Values): number {
  const { specs, plugin, title, index } = group;
  const { name, element } = placeOf(option);
  if (!Object.hasOwn(specs, name)) {
    const message = `Cannot schedule option ${show(option)} of ${title} in group ${index}: ${known(Object.keys(specs), option)}`;
    throw about(new TypeError(message), { plugin: plugin.name, option });
  }
  const value = elementOf(unscaledValue(group, base, name), element);
  checkBase(value, `${title} in group ${index}`, { plugin: plugin.name, option, group: index });
  return value as number;
}

function checkBase(value: unknown, title: string, of: About & { readonly option: string }): void {
  if (typeof value === "number") return;
  const Wrong = value === null ? RangeError : TypeError;
  throw about(new Wrong(`Cannot schedule option "${of.option}" of ${title}: its base value ${show(value)} is not a number`), of);
}

function checkFactors(what: string, option: string, schedule: MetricSchedule, groups: number): void {
  const count: unknown = schedule.factors(0)?.length;
  if (count === groups) return;
  const message = `Cannot schedule ${what}: it gives ${show(count)} factors, and there ${
    groups === 1 ? "is 1 group" : `are ${groups} groups`
  }`;
  throw about(new RangeError(message), { option });
}

/** Where a schedule's state stands in a state's metadata. */
export function stateKeyOf({ option, group }: Scheduled): string {
  return group === undefined ? `schedule.${option}` : `group.${group}.schedule.${option}`;
}

/**
 * The schedules of an optimizer's options, made from its settings.
 *
 * @module
 */
import { about } from "../errors.ts";
import { baseValue } from "./current.ts";
import type { PlainGroup } from "./groups.ts";
import { isRecord, known, show } from "../names.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import type { AnySpecs, Values } from "../plugin/options.ts";
import { checkReturns, isMetric, isSchedule, type Scheduled, schedulesOf } from "../plugin/schedules.ts";
import { type Find, titleOf } from "../plugin/use.ts";
import type { Base, MetricSchedule, Settings, Use } from "../types.ts";

/** A schedule whose state can be read and put back, as plateau's. */
export interface StatefulSchedule {
  readonly option: string;
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
    const schedule = isSchedule(use) ? checkReturns(use) : schedulesOf(find)(use as Use, bases);
    if (isMetric(schedule)) checkFactors(option, schedule, groups.length);
    return { option, schedule };
  });
}

/** Schedules that follow a metric. */
export function metricSchedules(scheduled: readonly Scheduled[]): (Scheduled & { readonly schedule: MetricSchedule })[] {
  return scheduled.filter((one): one is Scheduled & { readonly schedule: MetricSchedule } => isMetric(one.schedule));
}

/** Those of them that have a state. */
export function statefulSchedules(scheduled: readonly Scheduled[]): StatefulSchedule[] {
  return scheduled.filter((one): one is StatefulSchedule => typeof one.schedule === "object" && "state" in one.schedule);
}

/** An option's base values, which must be numbers. */
function basesOf(option: string, main: OptimizerPlugin, base: Values, groups: readonly PlainGroup[]): Base {
  const holders = groups.filter(({ specs }) => Object.hasOwn(specs, option));
  const isOwn = Object.hasOwn(main.options as AnySpecs, option);
  if (!isOwn && holders.length === 0) {
    const names = new Set([main.options, ...groups.map(({ specs }) => specs)].flatMap((specs) => Object.keys(specs as AnySpecs)));
    const message = `Cannot schedule option ${show(option)} of ${titleOf(main)}: ${known([...names], option)}`;
    throw about(new TypeError(message), { plugin: main.name, option });
  }
  const value = isOwn ? base[option] : baseValue(holders[0], base, option);
  const values = groups.map((group) => holders.includes(group) ? baseValue(group, base, option) : value);
  for (const one of [value, ...values]) {
    if (typeof one === "number") continue;
    const Wrong = one === null ? RangeError : TypeError;
    const message = `Cannot schedule option "${option}" of ${titleOf(main)}: its base value ${show(one)} is not a number`;
    throw about(new Wrong(message), { plugin: main.name, option });
  }
  return { value: value as number, groups: values as number[] };
}

function checkFactors(option: string, schedule: MetricSchedule, groups: number): void {
  const count: unknown = schedule.factors()?.length;
  if (count === groups) return;
  const message = `Cannot schedule option "${option}": it gives ${show(count)} factors, and there are ${groups} groups`;
  throw about(new RangeError(message), { option });
}

/**
 * Schedules of options: made once from the base values, asked at each step.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import { about } from "../errors.ts";
import { show } from "../names.ts";
import type { SchedulePlugin, Tools } from "./contract.ts";
import type { Base, MetricSchedule, Schedule } from "../types.ts";
import { toolsOf } from "./tools.ts";
import { ask, type Find, findNothing, optionsOf, takeUse, titleOf } from "./use.ts";

/** A schedule of one option, or of one element of an option that is a list. */
export interface Scheduled {
  /** What it was asked for: an option's name, or `"betas[0]"`. */
  readonly option: string;
  /** The option's name. */
  readonly name: string;
  /** Which element of it; undefined: the option is the number itself. */
  readonly element?: number;
  /** The group that it is of, which is its only one: it is made over that group's base value, and asked for its first. Undefined: it is of all groups. */
  readonly group?: number;
  /** What sets its value. */
  readonly schedule: Schedule | MetricSchedule;
}

/** The option that is meant, and which element of it: `"betas[0]"` is element 0 of `betas`. */
export function placeOf(option: string): Pick<Scheduled, "name" | "element"> {
  const [, name, element] = /^(.+)\[(0|[1-9]\d*)\]$/.exec(option) ?? [];
  return name === undefined ? { name: option } : { name, element: Number(element) };
}

/** A value, or an element of it where one is meant. */
export function elementOf(value: unknown, element: number | undefined): unknown {
  return element === undefined ? value : Array.isArray(value) ? value[element] : undefined;
}

/** A schedule over base values; without them, over 1. What it holds by name is found by `find`. */
export function makeSchedule(
  plugin: SchedulePlugin,
  given: object | undefined,
  base: Base = { value: 1, groups: [1] },
  find: Find = findNothing,
): Schedule | MetricSchedule {
  return scheduleWith(plugin, optionsOf(plugin, given), base, find);
}

/** The same from options that have been resolved already. */
export function scheduleWith(plugin: SchedulePlugin, options: Record<string, unknown>, base: Base, find: Find): Schedule | MetricSchedule {
  const title = titleOf(plugin);
  return ask(plugin, () => {
    checkBase(title, base);
    plugin.check?.(options);
    const schedule: unknown = plugin.create(options, maths, base, toolsOf(plugin, schedulesOf(find)));
    if (!isSchedule(schedule)) throw new TypeError(`Cannot use what ${title} makes: it must be a function, or { update, factors }`);
    const returns = returnsOf(checkReturns(schedule));
    if (plugin.returns !== undefined && plugin.returns !== returns) {
      throw new TypeError(`Cannot use what ${title} makes: it returns "${returns}", where its plugin says "${plugin.returns}"`);
    }
    return schedule;
  });
}

/** Makes schedules from their uses, as `{ name: "linear", options }`. */
export function schedulesOf(find: Find): Tools["schedule"] {
  return (use, base) => {
    const { plugin, options } = takeUse(find, "schedule", use);
    return makeSchedule(plugin, options, base, find);
  };
}

/** What a schedule that is made gives: factors, values, or factors that follow a metric. */
export function returnsOf(schedule: Schedule | MetricSchedule): NonNullable<SchedulePlugin["returns"]> {
  return isMetric(schedule) ? "metric" : schedule.returns ?? "factor";
}

/** A schedule that says what it returns in words that are known: taken for a factor, a value would be off by the base value. */
export function checkReturns(schedule: Schedule | MetricSchedule): Schedule | MetricSchedule {
  const returns: unknown = isMetric(schedule) ? undefined : schedule.returns;
  if (returns === undefined || returns === "factor" || returns === "value") return schedule;
  throw new TypeError(`Cannot use a schedule that returns ${show(returns)}: it must be "factor" or "value"`);
}

/** True for either kind of schedule. */
export function isSchedule(value: unknown): value is Schedule | MetricSchedule {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  const { update, factors } = value as Partial<MetricSchedule>;
  return typeof update === "function" && typeof factors === "function";
}

/** True for a schedule that follows a metric. */
export function isMetric(schedule: Schedule | MetricSchedule): schedule is MetricSchedule {
  return typeof schedule !== "function";
}

/**
 * Whether groups may get different values. A schedule that does not say so is known by its parameters: a second one without a default. Its code may not
 * show it, as a default's does not: whoever must be sure lets it say so.
 */
export function isPerGroup({ perGroup, length }: Schedule): boolean {
  return perGroup ?? length > 1;
}

/** The option's value in a group at a step: the base value times the factor, or the value itself. */
export function valueAt({ option, schedule, group: own }: Scheduled, base: unknown, group: number, step: number): number {
  const index = own === undefined ? group : 0;
  const given: unknown = isMetric(schedule) ? schedule.factors(step)[index] : schedule(step, index);
  if (typeof given !== "number") {
    throw about(new TypeError(`Cannot schedule option "${option}" by ${show(given)} at step ${step}: it must be a number`), {
      option,
      group,
    });
  }
  return !isMetric(schedule) && schedule.returns === "value" ? given : (base as number) * given;
}

function checkBase(title: string, base: Base): void {
  if (typeof base !== "object" || base === null || !Array.isArray(base.groups)) {
    throw new TypeError(`Cannot make ${title} over base ${show(base)}: give { value, groups }`);
  }
  for (const value of [base.value, ...base.groups]) {
    if (typeof value !== "number") throw new TypeError(`Cannot make ${title} over base value ${show(value)}: it must be a number`);
    if (!Number.isFinite(value)) throw new RangeError(`Cannot make ${title} over base value ${value}: it must be finite`);
  }
}

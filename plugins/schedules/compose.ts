/**
 * What schedules are composed by: the schedules that an option holds, read in the same terms.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule, Tools, Use } from "../../core/plugin/contract.ts";
import { baseOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";

/** A schedule that another one holds: by name or plugin, with its options, or made. */
export type Inner = Use | Schedule | MetricSchedule;

/** A schedule of either kind. */
export type AnySchedule = Schedule | MetricSchedule;

/** Reads a part at a step, for the group that is asked for. */
export type Read = (part: number, step: number) => number;

/** Makes what an option holds, over the same base values. */
export function makeInner(inner: Inner, base: Base, tools: Tools): AnySchedule {
  if (typeof inner === "function" || "update" in inner && "factors" in inner) return inner as AnySchedule;
  return tools.schedule(inner as Use, base);
}

/** Whether a schedule gives values. */
export function givesValues(part: AnySchedule): boolean {
  return typeof part === "function" && part.returns === "value";
}

/**
 * Composes schedules into one: `at` says its value at a step by those of its parts. Where values and factors meet, it gives values, and factors are read
 * times the group's base value, or as they are where `raw`. Where one of them follows a metric, it follows the metric too: all of them get every
 * metric, whosever turn it is; and what gives values is read over the base value.
 */
export function compose(
  name: string,
  parts: readonly AnySchedule[],
  base: Base,
  at: (read: Read, step: number) => number,
  raw = false,
): AnySchedule {
  const isValue = parts.some(givesValues);
  /** A part's value in the terms of the whole. */
  const readerOf = (group: number | undefined): Read => {
    const lr = baseOf(base, group);
    return (i, step) => {
      const part = parts[i];
      const given = typeof part === "function" ? part(step, group) : part.factors(step)[group ?? 0];
      return isValue && !raw && !givesValues(part) ? lr * given : given;
    };
  };
  const valueOf = (step: number, group?: number): number => {
    checkStep(name, step);
    return at(readerOf(group), step);
  };
  const metrics = parts.filter((part): part is MetricSchedule => typeof part !== "function");
  if (metrics.length > 0) return followMetric(metrics, base, isValue, valueOf);
  const returns = isValue ? "value" as const : "factor" as const;
  // As many parameters as tell whether each group has its own: of values that all groups share, the rest passes the group on all the same.
  const isOwn = !isValue || parts.some((part) => !givesValues(part) || (part as Schedule).length > 1);
  return Object.assign(
    isOwn
      ? (step: number, group: number | undefined) => valueOf(step, group)
      : (step: number, ...[group]: [number?]) => valueOf(step, group),
    { returns },
  ) as Schedule;
}

function followMetric(
  metrics: readonly MetricSchedule[],
  base: Base,
  isValue: boolean,
  valueOf: (step: number, group: number) => number,
): MetricSchedule {
  const bases = base.groups.length > 0 ? base.groups : [base.value];
  if (isValue && bases.includes(0)) {
    throw new RangeError(
      "Cannot compose values with a schedule that follows a metric over a base value 0: a factor of 0 would be a division by 0",
    );
  }
  return {
    update(metric) {
      for (const part of metrics) part.update(metric);
    },
    factors: (step = 0) => bases.map((lr, group) => isValue ? valueOf(step, group) / lr : valueOf(step, group)),
    get state() {
      return metrics.map(({ state }) => state ?? null);
    },
    set state(state: unknown) {
      if (!Array.isArray(state) || state.length !== metrics.length) {
        throw new TypeError(`Cannot take a state that is not a list of ${metrics.length}, one for each schedule that follows a metric`);
      }
      const before = metrics.map(({ state }) => state);
      const put = (states: readonly unknown[], count: number): void =>
        metrics.slice(0, count).forEach((part, i) => {
          if (before[i] !== undefined) part.state = states[i];
        });
      for (let i = 0; i < metrics.length; i++) {
        try {
          if (before[i] !== undefined) metrics[i].state = state[i];
        } catch (error) {
          put(before, i);
          throw error;
        }
      }
    },
  };
}

/** Refuses an empty list. */
export function checkSome(schedules: readonly unknown[]): void {
  schedules.forEach((inner, i) => {
    if (typeof inner === "function" || typeof inner === "object" && inner !== null) return;
    const message = `Cannot use schedules[${i}] = ${JSON.stringify(inner)}: it must be { name, options }`;
    throw Object.assign(new TypeError(message), { option: `schedules[${i}]` });
  });
  if (schedules.length > 0) return;
  throw Object.assign(new RangeError("Cannot use schedules of length 0: there must be one at least"), { option: "schedules" });
}

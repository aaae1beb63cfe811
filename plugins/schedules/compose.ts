/**
 * What schedules are composed by: the schedules that an option holds, read in the same terms.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule, Tools, Use } from "../../core/plugin/contract.ts";
import { baseOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";
import { type Part, type Read, scaled } from "./composed_stretches.ts";
import { stretch } from "./stretches.ts";

/** A schedule that another one holds: by name or plugin, with its options, or made. */
export type Inner = Use | Schedule | MetricSchedule;

/** A schedule of either kind. */
export type AnySchedule = Schedule | MetricSchedule;

/** Takes a metric that came after so many updates. */
export type Take = (metric: number, step: number) => void;

/** Makes of what each part does with a metric what the whole does. */
export type Feed = (takes: readonly Take[]) => Take;

const feedAll: Feed = (takes) => (metric, step) => {
  for (const take of takes) take(metric, step);
};

/**
 * The step of the last update before a metric that came at `step`: whose turn it was then gets the metric. So a plateau behind a warmup hears nothing of
 * it, as in timm, nor of the seam, where torch's `SequentialLR` only begins the next schedule: what a plateau took there for its best would be the
 * warmup's, and its patience would run while nothing could come of it.
 */
export function lastUpdate(step: number): number {
  return Math.max(0, step - 1);
}

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
 * Composes schedules into one: `at` makes its value of the readers of its parts, `stretchesOf` its stretches of theirs. Where values and factors meet, it gives values, and factors are read
 * times the group's base value, or as they are where `raw`. Where one of them follows a metric, it follows the metric too, and what gives values is read
 * over the base value. `feed` says who gets a metric, of what each of the parts does with one; without it all get every metric.
 *
 * Readers are made once. One that was made for each question, as a closure over its group, cost a composition of five a microsecond.
 */
export function compose(
  name: string,
  parts: readonly AnySchedule[],
  base: Base,
  at: (reads: readonly Read[]) => Read,
  stretchesOf: (parts: readonly Part[]) => NonNullable<Schedule["stretches"]>,
  { raw = false, feed = feedAll }: { readonly raw?: boolean; readonly feed?: Feed } = {},
): AnySchedule {
  const isValue = parts.some(givesValues);
  const isScaled = (part: AnySchedule): boolean => isValue && !raw && !givesValues(part);
  const metrics = parts.filter((part): part is MetricSchedule => typeof part !== "function");
  const asked = metrics.map(asking);
  const reads = parts.map((part): Read => {
    const given = typeof part === "function" ? part : asked[metrics.indexOf(part)].read;
    return isScaled(part) ? (step, group) => baseOf(base, group) * given(step, group) : given;
  });
  const value = at(reads);
  const valueOf: Read = (step, group) => {
    checkStep(name, step);
    return value(step, group);
  };
  if (metrics.length > 0) {
    const take = feed(parts.map((part) => (metric, step) => typeof part === "function" ? undefined : part.update(metric, step)));
    return followMetric(metrics, base, isValue, valueOf, take, asked);
  }
  const perGroup = parts.some((part) => isPerGroup(part as Schedule) || isScaled(part));
  return Object.assign(perGroup ? valueOf : (step: number, ...[group]: [number?]) => valueOf(step, group), {
    returns: isValue ? "value" as const : "factor" as const,
    perGroup,
    stretches: stretchesOf(parts.map((part, i) => ({ read: reads[i], stretches: lawsOf(part as Schedule, isScaled(part), base) }))),
  }) as Schedule;
}

/** A part's stretches in the terms of the whole: of one that says nothing, no law is known. */
function lawsOf({ stretches }: Schedule, isScaled: boolean, base: Base): NonNullable<Schedule["stretches"]> {
  if (stretches === undefined) return (from) => [stretch(from, "any")];
  if (!isScaled) return stretches;
  return function* (from, to, group) {
    const lr = baseOf(base, group);
    for (const one of stretches(from, to, group)) yield scaled(one, lr);
  };
}

/** Whether groups may get different values: of a schedule that does not say so, its parameters tell. */
function isPerGroup({ perGroup, length }: Schedule): boolean {
  return perGroup ?? length > 1;
}

/** A part that follows a metric gives the factors of all groups at once: within one question it is asked once a step, not once more for each group. */
interface Asking {
  readonly read: Read;
  /** Lets go of what was given: the next question is a new one. */
  forget(): void;
}

function asking(part: MetricSchedule): Asking {
  const seen = new Map<number, readonly number[]>();
  return {
    read(step, group) {
      let factors = seen.get(step);
      if (factors === undefined) seen.set(step, factors = part.factors(step));
      return factors[group ?? 0];
    },
    forget: () => seen.clear(),
  };
}

function followMetric(
  metrics: readonly MetricSchedule[],
  base: Base,
  isValue: boolean,
  valueOf: Read,
  take: Take,
  asked: readonly Asking[],
): MetricSchedule {
  const bases = base.groups.length > 0 ? base.groups : [base.value];
  if (isValue && bases.includes(0)) {
    throw new RangeError(
      "Cannot compose values with a schedule that follows a metric over a base value 0: a factor of 0 would be a division by 0",
    );
  }
  // Whoever says no step means the one that was asked for last.
  let latest = 0;
  return {
    update: (metric, step = latest) => take(metric, step),
    factors(step = 0) {
      latest = step;
      for (const one of asked) one.forget();
      return bases.map((lr, group) => isValue ? valueOf(step, group) / lr : valueOf(step, group));
    },
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

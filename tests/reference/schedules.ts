/**
 * Schedules of PyTorch's kind: a factor per step over each group's base value, by name or by function.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule } from "../../core/types.ts";
import { type Fault, sameLr } from "./compare.ts";
import { type Context, missing } from "./context.ts";
import { errorFault, type PythonError } from "./errors.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";
import { LATER_SCHEDULES, scheduleName } from "./items.ts";
import { camelKeys } from "./options.ts";

/** The groups of an optimizer that a schedule is made for. */
interface Groups {
  readonly groups: readonly { readonly lr: number; readonly initial_lr?: number }[];
  readonly default_lr?: number;
}

/** A schedule of either kind. */
export type AnySchedule = Schedule | MetricSchedule;

/** Why the case cannot run, if so. Names that no version knows are not plugins still missing: they run, to be refused. */
export function unsupportedSchedule(context: Context, entry: Case): string | undefined {
  if (entry.args.state_dict_handover_before_step !== undefined) return "schedulers' state dicts come with checkpoints";
  const name = entry.item === "get_scheduler" ? entry.args.name : scheduleName(entry.item);
  if (typeof name !== "string") return;
  const known = entry.item !== "get_scheduler" || LATER_SCHEDULES.includes(name);
  return known ? missing(context, "schedule", name) : undefined;
}

/** The optimizer's base values. */
function baseOf({ groups, default_lr }: Groups): Base {
  const lrs = groups.map(({ lr, initial_lr }) => initial_lr ?? lr);
  return { value: default_lr ?? lrs[0], groups: lrs };
}

/** The schedule that `get_scheduler` or the function `item` makes. */
export function makeSchedule({ registry }: Context, item: string, name: Json | undefined, kwargs: JsonObject, base: Base): AnySchedule {
  if (item !== "get_scheduler") return registry.createSchedule(scheduleName(item), camelKeys(kwargs), base);
  const { scheduler_specific_kwargs, ...rest } = kwargs;
  const specific = scheduler_specific_kwargs === undefined
    ? {}
    : { schedulerSpecificKwargs: camelKeys(scheduler_specific_kwargs as JsonObject) };
  return registry.getScheduler(name as string, { ...camelKeys(rest), ...specific, base });
}

/** The lr that a schedule gives a group with this base value. */
export function lrAt(schedule: AnySchedule, step: number, base: number): number {
  if (typeof schedule !== "function") throw new TypeError("Cannot read a schedule at a step: it follows a metric");
  return schedule.returns === "value" ? schedule(step) : base * schedule(step);
}

/** `lrs[group][i]`, the i-th of the steps that were read; an error at the end, if the reference raised one. */
export function runSchedule(context: Context, entry: Case): Fault {
  const { kwargs: { last_epoch = -1, ...kwargs }, optimizer, steps, stride = 1, name } = entry.args as unknown as {
    kwargs: JsonObject;
    optimizer: Groups;
    steps: number;
    stride?: number;
    name?: string;
  };
  const want = context.golden.want(entry);
  const lrs = want.lrs as readonly Numbers[];
  const base = baseOf(optimizer);
  const error = want.error as unknown as PythonError | undefined;
  let schedule: AnySchedule;
  try {
    schedule = makeSchedule(context, entry.item, name, kwargs, base);
  } catch (thrown) {
    if (error?.at === 0) return errorFault(thrown, want.error);
    return `threw ${thrown} when made; the reference ${error === undefined ? "accepts it" : `raises ${error.type} at step ${error.at}`}`;
  }
  // The reference's constructor takes a step: after last_epoch = k it stands at k + 1.
  const first = last_epoch as number + 1;
  const end = error?.at ?? steps + 1;
  for (const [g, values] of lrs.entries()) {
    for (let i = 0; i < end; i += stride) {
      const got = lrAt(schedule, first + i, base.groups[g]);
      const expected = Number(values[i / stride]);
      if (!sameLr(got, expected, base.groups[g])) return `lr of group ${g} at step ${first + i}: ${got} instead of ${expected}`;
    }
  }
  if (error === undefined) return;
  try {
    lrAt(schedule, first + end, base.value);
  } catch (thrown) {
    return errorFault(thrown, want.error);
  }
  return errorFault(undefined, want.error);
}

/** `lrs[group][i]` after the i-th metric, and the schedule's own counters where it shows them. */
export function runMetricSchedule(context: Context, entry: Case): Fault {
  const { kwargs, optimizer, metrics, name } = entry.args as unknown as {
    kwargs: JsonObject;
    optimizer: Groups;
    metrics: number[];
    name?: string;
  };
  const want = context.golden.want(entry) as unknown as {
    lrs: readonly Numbers[];
    best: Numbers;
    num_bad_epochs: Numbers;
    cooldown_counter?: Numbers;
  };
  const base = baseOf(optimizer);
  const via = name === undefined ? kwargs : { scheduler_specific_kwargs: kwargs };
  const schedule = makeSchedule(context, entry.item, name, via, base);
  if (typeof schedule === "function") return `schedule "${name ?? scheduleName(entry.item)}" follows no metric`;
  for (const [i, metric] of metrics.entries()) {
    schedule.update(metric);
    const factors = schedule.factors();
    for (const [g, values] of want.lrs.entries()) {
      const got = base.groups[g] * factors[g];
      if (!sameLr(got, Number(values[i]), base.groups[g])) return `lr of group ${g} after metric ${i}: ${got} instead of ${values[i]}`;
    }
    const fault = countersFault(schedule as MetricSchedule & { readonly state?: Counters }, want, i);
    if (fault !== undefined) return fault;
  }
}

/** The counters that a schedule shows as its `state`. */
interface Counters {
  readonly best?: number | string;
  readonly numBadEpochs?: number;
  readonly cooldownCounter?: number;
}

function countersFault(
  schedule: MetricSchedule & { readonly state?: Counters },
  want: { best: Numbers; num_bad_epochs: Numbers; cooldown_counter?: Numbers },
  i: number,
): Fault {
  const { best, numBadEpochs, cooldownCounter } = schedule.state ?? {};
  const pairs: readonly (readonly [string, number | string | undefined, number | string | undefined])[] = [
    ["best", best, want.best[i]],
    ["numBadEpochs", numBadEpochs, want.num_bad_epochs[i]],
    ["cooldownCounter", cooldownCounter, want.cooldown_counter?.[i]],
  ];
  for (const [what, got, expected] of pairs) {
    if (got === undefined || expected === undefined) continue;
    if (!Object.is(Number(got), Number(expected))) return `${what} after metric ${i}: ${got} instead of ${expected}`;
  }
}

/** The names of an enumeration are registered schedules. */
export function unsupportedNames(context: Context, entry: Case): string | undefined {
  for (const name of Object.values(context.golden.want(entry).members as Record<string, string>)) {
    const absent = missing(context, "schedule", name);
    if (absent !== undefined) return absent;
  }
}

/** Every member's name is that of the schedule that its function makes. */
export function runNames(context: Context, entry: Case): Fault {
  const { members, functions } = context.golden.want(entry) as unknown as Record<"members" | "functions", Record<string, string>>;
  for (const name of Object.values(members)) {
    if (scheduleName(functions[name]) !== name) return `${functions[name]} is "${scheduleName(functions[name])}", not "${name}"`;
  }
}

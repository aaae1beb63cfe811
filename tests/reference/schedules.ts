/**
 * Schedules of PyTorch's kind: a factor per step over each group's base value, by name or by function.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule } from "../../core/types.ts";
import { readScheduler } from "../../plugins/formats/pytorch.ts";
import { type Fault, sameLr, SCHEDULE_RECURSED } from "./compare.ts";
import { type Context, missing } from "./context.ts";
import { errorFault, type PythonError } from "./errors.ts";
import type { Case, Json, JsonObject, Numbers } from "./golden.ts";
import { LATER_SCHEDULES, scheduleName } from "./items.ts";
import { camelKeys } from "./options.ts";
import { schedulerFault } from "./state_dicts.ts";

/** The groups of an optimizer that a schedule is made for. */
interface Groups {
  readonly groups: readonly { readonly lr: number; readonly initial_lr?: number }[];
  readonly default_lr?: number;
}

/** A schedule of either kind. */
export type AnySchedule = Schedule | MetricSchedule;

/** Why the case cannot run, if so. Names that no version knows are not plugins still missing: they run, to be refused. */
export function unsupportedSchedule(context: Context, entry: Case): string | undefined {
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
  if (item.startsWith(TORCH)) return registry.createSchedule(scheduleName(item), torchOptions(kwargs), base);
  if (item !== "get_scheduler") return registry.createSchedule(scheduleName(item), camelKeys(kwargs), base);
  const { scheduler_specific_kwargs, ...rest } = kwargs;
  const specific = scheduler_specific_kwargs === undefined
    ? {}
    : { schedulerSpecificKwargs: camelKeys(scheduler_specific_kwargs as JsonObject) };
  return registry.getScheduler(name as string, { ...camelKeys(rest), ...specific, base });
}

/** torch's arguments as options: a schedule in another one's list is `{ name, kwargs }`, and the momentum is a schedule of its own. */
function torchOptions(kwargs: JsonObject): Record<string, unknown> {
  const { schedulers, cycle_momentum: _, base_momentum: __, max_momentum: ___, ...rest } = kwargs;
  const own = Object.fromEntries(Object.entries(camelKeys(rest)).map(([key, value]) => [key[0].toLowerCase() + key.slice(1), value]));
  if (schedulers === undefined) return own;
  const schedules = (schedulers as readonly { readonly name: string; readonly kwargs: JsonObject }[]).map(({ name, kwargs }) => ({
    name: scheduleName(`${TORCH}${name}`),
    options: torchOptions(kwargs),
  }));
  return { ...own, schedules };
}

/** The second curve of torch's OneCycleLR and CyclicLR, of the momentum: the same schedule on that option. */
function momentumOptions(item: string, kwargs: JsonObject): Record<string, unknown> {
  const { maxLr: _, divFactor: __, finalDivFactor: ___, baseLr: ____, ...rest } = torchOptions(kwargs);
  const isOneCycle = item.endsWith("OneCycleLR");
  const { base_momentum = isOneCycle ? 0.85 : 0.8, max_momentum = isOneCycle ? 0.95 : 0.9 } = kwargs as Record<string, number>;
  if (isOneCycle) return { ...rest, maxLr: base_momentum, divFactor: base_momentum / max_momentum, finalDivFactor: 1 };
  return { ...rest, baseLr: max_momentum, maxLr: base_momentum };
}

const TORCH = "torch.optim.lr_scheduler.";
/** torch's schedulers that compute each value from the step alone. */
const CLOSED = /Lambda|WarmRestarts|OneCycle|Cyclic/;

/** The lr that a schedule gives a group with this base value. */
export function lrAt(schedule: AnySchedule, step: number, base: number, group?: number): number {
  if (typeof schedule !== "function") throw new TypeError("Cannot read a schedule at a step: it follows a metric");
  return schedule.returns === "value" ? schedule(step, group) : base * schedule(step, group);
}

/** `lrs[group][i]`, the i-th of the steps that were read; an error at the end, if the reference raised one. */
export function runSchedule(context: Context, entry: Case): Fault {
  const { kwargs: { last_epoch = -1, ...kwargs }, optimizer, steps, stride = 1, name, state_dict_handover_before_step: handover } = entry
    .args as unknown as {
      kwargs: JsonObject;
      optimizer: Groups;
      steps: number;
      stride?: number;
      state_dict_handover_before_step?: number;
      name?: string;
    };
  const want = context.golden.want(entry);
  const lrs = want.lrs as readonly Numbers[];
  const momentum = want.momentum as Numbers | undefined;
  const within = entry.item.startsWith(TORCH) && !CLOSED.test(entry.item) ? SCHEDULE_RECURSED : undefined;
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
      // What is handed over is the step alone: a schedule made anew goes on.
      if (i === handover) schedule = makeSchedule(context, entry.item, name, kwargs, base);
      const got = lrAt(schedule, first + i, base.groups[g], g);
      const expected = Number(values[i / stride]);
      if (!sameLr(got, expected, base.groups[g], within)) return `lr of group ${g} at step ${first + i}: ${got} instead of ${expected}`;
    }
  }
  if (momentum !== undefined) {
    const second = context.registry.createSchedule(scheduleName(entry.item), momentumOptions(entry.item, kwargs), base);
    for (let i = 0; i < end; i++) {
      const got = lrAt(second, i, 0.9);
      const expected = Number(momentum[i]);
      if (!sameLr(got, expected, 0.9)) return `momentum at step ${i}: ${got} instead of ${expected}`;
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
    num_good_epochs?: Numbers;
    cooldown_counter?: Numbers;
    state_dict?: JsonObject;
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
  if (want.state_dict === undefined) return;
  // The dictionary says what the schedule has seen, but for the factors, and is written again as it was.
  const { factors: _, ...seen } = schedule.state as Record<string, unknown>;
  const read = readScheduler(want.state_dict);
  if (JSON.stringify(sorted(read.seen)) !== JSON.stringify(sorted(seen))) {
    return `its state_dict says ${JSON.stringify(read.seen)}, and here is ${JSON.stringify(seen)}`;
  }
  return schedulerFault(want.state_dict, entry.item);
}

const sorted = (of: object = {}): object => Object.fromEntries(Object.entries(of).sort(([a], [b]) => a < b ? -1 : 1));

/** The counters that a schedule shows as its `state`. */
interface Counters {
  readonly best?: number | string;
  readonly numBadEpochs?: number;
  readonly numGoodEpochs?: number;
  readonly cooldownCounter?: number;
}

function countersFault(
  schedule: MetricSchedule & { readonly state?: Counters },
  want: { best: Numbers; num_bad_epochs: Numbers; num_good_epochs?: Numbers; cooldown_counter?: Numbers },
  i: number,
): Fault {
  const { best, numBadEpochs, numGoodEpochs, cooldownCounter } = schedule.state ?? {};
  const pairs: readonly (readonly [string, number | string | undefined, number | string | undefined])[] = [
    ["best", best, want.best[i]],
    ["numBadEpochs", numBadEpochs, want.num_bad_epochs[i]],
    ["numGoodEpochs", numGoodEpochs, want.num_good_epochs?.[i]],
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

/**
 * PyTorch's scheduler objects: counters, hand-over, unusual uses. Here a schedule is a function of the step, so each is a question about its values.
 *
 * @module
 */
import { type Fault, sameLr } from "./compare.ts";
import { type Context, missing } from "./context.ts";
import type { Case, JsonObject } from "./golden.ts";
import { scheduleName } from "./items.ts";
import { type AnySchedule, lrAt, makeSchedule } from "./schedules.ts";

/** What each kind of question says in `args`; the rest of it tells the kinds apart. */
interface Args {
  readonly fn?: string;
  readonly first?: string;
  readonly second?: string;
  readonly kwargs: JsonObject;
  readonly lr?: number;
  readonly lrs?: readonly number[];
  readonly k?: number;
  readonly steps?: number;
  readonly steps_before?: number;
  readonly epochs?: readonly (number | null)[];
  readonly added_lr?: number;
}

/** Rows of a scheduler's counters. */
type Rows = readonly {
  readonly lr: readonly number[];
  readonly get_last_lr: readonly number[];
  readonly initial_lr: readonly number[];
  readonly last_epoch: number;
}[];

/** Why the case cannot run, if so. */
export function unsupportedMechanics(context: Context, entry: Case): string | undefined {
  const { fn, first, second } = entry.args as unknown as Args;
  for (const name of [fn, first, second]) {
    const absent = name === undefined ? undefined : missing(context, "schedule", scheduleName(name));
    if (absent !== undefined) return absent;
  }
}

/** A case's arguments with its schedule. */
interface Question {
  readonly args: Args;
  readonly want: JsonObject;
  readonly bases: readonly number[];
  readonly schedule: AnySchedule;
  make(item: string): AnySchedule;
}

function ask(context: Context, entry: Case): Question {
  const args = entry.args as unknown as Args;
  const bases = args.lrs ?? [args.lr!];
  const make = (item: string): AnySchedule => makeSchedule(context, item, undefined, args.kwargs, { value: bases[0], groups: bases });
  return { args, want: context.golden.want(entry), bases, schedule: make((args.fn ?? args.first)!), make };
}

/** Runs the case; says what differs from the reference. */
export function runMechanics(context: Context, entry: Case): Fault {
  const { args, want, bases: [base], bases, schedule, make } = ask(context, entry);
  if (want.rows !== undefined) return rowsFault(want.rows as unknown as Rows, schedule, bases);
  if (args.k !== undefined) return listFault(want.lrs as readonly number[], schedule, base, args.k);
  if (args.epochs !== undefined) {
    for (const [epoch, lr] of want.last_epoch_and_lr as unknown as readonly (readonly [number, number])[]) {
      const fault = listFault([lr], schedule, base, epoch);
      if (fault !== undefined) return fault;
    }
    return;
  }
  if (args.second !== undefined) {
    return listFault(want.lr_before as readonly number[], schedule, base, args.steps_before!) ??
      listFault(want.lrs as readonly number[], make(args.second), base, 0);
  }
  if (args.added_lr !== undefined) {
    const rows = want.lrs as unknown as readonly (readonly number[])[];
    return listFault(rows.map(([lr]) => lr), schedule, base, ADDED) ?? listFault(rows.map(([, lr]) => lr), schedule, args.added_lr, ADDED);
  }
  return "is about the attributes of a Python object";
}

/** The step after the one at which the group was added. */
const ADDED = 2;

/** What is to happen where the reference is not followed; the numbers that remain are still the reference's. */
export function runMechanicsInstead(context: Context, entry: Case): Fault {
  const { args, want, bases: [base], bases, schedule } = ask(context, entry);
  // The first lr after the hand-over is that of step 0 in the reference.
  if (args.k !== undefined) return listFault((want.lrs as readonly number[]).slice(1), schedule, base, args.k + 1);
  if (args.added_lr !== undefined) {
    return listFault((want.lrs as unknown as readonly (readonly number[])[]).map(([lr]) => lr), schedule, base, ADDED);
  }
  const saved = want.scheduler_state_dict as unknown as { readonly _last_lr: readonly number[] };
  if (typeof schedule !== "function") schedule.update(1);
  for (const [g, group] of bases.entries()) {
    const got = typeof schedule === "function" ? lrAt(schedule, args.steps!, group) : group * schedule.factors()[g];
    if (!sameLr(got, saved._last_lr[g], group)) return `lr of group ${g}: ${got} instead of ${saved._last_lr[g]}`;
  }
}

function rowsFault(rows: Rows, schedule: AnySchedule, bases: readonly number[]): Fault {
  for (const { last_epoch, lr, get_last_lr, initial_lr } of rows) {
    for (const [g, base] of bases.entries()) {
      const fault = listFault([lr[g]], schedule, base, last_epoch) ?? listFault([get_last_lr[g]], schedule, base, last_epoch);
      if (fault !== undefined) return fault;
      if (initial_lr[g] !== base) return `the base value of group ${g} is ${base} instead of ${initial_lr[g]}`;
    }
  }
}

/** The lrs from step `first` on. */
function listFault(want: readonly number[], schedule: AnySchedule, base: number, first: number): Fault {
  for (const [i, lr] of want.entries()) {
    const got = lrAt(schedule, first + i, base);
    if (!sameLr(got, lr, base)) return `lr at step ${first + i}: ${got} instead of ${lr}`;
  }
}

/**
 * A schedule's description over another number of updates.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import type { Registry } from "../registry.ts";
import type { Use } from "../types.ts";
import type { Plugin, Rebasing, SchedulePlugin } from "./contract.ts";
import { findIn, normalize } from "./normal_form.ts";
import { type AnySpecs, typesOf } from "./options.ts";
import { ask, type Find, optionsOf, takeUse, titleOf } from "./use.ts";

/** Two numbers of updates. */
export interface Horizons {
  /** What the schedule was written for. */
  readonly from: number;
  /** What it shall be for. */
  readonly to: number;
}

/** A description over another number of updates. */
export interface Rebased {
  /** The description: the options that were given, and those that had to change. */
  readonly schedule: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** What did not come along, or not as whole numbers: each with its place, as a JSON pointer into the description. */
  readonly notes: readonly RebaseNote[];
}

/** What somebody should know of a place in a description that was rebased. */
export interface RebaseNote {
  /** Where, as `/options/schedule/options/gamma`. */
  readonly path: string;
  /** What, as a sentence. */
  readonly message: string;
}

/**
 * The same curve over another number of updates: what stood at a share of `from` stands at the same share of `to`. All lengths are scaled, those of
 * warmups, milestones and periods, in schedules within schedules too, and rates of each step with them: the `gamma` of `exponential` becomes
 * `gamma ** (from / to)`.
 *
 * Whole numbers stay whole. What is rounded is where things stand, half a step at most, counted from the beginning of the whole: so parts that add up to
 * the old horizon add up to the new one. A length that repeats, or that others are counted in, would be off by its rounding once for each time: where that
 * came to a step or more over the new horizon, it keeps its fraction, and `notes` say so. What must be above 0 is 1 at least. What counts something else
 * than updates stays as it is, and `notes` say that too: the steps of what is asked by the epoch, the patience of what follows a metric. From a horizon to
 * itself nothing changes.
 *
 * TypeError: what is no description in JSON, and horizons that are no numbers. RangeError: horizons that are not whole from 1. Otherwise the errors of
 * `createSchedule`, also of the new description.
 *
 * @example Usage
 * ```ts
 * import { builtins, rebaseSchedule } from "@glissade/optim";
 *
 * const short = { name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } };
 * const { schedule } = rebaseSchedule(builtins, short, { from: 1000, to: 25_000 });
 * console.log(JSON.stringify(schedule)); // {"name":"linear","options":{"numWarmupSteps":2500,"numTrainingSteps":25000}}
 * ```
 */
export function rebaseSchedule(registry: Pick<Registry<readonly Plugin[]>, "plugins">, use: Use, horizons: Horizons): Rebased {
  return rebase(findIn(registry), use, horizons);
}

const names = ["to", "from"] as const;

/** The same, with plugins found otherwise. */
export function rebase(find: Find, use: Use, horizons: Horizons): Rebased {
  refuseUnknownKeys("two horizons", horizons, names);
  for (const name of names) checkHorizon(name, horizons[name]);
  // For its refusals: what is no JSON, and options that are wrong.
  normalize(find, use);
  if (horizons.from === horizons.to) {
    const { plugin: { name }, options } = takeUse(find, "schedule", use);
    return { schedule: { name, options: { ...options } }, notes: [] };
  }
  const notes: RebaseNote[] = [];
  return { schedule: rebaseWithin(find, use, horizons, "", 0, notes), notes };
}

function checkHorizon(name: string, steps: unknown): void {
  const message = `Cannot rebase a schedule with ${name} = ${show(steps)}: it must be a number of updates, a whole one from 1`;
  if (typeof steps !== "number") throw new TypeError(message);
  if (!Number.isSafeInteger(steps) || steps < 1) throw new RangeError(message);
}

/** What a schedule becomes whose step 0 is at `origin` of the whole. */
function rebaseWithin(
  find: Find,
  use: Use,
  { from, to }: Horizons,
  path: string,
  origin: number,
  notes: RebaseNote[],
): Rebased["schedule"] {
  const { plugin, options: given = {} } = takeUse(find, "schedule", use);
  const specs = plugin.options as AnySpecs;
  const resolved = optionsOf(plugin, given);
  const moved = (step: number): number => step === from ? to : step * to / from;
  const place = (step: number): number => Number.isSafeInteger(step) ? Math.round(moved(step)) : moved(step);
  const note = (option: string, message: string): void => void notes.push({ path: `${path}/options/${option}`, message });
  const rebasing: Rebasing = {
    ratio: to / from,
    steps(steps, start = 0) {
      const begin = origin + start;
      return Number.isSafeInteger(steps) && Number.isSafeInteger(begin) ? place(begin + steps) - place(begin) : moved(steps);
    },
    period(steps) {
      const exact = moved(steps);
      const whole = Math.max(1, Math.round(exact));
      return Number.isSafeInteger(steps) && Math.abs(whole - exact) * (to / exact) < 1 - 1e-9 ? whole : exact;
    },
    schedule: (at, inner, start = 0) => rebaseWithin(find, inner as Use, { from, to }, `${path}/options/${at}`, origin + start, notes),
    note,
    maths,
  };
  const changed: Record<string, unknown> = { ...ask(plugin, () => (plugin as SchedulePlugin).rebase?.(resolved, rebasing)) };
  const stray = Object.keys(changed).find((option) => !Object.hasOwn(specs, option));
  if (stray !== undefined) {
    throw new TypeError(`Cannot rebase ${titleOf(plugin)}: its rebase() gives ${show(stray)}, which is no option of it`);
  }
  for (const [option, spec] of Object.entries(specs)) {
    const value = resolved[option];
    if (!Object.hasOwn(changed, option)) changed[option] = usual(option, spec, value, rebasing);
    if (spec.unit !== "steps" || typeof value !== "number" || typeof changed[option] !== "number") continue;
    changed[option] = told(changed[option], value, spec, (message) => note(option, message));
  }
  if (plugin.returns === "metric" && plugin.rebase === undefined) {
    notes.push({ path: path || "/name", message: `${plugin.name} follows a metric: what it counts are metrics, not updates, and stays` });
  }
  const options = Object.fromEntries([
    ...Object.keys(given).map((option) => [option, changed[option]]),
    ...Object.keys(resolved).filter((option) => !Object.hasOwn(given, option) && !isSame(changed[option], resolved[option]))
      .map((option) => [option, changed[option]]),
  ]);
  const checked = optionsOf(plugin, options);
  ask(plugin, () => plugin.check?.(checked));
  return { name: plugin.name, options };
}

/** What becomes of an option whose plugin says nothing of it. */
function usual(option: string, { holds, unit }: AnySpecs[string], value: unknown, { steps, schedule }: Rebasing): unknown {
  if (holds === "schedule") {
    return Array.isArray(value) ? value.map((inner, i) => schedule(`${option}/${i}`, inner)) : schedule(option, value);
  }
  if (unit !== "steps") return value;
  if (Array.isArray(value)) return value.map((one) => typeof one === "number" ? steps(one) : one);
  return typeof value === "number" ? steps(value) : value;
}

/** A length as its option may hold it; what became of a whole number is told where it is no longer one, or far from what it should be. */
function told(length: number, before: number, spec: AnySpecs[string], note: (message: string) => void): number {
  const { minimum = -Infinity, exclusiveMinimum } = spec;
  const isWhole = typesOf(spec)?.includes("number") === false;
  if (isWhole && !Number.isInteger(length)) {
    const whole = Math.max(minimum, Math.round(length));
    note(`${length} steps are ${whole}, since it is a whole number: where they repeat, they drift`);
    return whole;
  }
  if (before > 0 && (length < minimum || exclusiveMinimum === 0 && length <= 0)) return Math.max(minimum, 1);
  if (Number.isInteger(before) && !Number.isInteger(length)) {
    note(`${length} steps keep their fraction: a whole number of them would drift by a step or more`);
  }
  return length;
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || isRecord(one) && JSON.stringify(one) === JSON.stringify(other) ||
    Array.isArray(one) && JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Where schedules end, and how long they warm up: what the built-in ones say by their options. A schedule that is not here has neither.
 *
 * @module
 */
import type { Use } from "../../core/types.ts";
import { type Find, optionsOf, takeUse } from "../../core/plugin/use.ts";
import { escaped, type PlacedUse } from "./reading.ts";

/** A schedule in a schedule, with the updates in which it is asked. */
export interface Node {
  readonly path: string;
  readonly name: string;
  /** All options, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The update at which its own step 0 is; below 0 where it is shifted. */
  readonly from: number;
  /** The update before which it is asked for the last time. */
  readonly until: number;
  /** Updates that each of its steps takes; left out: 1. */
  readonly updates?: number;
}

/** A length that options say. */
export interface Length {
  /** The option that says it. */
  readonly option: string;
  /** How many. */
  readonly steps: number;
}

type Options = Readonly<Record<string, unknown>>;

const numberOf = (value: unknown): number | undefined => typeof value === "number" && Number.isFinite(value) ? value : undefined;

/** A length by the option that says it and how: as it is, or behind a warmup. */
const by = (option: string, ...before: readonly string[]) => (options: Options): Length | undefined => {
  const steps = numberOf(options[option]);
  if (steps === undefined) return undefined;
  return { option, steps: before.reduce((sum, other) => sum + (numberOf(options[other]) ?? 0), steps) };
};

interface Row {
  /** Where it has done what it does. */
  readonly end?: (options: Options) => Length | undefined;
  /** Its rise from the beginning. */
  readonly warmup?: (options: Options) => Length | undefined;
  /** True where it goes on behind its end, as a cosine wave does: up again. */
  readonly goesOn?: (options: Options) => boolean;
  /** Where it has taken its last drop, or fallen to nothing: a schedule without an end that is mostly told in epochs elsewhere. */
  readonly fall?: (options: Options) => Length | undefined;
}

/** What is left of a rate that has fallen to nothing. */
const nothing = 1e-9;

/** Steps until powers of `gamma`, one each so many steps, are nothing. */
function fallen(option: string, gamma: unknown, each = 1): Length | undefined {
  if (typeof gamma !== "number" || !(gamma > 0 && gamma < 1)) return undefined;
  return { option, steps: each * Math.ceil(Math.log(nothing) / Math.log(gamma)) };
}

const wave = (options: Options): boolean => options.end !== "hold";
const trained: Row = { end: by("numTrainingSteps"), warmup: by("numWarmupSteps") };

const rows: Readonly<Record<string, Row>> = {
  constant_with_warmup: { warmup: by("numWarmupSteps") },
  linear: trained,
  cosine: { ...trained, goesOn: wave },
  cosine_with_restarts: trained,
  cosine_with_min_lr: { ...trained, goesOn: wave },
  cosine_warmup_with_min_lr: { ...trained, goesOn: wave },
  polynomial: trained,
  inverse_sqrt: { warmup: by("numWarmupSteps") },
  warmup_stable_decay: {
    ...trained,
    end: (options) => by("numTrainingSteps")(options) ?? by("numStableSteps", "numWarmupSteps", "numDecaySteps")(options),
  },
  cosine_annealing: { end: by("tMax"), goesOn: wave },
  polynomial_lr: { end: by("totalIters") },
  linear_lr: {
    warmup: (options) => Number(options.endFactor) > Number(options.startFactor) ? by("totalIters")(options) : undefined,
    end: (options) => Number(options.endFactor) < Number(options.startFactor) ? by("totalIters")(options) : undefined,
  },
  one_cycle: {
    end(options) {
      const total = by("totalSteps")(options);
      const each = numberOf(options.stepsPerEpoch);
      const epochs = numberOf(options.epochs);
      return total ?? (each === undefined || epochs === undefined ? undefined : { option: "epochs", steps: each * epochs });
    },
  },
  rex: { end: by("totalSteps") },
  warmup_decay: { end: by("totalNumSteps"), warmup: by("warmupNumSteps") },
  cosine_timm: {
    end: (options) => {
      if (options.cycleLimit !== 1) return undefined;
      return options.warmupPrefix === true ? by("tInitial", "warmupT")(options) : by("tInitial")(options);
    },
    warmup: by("warmupT"),
  },
  cosine_decay: {
    end: by("decaySteps", "warmupSteps"),
    warmup: (options) => options.warmupTarget === null ? undefined : by("warmupSteps")(options),
  },
  polynomial_decay: { end: (options) => options.cycle === true ? undefined : by("decaySteps")(options) },
  step: { fall: ({ gamma, stepSize }) => fallen("stepSize", gamma, numberOf(stepSize)) },
  exponential: { fall: ({ gamma }) => fallen("gamma", gamma) },
  multistep: {
    fall({ milestones }) {
      const steps = Array.isArray(milestones) && milestones.length > 0 ? numberOf(Math.max(...milestones)) : undefined;
      return steps === undefined ? undefined : { option: "milestones", steps };
    },
  },
  warmup: { warmup: by("warmupSteps") },
  warm: { warmup: by("numWarmupSteps") },
};

/** Where a schedule ends, in updates from where it begins. */
export function endOf({ name, options, updates }: Node): Length | undefined {
  return inUpdates(rows[name]?.end?.(options), updates);
}

/** Where it has taken its last drop, in updates from where it begins. */
export function fallOf({ name, options, updates }: Node): Length | undefined {
  return inUpdates(rows[name]?.fall?.(options), updates);
}

/** How long it warms up, in updates. */
export function warmupOf({ name, options, updates }: Node): Length | undefined {
  return inUpdates(rows[name]?.warmup?.(options), updates);
}

function inUpdates(length: Length | undefined, updates = 1): Length | undefined {
  return length && { ...length, steps: length.steps * updates };
}

/** Whether it goes on behind its end. */
export function goesOn({ name, options }: Node): boolean {
  return rows[name]?.goesOn?.(options) === true;
}

/** A schedule and all that it is made of, each with its place and its updates. */
export function nodesOf(find: Find, use: PlacedUse, from: number, until: number): Node[] {
  const { plugin, options: given } = takeUse(find, "schedule", { name: use.name, options: use.options });
  const options = optionsOf(plugin, given);
  const node: Node = { path: use.path, name: plugin.name, options, from, until };
  const inner = (at: string, value: unknown, from: number, until: number): Node[] => {
    if (!isUse(value)) return [];
    return nodesOf(find, { path: `${use.path}/options/${at}`, name: value.name, options: value.options }, from, until);
  };
  const ahead = numberOf(options[offsets[plugin.name]?.option ?? ""]) ?? 0;
  const start = from + (offsets[plugin.name]?.sign ?? 0) * ahead;
  if (plugin.name === "by_epoch" && isUse(options.schedule)) return [node, ...epochs(find, use, options, from, until)];
  const every = plugin.name === "repeat" ? numberOf(options.every) ?? Infinity : Infinity;
  const milestones = plugin.name === "sequence" && Array.isArray(options.milestones) ? options.milestones as number[] : undefined;
  const nodes = Object.entries(plugin.options as Readonly<Record<string, { readonly holds?: string }>>)
    .filter(([, { holds }]) => holds === "schedule")
    .flatMap(([option]) => {
      const value = options[option];
      const at = escaped(option);
      if (!Array.isArray(value)) return inner(at, value, start, Math.min(until, from + every));
      return value.flatMap((one, i) =>
        milestones === undefined
          ? inner(`${at}/${i}`, one, start, until)
          : inner(`${at}/${i}`, one, from + (milestones[i - 1] ?? 0), Math.min(until, from + (milestones[i] ?? Infinity)))
      );
    });
  return [node, ...nodes];
}

/** What is asked by the epoch: its lengths are epochs, told in updates. */
function epochs(find: Find, use: PlacedUse, options: Options, from: number, until: number): Node[] {
  const { name, options: given } = options.schedule as Use & { readonly name: string };
  const each = numberOf(options.stepsPerEpoch) ?? 1;
  const inner = nodesOf(find, { path: `${use.path}/options/schedule`, name, options: given }, from / each, until / each);
  return inner.map((node) => ({ ...node, from: node.from * each, until: node.until * each, updates: (node.updates ?? 1) * each }));
}

/** Schedules that ask what they hold for another step than their own, by which option. */
const offsets: Readonly<Record<string, { readonly option: string; readonly sign: 1 | -1 }>> = {
  warm: { option: "numWarmupSteps", sign: 1 },
  warmup: { option: "warmupSteps", sign: 1 },
  delay: { option: "steps", sign: 1 },
  shift: { option: "steps", sign: -1 },
};

function isUse(value: unknown): value is Use & { readonly name: string } {
  return typeof value === "object" && value !== null && typeof (value as { readonly name?: unknown }).name === "string";
}

/**
 * From an option's spec to a control: what kind, what range, and where it starts. Specs say what is allowed, which may be every number; a slider
 * needs ends, which come from the unit that the spec declares. What a slider cannot reach can be typed.
 *
 * @module
 */
import { type AnySpecs, typesOf } from "../../../core/plugin/options.ts";
import type { OptionSpec } from "../../../core/plugin/contract.ts";
import { type Allowed, anyNumber, niceAbove, numberOfSteps, wholeNumbers } from "./numbers.ts";

/** What the ranges are measured by. */
export interface Span {
  /** Steps that are shown, or updates of a run. */
  readonly steps: number;
  /** The base lr. */
  readonly lr: number;
}

/** The places of a slider: whole positions from 0. */
export interface Range {
  /** The last position. */
  readonly last: number;
  /** The value at a position. */
  value(position: number): number;
  /** The position nearest to a value. */
  position(value: number): number;
}

/** How an option is set. */
export type Control =
  | { readonly kind: "number"; readonly range: Range; readonly nullable: boolean }
  | { readonly kind: "numbers"; readonly range: Range; readonly count: number }
  | { readonly kind: "switch" }
  | { readonly kind: "choice"; readonly values: readonly unknown[] }
  | { readonly kind: "schedule" }
  | { readonly kind: "text"; readonly nullable: boolean }
  | { readonly kind: "list" }
  | { readonly kind: "json" };

/** The control of an option. */
export function controlOf(name: string, spec: OptionSpec<unknown>, span: Span): Control {
  const types = typesOf(spec) ?? [];
  if (spec.enum !== undefined) return { kind: "choice", values: spec.enum };
  if (types.includes("boolean") && types.length === 1) return { kind: "switch" };
  const whole = types.includes("integer") && !types.includes("number");
  if (types.includes("number") || whole) {
    return { kind: "number", range: rangeOf(name, spec, numberIn(spec.default), whole, span), nullable: types.includes("null") };
  }
  if (Array.isArray(spec.default) && spec.default.length > 0 && spec.default.every((x) => typeof x === "number")) {
    return { kind: "numbers", range: rangeOf(name, spec, Math.min(...spec.default), false, span), count: spec.default.length };
  }
  if (spec.holds === "schedule") return { kind: types.includes("array") ? "json" : "schedule" };
  const others = types.filter((type) => type !== "null");
  if (others.length !== 1) return { kind: "json" };
  return others[0] === "string" ? { kind: "text", nullable: types.includes("null") } : { kind: others[0] === "array" ? "list" : "json" };
}

/** A value for every option: the default, or where there is none one that makes a picture. */
export function startOptions(plugin: { readonly name: string; readonly options: unknown }, span: Span): Record<string, unknown> {
  const own = starts[plugin.name]?.(span) ?? {};
  return Object.fromEntries(
    Object.entries(plugin.options as AnySpecs).map(([name, spec]) => [name, own[name] ?? spec.default ?? startOf(name, spec, span)]),
  );
}

/** What an option's numbers count, as its plugin declares it; where that says nothing, the name does. */
export function unitOf(name: string, { unit }: OptionSpec<unknown>): OptionSpec<unknown>["unit"] {
  if (unit !== undefined) return unit;
  if (/^lr(?![a-z])|Lr$|LearningRate$/.test(name)) return "rate";
  if (/steps|epochs|timescale|period|interval/i.test(name)) return "steps";
  return /patience|cooldown|offset/i.test(name) ? "count" : undefined;
}

/** Which numbers can be typed for an option. What else is refused, the option itself refuses. */
export function allowedOf(name: string, spec: OptionSpec<unknown>): Allowed {
  const types = typesOf(spec) ?? [];
  if (types.includes("integer") && !types.includes("number") && spec.minimum !== undefined) return wholeNumbers(spec.minimum);
  return unitOf(name, spec) === "steps" ? numberOfSteps : anyNumber;
}

function startOf(name: string, spec: OptionSpec<unknown>, { steps, lr }: Span): unknown {
  if (spec.default === null) return null;
  const types = typesOf(spec) ?? [];
  if (types.includes("array")) return [];
  if (types.includes("object")) return {};
  if (types.includes("boolean")) return false;
  if (types.includes("string")) return spec.enum?.[0] ?? "";
  const { minimum = -Infinity, maximum = Infinity, exclusiveMaximum = Infinity } = spec;
  const unit = unitOf(name, spec);
  const wanted = unit === "steps"
    ? Math.round(/warmup/i.test(name) ? steps / 10 : steps)
    : unit === "rate"
    ? lr
    : /rate|decay|gamma|factor/i.test(name)
    ? 0.5
    : 1;
  const most = exclusiveMaximum === Infinity ? maximum : Math.min(maximum, exclusiveMaximum * (exclusiveMaximum > 0 ? 0.9 : 1.1));
  return Math.max(minimum, Math.min(most, wanted));
}

/** Starts that show what a schedule is about, where its defaults would draw a line hardly bent. */
const starts: Readonly<Record<string, (span: Span) => Record<string, unknown>>> = {
  by_epoch: ({ steps }) => ({ schedule: wave(10), stepsPerEpoch: Math.ceil(steps / 10) }),
  clamp: (span) => ({ schedule: wave(span.steps), min: 0.1 }),
  constant_inverse_sqrt: ({ steps, lr }) => ({ numConstantSteps: Math.ceil(steps / 10), factor: tidy(lr * Math.sqrt(steps / 10)) }),
  constant_lr: ({ steps }) => ({ totalIters: Math.ceil(steps / 5) }),
  cosine_annealing_warm_restarts: ({ steps }) => ({ t0: Math.ceil(steps / 7), tMult: 2 }),
  cosine_decay_restarts: ({ steps }) => ({ firstDecaySteps: Math.ceil(steps / 7) }),
  cosine_timm: ({ steps, lr }) => ({ tInitial: steps, lrMin: tidy(lr / 100), warmupT: Math.ceil(steps / 20), warmupLrInit: tidy(lr / 10) }),
  cosine_warmup_with_min_lr: () => ({ minLrRate: 0.1 }),
  cosine_with_min_lr: () => ({ minLrRate: 0.1 }),
  cosine_with_restarts: () => ({ numCycles: 3 }),
  cyclic: ({ steps, lr }) => ({ baseLr: tidy(lr / 10), maxLr: lr, stepSizeUp: Math.ceil(steps / 8) }),
  delay: ({ steps }) => ({ schedule: wave(Math.round(steps * 0.9)), steps: steps - Math.round(steps * 0.9) }),
  exponential: ({ steps }) => ({ gamma: tidy(0.01 ** (1 / steps)) }),
  exponential_decay: ({ steps }) => ({ decaySteps: Math.ceil(steps / 5) }),
  greedy: ({ lr }) => ({ factor: 0.8, patience: 2, minLr: tidy(lr / 100), maxLr: tidy(lr * 10) }),
  inverse_time_decay: ({ steps }) => ({ decaySteps: Math.ceil(steps / 10) }),
  linear_lr: ({ steps }) => ({ totalIters: Math.ceil(steps / 5) }),
  multistep: ({ steps }) => ({ milestones: [Math.round(steps / 2), Math.round(steps * 0.8)] }),
  one_cycle: ({ steps, lr }) => ({ maxLr: lr, totalSteps: steps, end: "hold" }),
  piecewise_constant_decay: ({ steps, lr }) => ({
    boundaries: [Math.round(steps / 2), Math.round(steps * 0.8)],
    values: [lr, tidy(lr / 4), tidy(lr / 16)],
  }),
  piecewise_interpolate: ({ steps, lr }) => ({
    interpolateType: "cosine",
    initValue: tidy(lr / 10),
    boundariesAndScales: { [Math.ceil(steps / 10)]: 10, [Math.ceil(steps * 0.6)]: 0.25, [Math.ceil(steps * 0.9)]: 0.1 },
  }),
  polynomial: ({ lr }) => ({ power: 2, lrEnd: Math.min(1e-7, lr / 100) }),
  polynomial_decay: ({ lr }) => ({ power: 2, endLearningRate: Math.min(1e-4, tidy(lr / 10)) }),
  polynomial_lr: ({ steps }) => ({ totalIters: steps, power: 2 }),
  product: ({ steps }) => ({ schedules: [rise(Math.ceil(steps / 10)), wave(steps)] }),
  reduce_lr_on_plateau: () => ({ factor: 0.5, patience: 2 }),
  repeat: ({ steps }) => ({ schedule: { name: "exponential", options: { gamma: tidy(0.1 ** (4 / steps)) } }, every: Math.ceil(steps / 4) }),
  scale: ({ steps }) => ({ schedule: wave(steps), factor: 0.5 }),
  sequence: ({ steps }) => ({
    schedules: [rise(Math.ceil(steps / 10)), wave(Math.floor(steps * 0.9))],
    milestones: [Math.ceil(steps / 10)],
  }),
  shift: ({ steps }) => ({ schedule: { name: "exponential", options: { gamma: tidy(0.1 ** (1 / steps)) } }, steps: Math.ceil(steps / 4) }),
  step: ({ steps }) => ({ stepSize: Math.ceil(steps / 4), gamma: 0.5 }),
  sum: ({ steps }) => ({
    schedules: [{ name: "scale", options: { schedule: wave(steps), factor: 0.9 } }, {
      name: "scale",
      options: { schedule: { name: "constant" }, factor: 0.1 },
    }],
  }),
  swalr: ({ steps, lr }) => ({ swaLr: tidy(lr / 10), annealEpochs: Math.ceil(steps / 2) }),
  warm: ({ steps }) => ({ schedule: wave(Math.round(steps * 0.9)), numWarmupSteps: steps - Math.round(steps * 0.9) }),
  warmup_decay: ({ steps, lr }) => ({ totalNumSteps: steps, warmupNumSteps: Math.ceil(steps / 5), warmupMaxLr: lr, warmupMinLr: 0 }),
  warmup_stable_decay: ({ steps }) => ({ numTrainingSteps: steps, numDecaySteps: Math.ceil(steps / 4) }),
  warmup: ({ steps, lr }) => ({
    decaySchedule: {
      name: "polynomial_decay",
      options: { initialLearningRate: lr, decaySteps: Math.round(steps * 0.9), endLearningRate: 0 },
    },
  }),
};

/** Half a wave down, to begin with, for what holds schedules. */
function wave(tMax: number): object {
  return { name: "cosine_annealing", options: { tMax } };
}

/** A line up. */
function rise(totalIters: number): object {
  return { name: "linear_lr", options: { startFactor: 0.1, totalIters } };
}

/** Six digits: what people would write. */
function tidy(value: number): number {
  return Number(value.toPrecision(6));
}

function numberIn(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Rates end at 1, but for defaults above: Rprop's greatest step is 50. */
function greatestRate({ default: usual }: OptionSpec<unknown>): number {
  return Math.max(1, ...[usual].flat().filter((value) => typeof value === "number"));
}

function rangeOf(name: string, spec: OptionSpec<unknown>, usual: number | undefined, whole: boolean, { steps }: Span): Range {
  const unit = unitOf(name, spec);
  if (unit === "steps") {
    const step = Math.max(1, niceAbove(steps / 500));
    const low = spec.exclusiveMinimum === undefined ? spec.minimum ?? 0 : spec.exclusiveMinimum + step;
    return evenly(Math.max(0, low), Math.min(steps, highest(spec) ?? steps), step);
  }
  if (unit === "count") return evenly(Math.max(0, spec.minimum ?? 0), Math.min(Math.max(20, 2 * (usual ?? 0)), highest(spec) ?? 1000), 1);
  const small = usual !== undefined && usual > 0 && usual < 0.01;
  const isRate = unit === "rate";
  if (isRate || small || /^eps/i.test(name)) {
    const least = usual !== undefined && small && !isRate ? Math.min(1e-12, usual) : 1e-7;
    return byDecades(
      least,
      highest(spec) ?? (isRate ? greatestRate(spec) : 0.1),
      (spec.minimum ?? 0) <= 0 && (spec.exclusiveMinimum ?? -1) < 0,
    );
  }
  const reach = 5 * Math.abs(usual ?? 0.2) || 1;
  const low = lowest(spec) ?? (usual !== undefined && usual < 0 ? -niceAbove(2 * -usual) : 0);
  const high = highest(spec) ?? (usual !== undefined && usual < 0 ? 0 : niceAbove(Math.max(reach, 1)));
  const step = whole ? 1 : niceAbove((high - low) / 200);
  const open = spec.exclusiveMaximum !== undefined && high === spec.exclusiveMaximum;
  const ajar = spec.exclusiveMinimum !== undefined && low === spec.exclusiveMinimum;
  // Between 0 and 1 it matters how near to 1 a decay is.
  const fine = high - low <= 1 ? Math.min(step, 0.001) : step;
  return evenly(ajar ? low + fine : low, open ? high - fine : high, fine);
}

function lowest(spec: OptionSpec<unknown>): number | undefined {
  return spec.minimum ?? spec.exclusiveMinimum;
}

function highest(spec: OptionSpec<unknown>): number | undefined {
  return spec.maximum ?? spec.exclusiveMaximum;
}

/** So many places at equal distances. */
export function evenly(least: number, most: number, step: number): Range {
  const last = Math.max(1, Math.round((most - least) / step));
  return {
    last,
    value: (position) => Number((least + position * step).toPrecision(12)),
    position: (value) => Math.min(last, Math.max(0, Math.round((value - least) / step))),
  };
}

// Ten places in each decade, at values that people write.
const places = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

/** Base lrs. */
export const lrRange: Range = byDecades(1e-7, 1, false);

/** Lengths of the axis. */
export const stepsRange: Range = byDecades(10, 1e6, false);

function byDecades(least: number, most: number, zero: boolean): Range {
  const values: number[] = zero ? [0] : [];
  for (let exponent = Math.floor(Math.log10(least) + 1e-9); exponent <= Math.log10(most) + 1e-9; exponent++) {
    for (const place of places) {
      const value = Number(`${place}e${exponent}`);
      if (value >= least && value <= most) values.push(value);
    }
  }
  return {
    last: values.length - 1,
    value: (position) => values[Math.max(0, Math.min(values.length - 1, position))],
    position: (value) => {
      const above = values.findIndex((other) => other >= value);
      if (above <= 0) return above < 0 ? values.length - 1 : 0;
      return value - values[above - 1] < values[above] - value ? above - 1 : above;
    },
  };
}

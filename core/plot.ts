/**
 * Schedules as pictures.
 *
 * @module
 */
import { refuseUnknownKeys, show } from "./names.ts";
import { formatNumber } from "./plot/axis.ts";
import { type Curve, draw } from "./plot/drawing.ts";
import { sampleCurve, type Samples } from "./plot/sampling.ts";
import { asStairs } from "./plot/stairs.ts";
import { isMetric, isPerGroup, isSchedule } from "./plugin/schedules.ts";
import type { Schedule } from "./types.ts";

/** Options of {@linkcode plotSchedule}. */
export interface PlotOptions {
  /** Headline. */
  readonly title?: string;
  /** Names of the curves, where the schedules come as a list, or of one that comes alone. */
  readonly names?: readonly string[];
  /** First step; default 0. */
  readonly from?: number;
  /** Last step, which is shown; default 1000. */
  readonly to?: number;
  /** Steps between two points; default: 1, and over more than 10,000 steps the least and the greatest value that each pixel can show. */
  readonly every?: number;
  /** The points themselves, ascending, instead of `from`, `to` and `every`. */
  readonly steps?: readonly number[];
  /** The option's base value; several give each schedule that returns factors a curve for each. Default 1. */
  readonly lr?: number | readonly number[];
  /** Word at the vertical axis; default `"factor"`, or `"lr"` where the values are absolute. */
  readonly label?: string;
  /** Width in pixels; default 720. */
  readonly width?: number;
  /** Height in pixels; default 360. */
  readonly height?: number;
  /** The vertical axis; default `"linear"`. A logarithmic one shows the four decades below the greatest value, and nothing at 0 or below. */
  readonly scale?: "linear" | "log";
  /** Colours; `"auto"`, the default, follows the reader's setting. */
  readonly theme?: "auto" | "light" | "dark";
}

/**
 * Draws schedules as an SVG: axes with units, a legend, readable in light and dark.
 *
 * The text is the same in every runtime. It names no font that must be loaded and holds no script, so that it can stand in an `<img>`.
 *
 * TypeError: what is no schedule, one that follows a metric or gives no number, an unknown option or one of another type. RangeError: no schedules or
 * steps, steps that do not ascend, more than 100,000 of them, sizes out of range, values beyond 1e300.
 *
 * @example Usage
 * ```ts
 * import { plotSchedule } from "@glissade/optim";
 *
 * const svg = plotSchedule({ down: (step) => Math.max(0, 1 - step / 600), "1 / (1 + step)": (step) => 1 / (1 + step) }, { lr: 5e-5, to: 600 });
 * ```
 *
 * @param schedules One schedule, a list, or schedules by name.
 * @param options What to show, and how large.
 * @returns The picture as a string that begins with `<svg`.
 */
export function plotSchedule(
  schedules: Schedule | readonly Schedule[] | Readonly<Record<string, Schedule>>,
  options: PlotOptions = {},
): string {
  checkOptions(options);
  const width = checkSize("width", options.width ?? 720, 160);
  const height = checkSize("height", options.height ?? 360, 120);
  const theme = options.theme ?? "auto";
  if (!["auto", "light", "dark"].includes(theme)) {
    throw new RangeError(`Cannot draw with theme ${JSON.stringify(theme)}: known themes are auto, light, dark`);
  }
  const scale = options.scale ?? "linear";
  if (!["linear", "log"].includes(scale)) {
    throw new RangeError(`Cannot draw with scale ${JSON.stringify(scale)}: known scales are linear, log`);
  }
  const named = nameSchedules(schedules, options.names);
  const bases = typeof options.lr === "number" ? [options.lr] : options.lr ?? [1];
  if (bases.length === 0 || !bases.every(Number.isFinite)) {
    throw new RangeError(`Cannot draw with lr = ${show(options.lr)}: it must be finite`);
  }
  const sample = samplerOf(options, width);
  const curves = named.flatMap(([name, schedule]) => makeCurves(name, schedule, sample, bases));
  const absolute = options.lr !== undefined || named.some(([, schedule]) => schedule.returns === "value");
  const { title = "", label = absolute ? "lr" : "factor" } = options;
  const { steps } = curves[0];
  return draw(curves, { title, label, span: [steps[0], steps[steps.length - 1]], width, height, theme, scale });
}

/** What each option may be. */
const wanted: Readonly<Record<keyof PlotOptions, string>> = {
  title: "string",
  names: "list",
  from: "number",
  to: "number",
  every: "number",
  steps: "list",
  lr: "number or list",
  label: "string",
  width: "number",
  height: "number",
  scale: "string",
  theme: "string",
};

function checkOptions(options: PlotOptions): void {
  refuseUnknownKeys("the options of a picture", options, Object.keys(wanted));
  for (const [name, value] of Object.entries(options)) {
    const words = wanted[name as keyof PlotOptions];
    const is = Array.isArray(value) ? "list" : typeof value;
    if (value !== undefined && !words.split(" or ").includes(is)) {
      throw new TypeError(`Cannot draw with ${name} = ${show(value)}: it must be a ${words}`);
    }
    const of = name === "names" ? "string" : "number";
    if (is === "list" && !(value as unknown[]).every((one) => typeof one === of)) {
      throw new TypeError(`Cannot draw with ${name} = ${show(value)}: it must be a list of ${of}s`);
    }
  }
  const range = (["from", "to", "every"] as const).find((name) => options[name] !== undefined);
  if (options.steps !== undefined && range !== undefined) {
    throw new TypeError(`Cannot draw with steps and ${range}: steps are the points themselves`);
  }
}

function checkSize(what: string, value: number, least: number): number {
  if (!(value >= least && value <= 10_000)) throw new RangeError(`Cannot draw with ${what} = ${value}: it must lie in [${least}, 10000]`);
  return value;
}

function nameSchedules(
  schedules: Schedule | readonly Schedule[] | Readonly<Record<string, Schedule>>,
  names: readonly string[] | undefined,
): [string, Schedule][] {
  if (typeof schedules !== "object" && typeof schedules !== "function" || schedules === null) {
    throw new TypeError(`Cannot draw ${show(schedules)}: it must be a schedule, a list, or schedules by name`);
  }
  if (followsMetric(schedules)) throw new TypeError(FOLLOWS_METRIC);
  const list = typeof schedules === "function" ? [schedules] : schedules;
  if (names !== undefined && !(Array.isArray(list) && names.length === list.length)) {
    throw new RangeError(`Cannot draw with ${names.length} names: they are for a list, as many as it has, or for one schedule alone`);
  }
  const entries: [string, Schedule][] = Array.isArray(list)
    ? list.map((schedule, i) => [names?.[i] ?? (list.length > 1 ? `schedule ${i + 1}` : ""), schedule])
    : Object.entries(list as Readonly<Record<string, Schedule>>);
  if (entries.length === 0) throw new RangeError("Cannot draw no schedule at all: pass one at least");
  for (const [name, schedule] of entries) {
    if (typeof schedule === "function") continue;
    if (followsMetric(schedule)) throw new TypeError(FOLLOWS_METRIC);
    throw new TypeError(`Cannot draw ${JSON.stringify(name)}: it must be a function of the step`);
  }
  return entries;
}

const FOLLOWS_METRIC = "Cannot draw a schedule that follows a metric: it has no value at a step";

/** True for what would be drawn as two curves, and fed with their steps. */
const followsMetric = (value: unknown): boolean => isSchedule(value) && isMetric(value);

const MOST_STEPS = 100_000;
// Of so many steps each is asked; of more only those that can be seen, which are fewer.
const MOST_SHOWN = 10_000;

/** Where a curve is asked: at the points that are given, at every whole step where that is affordable, or where each pixel needs it. */
function samplerOf({ from = 0, to = 1000, every, steps }: PlotOptions, width: number): (curve: (step: number) => number) => Samples {
  if (steps !== undefined) {
    const wrong = steps.findIndex((step, i) => !Number.isFinite(step) || step <= steps[i - 1]);
    if (wrong >= 0) throw new RangeError(`Cannot draw steps[${wrong}] = ${steps[wrong]}: steps must be finite and ascend`);
    if (steps.length === 0) throw new RangeError("Cannot draw no steps at all: pass one at least");
    return (curve) => ({ steps, values: steps.map(curve) });
  }
  if (!(Number.isFinite(from) && Number.isFinite(to) && from <= to)) {
    throw new RangeError(`Cannot draw from = ${from} to = ${to}: both must be finite and in this order`);
  }
  // The frame leaves so many pixels to the curves, or fewer.
  if (every === undefined && to - from > MOST_SHOWN) return (curve) => sampleCurve(curve, from, to, width - 64);
  const stride = every ?? 1;
  if (!(stride > 0) || (to - from) / stride > MOST_STEPS) {
    throw new RangeError(`Cannot draw every = ${stride}: it must be above 0 and give ${MOST_STEPS} points at most`);
  }
  const points = Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, i) => from + i * stride);
  if (points[points.length - 1] < to) points.push(to);
  if (stride !== 1) return (curve) => ({ steps: points, values: points.map(curve) });
  return (curve) => asStairs({ steps: points, values: points.map(curve) });
}

function makeCurves(
  name: string,
  schedule: Schedule,
  sample: (curve: (step: number) => number) => Samples,
  bases: readonly number[],
): Curve[] {
  const curveOf = (group: number): Samples =>
    sample((step) => {
      const value: unknown = schedule(step, group);
      if (typeof value === "number") return value;
      throw new TypeError(`Cannot draw ${show(name)}: it gives ${show(value)} at step ${step}, not a number`);
    });
  const isValue = schedule.returns === "value";
  // One that knows no groups gives all of them the same: as factors, or as values that stand in place of every group's own.
  const shared = isPerGroup(schedule) ? undefined : curveOf(0);
  if (isValue && shared !== undefined) return [{ name, ...shared }];
  return bases.map((base, group) => {
    const { steps, values } = shared ?? curveOf(group);
    return {
      name: bases.length === 1 ? name : `${name}${name && ", "}lr ${formatNumber(base)}`,
      steps,
      values: isValue ? values : values.map((value) => base * value),
    };
  });
}

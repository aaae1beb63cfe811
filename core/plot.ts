/**
 * Schedules as pictures.
 *
 * @module
 */
import { refuseUnknownKeys, show } from "./names.ts";
import { isMetric, isSchedule } from "./plugin/schedules.ts";
import type { Schedule } from "./types.ts";

/** Options of {@linkcode plotSchedule}. */
export interface PlotOptions {
  /** Headline. */
  readonly title?: string;
  /** Names of the curves, where the schedules come as a list. */
  readonly names?: readonly string[];
  /** First step; default 0. */
  readonly from?: number;
  /** Last step, which is shown; default 1000. */
  readonly to?: number;
  /** Steps between two points; default: 1, and over more than 100,000 steps as many points as the picture can show. */
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
  /** Colours; `"auto"`, the default, follows the reader's setting. */
  readonly theme?: "auto" | "light" | "dark";
}

interface Curve {
  readonly name: string;
  readonly values: readonly number[];
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
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
  const named = nameSchedules(schedules, options.names);
  const steps = chooseSteps(options, width);
  const bases = typeof options.lr === "number" ? [options.lr] : options.lr ?? [1];
  if (bases.length === 0 || !bases.every(Number.isFinite)) {
    throw new RangeError(`Cannot draw with lr = ${show(options.lr)}: it must be finite`);
  }
  const curves = named.flatMap(([name, schedule]) => makeCurves(name, schedule, steps, bases));
  const absolute = options.lr !== undefined || named.some(([, schedule]) => schedule.returns === "value");
  return draw(curves, steps, options.title ?? "", options.label ?? (absolute ? "lr" : "factor"), width, height, theme);
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
    throw new RangeError(`Cannot draw with ${names.length} names: they are for a list, and as many as it has`);
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

function chooseSteps({ from = 0, to = 1000, every, steps }: PlotOptions, width: number): readonly number[] {
  if (steps !== undefined) {
    const wrong = steps.findIndex((step, i) => !Number.isFinite(step) || step <= steps[i - 1]);
    if (wrong >= 0) throw new RangeError(`Cannot draw steps[${wrong}] = ${steps[wrong]}: steps must be finite and ascend`);
    if (steps.length === 0) throw new RangeError("Cannot draw no steps at all: pass one at least");
    return steps;
  }
  if (!(Number.isFinite(from) && Number.isFinite(to) && from <= to)) {
    throw new RangeError(`Cannot draw from = ${from} to = ${to}: both must be finite and in this order`);
  }
  // Every whole step where that is affordable: a stride would alias with what moves from step to step.
  const stride = every ?? (to - from <= MOST_STEPS ? 1 : Math.ceil((to - from) / (2 * width)));
  if (!(stride > 0) || (to - from) / stride > MOST_STEPS) {
    throw new RangeError(`Cannot draw every = ${stride}: it must be above 0 and give ${MOST_STEPS} points at most`);
  }
  const points = Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, i) => from + i * stride);
  if (points[points.length - 1] < to) points.push(to);
  return points;
}

/** At most four points a half pixel: the first, the least, the greatest and the last, so that a curve keeps its reach. */
function thin(points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const kept: (readonly [number, number])[] = [];
  for (let start = 0, end = 0; start < points.length; start = end) {
    const column = Math.floor(2 * points[start][0]);
    do end++; while (end < points.length && Math.floor(2 * points[end][0]) === column);
    let least = start, most = start, gap = -1;
    for (let i = start; i < end; i++) {
      if (!Number.isFinite(points[i][1])) gap = i;
      if (!(points[i][1] >= points[least][1])) least = i;
      if (!(points[i][1] <= points[most][1])) most = i;
    }
    const chosen = end - start <= 4 || gap >= 0
      ? points.slice(start, end)
      : [...new Set([start, least, most, end - 1])].sort((a, b) => a - b).map((i) => points[i]);
    for (const point of chosen) kept.push(point);
  }
  return kept;
}

function makeCurves(name: string, schedule: Schedule, steps: readonly number[], bases: readonly number[]): Curve[] {
  const values = steps.map((step) => {
    const value: unknown = schedule(step);
    if (typeof value === "number") return value;
    throw new TypeError(`Cannot draw ${show(name)}: it gives ${show(value)} at step ${step}, not a number`);
  });
  if (schedule.returns === "value") return [{ name, values }];
  return bases.map((base) => ({
    name: bases.length === 1 ? name : `${name}${name && ", "}lr ${formatNumber(base)}`,
    values: values.map((value) => base * value),
  }));
}

// Ten hues that keep their order of lightness for colour-blind readers as far as ten can; later curves repeat them dashed.
const LIGHT = ["#1f6feb", "#d1480f", "#177a45", "#a626a4", "#8a6100", "#0b7a8a", "#cf222e", "#57606a", "#6639ba", "#4d7c0f"];
const DARK = ["#6cb1ff", "#ff9a5c", "#5fd38d", "#e88bea", "#e3b341", "#56d4dd", "#ff8a84", "#adbac7", "#bfa1ff", "#b3d66b"];
const INKS = {
  light: { paper: "#ffffff", ink: "#1f2328", soft: "#59636e", line: "#d1d9e0", axis: "#818b98", curves: LIGHT },
  dark: { paper: "#0d1117", ink: "#f0f6fc", soft: "#a9b4bf", line: "#2c333b", axis: "#6e7781", curves: DARK },
};
// Pixels that the curves keep, whatever the legend would take.
const LEAST_RISE = 40;
// Beyond these, the numbers between two ticks would overflow or vanish.
const MOST_VALUE = 1e300;
const LEAST_REACH = 1e-300;
const LETTER = 7.2; // Width of a letter of 12 pixels in a wide font; none can be measured here.

function draw(
  curves: readonly Curve[],
  steps: readonly number[],
  title: string,
  label: string,
  width: number,
  height: number,
  theme: "auto" | "light" | "dark",
): string {
  const head = title ? 34 : 12;
  const legend = layLegend(curves.map(({ name }) => name), width, Math.floor((height - head - 22 - 44 - LEAST_RISE) / 20));
  const finite = curves.flatMap(({ values }) => values.filter(Number.isFinite));
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  const peak = finite.reduce((a, b) => Math.max(a, b), 0);
  if (!(low >= -MOST_VALUE && peak <= MOST_VALUE)) {
    throw new RangeError(`Cannot draw values from ${low} to ${peak}: the axis reaches to ${MOST_VALUE}`);
  }
  const high = peak - low >= LEAST_REACH ? peak : low + 1;
  const top = head + legend.height + 22;
  const bottom = height - 44;
  const rise = niceStep((high - low) / Math.max(2, Math.floor((bottom - top) / 46)));
  const yTicks = ticks(Math.floor(low / rise + SLACK) * rise, Math.ceil(high / rise - SLACK) * rise, rise);
  const small = yTicks.every((value) => Math.abs(value) < 1e-2);
  const yLabels = yTicks.map((value) => small && value !== 0 ? value.toExponential() : formatNumber(value));
  const left = 18 + LETTER * Math.max(...yLabels.map((text) => text.length));
  const frame: Frame = { left, right: width - 26, top, bottom };
  // One step alone stands in the middle.
  const [first, last] = steps.length > 1 ? [steps[0], steps[steps.length - 1]] : [steps[0] - 1, steps[0] + 1];
  const stride = niceStep((last - first) / Math.max(2, Math.floor((frame.right - left) / 90)));
  const xTicks = ticks(first, last, last - first >= 2 ? Math.max(1, stride) : stride);
  const x = (step: number) => left + (step - first) / (last - first) * (frame.right - left);
  const yLow = yTicks[0];
  const yHigh = yTicks[yTicks.length - 1];
  const y = (value: number) => bottom - (value - yLow) / (yHigh - yLow) * (bottom - top);

  const paths = curves.map(({ values }) => pathOf(thin(values.map((value, k) => [x(steps[k]), y(value)] as const))));
  const under = paths.map((path, i) => paths.slice(0, i).filter((other) => other === path).length);

  const inks = INKS[theme === "dark" ? "dark" : "light"];
  const heading = title || curves.map(({ name }) => name).filter((name) => name !== "").join(", ") || label;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="glissade-plot ${theme}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">`,
    `<title>${escape(heading)}</title>`,
    `<desc>${escape(describe(curves, steps, label))}</desc>`,
    ...(theme === "auto" ? [`<style>@media (prefers-color-scheme: dark) {${darkRules(curves.length)}}</style>`] : []),
    `<rect class="paper" width="${width}" height="${height}" rx="6" fill="${inks.paper}"/>`,
    ...(title ? [`<text class="ink" x="18" y="26" font-size="15" font-weight="600" fill="${inks.ink}">${escape(title)}</text>`] : []),
    `<g class="ink" fill="${inks.ink}">`,
    ...legend.items.map(({ name, at, row }) => {
      const middle = head + row * 20 + 10;
      return `<text x="${round(at + 28)}" y="${round(middle + 4)}">${escape(name)}</text>`;
    }),
    `</g>`,
    ...legend.items.filter(({ isCurve }) => isCurve).map(({ at, row }, i) =>
      `<path class="c${i % 10}" d="M${round(at)} ${round(head + row * 20 + 10)}h22" ${stroke(i, inks.curves, under[i])}/>`
    ),
    `<g class="line" stroke="${inks.line}">`,
    ...yTicks.map((value) => `<path d="M${round(left)} ${round(y(value))}H${frame.right}"/>`),
    `</g>`,
    `<path class="axis" d="M${round(left)} ${top}V${bottom}H${frame.right}${
      xTicks.map((step) => `M${round(x(step))} ${bottom}v5`).join("")
    }" ` +
    `fill="none" stroke="${inks.axis}"/>`,
    `<g class="soft" fill="${inks.soft}">`,
    ...yTicks.map((value, i) => `<text x="${round(left - 7)}" y="${round(y(value) + 4)}" text-anchor="end">${yLabels[i]}</text>`),
    ...xTicks.map((step) => `<text x="${round(x(step))}" y="${bottom + 18}" text-anchor="middle">${formatNumber(step)}</text>`),
    `<text x="${round(left)}" y="${top - 9}" text-anchor="${left > 50 ? "middle" : "start"}" font-style="italic">${escape(label)}</text>`,
    `<text x="${round((left + frame.right) / 2)}" y="${bottom + 36}" text-anchor="middle" font-style="italic">step</text>`,
    `</g>`,
    ...paths.map((path, i) => `<path class="c${i % 10}" d="${path}" ${stroke(i, inks.curves, under[i])}/>`),
    `</svg>`,
  ];
  return lines.join("\n") + "\n";
}

function darkRules(count: number): string {
  const { paper, ink, soft, line, axis, curves } = INKS.dark;
  const rules = [
    [".paper", `fill:${paper}`],
    [".ink", `fill:${ink}`],
    [".soft", `fill:${soft}`],
    [".line", `stroke:${line}`],
    [".axis", `stroke:${axis}`],
    ...curves.slice(0, count).map((colour, i) => [`.c${i}`, `stroke:${colour}`]),
  ];
  // The class keeps the rules off the page that the picture may be pasted into.
  return rules.map(([name, rule]) => `.glissade-plot.auto ${name}{${rule}}`).join("");
}

/** `under`: how many curves before take the very same way. Its dashes leave them to be seen. */
function stroke(index: number, colours: readonly string[], under: number): string {
  const [dash, cap] = under > 0 ? [`8 ${8 * (2 ** under - 1)}`, "butt"] : [["", "7 4", "2 3"][Math.floor(index / 10) % 3], "round"];
  return `fill="none" stroke="${colours[index % 10]}" stroke-width="2" stroke-linejoin="round" stroke-linecap="${cap}"` +
    (dash && ` stroke-dasharray="${dash}"`);
}

interface Legend {
  /** `isCurve`: false for the word about those that are not shown. */
  readonly items: readonly { readonly name: string; readonly at: number; readonly row: number; readonly isCurve: boolean }[];
  readonly height: number;
}

/** Names in rows. Where there is no room for all, the last says how many more there are. */
function layLegend(names: readonly string[], width: number, most: number): Legend {
  if (most < 1 || (names.length === 1 && names[0] === "")) return { items: [], height: 0 };
  for (let kept = names.length;; kept--) {
    let at = 18;
    let row = 0;
    const shown = kept === names.length ? names : [...names.slice(0, kept), `and ${names.length - kept} more`];
    const items = shown.map((name, nth) => {
      const length = 28 + LETTER * name.length + 18;
      if (at > 18 && at + length > width) {
        at = 18;
        row += 1;
      }
      const item = { name, at, row, isCurve: nth < kept };
      at += length;
      return item;
    });
    if (row < most || kept === 0) return { items, height: (row + 1) * 20 };
  }
}

/** A line through the points, without those that lie within a tenth of a pixel of it. Points without a finite value are gaps. */
function pathOf(points: readonly (readonly [number, number])[]): string {
  const parts: string[] = [];
  let anchor: readonly [number, number] | null = null;
  let held: readonly [number, number] | null = null;
  let least = -Infinity;
  let most = Infinity;
  const put = (command: string, [x, y]: readonly [number, number]) => parts.push(`${command}${round(x)} ${round(y)}`);
  for (const point of points) {
    if (!Number.isFinite(point[1])) {
      if (held !== null) put("L", held);
      anchor = held = null;
      continue;
    }
    if (anchor === null) {
      // A point alone between gaps is a dot: its line has no length, but round ends.
      put("M", point);
      parts.push("h0");
      anchor = point;
    } else {
      const slope = (point[1] - anchor[1]) / (point[0] - anchor[0]);
      if (held !== null && (slope < least || slope > most)) {
        put("L", held);
        anchor = held;
        least = -Infinity;
        most = Infinity;
      }
      const run = point[0] - anchor[0];
      least = Math.max(least, (point[1] - anchor[1] - 0.1) / run);
      most = Math.min(most, (point[1] - anchor[1] + 0.1) / run);
    }
    held = anchor === point ? null : point;
    if (anchor === point) {
      least = -Infinity;
      most = Infinity;
    }
  }
  if (held !== null) put("L", held);
  return parts.join("");
}

const SLACK = 1e-6; // A value that was rounded to float32 still fits under the tick that it came from.

/** 1, 2 or 5 times a power of ten, at least `step`. */
function niceStep(step: number): number {
  // The decimal exponent as printed: Math.log10 may differ between engines in its last bit.
  const exponent = Number(step.toExponential().split("e")[1]);
  for (const factor of ["1", "2", "5"]) {
    const nice = Number(`${factor}e${exponent}`);
    if (nice >= step * (1 - SLACK)) return nice;
  }
  return Number(`1e${exponent + 1}`);
}

function ticks(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - SLACK);
  const last = Math.floor(high / step + SLACK);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e9) return value.toExponential().replace("e+", "e");
  if (size < 1e4) return String(value);
  const [whole, fraction] = String(value).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? `.${fraction}` : "");
}

function describe(curves: readonly Curve[], steps: readonly number[], label: string): string {
  const range = `${label} over steps ${steps[0]} to ${steps[steps.length - 1]}`;
  const ends = curves.map(({ name, values }) => {
    const numbers = values.filter(Number.isFinite);
    if (numbers.length === 0) return `${name && `${name}: `}no finite value`;
    const greatest = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
    const shown = (value: number) => String(Number(value.toPrecision(4)));
    return `${name && `${name}: `}from ${shown(values[0])} to ${shown(values[values.length - 1])}, at most ${shown(greatest)}`;
  });
  return `${range}. ${ends.join("; ")}.`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  // Control characters are not allowed in XML at all.
  // deno-lint-ignore no-control-regex
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, " ").replace(
    /[&<>"]/g,
    (sign) => entities[sign],
  );
}

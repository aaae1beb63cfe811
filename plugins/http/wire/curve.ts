/**
 * A schedule's values at steps, for groups of base values, as JSON, CSV and SVG.
 *
 * @module
 */
import type { MetricSchedule, Schedule } from "../../../core/plugin/contract.ts";
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import { isMetric, isPerGroup, scheduleWith } from "../../../core/plugin/schedules.ts";
import type { Find } from "../../../core/plugin/use.ts";
import type { Form } from "./media.ts";
import type { Asked } from "./parameters.ts";
import type { Points } from "./points.ts";

/** What curves are written as. */
export type Written = string | Uint8Array<ArrayBuffer>;

/** A schedule over base values. */
export interface Curve {
  readonly name: string;
  /** All of its options, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly schedule: Schedule;
}

/** The form that a path asks for by its end, and the path without. */
export function splitSuffix(name: string): { readonly name: string; readonly form: "json" | "csv" | "f64" | "svg" } {
  const [, stem, form] = /^(.*)\.(csv|f64|svg)$/.exec(name) ?? [];
  return form === undefined ? { name, form: "json" } : { name: stem, form: form as "csv" | "f64" | "svg" };
}

/**
 * Makes a schedule of all its options, each checked already, over base values; the library's errors where they are refused together. What it holds by name is
 * found by `find`; `refuseMetric` is for one that follows a metric.
 */
export function makeCurve(
  plugin: SchedulePlugin,
  options: Record<string, unknown>,
  bases: readonly number[],
  find: Find,
  refuseMetric: (detail: string) => never,
): Curve {
  const schedule: Schedule | MetricSchedule = scheduleWith(plugin, options, { value: bases[0], groups: bases }, find);
  if (isMetric(schedule)) return refuseMetric(`Schedule "${plugin.name}" follows a metric: it has no value at a step`);
  return { name: plugin.name, options, schedule };
}

/** The same schedule, with a RangeError where a value over a group's base value is not finite. It takes a group where the schedule does. */
function finite({ name, schedule }: Curve, bases: readonly number[]): Schedule {
  const { returns } = schedule;
  const isValue = returns === "value";
  const check = (given: number, base: number, step: number): void => {
    const value = isValue ? given : base * given;
    if (!Number.isFinite(value)) throw new RangeError(`Schedule "${name}" gives ${value} at step ${step}`);
  };
  const shared = (step: number): number => {
    const given = schedule(step);
    for (const base of bases) check(given, base, step);
    return given;
  };
  const own = (step: number, group: number | undefined): number => {
    const given = schedule(step, group);
    check(given, bases[group ?? 0], step);
    return given;
  };
  return Object.assign(isPerGroup(schedule) ? own as Schedule : shared, { returns, perGroup: isPerGroup(schedule) });
}

/** `rows[group][i]`: a schedule's values at steps, written into rows. RangeError where one is not finite. */
function fill(rows: readonly { [i: number]: number }[], curve: Curve, steps: readonly number[], bases: readonly number[]): void {
  const { schedule, name } = curve;
  const isValue = schedule.returns === "value";
  const put = (group: number, i: number, given: number): void => {
    const value = isValue ? given : bases[group] * given;
    if (!Number.isFinite(value)) throw new RangeError(`Schedule "${name}" gives ${value} at step ${steps[i]}`);
    rows[group][i] = value;
  };
  if (bases.length === 1 || isPerGroup(schedule)) {
    for (let group = 0; group < bases.length; group++) {
      for (let i = 0; i < steps.length; i++) put(group, i, schedule(steps[i], group));
    }
    return;
  }
  for (let i = 0; i < steps.length; i++) {
    const given = schedule(steps[i]);
    for (let group = 0; group < bases.length; group++) put(group, i, given);
  }
}

/** `lr[group][i]`, as lists. */
function valuesOf(curve: Curve, steps: readonly number[], bases: readonly number[]): number[][] {
  const rows: number[][] = bases.map(() => []);
  fill(rows, curve, steps, bases);
  return rows;
}

/** One schedule: the answer of `/v1/schedules/{name}`. */
export function writeSchedule(form: Form, curve: Curve, points: Points, asked: Asked): Written | Promise<Written> {
  const { steps, alone } = points;
  const { name, options } = curve;
  if (form === "svg") return drawPicture([curve], points, { title: name, ...asked });
  if (form === "f64") return writeFloats([curve], steps, asked);
  const lr = valuesOf(curve, steps, asked.lr ?? [1]);
  if (form === "csv") return writeCsv(steps, lr);
  return JSON.stringify(
    alone ? { schedule: name, options, step: steps[0], lr: lr.map(([value]) => value) } : { schedule: name, options, steps, lr },
  );
}

/** Several schedules: the answer of `/v1/curves`. */
export function writeCurves(form: Form, curves: readonly Curve[], points: Points, asked: Asked): Written | Promise<Written> {
  if (form === "svg") return drawPicture(curves, points, asked);
  const { steps } = points;
  if (form === "f64") return writeFloats(curves, steps, asked);
  const written = curves.map((curve) => ({ schedule: curve.name, options: curve.options, lr: valuesOf(curve, steps, asked.lr ?? [1]) }));
  if (form === "csv") return writeCsv(steps, written.flatMap(({ lr }) => lr));
  return JSON.stringify({ steps, curves: written });
}

/** Each group of each curve after the other, in float64. Typed arrays are little-endian on every host that runs WASM. */
function writeFloats(curves: readonly Curve[], steps: readonly number[], { lr = [1] }: Asked): Uint8Array<ArrayBuffer> {
  const { length } = steps;
  const numbers = new Float64Array(curves.length * lr.length * length);
  curves.forEach((curve, i) => {
    const rows = lr.map((_, group) => numbers.subarray((i * lr.length + group) * length).subarray(0, length));
    fill(rows, curve, steps, lr);
  });
  return new Uint8Array(numbers.buffer);
}

/** A column for each group of each curve. */
function writeCsv(steps: readonly number[], columns: readonly (readonly number[])[]): string {
  const head = ["step", ...columns.map((_, i) => `lr${i}`)].join();
  return `${[head, ...steps.map((step, i) => [step, ...columns.map((column) => column[i])].join())].join("\n")}\n`;
}

/** What draws comes with the first picture: a worker that gives numbers starts without. A picture would leave out what is not finite. */
async function drawPicture(curves: readonly Curve[], points: Points, asked: Asked): Promise<string> {
  const { drawCurves } = await import("./picture.ts");
  return drawCurves(curves.map(({ name }) => name), curves.map((curve) => finite(curve, asked.lr ?? [1])), points, asked);
}

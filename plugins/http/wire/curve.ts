/**
 * A schedule's values at steps, for groups of base values, as JSON, CSV and SVG.
 *
 * @module
 */
import type { MetricSchedule, Schedule } from "../../../core/plugin/contract.ts";
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import { isMetric, isPerGroup, scheduleWith } from "../../../core/plugin/schedules.ts";
import type { Find } from "../../../core/plugin/use.ts";
import type { Sheet, Sheets, Written } from "./decimals.ts";
import type { Form } from "./media.ts";
import type { Asked } from "./parameters.ts";
import type { Points } from "./points.ts";

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

/** Values of curves at steps, each group of each curve after the other. RangeError where one is not finite. */
function valuesOf(curves: readonly Curve[], steps: readonly number[], bases: readonly number[]): Float64Array<ArrayBuffer> {
  const size = bases.length * steps.length;
  const values = new Float64Array(curves.length * size);
  curves.forEach((curve, i) => fill(values.subarray(i * size, (i + 1) * size), curve, steps, bases));
  return values;
}

function fill(values: Float64Array, { schedule, name }: Curve, steps: readonly number[], bases: readonly number[]): void {
  const { length } = steps;
  const isValue = schedule.returns === "value";
  // Where groups share a schedule it is asked once for all of them.
  const isShared = bases.length > 1 && !isPerGroup(schedule);
  for (let group = 0; group < bases.length; group++) {
    if (isShared && group > 0) values.copyWithin(group * length, 0, length);
    else for (let i = 0; i < length; i++) values[group * length + i] = schedule(steps[i], group);
  }
  for (let group = 0, at = 0; group < bases.length; group++) {
    const base = isValue ? 1 : bases[group];
    for (let i = 0; i < length; i++, at++) {
      const value = values[at] *= base;
      if (!Number.isFinite(value)) throw new RangeError(`Schedule "${name}" gives ${value} at step ${steps[i]}`);
    }
  }
}

/** One schedule: the answer of `/v1/schedules/{name}`. */
export function writeSchedule(form: Form, curve: Curve, points: Points, asked: Asked, sheets: Sheets): Written | Promise<Written> {
  const { steps, alone } = points;
  const { name, options } = curve;
  if (form === "svg") return drawPicture([curve], points, { title: name, ...asked });
  const { lr: bases = [1] } = asked;
  const values = valuesOf([curve], steps, bases);
  if (form === "f64") return new Uint8Array(values.buffer);
  if (alone) return JSON.stringify({ schedule: name, options, step: steps[0], lr: [...values] }); // by Array.from the whole takes Deno 1.7 times as long
  const sheet = sheets();
  if (form === "csv") return writeCsv(sheet, steps, values);
  sheet.text(`{"schedule":${quote(name)},"options":${quote(options)},"steps":[`);
  sheet.steps(steps);
  sheet.text(`],"lr":`);
  writeGroups(sheet, values, steps.length);
  sheet.text("}");
  return sheet.written();
}

/** Several schedules: the answer of `/v1/curves`. */
export function writeCurves(
  form: Form,
  curves: readonly Curve[],
  points: Points,
  asked: Asked,
  sheets: Sheets,
): Written | Promise<Written> {
  if (form === "svg") return drawPicture(curves, points, asked);
  const { steps } = points;
  const { lr: bases = [1] } = asked;
  const values = valuesOf(curves, steps, bases);
  if (form === "f64") return new Uint8Array(values.buffer);
  const sheet = sheets();
  if (form === "csv") return writeCsv(sheet, steps, values);
  sheet.text(`{"steps":[`);
  sheet.steps(steps);
  sheet.text(`],"curves":[`);
  const size = bases.length * steps.length;
  curves.forEach(({ name, options }, i) => {
    sheet.text(`${i === 0 ? "" : ","}{"schedule":${quote(name)},"options":${quote(options)},"lr":`);
    writeGroups(sheet, values.subarray(i * size, (i + 1) * size), steps.length);
    sheet.text("}");
  });
  sheet.text("]}");
  return sheet.written();
}

const quote = (value: unknown): string => JSON.stringify(value);

/** A list for each group. */
function writeGroups(sheet: Sheet, values: Float64Array, length: number): void {
  for (let at = 0; at < values.length; at += length) {
    sheet.text(at === 0 ? "[[" : ",[");
    sheet.list(values.subarray(at, at + length));
    sheet.text("]");
  }
  sheet.text("]");
}

/** A column for each group of each curve. */
function writeCsv(sheet: Sheet, steps: readonly number[], values: Float64Array): Written {
  const { length } = steps;
  const columns = values.length / length;
  sheet.text("step");
  for (let column = 0; column < columns; column++) sheet.text(`,lr${column}`);
  sheet.text("\n");
  const row = new Float64Array(columns + 1);
  for (let i = 0; i < length; i++) {
    row[0] = steps[i];
    for (let column = 0; column < columns; column++) row[column + 1] = values[column * length + i];
    sheet.list(row);
    sheet.text("\n");
  }
  return sheet.written();
}

/** What draws comes with the first picture: a worker that gives numbers starts without. A picture would leave out what is not finite. */
async function drawPicture(curves: readonly Curve[], points: Points, asked: Asked): Promise<string> {
  const { drawCurves } = await import("./picture.ts");
  return drawCurves(curves.map(({ name }) => name), curves.map((curve) => finite(curve, asked.lr ?? [1])), points, asked);
}

/**
 * A schedule's values at steps, for groups of base values, as JSON, CSV and SVG.
 *
 * @module
 */
import { type PlotOptions, plotSchedule } from "../../../core/plot.ts";
import type { MetricSchedule, Schedule } from "../../../core/plugin/contract.ts";
import { type AnySpecs, resolveOptions } from "../../../core/plugin/options.ts";
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import { isMetric, makeSchedule } from "../../../core/plugin/schedules.ts";
import { titleOf } from "../../../core/plugin/use.ts";
import type { Points } from "./points.ts";

/** Forms in which values are answered, by suffix. */
export type Format = "json" | "csv" | "svg";

/** Media types of the forms. */
export const mediaTypes: Readonly<Record<Format, string>> = {
  json: "application/json",
  csv: "text/csv; charset=utf-8",
  svg: "image/svg+xml",
};

/** A schedule that was asked for. */
export interface Asked {
  readonly name: string;
  /** All of its options, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly schedule: Schedule;
}

/** How a picture is drawn. */
export type Picture = Pick<PlotOptions, "title" | "width" | "height" | "theme">;

/** The forms that a path may end in, and the path without. */
export function splitSuffix(name: string): { readonly name: string; readonly format: Format } {
  const [, stem, format] = /^(.*)\.(csv|svg)$/.exec(name) ?? [];
  return format === undefined ? { name, format: "json" } : { name: stem, format: format as Format };
}

/** Makes a schedule over base values; the library's errors where its options are refused. `refuseMetric` is for one that follows a metric. */
export function askSchedule(
  plugin: SchedulePlugin,
  given: object,
  bases: readonly number[],
  refuseMetric: (detail: string) => never,
): Asked {
  const options = resolveOptions(titleOf(plugin), plugin.options as AnySpecs, given);
  const schedule: Schedule | MetricSchedule = makeSchedule(plugin, given, { value: bases[0], groups: bases });
  if (isMetric(schedule)) return refuseMetric(`Schedule "${plugin.name}" follows a metric: it has no value at a step`);
  return { name: plugin.name, options, schedule };
}

/** The same schedule, with a RangeError where a value over one of the base values is not finite. */
function finite({ name, schedule }: Asked, bases: readonly number[]): Schedule {
  const { returns } = schedule;
  const scales = returns === "value" ? [1] : bases;
  return Object.assign((step: number): number => {
    const given = schedule(step);
    for (const scale of scales) {
      if (!Number.isFinite(scale * given)) throw new RangeError(`Schedule "${name}" gives ${scale * given} at step ${step}`);
    }
    return given;
  }, { returns });
}

/** `lr[group][i]`: a schedule's values at steps. RangeError where one is not finite. */
export function valuesOf(asked: Asked, steps: readonly number[], bases: readonly number[]): number[][] {
  const given = steps.map(finite(asked, bases));
  const absolute = asked.schedule.returns === "value";
  return bases.map((base) => absolute ? given : given.map((factor) => base * factor));
}

/** One schedule: the answer of `/v1/schedules/{name}`. */
export function writeSchedule(
  format: Format,
  asked: Asked,
  { steps, alone }: Points,
  bases: readonly number[] | undefined,
  picture: Picture,
): string {
  if (format === "svg") return drawCurves([asked], steps, bases, { title: asked.name, ...picture });
  const lr = valuesOf(asked, steps, bases ?? [1]);
  if (format === "csv") return writeCsv(steps, lr);
  const { name, options } = asked;
  return JSON.stringify(
    alone ? { schedule: name, options, step: steps[0], lr: lr.map(([value]) => value) } : { schedule: name, options, steps, lr },
  );
}

/** Several schedules: the answer of `/v1/curves`. */
export function writeCurves(
  format: Format,
  asked: readonly Asked[],
  { steps }: Points,
  bases: readonly number[] | undefined,
  picture: Picture,
): string {
  if (format === "svg") return drawCurves(asked, steps, bases, picture);
  const curves = asked.map((one) => ({ schedule: one.name, options: one.options, lr: valuesOf(one, steps, bases ?? [1]) }));
  if (format === "csv") return writeCsv(steps, curves.flatMap(({ lr }) => lr));
  return JSON.stringify({ steps, curves });
}

/** A column for each group of each curve. */
function writeCsv(steps: readonly number[], columns: readonly (readonly number[])[]): string {
  const head = ["step", ...columns.map((_, i) => `lr${i}`)].join();
  return `${[head, ...steps.map((step, i) => [step, ...columns.map((column) => column[i])].join())].join("\n")}\n`;
}

function drawCurves(asked: readonly Asked[], steps: readonly number[], bases: readonly number[] | undefined, picture: Picture): string {
  const ascending = [...new Set(steps)].sort((a, b) => a - b);
  const names = asked.map(({ name }, i) => {
    const before = asked.slice(0, i).filter((other) => other.name === name).length;
    return asked.length === 1 ? "" : before === 0 ? name : `${name} (${before + 1})`;
  });
  // A picture would leave out what is not finite.
  return plotSchedule(asked.map((one) => finite(one, bases ?? [1])), { ...picture, names, steps: ascending, ...(bases && { lr: bases }) });
}

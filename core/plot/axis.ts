/**
 * Axes: round numbers for their ticks, and how they are written.
 *
 * @module
 */
import { log } from "../../kernels/math.ts";

/** The vertical axis. */
export interface Axis {
  /** Values that are written at it, ascending. */
  readonly ticks: readonly number[];
  /** The same as text. */
  readonly labels: readonly string[];
  /** How high a value stands, 0 at the floor and 1 at the top; NaN where the axis has no place for it. */
  height(value: number): number;
}

/** An axis that holds all of `low` to `high` in equal steps, about `count` of them. */
export function linearAxis(low: number, high: number, count: number): Axis {
  const rise = niceStep((high - low) / count);
  const all = ticks(Math.floor(low / rise + SLACK) * rise, Math.ceil(high / rise - SLACK) * rise, rise);
  const [floor, top] = [all[0], all[all.length - 1]];
  return { ticks: all, labels: labelsOf(all), height: (value) => (value - floor) / (top - floor) };
}

/** Decades below the greatest value that a logarithmic axis shows: a curve's last step near 0 would take them all. */
const DECADES = 4;

/** A logarithmic axis for positive values from `low` to `high`. Others have no place on it; those far below `high` stand below its floor. */
export function logAxis(low: number, high: number): Axis {
  const least = Math.max(low, high / 10 ** DECADES);
  const first = Number(least.toExponential().split("e")[1]);
  const last = Number(high.toExponential().split("e")[1]) + 1;
  const all = Array.from({ length: last - first + 1 }, (_, k) => ["1", "2", "5"].map((factor) => Number(`${factor}e${first + k}`))).flat();
  const floor = Math.max(0, all.findLastIndex((value) => value <= least * (1 + SLACK)));
  const top = Math.max(floor + 1, all.findIndex((value) => value >= high * (1 - SLACK)));
  const within = all.slice(floor, top + 1);
  // The powers alone where there are many.
  const shown = within.length > 7 ? within.filter((value) => value.toExponential().startsWith("1e")) : within;
  const [bottom, reach] = [log(within[0]), log(within[within.length - 1]) - log(within[0])];
  return { ticks: shown, labels: labelsOf(shown), height: (value) => value > 0 ? (log(value) - bottom) / reach : NaN };
}

function labelsOf(all: readonly number[]): string[] {
  const small = all.every((value) => Math.abs(value) < 1e-2);
  return all.map((value) => small && value !== 0 ? value.toExponential() : formatNumber(value));
}

// A value that was rounded to float32 still fits under the tick that it came from.
const SLACK = 1e-6;

/** 1, 2 or 5 times a power of ten, at least `step`. */
export function niceStep(step: number): number {
  // The decimal exponent as printed: Math.log10 may differ between engines in its last bit.
  const exponent = Number(step.toExponential().split("e")[1]);
  for (const factor of ["1", "2", "5"]) {
    const nice = Number(`${factor}e${exponent}`);
    if (nice >= step * (1 - SLACK)) return nice;
  }
  return Number(`1e${exponent + 1}`);
}

/** The multiples of `step` from `low` to `high`. */
export function ticks(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - SLACK);
  const last = Math.floor(high / step + SLACK);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A number as an axis writes it. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e9) return value.toExponential().replace("e+", "e");
  if (size < 1e4) return String(value);
  const [whole, fraction] = String(value).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction ? `.${fraction}` : "");
}

/** A coordinate of the picture: hundredths of a pixel nobody sees. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

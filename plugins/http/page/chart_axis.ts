/**
 * The axes of a chart: where they reach, and what is written at them.
 *
 * @module
 */
import { showNumber } from "./numbers.ts";
import type { Picture } from "./picture.ts";

/** Least and greatest value of the vertical axis over values from `low` to `high`. */
export function rangeOf({ scale, range }: Picture, low: number | null, high: number | null): [number, number] {
  if (range !== undefined) return [...range];
  if (low === null || high === null || !(high > 0 || low < 0)) return scale === "log" ? [0.08, 3] : [0, 1];
  if (scale === "linear") return [Math.min(0, low * 1.06), Math.max(0, high * 1.06) || 0.06 * -low];
  // Four decades show the most of a decay; a last step near 0 would take them all.
  const least = Math.max(low, high / 1e4);
  const reach: [number, number] = [least / 1.15, high * 1.15];
  // Where all values are alike, there is room for a number at the axis.
  return decades(...reach).length > 0 ? reach : [high / 3, high * 1.15];
}

/** Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten, or the powers alone where those are many. */
export function decades(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const factors = high / low > 150 ? [1] : [1, 2, 5];
  const all = Array.from({ length: Math.ceil(Math.log10(high)) - from + 1 }, (_, i) => factors.map((f) => Number(`${f}e${from + i}`)));
  return all.flat().filter((value) => value >= low && value <= high);
}

/** Distances of ticks between steps. */
export const wholeSteps: readonly number[] = Array.from({ length: 15 }, (_, i) => [1, 2, 5].map((factor) => factor * 10 ** i)).flat();

/** A step as the axis writes it. */
export function showStep(step: number): string {
  return step >= 1e6 ? showNumber(step) : step.toLocaleString("en");
}

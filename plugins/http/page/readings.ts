/// <reference lib="dom" />
/**
 * What the curves' values are at a step, and in a table of steps.
 *
 * @module
 */
import { type Curve, valueAt } from "./curves.ts";
import { byId, element } from "./element.ts";
import { showNumber, showReading } from "./numbers.ts";
import type { Choice } from "./state.ts";
import { tagOf } from "./tag.ts";

/** A value as it is read. */
export interface Reading {
  /** The value; null: there is none. */
  readonly value: number | null;
  /** Whether it is that of a step nearby, until the service has told that of the very step. */
  readonly isNear: boolean;
}

/** The value of a curve at a step. */
export function readCurve(curve: Curve, step: number): Reading {
  const exact = "exact" in curve ? curve.exact?.(step) : undefined;
  if (exact !== undefined) return { value: exact, isNear: false };
  return { value: valueAt(curve, step), isNear: "exact" in curve };
}

/** Writes the list of values at a step. */
export function listValues(choices: readonly Choice[], readings: readonly Reading[]): void {
  const rows = choices.map(({ name }, i) => {
    const { value, isNear } = readings[i];
    const words = wordsOf(readings[i], showReading);
    return element(
      "li",
      {},
      tagOf(i),
      element("span", { class: "who" }, name),
      value === null || isNear ? element("span", { class: "value" }, words) : element("data", { class: "value", value }, words),
    );
  });
  byId("values").replaceChildren(...rows);
}

/** The same as a sentence. */
export function sayValues(choices: readonly Choice[], readings: readonly Reading[], step: number): string {
  const words = choices.map(({ name }, i) => `${i + 1} ${name} ${wordsOf(readings[i], showNumber, "none", "about")}`);
  return `step ${step}: ${words.join(", ") || "no curves"}`;
}

/** Writes the table of values at eleven steps. */
export function tabulate(choices: readonly Choice[], curves: readonly Curve[], to: number): void {
  const steps = [...new Set(Array.from({ length: 11 }, (_, i) => Math.round(i * to / 10)))];
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "step"),
    ...choices.map(({ name }, i) => element("th", { scope: "col" }, `${i + 1} ${name}`)),
  );
  const rows = steps.map((step) => {
    const cells = curves.map((curve) => element("td", {}, wordsOf(readCurve(curve, step), showReading)));
    return element("tr", {}, element("th", { scope: "row" }, step.toLocaleString("en")), ...cells);
  });
  const caption = element("caption", { class: "unseen" }, "lr by step");
  byId("table-place").replaceChildren(element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function wordsOf({ value, isNear }: Reading, show: (value: number) => string, none = "–", near = "≈"): string {
  if (value === null) return none;
  return isNear ? `${near} ${show(value)}` : show(value);
}

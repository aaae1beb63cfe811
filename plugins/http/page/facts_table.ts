/// <reference lib="dom" />
/**
 * What the curves come to over all steps: sums, means, extremes, jumps.
 *
 * @module
 */
import { type Facts, factsOf } from "../../../core/facts.ts";
import type { Curve } from "./curves.ts";
import { byId, element } from "./element.ts";
import { showNumber } from "./numbers.ts";
import type { Choice } from "./state.ts";
import { tagOf } from "./tag.ts";

/** Steps that are asked one by one at most, for each curve: so many are no hindrance to a slider. */
const mostAsked = 20_000;
/** Jumps that are listed; of more there is only room for the number. */
const mostListed = 4;

/** Writes the table. */
export function tabulateFacts(choices: readonly Choice[], curves: readonly Curve[], to: number, base: number): void {
  const columns = ["Curve", "Mean", "Sum", "Least", "Greatest", "Jumps at"];
  const head = element("tr", {}, ...columns.map((words) => element("th", { scope: "col" }, words)));
  const rows = curves.map((curve, i) => {
    const name = element("th", { scope: "row" }, tagOf(i), ` ${choices[i].name}`);
    const facts = factsOfCurve(curve, to, base);
    const cells = typeof facts === "string"
      ? [element("td", { colspan: 5 }, facts)]
      : cellsOf(facts).map((words) => element("td", {}, words));
    return element("tr", {}, name, ...cells);
  });
  const caption = element("caption", { class: "unseen" }, `lr over steps 0 to ${to}`);
  byId("facts-place").replaceChildren(element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...rows)));
}

/** What a curve comes to, or why that is not known. */
function factsOfCurve(curve: Curve, to: number, base: number): Facts | string {
  if ("error" in curve) return "no curve";
  if (curve.schedule === undefined) return "known to the service alone";
  try {
    return factsOf(curve.schedule, { from: 0, to, base }, 0, mostAsked);
  } catch (error) {
    return error instanceof RangeError && error.message.includes("one by one")
      ? "too many steps to add up without a closed form"
      : "no value at some step";
  }
}

function cellsOf({ mean, sum, minimum, maximum, jumps }: Facts): readonly string[] {
  const place = ({ value, step }: Facts["minimum"]): string => `${showNumber(value)} at ${step.toLocaleString("en")}`;
  const at = jumps.length > mostListed
    ? `${jumps.length.toLocaleString("en")} steps`
    : jumps.map((step) => step.toLocaleString("en")).join("; ") || "none";
  return [showNumber(mean), showNumber(sum), place(minimum), place(maximum), at];
}

/// <reference lib="dom" />
/**
 * What the curves come to over all steps: sums, means, extremes, jumps.
 *
 * @module
 */
import { type Facts, factsOf, type FactsRange } from "../../../core/facts.ts";
import type { Curve } from "./curves.ts";
import { byId, element } from "./element.ts";
import { showNumber } from "./numbers.ts";
import type { Choice } from "./state.ts";
import { tagOf } from "./tag.ts";

/** Steps that are asked one by one at most, for each curve: so many are no hindrance to a slider. */
const mostAsked = 20_000;
/** Jumps that are listed; of more there is only room for the number. */
const mostListed = 4;

/** What the table is asked for beside what it always says. */
export interface FactsAsked {
  /** The strength of a decoupled decay. */
  readonly weightDecay: number;
  /** A share of the sum, in hundredths. */
  readonly percent: number;
}

/** Writes the table. */
export function tabulateFacts(
  choices: readonly Choice[],
  curves: readonly Curve[],
  to: number,
  base: number,
  { weightDecay, percent }: FactsAsked,
): void {
  const columns = [
    "Curve",
    "Mean",
    "Sum",
    "Least",
    "Greatest",
    "Jumps at",
    `${showNumber(percent)} % by step`,
    "Decay leaves",
  ];
  const head = element("tr", {}, ...columns.map((words) => element("th", { scope: "col" }, words)));
  const rows = curves.map((curve, i) => {
    const name = element("th", { scope: "row" }, tagOf(i), ` ${choices[i].name}`);
    const facts = factsOfCurve(curve, { from: 0, to, base, weightDecay, share: percent / 100 });
    const cells = typeof facts === "string"
      ? [element("td", { colspan: columns.length - 1 }, facts)]
      : cellsOf(facts).map((words) => element("td", {}, words));
    return element("tr", {}, name, ...cells);
  });
  const caption = element(
    "caption",
    { class: "unseen" },
    `lr over steps 0 to ${to}; the step by which so much of the sum is reached, and what a weight decay of ${
      showNumber(weightDecay)
    } leaves of the weights`,
  );
  byId("facts-place").replaceChildren(element("table", {}, caption, element("thead", {}, head), element("tbody", {}, ...rows)));
}

/** What a curve comes to, or why that is not known. */
function factsOfCurve(curve: Curve, range: FactsRange): Facts | string {
  if ("error" in curve) return "no curve";
  const { schedule } = curve;
  if (schedule === undefined) return "known to the service alone";
  const ask = ({ share, weightDecay }: Pick<FactsRange, "share" | "weightDecay">): Facts | RangeError => {
    try {
      const { from, to, base } = range;
      return factsOf(schedule, { from, to, base, share, weightDecay }, 0, mostAsked);
    } catch (error) {
      return error instanceof RangeError ? error : new RangeError();
    }
  };
  const all = ask(range);
  if (!(all instanceof RangeError)) return all;
  // A decay has seldom a closed form, and values below 0 have no share: the rest may have both.
  const plain = ask({});
  if (plain instanceof RangeError) {
    return plain.message.includes("one by one") ? "too many steps to add up without a closed form" : "no value at some step";
  }
  const [shared, decayed] = [ask({ share: range.share }), ask({ weightDecay: range.weightDecay })];
  return { ...plain, ...!(shared instanceof RangeError) && shared, ...!(decayed instanceof RangeError) && decayed };
}

function cellsOf({ mean, sum, minimum, maximum, jumps, moreJumps, share, decay }: Facts): readonly string[] {
  const place = ({ value, step }: Facts["minimum"]): string => `${showNumber(value)} at ${step.toLocaleString("en")}`;
  const at = jumps.length > mostListed
    ? `${moreJumps ? "more than " : ""}${jumps.length.toLocaleString("en")} steps`
    : jumps.map((step) => step.toLocaleString("en")).join("; ") || "none";
  return [
    showNumber(mean),
    showNumber(sum),
    place(minimum),
    place(maximum),
    at,
    share === undefined ? "–" : share.toLocaleString("en"),
    decay === undefined ? "too many steps" : showNumber(decay),
  ];
}

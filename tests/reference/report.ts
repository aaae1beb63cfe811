/**
 * All cases of a folder: verdicts, counts by item, and what a reader sees of them.
 *
 * @module
 */
import { type Outcome, runCase } from "./cases.ts";
import type { Context } from "./context.ts";
import type { Case } from "./golden.ts";

/** How many cases went which way. */
export type Counts = Record<Outcome["verdict"], number>;

/** What `--json` writes. */
export interface Report extends Readonly<Counts> {
  readonly cases: readonly { readonly id: string; readonly verdict: Outcome["verdict"]; readonly why?: string }[];
}

/** A case and how it went. */
export interface Ran {
  readonly entry: Case;
  readonly outcome: Outcome;
}

/** Runs the cases whose id matches. */
export function runAll(context: Context, only: RegExp = /(?:)/): Ran[] {
  return context.golden.cases.filter(({ id }) => only.test(id)).map((entry) => ({ entry, outcome: runCase(context, entry) }));
}

function count(ran: readonly Ran[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, intended: 0, unsupported: 0 };
  for (const { outcome } of ran) counts[outcome.verdict] += 1;
  return counts;
}

/** `AdamW: 41 cases, 39 passed, 1 failed, 1 intended`. */
function line(name: string, ran: readonly Ran[]): string {
  const { passed, failed, intended, unsupported } = count(ran);
  const rest = [[intended, "intended"], [unsupported, "unsupported"]].filter(([n]) => n !== 0).map(([n, word]) => `, ${n} ${word}`);
  return `${name}: ${ran.length} cases, ${passed} passed, ${failed} failed${rest.join("")}`;
}

/** Things under the key that they have in common, in their order. */
export function grouped<T>(things: readonly T[], keyOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [thing]);
    else group.push(thing);
  }
  return groups;
}

/** A line an item, then every failure, then the sum. */
export function linesOf(ran: readonly Ran[]): string[] {
  const items = grouped(ran, ({ entry }) => entry.item);
  const failures = ran.filter(({ outcome }) => outcome.verdict === "failed");
  return [
    ...Array.from(items, ([item, its]) => line(item, its)),
    ...failures.map(({ entry, outcome }) => `failed ${entry.id}: ${outcome.why}`),
    line("All", ran),
  ];
}

/** The same for a program. */
export function reportOf(ran: readonly Ran[]): Report {
  const cases = ran.map(({ entry: { id }, outcome: { verdict, why } }) => why === undefined ? { id, verdict } : { id, verdict, why });
  return { ...count(ran), cases };
}

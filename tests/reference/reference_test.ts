import { assertEquals, assertLessOrEqual } from "@std/assert";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Outcome, runCase, unsupported } from "./cases.ts";
import type { Case } from "./golden.ts";
import { INTENDED } from "./intended.ts";
import { contextOf } from "./registry.ts";
import { grouped } from "./report.ts";

const context = contextOf(fileURLToPath(new URL("golden", import.meta.url)));
const supported = context.golden.cases.filter((entry) => unsupported(context, entry) === undefined);
const outcomes = new Map<Case, Outcome>();

/** A case runs once, whichever test asks. */
function outcomeOf(entry: Case): Outcome {
  let outcome = outcomes.get(entry);
  if (outcome === undefined) outcomes.set(entry, outcome = runCase(context, entry));
  return outcome;
}

for (const [group, entries] of grouped(supported, ({ system, item, expects }) => `${item} of ${system} in ${expects.file}`)) {
  test(`${group} is matched in ${entries.length} cases`, () => {
    assertEquals(entries.map((entry) => [entry.id, outcomeOf(entry)] as const).filter(([, { verdict }]) => verdict === "failed"), []);
  });
}

test("INTENDED has no row without a case", () => {
  const used = new Set(supported.map((entry) => outcomeOf(entry).row));
  assertEquals(INTENDED.filter((row) => !used.has(row)).map(({ difference, item, reason }) => `${difference} ${item}: ${reason}`), []);
});

/** Everything of transformers 4.37.2 and of Keras: what the page is about. */
const page = context.golden.cases.filter(({ system }) => /^(transformers-4\.37\.2|keras-2\.15)/.test(system));

test("golden's cases of the page all run", () => {
  const idle = page.map((entry) => unsupported(context, entry)).filter((why) => why !== undefined);
  assertEquals([...new Set(idle)], []);
});

test("INTENDED fits at most one in ten of the page's cases", () => {
  const intended = page.filter((entry) => outcomeOf(entry).verdict === "intended");
  assertLessOrEqual(intended.length, page.length / 10);
});

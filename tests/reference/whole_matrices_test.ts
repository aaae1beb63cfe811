import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCase } from "./cases.ts";
import { contextOf } from "./registry.ts";
import { grouped } from "./report.ts";

const context = contextOf(fileURLToPath(new URL("whole_matrices", import.meta.url)));

for (const [group, entries] of grouped(context.golden.cases, ({ system, item }) => `${item} of ${system}`)) {
  test(`${group} is matched in ${entries.length} cases`, () => {
    const outcomes = entries.map((entry) => [entry.id, runCase(context, entry)] as const);
    assertEquals(outcomes.filter(([, { verdict }]) => verdict !== "passed"), []);
  });
}

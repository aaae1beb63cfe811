import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { root } from "./generated.ts";
import { mutants } from "./mutants_table.ts";

test("every wrong change of the table has a name of its own, and its text stands in its file exactly once", () => {
  const names = mutants.map(({ name }) => name);
  assertEquals(names.filter((name, i) => names.indexOf(name) !== i), []);
  const wrong = mutants.flatMap(({ name, file, text, replacement, tests }) => {
    const missing = [file, ...tests].filter((path) => !existsSync(join(root, path)));
    if (missing.length > 0) return [`${name}: there is no ${missing}`];
    const times = readFileSync(join(root, file), "utf8").split(text).length - 1;
    return times === 1 && text !== replacement ? [] : [`${name}: in ${file} its text stands ${times} times, ${JSON.stringify(text)}`];
  });
  assertEquals(wrong, [], "whoever changes such a line changes its row in tests/mutants_table.ts too");
});

test("wrong changes are made in kernels, core, plugins and the service", () => {
  for (
    const layer of [
      "kernels/",
      "core/",
      "plugins/optimizers/",
      "plugins/schedules/",
      "plugins/accumulators/",
      "plugins/formats/",
      "plugins/http/",
    ]
  ) {
    assert(mutants.some(({ file }) => file.startsWith(layer)), layer);
  }
});

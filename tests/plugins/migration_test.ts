import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import * as glissade from "../../mod.ts";
import { read } from "../generated.ts";

const page = read("plugins/MIGRATION.md");

/** Rows of the tables: the name there, and what stands for it here. */
const rows = page.split("\n").filter((line) => /^\| (?!there|-)/.test(line)).map((line) =>
  line.split("|").slice(1, 3).map((cell) => cell.trim())
);

/** Pieces of code of a cell. */
const codes = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

/** The code blocks of the page, which go on from one another. */
const blocks = [...page.matchAll(/^```ts ignore\n([^]*?)^```/gm)].map(([, code]) => code);

/** The page's code as JavaScript: `using` is not everywhere, and imports are handed in. */
const script = blocks.join("\n").replace(/^import [^;]*;$/gm, "").replaceAll(/^(\s*)using /gm, "$1const ");

/** Runs code with the library's names and those of the page's first block. */
function run(code: string): unknown {
  const names = { ...glissade };
  return new Function(...Object.keys(names), code)(...Object.values(names));
}

const start = blocks[0].replace(/^import [^;]*;$/gm, "") +
  `const decaySchedule = { name: "polynomial_decay", options: { initialLearningRate: 5e-5, decaySteps: 900, endLearningRate: 0 } };
   const recipe = tfRecipe({ initLr: 5e-5, numTrainSteps: 1000, numWarmupSteps: 100, weightDecayRate: 0.01 });
   const config = getConfig(recipe), state = undefined, metric = 0.5;\n`;

/** What the page documents, by its own names. */
const documented = [
  "AdamW(",
  "Adafactor(",
  "AdafactorSchedule",
  "get_adafactor_schedule",
  "SchedulerType",
  "get_scheduler",
  "get_constant_schedule(",
  "get_constant_schedule_with_warmup",
  "get_linear_schedule_with_warmup",
  "get_cosine_schedule_with_warmup",
  "get_cosine_with_hard_restarts_schedule_with_warmup",
  "get_polynomial_decay_schedule_with_warmup",
  "get_inverse_sqrt_schedule",
  "get_reduce_on_plateau_schedule",
  "AdamWeightDecay(",
  "from_config",
  "create_optimizer",
  "WarmUp",
  "GradientAccumulator",
];

for (const name of documented) {
  test(`the migration table has a row for the page's ${name.replace("(", "")}`, () => {
    const row = rows.find(([there]) => there.includes(name));
    assert(row !== undefined && row[1].length > 2, `${row}`);
  });
}

test("the migration page's blocks run, one after another", () => {
  run(script);
});

for (
  const code of rows.flatMap(([, here]) => codes(here)).filter((code) =>
    /^(builtins\.|createTfOptimizer|tfRecipe|getConfig|from[A-Z]|plotSchedule|torchCode|trainingArgumentsCode)/.test(code)
  )
) {
  // A row may hold two calls, and a call that goes on from another's result.
  for (const one of code.split("`, `")) {
    test(`the migration table's ${one} runs`, () => {
      const made = run(`${start} return ${one};`) as object & Partial<Disposable>;
      assert(made !== undefined);
      made[Symbol.dispose]?.();
    });
  }
}

test("the migration table names only plugins that are there", () => {
  const named = rows.flatMap(([, here]) =>
    [...here.matchAll(/"([a-z0-9]+(?:_[a-z0-9]+)+|cosine|linear|mean|sum)"/g)].map(([, name]) => name)
  );
  const known: readonly string[] = glissade.builtins.plugins.map(({ name }) => name);
  assert(named.length > 10);
  assertEquals(named.filter((name) => !known.includes(name)), []);
});

test("the page of differences has a row for each of table D, and for NaN", () => {
  const ids = [...read("plugins/DIFFERENCES.md").matchAll(/^\| (NaN|D\d+) /gm)].map(([, id]) => id).sort();
  assertEquals(ids, ["NaN", ...Array.from({ length: 20 }, (_, i) => `D${i + 1}`)].sort());
});

import { assert, assertEquals, assertGreater } from "@std/assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BackendName, builtins, type Recipe } from "../../mod.ts";
import { readDigits, shuffledBatches } from "../../examples/digits/data.ts";
import { createGenerator } from "../../examples/digits/generator.ts";
import { createNetwork } from "../../examples/digits/network.ts";
import { train } from "../../examples/digits/training.ts";
import training from "../../examples/digits/training.json" with { type: "json" };
import record from "./digits_record.json" with { type: "json" };

const EXAMPLE = new URL("../../examples/digits/", import.meta.url);
const TOLERANCE = 1e-5;

const digits = await readDigits(readFileSync(new URL("data/digits.csv.gz", EXAMPLE)));

/** The losses of as many updates as the record has. */
function losses(recipe: Recipe, backend?: BackendName): number[] {
  const { seed, layers, microBatch } = training;
  const generator = createGenerator(seed);
  const network = createNetwork(layers, generator);
  using trainer = builtins.createTrainer(network.params, recipe, { backend });
  const batches = shuffledBatches(digits.training, microBatch, generator);
  return Array.from(train(network, trainer, batches, record.losses.length), ({ loss }) => loss);
}

/** The largest relative difference from PyTorch's losses. */
function difference(actual: readonly number[]): number {
  assertEquals(actual.length, record.losses.length);
  return Math.max(...record.losses.map((expected, i) => Math.abs(actual[i] / expected - 1)));
}

test("digits_record.json was made with the settings of training.json, over 200 updates, some of them clipped", () => {
  assertEquals(record.settings, training);
  assertEquals(record.losses.length, 200);
  assertGreater(record.clippedUpdates, 0);
});

for (const backend of ["js", "wasm", "threads"] as const) {
  test(`the digits' loss matches PyTorch's at each of the first 200 updates on backend ${backend}`, () => {
    const worst = difference(losses(training.recipe, backend));
    assert(worst <= TOLERANCE, `largest relative difference ${worst}`);
  });
}

const { optimizer } = training.recipe;
const changed: Readonly<Record<string, Recipe>> = {
  "no clipping": { ...training.recipe, transforms: [] },
  "decay on biases": { ...training.recipe, groups: [] },
  "no weight decay": { ...training.recipe, optimizer: { ...optimizer, options: { ...optimizer.options, weightDecay: 0 } } },
  "PyTorch's order of decay": { ...training.recipe, optimizer: { ...optimizer, name: "adamw_torch" } },
  "no warmup": {
    ...training.recipe,
    schedules: { lr: { name: "linear", options: { ...training.recipe.schedules.lr.options, numWarmupSteps: 0 } } },
  },
  "summed micro-batches": { ...training.recipe, accumulate: { ...training.recipe.accumulate, name: "sum" } },
};
for (const [name, recipe] of Object.entries(changed)) {
  test(`the digits' loss with ${name} does not match PyTorch's`, () => {
    assertGreater(difference(losses(recipe)), TOLERANCE);
  });
}

// Node 20, which this suite also runs in, does not read TypeScript: no command there.
const { deno, bun } = process.versions as Record<string, string | undefined>;
const command = deno ? ["run", "-A"] : bun ? ["run"] : undefined;
if (command) {
  test("train.ts ends with over 95 % on the held-out digits and draws loss and lr", () => {
    const folder = mkdtempSync(join(tmpdir(), "digits-"));
    try {
      const out = join(folder, "training.svg");
      const script = fileURLToPath(new URL("train.ts", EXAMPLE));
      const printed = execFileSync(process.execPath, [...command, script, "--out", out], { encoding: "utf8" });

      const percentages = printed.match(/[\d.]+(?= %)/g)!.map(Number);
      assertGreater(percentages[percentages.length - 1], 95);
      assert(printed.trimEnd().endsWith("%") && printed.includes(out), printed);
      const svg = readFileSync(out, "utf8");
      // Loss, smoothed loss, lr: a point for every update.
      const curves = [...svg.matchAll(/<polyline [^>]*points="([^"]*)"/g)].map(([, points]) => points.split(" ").length);
      assertEquals(curves, [training.updates, training.updates, training.updates]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

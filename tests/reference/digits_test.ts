import { assert, assertEquals, assertGreater } from "@std/assert";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BackendName, builtins, type Recipe } from "../../mod.ts";
import { newestFirst } from "../../plugins/formats/checkpoint_names.ts";
import { readSafetensors } from "../../plugins/formats/safetensors.ts";
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

/** Runs a program until it shows that it did so many updates; then it is killed, wherever it is. What it printed. */
function killedAfter(program: string, args: readonly string[], updates: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
      if ([...said.matchAll(/(\d+)\/600/g)].some(([, done]) => Number(done) >= updates)) child.kill("SIGKILL");
    });
    child.once("close", () => resolve(said));
  });
}

if (command) {
  test("train.ts ends with over 95 % on the held-out digits, draws loss and lr, and is the same run when it is killed and resumed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "digits-"));
    try {
      const out = join(folder, "training.svg");
      const script = fileURLToPath(new URL("train.ts", EXAMPLE));
      const run = (
        name: string,
      ): readonly string[] => [...command, script, "--out", join(folder, `${name}.svg`), "--checkpoints", join(folder, name)];
      const printed = execFileSync(process.execPath, run("training"), { encoding: "utf8" });

      const percentages = printed.match(/[\d.]+(?= %)/g)!.map(Number);
      assertGreater(percentages[percentages.length - 1], 95);
      assert(printed.trimEnd().endsWith("%") && printed.includes(out), printed);
      const svg = readFileSync(out, "utf8");
      // Loss, smoothed loss, lr: a point for every update.
      const curves = [...svg.matchAll(/<polyline [^>]*points="([^"]*)"/g)].map(([, points]) => points.split(" ").length);
      assertEquals(curves, [training.updates, training.updates, training.updates]);

      // Killed twice, each time some updates after a checkpoint, and started again.
      for (const [last, from] of [[90, 0], [330, 75]]) {
        const said = await killedAfter(process.execPath, run("killed"), last);
        assertEquals(Number(/going on after update (\d+)/.exec(said)?.[1] ?? 0) >= from, true, said);
      }
      const rest = execFileSync(process.execPath, run("killed"), { encoding: "utf8" });
      assertGreater(Number(/going on after update (\d+)/.exec(rest)?.[1]), 300);
      assertEquals(readFileSync(join(folder, "killed.svg"), "utf8"), svg);
      const [whole, resumed] = ["training", "killed"].map((name) => {
        const [newest] = newestFirst(readdirSync(join(folder, name)));
        return readSafetensors(readFileSync(join(folder, name, newest)));
      });
      assertEquals(resumed, whole);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

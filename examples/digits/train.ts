/**
 * Trains a network on handwritten digits:
 *
 * ```sh
 * npm run train -- [--out FILE.svg] [--backend js|wasm|threads] [--threads N]
 * deno run -A examples/digits/train.ts
 * bun examples/digits/train.ts
 * ```
 *
 * tests/reference/digits_record.py is the same run in PyTorch.
 *
 * @module
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type BackendName, builtins } from "../../mod.ts";
import { readDigits, shuffledBatches } from "./data.ts";
import { createGenerator } from "./generator.ts";
import { createNetwork } from "./network.ts";
import { drawTraining } from "./picture.ts";
import { createProgress } from "./progress.ts";
import { train, type Update } from "./training.ts";
import training from "./training.json" with { type: "json" };

const { values: flags } = parseArgs({ options: { out: { type: "string" }, backend: { type: "string" }, threads: { type: "string" } } });
const out = flags.out ?? relative(process.cwd(), fileURLToPath(new URL("../../dist/training.svg", import.meta.url)));
const backend = flags.backend as BackendName | undefined;
const threads = flags.threads === undefined ? undefined : Number(flags.threads);

const { seed, layers, microBatch, updates, recipe } = training;
const digits = await readDigits(await readFile(new URL("data/digits.csv.gz", import.meta.url)));
const generator = createGenerator(seed);
const network = createNetwork(layers, generator);

// The recipe is JSON: AdamW, no decay on biases, linear warmup and decay, four micro-batches a step, gradients clipped by their global norm.
using trainer = builtins.createTrainer(network.params, recipe, { backend, threads });

const history: Update[] = [];
const progress = createProgress(updates, process.stdout);
const start = performance.now();
for (const update of train(network, trainer, shuffledBatches(digits.training, microBatch, generator), updates)) {
  history.push(update);
  progress.show(update);
}
const seconds = (performance.now() - start) / 1000;

await mkdir(dirname(out), { recursive: true });
await writeFile(out, drawTraining(history, `Handwritten digits, ${layers.join(" - ")}`));

const { deno, bun, node } = process.versions as Record<string, string | undefined>;
const runtime = deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
// Workers start at the first step over 512 Ki elements; below that the calling thread is faster alone.
const { name } = trainer.optimizer.backend;
const size = Object.values(network.params).reduce((sum, { data }) => sum + data.length, 0);
const used = name === "threads" && size > 512 * 1024 ? threads ?? navigator.hardwareConcurrency : 1;
console.log(`${updates} updates of ${size} parameters in ${seconds.toFixed(1)} s on ${runtime}, backend ${name}, threads used: ${used}`);
console.log(`loss and lr drawn in ${out}`);
console.log(`held-out accuracy ${(100 * network.forward(digits.heldOut).correct / digits.heldOut.count).toFixed(2)} %`);

/**
 * Trains a network on handwritten digits:
 *
 * ```sh
 * npm run train -- [--out FILE.svg] [--checkpoints FOLDER] [--backend js|wasm|threads] [--threads N]
 * deno run -A examples/digits/train.ts
 * bun examples/digits/train.ts
 * ```
 *
 * It saves as it goes. Whoever stops it and starts it again, with Ctrl-C, `kill -9` or the power switch, gets the run that never stopped, to the bit.
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
import { loadLatest, saveCheckpoint } from "../../plugins/formats/checkpoints.ts";
import { type Position, readDigits, shuffledBatches } from "./data.ts";
import { createGenerator } from "./generator.ts";
import { createNetwork } from "./network.ts";
import { drawTraining } from "./picture.ts";
import { createProgress } from "./progress.ts";
import { train, type Update } from "./training.ts";
import training from "./training.json" with { type: "json" };

const { values: flags } = parseArgs({
  options: { out: { type: "string" }, checkpoints: { type: "string" }, backend: { type: "string" }, threads: { type: "string" } },
});
const inDist = (name: string): string => relative(process.cwd(), fileURLToPath(new URL(`../../dist/${name}`, import.meta.url)));
const out = flags.out ?? inDist("training.svg");
const folder = flags.checkpoints ?? inDist("checkpoints");
const backend = flags.backend as BackendName | undefined;
const threads = flags.threads === undefined ? undefined : Number(flags.threads);

const { seed, layers, microBatch, updates, recipe } = training;
/** Updates from one checkpoint to the next. */
const saveEvery = 25;
const digits = await readDigits(await readFile(new URL("data/digits.csv.gz", import.meta.url)));

/** What is saved beside the trainer's state: where the run is in its data, and what the picture shows. */
interface Extra {
  readonly position: Position;
  readonly history: readonly Update[];
}

/** A run that begins. */
function begin() {
  const generator = createGenerator(seed);
  const network = createNetwork(layers, generator);
  // The recipe is JSON: AdamW, no decay on biases, linear warmup and decay, four micro-batches a step, gradients clipped by their global norm.
  const trainer = builtins.createTrainer(network.params, recipe, { backend, threads });
  return { network, trainer, extra: { position: { generator: generator.state, taken: 0 }, history: [] } as Extra };
}

let run = begin();
const found = await loadLatest(folder, run.trainer);
if (found !== null && found.steps < updates) {
  run.extra = found.extra as Extra;
  console.log(`going on after update ${found.steps}, from ${found.path}`);
} else if (found !== null) {
  run.trainer.dispose();
  run = begin(); // the last run is done
}
const { network, extra: { position, history: before } } = run;
using trainer = run.trainer;

const history: Update[] = [...before];
const batches = shuffledBatches(digits.training, microBatch, createGenerator(position.generator), position.taken);
const progress = createProgress(updates, process.stdout);
const start = performance.now();
for (const update of train(network, trainer, batches, updates)) {
  history.push(update);
  progress.show(update);
  if (update.number % saveEvery === 0 || update.number === updates) {
    await saveCheckpoint(folder, trainer, { keep: 3, extra: { position: batches.position, history } satisfies Extra });
  }
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
console.log(
  `${updates - before.length} updates of ${size} parameters in ${
    seconds.toFixed(1)
  } s on ${runtime}, backend ${name}, threads used: ${used}`,
);
console.log(`loss and lr drawn in ${out}`);
console.log(`held-out accuracy ${(100 * network.forward(digits.heldOut).correct / digits.heldOut.count).toFixed(2)} %`);

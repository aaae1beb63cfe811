/**
 * Trains the digits' network in tfjs, with an optimizer of this library in `model.compile` and beside it tfjs' own Adam:
 *
 * ```sh
 * deno run -A examples/tfjs/train.ts [--backend wasm|cpu] [--updates N]      bun examples/tfjs/train.ts
 * ```
 *
 * The algorithm is the same, so the losses are, to rounding: tfjs keeps the powers of the betas in float32. bench/tfjs.ts has the times.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { tfOptimizer } from "../../plugins/adapters/tfjs/mod.ts";
import { readDigits, shuffledBatches } from "../digits/data.ts";
import { createGenerator } from "../digits/generator.ts";
import { accuracyOf, createModel, update } from "./network.ts";

const { values: flags } = parseArgs({
  options: { backend: { type: "string", default: "wasm" }, updates: { type: "string", default: "100" } },
});
await tf.setBackend(flags.backend);
const digits = await readDigits(await readFile(new URL("../digits/data/digits.csv.gz", import.meta.url)));

// tfjs' Adam adds 1e-7 to the corrected root, where PyTorch's adds 1e-8.
const optimizer = tfOptimizer(tf, "adam", { lr: 1e-3, eps: 1e-7 });
const ours = createModel(optimizer);
const theirs = createModel(tf.train.adam(1e-3));

let furthest = 0;
let number = 0;
for (const batch of shuffledBatches(digits.training, 128, createGenerator(1))) {
  const losses = [await update(ours, batch), await update(theirs, batch)];
  furthest = Math.max(furthest, Math.abs(losses[0] / losses[1] - 1));
  number++;
  if (number % 20 === 1 || number === Number(flags.updates)) {
    console.log(`update ${number}: loss ${losses[0].toFixed(6)}, with tfjs' Adam ${losses[1].toFixed(6)}`);
  }
  if (number >= Number(flags.updates)) break;
}
console.log(`on tfjs-${tf.getBackend()} the losses differ by ${furthest.toExponential(1)} of themselves at most`);
console.log(`held-out accuracy ${(100 * accuracyOf(ours, digits.heldOut)).toFixed(2)} %`);
optimizer.dispose();

/**
 * Trains on handwritten digits with onnxruntime-web's WebAssembly, or with onnxruntime-node where `--package onnxruntime-node` says so:
 *
 * ```sh
 * deno run -A examples/onnx/main.ts
 * bun examples/onnx/main.ts
 * npx esbuild examples/onnx/main.ts --bundle --packages=external --format=esm --outfile=dist/onnx.mjs && node dist/onnx.mjs
 * ```
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { readDigits } from "../digits/data.ts";
import { createGenerator } from "../digits/generator.ts";
import { type Ort, train } from "./train.ts";

const { values: flags } = parseArgs({ options: { package: { type: "string", default: "onnxruntime-web" }, folder: { type: "string" } } });
const folder = new URL(flags.folder ?? "examples/onnx/", `file://${process.cwd()}/`);
const ort: Ort = await import(flags.package!);

const digits = await readDigits(await readFile(new URL("../digits/data/digits.csv.gz", folder)));
const session = await ort.InferenceSession.create(await readFile(new URL("digits.onnx", folder)));
const updates = 600;
const start = performance.now();
const right = await train(ort, session, digits, createGenerator(1), updates, (update, loss) => {
  if (update % 100 === 0) console.log(`update ${update}: loss ${loss.toFixed(4)}`);
});
const ms = (performance.now() - start) / updates;
console.log(`${(100 * right).toFixed(1)} % of the held-out digits right; ${ms.toFixed(2)} ms an update, its gradients included`);

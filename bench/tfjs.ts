/**
 * What a step costs in tfjs, with an optimizer of this library and with tfjs' own Adam; and a whole update of the digits' network, forwards and backwards
 * with it.
 *
 *     deno run -A bench/tfjs.ts [--backend wasm|cpu|webgpu] [--ms N] [--json]        bun bench/tfjs.ts …
 *
 * On `webgpu` (in Deno) both work on one device, and a step ends when the device has done it.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { readDigits, shuffledBatches } from "../examples/digits/data.ts";
import { createGenerator } from "../examples/digits/generator.ts";
import { createWebGpuBackend } from "../core/webgpu.ts";
import { createModel, update } from "../examples/tfjs/network.ts";
import { bind, tfOptimizer } from "../plugins/adapters/tfjs/mod.ts";
import { median, table, type Timed, timeSteps } from "./measure.ts";

const { values: flags } = parseArgs({
  options: { backend: { type: "string", default: "wasm" }, ms: { type: "string", default: "500" }, json: { type: "boolean" } },
});
const onGpu = flags.backend === "webgpu";
if (onGpu) await import("@tensorflow/tfjs-backend-webgpu");
await tf.setBackend(flags.backend);
const gpu = tf.backend() as unknown as { readonly device: GPUDevice } & Record<string, () => void>;
const backend = onGpu ? { backend: await createWebGpuBackend({ device: gpu.device }) } : {};
/** What is handed to a device, and done there. */
const done = async (): Promise<void> => {
  gpu.ensureCommandEncoderReady();
  gpu.endComputePassEncoder();
  gpu.submitQueue();
  await gpu.device.queue.onSubmittedWorkDone();
};

/** Median milliseconds after a warm-up. */
async function time(timed: Timed): Promise<number> {
  const ms = Number(flags.ms);
  const warm = await timeSteps(timed, { ms: ms / 5, least: 3, most: Infinity }, 0);
  return median(await timeSteps(timed, { ms, least: 5, most: Infinity }, warm.length)) / 1e6;
}

const models: Readonly<Record<string, number[][]>> = {
  "the digits' network (4 tensors, 19,210)": [[64, 256], [256], [256, 10], [10]],
  "100 tensors of 64 x 64": Array(100).fill([64, 64]),
  "one tensor of 1024 x 1024": [[1024, 1024]],
};
const options = { lr: 1e-3, eps: 1e-7 };
const nothing = (): void => {};
const rows: { readonly what: string; readonly by: string; readonly ms: number }[] = [];

for (const [what, shapes] of Object.entries(models)) {
  const make = () => shapes.map((shape) => tf.variable(tf.randomNormal(shape)));
  const gradients = shapes.map((shape) => tf.randomNormal(shape));
  const gradsOf = (variables: tf.Variable[]) => Object.fromEntries(variables.map(({ name }, i) => [name, gradients[i]]));
  const measure = async (by: string, variables: tf.Variable[], step: (grads: Record<string, tf.Tensor>) => unknown) => {
    const grads = gradsOf(variables);
    const timed = onGpu ? () => (step(grads), done()) : () => void step(grads);
    rows.push({ what, by, ms: await time({ refill: nothing, step: timed }) });
    tf.dispose(variables);
  };
  const adam = tf.train.adam(1e-3);
  await measure("tfjs' Adam", make(), (grads) => adam.applyGradients(grads as Record<string, tf.Variable>));
  for (const [by, settings] of [["ours", { tf, ...backend }], ...onGpu ? [] : [["ours, without `tf`", {}] as const]] as const) {
    const variables = make();
    const bound = bind(variables, "adam", options, settings);
    await measure(by, variables, (grads) => bound.step(grads));
    bound.dispose();
  }
  adam.dispose();
  tf.dispose(gradients);
}

const digits = await readDigits(await readFile(new URL("../examples/digits/data/digits.csv.gz", import.meta.url)));
for (const [by, optimizer] of [["tfjs' Adam", tf.train.adam(1e-3)], ["ours", tfOptimizer(tf, "adam", options, backend)]] as const) {
  const model = createModel(optimizer);
  const batches = shuffledBatches(digits.training, 128, createGenerator(1))[Symbol.iterator]();
  const ms = await time({ refill: nothing, step: () => update(model, batches.next().value!).then(nothing) });
  rows.push({ what: "an update of the digits' network, batch 128", by, ms });
}

const { deno, bun, node } = process.versions as Record<string, string | undefined>;
const runtime = deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
if (flags.json) console.log(JSON.stringify({ bench: "tfjs", runtime, tfjs: tf.version_core, backend: flags.backend, rows }));
else {
  console.log(`tfjs ${tf.version_core}, backend ${flags.backend}, ${runtime}; median milliseconds\n`);
  console.log(table(["what", "by", "ms"], rows.map(({ what, by, ms }) => [what, by, ms.toFixed(3)])));
}

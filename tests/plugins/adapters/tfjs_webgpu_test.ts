/**
 * The adapter for TensorFlow.js on a GPU, where parameters, gradients and moments stay on the device of tfjs' own backend.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import { readDigits, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createModel, update } from "../../../examples/tfjs/network.ts";
import { builtins, type Settings } from "../../../mod.ts";
import { bind, registerTfOptimizer, tfOptimizer, type WithBound } from "../../../plugins/adapters/tfjs/mod.ts";
import { missing } from "../../webgpu.ts";

/** tfjs' backend, as far as it is asked here. */
interface Gpu {
  readonly device: GPUDevice;
  readonly tensorMap: { get(dataId: object): { readonly values: unknown } };
}

if (missing === undefined) await import("@tensorflow/tfjs-backend-webgpu");
else test.skip(`WebGPU: ${missing}`, () => {});

/** A test on tfjs' device, whose validation errors fail it; afterwards there are as many tensors as before. */
function onTfjs(name: string, run: (gpu: Gpu) => Promise<void>): void {
  if (missing !== undefined) return void test.skip(name, () => {});
  test(name, async () => {
    assert(await tf.setBackend("webgpu"));
    const gpu = tf.backend() as unknown as Gpu;
    const said: string[] = [];
    const device = gpu.device as unknown as EventTarget;
    device.addEventListener("uncapturederror", (event) => said.push((event as unknown as { readonly error: Error }).error.message));
    const before = tf.memory().numTensors;
    await run(gpu);
    assertEquals(tf.memory().numTensors, before);
    await gpu.device.queue.onSubmittedWorkDone();
    assertEquals(said, []);
  });
}

const numbers = (count: number, seed: number): Float32Array => {
  const generator = createGenerator(seed);
  return Float32Array.from({ length: count }, () => generator.within(1));
};
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
const variable = (name: string, shape: number[], seed: number): tf.Variable =>
  tf.tidy(() => tf.variable(tf.tensor(numbers(sizeOf(shape), seed), shape), true, name));
/** A tensor that was computed: on the device, unless it is so small that tfjs computes it on the CPU. */
const computed = (shape: number[], seed: number): tf.Tensor => tf.tidy(() => tf.mul(tf.tensor(numbers(sizeOf(shape), seed), shape), 2));
const doubled = (shape: number[], seed: number): Float32Array => numbers(sizeOf(shape), seed).map((x) => 2 * x);
const valuesOf = async (tensor: tf.Tensor): Promise<number[]> => [...await tensor.data()];

onTfjs("bind() on tfjs-webgpu: steps are those of an optimizer over arrays, read nothing back, and leave no tensor behind", async (gpu) => {
  using backend = await createWebGpuBackend({ device: gpu.device });
  const settings = { groups: [{ match: "bias$", options: { weightDecay: 0 } }] } satisfies Settings<{ weightDecay?: number }>;
  const shapes: Record<string, number[]> = { kernel: [33, 7], bias: [7], scale: [] };
  const names = Object.keys(shapes);
  const variables = names.map((name, i) => variable(name, shapes[name], i));
  const arrays = Object.fromEntries(names.map((name, i) => [name, { data: numbers(sizeOf(shapes[name]), i), shape: shapes[name] }]));
  using optimizer = builtins.createOptimizer("adamw", arrays, { lr: 0.1, weightDecay: 0.1 }, settings);
  const bound = bind(variables, "adamw", { lr: 0.1, weightDecay: 0.1 }, { ...settings, backend, tf });
  for (let step = 1; step <= 4; step++) {
    const grads = Object.fromEntries(names.map((name, i) => [name, computed(shapes[name], 10 * step + i)]));
    for (const one of variables) await one.data(); // which tfjs keeps
    const { numTensors } = tf.memory();
    bound.step(grads);
    assertEquals(tf.memory().numTensors, numTensors);
    for (const grad of Object.values(grads)) assertEquals(gpu.tensorMap.get(grad.dataId).values ?? null, null);
    optimizer.step(Object.fromEntries(names.map((name, i) => [name, doubled(shapes[name], 10 * step + i)])));
    tf.dispose(grads);
  }
  assertEquals(await bound.optimizer.sync(), { applied: true, step: 4 });
  const { roundsDivision, roundsSqrt, keepsNonFinite, contracts, flushesSubnormals } = backend.arithmetic;
  const isPlain = roundsDivision && roundsSqrt && keepsNonFinite && !contracts && !flushesSubnormals;
  for (const [i, name] of names.entries()) {
    const found = await valuesOf(variables[i]);
    if (isPlain) assertEquals(found, [...arrays[name].data]);
    else found.forEach((x, j) => assert(Math.abs(x - arrays[name].data[j]) < 1e-4));
  }
  const state = await bound.saveStateAsync();
  assertEquals(Object.keys(state.tensors).length, 4 * 3);
  assertThrows(() => bound.saveState(), TypeError, "saveStateAsync");
  bound.dispose();
  tf.dispose(variables);
});

onTfjs(
  "bind() on tfjs-webgpu: clones and what was read stay as they are, what is assigned is gone on from, and all outlives the optimizer",
  async (gpu) => {
    using backend = await createWebGpuBackend({ device: gpu.device });
    const one = variable("one", [5], 1);
    const bound = bind([one], "sgd", { lr: 1 }, { backend, tf });
    const grad = tf.ones([5]);
    const kept: [tf.Tensor, number[]][] = [];
    for (let step = 0; step < 3; step++) {
      const tensor = step === 1 ? tf.reshape(one, [5, 1]) : tf.clone(one);
      kept.push([tensor, await valuesOf(one)]);
      bound.step({ one: grad });
    }
    assertEquals(await valuesOf(one), kept[2][1].map((x) => Math.fround(x - 1)));
    const fresh = computed([5], 7);
    one.assign(fresh);
    bound.step({ one: grad });
    const end = [...doubled([5], 7)].map((x) => Math.fround(x - 1));
    assertEquals(await valuesOf(one), end);
    const last = tf.clone(one);
    bound.dispose();
    for (const [tensor, values] of [...kept, [last, end], [one, end]] as const) {
      // Computed from it on the device, and not what tfjs may have kept of it here.
      const twice = tf.mul(tensor, 2);
      assertEquals(await valuesOf(twice), values.map((x) => 2 * x));
      twice.dispose();
    }
    tf.dispose([one, grad, fresh, last, ...kept.map(([tensor]) => tensor)]);
  },
);

onTfjs("bind() on tfjs-webgpu without a backend: what tfjs cannot read at once is told with what to do, and changes nothing", async () => {
  const one = variable("one", [3, 1], 1);
  // tfjs multiplies matrices on the device, where it takes other operations on so few numbers here.
  const grad = tf.tidy(() => tf.matMul(tf.ones([3, 8]), tf.ones([8, 1])));
  const bound = bind([one], "sgd", { lr: 1 }, { tf });
  const error = assertThrows(() => bound.step({ one: grad }), TypeError, "await its data() before");
  assertMatch(error.message, /^Cannot read a tensor of tfjs at once \(.+\).*createWebGpuBackend\(\{ device: tf\.backend\(\)\.device \}\)$/);
  assertEquals(bound.optimizer.steps, 0);
  await grad.data();
  assertEquals(bound.step({ one: grad }), { applied: true, step: 1 });
  assertEquals(await valuesOf(one), [...numbers(3, 1).map((x) => x - 8)]);
  bound.dispose();
  tf.dispose([one, grad]);
});

onTfjs("bind() on tfjs-webgpu: a step that is held back moves nothing, which sync() tells; at() shows another point", async (gpu) => {
  using backend = await createWebGpuBackend({ device: gpu.device });
  const one = variable("one", [3], 1);
  const transforms = [{ name: "skip_nonfinite" }, { name: "ema", options: { decay: 0.5 } }];
  const bound = bind([one], "sgd", { lr: 1 }, { backend, tf, transforms });
  const [bad, good] = [tf.tensor1d([NaN, 1, 1]), tf.ones([3])];
  bound.step({ one: bad });
  assertEquals(await bound.optimizer.sync(), { applied: false, step: 0, skipped: "skip_nonfinite" });
  assertEquals(await valuesOf(one), [...numbers(3, 1)]);
  for (let step = 0; step < 2; step++) bound.step({ one: good });
  const here = await valuesOf(one);
  const there = await bound.at("ema", () => valuesOf(one));
  assertNotEquals(there, here);
  assertEquals(await valuesOf(one), here);
  bound.dispose();
  tf.dispose([one, bad, good]);
});

onTfjs(
  "tfOptimizer() on tfjs-webgpu: the digits' losses are those of tfjs' Adam to 2e-5, and a model that is loaded goes on to the bit",
  async (gpu) => {
    using backend = await createWebGpuBackend({ device: gpu.device });
    const digits = await readDigits(await readFile(new URL("../../../examples/digits/data/digits.csv.gz", import.meta.url)));
    const adam = tf.train.adam(1e-3);
    const optimizer = tfOptimizer(tf, "adam", { lr: 1e-3, eps: 1e-7 }, { backend });
    const [ours, theirs] = [createModel(optimizer), createModel(adam)];
    const batches = shuffledBatches(digits.training, 32, createGenerator(1))[Symbol.iterator]();
    for (let i = 0; i < 10; i++) {
      const batch = batches.next().value!;
      const [a, b] = [await update(ours, batch), await update(theirs, batch)];
      assert(Math.abs(a / b - 1) < 2e-5, `${a} beside ${b}`);
    }
    let saved: tf.io.ModelArtifacts | undefined;
    const handler = tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
    });
    await ours.save(handler, { includeOptimizer: true });
    registerTfOptimizer(tf, { backend });
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!)) as layers.Sequential;
    for (let i = 0; i < 3; i++) {
      const batch = batches.next().value!;
      assertEquals(await update(loaded, batch), await update(ours, batch));
    }
    assertEquals((loaded.optimizer as unknown as WithBound).bound!.optimizer.steps, 13);
    for (const one of [optimizer, loaded.optimizer, adam, ours, theirs, loaded]) one.dispose();
  },
);

onTfjs("bind() refuses a device without tfjs' namespace, and one that is not tfjs' own", async (gpu) => {
  using backend = await createWebGpuBackend({ device: gpu.device });
  using other = await createWebGpuBackend();
  const one = variable("one", [2], 1);
  assertThrows(() => bind([one], "sgd", {}, { backend }), TypeError, "without the setting tf");
  assertThrows(() => bind([one], "sgd", {}, { backend: other, tf }), TypeError, "device: tf.backend().device");
  const bound = bind([one], "sgd", {}, { backend, tf });
  await tf.setBackend("cpu");
  assertThrows(() => bound.step({ one: [1, 2] }), TypeError, "device: tf.backend().device");
  await tf.setBackend("webgpu");
  await assertRejects(() => bound.at("ema", () => 1), TypeError, "ema");
  bound.dispose();
  one.dispose();
});

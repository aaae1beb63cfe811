/**
 * The adapter for onnxruntime on a GPU: parameters, gradients and moments stay on the device of onnxruntime's own execution provider.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { aboutOf } from "../../../core/errors.ts";
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import { builtins, type WebGpuBackend } from "../../../mod.ts";
import {
  bind,
  createParameters,
  gradients,
  type OnnxModel,
  type OnnxSession,
  type OnnxTensor,
} from "../../../plugins/adapters/onnxruntime.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { isDawn } from "../../dawn.ts";
import { root } from "../../generated.ts";
import { missing, reads, withBackend } from "../../webgpu.ts";

/** A tensor that can be read wherever it lies. */
interface Readable extends OnnxTensor {
  getData(release?: boolean): Promise<Float32Array>;
  dispose(): void;
}
type Session = OnnxSession & OnnxModel<Readable>;
interface Ort {
  readonly env: { readonly wasm: { numThreads: number }; readonly webgpu: { readonly device: GPUDevice } };
  readonly Tensor: {
    new (type: string, data: Float32Array | Int32Array, dims: readonly number[]): Readable;
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: string; dims: readonly number[] }): Readable;
  };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

/** Why these tests are skipped. Bun runs them on the package that refuses onnxruntime in Node. */
const why = missing ??
  (isDawn && !("Bun" in globalThis) ? "in Node Dawn's package refuses how onnxruntime-web writes buffers (Invalid argument)" : undefined);
if (why !== undefined) test.skip(`WebGPU: ${why}`, () => {});

const model = await readFile(join(root, "examples/onnx/digits.onnx"));
// A name that no type check looks for.
const packageName: string = "onnxruntime-web/webgpu";

/** Onnxruntime with a session whose outputs stay on its device. */
async function open(): Promise<{ readonly ort: Ort; readonly session: Session; readonly device: GPUDevice }> {
  const ort: Ort = await import(packageName);
  ort.env.wasm.numThreads = 1; // its workers would keep the runtimes' tests from ending
  const options = { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer", logSeverityLevel: 3 };
  const session = await ort.InferenceSession.create(model, options);
  return { ort, session, device: await ort.env.webgpu.device };
}

/** A test on onnxruntime's device, whose validation errors fail it. */
function onOnnxruntimes(name: string, run: (of: Awaited<ReturnType<typeof open>>, backend: WebGpuBackend) => Promise<void>): void {
  if (why !== undefined) return void test.skip(name, () => {});
  test(name, async () => {
    const opened = await open();
    await withBackend((backend) => run(opened, backend), opened.device);
  });
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

/** The same numbers for each call. */
function start(): (name: string, shape: readonly number[]) => Float32Array {
  const generator = createGenerator(5);
  return (_, shape) => Float32Array.from({ length: sizeOf(shape) }, () => generator.within(0.2));
}

/** A batch, the same each time. */
function batch(ort: Ort): Record<"x" | "y", Readable> {
  const generator = createGenerator(7);
  return {
    x: new ort.Tensor("float32", Float32Array.from({ length: 8 * 64 }, () => generator.within(1)), [8, 64]),
    y: new ort.Tensor("int32", Int32Array.from({ length: 8 }, (_, i) => i), [8]),
  };
}

/** What a tensor on a device holds. Its own `getData` would take it from there. */
async function read(device: GPUDevice, { gpuBuffer, dims }: OnnxTensor): Promise<Float32Array> {
  const size = 4 * sizeOf(dims);
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(gpuBuffer as GPUBuffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return values;
}

const options = { lr: 0.01, weightDecay: 0.1 };
const settings = {
  groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
};

onOnnxruntimes(
  "bind() on onnxruntime's GPU: updates match those of an optimizer over arrays to 1e-5, read nothing back, and dispose gradients",
  async ({ ort, session, device }, backend) => {
    const params = createParameters(ort, session, start(), { backend });
    const values = start();
    const plain = Object.fromEntries(
      Object.entries(params).map(([name, { dims }]) => [name, { data: values(name, dims), shape: dims }]),
    );
    assertEquals(params["layer1.bias"].location, "gpu-buffer");
    assertEquals(await read(device, params["layer1.bias"]), plain["layer1.bias"].data);
    using bound = bind(params, "adamw", options, { ...settings, backend });
    using optimizer = builtins.createOptimizer("adamw", plain, options, settings);

    let given: Readonly<Record<string, Readable>> = {};
    const watched: OnnxModel<Readable> = {
      inputNames: session.inputNames,
      outputNames: session.outputNames,
      run: async (feeds, fetches) => given = await session.run(feeds, fetches),
    };
    const losses: number[] = [];
    for (let step = 1; step <= 4; step++) {
      // Beside it, from the same gradients, in arrays.
      const outputs = await session.run({ ...batch(ort), ...params }, session.outputNames);
      const read = await Promise.all(Object.keys(plain).map(async (name) => [name, await outputs[`${name}.grad`].getData(true)] as const));
      losses.push((await outputs.loss.getData(true))[0]);
      outputs.said.dispose();
      const { applied, step: counted, outputs: kept } = await bound.update(watched, batch(ort), ["loss"]);
      assertEquals([applied, counted, Object.keys(kept), kept.loss.location], [true, step, ["loss"], "gpu-buffer"]);
      assertEquals(new Set(Object.keys(plain).map((name) => given[`${name}.grad`].location)), new Set(["none"]));
      kept.loss.dispose();
      optimizer.step(Object.fromEntries(read));
    }
    assert(losses.every((loss, i) => i === 0 || loss < losses[i - 1]), losses.join(" "));
    for (const [name, { data }] of Object.entries(plain)) {
      const moved = await read(device, params[name]);
      data.forEach((x, i) => assert(Math.abs(x - moved[i]) < 1e-5, `${name}[${i}]: ${moved[i]}, and over arrays ${x}`));
    }
    // What onnxruntime has no kernels for goes through the CPU within the graph, log-softmax here; the update reads nothing beside.
    const asRun = await reads(async () => {
      const outputs = await session.run({ ...batch(ort), ...params }, session.outputNames.slice(2));
      for (const output of Object.values(outputs)) output.dispose();
    });
    for (let i = 0; i < 3; i++) assertEquals(await reads(() => bound.update(session, batch(ort), [])), asRun);
    assertEquals(await reads(() => read(device, params["layer1.bias"])), 1);
    assertEquals(await bound.optimizer.sync(), { applied: true, step: 7 });
    assertEquals(Object.keys((await bound.optimizer.saveStateAsync()).tensors).length, 4 * 4);
    for (const one of Object.values(params)) one.dispose();
  },
);

onOnnxruntimes(
  "Bound.step() on onnxruntime's GPU: outputs may go at once, gradients may lie on the CPU, and null stands still",
  async ({ ort, session, device }, backend) => {
    const [first, second] = [0, 1].map(() => createParameters(ort, session, start(), { backend }));
    const bounds = [first, second].map((of) => bind(of, "sgd", { lr: 0.5 }, { backend }));
    const [before, begun] = await Promise.all([first["layer2.bias"], first["layer1.bias"]].map((one) => read(device, one)));
    for (let i = 0; i < 3; i++) {
      const outputs = await session.run({ ...batch(ort), ...first }, session.outputNames);
      const onCpu: Record<string, OnnxTensor | null> = {};
      for (const [name, output] of Object.entries(outputs)) {
        onCpu[name] = new ort.Tensor("float32", await read(device, output), output.dims);
      }
      bounds[0].step({ ...outputs, "layer2.bias.grad": null });
      for (const output of Object.values(outputs)) output.dispose();
      bounds[1].step({ ...onCpu, "layer2.bias.grad": null });
    }
    for (const [name, one] of Object.entries(first)) assertEquals(await read(device, one), await read(device, second[name]));
    assertEquals(await read(device, first["layer2.bias"]), before);
    assertEquals((await read(device, first["layer1.bias"])).some((x, i) => x !== begun[i]), true);
    for (const bound of bounds) bound.dispose();
    for (const one of [...Object.values(first), ...Object.values(second)]) one.dispose();
  },
);

onOnnxruntimes("gradients() on onnxruntime's GPU go to a trainer that accumulates there", async ({ ort, session, device }, backend) => {
  const params = createParameters(ort, session, start(), { backend });
  const tensors = Object.fromEntries(
    Object.entries(params).map(([name, { gpuBuffer, dims }]) => [name, { buffer: gpuBuffer as GPUBuffer, shape: dims }]),
  );
  using trainer = builtins.createTrainer(tensors, {
    optimizer: { name: "sgd", options: { lr: 0.1 } },
    accumulate: { name: "mean", options: { every: 2 } },
  }, { backend });
  const before = await read(device, params["layer2.bias"]);
  for (let i = 0; i < 2; i++) {
    const outputs = await session.run({ ...batch(ort), ...params }, session.outputNames);
    trainer.add(gradients(outputs, trainer.optimizer.params));
    for (const output of Object.values(outputs)) output.dispose();
  }
  assertEquals(trainer.steps, 1);
  const after = await read(device, params["layer2.bias"]);
  assert(before.some((x, i) => x !== after[i]));
  for (const one of Object.values(params)) one.dispose();
});

onOnnxruntimes(
  "bind() refuses what lies elsewhere than the backend works, and says where it must",
  async ({ ort, session, device }, backend) => {
    const params = createParameters(ort, session, start(), { backend });
    const here = createParameters(ort, session, start());
    const refuses = (run: () => unknown, says: string, tensor?: string): void => {
      assertEquals(aboutOf(assertThrows(run, TypeError, says)).tensor, tensor);
    };
    refuses(() => bind(params, "sgd", {}), "createWebGpuBackend({ device: await ort.env.webgpu.device })", "layer1.weight");
    refuses(() => bind(here, "sgd", {}, { backend }), "lies on this host, and the optimizer works on a GPU", "layer1.weight");
    refuses(() => bind({ w: new Float32Array(2) }, "sgd", {}, { backend }), "lies on this host", "w");
    using onHost = bind(here, "sgd", {});
    const outputs = await session.run({ ...batch(ort), ...params }, session.outputNames);
    refuses(() => onHost.step(outputs), 'gradient of "layer1.weight": it lies in "gpu-buffer"', "layer1.weight");
    for (const output of Object.values(outputs)) output.dispose();
    const withoutGpu = { Tensor: class extends ort.Tensor {} };
    Object.defineProperty(withoutGpu.Tensor, "fromGpuBuffer", { value: undefined });
    assertThrows(() => createParameters(withoutGpu, session, start(), { backend }), TypeError, "no Tensor.fromGpuBuffer");

    const own = { w: ort.Tensor.fromGpuBuffer(params["layer2.bias"].gpuBuffer as GPUBuffer, { dataType: "float32", dims: [10] }) };
    using bound = bind(own, "sgd", {}, { backend });
    Object.defineProperty(own.w, "location", { value: "cpu" }); // as after getData
    const one = { inputNames: ["w"], outputNames: ["w.grad"], run: () => Promise.reject(new Error("it ran")) };
    await assertRejects(() => bound.update(one, {}), TypeError, "saveStateAsync");

    // A backend on another device: nothing moves.
    using other = await createWebGpuBackend();
    using foreign = bind(params, "sgd", { lr: 1 }, { backend: other });
    const before = await read(device, params["layer2.bias"]);
    await assertRejects(() => foreign.update(session, batch(ort), ["loss"]), TypeError, "tensors of several devices");
    assertEquals(foreign.optimizer.steps, 0);
    assertEquals(await read(device, params["layer2.bias"]), before);
    assert(other.device !== device);
    for (const one of Object.values(params)) one.dispose();
  },
);

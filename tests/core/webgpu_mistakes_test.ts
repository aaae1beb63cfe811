/**
 * What callers do wrong with a device, or do to it: what they are told, and that nothing else suffers.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { builtins } from "../../mod.ts";
import { createWebGpuBackend } from "../../core/webgpu.ts";
import type { Optimizer, StateDict, WebGpuBackend } from "../../core/types.ts";
import { gpuTest, missing, onGpu } from "../webgpu.ts";

if (missing !== undefined) test.skip(`WebGPU is missing: ${missing}`, () => {});

const storage = 0x80, copies = 0x4 | 0x8; // STORAGE, COPY_SRC | COPY_DST

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >> 8) / 2 ** 22);

const bits = (state: StateDict): unknown =>
  Object.fromEntries(Object.entries(state.tensors).map(([key, { data, shape, dtype }]) => [key, [dtype, shape, [...data]]]));

const bufferOf = (backend: WebGpuBackend, size: number): GPUBuffer =>
  (backend.device as GPUDevice).createBuffer({ size, usage: storage | copies });

for (const transforms of [[], [{ name: "skip_nonfinite" }]] as const) {
  gpuTest(
    `A refused step leaves numbers that stay with the host where they were${transforms.length > 0 ? ", in the middle of others" : ""}`,
    onGpu(async (backend) => {
      const settings = { transforms: [...transforms] };
      // nadam multiplies a number with each step: not of the device's, and not a count.
      using optimizer = builtins.createOptimizer("nadam", { w: numbers(8, 1) }, {}, { backend, ...settings });
      using host = builtins.createOptimizer("nadam", { w: numbers(8, 1) }, {}, { backend: "js", ...settings });
      for (const one of [optimizer, host]) one.step({ w: numbers(8, 2) });
      await optimizer.sync();
      const gone = bufferOf(backend, 32);
      gone.destroy();
      optimizer.step({ w: { buffer: gone, shape: [8] } });
      await assertRejects(() => optimizer.sync(), Error, "The device refused");
      assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
      for (const one of [optimizer, host]) one.step({ w: numbers(8, 3) });
      assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
    }),
  );
}

gpuTest(
  "A buffer of another device's is refused by the device, and the optimizer goes on",
  onGpu(async (backend) => {
    using other = await createWebGpuBackend();
    using optimizer = builtins.createOptimizer("nadam", { w: numbers(8, 1) }, {}, { backend });
    optimizer.step({ w: { buffer: bufferOf(other, 32), shape: [8] } });
    await assertRejects(() => optimizer.sync(), Error, "The device refused");
    assertEquals(optimizer.steps, 0);
    using host = builtins.createOptimizer("nadam", { w: numbers(8, 1) }, {}, { backend: "js" });
    for (const one of [optimizer, host]) one.step({ w: numbers(8, 3) });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "Of two optimizers on one device the one whose step was refused takes it back, whoever was told",
  onGpu(async (backend) => {
    using one = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    using two = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    const gone = bufferOf(backend, 32);
    gone.destroy();
    for (let t = 0; t < 3; t++) {
      one.step({ w: t === 2 ? { buffer: gone, shape: [8] } : numbers(8, t) });
      two.step({ w: numbers(8, t) });
    }
    await assertRejects(() => two.sync(), Error, "The device refused");
    assertEquals(await one.sync(), { applied: false, step: 2 });
    two.step({ w: numbers(8, 9) });
    assertEquals(await two.sync(), { applied: true, step: 4 });
  }),
);

gpuTest(
  "Tensors of no elements lie anywhere, also at a buffer's end and in an empty one",
  onGpu(async (backend) => {
    const buffer = bufferOf(backend, 32), empty = bufferOf(backend, 0);
    const params = { a: { buffer, shape: [8] }, b: { buffer, offset: 32, shape: [0] }, c: { buffer: empty, shape: [3, 0] } };
    using optimizer = builtins.createOptimizer("adafactor", params, {}, { backend });
    optimizer.step({ a: numbers(8, 1), b: new Float32Array(0), c: new Float32Array(0) });
    assertEquals(await optimizer.sync(), { applied: true, step: 1 });
    await optimizer.saveStateAsync();
  }),
);

gpuTest(
  "A thousand steps without a word, and states asked for in between, are those of backend js",
  onGpu(async (backend) => {
    using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    using host = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend: "js" });
    const coming: Promise<StateDict>[] = [], expected: StateDict[] = [];
    for (let t = 0; t < 1000; t++) {
      for (const one of [optimizer, host]) one.step({ w: numbers(8, t) });
      if (t % 250 < 2) coming.push(optimizer.saveStateAsync()), expected.push(host.saveState());
    }
    assertEquals((await Promise.all(coming)).map(bits), expected.map(bits));
    assertEquals(await optimizer.sync(), { applied: true, step: 1000 });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "More steps that may be held back than rows are refused, and sync() makes room",
  onGpu(async (backend) => {
    using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, {
      backend,
      transforms: [{ name: "skip_nonfinite" }],
    });
    for (let t = 0; t < 256; t++) optimizer.step({ w: numbers(8, t) });
    assertThrows(() => optimizer.step({ w: numbers(8, 1) }), Error, "await sync() in between");
    assertEquals(await optimizer.sync(), { applied: true, step: 256 });
    optimizer.step({ w: numbers(8, 1) });
    assertEquals(await optimizer.sync(), { applied: true, step: 257 });
  }),
);

gpuTest(
  "A device that ends at any moment of a save leaves a state or a clear error",
  onGpu(async () => {
    for (let ticks = 0; ticks < 24; ticks++) {
      const backend = await createWebGpuBackend();
      const optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
      optimizer.step({ w: numbers(8, 2) });
      const coming = optimizer.saveStateAsync().then(() => "", (error: Error) => error.message);
      for (let i = 0; i < ticks; i++) await (i % 4 === 3 ? new Promise((go) => setTimeout(go, 0)) : null);
      (backend.device as GPUDevice).destroy();
      const said = await coming;
      assert(said === "" || said.includes("the device was lost"), `after ${ticks}: ${said}`);
      optimizer.dispose();
      optimizer.dispose();
      backend.dispose();
      backend.dispose();
    }
  }),
);

gpuTest(
  "Optimizers and backends that go while a state is coming leave the state, or a clear error",
  onGpu(async (backend) => {
    const made = (): Optimizer => builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend }) as Optimizer;
    const [one, two] = [made(), made()];
    for (const optimizer of [one, two]) optimizer.step({ w: numbers(8, 2) });
    const coming = one.saveStateAsync();
    one.dispose();
    assertEquals((await coming).tensors.w.data.length, 8);
    const late = two.saveStateAsync();
    backend.dispose();
    await (backend.device as GPUDevice).lost;
    assertThrows(() => two.step({ w: numbers(8, 3) }), TypeError, "disposed");
    await assertRejects(() => two.saveStateAsync(), TypeError, "disposed");
    const said = await late.then(() => "", (error: Error) => error.message);
    assert(said === "" || said.includes("disposed"), said);
  }),
);

gpuTest(
  "A device that allows no more than it must runs what may be held back over thousands of tensors",
  onGpu(async (own) => {
    const adapter = (await (navigator as Navigator & { gpu: GPU }).gpu.requestAdapter())!;
    const device = await adapter.requestDevice();
    const said: string[] = [];
    device.addEventListener("uncapturederror", (event) => said.push((event as GPUUncapturedErrorEvent).error.message));
    assert(own.device !== device && device.limits.maxStorageBufferBindingSize === 2 ** 27);
    {
      using backend = await createWebGpuBackend({ device });
      const params = Object.fromEntries(Array.from({ length: 2100 }, (_, i) => [`w${i}`, numbers(1, i)]));
      using optimizer = builtins.createOptimizer("sgd", params, { lr: 0.1 }, { backend, transforms: [{ name: "skip_nonfinite" }] });
      optimizer.step(Object.fromEntries(Object.keys(params).map((name) => [name, numbers(1, 1)])));
      assertEquals(await optimizer.sync(), { applied: true, step: 1 });
    }
    device.destroy();
    assertEquals(said, []);
  }),
);

/**
 * Optimizers on backend "webgpu": what stays on the device, what comes back and when, and what is refused before anything is encoded. That its numbers are
 * right for every built-in plugin is in tests/plugins/webgpu_test.ts.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { builtins, createOptimizer } from "../../mod.ts";
import { createWebGpuBackend } from "../../core/webgpu.ts";
import type { DeviceTensor, Grads, Optimizer, StateDict, Tensor, Trainer, WebGpuBackend } from "../../core/types.ts";
import { isDawn } from "../dawn.ts";
import { gpuTest, missing, onGpu } from "../webgpu.ts";
import { random } from "../kernels/random_text.ts";
import { descent } from "./plugins.ts";

if (missing !== undefined) test.skip(`WebGPU is missing: ${missing}`, () => {});

const registry = builtins.with(descent);

/** Numbers that are the same everywhere. */
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >> 8) / 2 ** 22);

const storage = 0x80, copies = 0x4 | 0x8; // STORAGE, COPY_SRC | COPY_DST

/** Tensors in one buffer of the caller's, one after the other, at offsets that no binding may begin at. */
function inOneBuffer(backend: WebGpuBackend, arrays: readonly Float32Array[]): { buffer: GPUBuffer; tensors: DeviceTensor[] } {
  const device = backend.device as GPUDevice;
  const words = arrays.reduce((n, { length }) => n + length + 1, 1);
  const buffer = device.createBuffer({ size: 4 * words, usage: storage | copies });
  let at = 4;
  const tensors = arrays.map((array): DeviceTensor => {
    const offset = at;
    device.queue.writeBuffer(buffer, offset, array as Float32Array<ArrayBuffer>);
    at += 4 * (array.length + 1);
    return { buffer, offset, shape: [array.length] };
  });
  return { buffer, tensors };
}

const bits = (state: StateDict): unknown =>
  Object.fromEntries(Object.entries(state.tensors).map(([key, { data, shape, dtype }]) => [key, [dtype, shape, [...data]]]));

/** The same steps on backend "js", over arrays. */
function onHost(name: "adamw_torch" | "nadam", w: Float32Array, grads: readonly Float32Array[], options: object = {}): Optimizer {
  const optimizer = builtins.createOptimizer(name, { w }, options, { backend: "js" }) as Optimizer;
  for (const g of grads) optimizer.step({ w: g });
  return optimizer;
}

gpuTest(
  "Arrays are moved on the device and come back with sync(), to the bits of backend js",
  onGpu(async (backend) => {
    const grads = [1, 2, 3].map((t) => numbers(1000, t));
    const [w, expected] = [numbers(1000, 9), numbers(1000, 9)];
    using optimizer = builtins.createOptimizer("adamw_torch", { w }, { lr: 0.01 }, { backend });
    for (const g of grads.slice(0, 2)) assertEquals(optimizer.step({ w: g }).applied, true);
    assertEquals(w, numbers(1000, 9), "nothing comes back before it is asked for");
    assert(optimizer.params.w.data === w);
    assertEquals(await optimizer.sync(), { applied: true, step: 2 });
    using host = onHost("adamw_torch", expected, grads.slice(0, 2), { lr: 0.01 });
    assertEquals(w, expected);
    // What the caller writes between a sync and a step counts, as on any backend.
    w[0] = expected[0] = 5;
    optimizer.step({ w: grads[2] });
    host.step({ w: grads[2] });
    await optimizer.sync();
    assertEquals(w, expected);
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "Parameters and gradients in the caller's buffers stay there, also several in one at any offset",
  onGpu(async (backend) => {
    const [v, w, g, h] = [numbers(7, 1), numbers(301, 2), numbers(7, 3), numbers(301, 4)];
    const { tensors: [dv, dw, dg, dh] } = inOneBuffer(backend, [v, w, g, h]);
    using optimizer = builtins.createOptimizer("adamw_torch", { v: dv, w: dw }, { lr: 0.01 }, { backend });
    using host = builtins.createOptimizer("adamw_torch", { v, w }, { lr: 0.01 }, { backend: "js" });
    for (let t = 0; t < 3; t++) {
      optimizer.step({ v: dg, w: dh });
      host.step({ v: g, w: h });
    }
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
    const { params, grads } = optimizer as unknown as { params: Record<string, DeviceTensor>; grads: Record<string, DeviceTensor> };
    assertEquals([params.w.buffer === dw.buffer, params.w.offset, params.w.shape, params.w.dtype], [true, dw.offset, [301], "float32"]);
    // Its own gradients are tensors of the device's too.
    (backend.device as GPUDevice).queue.writeBuffer(grads.v.buffer as GPUBuffer, grads.v.offset ?? 0, g as Float32Array<ArrayBuffer>);
    optimizer.step({ v: grads.v });
    host.step({ v: g });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "Gradients may come from ever other buffers, as arrays, as rows, and as lists",
  onGpu(async (backend) => {
    const w = numbers(12, 1);
    const { tensors: [dw] } = inOneBuffer(backend, [w]);
    const shaped = { ...dw, shape: [4, 3] };
    using optimizer = builtins.createOptimizer("nadam", { w: shaped }, {}, { backend });
    using host = builtins.createOptimizer("nadam", { w: { data: w, shape: [4, 3] } }, {}, { backend: "js" });
    for (let t = 0; t < 5; t++) {
      const { tensors: [g] } = inOneBuffer(backend, [numbers(12, t)]);
      optimizer.step({ w: { ...g, shape: [4, 3] } });
      host.step({ w: numbers(12, t) });
    }
    const rows = { indices: Int32Array.of(2, 0, 2), values: numbers(9, 7) };
    for (const g of [numbers(12, 8), rows, [...numbers(12, 9)]]) {
      optimizer.step({ w: g });
      host.step({ w: g });
    }
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

for (const name of ["adafactor", "came", "adamw_torch"] as const) {
  gpuTest(
    `${name} steps tensors that lie in one buffer together, to the bits that each has alone`,
    onGpu(async (backend) => {
      const shapes = [[7], [33, 20], [3, 5, 3], [70, 300], [], [1], [0], [129], [40, 40], [40, 40], [5, 1], [1, 1000]];
      const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
      const arrays = (seed: number): Record<string, Tensor> =>
        Object.fromEntries(shapes.map((shape, i) => [`w${i}`, { data: numbers(sizeOf(shape), seed + i), shape }]));
      const apart = arrays(1);
      const states: unknown[] = [];
      {
        using optimizer = builtins.createOptimizer(name, arrays(1), {}, { backend });
        for (let t = 0; t < 3; t++) optimizer.step(arrays(100 * t));
        states.push(Object.entries((await optimizer.saveStateAsync()).tensors).map(([key, { data }]) => [key, [...data]]));
      }
      // Memory that was given back is used again.
      using again = builtins.createOptimizer(name, arrays(1), {}, { backend });
      for (let t = 0; t < 3; t++) again.step(arrays(100 * t));
      states.push(Object.entries((await again.saveStateAsync()).tensors).map(([key, { data }]) => [key, [...data]]));
      const alone: [string, number[]][] = [];
      for (const [key, w] of Object.entries(apart)) {
        using optimizer = builtins.createOptimizer(name, { [key]: w }, {}, { backend });
        for (let t = 0; t < 3; t++) optimizer.step({ [key]: arrays(100 * t)[key] });
        for (const [key, { data }] of Object.entries((await optimizer.saveStateAsync()).tensors)) alone.push([key, [...data]]);
      }
      const inOrder = (state: unknown): unknown => new Map(state as [string, number[]][]);
      assertEquals(inOrder(states[0]), inOrder(alone));
      assertEquals(states[1], states[0]);
    }),
  );
}

gpuTest(
  "16-bit tensors of odd length agree with backend js",
  onGpu(async (backend) => {
    for (const dtype of ["bfloat16", "float16"] as const) {
      const data = (): Uint16Array => Uint16Array.from({ length: 7 }, (_, i) => (dtype === "bfloat16" ? 0x3f80 : 0x3c00) + 9 * i);
      const [w, expected] = [data(), data()];
      using optimizer = builtins.createOptimizer("adamw_torch", { w: { data: w, dtype } }, { lr: 0.1 }, { backend });
      using host = builtins.createOptimizer("adamw_torch", { w: { data: expected, dtype } }, { lr: 0.1 }, { backend: "js" });
      for (let t = 1; t < 4; t++) for (const one of [optimizer, host]) one.step({ w: numbers(7, t) });
      await optimizer.sync();
      assertEquals(w, expected, dtype);
      assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
    }
  }),
);

gpuTest(
  "saveState() is a TypeError; a saved state is loaded by either backend, and both go on alike",
  onGpu(async (backend) => {
    const w = numbers(50, 1);
    using optimizer = builtins.createOptimizer("nadam", { w }, {}, { backend });
    for (let t = 0; t < 3; t++) optimizer.step({ w: numbers(50, t) });
    assertThrows(() => optimizer.saveState(), TypeError, "saveStateAsync() waits for");
    const saved = await optimizer.saveStateAsync();
    const [v, u] = [new Float32Array(50), new Float32Array(50)];
    using other = builtins.createOptimizer("nadam", { w: v }, {}, { backend });
    using host = builtins.createOptimizer("nadam", { w: u }, {}, { backend: "js" });
    // A load in the middle of steps that nobody has waited for.
    other.step({ w: numbers(50, 5) });
    for (const one of [other, host]) one.loadState(saved);
    for (const one of [other, host]) one.step({ w: numbers(50, 7) });
    await other.sync();
    assertEquals(v, u);
    assertEquals(bits(await other.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "Numbers that follow from sums live on the device: they are saved, and a load puts them back",
  onGpu(async (backend) => {
    const make = (): Optimizer =>
      builtins.createOptimizer("prodigy", { w: numbers(50, 1) }, { d0: 1e-3 }, {
        backend,
        transforms: [{ name: "skip_nonfinite" }],
      }) as Optimizer;
    using one = make();
    using other = make();
    const fresh = await one.saveStateAsync();
    for (let t = 1; t < 4; t++) one.step({ w: numbers(50, t) });
    const saved = await one.saveStateAsync();
    assert(
      Object.keys(saved.tensors).some((key) => key.startsWith("group.0.") && saved.tensors[key].data[0] !== fresh.tensors[key].data[0]),
    );
    one.step({ w: numbers(50, 9).fill(NaN) });
    one.step({ w: numbers(50, 4) });
    await one.sync();
    one.step({ w: numbers(50, 5) });
    for (const optimizer of [one, other]) optimizer.loadState(saved);
    assertEquals(bits(await one.saveStateAsync()), bits(saved));
    for (const optimizer of [one, other]) optimizer.step({ w: numbers(50, 6) });
    assertEquals(bits(await one.saveStateAsync()), bits(await other.saveStateAsync()));
    // Also where the host knows of no number but those that are loaded.
    const last = await one.saveStateAsync();
    one.step({ w: numbers(50, 7) });
    one.loadState(last);
    assertEquals(bits(await one.saveStateAsync()), bits(last));
  }),
);

gpuTest(
  "A state is that of the moment at which it was asked for, whatever is submitted meanwhile",
  onGpu(async (backend) => {
    const w = numbers(50, 1);
    using optimizer = builtins.createOptimizer("adamw_torch", { w }, {}, { backend });
    using host = onHost("adamw_torch", numbers(50, 1), [numbers(50, 2)]);
    optimizer.step({ w: numbers(50, 2) });
    const coming = optimizer.saveStateAsync();
    optimizer.step({ w: numbers(50, 3) });
    assertEquals(bits(await coming), bits(host.saveState()));
    host.step({ w: numbers(50, 3) });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "A step with a number that is not finite is held back on the device, which counts t itself",
  onGpu(async (backend) => {
    const grads = [1, 2, 3, 4, 5, 6].map((t) => numbers(20, t));
    grads[1][3] = NaN;
    grads[4][0] = Infinity;
    const settings = { transforms: [{ name: "skip_nonfinite" }], schedules: { lr: (step: number) => 1 / (1 + step) } };
    const [w, expected] = [numbers(20, 9), numbers(20, 9)];
    using optimizer = builtins.createOptimizer("nadam", { w }, { lr: 0.1 }, { backend, ...settings });
    using host = builtins.createOptimizer("nadam", { w: expected }, { lr: 0.1 }, { backend: "js", ...settings });
    for (const g of grads.slice(0, 2)) for (const one of [optimizer, host]) one.step({ w: g });
    assertEquals(await optimizer.sync(), { applied: false, step: 1, skipped: "skip_nonfinite" });
    for (const g of grads.slice(2)) for (const one of [optimizer, host]) one.step({ w: g });
    assertEquals(optimizer.steps, 5, "as if all were applied, until it is asked");
    assertEquals(await optimizer.sync(), { applied: true, step: 4 });
    assertEquals(optimizer.steps, 4);
    assertEquals(w, expected);
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "What a step's numbers follow from may not change while it is not known what was held back",
  onGpu(async (backend) => {
    using optimizer = builtins.createOptimizer("adamw_torch", { v: numbers(4, 1), w: numbers(4, 2) }, {}, {
      backend,
      transforms: [{ name: "skip_nonfinite" }],
    });
    const both = { v: numbers(4, 3), w: numbers(4, 4) };
    optimizer.step(both);
    assertThrows(() => optimizer.step({ v: both.v }), TypeError, "other parameters have gradients now; await sync() first");
    optimizer.options.lr = 0.1;
    assertThrows(() => optimizer.step(both), TypeError, "options have changed since; await sync() first");
    await optimizer.sync();
    optimizer.step({ v: both.v });
    assertEquals(await optimizer.sync(), { applied: true, step: 2 });
  }),
);

gpuTest(
  "Groups, transforms, entries and points run on the device; a point's tensors lie there",
  onGpu(async (backend) => {
    const make = (settings: object, w: Float32Array | DeviceTensor, v: Float32Array | DeviceTensor) =>
      registry.createOptimizer("schedule_free_adamw", { v, w }, { warmupSteps: 2, lr: 0.1 }, {
        groups: [{ match: "v", options: { lr: 0.3 } }],
        transforms: [{ name: "clip_value", options: { value: 0.2 } }],
        ...settings,
      });
    const [v, w] = [numbers(6, 1), numbers(9, 2)];
    const { tensors: [dv, dw] } = inOneBuffer(backend, [v, w]);
    using optimizer = make({ backend }, dw, dv);
    using host = make({ backend: "js" }, w, v);
    for (let t = 0; t < 3; t++) for (const one of [optimizer, host]) one.step({ v: numbers(6, t), w: numbers(9, t) });
    const into = backend.allocate([9]);
    const point = optimizer.point("eval", { w: into }) as unknown as Record<string, DeviceTensor>;
    assert(point.w.buffer === into.buffer);
    const fresh = optimizer.point("eval") as unknown as Record<string, DeviceTensor>;
    const read = async (tensor: DeviceTensor): Promise<number[]> => {
      using copy = registry.createOptimizer("descent", { x: tensor }, { lr: 1 }, { backend });
      return [...(await copy.saveStateAsync()).tensors.x.data];
    };
    const expected = host.point("eval");
    assertEquals([await read(into), await read(fresh.w), await read(fresh.v)], [[...expected.w.data], [...expected.w.data], [
      ...expected.v.data,
    ]]);
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
    assertThrows(() => optimizer.point("eval", { w: new Float32Array(9) }), TypeError, "must be a tensor of the device's");
  }),
);

gpuTest(
  "An entry fills a slot without a step, and sums over tensors come near",
  onGpu(async (backend) => {
    const [w, u] = [numbers(9, 1), numbers(9, 1)];
    using optimizer = builtins.createOptimizer("sophia", { w }, {}, {
      backend,
      transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
    });
    using host = builtins.createOptimizer("sophia", { w: u }, {}, {
      backend: "js",
      transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
    });
    for (const one of [optimizer, host]) {
      one.step({ w: numbers(9, 3) });
      one.run("hessian", { w: numbers(9, 2) });
      one.step({ w: numbers(9, 4) });
    }
    assertEquals(optimizer.transforms[0].readings().norm, null, "not before it is asked for");
    await optimizer.sync();
    w.forEach((x, i) => assert(Math.abs(x - u[i]) <= 1e-6 * Math.abs(u[i])));
    const [{ norm }, { norm: expected }] = [optimizer, host].map((one) => one.transforms[0].readings());
    assert(Math.abs(norm! - expected!) < 1e-6 * expected!);
  }),
);

gpuTest(
  "Parameters come later, and an optimizer with arrays and buffers together",
  onGpu(async (backend) => {
    const [v, w] = [numbers(5, 1), numbers(6, 2)];
    const { tensors: [dw] } = inOneBuffer(backend, [w]);
    using optimizer = builtins.createOptimizer("adamw_torch", { v: v.slice() }, {}, { backend });
    using host = builtins.createOptimizer("adamw_torch", { v }, {}, { backend: "js" });
    for (const one of [optimizer, host]) one.step({ v: numbers(5, 3) });
    optimizer.add({ w: dw });
    host.add({ w });
    for (const one of [optimizer, host]) one.step({ v: numbers(5, 4), w: numbers(6, 5) });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

for (const name of ["sum", "mean"] as const) {
  gpuTest(
    `${name} gathers gradients on the device, whatever they lie in, to the bits of backend js`,
    onGpu(async (backend) => {
      const params = { v: { data: numbers(12, 1), shape: [4, 3] }, w: numbers(5000, 2) };
      const make = (on: "js" | WebGpuBackend) => {
        const recipe = { optimizer: { name: "adamw_torch" }, accumulate: { name, options: { every: null } } };
        return builtins.createTrainer(structuredClone(params), recipe, { backend: on });
      };
      using trainer = make(backend);
      using host = make("js");
      const { tensors: [v, w] } = inOneBuffer(backend, [numbers(12, 3), numbers(5000, 4)]);
      const rows = { indices: Int32Array.of(1, 1), values: numbers(6, 5) };
      const low = { data: Uint16Array.of(...Array(12).fill(0x3f91)), dtype: "bfloat16" as const, shape: [4, 3] };
      const add = (t: Trainer, grads: Grads, weight: number): unknown => t.add(grads, weight);
      for (const one of [trainer, host]) {
        const mine = one === trainer;
        add(one, mine ? { v: { ...v, shape: [4, 3] }, w } : { v: { data: numbers(12, 3), shape: [4, 3] }, w: numbers(5000, 4) }, 2);
        add(one, { v: rows, w: [...numbers(5000, 6)] }, 1);
      }
      assertThrows(() => trainer.add({ v: { ...v, shape: [3, 4] } }), RangeError, "the parameter's is [4, 3]");
      assertThrows(() => trainer.add({ v: low }), RangeError, "the parameter's is float32");
      // In the middle of a window it is saved, and goes on elsewhere.
      const saved = await trainer.saveStateAsync();
      assertEquals(bits(saved), bits(host.saveState()));
      using other = make(backend);
      other.add({ v: rows, w: numbers(5000, 9) });
      other.loadState(saved);
      for (const one of [trainer, host, other]) {
        one.add({ w: numbers(5000, 7) }, 0.5);
        one.flush();
        one.add({ w: numbers(5000, 8) });
        one.flush();
      }
      const expected = bits(host.saveState());
      assertEquals(bits(await trainer.saveStateAsync()), expected);
      assertEquals(bits(await other.saveStateAsync()), expected);
    }),
  );
}

gpuTest(
  "Bad tensors are refused before anything is encoded",
  onGpu((backend) => {
    const device = backend.device as GPUDevice;
    const buffer = device.createBuffer({ size: 64, usage: storage | copies });
    const make = (w: unknown) => () => builtins.createOptimizer("adamw_torch", { w: w as Tensor }, {}, { backend }).dispose();
    make({ buffer, shape: [16] })();
    assertThrows(make({ buffer, shape: [17] }), RangeError, "do not fit into a buffer of 64");
    assertThrows(make({ buffer, shape: [9], offset: 32 }), RangeError, "from 32 on do not fit");
    assertThrows(make({ buffer, shape: [33], dtype: "bfloat16" }), RangeError, "do not fit");
    assertThrows(make({ buffer, shape: [4], offset: 2 }), RangeError, "a multiple of 4");
    assertThrows(make({ buffer, shape: [4], offset: -4 }), RangeError, "a multiple of 4");
    assertThrows(make({ buffer, shape: [4], offset: "4" }), TypeError, "a number of bytes");
    assertThrows(make({ buffer, shape: 4 }), TypeError, "a shape is an array");
    assertThrows(make({ buffer, shape: [-1] }), RangeError, "integers from 0");
    assertThrows(make({ buffer, shape: [4], dtype: "float64" }), RangeError, "known are float32");
    assertThrows(make({ buffer, shape: [4], dims: [4] }), TypeError, '"dims"');
    assertThrows(make({ buffer: new ArrayBuffer(64), shape: [4] }), TypeError, "not a GPUBuffer");
    assertThrows(make(buffer), TypeError, "a GPUBuffer is given as { buffer, offset, shape }");
    const copied = device.createBuffer({ size: 64, usage: copies });
    assertThrows(make({ buffer: copied, shape: [4] }), RangeError, "no usage STORAGE");
    const locked = device.createBuffer({ size: 64, usage: storage });
    assertThrows(make({ buffer: locked, shape: [4] }), RangeError, 'parameter "w": its buffer has no usage COPY_SRC');
    const mapped = device.createBuffer({ size: 64, usage: storage, mappedAtCreation: true });
    assertThrows(make({ buffer: mapped, shape: [4] }), RangeError, "is mapped");
    const two = (v: object, w: object) => () =>
      builtins.createOptimizer("adamw_torch", { v: v as Tensor, w: w as Tensor }, {}, { backend }).dispose();
    assertThrows(two({ buffer, shape: [8] }, { buffer, shape: [8], offset: 28 }), RangeError, "lie in the same memory");
    two({ buffer, shape: [8] }, { buffer, shape: [8], offset: 32 })();
    using optimizer = builtins.createOptimizer("adamw_torch", { w: { buffer, shape: [8] } }, {}, { backend });
    assertThrows(() => optimizer.step({ w: { buffer, shape: [8], offset: 4 } }), RangeError, "lies in memory that the step writes");
    assertThrows(() => optimizer.step({ w: { buffer, shape: [2, 4], offset: 32 } }), RangeError, "the parameter's is [8]");
    assertThrows(() => optimizer.step({ w: buffer as never }), TypeError, "a GPUBuffer is given as { buffer, offset, shape }");
    assertThrows(
      () => optimizer.step({ w: { buffer, shape: [8], offset: 32, dtype: "float16" } }),
      RangeError,
      "the parameter's is float32",
    );
    assertEquals(optimizer.steps, 0);
    // Elsewhere such a tensor is none.
    assertThrows(
      () => builtins.createOptimizer("adamw_torch", { w: { buffer, shape: [8] } }, {}, { backend: "js" }),
      TypeError,
      "is for a backend of createWebGpuBackend",
    );
  }),
);

gpuTest(
  "A state is refused as a whole where a buffer cannot take its part",
  onGpu(async (backend) => {
    const device = backend.device as GPUDevice;
    const buffer = device.createBuffer({ size: 32, usage: storage | 0x4 });
    using from = builtins.createOptimizer("adamw_torch", { v: numbers(8, 1), w: numbers(8, 2) }, {}, { backend });
    from.step({ v: numbers(8, 3), w: numbers(8, 4) });
    const state = await from.saveStateAsync();
    const v = numbers(8, 5);
    using into = builtins.createOptimizer("adamw_torch", { v, w: { buffer, shape: [8] } }, {}, { backend });
    const before = await into.saveStateAsync();
    assertThrows(() => into.loadState(state), RangeError, 'parameter "w": its buffer has no usage COPY_DST');
    assertEquals(bits(await into.saveStateAsync()), bits(before));
    assertEquals(v, numbers(8, 5));
  }),
);

gpuTest(
  "Gradients that come from more than two buffers are copied, which a buffer must allow",
  onGpu(async (backend) => {
    const device = backend.device as GPUDevice;
    using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    const step = (usage: number) => optimizer.step({ w: { buffer: device.createBuffer({ size: 32, usage }), shape: [8] } });
    step(storage);
    step(storage);
    assertThrows(() => step(storage), RangeError, 'the gradient of "w": its buffer has no usage COPY_SRC');
    step(storage | copies);
    assertEquals(await optimizer.sync(), { applied: true, step: 3 });
  }),
);

// SwiftShader compiles soap's factors for a minute and more; in Node tests/kernels/webgpu/builtins_test.ts has them.
(isDawn ? test.skip : gpuTest)(
  "soap makes its first bases on the device and improves them, as backend js does, and takes rows, columns and zeros",
  onGpu(async (backend) => {
    const shapes = { a: [20, 20], b: [6, 6], row: [1, 40], column: [40, 1], zeros: [7, 5] };
    const tensors = (seed: number) =>
      Object.fromEntries(
        Object.entries(shapes).map(([name, shape], k) => {
          const r = random(seed + k + 1);
          const data = Float32Array.from({ length: shape[0] * shape[1] }, () => r.unit() - 0.5);
          return [name, { data: name === "zeros" && seed > 0 ? data.fill(0) : data, shape }];
        }),
      );
    const ended: Record<string, Tensor>[] = [];
    for (const where of [backend, "js"] as const) {
      const params = tensors(0);
      using optimizer = builtins.createOptimizer("soap", params, { lr: 0.01, preconditionFrequency: 2 }, { backend: where });
      for (let t = 1; t <= 6; t++) optimizer.step(tensors(100 * t));
      await optimizer.sync();
      ended.push(params);
    }
    for (const name of Object.keys(shapes)) {
      const [got, want] = ended.map((params) => params[name].data);
      assert(got.every(Number.isFinite), name);
      // Where the first gradient says nothing of a direction, which one of the like it is in the basis is nobody's promise, and Adam's step depends on it.
      if (name === "row" || name === "column") continue;
      want.forEach((x, i) => assert(Math.abs(got[i] - x) < 1e-5, `${name}[${i}] is ${got[i]}, not ${x}`));
    }
  }),
);

gpuTest(
  "A buffer that was destroyed is known when the device says so: the step is taken back, and the next one works",
  onGpu(async (backend) => {
    const device = backend.device as GPUDevice;
    const gone = device.createBuffer({ size: 32, usage: storage | copies });
    const w = numbers(8, 1);
    using optimizer = builtins.createOptimizer("adamw_torch", { w }, {}, { backend });
    using host = onHost("adamw_torch", numbers(8, 1), [numbers(8, 2)]);
    gone.destroy();
    optimizer.step({ w: { buffer: gone, shape: [8] } });
    await assertRejects(() => optimizer.sync(), Error, "The device refused");
    assertEquals(optimizer.steps, 0);
    optimizer.step({ w: numbers(8, 2) });
    assertEquals(await optimizer.sync(), { applied: true, step: 1 });
    assertEquals(bits(await optimizer.saveStateAsync()), bits(host.saveState()));
  }),
);

gpuTest(
  "A gradient that is copied from a destroyed buffer holds back the whole step, whatever is uploaded beside it",
  onGpu(async (backend) => {
    const device = backend.device as GPUDevice;
    using optimizer = builtins.createOptimizer("adamw_torch", { v: numbers(8, 1), w: numbers(8, 2) }, {}, { backend });
    const made = () => device.createBuffer({ size: 32, usage: storage | copies });
    // The first two buffers are read where they lie.
    for (let i = 0; i < 3; i++) optimizer.step({ v: { buffer: made(), shape: [8] }, w: numbers(8, 3) });
    const before = await optimizer.saveStateAsync();
    const gone = made();
    gone.destroy();
    optimizer.step({ v: { buffer: gone, shape: [8] }, w: numbers(8, 4) });
    await assertRejects(() => optimizer.sync(), Error, "The device refused");
    assertEquals(bits(await optimizer.saveStateAsync()), bits(before));
  }),
);

gpuTest(
  "A state that is loaded into a destroyed buffer is refused by the device, which sync() says",
  onGpu(async (backend) => {
    const buffer = (backend.device as GPUDevice).createBuffer({ size: 32, usage: storage | copies });
    using optimizer = builtins.createOptimizer("adamw_torch", { w: { buffer, shape: [8] } }, {}, { backend });
    const state = await optimizer.saveStateAsync();
    using array = builtins.createOptimizer("adamw_torch", { v: numbers(8, 1) }, {}, { backend });
    buffer.destroy();
    optimizer.loadState(state);
    await assertRejects(() => array.sync(), Error, "The device refused a command");
  }),
);

gpuTest(
  "A device that is lost in the middle is said to be lost, before it says so itself",
  onGpu(async (backend) => {
    using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    optimizer.step({ w: numbers(8, 2) });
    const saved = await optimizer.saveStateAsync();
    optimizer.step({ w: numbers(8, 3) });
    const device = backend.device as GPUDevice;
    device.destroy();
    assertEquals(bits(await optimizer.saveStateAsync()), bits(saved));
    await assertRejects(() => createWebGpuBackend({ device }), Error, 'Cannot create backend "webgpu": the device was lost');
  }),
);

gpuTest(
  "A device that is lost before anything came back is said to be lost",
  onGpu(async (backend) => {
    using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(8, 1) }, {}, { backend });
    optimizer.step({ w: numbers(8, 2) });
    (backend.device as GPUDevice).destroy();
    await assertRejects(() => optimizer.sync(), Error, "the device was lost");
    await assertRejects(() => optimizer.saveStateAsync(), Error, "nothing was brought back before");
  }),
);

gpuTest(
  "Of a lost device there is a clear error, and the state that came back last",
  onGpu(async (backend) => {
    const w = numbers(8, 1);
    const optimizer = builtins.createOptimizer("adamw_torch", { w }, {}, { backend });
    optimizer.step({ w: numbers(8, 2) });
    await optimizer.sync();
    const saved = await optimizer.saveStateAsync();
    optimizer.step({ w: numbers(8, 3) });
    const device = backend.device as GPUDevice;
    device.destroy();
    await device.lost;
    await assertRejects(() => optimizer.sync(), Error, "the device was lost");
    assertThrows(() => optimizer.step({ w: numbers(8, 4) }), Error, "the device was lost");
    assertEquals(bits(await optimizer.saveStateAsync()), bits(saved));
    optimizer.dispose();
  }),
);

gpuTest(
  "backend.run() computes over tensors of the device's; an array is only read",
  onGpu(async (backend) => {
    const [x, y] = [backend.allocate([5]), backend.allocate([5])];
    backend.run("x = x + two*a", { x, a: numbers(5, 1) }, { two: 2 });
    backend.run("y = x*x", { x, y });
    assertThrows(() => backend.run("a = x", { x, a: new Float32Array(5) }), TypeError, "must be a tensor of the device's");
    using optimizer = registry.createOptimizer("descent", { y }, { lr: 1 }, { backend });
    const { y: { data } } = (await optimizer.saveStateAsync()).tensors;
    assertEquals([...data], [...numbers(5, 1)].map((a) => Math.fround(Math.fround(2 * a) * Math.fround(2 * a))));
  }),
);

gpuTest(
  "A backend is shared by optimizers, which dispose of their own; disposed it refuses everything",
  onGpu(async (backend) => {
    const { usage } = backend as unknown as { usage(): { allocated: number } };
    const before = usage().allocated;
    for (let i = 0; i < 3; i++) {
      using optimizer = builtins.createOptimizer("adamw_torch", { w: numbers(100, 1) }, {}, { backend });
      optimizer.step({ w: numbers(100, 2) });
      await optimizer.sync();
      assert(usage().allocated > before);
    }
    assertEquals(usage().allocated, before);
    const left = builtins.createOptimizer("adamw_torch", { w: numbers(4, 1) }, {}, { backend });
    backend.dispose();
    backend.dispose();
    assertThrows(() => left.step({ w: numbers(4, 1) }), TypeError, "disposed");
    await assertRejects(() => left.sync(), TypeError, "disposed");
    assertThrows(() => backend.allocate([1]), TypeError, "disposed");
    assertThrows(() => createOptimizer(descent, { w: numbers(4, 1) }, {}, { backend }), TypeError, "disposed");
  }),
);

gpuTest(
  "A device of the caller's stays the caller's",
  onGpu(async (backend) => {
    const device = backend.device as GPUDevice;
    const own = await createWebGpuBackend({ device });
    own.dispose();
    const x = backend.allocate([2]);
    backend.run("x = x + one", { x }, { one: 1 });
    await device.queue.onSubmittedWorkDone();
    assertEquals(backend.arithmetic, own.arithmetic);
  }),
);

test("createWebGpuBackend() rejects unknown options, and where there is no WebGPU says so", async () => {
  await assertRejects(() => createWebGpuBackend({ adapter: 1 } as object), TypeError, "known are device, powerPreference");
  await assertRejects(() => createWebGpuBackend({ device: {} as never }), TypeError, "no GPUDevice");
  await assertRejects(() => createWebGpuBackend({ powerPreference: "most" as never }), TypeError, "powerPreference");
  if (missing !== undefined) await assertRejects(() => createWebGpuBackend(), Error, 'Cannot create backend "webgpu": ');
});

test("createWebGpuBackend() says why there is no adapter, and no device of one", async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const withAdapter = (adapter: unknown): unknown =>
    Object.defineProperty(globalThis, "navigator", {
      configurable: true,
      value: { gpu: { requestAdapter: () => Promise.resolve(adapter) } },
    });
  try {
    withAdapter(null);
    await assertRejects(() => createWebGpuBackend(), Error, 'Cannot create backend "webgpu": there is no adapter');
    withAdapter({ limits: {}, requestDevice: () => Promise.reject(new TypeError("it was taken")) });
    const said = 'Cannot create backend "webgpu": the adapter gives no device: it was taken';
    await assertRejects(() => createWebGpuBackend(), Error, said);
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "navigator");
    else Object.defineProperty(globalThis, "navigator", before);
  }
});

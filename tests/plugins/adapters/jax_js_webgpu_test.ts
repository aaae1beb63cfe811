/**
 * The adapter for jax-js on a GPU, where gradients are read in the buffers that they have, and parameters come out by a copy on the device.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { aboutOf } from "../../../core/errors.ts";
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import { readDigits } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import type { Numbers } from "../../../examples/jax-js/train.ts";
import { builtins, type WebGpuBackend } from "../../../mod.ts";
import { bind } from "../../../plugins/adapters/jax_js.ts";
import { root } from "../../generated.ts";
import { missing, reads, withBackend } from "../../webgpu.ts";
import { type JaxModule, losses, ready } from "./jax_js_program.ts";

if (missing !== undefined) test.skip(`WebGPU: ${missing}`, () => {});

// A name that no type check looks for: the types are those of what the example uses.
const packageName: string = "@jax-js/jax";
const jax: JaxModule = await import(packageName);

/** A test on the device of jax-js, whose validation errors fail it. */
function onJax(name: string, run: (backend: WebGpuBackend) => Promise<void>): void {
  // jax-js has 16 bits where there is the class.
  if (missing !== undefined || /16 bits/.test(name) && !("Float16Array" in globalThis)) return void test.skip(name, () => {});
  test(name, async () => {
    await ready(jax, "webgpu");
    await withBackend(run, jax.getWebGPUDevice());
  });
}

const numbers = (count: number, seed: number): Float32Array => {
  const generator = createGenerator(seed);
  return Float32Array.from({ length: count }, () => generator.within(1));
};
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
const array = (shape: readonly number[], seed: number): Numbers => jax.numpy.array(numbers(sizeOf(shape), seed), { shape: [...shape] });
/** An array that is computed, late, and so lies on the device alone. */
const computed = (shape: readonly number[], seed: number): Numbers => array(shape, seed).mul(2);
const doubled = (shape: readonly number[], seed: number): number[] => [...numbers(sizeOf(shape), seed)].map((x) => 2 * x);
const read = async (one: { readonly ref: { data(): Promise<unknown> } }): Promise<number[]> => [...await one.ref.data() as Float32Array];

onJax(
  "bind() on jax-js' GPU: steps match those of an optimizer over arrays, read nothing back, and take the gradients",
  async (backend) => {
    const shapes: Record<string, number[]> = { kernel: [33, 7], bias: [7], scale: [] };
    const names = Object.keys(shapes);
    const arrays = Object.fromEntries(names.map((name, i) => [name, { data: numbers(sizeOf(shapes[name]), i), shape: shapes[name] }]));
    const settings = { groups: [{ match: "bias$", options: { weightDecay: 0 } }] };
    const options = { lr: 0.1, weightDecay: 0.1 };
    const given = Object.fromEntries(names.map((name, i) => [name, array(shapes[name], i)]));
    const bound = bind(given, "adamw", options, { ...settings, jax, backend });
    using optimizer = builtins.createOptimizer("adamw", arrays, options, settings);
    assert(bound.params === given);
    for (let step = 1; step <= 4; step++) {
      const grads = Object.fromEntries(names.map((name, i) => [name, computed(shapes[name], 10 * step + i)]));
      const before = bound.params;
      const [kept, values] = [before.kernel.ref, await read(before.kernel)];
      const product = before.kernel.ref.mul(3); // computed later, of what there was
      const count = await reads(async () => {
        assertEquals(step % 2 === 1 ? bound.step(grads) : await bound.stepAsync(grads), { applied: true, step });
        return bound.params;
      });
      assertEquals(count, 0);
      // Their buffers go to whoever computes next.
      assertEquals(names.map((name) => grads[name].refCount), [0, 0, 0]);
      await read(computed(shapes.kernel, 99));
      optimizer.step(Object.fromEntries(names.map((name, i) => [name, doubled(shapes[name], 10 * step + i)])));
      assertEquals([before.kernel.refCount, before.bias.refCount], [1, 0]);
      assertEquals([await read(kept), await read(product)], [values, values.map((x) => Math.fround(3 * x))]);
      for (const one of [kept, product]) one.dispose();
    }
    assertEquals(await bound.optimizer.sync(), { applied: true, step: 4 });
    const { roundsDivision, roundsSqrt, keepsNonFinite, contracts, flushesSubnormals } = backend.arithmetic;
    const isPlain = roundsDivision && roundsSqrt && keepsNonFinite && !contracts && !flushesSubnormals;
    for (const name of names) {
      const one = bound.params[name];
      assertEquals([one.shape, one.device, one.dtype, one.refCount], [shapes[name], "webgpu", "float32", 1]);
      const found = await read(one);
      if (isPlain) assertEquals(found, [...arrays[name].data]);
      else found.forEach((x, i) => assert(Math.abs(x - arrays[name].data[i]) < 1e-4));
    }
    assertEquals(Object.keys((await bound.optimizer.saveStateAsync()).tensors).length, 4 * 3);
    const last = bound.params;
    bound.dispose();
    assertEquals(names.map((name) => last[name].refCount), [0, 0, 0]);
  },
);

onJax("bind() on jax-js' GPU: points, entries, states, later parameters, 16 bits, and arrays of no elements", async (backend) => {
  const half = (): Numbers => jax.numpy.array(new Float16Array([1, 2, 3]) as never, { shape: [3] });
  const nothing = (): Numbers => jax.numpy.array([] as never, { shape: [0, 2] });
  const transforms = [{ name: "sam", options: { rho: 0.25 } }, { name: "ema", options: { decay: 0.5 } }];
  const bound = bind({ w: array([4], 1), half: half(), nothing: nothing() }, "sgd", { lr: 1 }, { jax, backend, transforms });
  const host = builtins.createOptimizer("sgd", { w: numbers(4, 1), half: new Float16Array([1, 2, 3]) }, { lr: 1 }, { transforms });
  const grads = () => ({ w: computed([4], 2), half: half(), nothing: null });
  const plain = { w: doubled([4], 2), half: [1, 2, 3] };
  const near = async (tree: { w: Numbers; half: Numbers }, there: typeof host.params): Promise<void> => {
    for (const name of ["w", "half"] as const) {
      const values = [...there[name].data as Float32Array];
      (await read(tree[name])).forEach((x, i) => assert(Math.abs(x - values[i]) < 1e-2, `${name}: ${x} beside ${values[i]}`));
    }
  };
  for (let i = 0; i < 2; i++) {
    bound.run("ascend", grads());
    host.run("ascend", plain);
    bound.step(grads());
    host.step(plain);
  }
  await near(bound.params, host.params);
  assertEquals([bound.params.half.dtype, bound.params.nothing.shape], ["float16", [0, 2]]);
  const there = bound.point("ema");
  await near(there, host.point("ema"));
  assertNotEquals(await read(there.w), await read(bound.params.w));
  jax.tree.dispose(there);

  const state = await bound.optimizer.saveStateAsync();
  const before = await read(bound.params.w);
  bound.step(grads());
  assertNotEquals(await read(bound.params.w), before);
  bound.loadState(state);
  assertEquals(await read(bound.params.w), before);
  const { head } = bound.add({ head: array([2], 5) }, { options: { lr: 0.5 } });
  assertEquals(await read(head), [...numbers(2, 5)]);
  bound.step({ ...grads(), head: array([2], 5) } as never);
  assertEquals(await read((bound.params as never as { head: Numbers }).head), [...numbers(2, 5)].map((x) => x / 2));
  host.dispose();
  bound.dispose();
});

onJax(
  "bind() on jax-js' GPU refuses other devices before anything is taken, and errors leave gradients with the caller",
  async (backend) => {
    using other = await createWebGpuBackend();
    const used = (): number => (backend as unknown as { usage(): { readonly allocated: number } }).usage().allocated;
    const w = array([3], 1);
    assertThrows(() => bind({ w }, "sgd", {}, { jax, backend: other }), TypeError, "device: jax.getWebGPUDevice()");
    assertThrows(() => bind({ w }, "sgd", {}, { jax: { numpy: jax.numpy }, backend }), TypeError, "device: jax.getWebGPUDevice()");
    await ready(jax, "wasm");
    const here = jax.numpy.array(numbers(3, 2));
    await ready(jax, "webgpu");
    const error = assertThrows(() => bind({ w, here }, "sgd", {}, { jax, backend }), TypeError, 'it lies on "wasm"');
    assertEquals(aboutOf(error).tensor, "here");
    assertThrows(() => bind({ w }, "sgdd" as "sgd", {}, { jax, backend }), TypeError, "sgdd");
    assertEquals([used(), w.refCount, here.refCount], [0, 1, 1]);
    const bound = bind({ w }, "sgd", { lr: 1 }, { jax, backend });
    assertThrows(() => bound.step({ w: here }), TypeError, 'it lies on "wasm"');
    await assertRejects(() => bound.stepAsync({ w: here }), TypeError, 'it lies on "wasm"');
    const long = array([4], 1);
    assertThrows(() => bound.step({ w: long }), RangeError, "[4]");
    assertEquals([here.refCount, long.refCount, bound.optimizer.steps], [1, 1, 0]);
    assertEquals(await read(bound.params.w), [...numbers(3, 1)]);
    assertThrows(() => bound.add({ v: here }), TypeError, 'it lies on "wasm"');
    bound.dispose();
    assertEquals([used(), w.refCount], [0, 0]);
    for (const one of [here, long]) one.dispose();
  },
);

onJax(
  "bind() on jax-js' GPU without a backend there: stepAsync() takes gradients to this host, and what cannot be read says so",
  async () => {
    await ready(jax, "wasm");
    const w = jax.numpy.array(numbers(3, 1));
    const bound = bind({ w }, "sgd", { lr: 1 }, { jax });
    await ready(jax, "webgpu");
    await bound.stepAsync({ w: computed([3], 2) });
    const moved = [...numbers(3, 1)].map((x, i) => Math.fround(x - doubled([3], 2)[i]));
    assertEquals(await read(bound.params.w), moved);
    const late = computed([3], 2);
    const error = assertThrows(() => bound.step({ w: late }), TypeError, "Cannot read an array from the GPU at once");
    assert((error as Error).message.includes("createWebGpuBackend({ device: jax.getWebGPUDevice() })"));
    assertEquals(late.refCount, 1);
    late.dispose();
    bound.dispose();
  },
);

onJax("the digits' losses on jax-js' GPU are those on this host to 1e-4", async (backend) => {
  const digits = await readDigits(await readFile(join(root, "examples/digits/data/digits.csv.gz")));
  const found = await losses(jax, digits, 10, backend);
  await ready(jax, "wasm");
  const here = await losses(jax, digits, 10);
  found.forEach((loss, i) => assert(Math.abs(loss - here[i]) < 1e-4 * here[i], `update ${i}: ${loss}, here ${here[i]}`));
  assertEquals(found.length, 10);
});

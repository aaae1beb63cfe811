/**
 * Memory: arenas, what is refused, what comes back, and arrays of the caller's own in `run`.
 *
 * @module
 */
import { assert, assertEquals, assertNotStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { narrowArray } from "../../kernels/half.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import { createThreads, unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Item } from "../../kernels/plan/item.ts";
import type { BackendName, BackendOptions, DType, Tensor, TensorLike } from "../../kernels/types.ts";
import { memories } from "./memories.ts";

const page = 65_536;
const names = (["js", "wasm", "threads"] as const).filter((name) => available().includes(name));
const arenaNames = names.filter((name) => name !== "js");

const create = (name: BackendName, options: BackendOptions = {}): KernelBackend =>
  createBackend(name, { threads: 2, ...options }) as KernelBackend;

const adam: Program = compile(parse("n = allnorm(g)\nm += (g - m)/n\nv += g*g\np -= m/(1 + sqrt(v))\nk = k + norm(p)", "r"), {
  scopes: {
    r: {
      slots: { m: { shape: "param", dtype: "float32" }, v: { shape: "param", dtype: "float32" }, k: { shape: "scalar", dtype: "float32" } },
      scalars: [],
    },
  },
  p: "float32",
  g: "float32",
});

/** An item of that program over a parameter, with memory near it. */
function near(backend: KernelBackend, p: Tensor, seed: number): Item {
  const { length } = p.data;
  const [g, m, v] = backend.reserve([p], ["g", "m", "v"].map(() => ({ shape: [length], dtype: "float32" })));
  p.data.set(Float32Array.from({ length }, (_, i) => (i * 13 + seed) % 17 - 8));
  g.data.set(Float32Array.from({ length }, (_, i) => (i * 7 + seed) % 19 - 9));
  return {
    program: adam,
    extent: extentOf([length]),
    tensors: { p, g, "r/m": m, "r/v": v },
    scalarSlots: new Map([["r/k", 0]]),
    groupSlots: new Map(),
  };
}

/** What three steps over parameters of these sizes give. */
function steps(backend: KernelBackend, sizes: readonly number[]): { items: Item[]; numbers: number[] } {
  const params = sizes.map((size) => backend.allocate(size));
  const items = params.map((p, i) => near(backend, p, i));
  const plan = backend.plan(items);
  for (let t = 1; t <= 3; t++) plan.run(items.map(() => ({ t })));
  plan.dispose();
  return { items, numbers: items.flatMap(({ tensors: { p }, scalarSlots }) => [...p.data as Float32Array, scalarSlots.get("r/k")!]) };
}

for (const name of arenaNames) {
  test(`${name} runs one plan over tensors in many small arenas, with a sum across them`, () => {
    const sizes = [3000, 1, 2500, 0, 3500, 700, 3700];
    using js = create("js");
    const want = steps(js, sizes).numbers;
    using backend = create(name, { arenaBytes: page });
    const made = memories(() => assertEquals(steps(backend, sizes).numbers, want));
    assert(made >= 4, `${made} arenas`);
  });

  test(`${name} places each parameter's gradient and slots within reach of one kernel`, () => {
    using backend = create(name, { arenaBytes: 2 * page });
    const { items } = steps(backend, [6000, 6000, 500, 6000]);
    for (const { tensors } of items) for (const tensor of Object.values(tensors)) assert(backend.together(tensors.p, tensor));
    assert(!backend.together(items[0].tensors.p, items[1].tensors.p));
    assertThrows(
      () => backend.plan([{ ...items[0], tensors: { ...items[0].tensors, g: items[1].tensors.g } }]),
      RangeError,
      "do not lie in one arena",
    );
  });

  test(`${name} refuses a tensor that does not fit its arena with its slots, and takes nothing for it`, () => {
    using backend = create(name, { arenaBytes: page });
    const p = backend.allocate(5000);
    const before = backend.usage();
    assertEquals(before.allocated, Math.ceil(4 * 5000 / 64) * 64);
    const wanted = (n: number, length: number) => Array.from({ length: n }, () => ({ shape: [length], dtype: "float32" as const }));
    assertStringIncludes(assertThrows(() => backend.reserve([p], wanted(3, 5000)), RangeError).message, "Cannot allocate 60096 bytes");
    assertEquals(backend.usage(), before);
    assertThrows(() => backend.reserve([], wanted(4, 5000)), RangeError, "an arena holds 65536 bytes");
    assertThrows(() => backend.allocate(page / 4), RangeError, "an arena holds 65536 bytes");
    assertEquals(backend.usage(), before);
    // What is free there is free still.
    assertEquals(backend.reserve([p], wanted(2, 4500)).length, 2);
    assert(backend.reserve([p], wanted(1, 10)).every((tensor) => backend.together(p, tensor)));
  });

  test(`${name} makes no memory for what it refuses, however often it is asked`, () => {
    using backend = create(name, { arenaBytes: page });
    backend.allocate(10);
    const made = memories(() => {
      for (let i = 0; i < 20; i++) {
        for (const size of [page / 4, page / 4 - 1, page / 4 - 16, page / 4 - 40, 1e9, 2 ** 40]) {
          assertThrows(() => backend.allocate(size), RangeError);
          assertThrows(() => backend.reserve([], [{ shape: [size], dtype: "float32" }]), RangeError);
        }
      }
    });
    assertEquals(made, 0);
  });

  test(`${name} keeps views of before a grow alive, and kernels see them`, () => {
    using backend = create(name);
    const first = backend.allocate(3);
    first.data.set([1, 2, 3]);
    const rest: Tensor[] = [];
    for (let i = 0; i < 40; i++) rest.push(backend.allocate(40_000));
    assertNotStrictEquals(first.data.buffer, rest[39].data.buffer);
    assertEquals(Array.from(first.data), [1, 2, 3]);
    first.data[0] = 5;
    const late = backend.allocate(3);
    assert(backend.owns(first) && backend.together(first, late));
    backend.run("late = first + first\nfirst = late", { first, late });
    assertEquals([Array.from(first.data), Array.from(late.data)], [[10, 4, 6], [10, 4, 6]]);
  });

  test(`${name} gives all scratch back where a plan does not fit`, () => {
    using backend = create(name, { arenaBytes: page });
    const program = compile(parse("row1 = rowmean(p)\np = p - rowsum(p) + rowmax(p)", "r"), {
      scopes: { r: { slots: { row1: { shape: "row", dtype: "float32" } }, scalars: [] } },
      p: "float32",
    });
    const [p, row] = backend.reserve([], [{ shape: [7000, 1], dtype: "float32" }, { shape: [7000], dtype: "float32" }]);
    const item = { program, extent: extentOf([7000, 1]), tensors: { p, "r/row1": row }, scalarSlots: new Map(), groupSlots: new Map() };
    const before = backend.usage();
    for (let i = 0; i < 3; i++) {
      assertThrows(() => backend.plan([item]), RangeError, "scratch");
      assertEquals(backend.usage(), before);
    }
  });

  test(`${name} finds room for a plan's scratch in an arena that tensors have filled`, () => {
    using backend = create(name, { arenaBytes: page });
    const p = backend.allocate(3700);
    const item = near(backend, p, 0);
    for (let n = 4000; n > 0; n >>= 1) {
      try {
        for (;;) backend.reserve([p], [{ shape: [n], dtype: "float32" }]);
      } catch (error) {
        assert(error instanceof RangeError);
      }
    }
    const plan = backend.plan([item]);
    plan.run([{ t: 1 }]);
    plan.dispose();
  });

  test(`${name} says where less is free than an arena holds`, () => {
    using backend = create(name, { arenaBytes: page });
    const p = backend.allocate(10_000);
    assertThrows(() => backend.reserve([p], [{ shape: [8000], dtype: "float32" }]), RangeError, "no more memory is free there");
  });
}

for (const name of names) {
  test(`${name} allocates zeros, also where something else was before`, () => {
    using backend = create(name);
    const tensors = [1000, 1, 17, 333, 5000].map((size) => backend.allocate(size));
    for (const { data } of tensors) data.fill(7);
    for (const k of [1, 3, 0, 4]) backend.release(tensors[k]);
    for (const size of [999, 300, 33, 1, 6000, 100_000]) {
      const { data } = backend.allocate(size);
      assert((data as Float32Array).every((x) => x === 0), `${size}`);
      data.fill(9);
    }
    assert((tensors[2].data as Float32Array).every((x) => x === 7));
  });

  test(`${name} takes released memory again, and counts what is held`, () => {
    using backend = create(name, { arenaBytes: name === "js" ? undefined : 4 * page });
    assertEquals(backend.usage(), { allocated: 0, scratch: 0 });
    // Ten times what the arena has, one after the other.
    const made = memories(() => {
      for (let i = 0; i < 80; i++) {
        const tensors = [
          backend.allocate(3000),
          backend.allocate([10, 10], "bfloat16"),
          ...backend.reserve([], [{ shape: [2000], dtype: "float32" }]),
        ];
        assert(backend.usage().allocated >= 4 * 3000 + 2 * 100 + 4 * 2000);
        for (const k of i % 2 === 0 ? [0, 1, 2] : [1, 2, 0]) backend.release(tensors[k]);
        assertEquals(backend.usage().allocated, 0);
      }
    });
    assert(made <= 1);
  });

  test(`${name} releases a tensor once, and others' never`, () => {
    using backend = create(name);
    using other = create(name);
    const [a, b] = [backend.allocate(10), backend.allocate(10)];
    const { allocated } = backend.usage();
    backend.release(a);
    backend.release(a);
    backend.release(other.allocate(10));
    backend.release({ data: new Float32Array(3) });
    backend.release({ data: b.data.subarray(2) as Float32Array });
    assertEquals(backend.usage().allocated, allocated / 2);
    const c = backend.allocate(10);
    c.data.fill(1);
    assert((b.data as Float32Array).every((x) => x === 0));
  });

  test(`${name} allocates in all dtypes and shapes, empty ones and single numbers too`, () => {
    using backend = create(name);
    for (const dtype of ["float32", "bfloat16", "float16"] as const) {
      for (const shape of [0, 5, [], [0], [3], [2, 0, 3], [2, 3, 4]]) {
        const made = backend.allocate(shape, dtype);
        const dims = typeof shape === "number" ? [shape] : shape;
        assertEquals([made.shape, made.dtype, made.data.length], [dims, dtype, dims.reduce((n, length) => n * length, 1)]);
        assertEquals(made.data.constructor, dtype === "float32" ? Float32Array : Uint16Array);
        assert(backend.owns(made));
      }
    }
    const a = backend.allocate([]);
    const b = backend.allocate(0);
    backend.run("a = a + 2", { a });
    backend.run("b = b + 2", { b });
    assertEquals([a.data[0], b.data.length], [2, 0]);
  });

  test(`${name} refuses shapes, dtypes and sizes that cannot be, and is as it was`, () => {
    using backend = create(name);
    const held = backend.allocate(4);
    const before = backend.usage();
    for (const shape of [-1, 1.5, NaN, Infinity, [2, -1], [0.5], [2 ** 60], 2 ** 53, 2 ** 40, [2 ** 30, 2 ** 30], [2 ** 31, 4]]) {
      assertThrows(() => backend.allocate(shape), RangeError);
    }
    for (const dtype of ["float64", "int8", "", "param", null]) {
      assertThrows(() => backend.allocate(3, dtype as DType), RangeError, "known are float32, bfloat16, float16");
    }
    assertThrows(() => backend.reserve([held], [{ shape: [8], dtype: "float32" }, { shape: [2 ** 40], dtype: "float32" }]), RangeError);
    assertEquals(backend.usage(), before);
  });

  test(`${name} refuses everything after dispose, and keeps what it gave out`, () => {
    const backend = create(name);
    const x = backend.allocate(3);
    const item = near(backend, backend.allocate(5), 0);
    const plan = backend.plan([item]);
    plan.run([{ t: 1 }]);
    const was = Array.from(item.tensors.p.data);
    assertEquals(backend.disposed, false);
    backend[Symbol.dispose]();
    backend[Symbol.dispose]();
    assertEquals(backend.disposed, true);
    for (
      const use of [
        () => backend.allocate(1),
        () => backend.reserve([], [{ shape: [1], dtype: "float32" }]),
        () => backend.run("x = x + 1", { x }),
        () => backend.plan([item]),
        () => plan.run([{ t: 2 }]),
      ]
    ) assertThrows(use, TypeError, `Cannot use backend "${name}": it is disposed`);
    assertEquals(Array.from(item.tensors.p.data), was);
    plan.dispose();
    plan.dispose();
    backend.release(x);
    assertEquals(Array.from(x.data), [0, 0, 0]);
  });

  // --------------------------------------------------------------------------------------------------------------------------------- run

  test(`${name} runs over the caller's own arrays as over its own, and writes only what the text assigns`, () => {
    using backend = create(name);
    const own = backend.allocate(5);
    const bits = new Uint16Array(5);
    narrowArray("bfloat16", Float32Array.of(1, 2, 3, 4, 5), bits);
    const wide = new Float32Array(20).fill(9);
    const x = wide.subarray(7, 12);
    const y = { data: bits, shape: [5], dtype: "bfloat16" as const };
    x.set([10, 20, 30, 40, 50]);
    for (let i = 0; i < 3; i++) {
      backend.run("own += x + y", { own, x, y });
      backend.run("x = x + half\ny = y*2", { x, y }, { half: 0.5 });
    }
    assertEquals(Array.from(own.data), [11 + 12.5 + 15, 22 + 24.5 + 29, 33 + 36.5 + 43, 44 + 48.5 + 57, 55 + 60.5 + 71]);
    assertEquals(Array.from(wide), [...Array<number>(7).fill(9), 11.5, 21.5, 31.5, 41.5, 51.5, ...Array<number>(8).fill(9)]);
    const eight = new Uint16Array(5);
    narrowArray("bfloat16", Float32Array.of(8, 16, 24, 32, 40), eight);
    assertEquals(bits, eight);
    const frozen = Float32Array.of(1, 2, 3, 4, 5);
    backend.run("own = frozen + 0*norm(frozen)", { own, frozen });
    assertEquals([Array.from(own.data), Array.from(frozen)], [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]);
  });

  test(`${name} takes Float16Array where there is one, as its patterns`, () => {
    const { Float16Array } = globalThis as unknown as { Float16Array?: new (numbers: number[]) => Float16Array };
    if (Float16Array === undefined) return;
    using backend = create(name);
    const x = new Float16Array([1, 2.5, -3, 65504]);
    backend.run("x = x/2", { x });
    assertEquals(Array.from(x), [0.5, 1.25, -1.5, 32752]);
    backend.run("y = x*2", { y: { data: x }, x: { data: new Float16Array([3, 4, 5, 1e5]), dtype: "float16" } });
    assertEquals(Array.from(x), [6, 8, 10, Infinity]);
  });

  test(`${name} holds no more memory after runs over the caller's arrays`, () => {
    using backend = create(name);
    const own = backend.allocate(300);
    for (let i = 0; i < 10; i++) backend.run("own += x", { own, x: new Float32Array(300).fill(i) });
    const { allocated, scratch } = backend.usage();
    for (let i = 0; i < 300; i++) backend.run("own += x", { own, x: new Float32Array(300).fill(1) });
    assertEquals(backend.usage(), { allocated, scratch });
    assertEquals(own.data[299], 45 + 300);
  });

  test(`${name} refuses tensors that a text cannot run over, before it writes any`, () => {
    using backend = create(name);
    const x = backend.allocate(4);
    const y = backend.allocate(4);
    x.data.fill(3);
    const before = backend.usage();
    const own = new Float32Array(8);
    const texts = "x = x + 1\ny = x";
    const wrong: readonly (readonly [Record<string, unknown>, typeof TypeError | typeof RangeError, string])[] = [
      [{}, RangeError, "no tensors"],
      [{ x, y: backend.allocate(4).data.subarray(0, 3) }, RangeError, "shapes must be equal"],
      [{ x, y: { data: new Float32Array(4), shape: [2, 2] } }, RangeError, `"x" of shape [4] and "y" of shape [2,2]`],
      [{ x, y: { data: new Float32Array(4), shape: [5] } }, RangeError, `"y"`],
      [{ x, y: { data: new Float32Array(4), shape: [-2, -2] } }, RangeError, `"y" of shape [-2,-2]`],
      [{ x, y: { data: new Uint16Array(4) } }, RangeError, `"y": a Uint16Array needs a dtype`],
      [{ x, y: new Uint16Array(4) }, RangeError, `"y": a Uint16Array needs a dtype`],
      [{ x, y: { data: new Float32Array(4), dims: [2, 2] } }, TypeError, `"y" with "dims": known are data, shape, dtype`],
      [{ x, y: { data: new Float32Array(4), shape: [4], size: 4 } }, TypeError, `"y" with "size"`],
      [{ x, y: { data: new Uint16Array(4), dtype: "float32" } }, RangeError, `"y": a Uint16Array does not hold float32`],
      [{ x, y: { data: new Float32Array(4), dtype: "bfloat16" } }, RangeError, `"y": a Float32Array does not hold bfloat16`],
      [{ x, y: { data: new Float32Array(4), dtype: "float64" } }, RangeError, `"y": a Float32Array does not hold float64`],
      [{ x, y: new Float64Array(4) }, TypeError, `"y"`],
      [{ x, y: new Int32Array(4) }, TypeError, `"y"`],
      [{ x, y: [1, 2, 3, 4] }, TypeError, `"y"`],
      [{ x, y: { data: [1, 2, 3, 4] } }, TypeError, `"y"`],
      [{ x, y: new ArrayBuffer(16) }, TypeError, `"y"`],
      [{ x, y: null }, TypeError, `"y"`],
      [{ x, y: 4 }, TypeError, `"y"`],
      [{ x, y: x }, RangeError, `"x" and "y": they lie in the same memory`],
      [{ x: own.subarray(0, 4), y: own.subarray(3, 7) }, RangeError, "they lie in the same memory"],
      [{ x: { data: x.data }, y: { data: x.data.subarray(0) } }, RangeError, "they lie in the same memory"],
    ];
    for (const [tensors, kind, message] of wrong) {
      assertThrows(() => backend.run(texts, tensors as Record<string, TensorLike>), kind, message);
    }
    assertEquals([Array.from(x.data), Array.from(y.data), own.every((z) => z === 0)], [[3, 3, 3, 3], [0, 0, 0, 0], true]);
    assertThrows(() => backend.run("x = x + a", { x }, { a: "1" as never }), TypeError, "a = 1: it must be a number");
    assertThrows(() => backend.run("x = x + y", { x, y }, { y: 1 }), TypeError, `"y" as a number and as a tensor`);
    assertThrows(() => backend.run("x = x + a", { x }), SyntaxError, `"a" has no value here: known are x`);
    assertThrows(() => backend.run("x = z", { x, y }, { w: 1 }), SyntaxError, "known are x, y, w, size");
    assertThrows(() => backend.run("x = x*t", { x }), SyntaxError, `"t" has no value here`);
    assertEquals(backend.usage().scratch, before.scratch);
    // Beside each other is not over each other, and reading one memory twice is allowed.
    backend.run(texts, { x: own.subarray(0, 4), y: own.subarray(4) });
    backend.run("y = a + b*t", { y, a: x, b: x }, { t: 1 });
    assertEquals([Array.from(own), Array.from(y.data)], [[1, 1, 1, 1, 1, 1, 1, 1], [6, 6, 6, 6]]);
  });
}

test("js keeps no array alive that passed by once", async () => {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(full: boolean): void } };
  const collect = gc ?? (Bun && (() => Bun.gc(true)));
  if (collect === undefined) return;
  using backend = create("js");
  const own = backend.allocate(1000);
  const passed: WeakRef<Float32Array>[] = [];
  for (let i = 0; i < 50; i++) {
    const x = new Float32Array(1000);
    passed.push(new WeakRef(x));
    backend.run("own += x", { own, x });
  }
  for (let i = 0; i < 20 && passed.some((ref) => ref.deref() !== undefined); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  // A conservative collector may see a few of them on the stack.
  assert(passed.filter((ref) => ref.deref() !== undefined).length < 10);
});

test("allocate refuses what is no shape", () => {
  for (const name of available()) {
    using backend = create(name);
    for (const shape of ["3", null, {}, ["3"], [2, null], new Set([3])]) {
      assertThrows(() => backend.allocate(shape as number), TypeError, "Cannot allocate shape");
    }
    for (const shape of [-1, 1.5, NaN, [2, -1]]) assertThrows(() => backend.allocate(shape), RangeError, "Cannot allocate shape");
    assertEquals(backend.usage().allocated, 0);
  }
});

test("a backend is refused an unknown name, unknown options, and options that cannot be", () => {
  const wrong: readonly (readonly [unknown, unknown, typeof TypeError | typeof RangeError, string])[] = [
    ["gpu", {}, TypeError, `Cannot create backend "gpu": known are js, wasm, threads`],
    ["JS", {}, TypeError, "known are js, wasm, threads"],
    [null, {}, TypeError, "known are js, wasm, threads"],
    [undefined, { thread: 2 }, TypeError, `"thread": known are threads, arenaBytes, modules`],
    ["js", { threads: "2" }, TypeError, "threads = 2: it must be a number"],
    ["js", { threads: 0 }, RangeError, "Cannot use 0 threads"],
    ["js", { threads: 1.5 }, RangeError, "Cannot use 1.5 threads"],
    ["js", { threads: NaN }, RangeError, "Cannot use NaN threads"],
    ["threads", { threads: 257 }, RangeError, "Cannot use 257 threads"],
    ["js", null, TypeError, "with null"],
    ["js", new Map(), TypeError, "options are an object"],
    ["js", { arenaBytes: "1" }, TypeError, "arenaBytes = 1: it must be a number"],
    ["js", { arenaBytes: 65_535 }, RangeError, "Cannot use arenas of 65535 bytes"],
    ["js", { arenaBytes: 1e6 + 0.5 }, RangeError, "Cannot use arenas of 1000000.5 bytes"],
    ["js", { arenaBytes: NaN }, RangeError, "Cannot use arenas of NaN bytes"],
  ];
  for (const [name, options, kind, message] of wrong) {
    assertThrows(() => createBackend(name as BackendName, options as BackendOptions), kind, message);
  }
  using fastest = createBackend();
  assertEquals(fastest.name, available()[0]);
});

for (const name of arenaNames) {
  test(`${name} reaches memory beyond 2 GiB, from workers too`, () => {
    using backend = name === "threads" ? createThreads({ threads: 3 }, 0) : create(name);
    const far = backend.allocate(Math.floor(2.2 * 2 ** 28));
    assert(far.data.byteLength > 2 ** 31);
    const sizes = [40_000, 50_000, 60_000];
    using js = create("js");
    assertEquals(steps(backend, sizes).numbers, steps(js, sizes).numbers);
    assert(backend.owns(far));
    if (name === "wasm") return;
    const items = sizes.map((size, i) => near(backend, backend.reserve([far], [{ shape: [size], dtype: "float32" }])[0], i));
    assert(items[0].tensors.p.data.byteOffset > 2 ** 31);
    const plan = backend.plan(items);
    for (let t = 0; t < 1000 && unitsByWorkers.get(backend)!() === 0; t++) plan.run(items.map(() => ({ t })));
    assert(unitsByWorkers.get(backend)!() > 0, "no worker took a unit");
  });
}

import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Grads, MetricSchedule, Optimizer, Schedule, Tensor } from "../../core/types.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { roundBfloat16, widenBfloat16, widenFloat16 } from "../../kernels/half.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { counting, descent, everything } from "./plugins.ts";

const backends = available();
const shared = (name = backends[0], options = {}): KernelBackend => createBackend(name, options) as KernelBackend;
const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const numbers = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...data]]));

// ---- what is passed is what is updated

for (const name of backends) {
  test(`Backend ${name}: ordinary arrays that the user keeps are updated, and what the user writes into them counts`, () => {
    const w = f32(1, 2);
    using optimizer = createOptimizer(descent, { w }, { lr: 1 }, { backend: name });
    assertStrictEquals(optimizer.params.w.data, w);
    optimizer.step({ w: f32(1, 1) });
    assertEquals(w, f32(0, 1));
    w[0] = 10;
    optimizer.step({ w: f32(1, 1) });
    assertEquals(w, f32(9, 0));
  });

  test(`Backend ${name}: arrays of allocate are updated where they lie`, () => {
    using backend = shared(name);
    const w = backend.allocate([2]), g = backend.allocate([2]);
    w.data.set([1, 2]);
    using optimizer = createOptimizer(descent, { w }, { lr: 1 }, { backend });
    const { allocated } = backend.usage();
    g.data.set([1, 1]);
    optimizer.step({ w: g });
    optimizer.step({ w: g });
    assertEquals([...w.data], [-1, 0]);
    assertEquals([...g.data], [1, 1]);
    assertEquals(backend.usage().allocated, allocated);
  });

  test(`Backend ${name}: gradients written into optimizer.grads are taken by a step without an argument`, () => {
    const w = f32(1, 2), b = f32(5);
    using optimizer = createOptimizer(descent, { w, b }, { lr: 1 }, { backend: name });
    optimizer.grads.w.data.set([1, 1]);
    assertEquals(optimizer.step(), { applied: true, step: 1 });
    optimizer.step({ w: optimizer.grads.w });
    assertEquals([w, b], [f32(-1, 0), f32(5)]);
  });

  test(`Backend ${name}: 16-bit parameters and gradients come as patterns, as Float16Array where there is one, or with float32 gradients`, () => {
    const bits = Uint16Array.from([1, -2].map(roundBfloat16));
    const low = { data: bits.slice(), dtype: "bfloat16" as const };
    const wide = { data: bits.slice(), dtype: "bfloat16" as const };
    using optimizer = createOptimizer(descent, { low, wide }, { lr: 1 }, { backend: name });
    optimizer.step({ low: { data: Uint16Array.from([0.5, 0.5].map(roundBfloat16)), dtype: "bfloat16" }, wide: f32(0.5, 0.001) });
    assertEquals([...low.data].map(widenBfloat16), [0.5, -2.5]);
    assertEquals([...wide.data].map(widenBfloat16), [0.5, -2]);
    assertEquals(optimizer.grads.low.dtype, "bfloat16");
    if (typeof Float16Array === "undefined") return;
    const half = new Float16Array([1, 2]), patterns = { data: Uint16Array.from([0x3c00, 0x4000]), dtype: "float16" as const };
    using other = createOptimizer(descent, { half, patterns }, { lr: 1 }, { backend: name });
    other.step({ half: new Float16Array([0.5, 1]), patterns: new Float16Array([0.5, 1]) });
    assertEquals([...half], [0.5, 1]);
    assertEquals([...patterns.data].map(widenFloat16), [0.5, 1]);
  });

  test(`Backend ${name}: a single number, a tensor of no elements and a name like __proto__ are tensors`, () => {
    const params = JSON.parse(`{ "__proto__": 0, "constructor": 0, "none": 0 }`);
    const set = (key: string, value: Tensor) => Object.defineProperty(params, key, { value, enumerable: true });
    set("__proto__", { data: f32(3), shape: [] });
    set("constructor", { data: f32(1, 2, 3, 4), shape: [2, 2] });
    set("none", { data: f32(), shape: [0, 3] });
    using optimizer = createOptimizer(everything, params, {}, { backend: name });
    optimizer.step(params);
    assertEquals(Object.keys(optimizer.params), ["__proto__", "constructor", "none"]);
    const state = optimizer.saveState().tensors;
    assertEquals(state["__proto__.norm"].data, new Float64Array([3]));
    assertEquals(state["constructor.row"].data, f32(1.5, 3.5));
    assertEquals([state["none"].shape, state["none.row"].shape, state["none.col"].shape, state["none.step"].data[0]], [
      [0, 3],
      [0],
      [3],
      1,
    ]);
  });
}

test("A gradient may lie in the parameter's own memory", () => {
  for (const name of backends) {
    using backend = shared(name);
    const w = backend.allocate(2);
    w.data.set([1, 2]);
    using optimizer = createOptimizer(descent, { w }, { lr: 1 }, { backend });
    optimizer.step({ w });
    assertEquals([...w.data], [0, 0]);
  }
});

for (const name of backends) {
  test(`Backend ${name}: a gradient may lie in another parameter, and is what that one was before the step`, () => {
    for (const [first, second] of [["a", "b"], ["b", "a"]]) {
      using backend = shared(name);
      const params = { [first]: backend.allocate(2), [second]: backend.allocate(2) };
      params[first].data.set([3, 4]);
      using optimizer = createOptimizer(descent, params, { lr: 1 }, { backend });
      optimizer.step({ [first]: f32(1, 1), [second]: params[first] });
      assertEquals(numbers(params), { [first]: [2, 3], [second]: [-3, -4] });
    }
  });

  test(`Backend ${name}: a gradient may lie in what optimizer.grads or optimizer.inputs hold of another tensor`, () => {
    for (const [first, second] of [["w", "b"], ["b", "w"]]) {
      const params = { w: f32(0, 0), b: f32(0, 0) };
      using optimizer = createOptimizer(descent, params, { lr: 1 }, { backend: name });
      const { grads } = optimizer;
      grads[second].data.fill(1);
      optimizer.step({ [first]: grads[second], [second]: f32(-5, -5) });
      assertEquals(numbers(optimizer.params), { w: [-1, -1], b: [-1, -1], [second]: [5, 5] });
    }
    const params = { w: f32(0, 0), b: f32(0, 0) };
    using optimizer = createOptimizer(everything, params, {}, { backend: name });
    using other = createOptimizer(descent, { w: f32(0, 0), b: f32(0, 0) }, { lr: 1 }, { backend: name });
    const { grads: { w, b } } = other;
    w.data.set([1, 2]);
    b.data.set([3, 4]);
    other.step({ w: b, b: w });
    assertEquals(numbers(other.params), { w: [-3, -4], b: [-1, -2] });
    b.data.set([7, 8]);
    w.data.set([0, 9]);
    other.step({ w: { indices: Int32Array.of(1), values: w.data.subarray(1) as Float32Array }, b: f32(0, 0) });
    assertEquals(numbers(other.params), { w: [-3, -13], b: [-1, -2] });
    optimizer.inputs.h.w.data.fill(1);
    optimizer.step({ w: optimizer.inputs.h.b, b: optimizer.inputs.h.w });
    assertEquals(numbers(optimizer.params), { w: [-3, -3], b: [-3, -3] });
  });
}

test("A new gradient array at each step does not grow the memory", () => {
  using backend = shared();
  using optimizer = createOptimizer(descent, { w: f32(0, 0) }, { lr: 1 }, { backend });
  const given = Array.from({ length: 5 }, () => backend.allocate(2));
  const stepAll = (): void => {
    for (let i = 0; i < 20; i++) optimizer.step({ w: i % 2 ? f32(i, i) : given[i % 5] });
  };
  stepAll();
  const before = backend.usage();
  stepAll();
  assertEquals(backend.usage(), before);
});

test("A disposed optimizer gives its memory back to a shared backend, which lives on", () => {
  using backend = shared();
  const live = (): unknown => {
    using optimizer = createOptimizer(everything, { w: { data: f32(1, 2, 3, 4), shape: [2, 2] } }, {}, { backend });
    optimizer.step({ w: f32(1, 1, 1, 1) });
    return optimizer.name;
  };
  live();
  const before = backend.usage();
  assertEquals(before.allocated, 0);
  live();
  assertEquals(backend.usage(), before);
});

// ---- absent gradients and step counts

test("A tensor without a gradient stands still with its own step count", () => {
  const w = f32(1), b = f32(1);
  using optimizer = createOptimizer(adamw, { w, b }, { weightDecay: 0.1 }, { backend: "js" });
  optimizer.step({ w: f32(1), b: null });
  optimizer.step({ w: f32(1) });
  optimizer.step({ w: f32(1), b: undefined } as unknown as Grads);
  const { tensors } = optimizer.saveState();
  assertEquals([tensors["w.step"].data[0], tensors["b.step"].data[0], b[0], optimizer.steps], [3, 0, 1, 3]);
});

test("A step without any gradient applies nothing and counts nothing", () => {
  const w = f32(1);
  using optimizer = createOptimizer(adamw, { w }, { weightDecay: 0.1 }, { backend: "js" });
  assertEquals(optimizer.step({ w: null }), { applied: false, step: 0 });
  assertEquals(optimizer.step({}), { applied: false, step: 0 });
  assertEquals([w[0], optimizer.steps], [1, 0]);
});

const steps: Record<string, [t: number, a: number, b: number, c: number][]> = {
  tensor: [[1, 1, 0, 0], [2, 2, 0, 0], [3, 3, 1, 1], [4, 3, 1, 2]],
  group: [[1, 1, 0, 0], [2, 2, 0, 0], [3, 3, 3, 1], [4, 3, 3, 2]],
  optimizer: [[1, 1, 0, 0], [2, 2, 0, 0], [3, 3, 3, 3], [4, 3, 3, 4]],
};
for (const [counts, rows] of Object.entries(steps)) {
  test(`t counts the steps of the ${counts} where the plugin says so, also after a load`, () => {
    const make = () => {
      const params = { a: f32(0), b: f32(0), c: f32(0) };
      return createOptimizer(counting(counts as "tensor"), params, {}, { backend: "js", groups: [{ match: "c" }] });
    };
    let optimizer = make();
    const sum = { a: 0, b: 0, c: 0 }, seen = { a: 0, b: 0, c: 0 };
    for (const [step, ...ts] of rows) {
      const grads: Record<string, Float32Array> = {};
      (["a", "b", "c"] as const).forEach((name, i) => {
        if (ts[i] === seen[name]) return;
        grads[name] = f32(0);
        seen[name] = ts[i];
        sum[name] += ts[i];
      });
      optimizer.step(grads);
      assertEquals([optimizer.steps, numbers(optimizer.params)], [step, { a: [sum.a], b: [sum.b], c: [sum.c] }]);
      const state = optimizer.saveState();
      optimizer[Symbol.dispose]();
      optimizer = make();
      optimizer.loadState(state);
    }
    optimizer[Symbol.dispose]();
  });
}

test("A plugin is asked for its numbers once for each group and t", () => {
  const asked: [lr: number, t: number][] = [];
  const spy: typeof descent = { ...descent, scalars: ({ lr }, t) => (asked.push([lr, t]), { lr }) };
  using optimizer = createOptimizer(spy, { a: f32(1), b: f32(1), c: f32(1) }, {}, {
    backend: "js",
    groups: [{ match: "c", options: { lr: 0.25 } }],
  });
  optimizer.step({ a: f32(1), b: f32(1), c: f32(1) });
  optimizer.step({ a: f32(1), c: f32(1) });
  optimizer.step({ a: f32(1), b: f32(1) });
  assertEquals(asked.sort(), [[0.25, 1], [0.25, 2], [0.5, 1], [0.5, 2], [0.5, 3]]);
});

// ---- sparse gradients

for (const name of backends) {
  test(`Backend ${name}: the rows of a sparse gradient add up`, () => {
    const w = { data: new Float32Array(6), shape: [3, 2] }, v = f32(0, 0, 0);
    using optimizer = createOptimizer(descent, { w, v }, { lr: 1 }, { backend: name });
    const sparse = { indices: Int32Array.of(2, 0, 2), values: f32(1, 2, 3, 4, 10, 20) };
    optimizer.step({ w: sparse, v: { indices: Int32Array.of(1), values: f32(5) } });
    assertEquals([w.data, v], [f32(-3, -4, 0, 0, -11, -22), f32(0, -5, 0)]);
    optimizer.step({ w: { indices: new Int32Array(), values: f32() } });
    assertEquals(w.data, f32(-3, -4, 0, 0, -11, -22));
  });
}

// ---- slots, entries, points, inputs, readings

test("Slots of every kind start where their rule says, and are named in the state", () => {
  const params = { w: { data: f32(1, 2, 3, 4, 5, 6), shape: [3, 2] }, v: f32(7, 8) };
  using optimizer = createOptimizer(everything, params, {}, { backend: "js", groups: [{ match: "v" }] });
  const { tensors } = optimizer.saveState();
  assertEquals(Object.entries(tensors).map(([key, { shape, dtype, data }]) => [key, shape, dtype, [...data]]), [
    ["w", [3, 2], "float32", [1, 2, 3, 4, 5, 6]],
    ["w.start", [3, 2], "float32", [1, 2, 3, 4, 5, 6]],
    ["w.momentum", [3, 2], "float32", [2, 2, 2, 2, 2, 2]],
    ["w.row", [3], "float32", [0, 0, 0]],
    ["w.col", [2], "float32", [0, 0]],
    ["w.batch", [], "float32", [0]],
    ["w.norm", [], "float64", [2]],
    ["w.hessian", [3, 2], "float32", [0, 0, 0, 0, 0, 0]],
    ["w.step", [], "float64", [0]],
    ["v", [2], "float32", [7, 8]],
    ["v.start", [2], "float32", [7, 8]],
    ["v.momentum", [2], "float32", [2, 2]],
    ["v.row", [], "float32", [0]],
    ["v.col", [2], "float32", [0, 0]],
    ["v.batch", [], "float32", [0]],
    ["v.norm", [], "float64", [2]],
    ["v.hessian", [2], "float32", [0, 0]],
    ["v.step", [], "float64", [0]],
    ["group.0.count", [], "float64", [2]],
    ["group.1.count", [], "float64", [2]],
  ]);
});

test("A slot that starts as the parameter takes it at the first step, not before", () => {
  const w = f32(1, 2);
  using optimizer = createOptimizer(everything, { w }, {}, { backend: "js" });
  w.set([10, 20]); // such as weights that were loaded late
  assertEquals(numbers(optimizer.point("start")), { w: [10, 20] });
  w.set([30, 40]);
  optimizer.step({ w: f32(1, 1) });
  w.set([5, 5]);
  assertEquals(numbers(optimizer.point("start")), { w: [30, 40] });
});

test("A slot of another dtype takes the parameter rounded or widened", () => {
  for (const name of backends) {
    for (const dtype of ["float32", "bfloat16", "float16"] as const) {
      const plugin: OptimizerPlugin<"kept", object> = {
        ...descent,
        name: "kept",
        options: {},
        rule: () => ({
          slots: { o: { shape: "param", key: "o", init: "p", dtype }, e: { shape: "param", key: "e", init: 1.5, dtype } },
          update: "p = p + 0*g",
        }),
        scalars: () => ({}),
      };
      using optimizer = createOptimizer(plugin, { w: { data: Uint16Array.of(roundBfloat16(1.5)), dtype: "bfloat16" } }, {}, {
        backend: name,
      });
      const { "w.o": o, "w.e": e } = optimizer.saveState().tensors;
      assertEquals(o, e);
      assertEquals(o.data[0], { float32: 1.5, bfloat16: 0x3fc0, float16: 0x3e00 }[dtype]);
    }
  }
});

test("An entry runs without counting a step, at the coming t", () => {
  const plugin: OptimizerPlugin<"climb", object> = {
    ...descent,
    name: "climb",
    options: {},
    rule: () => ({ slots: { q: { shape: "param", key: "q" } }, update: "p = q\np -= g", also: { ascend: "q = p\np += t*g" } }),
    scalars: () => ({}),
  };
  const w = f32(1), b = f32(1);
  using optimizer = createOptimizer(plugin, { w, b }, {}, { backend: "js" });
  optimizer.run("ascend", { w: f32(10) });
  assertEquals([w[0], b[0], optimizer.steps], [11, 1, 0]);
  optimizer.step({ w: f32(1) });
  assertEquals([w[0], optimizer.steps], [0, 1]);
  optimizer.grads.w.data[0] = 10;
  optimizer.run("ascend");
  assertEquals([w[0], b[0]], [20, 1]);
});

test("An entry that reads no gradient needs none", () => {
  const w = f32(1, 2);
  using optimizer = createOptimizer(everything, { w }, {}, { backend: "js" });
  optimizer.step({ w: f32(1, 1) });
  assert(w[0] !== 1);
  optimizer.run("back");
  assertEquals(w, f32(1, 2));
});

test("A point comes in new arrays or in given ones and leaves the parameters alone", () => {
  for (const name of backends) {
    using backend = shared(name);
    const w = { data: f32(2, 4), shape: [1, 2] }, half = { data: Uint16Array.of(roundBfloat16(3)), dtype: "bfloat16" as const };
    using optimizer = createOptimizer(everything, { w, half, d: f32(6) }, {}, { backend, groups: [{ match: "^d$", optimizer: descent }] });
    const before = backend.usage().allocated;
    const made = optimizer.point("half");
    assertEquals(numbers(made), { w: [1, 2], half: [roundBfloat16(1.5)], d: [6] });
    assertEquals([made.w.shape, made.half.dtype], [[1, 2], "bfloat16"]);
    const lying = backend.allocate([1, 2]), ordinary = f32(0, 0);
    assertStrictEquals(optimizer.point("half", { w: lying }).w.data, lying.data);
    assertStrictEquals(optimizer.point("half", { w: ordinary }).w.data, ordinary);
    assertEquals([[...lying.data], [...ordinary], [...w.data]], [[1, 2], [1, 2], [2, 4]]);
    backend.release(lying);
    assertEquals(backend.usage().allocated, before);
  }
});

test("Input slots are written by the caller", () => {
  const w = f32(1, 2);
  using optimizer = createOptimizer(everything, { w }, { start: 0 }, { backend: "js" });
  assertEquals(Object.keys(optimizer.inputs), ["h"]);
  optimizer.inputs.h.w.data.set([10, 20]);
  optimizer.step({ w: f32(1, 1) });
  assertEquals(w, f32(-10, -19));
});

test("A reading is of each group's first tensor: at t = 0 before the first step, none without a gradient", () => {
  const params = { a: f32(1), b: f32(1), c: f32(1), d: f32(1) };
  using optimizer = createOptimizer(everything, params, { start: 1 }, {
    backend: "js",
    groups: [{ match: "^[bc]" }, { match: "^d", optimizer: descent }, { match: "none" }],
  });
  assertEquals(optimizer.readings(), [1011, null, null, 1011]);
  optimizer.step({ a: f32(5), c: f32(1), d: f32(1) });
  assertEquals(optimizer.readings(), [null, null, null, 1000 + 100 + 50 + 2]);
  optimizer.options.lr = 2;
  optimizer.step({ b: f32(3) });
  assertEquals(optimizer.readings(), [2000 + 100 + 30 + 3, null, null, 2000 + 100 + 50 + 2]);
});

// ---- bad input

const taken = f32(1, 2, 3, 4);
const badParams: [what: string, params: unknown, error: typeof TypeError | typeof RangeError, text: string][] = [
  ["null", null, TypeError, "parameters"],
  ["an array", [f32(1)], TypeError, "parameters"],
  ["a bare tensor", f32(1), TypeError, "parameters"],
  ["a Map", new Map([["w", f32(1)]]), TypeError, "parameters"],
  ["an empty list", {}, RangeError, "empty"],
  ["an empty name", { "": f32(1) }, RangeError, `""`],
  ["ordinary numbers", { w: [1, 2] }, TypeError, `"w"`],
  ["a tensor that is null", { w: null }, TypeError, `"w"`],
  ["a Float64Array", { w: new Float64Array(1) }, TypeError, "Float64Array"],
  ["a DataView", { w: new DataView(new ArrayBuffer(4)) }, TypeError, "DataView"],
  ["a shape that is no array", { w: { data: f32(1), shape: 1 } }, TypeError, "shape"],
  ["a shape of another size", { w: { data: f32(1, 2), shape: [3] } }, RangeError, "[3]"],
  ["a negative length", { w: { data: f32(1, 2), shape: [-1, -2] } }, RangeError, "[-1, -2]"],
  ["a fraction as length", { w: { data: f32(1), shape: [1.5] } }, RangeError, "1.5"],
  ["patterns without a dtype", { w: new Uint16Array(1) }, RangeError, "dtype"],
  ["patterns as float32", { w: { data: new Uint16Array(1), dtype: "float32" } }, RangeError, "float32"],
  ["float32 as bfloat16", { w: { data: f32(1), dtype: "bfloat16" } }, RangeError, "bfloat16"],
  ["an unknown dtype", { w: { data: f32(1), dtype: "float64" } }, RangeError, "float64"],
  ["a tensor under two names", { w: taken, v: taken }, RangeError, `"w" and "v"`],
  ["tensors that overlap", { w: taken.subarray(0, 3), v: taken.subarray(2) }, RangeError, "memory"],
];
for (const [what, params, error, text] of badParams) {
  test(`createOptimizer refuses ${what}`, () => {
    using backend = shared();
    const before = backend.usage();
    assertThrows(() => createOptimizer(everything, params as Record<string, Tensor>, {}, { backend }), error, text);
    assertEquals(backend.usage(), before);
    assertEquals(taken, f32(1, 2, 3, 4));
  });
}

test("createOptimizer accepts neighbours in one buffer", () => {
  const all = f32(1, 2, 3, 4);
  using optimizer = createOptimizer(descent, { w: all.subarray(0, 2), v: all.subarray(2), none: all.subarray(1, 1) }, { lr: 1 });
  optimizer.step({ w: f32(1, 1), v: f32(2, 2) });
  assertEquals(all, f32(0, 1, 1, 2));
});

test("createOptimizer refuses two names over one piece of a backend's memory, also after it grew", () => {
  for (const name of backends) {
    using backend = shared(name);
    const w = backend.allocate(4);
    const late = backend.allocate(200_000);
    late.data.fill(7);
    assertThrows(() => createOptimizer(descent, { w, v: w }, {}, { backend }), RangeError, "memory");
    assertThrows(() => createOptimizer(descent, { w, late, v: { data: w.data.subarray(1) } }, {}, { backend }), RangeError, `"w" and "v"`);
    createOptimizer(descent, { w, late }, {}, { backend })[Symbol.dispose]();
    assertEquals([...w.data], [0, 0, 0, 0]);
    assert(late.data.every((x) => x === 7));
  }
});

const badSettings: [what: string, settings: object, error: typeof TypeError | typeof RangeError | typeof SyntaxError, text: string][] = [
  ["an unknown key", { transform: [] }, TypeError, `did you mean "transforms"?`],
  ["an unknown backend", { backend: "gpu" }, TypeError, "gpu"],
  ["a backend that is none", { backend: {} }, TypeError, "backend"],
  ["no threads", { threads: 0 }, RangeError, "threads"],
  ["groups that are no list", { groups: {} }, TypeError, "groups"],
  ["an unknown key of a group", { groups: [{ match: "w", option: {} }] }, TypeError, `did you mean "options"?`],
  ["a group without a match", { groups: [{ options: {} }] }, TypeError, "group 0"],
  ["a group's unknown option", { groups: [{ match: "w", options: { weight_decay: 1 } }] }, TypeError, `did you mean "weightDecay"?`],
  ["a group's option out of range", { groups: [{ match: "w", options: { lr: -1 } }] }, RangeError, "lr = -1"],
  ["a group's NaN", { groups: [{ match: "w", options: { eps: NaN } }] }, RangeError, "NaN"],
  ["a list with an unknown parameter", { groups: [{ match: ["W"] }] }, TypeError, `did you mean "w"?`],
  ["a match that is no expression", { groups: [{ match: "(" }] }, RangeError, "regular expression"],
  ["a match that is a number", { groups: [{ match: 3 }] }, TypeError, "match"],
  ["a glob with another key", { groups: [{ match: { glob: "w", flags: "i" } }] }, TypeError, "flags"],
  ["a group's optimizer by name, without a registry", { groups: [{ match: "w", optimizer: "adamw" }] }, TypeError, "registry"],
  [
    "a group's optimizer of another kind",
    { groups: [{ match: "w", optimizer: { ...descent, kind: "schedule", create: () => () => 1 } }] },
    TypeError,
    "kind",
  ],
  ["transforms that are no list", { transforms: { name: "half" } }, TypeError, "transforms"],
  ["a transform that is a bare name", { transforms: ["half"] }, TypeError, "half"],
  ["a transform by name, without a registry", { transforms: [{ name: "half" }] }, TypeError, "registry"],
  ["a transform's unknown key", { transforms: [{ name: "half", option: 1 }] }, TypeError, "option"],
  ["an optimizer as a transform", { transforms: [{ name: descent }] }, TypeError, "transform"],
  ["a schedule of an unknown option", { schedules: { LR: () => 1 } }, TypeError, `did you mean "lr"?`],
  ["a schedule of an array", { schedules: { betas: () => 1 } }, TypeError, "betas"],
  ["a schedule of a switch", { schedules: { correctBias: () => 1 } }, TypeError, "correctBias"],
  ["a schedule that is a number", { schedules: { lr: 0.1 } }, TypeError, "schedule"],
  ["a schedule that starts with NaN", { schedules: { lr: () => NaN } }, RangeError, "NaN"],
  ["a metric schedule for other groups", { schedules: { lr: { update() {}, factors: () => [1, 1, 1] } } }, RangeError, "3 factors"],
];
for (const [what, settings, error, text] of badSettings) {
  test(`createOptimizer refuses ${what} in its settings`, () => {
    using backend = shared();
    const before = backend.usage();
    assertThrows(
      () =>
        createOptimizer(adamw, { w: f32(1) }, {}, { ...("backend" in settings || "threads" in settings ? {} : { backend }), ...settings }),
      error,
      text,
    );
    assertEquals(backend.usage(), before);
  });
}

test("createOptimizer refuses a shared backend that is disposed, or with threads of its own", () => {
  const backend = shared();
  assertThrows(() => createOptimizer(descent, { w: f32(1) }, {}, { backend, threads: 2 }), TypeError, "threads");
  backend[Symbol.dispose]();
  assertThrows(() => createOptimizer(descent, { w: f32(1) }, {}, { backend }), TypeError, "disposed");
});

const badRules: [what: string, rule: unknown, error: typeof TypeError | typeof SyntaxError, text: string][] = [
  ["no object", null, TypeError, "rule"],
  ["no text", { slots: {} }, TypeError, "update"],
  ["an unknown name", { slots: {}, update: "p -= momentum*g" }, SyntaxError, "momentum"],
  ["an entry with a mistake", { slots: {}, update: "p -= g", also: { ascend: "p += rho*g" } }, SyntaxError, "rho"],
  ["a point with a mistake", { slots: {}, update: "p -= g", points: { eval: "p + z" } }, SyntaxError, "z"],
  ["no line", { slots: {}, update: "# nothing\n" }, TypeError, "no line"],
  ["a misspelt key", { slots: {}, update: "p -= g", point: { mid: "p" } }, TypeError, `did you mean "points"?`],
  ["a transform's text", { slots: {}, update: "p -= g", after: "u *= 2" }, TypeError, `"after"`],
  ["slots that are a list", { slots: [], update: "p -= g" }, TypeError, "slots"],
  ["points that are a text", { slots: {}, update: "p -= g", points: "p" }, TypeError, "points"],
  ["a slot that is none", { slots: { m: null }, update: "p -= g" }, TypeError, `"m"`],
  [
    "a slot with a misspelt key",
    { slots: { m: { shape: "param", key: "m", inti: 1 } }, update: "p -= g" },
    TypeError,
    `did you mean "init"?`,
  ],
  ["an input that is a text", { slots: { m: { shape: "param", key: "m", input: "yes" } }, update: "p -= g" }, TypeError, `"yes"`],
  ["a slot with a name of the language", { slots: { t: { shape: "param", key: "t" } }, update: "p -= g" }, TypeError, `"t"`],
  ["a slot of unknown shape", { slots: { m: { shape: "params", key: "m" } }, update: "p -= g" }, TypeError, "params"],
  [
    "two slots with one key",
    { slots: { m: { shape: "param", key: "k" }, v: { shape: "row", key: "k" } }, update: "p -= g" },
    TypeError,
    "w.k",
  ],
  ["a slot with the key of the step count", { slots: { m: { shape: "scalar", key: "step" } }, update: "p -= g" }, TypeError, "w.step"],
  ["a slot with another parameter's key", { slots: { m: { shape: "param", key: "bias" } }, update: "p -= g" }, TypeError, "w.bias"],
  [
    "a matrix of another size",
    { slots: {}, matrix: [1, 2, 3], update: "p -= g*rowmean(g)" },
    RangeError as unknown as typeof TypeError,
    "matri",
  ],
];
for (const [what, rule, error, text] of badRules) {
  test(`createOptimizer refuses a rule with ${what}, and takes no memory`, () => {
    using backend = shared();
    const before = backend.usage();
    const plugin = { ...descent, rule: () => rule } as typeof descent;
    assertThrows(() => createOptimizer(plugin, { w: f32(1, 2), "w.bias": f32(1) }, {}, { backend }), error, text);
    assertEquals(backend.usage(), before);
  });
}

test("A mistake in a rule's text says the line, the name and what is known", () => {
  const plugin = { ...descent, rule: () => ({ slots: {}, update: "u = g\np -= lt*u" }) } as typeof descent;
  const error = assertThrows(() => createOptimizer(plugin, { w: f32(1) }, {}, { backend: "js" }), SyntaxError) as
    & SyntaxError
    & Record<string, unknown>;
  assertEquals([error.line, error.name], [2, "lt"]);
  assert((error.known as string[]).includes("lr"));
});

test("createOptimizer needs more memory than there is: a RangeError, and nothing is taken", () => {
  for (const name of backends.filter((name) => name !== "js")) {
    using backend = shared(name, { arenaBytes: 2 ** 20 });
    const before = backend.usage();
    const params = { small: f32(1, 2), large: new Float32Array(300_000) };
    assertThrows(() => createOptimizer(adamw, params, {}, { backend }), RangeError);
    assertEquals(backend.usage(), before);
    using optimizer = createOptimizer(adamw, { small: params.small }, {}, { backend });
    optimizer.step({ small: f32(1, 1) });
  }
});

test("A model larger than one arena uses several, also for arrays of allocate, and gives the same bits", () => {
  for (const name of backends.filter((name) => name !== "js")) {
    using backend = shared(name, { arenaBytes: 2 ** 20 });
    const names = ["a", "b", "c", "d", "e", "f"];
    const make = (of: (size: number) => Tensor): Record<string, Tensor> => Object.fromEntries(names.map((key) => [key, of(40_000)]));
    const grads = Object.fromEntries(names.map((key, i) => [key, new Float32Array(40_000).fill(i + 1)]));
    const foreign = make((size) => ({ data: new Float32Array(size) })), lying = make((size) => backend.allocate(size));
    for (const params of [foreign, lying]) {
      using optimizer = createOptimizer(adamw, params, { lr: 0.1 }, { backend });
      for (let t = 0; t < 3; t++) optimizer.step(grads);
    }
    for (const key of names) assertEquals(Float32Array.from(lying[key].data as Float32Array), foreign[key].data);
    assert(lying.f.data[0] < -0.2);
  }
});

type Bad = [what: string, call: (optimizer: Optimizer<unknown>) => unknown, error: typeof TypeError | typeof RangeError, text: string];
const step = (grads: unknown) => (optimizer: Optimizer<unknown>) => optimizer.step(grads as Grads);
const good = { w: f32(1, 1, 1, 1), v: f32(1, 1) };
const badCalls: Bad[] = [
  ["gradients that are no object", step(f32(1)), TypeError, "gradients"],
  ["null as gradients", step(null), TypeError, "gradients"],
  ["a map of gradients", step(new Map([["w", f32(1, 1, 1, 1)]])), TypeError, "gradients"],
  ["a date as gradients", step(new Date(0)), TypeError, "gradients"],
  ["an empty array of gradients", step([]), TypeError, "gradients"],
  ["a point into a number", (optimizer) => optimizer.point("half", 3 as unknown as Grads as Record<string, Tensor>), TypeError, "3"],
  ["a point into a map", (optimizer) => optimizer.point("half", new Map() as unknown as Record<string, Tensor>), TypeError, "targets"],
  ["an unknown gradient", step({ ...good, W: f32(1) }), TypeError, `did you mean "w"?`],
  ["an unknown gradient that is null", step({ ...good, u: null }), TypeError, `"u"`],
  ["a gradient of words", step({ ...good, w: ["1", 1, 1, 1] }), TypeError, `"w"`],
  ["a gradient of whole numbers", step({ ...good, w: new Int32Array(4) }), TypeError, "Int32Array"],
  ["a gradient of too many numbers", step({ ...good, w: [1, 1, 1, 1, 1] }), RangeError, `"w"`],
  ["a gradient of another length", step({ ...good, v: f32(1, 1, 1) }), RangeError, `"v"`],
  ["a gradient of another shape", step({ ...good, w: { data: f32(1, 1, 1, 1), shape: [4] } }), RangeError, "[4]"],
  ["a gradient of another dtype", step({ ...good, w: { data: new Uint16Array(4), dtype: "bfloat16" } }), RangeError, "bfloat16"],
  ["a gradient of patterns without a dtype", step({ ...good, w: new Uint16Array(4) }), RangeError, "dtype"],
  [
    "a sparse gradient with a row too far",
    step({ ...good, w: { indices: Int32Array.of(0, 2), values: f32(1, 1, 1, 1) } }),
    RangeError,
    "row 2",
  ],
  ["a sparse gradient with a negative row", step({ ...good, w: { indices: Int32Array.of(-1), values: f32(1, 1) } }), RangeError, "row -1"],
  [
    "a sparse gradient with too few values",
    step({ ...good, w: { indices: Int32Array.of(0, 1), values: f32(1, 1) } }),
    RangeError,
    "4 values",
  ],
  ["a sparse gradient with ordinary indices", step({ ...good, w: { indices: [0], values: f32(1, 1) } }), TypeError, "Int32Array"],
  [
    "a sparse gradient of doubles",
    step({ ...good, w: { indices: Int32Array.of(0), values: new Float64Array(2) } }),
    TypeError,
    "Float32Array",
  ],
  ["an unknown entry", (optimizer) => optimizer.run("forth", good), TypeError, "back"],
  ["an entry with a bad gradient", (optimizer) => optimizer.run("back", { w: f32(1) }), RangeError, `"w"`],
  ["an unknown point", (optimizer) => optimizer.point("eval"), TypeError, "start, half"],
  ["a point into an unknown parameter", (optimizer) => optimizer.point("half", { u: f32(1) }), TypeError, `"u"`],
  ["a point into another length", (optimizer) => optimizer.point("half", { v: f32(1) }), RangeError, `"v"`],
  [
    "a point into another shape",
    (optimizer) => optimizer.point("half", { w: { data: f32(1, 1, 1, 1), shape: [4, 1] } }),
    RangeError,
    "[4, 1]",
  ],
  ["a point in place", (optimizer) => optimizer.point("half", { v: optimizer.params.v }), RangeError, "memory"],
  [
    "options that change the slots",
    (optimizer) => {
      (optimizer.options as { more: boolean }).more = true;
      try {
        optimizer.step(good);
      } finally {
        (optimizer.options as { more: boolean }).more = false;
      }
    },
    TypeError,
    "slots",
  ],
  [
    "a schedule that ends in NaN",
    (optimizer) => {
      (optimizer.options as { lr: number }).lr = 1e308;
      try {
        optimizer.step(good);
      } finally {
        (optimizer.options as { lr: number }).lr = 1;
      }
    },
    RangeError,
    "Infinity",
  ],
];
for (const [what, call, error, text] of badCalls) {
  test(`An optimizer refuses ${what}, and nothing has changed`, () => {
    for (const backend of backends) {
      const params = { w: { data: f32(1, 2, 3, 4), shape: [2, 2] }, v: f32(5, 6) };
      using optimizer = createOptimizer(everything, params, {}, { backend, schedules: { lr: () => 2 } });
      optimizer.step(good);
      const before = [optimizer.saveState(), f32(...params.w.data), f32(...params.v)];
      const thrown = assertThrows(() => call(optimizer as Optimizer<unknown>), error);
      assertStringIncludes(thrown.message, text);
      assertEquals([optimizer.saveState(), params.w.data, params.v], before);
      assertEquals(optimizer.step(good), { applied: true, step: 2 });
    }
  });
}

test("A gradient of ordinary numbers or doubles is rounded to float32 and left alone", () => {
  for (const backend of backends) {
    const numbers = [0.1, 1e-46, 1e39, -1 / 3];
    const results = [numbers, Float64Array.from(numbers), f32(...numbers)].map((w) => {
      const params = { w: f32(1, 2, 3, 4) };
      using optimizer = createOptimizer(descent, params, {}, { backend });
      const before = [...w];
      optimizer.step({ w });
      optimizer.step({ w });
      assertEquals([...w], before);
      return params.w;
    });
    assertEquals(results[0], results[2]);
    assertEquals(results[1], results[2]);
  }
});

test("A step refuses a parameter whose array was transferred away", () => {
  const w = f32(1, 2);
  using optimizer = createOptimizer(descent, { w, v: f32(1) }, {}, { backend: "wasm" });
  structuredClone(w, { transfer: [w.buffer as ArrayBuffer] });
  assertThrows(() => optimizer.step({ w: f32(1, 1) }), RangeError, `"w"`);
  assertThrows(() => optimizer.saveState(), RangeError, `"w"`);
  assertEquals(optimizer.step({ v: f32(1) }).applied, true);
});

const badSchedules: [what: string, schedule: Schedule | MetricSchedule, option: string, error: typeof TypeError | typeof RangeError][] = [
  ["below an option's range", (step) => 1 - 2 * step, "eps", RangeError],
  ["above an option's range", Object.assign((step: number) => step, { returns: "value" as const }), "decay", RangeError],
  ["a fraction where an integer is asked for", (step) => step === 0 ? 1 : 0.5, "every", RangeError],
  ["a text", ((step: number) => step === 0 ? 1 : "1") as Schedule, "lr", TypeError],
  ["nothing", ((step: number) => step === 0 ? 1 : undefined) as Schedule, "lr", TypeError],
  ["NaN", (step) => step === 0 ? 1 : NaN, "lr", RangeError],
];
const ranged: OptimizerPlugin<"ranged", { lr?: number; eps?: number; decay?: number; every?: number }> = {
  ...descent,
  name: "ranged",
  options: {
    lr: { default: 1, minimum: 0, description: "Learning rate" },
    eps: { default: 1, minimum: 0, description: "Not negative" },
    decay: { default: 0, minimum: 0, exclusiveMaximum: 1, description: "Below 1" },
    every: { default: 1, type: "integer", minimum: 1, description: "Whole" },
  },
};
for (const [what, schedule, option, error] of badSchedules) {
  test(`A schedule that gives ${what} is refused at the step, and nothing has changed`, () => {
    const w = f32(1);
    using optimizer = createOptimizer(ranged, { w }, {}, { backend: "js", schedules: { [option]: schedule } });
    optimizer.step({ w: f32(1) });
    assertThrows(() => optimizer.step({ w: f32(1) }), error, `${option}`);
    assertEquals([w[0], optimizer.steps], [0, 1]);
  });
}

test("A scheduled lr may be below its option's range, as in the references", () => {
  const w = f32(1);
  using optimizer = createOptimizer(ranged, { w }, {}, { backend: "js", schedules: { lr: () => -2 } });
  optimizer.step({ w: f32(1) });
  assertEquals(w[0], 3);
});

test("A plugin's numbers that are none are refused, and nothing has changed", () => {
  let given: unknown = { lr: 1 };
  const plugin = { ...descent, scalars: () => given } as unknown as typeof descent;
  const w = f32(1);
  using optimizer = createOptimizer(plugin, { w }, {}, { backend: "js" });
  optimizer.step({ w: f32(1) });
  for (const bad of [{}, { lr: "1" }, { lr: null }]) {
    given = bad;
    assertThrows(() => optimizer.step({ w: f32(1) }), TypeError, "lr");
  }
  assertEquals([w[0], optimizer.steps], [0, 1]);
});

test("A plugin's check sees the group's options, when the optimizer is made and after a change", () => {
  const plugin: OptimizerPlugin<"ordered", { low?: number; high?: number }> = {
    kind: "optimizer",
    name: "ordered",
    description: "Two options in order",
    options: { low: { default: 1, description: "Low" }, high: { default: 2, description: "High" } },
    check({ low, high }) {
      if (low > high) throw new RangeError(`Cannot use low = ${low} over high = ${high}`);
    },
    rule: () => ({ slots: {}, update: "p -= low*g" }),
    scalars: ({ low }) => ({ low }),
  };
  const w = f32(1);
  assertThrows(() => createOptimizer(plugin, { w }, { low: 3 }, { backend: "js" }), RangeError, "low = 3");
  assertThrows(
    () => createOptimizer(plugin, { w }, {}, { backend: "js", groups: [{ match: "w", options: { high: 0 } }] }),
    RangeError,
    "high = 0",
  );
  using optimizer = createOptimizer(plugin, { w }, {}, { backend: "js" });
  optimizer.options.low = 10; // one of two that change together
  assertThrows(() => optimizer.step({ w: f32(1) }), RangeError, "low = 10");
  optimizer.options.high = 20;
  optimizer.step({ w: f32(1) });
  assertEquals(w[0], -9);
});

test("A disposed optimizer refuses everything, and disposing it twice is nothing", () => {
  const backend = shared();
  for (const end of ["optimizer", "backend"] as const) {
    const optimizer = createOptimizer(everything, { w: f32(1, 2) }, {}, { backend });
    const state = optimizer.saveState();
    if (end === "optimizer") optimizer[Symbol.dispose]();
    else backend[Symbol.dispose]();
    const calls: (() => unknown)[] = [
      () => optimizer.step({ w: f32(1, 1) }),
      () => optimizer.step(),
      () => optimizer.run("back"),
      () => optimizer.point("half"),
      () => optimizer.update(1),
      () => optimizer.readings(),
      () => optimizer.saveState(),
      () => optimizer.loadState(state),
      () => optimizer.grads.w,
      () => optimizer.inputs,
    ];
    for (const call of calls) assertThrows(call, TypeError, "disposed");
    optimizer[Symbol.dispose]();
    optimizer[Symbol.dispose]();
  }
});

test("A gradient's array that was transferred is refused before anything changes", () => {
  const params = { a: new Float32Array(4), w: new Float32Array(4) };
  using optimizer = createOptimizer(adamw, params, { lr: 0.1 }, { backend: "js" });
  for (const name of ["a", "w"]) optimizer.grads[name].data.fill(1);
  optimizer.step();
  const before = [...params.a, ...params.w];
  const buffer = optimizer.grads.w.data.buffer as ArrayBuffer;
  structuredClone(buffer, { transfer: [buffer] });
  assertThrows(() => optimizer.step(), RangeError, 'the gradient of "w"');
  assertEquals([...params.a, ...params.w], before);
});

test("A misspelt member of a plugin, of a tensor, and a schedule's unknown word are refused, with the right one", () => {
  const w = new Float32Array(6);
  for (
    const [more, said] of [[{ count: "optimizer" }, "counts"], [{ chek() {} }, "check"], [{ reading: 5 }, "reading"], [
      { check: 5 },
      "check",
    ]] as const
  ) {
    assertThrows(() => createOptimizer({ ...adamw, ...more } as never, { w }), TypeError, said);
  }
  assertThrows(() => createOptimizer(adamw, { w: { data: w, shap: [2, 3] } as never }), TypeError, '"shape"');
  const values = Object.assign(() => 1, { returns: "values" });
  assertThrows(
    () => createOptimizer(adamw, { w }, {}, { schedules: { lr: values as never } }),
    TypeError,
    '"factor" or "value"',
  );
  // A newer version's member, or the writer's own, is none of ours.
  using optimizer = createOptimizer({ ...adamw, homepage: "https://example.org" } as typeof adamw, { w });
  optimizer.step({ w });
});

// ---- what would do nothing without a word

test("A step without gradients is refused as long as nobody has asked for optimizer.grads, and nothing has changed", () => {
  const w = f32(1, 2);
  using optimizer = createOptimizer(descent, { w }, { lr: 1 }, { backend: "js", schedules: { lr: (step) => 1 / (1 + step) } });
  assertThrows(() => optimizer.step(), TypeError, "without gradients");
  assertEquals([optimizer.steps, ...w], [0, 1, 2]);
  optimizer.step({ w: f32(1, 1) });
  assertThrows(() => optimizer.step(), TypeError, "optimizer.grads");
  assertEquals([optimizer.steps, ...w], [1, 0, 1]);
  optimizer.grads.w.data.set([2, 2]);
  assertEquals(optimizer.step(), { applied: true, step: 2 });
  assertEquals([...w], [-1, 0]);
});

test("An entry that reads gradients needs some as a step does; one that reads none does without", () => {
  const entries: OptimizerPlugin<"entries", object> = {
    kind: "optimizer",
    name: "entries",
    description: "Two entries",
    options: {},
    rule: () => ({ slots: {}, update: "p -= g", also: { up: "p += g", twice: "p *= 2" } }),
    scalars: () => ({}),
  };
  const w = f32(1);
  using optimizer = createOptimizer(entries, { w }, {}, { backend: "js" });
  optimizer.run("twice");
  assertThrows(() => optimizer.run("up"), TypeError, "without gradients");
  assertEquals(w[0], 2);
  optimizer.grads.w.data[0] = 5;
  optimizer.run("up");
  assertEquals(w[0], 7);
});

test("A metric that no schedule follows is refused", () => {
  using optimizer = createOptimizer(descent, { w: f32(1) }, {}, { backend: "js", schedules: { lr: () => 1 } });
  assertThrows(() => optimizer.update(1), TypeError, "none of its schedules follows one");
});

test("An option that is assigned to the optimizer itself is refused with a word on where options are, and so is any other field", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1) }, {}, { backend: "js" });
  const loose = optimizer as unknown as Record<string, unknown>;
  const thrown = assertThrows(() => loose.lr = 0.5, TypeError, "optimizer.options.lr");
  assertEquals({ ...thrown }, { plugin: "adamw", option: "lr" } as unknown as typeof thrown);
  for (const name of ["learningRate", "steps", "x"]) assertThrows(() => loose[name] = 0.5, TypeError);
  assertThrows(() => (optimizer.groups[0] as unknown as Record<string, unknown>).lr = 0.5, TypeError);
  assertEquals(optimizer.options.lr, 1e-3);
});

test("Fields of an optimizer, of its groups and of their current values cannot be assigned, and the error says where options are", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1) }, {}, { backend: "js" });
  const [group] = optimizer.groups;
  const cases: [object: object, field: string, text: string][] = [
    [optimizer, "options", "optimizer.options.lr = 0.1"],
    [optimizer, "learningRate", 'did you mean "lr"?'],
    ...["name", "backend", "groups", "params", "grads", "inputs", "steps", "x"].map((
      field,
    ): [object, string, string] => [optimizer, field, "optimizer.options"]),
    [group, "lr", "optimizer.groups[0].options"],
    [group, "learningRate", 'did you mean "lr"?'],
    ...["names", "options", "current"].map((field): [object, string, string] => [group, field, "optimizer.groups[0].options"]),
    [group.current, "lr", "optimizer.groups[0].options"],
    [optimizer.params, "w", ""],
    [optimizer.groups, "0", ""],
  ];
  for (const [object, field, text] of cases) {
    const before = (object as Record<string, unknown>)[field];
    for (const value of [{ lr: 0.5 }, 0.5]) assertThrows(() => (object as Record<string, unknown>)[field] = value, TypeError, text);
    assertEquals((object as Record<string, unknown>)[field] === before, true, field);
  }
  for (const method of ["step", "loadState"]) assertThrows(() => (optimizer as unknown as Record<string, unknown>)[method] = 1, TypeError);
});

test("Who lists an optimizer's fields, as JSON does, has not asked for its gradients", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1) }, {}, { backend: "js" });
  const written = JSON.parse(JSON.stringify(optimizer));
  assertEquals([written.name, written.steps, written.options.lr], ["adamw", 0, 1e-3]);
  assertEquals(Object.keys({ ...optimizer }).includes("grads"), false);
  assertThrows(() => optimizer.step(), TypeError, "which nobody has asked for yet");
  optimizer.grads.w.data[0] = 1;
  assertEquals(optimizer.step().applied, true);
});

for (
  const [what, like] of Object.entries({
    dims: { dims: [2, 3] },
    size: { size: [2, 3] },
    "a misspelt shape": { shap: [2, 3] },
    more: { shape: [2, 3], x: 1 },
  })
) {
  test(`A plain object with ${what} is refused as a parameter, a gradient and a target of a point; an instance of a class may have any key`, () => {
    const data = f32(1, 2, 3, 4, 5, 6);
    const odd = { data, ...like } as unknown as Tensor;
    assertThrows(() => createOptimizer(everything, { w: odd }), TypeError, "known are data, shape, dtype");
    using optimizer = createOptimizer(everything, { w: f32(1, 2, 3, 4, 5, 6) }, {}, { backend: "js" });
    assertThrows(() => optimizer.step({ w: odd }), TypeError, "known are data, shape, dtype");
    assertThrows(() => optimizer.point("half", { w: odd }), TypeError, "known are data, shape, dtype");
    const instance = Object.assign(Object.create({ constructor: null }), { data: f32(1, 2, 3, 4, 5, 6) }, like, { shape: undefined });
    using other = createOptimizer(everything, { w: instance as Tensor }, {}, { backend: "js" });
    assertEquals(other.step({ w: Object.assign(Object.create(instance), instance, { data }) }).applied, true);
  });
}

test("Sparse rows with another key are refused", () => {
  using optimizer = createOptimizer(descent, { w: f32(1, 2) }, {}, { backend: "js" });
  const sparse = { indices: Int32Array.of(0), values: f32(1), shape: [2] };
  assertThrows(() => optimizer.step({ w: sparse }), TypeError, "known are indices, values");
});

for (const name of backends) {
  test(`Backend ${name}: gradients as lists of numbers and in float64 are rounded to float32`, () => {
    const [a, b, c] = [f32(1, 2), f32(1, 2), f32(1, 2)];
    using optimizer = createOptimizer(adamw, { a, b, c, d: { data: new Uint16Array(2), dtype: "bfloat16" } }, {}, { backend: name });
    optimizer.step({ a: [0.1, 1e-3], b: Float64Array.of(0.1, 1e-3), c: f32(0.1, 1e-3), d: [0.1, 1] });
    assertEquals([a, b], [c, c]);
    for (const wrong of [[1], [1, "2"], [[1, 2]]]) assertThrows(() => optimizer.step({ a: wrong as number[] }), Error);
    assertEquals(optimizer.steps, 1);
  });

  test(`Backend ${name}: dispose() is what using calls; sync() and saveStateAsync() give what step and saveState gave`, async () => {
    const optimizer = createOptimizer(adamw, { w: f32(1, 2) }, {}, { backend: name });
    assertEquals(await optimizer.sync(), { applied: false, step: 0 });
    const reports = [optimizer.step({ w: f32(1, 1) }), await optimizer.sync(), optimizer.step({}), await optimizer.sync()];
    assertEquals(reports, [true, true, false, false].map((applied) => ({ applied, step: 1 })));
    assertEquals(await optimizer.saveStateAsync(), optimizer.saveState());
    assertStrictEquals(optimizer.dispose, optimizer[Symbol.dispose]);
    optimizer.dispose();
    optimizer.dispose();
    assertThrows(() => optimizer.step({}), TypeError, "disposed");
    for (const wait of [() => optimizer.sync(), () => optimizer.saveStateAsync()]) await assertRejects(wait, TypeError, "disposed");
  });
}

test("Consoles print the values of options and of an optimizer, not that there are getters", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1) }, { lr: 0.25 }, { backend: "js", schedules: { lr: (step) => step || 0.5 } });
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect(value: unknown): string }>;
  const print = (Deno ?? Bun ?? { inspect }).inspect;
  assertStringIncludes(print(optimizer.groups[0].current), "lr: 0.125");
  assertStringIncludes(print(optimizer.options), "lr: 0.25");
  for (const shown of [optimizer, optimizer.groups[0], optimizer.options, optimizer.grads, optimizer.groups[0].current]) {
    assertEquals(print(shown).includes("etter]"), false, print(shown));
  }
  assertEquals(Object.keys(optimizer.options), Object.keys(adamw.options));
});

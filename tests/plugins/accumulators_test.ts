import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { aboutOf } from "../../core/errors.ts";
import type { Accumulator, Grads, Tensor } from "../../core/types.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { roundBfloat16 } from "../../kernels/half.ts";
import { builtins } from "../../mod.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const like = { w: { data: new Float32Array(4), shape: [2, 2] }, v: f32(0) };
const make = (
  name: "sum" | "mean",
  options: { every?: number } = {},
  of: Readonly<Record<string, Tensor | Float32Array>> = like,
): Accumulator => builtins.createAccumulator(name, options, of, createBackend("js"));
const values = ({ gradients }: Accumulator): Record<string, number[]> =>
  Object.fromEntries(Object.entries(gradients).map(([name, { data }]) => [name, [...data]]));

test("sum() adds gradients, each times its weight", () => {
  const sums = make("sum");
  assertEquals([sums.add({ w: f32(1, 2, 3, 4), v: f32(1) }), sums.add({ w: f32(1, 1, 1, 1), v: null }, 3)], [false, false]);
  assertEquals(values(sums), { w: [4, 5, 6, 7], v: [1] });
  assertEquals([sums.count, sums.weight], [2, 4]);
});

test("mean() divides once by the total weight", () => {
  const means = make("mean");
  means.add({ w: f32(1, 2, 3, 4), v: f32(1) }, 1);
  means.add({ w: f32(5, 2, 3, 4) }, 3);
  assertEquals(values(means), { w: [4, 2, 3, 4], v: [0.25] });
  means.add({ v: f32(11) }, 4);
  assertEquals(values(means), { w: [2, 1, 1.5, 2], v: [5.625] });
  assertEquals([means.count, means.weight], [3, 8]);
});

test("A gradient that comes late counts", () => {
  const sums = make("sum");
  sums.add({ w: null, v: f32(1) });
  assertEquals(values(sums), { v: [1] });
  sums.add({ w: f32(1, 2, 3, 4) });
  assertEquals(values(sums), { v: [1], w: [1, 2, 3, 4] });
});

test("A step is due after every so many calls", () => {
  for (const name of ["sum", "mean"] as const) {
    const accumulator = make(name, { every: 3 });
    const due = [0, 1, 2, 3].map(() => accumulator.add({ v: f32(1) }));
    assertEquals(due, [false, false, true, true]);
    accumulator.reset();
    assertEquals(accumulator.add({ v: f32(1) }), false);
  }
});

test("reset() starts again: first zeros, then only what has come since", () => {
  for (const name of ["sum", "mean"] as const) {
    const accumulator = make(name);
    accumulator.reset();
    assertThrows(() => accumulator.gradients, RangeError, "added");
    accumulator.add({ w: f32(1, 2, 3, 4), v: f32(1) }, 2);
    accumulator.reset();
    accumulator.reset();
    assertEquals([accumulator.count, accumulator.weight, values(accumulator)], [0, 0, { w: [0, 0, 0, 0], v: [0] }]);
    accumulator.add({ v: f32(5) }, 2);
    // As GradientAccumulator, a sum keeps its zeros (N7); a mean gives what a step without accumulation would have.
    assertEquals(values(accumulator), name === "sum" ? { w: [0, 0, 0, 0], v: [10] } : { v: [5] });
  }
});

test("A tensor without a gradient after a reset is stepped by a sum's zeros, and left alone by a mean (N7)", () => {
  const moved = (["sum", "mean"] as const).map((name) => {
    const w = f32(1), v = f32(1);
    const recipe = { optimizer: { name: "adamw", options: { lr: 0.1 } }, accumulate: { name, options: { every: 1 } } };
    using trainer = builtins.createTrainer({ w, v }, recipe, { backend: "js" });
    trainer.add({ w: f32(1), v: f32(1) });
    const [before] = w;
    trainer.add({ v: f32(1) });
    return w[0] !== before;
  });
  assertEquals(moved, [true, false]);
});

test("A recipe must say after how many calls a step is due, or null for flush() alone", () => {
  for (const name of ["sum", "mean"] as const) {
    const make = (options?: { every?: number | null }) =>
      builtins.createTrainer({ w: f32(1) }, {
        optimizer: { name: "adamw" },
        accumulate: { name: name as string, ...options && { options } },
      }, {
        backend: "js",
      });
    for (const options of [undefined, {}, { every: undefined }]) {
      const thrown = assertThrows(() => make(options), TypeError, "only flush() steps");
      assertEquals([aboutOf(thrown).plugin, aboutOf(thrown).option], [name, "every"]);
    }
    assertThrows(() => make({ every: 0 }), RangeError, "every");
    using trainer = make({ every: null });
    for (let i = 0; i < 5; i++) assertEquals(trainer.add({ w: f32(1) }), false);
    assertEquals([trainer.flush(), trainer.steps], [true, 1]);
    const accumulator = builtins.createAccumulator(name, {}, { w: f32(1) }, trainer.optimizer.backend);
    assertEquals(accumulator.add({ w: f32(1) }), false);
  }
});

test("A mean's gradients are no sums, whatever the weight", () => {
  const means = make("mean");
  means.add({ v: f32(1) });
  const { v } = means.gradients;
  means.add({ v: f32(3) });
  assertEquals([...v.data], [1]);
});

test("merge() refuses what is no accumulator", () => {
  for (const name of ["sum", "mean"] as const) {
    for (const other of [null, {}, undefined, 3, [f32(1)]]) {
      assertThrows(() => make(name).merge(other as unknown as Accumulator), TypeError, "no accumulator");
    }
  }
});

test("A total weight that float32 cannot hold is refused before it is reached", () => {
  for (const name of ["sum", "mean"] as const) {
    const [a, b] = [make(name), make(name)];
    for (const one of [a, b]) one.add({ v: f32(1) }, 2e38);
    assertThrows(() => a.add({ v: f32(1) }, 2e38), RangeError, "total weight");
    assertThrows(() => a.merge(b), RangeError, "total weight");
    assertEquals([a.count, a.weight, values(a)], [1, 2e38, { v: [name === "sum" ? Math.fround(2e38) : 1] }]);
  }
});

test("merge() adds what another one has, as if all had come to one", () => {
  for (const name of ["sum", "mean"] as const) {
    const all = make(name), [a, b, empty] = [make(name), make(name), make(name)];
    for (const [accumulator, x, weight] of [[a, 1, 2], [a, 3, 5], [b, 7, 4], [b, 0.5, 0.25]] as const) {
      for (const one of [accumulator, all]) one.add({ w: f32(x, 2 * x, 0, -x), v: accumulator === a ? null : f32(x) }, weight);
    }
    a.merge(b);
    a.merge(empty);
    assertEquals([values(a), a.count, a.weight], [values(all), all.count, all.weight]);
    assertThrows(() => a.merge(a), TypeError, "itself");
    const other = make(name, {}, { w: f32(1) });
    other.add({ w: f32(1) });
    assertThrows(() => a.merge(other), RangeError, `"w"`);
    assertEquals(values(a), values(all));
  }
});

test("Sparse rows and 16-bit gradients are summed in float32", () => {
  for (const backend of available()) {
    const bits = (...xs: number[]): Tensor => ({ data: Uint16Array.from(xs.map(roundBfloat16)), shape: [2, 2], dtype: "bfloat16" });
    const low = { w: bits(0, 0, 0, 0) };
    const sums = builtins.createAccumulator("sum", {}, low, createBackend(backend));
    sums.add({ w: bits(1, 2, 3, 4) });
    sums.add({ w: bits(1 / 256, 0, 0, 0) });
    sums.add({ w: f32(0, 1 / 1024, 0, 0) });
    sums.add({ w: { indices: Int32Array.of(1, 1), values: f32(1, 2, 10, 20) } }, 2);
    assertEquals([sums.gradients.w.dtype, values(sums)], ["float32", { w: [1 + 1 / 256, 2 + 1 / 1024, 25, 48] }]);
  }
});

test("Lists of numbers and doubles are added as if rounded to float32 before", () => {
  for (const name of ["sum", "mean"] as const) {
    const [lists, rounded] = [make(name), make(name)];
    for (const numbers of [[0.1, 1e-46, 1e39, -0], [1 + 2 ** -30, 2, NaN, 4]]) {
      lists.add({ w: numbers, v: Float64Array.of(1 / 3) }, 3);
      rounded.add({ w: f32(...numbers), v: f32(1 / 3) }, 3);
    }
    assertEquals(values(lists), values(rounded));
  }
  const low = { w: { data: new Uint16Array(2), dtype: "bfloat16" as const } };
  const sums = builtins.createAccumulator("sum", {}, low, createBackend("js"));
  sums.add({ w: [0.1, 2] });
  assertEquals(values(sums), { w: [Math.fround(0.1), 2] });
});

test("What an accumulator refuses says whose it is", () => {
  for (const name of ["sum", "mean"] as const) {
    const thrown = assertThrows(() => make(name).add({ w: f32(1) }), RangeError, "accumulator");
    assertEquals(aboutOf(thrown).plugin, name);
  }
});

test("Sums have the same bits whatever the size, the backend and the place of the gradients", () => {
  const sizes = [1, 2048, 2049, 5000];
  for (const size of sizes) {
    const gradient = (t: number) => Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sqrt(i + t) - 30));
    const results = available().flatMap((name) =>
      [false, true].map((lying) => {
        const backend = createBackend(name);
        const sums = builtins.createAccumulator("mean", {}, { w: new Float32Array(size) }, backend);
        for (let t = 1; t <= 3; t++) {
          const g = lying ? backend.allocate(size) : { data: gradient(t) };
          g.data.set(gradient(t));
          sums.add({ w: g }, t / 3);
        }
        const copy = Float32Array.from(sums.gradients.w.data as Float32Array);
        backend[Symbol.dispose]();
        return copy;
      })
    );
    for (const result of results) assertEquals(result, results[0]);
  }
});

test("mean() gives one step whatever the split of the same examples", () => {
  // A counter hash: the same splits in every runtime.
  const random = (n: number): number => ((Math.imul(n ^ 0x9e3779b9, 0x85ebca6b) >>> 8) % 1000) / 1000;
  const examples = Array.from({ length: 24 }, (_, i) => f32(random(i) - 0.5, random(i + 100) - 0.5));
  const whole = (of: Float32Array[]): Float32Array => f32(...[0, 1].map((k) => of.reduce((sum, x) => sum + x[k], 0) / of.length));
  const stepped = (parts: Float32Array[][]): number[] => {
    const w = f32(1, 1);
    using trainer = builtins.createTrainer({ w }, {
      optimizer: { name: "adamw", options: { lr: 0.1 } },
      accumulate: { name: "mean", options: { every: null } },
    }, {
      backend: "js",
    });
    for (const part of parts) trainer.add({ w: whole(part) }, part.length);
    trainer.flush();
    return [...w];
  };
  const want = stepped([examples]);
  for (let seed = 1; seed <= 20; seed++) {
    const parts: Float32Array[][] = [[]];
    for (const [i, example] of examples.entries()) {
      if (parts.at(-1)!.length > 0 && random(i + 1000 * seed) < 0.3) parts.push([]);
      parts.at(-1)!.push(example);
    }
    stepped(parts).forEach((x, i) => assertAlmostEquals(x, want[i], 1e-6));
  }
});

test("A weight of 0 counts as a call and adds nothing, not even NaN", () => {
  for (const name of ["sum", "mean"] as const) {
    const accumulator = make(name);
    accumulator.add({ v: f32(NaN) }, 0);
    assertEquals([accumulator.count, accumulator.weight], [1, 0]);
    if (name === "mean") assertThrows(() => accumulator.gradients, RangeError, "weight is 0");
    accumulator.add({ v: f32(3) }, 2);
    assertEquals(values(accumulator), { v: [name === "sum" ? 6 : 3] });
  }
});

const bad: [what: string, grads: unknown, weight: unknown, error: typeof TypeError | typeof RangeError, text: string][] = [
  ["an empty set", {}, 1, RangeError, "empty"],
  ["null", null, 1, TypeError, "null"],
  ["a map", new Map(), 1, TypeError, "gradients"],
  ["an empty array", [], 1, TypeError, "gradients"],
  ["a bare gradient", f32(1), 1, TypeError, "gradients"],
  ["an unknown name", { w: f32(1, 1, 1, 1), u: f32(1) }, 1, TypeError, `"u"`],
  ["another length after one that fits", { w: f32(1, 1, 1, 1), v: f32(1, 2) }, 1, RangeError, `"v"`],
  ["another shape", { v: f32(1), w: { data: f32(1, 1, 1, 1), shape: [4] } }, 1, RangeError, "[4]"],
  ["another dtype", { v: f32(1), w: { data: new Uint16Array(4), dtype: "bfloat16" } }, 1, RangeError, "bfloat16"],
  ["patterns without a dtype", { v: f32(1), w: new Uint16Array(4) }, 1, RangeError, "dtype"],
  ["a list with a word in it", { v: f32(1), w: [1, 1, "1", 1] }, 1, TypeError, `"w"`],
  ["a list with a hole", { v: f32(1), w: [1, undefined, 1, 1] }, 1, TypeError, "undefined at 1"],
  ["too short a list", { v: f32(1), w: [1, 1, 1] }, 1, RangeError, `"w"`],
  ["too many doubles", { v: f32(1), w: new Float64Array(5) }, 1, RangeError, `"w"`],
  ["whole numbers", { v: f32(1), w: new Int32Array(4) }, 1, TypeError, `"w"`],
  ["a tensor with a misspelt shape", { v: f32(1), w: { data: f32(1, 1, 1, 1), shap: [4] } }, 1, TypeError, "shape"],
  ["a row too far", { v: f32(1), w: { indices: Int32Array.of(2), values: f32(1, 1) } }, 1, RangeError, "row 2"],
  ["too few values of rows", { v: f32(1), w: { indices: Int32Array.of(0), values: f32(1) } }, 1, RangeError, "1 rows"],
  ["ordinary indices", { v: f32(1), w: { indices: [0], values: f32(1, 1) } }, 1, TypeError, "Int32Array"],
  ["a negative weight", { v: f32(1) }, -1, RangeError, "-1"],
  ["a weight that is NaN", { v: f32(1) }, NaN, RangeError, "NaN"],
  ["an endless weight", { v: f32(1) }, Infinity, RangeError, "Infinity"],
  ["a weight above float32", { v: f32(1) }, 1e39, RangeError, "1e+39"],
  ["a weight below float32", { v: f32(1) }, 1e-46, RangeError, "1e-46"],
  ["a weight in words", { v: f32(1) }, "1", TypeError, "weight"],
];
for (const [what, grads, weight, error, text] of bad) {
  for (const name of ["sum", "mean"] as const) {
    test(`${name}() refuses ${what}, and nothing is added`, () => {
      const accumulator = make(name);
      accumulator.add({ w: f32(1, 2, 3, 4), v: f32(5) }, 2);
      const before = [values(accumulator), accumulator.count, accumulator.weight];
      const thrown = assertThrows(() => accumulator.add(grads as Grads, weight as number), error);
      assertStringIncludes(thrown.message, text);
      assertEquals([values(accumulator), accumulator.count, accumulator.weight], before);
    });
  }
}

test("sum refuses a shape that is none, and a dtype that is none, before it adds", () => {
  const accumulator = builtins.createAccumulator("sum", {}, { w: new Float32Array(3) });
  const data = new Float32Array(3);
  for (const shape of [null, "3", 3]) {
    assertThrows(() => accumulator.add({ w: { data, shape } as never }), TypeError, "a shape is an array");
  }
  assertThrows(() => accumulator.add({ w: { data, dtype: null } as never }), RangeError, "does not hold");
  assertEquals(accumulator.count, 0);
});

test("sum adds nothing of a call in which a later gradient finds no memory", () => {
  using backend = createBackend("wasm", { arenaBytes: 65_536 });
  const like = { a: new Float32Array(2), b: { data: new Uint16Array(10_240), dtype: "bfloat16" as const } };
  const accumulator = builtins.createAccumulator("sum", {}, like, backend);
  const grads = { a: Float32Array.of(1, 1), b: { data: new Uint16Array(10_240).fill(roundBfloat16(1)), dtype: "bfloat16" as const } };
  for (let i = 0; i < 3; i++) assertThrows(() => accumulator.add(grads), RangeError);
  assertEquals([accumulator.count, accumulator.weight], [0, 0]);
  assertThrows(() => accumulator.gradients, RangeError);
  accumulator.add({ a: grads.a });
  assertEquals([...accumulator.gradients.a.data], [1, 1]);
});

test("sum merges all of another's gradients, also where its own backend has no room for copies of them", () => {
  using small = createBackend("wasm", { arenaBytes: 131_072 });
  using other = createBackend("wasm");
  const like = { a: new Float32Array(2), b: new Float32Array(10_240) };
  const [one, two] = [small, other].map((backend) => builtins.createAccumulator("sum", {}, like, backend));
  const grads = { a: Float32Array.of(1, 2), b: new Float32Array(10_240).fill(3) };
  one.add(grads);
  two.add(grads);
  one.merge(two);
  assertEquals([one.count, [...one.gradients.a.data], one.gradients.b.data[10_239]], [2, [2, 4], 6]);
});

test("sum refuses to add once its backend is disposed, and createAccumulator what is no backend", () => {
  const backend = createBackend("wasm");
  const accumulator = builtins.createAccumulator("sum", {}, { a: new Float32Array(3) }, backend);
  accumulator.add({ a: new Float32Array(3).fill(1) });
  backend[Symbol.dispose]();
  assertThrows(() => accumulator.add({ a: new Float32Array(3).fill(1) }), TypeError, "disposed");
  for (const wrong of ["js", {}, null, backend]) {
    assertThrows(() => builtins.createAccumulator("sum", {}, { a: new Float32Array(3) }, wrong as never), TypeError, "backend");
  }
});

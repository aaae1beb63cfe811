import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { explain } from "../../core/explain.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, TransformPlugin } from "../../core/plugin/contract.ts";
import { splice } from "../../core/optimizer/splice.ts";
import type { Use } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { adafactor } from "../../plugins/optimizers/adafactor.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { clipGlobalNorm } from "../../plugins/transforms/clip_global_norm.ts";
import { clipValue } from "../../plugins/transforms/clip_value.ts";
import { descent, half } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const transform = (
  name: string,
  rule: ReturnType<TransformPlugin["rule"]>,
  scalars: Record<string, number> = {},
): TransformPlugin<string, object> => ({
  kind: "transform",
  name,
  description: name,
  options: {},
  rule: () => rule,
  scalars: () => scalars,
});

test("A splice puts before ahead, after behind the last line that assigns u, last at the end, each in the transforms' order", () => {
  const part = (scope: string, rule: object) => ({ scope, title: scope, plugin: scope, rule, scalars: [] });
  const { update } = splice([
    part("rule", { slots: {}, update: "a = g\nu = a\nu = -u\np -= u" }),
    part("0:x", { before: "g = -g", after: "u *= 2", last: "p *= 2" }),
    part("1:y", { before: "g = g + 1", after: "u *= 3" }),
  ], "float32");
  assertEquals(update.map(({ scope, name, line }) => `${scope} ${name} ${line}`), [
    "0:x g 1",
    "1:y g 1",
    "rule a 1",
    "rule u 2",
    "rule u 3",
    "0:x u 1",
    "1:y u 1",
    "rule p 4",
    "0:x p 1",
  ]);
});

const moved = (transforms: readonly Use[], grads = f32(3, -4), plugin: OptimizerPlugin<string, { lr?: number }> = descent): number[][] =>
  available().map((backend) => {
    const w = f32(0, 0);
    using optimizer = createOptimizer(plugin, { w }, { lr: 1 }, { backend, transforms });
    optimizer.step({ w: grads });
    return [...w];
  });

test("Transforms act in their order", () => {
  const clip = { name: clipValue, options: { value: 2 } };
  const double = { name: transform("double", { before: "g *= 2" }) };
  for (const w of moved([clip, double])) assertEquals(w, [-4, 4]);
  for (const w of moved([double, clip])) assertEquals(w, [-2, 2]);
});

test("A splice's names are its own, though the rule and other splices use the same", () => {
  const plugin = { ...descent, rule: () => ({ slots: {}, update: "n = 10\nu = g\np -= n*lr*u" }) };
  const one = { name: transform("one", { before: "n = 2\nlr = n\ng *= lr", last: "p += n" }, { lr: 5 }) };
  const other = { name: transform("one", { before: "n = 3\ng *= n*lr" }, { lr: 7 }) };
  for (const w of moved([one, other], f32(1, 0), plugin)) assertEquals(w, [-10 * 2 * 3 * 7 + 2, 2]);
});

test("The same transform twice acts twice", () => {
  for (const w of moved([{ name: half }, { name: half }], f32(8, 0))) assertEquals(w, [-2, 0]);
});

test("A transform's slots are kept and saved with the rule's", () => {
  const averaged = transform("averaged", {
    slots: { a: { shape: "param", key: "average", init: "p" } },
    last: "a = 0.5*a + 0.5*p",
    points: { average: "a" },
  });
  const w = f32(0);
  using optimizer = createOptimizer(descent, { w }, { lr: 1 }, { backend: "js", transforms: [{ name: averaged }] });
  optimizer.step({ w: f32(8) });
  assertEquals([...optimizer.saveState().tensors["w.average"].data], [-4]);
  assertEquals([...optimizer.point("average").w.data], [-4]);
});

test("A transform's sum spans all tensors, a rule's those that use that rule", () => {
  const norm: OptimizerPlugin<"norm", { lr?: number }> = {
    ...descent,
    name: "norm",
    rule: () => ({ slots: {}, update: "n = allsum(g)\np = n" }),
  };
  const sums = { name: transform("sums", { before: "s = allsum(g)", last: "p += 1000*s" }) };
  for (const backend of available()) {
    const params = { a: f32(0), b: f32(0), c: f32(0), d: f32(0) };
    using optimizer = createOptimizer(descent, params, { lr: 0 }, {
      backend,
      groups: [{ match: "[ab]", optimizer: norm }],
      transforms: [sums],
    });
    optimizer.step({ a: f32(1), b: f32(2), c: f32(4) });
    assertEquals(Object.values(params).map(([x]) => x), [7003, 7003, 7000, 0]);
  }
});

test("A rule without a direction refuses an after, and says so", () => {
  const plugin = { ...descent, rule: () => ({ slots: {}, update: "d = g\np -= lr*d" }) };
  const error = assertThrows(
    () => createOptimizer(plugin, { w: f32(1) }, {}, { backend: "js", transforms: [{ name: half }] }),
    SyntaxError,
    `no direction u`,
  ) as SyntaxError & Record<string, unknown>;
  assertEquals([error.line, error.name, error.known], [1, "u", ["d", "p"]]);
  createOptimizer(plugin, { w: f32(1) }, {}, { backend: "js", transforms: [{ name: clipValue, options: { value: 1 } }] })[Symbol.dispose]();
});

test("An optimizer over 16-bit parameters has a direction too", () => {
  using _optimizer = createOptimizer(adamw, { w: { data: new Uint16Array(4), dtype: "bfloat16" } }, {}, {
    backend: "js",
    transforms: [{ name: half }],
  });
});

test("Two entries, points, slot keys or input slots of one name are refused", () => {
  const entry = transform("entry", { also: { go: "p = g" }, points: { eval: "p" } });
  const slot = transform("slot", { slots: { a: { shape: "param", key: "kept" } }, last: "a = p" });
  const input = transform("input", { slots: { e: { shape: "param", key: null, input: true } }, before: "g += e" });
  for (const twice of [entry, slot, input]) {
    const make = (count: number) =>
      createOptimizer(descent, { w: f32(1) }, {}, { backend: "js", transforms: Array(count).fill({ name: twice }) });
    make(1)[Symbol.dispose]();
    assertThrows(() => make(2), TypeError);
  }
});

test("A transform cuts a tensor otherwise only where nobody else cuts it", () => {
  const agc = (shape: readonly number[]): TransformPlugin<"agc", object> => ({
    ...transform("agc", {}),
    name: "agc",
    rule: () => ({ matrix: [1, shape[0], shape.slice(1).reduce((n, length) => n * length, 1)], before: "g -= rowmean(g)" }),
  });
  const make = (plugin: OptimizerPlugin<string, object>, shape: readonly number[]) => {
    const w = { data: new Float32Array(shape.reduce((n, length) => n * length, 1)), shape };
    w.data.set([1, 2, 3]);
    const options: object = plugin === descent ? { lr: 1 } : {};
    const optimizer = createOptimizer(plugin, { w }, options, {
      backend: "js",
      transforms: [{ name: agc(shape) }],
    });
    optimizer.step({ w: { data: w.data.slice(), shape } });
    optimizer[Symbol.dispose]();
    return w.data;
  };
  assertEquals(make(descent, [1, 1, 3]), f32(2, 2, 2));
  make(adafactor, [2, 3]);
  assertThrows(() => make(adafactor, [2, 2, 3]), TypeError, "agc");
});

test("Who speaks of rows, columns or matrices needs the usual cut; who writes of them in a comment does not", () => {
  const rule = (update: string, also: Record<string, string> = {}): OptimizerPlugin<"some", object> => ({
    ...descent,
    name: "some",
    options: {},
    rule: () => ({ slots: {}, update, also }),
    scalars: () => ({}),
  });
  const cut: TransformPlugin<"cut", object> = {
    ...transform("cut", {}),
    name: "cut",
    rule: () => ({ matrix: [1, 2, 6], before: "g -= rowmean(g)" }),
  };
  const make = (plugin: OptimizerPlugin<string, object>) => {
    const w = { data: new Float32Array(12), shape: [2, 2, 3] };
    createOptimizer(plugin, { w }, {}, { backend: "js", transforms: [{ name: cut }] })[Symbol.dispose]();
  };
  for (const line of ["p -= g # not by rows", "p -= g*size", "p -= max(g, p)", "p -= g/norm(g)"]) make(rule(line));
  for (const f of ["row", "col"].flatMap((axis) => ["sum", "mean", "norm", "rms", "max"].map((f) => `${axis}${f}(g)`))) {
    assertThrows(() => make(rule(`p -= ${f}`)), TypeError, "into [1, 2, 6] for", f);
  }
  for (const line of ["p -= rows*g", "p -= g + cols", "p -= g/batch", "a = transpose(g)\nb = matmul(g, a)\nc = matmul(b, g)\np -= c"]) {
    assertThrows(() => make(rule(line)), TypeError, "into [1, 2, 6] for", line);
  }
  assertThrows(() => make(rule("p -= g", { other: "p -= rowmean(p)" })), TypeError, "into [1, 2, 6] for");
});

// ---- explain

test("explain prints a line for each pass", () => {
  assertEquals(explain(adamw, [3, 4]), "pass 1: read p g m v, write p m v");
  const clipped = explain(adamw, [3, 4], { transforms: [{ name: clipGlobalNorm, options: { maxNorm: 1 } }] });
  assertEquals(clipped.split("\n").map((line) => line.slice(0, 14)), ["pass 1: read g", "pass 2: read p"]);
});

test("explain takes options and a dtype, and refuses what createOptimizer refuses", () => {
  assertEquals(explain(adafactor, [3, 4], { options: { beta1: 0.9 } }).includes("m"), true);
  assertEquals(explain(adamw, [4], { dtype: "bfloat16" }), "pass 1: read p g m v, write p m v");
  assertThrows(() => explain(adamw, [4], { options: { lr: -1 } }), RangeError);
  assertThrows(() => explain(adamw, [4], { options: { LR: 1 } as object }), TypeError);
  assertThrows(() => explain(adamw, [4], { dtype: "float64" as "float32" }), RangeError);
  assertThrows(() => explain(adamw, [-4]), RangeError);
  assertThrows(() => explain(adamw, [4], { transforms: [{ name: "half" }] }), TypeError, "registry");
  assertThrows(() => explain({ ...descent, rule: () => ({ slots: {}, update: "p -= x" }) }, [4]), SyntaxError, "x");
});

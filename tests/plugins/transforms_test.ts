import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Grads, Use } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { builtins } from "../../mod.ts";
import { descent } from "../core/plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const registry = builtins.with(descent);

/** What a step of lr 1 subtracts: the gradient as the transform leaves it. */
function transformed(
  backend: "js" | "wasm" | "threads",
  use: Use,
  grads: Readonly<Record<string, Float32Array>>,
): Record<string, number[]> {
  const params = Object.fromEntries(Object.entries(grads).map(([name, { length }]) => [name, new Float32Array(length)]));
  using optimizer = registry.createOptimizer("descent", params, { lr: 1 }, { backend, transforms: [use] });
  const before = structuredClone(grads);
  optimizer.step(grads as Grads);
  assertEquals(grads, before, "gradients are never written");
  return Object.fromEntries(Object.entries(params).map(([name, p]) => [name, Array.from(p, (x) => 0 - x)]));
}

for (const backend of available()) {
  test(`clip_value() on backend ${backend} clips each number and lets NaN through`, () => {
    const { w } = transformed(backend, { name: "clip_value", options: { value: 2 } }, { w: f32(-3, -2, 0.5, 5, Infinity, NaN) });
    assertEquals(w, [-2, -2, 0.5, 2, 2, NaN]);
  });

  test(`clip_norm() on backend ${backend} scales each tensor by its own norm`, () => {
    const { w, v } = transformed(backend, { name: "clip_norm", options: { maxNorm: 1 } }, { w: f32(3, 4), v: f32(0.3, 0.4) });
    w.forEach((x, i) => assertAlmostEquals(x, [0.6, 0.8][i] * (5 / (5 + 1e-6)), 1e-7));
    assertEquals(v, [...f32(0.3, 0.4)]);
  });

  test(`clip_global_norm() on backend ${backend} scales all tensors by their common norm`, () => {
    const { w, v } = transformed(backend, { name: "clip_global_norm", options: { maxNorm: 6.5 } }, { w: f32(3, 4), v: f32(12) });
    [...w, ...v].forEach((x, i) => assertAlmostEquals(x, [1.5, 2, 6][i] * (13 / (13 + 1e-6)), 1e-6));
    const small = transformed(backend, { name: "clip_global_norm", options: { maxNorm: 14 } }, { w: f32(3, 4), v: f32(12) });
    assertEquals(small, { w: [3, 4], v: [12] });
  });

  test(`clip_global_norm() on backend ${backend} spreads a NaN to all tensors, as torch does`, () => {
    const { w, v } = transformed(backend, { name: "clip_global_norm", options: { maxNorm: 1 } }, { w: f32(NaN, 4), v: f32(12) });
    assertEquals([...w, ...v].map(Number.isNaN), [true, true, true]);
    const endless = transformed(backend, { name: "clip_global_norm", options: { maxNorm: 1 } }, { w: f32(Infinity, 4), v: f32(12) });
    assertEquals([endless.w, endless.v], [[NaN, 0], [0]]);
  });
}

test("clip_global_norm() spans groups and leaves tensors without a gradient out", () => {
  const params = { w: f32(0, 0), v: f32(0), u: f32(7) };
  using optimizer = registry.createOptimizer("descent", params, { lr: 1 }, {
    backend: "js",
    groups: [{ match: "v" }],
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 6.5 } }],
  });
  optimizer.step({ w: f32(3, 4), v: f32(12) });
  [...params.w, ...params.v].forEach((x, i) => assertAlmostEquals(x, -[1.5, 2, 6][i], 1e-6));
  assertEquals(params.u, f32(7));
});

test("Clipping refuses a missing, negative or NaN bound, and 0, which would stop training without a word", () => {
  for (const [name, option] of [["clip_value", "value"], ["clip_norm", "maxNorm"], ["clip_global_norm", "maxNorm"]]) {
    const make = (options: object) =>
      registry.createOptimizer("descent", { w: f32(1) }, {}, { backend: "js", transforms: [{ name, options }] });
    assertThrows(() => make({}), TypeError, option);
    assertThrows(() => make({ [option]: -1 }), RangeError, "in (0, Infinity)");
    // 0 in float32, in which it acts
    assertThrows(() => make({ [option]: 1e-46 }), RangeError, "leave the transform out");
    assertThrows(() => make({ [option]: NaN }), RangeError);
    assertThrows(() => make({ [option]: "1" }), TypeError);
    assertThrows(() => make({ [option]: 0 }), RangeError, "leave the transform out");
    make({ [option]: 1e-45 })[Symbol.dispose]();
  }
});

test("Clipping says what the norm was before: of all, or the largest of the tensors'; null before the first step", () => {
  for (const [name, norm] of [["clip_global_norm", 13], ["clip_by_global_norm", 13], ["clip_norm", 12], ["zclip", 13]] as const) {
    const options = name === "zclip" ? {} : { maxNorm: 1 };
    using optimizer = registry.createOptimizer("descent", { w: f32(0, 0), v: f32(0) }, {}, {
      backend: "js",
      groups: [{ match: "v" }],
      transforms: [{ name: "clip_value", options: { value: 100 } }, { name, options }],
    });
    const [value, clip] = optimizer.transforms;
    assertEquals([value.name, value.readings(), clip.name, clip.readings().norm], ["clip_value", {}, name, null]);
    optimizer.step({ w: f32(3, 4), v: f32(12) });
    assertEquals(clip.readings().norm, norm);
    optimizer.step({ v: f32(0) });
    assertEquals(clip.readings().norm, 0, "of the groups that stepped");
    optimizer.step({ w: f32(NaN, 0) });
    assertEquals(clip.readings().norm, null);
    assertEquals(Object.keys(optimizer.saveState().tensors).filter((key) => key.startsWith("group") && !key.includes("zclip")), []);
  }
});

test("A transform's group slot is one for all groups, also for one that had no gradient when it moved", () => {
  const params = { w: f32(0), v: f32(0) };
  using optimizer = registry.createOptimizer("descent", params, { lr: 1 }, {
    backend: "js",
    groups: [{ match: "v" }],
    transforms: [{ name: "lookahead", options: { k: 3 } }],
  });
  optimizer.step({ w: f32(-4) });
  optimizer.step({ w: f32(-4) });
  optimizer.step({ w: f32(-4), v: f32(-4) }); // the third step of the optimizer, the first of v
  assertEquals([params.w[0], params.v[0]], [6, 2]);
});

test("clip_by_global_norm() scales to the very norm, and makes all NaN where there is none", () => {
  const use = { name: "clip_by_global_norm", options: { maxNorm: 6.5 } };
  assertEquals(transformed("js", use, { w: f32(3, 4), v: f32(12) }), { w: [1.5, 2], v: [6] });
  assertEquals(transformed("js", use, { w: f32(3, 4) }), { w: [3, 4] });
  assertEquals(transformed("js", use, { w: f32(Infinity, 4), v: f32(1) }), { w: [NaN, NaN], v: [NaN] });
});

test("grams() turns the update to the gradient's side, and centralize() takes each output's mean", () => {
  const shaped = (shape: number[], ...values: number[]) => ({ data: f32(...values), shape });
  const params = { w: shaped([2, 2], 0, 0, 0, 0), k: shaped([1, 2, 2], 0, 0, 0, 0), b: f32(0, 0) };
  using optimizer = registry.createOptimizer("descent", params, { lr: 1 }, { backend: "js", transforms: [{ name: "centralize" }] });
  optimizer.step({ w: f32(1, 3, 0, 4), k: f32(1, 2, 3, 6), b: f32(1, 3) });
  assertEquals([[...params.w.data], [...params.k.data], [...params.b]], [[1, -1, 2, -2], [2, 1, 0, -3], [-1, -3]]);
  const w = f32(0, 0);
  using moving = registry.createOptimizer("sgd", { w }, { lr: 1, momentum: 1 }, { backend: "js", transforms: [{ name: "grams" }] });
  moving.step({ w: f32(4, 4) });
  moving.step({ w: f32(-1, 0) });
  assertEquals([...w], [-4 + 3, -4]);
});

test("ema() is the parameter itself after the first step, whatever the dtype, and where no gradient ever came", () => {
  const params = { w: f32(1, 2), low: { data: Uint16Array.of(0x3f80), dtype: "bfloat16" as const }, still: f32(7) };
  using optimizer = registry.createOptimizer("descent", params, { lr: 0.3 }, { backend: "js", transforms: [{ name: "ema" }] });
  optimizer.step({ w: f32(1, 1), low: f32(1) });
  const { w, low, still } = optimizer.point("ema");
  assertEquals([w.data, low.data, still.data], [params.w, params.low.data, params.still]);
  const average = optimizer.saveState().tensors["low.ema"];
  assertEquals([average.dtype, optimizer.saveState().tensors["w.ema"].data], ["float32", params.w]);
});

test("The transforms' options are held to their meaning", () => {
  const make = (name: string, options: object) => () =>
    registry.createOptimizer("descent", { w: f32(1) }, {}, { backend: "js", transforms: [{ name, options }] });
  for (
    const [name, options] of [
      ["agc", { clipFactor: 0 }],
      ["agc", { clipFactor: 1e-46 }],
      ["lookahead", { k: 0 }],
      ["lookahead", { k: 1.5 }],
      ["lookahead", { alpha: 2 }],
      ["lookahead", { start: "now" }],
      ["ema", { decay: 1.1 }],
      ["zclip", { warmupSteps: 0 }],
      ["zclip", { mode: "other" }],
      ["sam", { rho: -1 }],
    ] as const
  ) assertThrows(make(name, options), RangeError, Object.keys(options)[0]);
});

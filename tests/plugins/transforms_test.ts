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

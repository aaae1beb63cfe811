import { test } from "node:test";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Base, Schedule } from "../../core/types.ts";
import { builtins } from "../../mod.ts";

const make = (name: string, options: object, base?: Base) => builtins.createSchedule(name as "rex", options as never, base) as Schedule;

test("rex is two thirds of the way down where a straight line is three quarters", () => {
  const schedule = make("rex", { totalSteps: 100 });
  for (const z of [0, 0.25, 0.5, 0.75, 1]) assertAlmostEquals(schedule(100 * z), (1 - z) / (0.5 + 0.5 * (1 - z)), 1e-15);
  assertEquals([make("rex", { totalSteps: 100, minLrRate: 0.1 })(100), schedule(1e9)], [0.1, 0]);
});

test("warmup_decay rises by the logarithm from its least value, and falls back to it", () => {
  const options = { totalNumSteps: 1000, warmupNumSteps: 100, warmupMinLr: 0.1, warmupMaxLr: 1.1 };
  const schedule = make("warmup_decay", options);
  assertEquals(schedule(0), 0.1);
  assertAlmostEquals(schedule(9), 0.6, 1e-12);
  assertAlmostEquals(schedule(99), 1.1, 1e-12);
  assertEquals([schedule(100), schedule(1000), schedule(5000)], [1.1, 0.1, 0.1]);
  assertAlmostEquals(schedule(550), 0.6, 1e-12);
  assertAlmostEquals(make("warmup_decay", { ...options, warmupType: "linear" })(50), 0.6, 1e-12);
  // Two steps of warmup at least.
  assertEquals(make("warmup_decay", { ...options, warmupNumSteps: 0 })(1), 1.1);
});

test("cosine_timm warms up from a value of its own, and takes those steps off its first wave, or not", () => {
  const base: Base = { value: 0.5, groups: [0.5, 0.25] };
  const options = { tInitial: 10, lrMin: 0.05, warmupT: 4, warmupLrInit: 0.1 };
  for (const warmupPrefix of [false, true]) {
    const schedule = make("cosine_timm", { ...options, warmupPrefix }, base);
    base.groups.forEach((lr, group) => {
      for (let step = 0; step < 16; step++) {
        const t = warmupPrefix ? step - 4 : step;
        const wanted = step < 4 ? 0.1 + step * (lr - 0.1) / 4 : t < 10 ? 0.05 + 0.5 * (lr - 0.05) * (1 + Math.cos(Math.PI * t / 10)) : 0.05;
        assertAlmostEquals(lr * schedule(step, group), wanted, 1e-15);
      }
    });
  }
});

test("cosine_timm's waves grow and sink, as counted, and end", () => {
  const schedule = make("cosine_timm", { tInitial: 7, cycleMul: 2, cycleDecay: 0.5, cycleLimit: 3, kDecay: 1.5 });
  let [at, length, height] = [0, 7, 1];
  for (let step = 0; step < 7 + 14 + 28; step++) {
    assertAlmostEquals(schedule(step), 0.5 * height * (1 + Math.cos(Math.PI * (at / length) ** 1.5)), 1e-14);
    at += 1;
    if (at < length) continue;
    [at, length, height] = [0, 2 * length, height / 2];
  }
  assertEquals([49, 1e9].map((step) => schedule(step)), [0, 0]);
});

test("constant_inverse_sqrt is T5's 0.01 for ten thousand steps", () => {
  const schedule = make("constant_inverse_sqrt", {});
  assertEquals([0, 10_000, 40_000].map((step) => schedule(step)), [0.01, 0.01, 0.005]);
});

test("piecewise_interpolate goes from value to value, each a multiple of the one before", () => {
  const options = { initValue: 2, boundariesAndScales: { 20: 0.25, 10: 2 } };
  const line = make("piecewise_interpolate", { ...options, interpolateType: "linear" });
  assertEquals([0, 5, 10, 15, 20, 99].map((step) => line(step)), [2, 3, 4, 2.5, 1, 1]);
  const wave = make("piecewise_interpolate", { ...options, interpolateType: "cosine" });
  assertEquals([0, 10, 20].map((step) => wave(step)), [2, 4, 1]);
  assertAlmostEquals(wave(5), 3, 1e-15);
  assertEquals(make("piecewise_interpolate", { interpolateType: "linear", initValue: 3, boundariesAndScales: {} })(7), 3);
  for (const [bad, Wrong] of [[{ 0: 1 }, RangeError], [{ x: 1 }, RangeError], [{ 5: -1 }, RangeError], [{ 5: "1" }, TypeError]] as const) {
    assertThrows(
      () => make("piecewise_interpolate", { ...options, interpolateType: "linear", boundariesAndScales: bad }),
      Wrong,
      "boundariesAndScales",
    );
  }
});

test("cosine_decay's exponent bends its wave, in float32", () => {
  const options = { initialLearningRate: 1, decaySteps: 100 };
  const [plain, bent] = [make("cosine_decay", options), make("cosine_decay", { ...options, exponent: 2 })];
  for (const step of [0, 10, 50, 90, 100, 200]) assertAlmostEquals(bent(step), plain(step) ** 2, 1e-6);
});

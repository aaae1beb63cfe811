// F1 and the like are items of tests/reference/semantics.md: what the reference does, read from its source and run.
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { Settings, Tensor } from "../../core/types.ts";
import type { BackendName } from "../../kernels/types.ts";
import { adafactor, type AdafactorOptions } from "../../plugins/optimizers/adafactor.ts";
import { clipGlobalNorm } from "../../plugins/transforms/clip_global_norm.ts";

const shape = [4, 3];
const size = 12;

/** Numbers that look random: another seed, other numbers. */
function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.fround(((Math.imul(i + 1, 2654435761) ^ Math.imul(seed + 1, 40503)) % 1000) / 700));
}

/** The parameters after some steps from the same start. */
function run(options: AdafactorOptions, steps = 3, settings: Settings<AdafactorOptions> = {}, of: readonly number[] = shape): Float32Array {
  const length = of.reduce((product, n) => product * n, 1);
  const w = { data: numbers(length, 0), shape: of };
  using optimizer = createOptimizer(adafactor, { w }, options, { backend: "js", ...settings });
  for (let t = 1; t <= steps; t++) optimizer.step({ w: { data: numbers(length, t), shape: of } });
  return w.data;
}

function stateOf(w: Tensor, options: AdafactorOptions = {}): Record<string, readonly number[]> {
  using optimizer = createOptimizer(adafactor, { w }, options, { backend: "js" });
  return Object.fromEntries(Object.entries(optimizer.saveState().tensors).map(([key, { shape }]) => [key, shape]));
}

const external = { lr: 1e-2, relativeStep: false };

for (
  const [option, base, other] of [
    ["lr", external, { ...external, lr: 2e-2 }],
    ["eps", {}, { eps: [1e-2, 1e-3] }],
    ["eps", {}, { eps: [1e-30, 9] }],
    ["clipThreshold", {}, { clipThreshold: 0.1 }],
    ["decayRate", {}, { decayRate: -0.3 }],
    ["beta1", {}, { beta1: 0.9 }],
    ["weightDecay", {}, { weightDecay: 0.1 }],
    ["weightDecay", {}, { weightDecay: -0.1 }],
    ["scaleParameter", {}, { scaleParameter: false }],
    ["relativeStep", {}, { ...external, lr: 2e-2 }],
    ["warmupInit", {}, { warmupInit: true }],
  ] as const
) {
  test(`adafactor has an option ${option} that acts: ${JSON.stringify(other)} (F1)`, () => {
    assert(run(base).some((x, i) => x !== run(other)[i]));
  });
}

for (
  const [what, options, error] of [
    ["lr with relativeStep", { lr: 1e-3 }, RangeError],
    ["lr 0 with relativeStep", { lr: 0 }, RangeError],
    ["warmupInit without relativeStep", { ...external, warmupInit: true }, RangeError],
    ["no lr without relativeStep", { relativeStep: false }, TypeError],
    ["initialLr without relativeStep (D4)", { ...external, initialLr: 1e-3 }, RangeError],
    ["a NaN option (the NaN rule)", { clipThreshold: NaN }, RangeError],
    ["one eps", { eps: [1e-30] }, RangeError],
    ["a number for eps", { eps: 1e-8 }, TypeError],
    ["a null clipThreshold", { clipThreshold: null }, TypeError],
    ["an option of Adam's", { betas: [0.9, 0.99] }, TypeError],
  ] as const
) {
  test(`adafactor refuses ${what} when it is made (F2)`, () => {
    assertThrows(() => createOptimizer(adafactor, { w: new Float32Array(2) }, options as unknown as AdafactorOptions), error);
  });
}

test("adafactor takes what the reference does not check: a negative lr, clipThreshold 0, decayRate above 0, beta1 2 (F2)", () => {
  for (const options of [{ ...external, lr: -1e-2 }, { clipThreshold: 0 }, { decayRate: 0.8 }, { beta1: 2 }]) run(options, 1);
});

test("adafactor factors tensors of two and more dimensions over the last two, however small (F5, F6)", () => {
  assertEquals(stateOf({ data: numbers(24, 0), shape: [2, 3, 4] }), {
    "w": [2, 3, 4],
    "w.RMS": [],
    "w.exp_avg_sq_row": [2, 3],
    "w.exp_avg_sq_col": [2, 4],
    "w.step": [],
  });
  assertEquals(stateOf({ data: numbers(3, 0), shape: [3] }), { "w": [3], "w.RMS": [], "w.exp_avg_sq": [3], "w.step": [] });
});

test("adafactor takes beta1 = 0 for a first moment (F14)", () => {
  assertEquals(stateOf({ data: numbers(3, 0), shape: [3] }, { beta1: 0 })["w.exp_avg"], [3]);
});

test("adafactor treats a batch of matrices as it treats each of them (F5, rules.md: one mean of the row factor a matrix)", () => {
  // Clipping and scaling are by the whole tensor, so they are kept out of the comparison.
  const options = { ...external, scaleParameter: false, clipThreshold: 1e9 };
  const whole = run(options, 1, {}, [2, 4, 3]);
  const parts = [0, 1].map((part) => {
    const w = { data: numbers(24, 0).slice(12 * part, 12 * part + 12), shape };
    using optimizer = createOptimizer(adafactor, { w }, options, { backend: "js" });
    optimizer.step({ w: { data: numbers(24, 1).slice(12 * part, 12 * part + 12), shape } });
    return [...w.data];
  });
  assertEquals([...whole], parts.flat());
});

test("adafactor goes by eps[1] where a parameter is NaN, so that the other elements move (F11)", () => {
  const w = Float32Array.of(1, NaN, 2);
  using optimizer = createOptimizer(adafactor, { w }, {}, { backend: "js" });
  optimizer.step({ w: Float32Array.of(1, 1, -1) });
  assertAlmostEquals(w[0], 1 - 1e-3 * 1e-2, 1e-7);
  assert(Number.isNaN(w[1]) && w[2] > 2);
});

test("adafactor spreads a NaN gradient over the whole tensor (F11)", () => {
  const w = { data: numbers(size, 0), shape };
  using optimizer = createOptimizer(adafactor, { w }, {}, { backend: "js" });
  optimizer.step({ w: { data: numbers(size, 1).with(5, NaN), shape } });
  assert(w.data.every(Number.isNaN));
});

test("adafactor with clipThreshold 0 stands still, with a negative one does not clip (F12)", () => {
  assertEquals(run({ clipThreshold: 0 }), numbers(size, 0));
  assertEquals(run({ clipThreshold: -1 }), run({ clipThreshold: 1e9 }));
});

test("adafactor stands still without a gradient to follow (F13)", () => {
  const w = { data: numbers(size, 0), shape };
  using optimizer = createOptimizer(adafactor, { w }, {}, { backend: "js" });
  optimizer.step({ w: { data: new Float32Array(size), shape } });
  assertEquals(w.data, numbers(size, 0));
});

test("adafactor steps an empty tensor (F13)", () => {
  const w = { data: new Float32Array(0), shape: [0, 3] };
  using optimizer = createOptimizer(adafactor, { w }, {}, { backend: "js" });
  optimizer.step({ w: { data: new Float32Array(0), shape: [0, 3] } });
  assertEquals(optimizer.steps, 1);
});

// ---- AdafactorSchedule, semantics 1.4

const two = { a: numbers(3, 1), b: { data: numbers(size, 2), shape } };
const grads = { a: numbers(3, 3), b: { data: numbers(size, 4), shape } };
const apart: Settings<AdafactorOptions> = { backend: "js", groups: [{ match: ["a"] }, { match: ["b"], options: { warmupInit: true } }] };

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

test("adafactor reads initialLr before the first step, then the lr of each group's first tensor (S1, S2, S3)", () => {
  const params = { a: two.a.slice(), b: { data: two.b.data.slice(), shape } };
  using optimizer = createOptimizer(adafactor, params, { initialLr: 0.25 }, apart);
  assertEquals(optimizer.readings(), [0.25, 0.25]);
  optimizer.step(grads);
  const [a, b] = optimizer.readings();
  assertAlmostEquals(a!, 1e-2 * rms(two.a), 1e-8);
  assertAlmostEquals(b!, 1e-6 * rms(two.b.data), 1e-12);
});

test("adafactor reads 0 before the first step by default (S1)", () => {
  using optimizer = createOptimizer(adafactor, { a: two.a.slice() }, {}, { backend: "js" });
  assertEquals(optimizer.readings(), [0]);
});

test("adafactor's readings change neither options nor steps (S5, D4)", () => {
  const params = () => ({ a: two.a.slice(), b: { data: two.b.data.slice(), shape } });
  const read = params(), unread = params();
  using first = createOptimizer(adafactor, read, {}, apart);
  using second = createOptimizer(adafactor, unread, {}, apart);
  for (let t = 0; t < 4; t++) {
    first.step(grads);
    second.step(grads);
    first.readings();
  }
  assertEquals([read.a, read.b.data], [unread.a, unread.b.data]);
  assertEquals(first.options.lr, null);
});

test("adafactor with an external lr keeps it: readings only read (S5, D4)", () => {
  using optimizer = createOptimizer(adafactor, { a: two.a.slice() }, { ...external, scaleParameter: false }, { backend: "js" });
  for (let t = 0; t < 4; t++) {
    assertEquals(optimizer.readings(), [1e-2]);
    optimizer.step({ a: grads.a });
  }
  assertEquals(optimizer.options.lr, 1e-2);
});

test("adafactor has no reading for a group whose first tensor had no gradient yet, and leaves the others in place (S6, D5)", () => {
  const params = { a: two.a.slice(), b: { data: two.b.data.slice(), shape } };
  using optimizer = createOptimizer(adafactor, params, {}, apart);
  optimizer.step({ b: grads.b });
  const [a, b] = optimizer.readings();
  assertEquals(a, null);
  assert(b! > 0);
});

test("adafactor's relative lr warms up at 1e-6 a step and meets 1/sqrt(t) at step 10,000 (F9, F10)", () => {
  const at = (options: AdafactorOptions, t: number) => {
    const all = { lr: null, eps: [1e-30, 1e-3] as const, clipThreshold: 1, decayRate: -0.8, beta1: null, weightDecay: 0, initialLr: 0 };
    const given = { ...all, scaleParameter: true, relativeStep: true, warmupInit: false, ...options } as Required<AdafactorOptions>;
    return adafactor.scalars(given, t, { pow: Math.pow, exp: Math.exp, log: Math.log, cos: Math.cos }).rel;
  };
  assertEquals([1, 500, 10_000, 1_000_000].map((t) => at({ warmupInit: true }, t)), [1e-6, 500 * 1e-6, 1e-2, 1e-3]);
  assertEquals([1, 500, 10_000, 1_000_000].map((t) => at({}, t)), [1e-2, 1e-2, 1e-2, 1e-3]);
});

for (const backend of ["wasm", "threads"] satisfies BackendName[]) {
  test(`adafactor agrees on backend ${backend} with backend js, bit for bit, in every shape`, () => {
    for (const shape of [[7], [1], [17, 19], [3, 5, 7], [1, 300], [300, 1]]) {
      for (const options of [{}, { beta1: 0.9, weightDecay: 0.1 }, { ...external, scaleParameter: false }]) {
        assertEquals(run(options, 4, { backend }, shape), run(options, 4, {}, shape));
      }
    }
  });
}

test("adafactor agrees on backend threads with backend js where workers take part, bit for bit", () => {
  const shape = [1024, 701]; // over 512 Ki elements
  assertEquals(run({ beta1: 0.9 }, 2, { backend: "threads", threads: 3 }, shape), run({ beta1: 0.9 }, 2, {}, shape));
});

test("adafactor over more tensors than a wave holds, clipped by their common norm, gives each what it gets alone with its gradient scaled", () => {
  const shapes = { a: [700, 1024], b: [900, 800], c: [5], d: [64, 640], e: [600, 1024] };
  const made = (name: string): Tensor & { data: Float32Array } => {
    const shape = shapes[name as keyof typeof shapes];
    const size = shape.reduce((n, length) => n * length);
    return { data: Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37 + name.charCodeAt(0))), shape };
  };
  const names = Object.keys(shapes);
  const params = Object.fromEntries(names.map((name) => [name, made(name)]));
  // Powers of two, so that the norm is the same in whatever order it is summed.
  const gradient = (name: string): Tensor & { data: Float32Array } => {
    const { data, shape } = made(name);
    return { data: data.map((x) => x > 0.5 ? 0.5 : x > 0 ? 0.25 : -0.5), shape };
  };
  const grads = Object.fromEntries(names.map((name) => [name, gradient(name)]));
  const transforms = [{ name: clipGlobalNorm, options: { maxNorm: 3 } }];
  using all = createOptimizer(adafactor, params, {}, { backend: "threads", threads: 2, transforms });
  all.step(grads);
  all.step(grads);
  const norm = Math.sqrt(names.reduce((sum, name) => grads[name].data.reduce((sum, x) => sum + x * x, sum), 0));
  const factor = Math.fround(3 / (norm + 1e-6));
  for (const name of names) {
    const param = made(name);
    using alone = createOptimizer(adafactor, { w: param }, {}, { backend: "wasm" });
    const scaled = { ...grads[name], data: grads[name].data.map((x) => x * factor) };
    alone.step({ w: scaled });
    alone.step({ w: scaled });
    assertEquals(params[name].data, param.data, name);
  }
});

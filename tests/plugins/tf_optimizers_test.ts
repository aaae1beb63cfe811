import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Grads, Optimizer, Settings } from "../../core/types.ts";
import type { BackendName } from "../../kernels/types.ts";
import { maths } from "../../kernels/math.ts";
import { adamKeras, type AdamKerasOptions } from "../../plugins/optimizers/adam_keras.ts";
import { adamWeightDecay, type AdamWeightDecayOptions } from "../../plugins/optimizers/adam_weight_decay.ts";
import { bindTfOptimizer } from "../../plugins/recipes/tf.ts";
import { polynomialDecay } from "../../plugins/schedules/polynomial_decay.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";

const start = () => ({ "dense/kernel": Float32Array.of(1, -2, 3), "dense/bias": Float32Array.of(0.5, 4) });
const gradient = { "dense/kernel": Float32Array.of(0.3, -0.1, 2), "dense/bias": Float32Array.of(-1, 0.01) };
const values = (params: Record<string, Float32Array>) => Object.values(params).map((data) => [...data]);

/** The parameters after some steps from the same start. */
function run(options: AdamWeightDecayOptions, steps = 3, settings: Settings<AdamWeightDecayOptions> = {}): number[][] {
  const params = start();
  using optimizer = createOptimizer(adamWeightDecay, params, options, { backend: "js", ...settings });
  for (let t = 0; t < steps; t++) optimizer.step(gradient);
  return values(params);
}

function runKeras(options: AdamKerasOptions, grads: Grads = gradient): number[][] {
  const params = start();
  using optimizer = createOptimizer(adamKeras, params, options, { backend: "js" });
  for (let t = 0; t < 3; t++) optimizer.step(grads);
  return values(params);
}

// ---- AdamWeightDecay, semantics 1.11

for (
  const other of [
    { lr: 0.1 },
    { betas: [0.5, 0.9] },
    { eps: 0.1 },
    { weightDecayRate: 0.1 },
    { weightDecayRate: -0.1 },
    { clipnorm: 0.1, eps: 0.1 },
    { clipvalue: 0.05, eps: 0.1 },
    { globalClipnorm: 0.1, eps: 0.1 },
    { decay: 0.5 },
  ] as const
) {
  const [option] = Object.keys(other);
  test(`adam_weight_decay has an option ${option} that acts: ${JSON.stringify(other)} (T1)`, () => {
    assert(JSON.stringify(run(other)) !== JSON.stringify(run("eps" in other && option !== "eps" ? { eps: 0.1 } : {})));
  });
}

test("adam_weight_decay has an option amsgrad that acts, and remembers the greatest second moment", () => {
  const later = (amsgrad: boolean) => {
    const params = start();
    using optimizer = createOptimizer(adamWeightDecay, params, { amsgrad, betas: [0.9, 0.5] }, { backend: "js" });
    optimizer.step(gradient);
    for (let t = 0; t < 4; t++) optimizer.step({ ...gradient, "dense/kernel": Float32Array.of(1e-3, 1e-3, 1e-3) });
    return values(params);
  };
  assert(later(true)[0].some((x, i) => x !== later(false)[0][i]));
});

test("adam_weight_decay takes eps 0 for 1e-7 (T2, D17)", () => {
  assertEquals(run({ eps: 0 }), run({ eps: 1e-7 }));
});

test("adam_weight_decay decays before the step, by the plain lr (T3)", () => {
  const params = start();
  using optimizer = createOptimizer(adamWeightDecay, params, { lr: 0.1, weightDecayRate: 0.5 }, { backend: "js" });
  optimizer.step({ "dense/kernel": new Float32Array(3), "dense/bias": new Float32Array(2) });
  assertEquals(
    values(params),
    [[1, -2, 3], [0.5, 4]].map((list) => list.map((x) => Math.fround(x - Math.fround(Math.fround(Math.fround(0.1) * x) * 0.5)))),
  );
});

test("adam_weight_decay's coefficients are float32's: 1 - 0.999 is 0.00099998713 (T4, D20)", () => {
  const { k1, k2 } = adamWeightDecay.scalars(
    {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-7,
      amsgrad: false,
      weightDecayRate: 0,
      includeInWeightDecay: null,
      excludeFromWeightDecay: null,
      onlyInclude: false,
      clipnorm: null,
      clipvalue: null,
      globalClipnorm: null,
      decay: 0,
    },
    1,
    maths,
  );
  assertAlmostEquals(k1, 0.10000002384, 5e-12);
  assertAlmostEquals(k2, 0.00099998713, 5e-12);
});

/** Names of the tensors that are decayed: with a zero gradient nothing else moves them. */
function decayed(options: AdamWeightDecayOptions, names = ["dense/kernel", "dense/bias", "LayerNorm/gamma"]): string[] {
  const params = Object.fromEntries(names.map((name) => [name, Float32Array.of(1)]));
  using optimizer = createOptimizer(adamWeightDecay, params, { weightDecayRate: 0.1, ...options }, { backend: "js" });
  optimizer.step(Object.fromEntries(names.map((name) => [name, Float32Array.of(0)])));
  return names.filter((name) => params[name][0] !== 1);
}

for (
  const [what, options, wanted] of [
    ["everything without lists", {}, ["dense/kernel", "dense/bias", "LayerNorm/gamma"]],
    ["nothing at rate 0", { weightDecayRate: 0, includeInWeightDecay: [".*"] }, []],
    ["all but what is excluded", { excludeFromWeightDecay: ["bias", "LayerNorm"] }, ["dense/kernel"]],
    ["what is included in spite of its exclusion", { includeInWeightDecay: ["bias"], excludeFromWeightDecay: [".*"] }, ["dense/bias"]],
    ["what no list names, even with an include list", { includeInWeightDecay: ["kernel"] }, [
      "dense/kernel",
      "dense/bias",
      "LayerNorm/gamma",
    ]],
    ["only what is included with onlyInclude (D14)", { includeInWeightDecay: ["kernel"], onlyInclude: true }, ["dense/kernel"]],
    ["nothing with onlyInclude and no list (D14)", { onlyInclude: true }, []],
    ["by regular expressions, with their flags", { excludeFromWeightDecay: [/^DENSE/i, /norm\/gamma$/iy] }, ["LayerNorm/gamma"]],
    ["by expressions that remember their place", { excludeFromWeightDecay: [/bias|gamma/g] }, ["dense/kernel"]],
  ] as const
) {
  test(`adam_weight_decay decays ${what} (T5)`, () => {
    assertEquals(decayed(options), [...wanted]);
    assertEquals(decayed(options), [...wanted], "the second time");
  });
}

for (const pattern of ["(?i)layernorm", "\\Abias", "bias\\Z", "(?P<x>bias)", "("]) {
  test(`adam_weight_decay refuses pattern ${pattern}, which means nothing or another thing in JavaScript`, () => {
    assertThrows(() => decayed({ excludeFromWeightDecay: [pattern] }), RangeError, pattern);
    assertThrows(() => decayed({ includeInWeightDecay: [pattern] }), RangeError, pattern);
  });
}

test("adam_weight_decay clips by value, then by norm or by global norm (T6)", () => {
  const first = (grads: Grads, options: AdamWeightDecayOptions) => {
    const params = start();
    using optimizer = createOptimizer(adamWeightDecay, params, options, { backend: "js" });
    optimizer.step(grads);
    const { tensors } = optimizer.saveState();
    return Object.keys(params).map((name) => [...tensors[`${name}.exp_avg`].data as Float32Array]);
  };
  const clamped = Object.fromEntries(Object.entries(gradient).map(([name, g]) => [name, g.map((x) => Math.max(-0.4, Math.min(0.4, x)))]));
  assertEquals(first(gradient, { clipvalue: 0.4, clipnorm: 0.5 }), first(clamped, { clipnorm: 0.5 }));
  assertEquals(first(gradient, { clipvalue: 0.4, globalClipnorm: 0.3 }), first(clamped, { globalClipnorm: 0.3 }));
  const norm = (lists: number[][]) => Math.sqrt(lists.flat().reduce((sum, x) => sum + x * x, 0));
  const k1 = 1 - Math.fround(0.9);
  assertAlmostEquals(norm(first(gradient, { globalClipnorm: 0.7 })), 0.7 * k1, 1e-7);
  for (const list of first(gradient, { clipnorm: 0.7 })) assertAlmostEquals(norm([list]), 0.7 * k1, 1e-7);
});

test("adam_weight_decay spreads NaN over all gradients where their common norm is not finite (T6)", () => {
  for (const wrong of [Infinity, NaN]) {
    const params = start();
    using optimizer = createOptimizer(adamWeightDecay, params, { globalClipnorm: 1 }, { backend: "js" });
    optimizer.step({ ...gradient, "dense/bias": Float32Array.of(wrong, 1) });
    assert(values(params).flat().every(Number.isNaN));
  }
});

test("adam_weight_decay refuses to clip to 0, where Keras stands still or makes NaN of gradients that are 0 (T6)", () => {
  for (const option of ["clipnorm", "globalClipnorm", "clipvalue"]) {
    for (const bound of [0, -0, 1e-46]) assertThrows(() => run({ [option]: bound }), RangeError, "leave it out");
  }
});

test("adam_weight_decay neither moves nor decays a tensor without gradient, and counts steps for all together (T3, T7)", () => {
  const params = start();
  using optimizer = createOptimizer(adamWeightDecay, params, { lr: 0.1, weightDecayRate: 0.1 }, { backend: "js" });
  optimizer.step({ "dense/kernel": gradient["dense/kernel"] });
  assertEquals([...params["dense/bias"]], [0.5, 4]);
  optimizer.step({ "dense/bias": gradient["dense/bias"] });
  const alone = start();
  using fresh = createOptimizer(adamWeightDecay, alone, { lr: 0.1, weightDecayRate: 0.1 }, { backend: "js" });
  fresh.step({ "dense/bias": gradient["dense/bias"] });
  assert(params["dense/bias"][0] !== alone["dense/bias"][0], "the bias is corrected as in a first step");
});

test("adam_weight_decay adds up repeated rows of a sparse gradient, and moves all rows (T8)", () => {
  const shape = [4, 2];
  const make = () => ({ w: { data: Float32Array.from({ length: 8 }, (_, i) => i + 1), shape } });
  const sparse = make(), dense = make();
  using first = createOptimizer(adamWeightDecay, sparse, { lr: 0.1, weightDecayRate: 0.1 }, { backend: "js" });
  using second = createOptimizer(adamWeightDecay, dense, { lr: 0.1, weightDecayRate: 0.1 }, { backend: "js" });
  for (let t = 0; t < 3; t++) {
    first.step({ w: { indices: Int32Array.of(3, 1, 3), values: Float32Array.of(1, 2, 3, 4, 5, 6 + t) } });
    second.step({ w: { data: Float32Array.of(0, 0, 3, 4, 0, 0, 6, 8 + t), shape } });
  }
  assertEquals(sparse.w.data, dense.w.data);
  assert(sparse.w.data[0] !== 1, "a row without gradient is not decayed");
});

test("adam_weight_decay divides the lr by 1 + decay * steps, a schedule's too (T3)", () => {
  const lr = (step: number) => 0.1 / (step + 1);
  const schedule = {
    lr: Object.assign((step: number) => Math.fround(Math.fround(lr(step)) / Math.fround(1 + Math.fround(0.5) * step)), {
      returns: "value" as const,
    }),
  };
  assertEquals(
    run({ decay: 0.5 }, 4, { schedules: { lr: Object.assign(lr, { returns: "value" as const }) } }),
    run({}, 4, { schedules: schedule }),
  );
});

for (
  const [what, options, error] of [
    ["clipnorm with globalClipnorm", { clipnorm: 1, globalClipnorm: 1 }, RangeError],
    ["a negative clipnorm", { clipnorm: -1 }, RangeError],
    ["a negative clipvalue", { clipvalue: -1 }, RangeError],
    ["a negative globalClipnorm", { globalClipnorm: -1 }, RangeError],
    ["a negative decay", { decay: -0.1 }, RangeError],
    ["weightDecay, which is weightDecayRate", { weightDecay: 0.1 }, TypeError],
    ["a number in a list", { excludeFromWeightDecay: [3] }, TypeError],
    ["a NaN option (the NaN rule)", { weightDecayRate: NaN }, RangeError],
  ] as const
) {
  test(`adam_weight_decay refuses ${what} (T1)`, () => {
    assertThrows(() => createOptimizer(adamWeightDecay, start(), options as unknown as AdamWeightDecayOptions), error);
  });
}

test("adam_weight_decay takes what the reference does not check: a negative lr or eps, a beta above 1 (T1)", () => {
  for (const options of [{ lr: -0.1 }, { eps: -1 }, { betas: [1.5, 0.999] as const }]) run(options, 1);
});

for (const backend of ["wasm", "threads"] satisfies BackendName[]) {
  test(`adam_weight_decay agrees on backend ${backend} with backend js, bit for bit`, () => {
    for (const options of [{ weightDecayRate: 0.1 }, { amsgrad: true, clipvalue: 0.4, clipnorm: 0.5 }, { globalClipnorm: 0.3 }]) {
      assertEquals(run(options, 4, { backend }), run(options, 4));
    }
  });
}

// ---- Keras' Adam, semantics O6

test("adam_keras clips by the first that is set of clipnorm, globalClipnorm, clipvalue, and 0 is not set (O6)", () => {
  assertEquals(runKeras({ clipnorm: 0.5, clipvalue: 1e-3 }), runKeras({ clipnorm: 0.5 }));
  assertEquals(runKeras({ globalClipnorm: 0.5, clipvalue: 1e-3 }), runKeras({ globalClipnorm: 0.5 }));
  assertEquals(runKeras({ clipnorm: 0, clipvalue: 0.1 }), runKeras({ clipvalue: 0.1 }));
  assertEquals(runKeras({ clipnorm: 0 }), runKeras({}));
  const eps = 0.1;
  const apart = [{ eps }, { eps, clipnorm: 0.5 }, { eps, globalClipnorm: 0.5 }, { eps, clipvalue: 0.1 }, { eps, amsgrad: true, lr: 0.1 }, {
    eps,
    betas: [0.5, 0.9] as const,
  }];
  assertEquals(new Set(apart.map((options) => JSON.stringify(runKeras(options)))).size, apart.length);
});

test("adam_keras keeps eps 0 (O6)", () => {
  assert(Number.isNaN(runKeras({ eps: 0 }, { ...gradient, "dense/bias": new Float32Array(2) })[1][0]), "0 / 0");
});

test("adam_keras refuses two norms (O4)", () => {
  assertThrows(() => createOptimizer(adamKeras, start(), { clipnorm: 1, globalClipnorm: 1 }), RangeError);
});

// ---- create_optimizer, semantics 1.10

const createTfOptimizer = bindTfOptimizer(createRegistry([adamWeightDecay, adamKeras, polynomialDecay, warmup]));
const plain = { initLr: 0.1, numTrainSteps: 20, numWarmupSteps: 4 };
const lrOf = (optimizer: Optimizer) => (optimizer.groups[0].current as { lr: number }).lr;

test("createTfOptimizer() takes its first step at lr 0 with a warmup (O5)", () => {
  const params = start();
  using optimizer = createTfOptimizer(params, { ...plain, weightDecayRate: 0.1 }, { backend: "js" });
  optimizer.step(gradient);
  assertEquals(values(params), values(start()));
  assertEquals(lrOf(optimizer), Math.fround(0.1 / 4));
});

test("createTfOptimizer() wires warmup and decay, and decays no bias (O2, O3)", () => {
  const params = start();
  using optimizer = createTfOptimizer(params, { ...plain, weightDecayRate: 0.1 }, { backend: "js" });
  const zero = { "dense/kernel": new Float32Array(3), "dense/bias": new Float32Array(2) };
  const lrs = Array.from({ length: 22 }, () => {
    optimizer.step(zero);
    return lrOf(optimizer);
  });
  assertEquals(Math.max(...lrs), Math.fround(0.1));
  assertEquals(lrs.slice(19), [0, 0, 0]);
  assertEquals([...params["dense/bias"]], [0.5, 4]);
  assert(params["dense/kernel"][0] < 1);
});

test("createTfOptimizer() takes settings beside the schedule", () => {
  using optimizer = createTfOptimizer(start(), plain, { backend: "js", groups: [{ match: "bias", options: { eps: 0.5 } }] });
  assertEquals([optimizer.name, optimizer.backend.name, optimizer.groups.length], ["adam_keras", "js", 2]);
});

test("adam_weight_decay takes patterns that both languages read alike, and refuses what Python alone reads so", () => {
  const make = (pattern: string) =>
    createOptimizer(adamWeightDecay, { "w[]0": new Float32Array(1) }, { excludeFromWeightDecay: [pattern] })[Symbol.dispose]();
  for (const pattern of ["w\\[]", "w[[]0", "\\\\Abias", "[^a]b", "[\\]]"]) make(pattern);
  for (const pattern of ["\\Abias", "bias\\Z", "[]b]", "[^]b]", "(?i)bias", "(?P<x>bias)"]) {
    assertThrows(() => make(pattern), RangeError, "Python");
  }
});

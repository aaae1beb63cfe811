import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { explain } from "../../core/explain.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, TransformPlugin } from "../../core/plugin/contract.ts";
import type { Optimizer, Recipe, Use } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { adafactor, adamw, builtins, clipGlobalNorm, lookahead, lossScale, skipNonfinite } from "../../mod.ts";
import { descent } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const skip: Use = { name: skipNonfinite };
const clip: Use = { name: clipGlobalNorm, options: { maxNorm: 1 } };

/** A stranger's: holds back every step whose sum of gradients is above `most`, and counts. */
const bounded = (
  hold = "over",
  before = "n = allsum(g)\nover = n > 10\ncount += over",
  key = "over",
): TransformPlugin<string, object> => ({
  kind: "transform",
  name: "bounded",
  description: "Holds back steps of a large sum",
  options: {},
  rule: () => ({ slots: { count: { shape: "group", key }, own: { shape: "scalar", key: `${key}.own` } }, before, hold, last: "own += 1" }),
  reading: (_, { count }) => ({ count }),
});

/** All that an optimizer is, but for what a transform that holds back may write. */
function stateOf(optimizer: Optimizer<unknown>): unknown {
  const { tensors, metadata } = optimizer.saveState();
  return [
    Object.entries(tensors).filter(([key]) => !key.includes(".skipped")),
    metadata,
    optimizer.groups.map(({ current }) => ({ ...current })),
  ];
}

// Rules whose moments are rows and columns, numbers and matrices, several programs at once.
const rules: readonly (readonly [string, OptimizerPlugin<string, object>])[] = [["adamw", adamw], ["adafactor", adafactor]];

for (const backend of available()) {
  for (const [name, plugin] of rules) {
    test(`A held step of ${name} on backend ${backend} changes nothing, and the next is as if it had not been`, () => {
      const start = () => ({
        w: { data: f32(1, 2, 3, 4, 5, 6), shape: [2, 3] },
        low: { data: Uint16Array.of(0x3f80, 0x4000), dtype: "bfloat16" as const },
        b: f32(1, 2),
      });
      const settings = {
        backend,
        groups: [{ match: ["b"], options: { weightDecay: 0.5 } }],
        transforms: [skip, clip],
        schedules: name === "adamw" ? { lr: (step: number) => 1 / (step + 1) } : {},
      };
      const grads = (x: number) => ({ w: f32(1, x, 3, -1, 0, 1), low: f32(1, -2), b: f32(0.5, 1) });
      const [params, others] = [start(), start()];
      using optimizer = createOptimizer(plugin, params, {}, settings);
      using other = createOptimizer(plugin, others, {}, settings);
      for (const x of [2, 3]) {
        optimizer.step(grads(x));
        other.step(grads(x));
        const before = stateOf(optimizer);
        for (const bad of [NaN, Infinity, -Infinity]) {
          assertEquals(optimizer.step(grads(bad)), { applied: false, step: optimizer.steps, skipped: "skip_nonfinite" });
        }
        assertEquals(optimizer.step({ b: f32(0, NaN) }).skipped, "skip_nonfinite", "of one group, for all");
        assertEquals(stateOf(optimizer), before);
      }
      assertEquals(optimizer.transforms[0].readings(), { inARow: 4, total: 8 });
      optimizer.step(grads(1));
      other.step(grads(1));
      assertEquals([params, stateOf(optimizer)], [others, stateOf(other)]);
      assertEquals(optimizer.transforms[0].readings(), { inARow: 0, total: 8 });
      assertEquals(other.transforms[0].readings(), { inARow: 0, total: 0 });
    });
  }

  test(`A stranger's transform on backend ${backend} holds a step back, and writes its group slots alone`, () => {
    const w = f32(0, 0), v = f32(0);
    using optimizer = createOptimizer(descent, { w, v }, { lr: 1 }, {
      backend,
      groups: [{ match: "v" }],
      transforms: [{ name: bounded() }, clip, { name: bounded("0", "count += 1", "seen") }],
    });
    assertEquals(optimizer.step({ w: f32(3, 4), v: f32(5) }), { applied: false, step: 0, skipped: "bounded" });
    assertEquals([[...w], [...v], optimizer.transforms.map((one) => one.readings())], [[0, 0], [0], [{ count: 1 }, { norm: null }, {
      count: 0,
    }]]);
    assertEquals(optimizer.step({ w: f32(3, 4) }), { applied: true, step: 1 });
    const { tensors } = optimizer.saveState();
    assertEquals(["w.over.own", "v.over.own", "group.0.over", "group.1.over"].map((key) => tensors[key].data[0]), [1, 0, 1, 1]);
  });

  test(`Two transforms on backend ${backend} that hold the same step back both count it, and the first is named`, () => {
    const w = f32(0);
    using optimizer = createOptimizer(descent, { w }, { lr: 1 }, {
      backend,
      transforms: [{ name: lossScale, options: { initScale: 8 } }, skip],
    });
    assertEquals(optimizer.step({ w: f32(Infinity) }).skipped, "loss_scale");
    assertEquals(optimizer.transforms.map((one) => one.readings()), [{ scale: 4 }, { inARow: 1, total: 1 }]);
    optimizer.step({ w: f32(4) });
    assertEquals(w[0], -1);
  });
}

test("Holding back takes no pass beside the norm's, and without that norm it takes one", () => {
  const passes = (transforms: readonly Use[]): string[] => explain(adamw, [3], { transforms }).split("\n");
  assertEquals(passes([skip, clip]), ["pass 1: read g, reduce allnorm allnorm", "pass 2: read p g m v, write p m v"]);
  assertEquals(passes([{ name: lossScale }, skip, clip]).length, 2);
  assertEquals(passes([skip]).length, 2);
});

test("maxConsecutive lets so many steps in a row go in silence, then each is an error that has changed nothing; a good one starts anew", () => {
  const w = f32(1);
  using optimizer = createOptimizer(descent, { w }, { lr: 1 }, {
    backend: "js",
    transforms: [{ name: skipNonfinite, options: { maxConsecutive: 2 } }],
  });
  const bad = { w: f32(NaN) };
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 2; i++) assertEquals(optimizer.step(bad).applied, false);
    const error = assertThrows(() => optimizer.step(bad), Error, "3 steps in a row") as Error & { plugin?: string };
    assertEquals([error.plugin, w[0], optimizer.steps], ["skip_nonfinite", 1 - round, round]);
    assertThrows(() => optimizer.step(bad), Error, "4 steps in a row");
    optimizer.step({ w: f32(1) });
  }
});

test("A slot that starts as a copy of the parameter starts at the first step that is not held back", () => {
  const w = f32(1);
  using optimizer = createOptimizer(descent, { w }, { lr: 1 }, {
    backend: available().at(-1)!,
    transforms: [skip, { name: lookahead, options: { k: 1, alpha: 0.5 } }],
  });
  optimizer.step({ w: f32(NaN) });
  w[0] = 5; // other weights, loaded by hand
  optimizer.step({ w: f32(1) });
  assertEquals(w[0], 4.5);
});

test("A scale does not grow past what float32 holds", () => {
  for (const [initScale, scale] of [[2 ** 126, 2 ** 127], [2 ** 127, 2 ** 127]]) {
    using optimizer = createOptimizer(descent, { w: f32(1) }, {}, {
      backend: "js",
      transforms: [{ name: lossScale, options: { initScale, growthInterval: 1 } }],
    });
    optimizer.step({ w: f32(1) });
    assertEquals(optimizer.transforms[0].readings(), { scale });
  }
});

test("A trainer drops what it gathered for a held step, also where that is an error, and says that no step was taken", async () => {
  const recipe = (maxConsecutive: number | null): Recipe => ({
    optimizer: { name: "sgd", options: { lr: 1 } },
    accumulate: { name: "mean", options: { every: 2 } },
    transforms: [{ name: "skip_nonfinite", options: { maxConsecutive } }],
  });
  for (const most of [null, 0]) {
    const w = f32(1);
    using trainer = builtins.createTrainer({ w }, recipe(most));
    assertEquals(trainer.add({ w: f32(NaN) }), false);
    if (most === null) assertEquals(trainer.add({ w: f32(1) }), false);
    else assertThrows(() => trainer.add({ w: f32(1) }), Error, "1 steps in a row");
    assertEquals(await trainer.optimizer.sync(), { applied: false, step: 0, skipped: "skip_nonfinite" });
    assertEquals([trainer.add({ w: f32(1) }), trainer.add({ w: f32(3) }), w[0], trainer.steps], [false, true, -1, 1]);
  }
});

test("What holds back is saved and goes on: the scale, and the steps in a row", () => {
  const make = () =>
    builtins.createOptimizer("adamw", { w: f32(1, 2), v: f32(3) }, {}, {
      backend: "js",
      groups: [{ match: "v" }],
      transforms: [{ name: "loss_scale", options: { initScale: 4, growthInterval: 2 } }, { name: "skip_nonfinite" }],
    });
  using before = make();
  before.step({ w: f32(1, NaN) });
  before.step({ w: f32(1, 2) });
  using after = make();
  after.loadState(before.saveState());
  for (const one of [before, after]) one.step({ w: f32(1, 1), v: f32(2) });
  assertEquals(after.saveState(), before.saveState());
  assertEquals(after.transforms.map((one) => one.readings()), [{ scale: 4 }, { inARow: 0, total: 1 }]);
});

test("A hold that is no one number for all tensors is a SyntaxError when the optimizer is made", () => {
  const make = (hold: string, before?: string) => () =>
    createOptimizer(descent, { w: f32(1) }, {}, { backend: "js", transforms: [{ name: bounded(hold, before) }] })[Symbol.dispose]();
  make("n > 1")();
  assertThrows(make("g > 1"), SyntaxError, "not one per element");
  assertThrows(make("n > 1", "n = norm(g)"), SyntaxError, "not one per tensor: sum it up");
  assertThrows(make("other"), SyntaxError, '"other" has no value here');
  assertThrows(make("x = n"), SyntaxError, "one expression");
  assertThrows(make("n > 1\nn > 2"), SyntaxError, "one expression");
  const partly: TransformPlugin<string, object> = {
    ...bounded(),
    rule: (_, { name }) => name === "w" ? bounded().rule({}, {} as never) : {},
  };
  assertThrows(
    () => createOptimizer(descent, { w: f32(1), v: f32(1) }, {}, { backend: "js", transforms: [{ name: partly }] }),
    TypeError,
    'holds back steps of "w" and not, or not so, of "v"',
  );
});

test("A hold may follow from numbers alone, from a row's new content, and from several sums", () => {
  const w = { data: f32(1, 2, 3, 4), shape: [2, 2] };
  const hold: TransformPlugin<string, object> = {
    ...bounded(),
    rule: () => ({
      slots: { r: { shape: "row", key: "r" }, due: { shape: "group", key: "due" } },
      before: "r = 0.5*r + rowmean(g)\nm = allmax(r)\ns = allsum(r*g)\ndue += 1",
      hold: "m > 2 + 0*s + (due == 100)",
      last: "p += 0*rowsum(g)",
    }),
  };
  for (const backend of available()) {
    using optimizer = createOptimizer(adafactor, { w, v: f32(1) }, {}, { backend, transforms: [{ name: hold }] });
    const before = w.data.slice();
    assertEquals(optimizer.step({ w: f32(4, 4, 0, 0) }).applied, false);
    assertEquals([w.data, [...optimizer.saveState().tensors["w.r"].data]], [before, [0, 0]]);
    assert(optimizer.step({ w: f32(2, 2, 0, 0) }).applied);
    assertEquals([...optimizer.saveState().tensors["w.r"].data], [2, 0]);
    assertEquals(optimizer.step({ w: f32(2, 2, 0, 0) }).applied, false);
    w.data.set(before);
  }
});

test("A group's sum is over its own tensors, and clip_group_norm clips by it", () => {
  for (const backend of available()) {
    const low = { data: Uint16Array.of(0), dtype: "bfloat16" as const }; // another text in the same group
    const params = { a: f32(0, 0), b: f32(0), c: f32(0), d: f32(0), low };
    using optimizer = createOptimizer(descent, params, { lr: 1 }, {
      backend,
      groups: [{ match: "[abw]" }, { match: "d" }],
      transforms: [{ name: builtins.plugins.find(({ name }) => name === "clip_group_norm")!, options: { maxNorm: 42.5 } }],
    });
    optimizer.step({ a: f32(-3, -4), b: f32(-12), c: f32(-2), d: null, low: f32(-84) });
    const near = (x: number, y: number): boolean => Math.abs(x - y) < 1e-6;
    assert(near(params.a[0], 1.5) && near(params.b[0], 6) && params.c[0] === 2 && params.d[0] === 0 && low.data[0] === 0x4228);
    assertEquals(optimizer.transforms[0].readings(), { norm: 85 });
  }
});

test("A transform may not keep as one number what each group sums apart", () => {
  const apart = bounded("0", "n = groupsum(g)\ncount = n");
  assertThrows(
    () => createOptimizer(descent, { w: f32(1) }, {}, { backend: "js", transforms: [{ name: apart }] }),
    SyntaxError,
    "one number for all groups",
  );
});

for (const plugin of builtins.plugins.filter((plugin): plugin is OptimizerPlugin & typeof plugin => plugin.kind === "optimizer")) {
  test(`A step of ${plugin.name} that is held back leaves no trace, whatever its passes`, () => {
    const grads = (x: number) => ({
      w: { data: Float32Array.from({ length: 20 }, (_, i) => Math.sin(i) * x), shape: [4, 5] },
      k: { data: Float32Array.from({ length: 24 }, (_, i) => Math.cos(i) * x), shape: [2, 3, 4] },
      b: f32(x, -0.5, 0.25),
    });
    const lr = plugin.options as Readonly<Record<string, { readonly default?: unknown }>>;
    const options = lr.lr !== undefined && lr.lr.default === undefined ? { lr: 0.1 } : {};
    const run = (bad: readonly number[], transforms: readonly Use[]) => {
      const params = {
        w: { data: Float32Array.from({ length: 20 }, (_, i) => Math.cos(i)), shape: [4, 5] },
        k: { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), shape: [2, 3, 4] },
        b: f32(1, 2, 3),
      };
      using optimizer = createOptimizer(plugin as OptimizerPlugin<string, object>, params, options, {
        backend: available().at(-1)!,
        transforms,
      });
      for (let step = 0; step < 4; step++) {
        if (bad.includes(step)) assertEquals(optimizer.step({ ...grads(1), b: f32(NaN, 0, 0) }).skipped, "skip_nonfinite");
        optimizer.step(grads(1 + step));
      }
      return stateOf(optimizer);
    };
    assertEquals(run([0, 1, 3], [skip]), run([], [skip]));
    assertEquals(run([2], [clip, skip]), run([], [clip, skip]));
  });
}

import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { AccumulatorPlugin, OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Recipe } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { builtins } from "../../mod.ts";
import { descent, half } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const forbidden = 13;
const registry = builtins.with(
  {
    ...descent,
    check({ lr }) {
      if (lr === forbidden) throw new RangeError(`Cannot use lr = ${lr}: it is forbidden`);
    },
  } as typeof descent,
  half,
);
/** Has no numbers at even steps. */
const oddSteps = {
  ...descent,
  name: "odd_steps",
  scalars: ({ lr }, t) => ({ lr: t % 2 === 1 ? lr : undefined as unknown as number }),
} as OptimizerPlugin<"odd_steps", { lr?: number }>;
const recipe: Recipe = {
  optimizer: { name: "adamw", options: { lr: 5e-5 } },
  groups: [{ match: "bias$", options: { weightDecay: 0 } }],
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 2, numTrainingSteps: 6 } } },
  accumulate: { name: "mean", options: { every: 2 } },
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
};

test("A trainer does what the same optimizer does with the gathered gradients", () => {
  for (const backend of available()) {
    const a = { w: f32(1, 2, 3), bias: f32(4) }, b = { w: f32(1, 2, 3), bias: f32(4) };
    using trainer = registry.createTrainer(a, JSON.parse(JSON.stringify(recipe)), { backend });
    const { optimizer: { options }, groups, schedules, transforms } = recipe;
    using optimizer = registry.createOptimizer("adamw", b, options as { lr: number }, { backend, groups, schedules, transforms });
    const taken: boolean[] = [];
    for (let i = 0; i < 8; i++) {
      taken.push(trainer.add({ w: f32(i, 1, -i), bias: i % 2 === 0 ? f32(8) : null }, i % 2 === 0 ? 1 : 3));
      if (i % 2 === 1) optimizer.step({ w: f32((i - 1 + 3 * i) / 4, 1, -(i - 1 + 3 * i) / 4), bias: f32(2) });
    }
    assertEquals(taken, [false, true, false, true, false, true, false, true]);
    assertEquals([a, trainer.steps], [b, 4]);
    assertEquals(trainer.optimizer.groups[0].current, optimizer.groups[0].current);
  }
});

test("A trainer without accumulation steps at each add", () => {
  const w = f32(1);
  using trainer = registry.createTrainer({ w }, { optimizer: { name: "descent", options: { lr: 1 } }, transforms: [{ name: "half" }] }, {
    backend: "js",
  });
  assertEquals([trainer.add({ w: f32(2) }), trainer.add({ w: f32(4) }, 7), trainer.flush()], [true, true, false]);
  assertEquals([w[0], trainer.steps], [1 - 1 - 2, 2]);
  assertEquals(trainer.add({ w: null }), false);
});

test("flush steps with what is there, and only if something is", () => {
  const w = f32(0);
  using trainer = registry.createTrainer({ w }, {
    optimizer: { name: "descent", options: { lr: 1 } },
    accumulate: { name: "sum", options: { every: null } },
  }, {
    backend: "js",
  });
  assertEquals(trainer.flush(), false);
  for (let i = 0; i < 5; i++) assertEquals(trainer.add({ w: f32(1) }), false);
  assertEquals([trainer.flush(), w[0], trainer.flush(), trainer.steps], [true, -5, false, 1]);
});

for (const [name, stands] of [["mean", true], ["sum", false]] as const) {
  test(`A tensor whose gradients all came before the last step ${stands ? "stands still" : "goes on with zeros"} in the next of a ${name}`, () => {
    const params = { w: f32(0), rare: f32(0) };
    using trainer = registry.createTrainer(
      params,
      { optimizer: { name: "adamw", options: { lr: 1 } }, accumulate: { name, options: { every: 2 } } },
      { backend: "js" },
    );
    trainer.add({ w: f32(1), rare: f32(1) });
    trainer.add({ w: f32(1) });
    const { rare: [before] } = params;
    trainer.add({ w: f32(1) });
    trainer.add({ w: f32(1) });
    assertEquals([params.rare[0] === before, trainer.steps], [stands, 2]);
  });
}

test("A refused micro-batch changes nothing, and a refused step keeps what was gathered", () => {
  const w = f32(0);
  using trainer = registry.createTrainer(
    { w },
    { optimizer: { name: "descent", options: { lr: 1 } }, accumulate: { name: "sum", options: { every: 2 } } },
    { backend: "js" },
  );
  trainer.add({ w: f32(1) });
  assertThrows(() => trainer.add({ w: f32(1, 2) }), RangeError);
  assertThrows(() => trainer.add({ v: f32(1) }), TypeError);
  assertThrows(() => trainer.add({ w: f32(1) }, NaN), RangeError);
  assertThrows(() => trainer.add({}), RangeError);
  assertEquals([trainer.add({ w: f32(2) }), w[0]], [true, -3]);
});

test("A micro-batch whose step is refused is not added", () => {
  const w = f32(0);
  const make = (name: string): Recipe => ({
    optimizer: { name: "descent", options: { lr: 1 } },
    accumulate: { name, options: { every: 2 } },
  });
  using trainer = registry.createTrainer({ w }, make("sum"), { backend: "js" });
  const options = trainer.optimizer.options as { lr: number };
  trainer.add({ w: f32(1) });
  options.lr = forbidden;
  assertThrows(() => trainer.add({ w: f32(2) }), RangeError, "forbidden");
  assertThrows(() => trainer.flush(), RangeError, "forbidden");
  options.lr = 1;
  assertEquals([trainer.add({ w: f32(2) }), w[0]], [true, -3]);
  using mean = registry.createTrainer({ w }, make("mean"), { backend: "js" });
  mean.add({ w: f32(NaN) }, 0);
  for (let i = 0; i < 2; i++) assertThrows(() => mean.add({ w: f32(NaN) }, 0), RangeError, "weight is 0");
  assertEquals([mean.add({ w: f32(7) }, 2), w[0]], [true, -10]);
});

test("A step is checked before the micro-batch is added, for all tensors that had a gradient", () => {
  const params = { w: f32(0), b: f32(0) };
  using trainer = registry.with(oddSteps).createTrainer(params, {
    optimizer: { name: "descent", options: { lr: 1 } },
    groups: [{ match: "b", optimizer: "odd_steps" }],
    accumulate: { name: "sum", options: { every: 2 } },
  }, { backend: "js" });
  for (let i = 0; i < 2; i++) trainer.add({ w: f32(1) });
  for (let i = 0; i < 2; i++) trainer.add({ w: f32(1), b: f32(1) });
  for (const name of ["w", "b", "w"]) assertThrows(() => trainer.add({ [name]: f32(1) }), TypeError, "odd_steps");
  assertEquals([params.w[0], params.b[0], trainer.steps, trainer.flush()], [-4, -1, 2, false]);
});

test("A trainer feeds its metric schedules", () => {
  using trainer = registry.createTrainer({ w: f32(1) }, {
    optimizer: { name: "adamw", options: { lr: 1 } },
    schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5 } } },
  }, { backend: "js" });
  trainer.update(1);
  trainer.update(2);
  assertEquals(
    trainer.optimizer.groups[0].current as { lr: number },
    { ...trainer.optimizer.groups[0].current as object, lr: 0.5 } as { lr: number },
  );
});

test("A trainer keeps a frozen copy of its recipe", () => {
  const own = JSON.parse(JSON.stringify(recipe));
  using trainer = registry.createTrainer({ w: f32(1), bias: f32(1) }, own, { backend: "js" });
  assertEquals(trainer.recipe, recipe);
  own.optimizer.options.lr = 7;
  assertEquals(trainer.recipe, recipe);
  assertThrows(() => (trainer.recipe.optimizer as { name: string }).name = "x", TypeError);
});

test("A disposed trainer refuses everything and gives a shared backend its memory back", () => {
  using backend = createBackend(available()[0]) as KernelBackend;
  const trainer = registry.createTrainer({ w: f32(1) }, { optimizer: { name: "adamw" } }, { backend });
  trainer[Symbol.dispose]();
  trainer[Symbol.dispose]();
  for (const call of [() => trainer.add({ w: f32(1) }), () => trainer.flush(), () => trainer.update(1), () => trainer.optimizer.step()]) {
    assertThrows(call, TypeError, "disposed");
  }
  assertEquals(backend.usage().allocated, 0);
});

test("A disposed trainer gives back what its accumulator took, also an accumulator that could not be made", () => {
  const greedy: AccumulatorPlugin<"greedy", object> = {
    kind: "accumulator",
    name: "greedy",
    description: "Takes memory and fails",
    options: {},
    create(_, __, backend) {
      backend.allocate(10);
      throw new RangeError("Cannot make greedy");
    },
  };
  for (const name of available()) {
    using backend = createBackend(name) as KernelBackend;
    for (const use of ["sum", "mean"]) {
      const trainer = registry.createTrainer({ w: f32(1, 2) }, { ...recipe, accumulate: { name: use, options: { every: 2 } } }, {
        backend,
      });
      for (let i = 0; i < 3; i++) trainer.add({ w: f32(1, 2) });
      trainer[Symbol.dispose]();
      assertEquals(backend.usage().allocated, 0);
    }
    const failing = (): unknown =>
      registry.with(greedy).createTrainer({ w: f32(1) }, { ...recipe, accumulate: { name: "greedy" } }, { backend });
    assertThrows(failing, RangeError, "greedy");
    assertEquals(backend.usage().allocated, 0);
  }
});

const edits: [
  what: string,
  edit: (recipe: Record<string, unknown>) => unknown,
  error: typeof TypeError | typeof RangeError,
  text: string,
][] = [
  ["an unknown key", (r) => r.transform = [], TypeError, `did you mean "transforms"?`],
  ["no optimizer", (r) => delete r.optimizer, TypeError, "optimizer"],
  ["an optimizer that is a name", (r) => r.optimizer = "adamw", TypeError, "optimizer"],
  ["an optimizer without a name", (r) => r.optimizer = {}, TypeError, "name"],
  ["an unknown optimizer", (r) => r.optimizer = { name: "adamww" }, TypeError, "adamw"],
  ["a plugin instead of a name", (r) => r.optimizer = { name: descent }, TypeError, "JSON"],
  ["an unknown key beside a name", (r) => r.optimizer = { name: "adamw", lr: 1 }, TypeError, `"lr"`],
  ["an unknown option", (r) => r.optimizer = { name: "adamw", options: { LR: 1 } }, TypeError, `did you mean "lr"?`],
  ["options that are a list", (r) => r.optimizer = { name: "adamw", options: [] }, TypeError, "options"],
  ["an option out of range", (r) => r.optimizer = { name: "adamw", options: { lr: -1 } }, RangeError, "lr"],
  ["groups that are no list", (r) => r.groups = {}, TypeError, "groups"],
  ["an unknown key of a group", (r) => r.groups = [{ match: "w", opts: {} }], TypeError, `"opts"`],
  ["a regular expression object", (r) => r.groups = [{ match: /w/ }], TypeError, "JSON"],
  ["a group's unknown optimizer", (r) => r.groups = [{ match: "w", optimizer: "muon7" }], TypeError, "muon7"],
  ["a group's optimizer that is no name", (r) => r.groups = [{ match: "w", optimizer: {} }], TypeError, "name"],
  ["an unknown transform", (r) => r.transforms = [{ name: "clip" }], TypeError, "clip_norm"],
  ["a transform's missing option", (r) => r.transforms = [{ name: "clip_norm" }], TypeError, "maxNorm"],
  ["a transform's bad option", (r) => r.transforms = [{ name: "clip_norm", options: { maxNorm: -1 } }], RangeError, "maxNorm"],
  ["an unknown schedule", (r) => r.schedules = { lr: { name: "cosines" } }, TypeError, `did you mean "cosine"?`],
  ["a schedule of an unknown option", (r) => r.schedules = { rate: { name: "constant" } }, TypeError, "rate"],
  ["a schedule that is a function", (r) => r.schedules = { lr: () => 1 }, TypeError, "JSON"],
  ["schedules that are a list", (r) => r.schedules = [], TypeError, "schedules"],
  ["an unknown accumulator", (r) => r.accumulate = { name: "avg" }, TypeError, "mean"],
  ["an accumulator's unknown option", (r) => r.accumulate = { name: "mean", options: { steps: 2 } }, TypeError, "every"],
  ["an accumulator's bad option", (r) => r.accumulate = { name: "mean", options: { every: 0 } }, RangeError, "every"],
  ["a number for accumulate", (r) => r.accumulate = 4, TypeError, "accumulate"],
  ["a key that is __proto__", (r) => Object.defineProperty(r, "__proto__", { value: {}, enumerable: true }), TypeError, "__proto__"],
];
for (const [what, edit, error, text] of edits) {
  test(`createTrainer refuses a recipe with ${what}, and takes no memory`, () => {
    using backend = createBackend(available()[0]) as KernelBackend;
    const edited: Record<string, unknown> = { ...recipe };
    edit(edited);
    const thrown = assertThrows(() => registry.createTrainer({ w: f32(1), bias: f32(1) }, edited as unknown as Recipe, { backend }), error);
    assertStringIncludes(thrown.message, text);
    assertEquals(backend.usage().allocated, 0);
  });
}

test("createTrainer refuses what is no recipe, unknown settings, and recipes that are too deep", () => {
  for (const bad of [null, [], "adamw", 3]) assertThrows(() => registry.createTrainer({ w: f32(1) }, bad as unknown as Recipe), TypeError);
  assertThrows(() => registry.createTrainer({ w: f32(1) }, recipe, { groups: [] } as object), TypeError, "groups");
  let deep: object = {};
  for (let i = 0; i < 10_000; i++) deep = { deep };
  assertThrows(() => registry.createTrainer({ w: f32(1) }, { optimizer: { name: "adamw", options: deep } }), RangeError, "deeper");
});

for (const name of ["mean", "sum"]) {
  test(`A recipe with ${name} and no every is refused, since it would never step; with null only flush steps`, () => {
    const make = (options?: object) =>
      builtins.createTrainer({ w: f32(1) }, { optimizer: { name: "adamw" }, accumulate: { name, ...(options && { options }) } } as Recipe, {
        backend: "js",
      });
    for (const options of [undefined, {}, { every: undefined }]) {
      const thrown = assertThrows(() => make(options), TypeError, "without every");
      assertEquals({ ...thrown }, { plugin: name, option: "every" } as unknown as typeof thrown);
    }
    using trainer = make({ every: null });
    assertEquals([trainer.add({ w: f32(1) }), trainer.add({ w: f32(1) }), trainer.flush(), trainer.steps], [false, false, true, 1]);
    using second = make({ every: 2 });
    assertEquals([second.add({ w: f32(1) }), second.add({ w: f32(1) })], [false, true]);
  });
}

test("A trainer ends by name as by using, refuses a metric that no schedule follows and fields that it does not have", () => {
  const trainer = builtins.createTrainer({ w: f32(1) }, { optimizer: { name: "adamw" } }, { backend: "js" });
  assertThrows(() => trainer.update(1), TypeError, "none of its schedules");
  assertThrows(() => (trainer as unknown as Record<string, unknown>).lr = 1, TypeError);
  assertStrictEquals(trainer.dispose, trainer[Symbol.dispose]);
  trainer.dispose();
  assertThrows(() => trainer.add({ w: f32(1) }), TypeError, "disposed");
});

test("A trainer checks a step once, also where it is due: a check and the numbers of its t are asked for once", () => {
  const asked: string[] = [];
  const counted: OptimizerPlugin<"counted", { lr?: number }> = {
    ...descent,
    name: "counted",
    check: () => void asked.push("check"),
    scalars: ({ lr }, t) => (asked.push(`t ${t}`), { lr }),
  };
  const registry = builtins.with(counted);
  const schedules = { lr: { name: "constant" } };
  using trainer = registry.createTrainer({ w: f32(1) }, {
    optimizer: { name: "counted" },
    schedules,
    accumulate: { name: "mean", options: { every: 2 } },
  }, {
    backend: "js",
  });
  asked.length = 0;
  (trainer.optimizer.options as { lr: number }).lr = 0.25;
  for (let i = 0; i < 4; i++) trainer.add({ w: f32(1) });
  assertEquals(asked, ["check", "t 1", "t 2"]);
});

test("A trainer's fields cannot be assigned, and the error says where options are", () => {
  using trainer = builtins.createTrainer({ w: new Float32Array(1) }, { optimizer: { name: "adamw" } }, { backend: "js" });
  const { optimizer, recipe } = trainer;
  for (const field of ["optimizer", "recipe", "steps", "lr", "x"]) {
    assertThrows(() => (trainer as unknown as Record<string, unknown>)[field] = 1, TypeError, "trainer.optimizer.options");
  }
  assertEquals([trainer.optimizer === optimizer, trainer.recipe === recipe], [true, true]);
  assertThrows(() => (trainer as unknown as Record<string, unknown>).add = 1, TypeError);
});

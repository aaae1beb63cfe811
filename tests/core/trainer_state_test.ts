import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { differences } from "../../core/training/differences.ts";
import type { Accumulator, AccumulatorPlugin } from "../../core/plugin/contract.ts";
import type { Recipe, StateDict, Trainer } from "../../core/types.ts";
import { builtins } from "../../mod.ts";
import { sum } from "../../plugins/accumulators/sum.ts";
import { descent } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
/** Sums as `sum` does, and keeps them to itself. */
const closed: AccumulatorPlugin<"closed", { every?: number | null }> = {
  ...sum,
  name: "closed",
  create(...given): Accumulator {
    const inner = sum.create(...given);
    return {
      add: (grads, weight) => inner.add(grads, weight),
      get count() {
        return inner.count;
      },
      get weight() {
        return inner.weight;
      },
      get gradients() {
        return inner.gradients;
      },
      merge: (other) => inner.merge(other),
      reset: () => inner.reset(),
    };
  },
};
const registry = builtins.with(descent, closed);
const recipeOf = (accumulate: string | null, every: number | null = 3): Recipe => ({
  optimizer: { name: "descent", options: { lr: 1 } },
  ...accumulate !== null && { accumulate: { name: accumulate, options: { every } } },
});
const make = (recipe: Recipe): Trainer => registry.createTrainer({ w: f32(0, 0), b: f32(0) }, recipe, { backend: "js" });
const w = (trainer: Trainer): number[] => [...(trainer.optimizer.params.w.data as Float32Array)];

test("A trainer's state holds its recipe, and what was gathered under keys of its own", async () => {
  const recipe = recipeOf("mean");
  using trainer = make(recipe);
  trainer.add({ w: f32(1, 2) }, 0.3);
  trainer.add({ w: f32(3, 4) }, 2);
  const state = trainer.saveState();
  assertEquals(Object.keys(state.tensors), ["w", "w.step", "b", "b.step", "accumulate.w"]);
  const { recipe: text, accumulate, ...rest } = state.metadata;
  assertEquals(JSON.parse(text), recipe);
  assertEquals(JSON.parse(accumulate), { name: "mean", count: 2, weight: 0.3 + 2, ever: ["w"], more: { present: ["w"] } });
  assertEquals(rest, { format: "glissade.2", optimizer: "descent", steps: "0" });
  assertEquals(await trainer.saveStateAsync(), state);
  const before = structuredClone(state);
  trainer.add({ w: f32(5, 6) });
  assertEquals([state, trainer.steps], [before, 1]);
});

test("What had been gathered is forgotten by a load, also of tensors that the state has not gathered", () => {
  for (const name of ["sum", "mean"]) {
    using first = make(recipeOf(name, null));
    first.add({ b: f32(1) });
    using second = make(recipeOf(name, null));
    second.add({ w: f32(7, 7), b: f32(9) });
    second.loadState(first.saveState());
    second.add({ w: f32(1, 2) });
    second.flush();
    assertEquals(w(second), name === "sum" ? [-1, -2] : [-0.5, -1]);
  }
});

test("An optimizer's own state, and one at a step of another accumulator, leave nothing gathered", () => {
  using first = make(recipeOf("mean"));
  first.add({ w: f32(7, 7) });
  first.flush();
  for (const state of [first.optimizer.saveState(), first.saveState()]) {
    for (const name of ["sum", "mean", "closed", null]) {
      using second = make(recipeOf(name, null));
      if (name !== null) second.add({ w: f32(1, 1) });
      second.loadState(state);
      assertEquals([second.flush(), second.steps, w(second)], [false, 1, [-7, -7]]);
    }
  }
});

test("A third party's accumulator that cannot be saved is refused in the middle of a window, and only there", async () => {
  using trainer = make(recipeOf("closed"));
  assertEquals(JSON.parse(trainer.saveState().metadata.accumulate).count, 0);
  trainer.add({ w: f32(1, 1) });
  trainer.add({ w: f32(1, 1) });
  const error = assertThrows(() => trainer.saveState(), TypeError, `"closed" has gathered 2 micro-batches`) as TypeError & {
    plugin?: string;
  };
  assertStringIncludes(error.message, "saveState");
  assertEquals(error.plugin, "closed");
  await assertRejects(() => trainer.saveStateAsync(), TypeError);
  trainer.flush();
  using other = make(recipeOf("closed"));
  other.loadState(trainer.saveState());
  assertEquals([other.steps, w(other)], [1, [-2, -2]]);
});

type Edit = (tensors: Record<string, StateDict["tensors"][string]>, metadata: Record<string, string>) => unknown;
const gathered = (change: object): Edit => (_, metadata) =>
  metadata.accumulate = JSON.stringify({ ...JSON.parse(metadata.accumulate), ...change });
const wrong: [what: string, edit: Edit, error: typeof TypeError | typeof RangeError, text: string][] = [
  ["another shape", (tensors) => tensors["accumulate.w"] = { data: f32(1), shape: [1], dtype: "float32" }, RangeError, "[1]"],
  [
    "another dtype",
    (tensors) => tensors["accumulate.w"] = { data: new Uint16Array(2), shape: [2], dtype: "float16" },
    RangeError,
    "float16",
  ],
  ["a tensor of no parameter", (tensors) => tensors["accumulate.x"] = tensors.w, TypeError, `"x"`],
  ["a tensor missing", (tensors) => delete tensors["accumulate.w"], TypeError, `"w"`],
  ["another accumulator", gathered({ name: "sum" }), TypeError, `"sum"`],
  ["half a micro-batch", gathered({ count: 1.5 }), RangeError, "1.5"],
  ["a negative weight", gathered({ weight: -1 }), RangeError, "-1"],
  ["no weight", gathered({ weight: null }), RangeError, "null"],
  ["no names", gathered({ ever: 3 }), TypeError, "names"],
  ["no JSON", (_, metadata) => metadata.accumulate = "{", RangeError, "JSON"],
  ["gathered tensors that nothing says of", (_, metadata) => delete metadata.accumulate, TypeError, "accumulate.w"],
  ["a fault of the optimizer's", (tensors) => delete tensors["b.step"], TypeError, `"b.step"`],
];
for (const [what, edit, error, text] of wrong) {
  test(`A trainer refuses a state with ${what}, and nothing has changed`, () => {
    using first = make(recipeOf("mean"));
    first.add({ w: f32(1, 2) });
    const { tensors, metadata } = structuredClone(first.saveState()) as {
      tensors: Record<string, never>;
      metadata: Record<string, string>;
    };
    edit(tensors, metadata);
    using second = make(recipeOf("mean"));
    second.add({ b: f32(3) });
    second.flush();
    second.add({ b: f32(5) });
    const before = second.saveState();
    assertStringIncludes(assertThrows(() => second.loadState({ tensors, metadata }), error).message, text);
    assertEquals(second.saveState(), before);
  });
}

test("Faults of an optimizer's tensors and of gathered ones are in one error, which leaves the accumulator as it was", () => {
  using first = make(recipeOf("sum"));
  first.add({ w: f32(1, 2) });
  const { tensors, metadata } = first.saveState();
  const { w: _, ...others } = tensors;
  using second = make(recipeOf("sum"));
  second.add({ b: f32(5) });
  const before = second.saveState();
  const state = { tensors: { ...others, "accumulate.x": tensors.w }, metadata };
  const { message } = assertThrows(() => second.loadState(state), TypeError);
  for (const text of ["2 things", `no tensor "w"`, `"x"`]) assertStringIncludes(message, text);
  // What was gathered is sound here, and taken; then it is given back.
  assertThrows(() => second.loadState({ tensors: others, metadata }), TypeError, `no tensor "w"`);
  assertEquals(second.saveState(), before);
});

test("A partial load leaves what was gathered, where it cannot be taken as a whole", () => {
  using first = make(recipeOf("mean"));
  first.add({ w: f32(1, 2) });
  const state = first.saveState();
  using without = make(recipeOf(null));
  assertThrows(() => without.loadState(state), TypeError, "there is none here");
  assertEquals(without.loadState(state, { partial: true }), {
    taken: ["w", "w.step", "b", "b.step"],
    ignored: ["accumulate.w"],
    missing: [],
  });
  using alike = make(recipeOf("mean"));
  assertEquals(alike.loadState(state, { partial: true }).taken, ["w", "w.step", "b", "b.step", "accumulate.w"]);
});

test("A parameter under a key of what is gathered is a clash that is named when a state is saved", () => {
  using trainer = registry.createTrainer({ w: f32(0), "accumulate.w": f32(0) }, recipeOf("sum"), { backend: "js" });
  trainer.saveState();
  trainer.add({ w: f32(1) });
  assertThrows(() => trainer.saveState(), TypeError, `"accumulate.w"`);
});

test("A disposed trainer neither saves nor loads", async () => {
  const trainer = make(recipeOf("sum"));
  const state = trainer.saveState();
  trainer.dispose();
  assertThrows(() => trainer.saveState(), TypeError, "disposed");
  await assertRejects(() => trainer.saveStateAsync(), TypeError, "disposed");
  assertThrows(() => trainer.loadState(state), TypeError, "disposed");
});

test("differences says in words what of a recipe is another", () => {
  const before: Recipe = {
    optimizer: { name: "adamw", options: { lr: 0.001, betas: [0.9, 0.99], eps: 1e-8 } },
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 2, numTrainingSteps: 9 } }, "betas[0]": { name: "constant" } },
    groups: [{ match: "bias$", options: { weightDecay: 0 } }],
    accumulate: { name: "mean", options: { every: 2 } },
  };
  assertEquals(differences(before, JSON.parse(JSON.stringify(before))), []);
  const now: Recipe = {
    accumulate: { name: "sum", options: { every: 2 } },
    optimizer: { options: { lr: 0.0005, betas: [0.9, 0.95], weightDecay: 0.1 }, name: "adamw" },
    schedules: { lr: { name: "linear", options: { numTrainingSteps: 12, numWarmupSteps: 2 } } },
    groups: [],
  };
  assertEquals(differences(before, now), [
    "optimizer.options.lr is 0.0005, and was 0.001",
    "optimizer.options.betas[1] is 0.95, and was 0.99",
    "optimizer.options.eps is left out, and was 1e-8",
    "optimizer.options.weightDecay is 0.1, and was left out",
    "schedules.lr.options.numTrainingSteps is 12, and was 9",
    `schedules["betas[0]"] is left out, and was {"name":"constant"}`,
    `groups is [], and was [{"match":"bias$","options":{"weightDecay":0}}]`,
    `accumulate is {"name":"sum","options":{"every":2}}, and was {"name":"mean","options":{"every":2}}`,
  ]);
  assert(differences(now, before).includes("optimizer.options.lr is 0.001, and was 0.0005"));
  assertThrows(() => differences({} as Recipe, before), TypeError, "optimizer");
});

test("tensors of another accumulator are refused, also where it says that it gathered nothing", () => {
  const make = (name: "mean" | "sum") =>
    builtins.createTrainer({ w: new Float32Array(2) }, {
      optimizer: { name: "sgd", options: { lr: 0.1 } },
      accumulate: { name, options: { every: 2 } },
    });
  using before = make("mean");
  before.add({ w: [1, 2] });
  const { tensors, metadata } = before.saveState();
  using after = make("sum");
  const emptied = metadata.accumulate.replace('"count":1', '"count":0');
  assertThrows(() => after.loadState({ tensors, metadata: { ...metadata, accumulate: emptied } }), TypeError, 'here it is "sum"');
});

import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { AccumulatorPlugin } from "../../core/plugin/contract.ts";
import type { Recipe } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { adamw, builtins, sum } from "../../mod.ts";
import { descent } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const start = () => ({ w: f32(1, 2), b: f32(3) });
const settings = (backend: "js" | "wasm" | "threads" = "js") => ({
  backend,
  groups: [{ match: ["b"], options: { weightDecay: 0.5 } }],
  schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 10 } } },
  transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
});

for (const backend of available()) {
  test(`A parameter that is added on backend ${backend} steps, is shown, scheduled and saved as one that was there`, () => {
    const [params, others] = [{ ...start(), late: f32(4, 5) }, { ...start(), late: f32(4, 5) }];
    const { w, b } = params;
    using optimizer = builtins.createOptimizer("adamw", { w, b }, { lr: 0.1 }, settings(backend));
    using other = builtins.createOptimizer("adamw", others, { lr: 0.1 }, settings(backend));
    const early = { w: f32(1, -1), b: f32(2) };
    for (const one of [optimizer, other]) one.step(early);
    optimizer.add({ late: params.late });
    assertEquals([optimizer.groups.map(({ names }) => names), Object.keys(optimizer.params)], [[["b"], ["w", "late"]], ["w", "b", "late"]]);
    for (const one of [optimizer, other]) one.step({ ...early, late: f32(1, 1) });
    const { late } = optimizer.grads;
    assertEquals(late.data.length, 2);
    assertEquals(params, others);
    const [state, expected] = [optimizer.saveState(), other.saveState()];
    assertEquals([state.tensors, state.metadata], [expected.tensors, expected.metadata]);
    assertEquals(state.tensors["late.step"].data[0], 1);
    other.loadState(state);
  });

  test(`Parameters that are added on backend ${backend} may be a group of their own, with options and the optimizer's schedule`, () => {
    const { w, b } = start();
    const late = f32(1);
    using optimizer = builtins.createOptimizer("adamw", { w, b }, { lr: 1, weightDecay: 0.25 }, settings(backend));
    optimizer.step({ w: f32(1, 1) });
    optimizer.add({ late }, { options: { lr: 0.5 } });
    const group = optimizer.groups[2];
    assertEquals([group.names, group.options.lr, group.options.weightDecay, group.current.lr], [["late"], 0.5, 0.25, 0.45]);
    optimizer.options.weightDecay = 0;
    assertEquals(group.options.weightDecay, 0);
    optimizer.step({ late: f32(0) });
    assertEquals(late[0], 1);
    optimizer.step({ late: f32(7) });
    assertEquals([late[0] < 1, optimizer.readings().length], [true, 3]);
    assertEquals(optimizer.groups[0], optimizer.groups[0]);
  });
}

test("A group that starts empty takes what is added to it", () => {
  const late = f32(1);
  using optimizer = createOptimizer(descent, start(), { lr: 1 }, { backend: "js", groups: [{ match: "^late", options: { lr: 0.25 } }] });
  assertEquals([optimizer.groups[0].names, optimizer.readings()], [[], [null, null]]);
  optimizer.step({ w: f32(0, 0) });
  optimizer.add({ late }, { group: 0 });
  optimizer.step({ late: f32(1) });
  assertEquals([late[0], optimizer.groups[0].names], [0.75, ["late"]]);
});

test("A schedule over groups' values is made over an added group's too, and one of values refuses its own", () => {
  const value = Object.assign((step: number) => step, { returns: "value" as const });
  using optimizer = createOptimizer(descent, start(), {}, { backend: "js", schedules: { lr: value } });
  const error = assertThrows(() => optimizer.add({ late: f32(1) }, { options: { lr: 2 } }), TypeError, "by values") as Error & {
    group?: number;
  };
  assertEquals([error.group, optimizer.groups.length, Object.keys(optimizer.params)], [1, 1, ["w", "b"]]);
  using polynomial = builtins.createOptimizer("adamw", start(), { lr: 1 }, {
    backend: "js",
    schedules: { lr: { name: "one_cycle", options: { maxLr: [1], totalSteps: 10 } } },
  });
  assertThrows(() => polynomial.add({ late: f32(1) }, { options: { weightDecay: 1 } }), RangeError);
});

test("Adding refuses what cannot be meant, and then nothing has changed", () => {
  const { w, b } = start();
  using backend = createBackend("js");
  using optimizer = createOptimizer(adamw, { w, b }, {}, { backend, groups: [{ match: "b" }] });
  const before = JSON.stringify(optimizer.saveState());
  const add = (params: unknown, to?: unknown) => () => optimizer.add(params as never, to as never);
  assertThrows(add({ w: f32(1) }), TypeError, 'there is a parameter "w" already');
  assertThrows(add({}), RangeError, "empty list");
  assertThrows(add({ late: w }), RangeError, "same memory");
  assertThrows(add({ late: "x" }), TypeError);
  assertThrows(add({ late: f32(1) }, { group: 2 }), RangeError, "there are 2");
  assertThrows(add({ late: f32(1) }, { group: -1 }), RangeError, "there are 2");
  assertThrows(add({ late: f32(1) }, { group: "0" }), TypeError, "its index");
  assertThrows(add({ late: f32(1) }, { groups: 0 }), TypeError, "known are");
  assertThrows(add({ late: f32(1) }, { group: 0, options: {} }), TypeError, "not both");
  assertThrows(add({ late: f32(1) }, { options: { rate: 1 } }), TypeError, "rate");
  assertThrows(add({ late: f32(1) }, { options: { lr: -1 } }), RangeError, "lr");
  assertThrows(add({ late: f32(1) }, { options: 1 }), TypeError, "an object");
  assertThrows(add({ "w.exp_avg": f32(1) }), TypeError, "two states under the key");
  assertEquals([JSON.stringify(optimizer.saveState()), optimizer.groups.map(({ names }) => names)], [before, [["b"], ["w"]]]);
  optimizer.add({ late: f32(1) });
  optimizer.dispose();
  assertThrows(add({ more: f32(1) }), TypeError, "disposed");
});

test("A group cannot be added where a schedule follows a metric, a parameter of one of the groups can", () => {
  using optimizer = builtins.createOptimizer("adamw", start(), { lr: 1 }, {
    backend: "js",
    schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5 } } },
  });
  assertThrows(() => optimizer.add({ late: f32(1) }, { options: { lr: 2 } }), TypeError, "follows a metric");
  optimizer.add({ late: f32(1) });
  for (const metric of [1, 2]) optimizer.update(metric);
  assertEquals(optimizer.groups[0].current.lr, 0.5);
});

for (const name of ["mean", "sum"]) {
  test(`A trainer that gathers by ${name} takes parameters in the middle of a window`, () => {
    const recipe: Recipe = { optimizer: { name: "sgd", options: { lr: 1 } }, accumulate: { name, options: { every: 2 } } };
    const w = f32(0), late = f32(0);
    using trainer = builtins.createTrainer({ w }, recipe, { backend: "js" });
    trainer.add({ w: f32(2) });
    trainer.optimizer.add({ late });
    assertThrows(() => trainer.add({ other: f32(1) }), TypeError, "other");
    assertEquals(trainer.add({ w: f32(4), late: f32(6) }), true);
    assertEquals([w[0], late[0]], name === "mean" ? [-3, -3] : [-6, -6]);
    const saved = trainer.saveState();
    using resumed = builtins.createTrainer({ w: f32(0) }, recipe, { backend: "js" });
    assertThrows(() => resumed.loadState(saved), TypeError, "late");
    resumed.optimizer.add({ late: f32(0) });
    resumed.loadState(saved);
    for (const one of [trainer, resumed]) one.add({ w: f32(1), late: f32(1) });
    assertEquals(resumed.saveState(), trainer.saveState());
  });
}

test("A trainer whose accumulator cannot be saved takes parameters after a step alone", () => {
  const plain: AccumulatorPlugin<"plain", { every: number | null }> = {
    ...sum,
    name: "plain",
    create: (...of) => {
      const { saveState: _save, loadState: _load, ...rest } = Object.getOwnPropertyDescriptors(sum.create(...of));
      return Object.create(null, rest) as ReturnType<typeof sum.create>;
    },
  };
  const registry = builtins.with(plain);
  const recipe: Recipe = { optimizer: { name: "sgd", options: { lr: 1 } }, accumulate: { name: "plain", options: { every: 2 } } };
  const w = f32(0);
  using trainer = registry.createTrainer({ w }, recipe, { backend: "js" });
  trainer.add({ w: f32(1) });
  trainer.optimizer.add({ late: f32(0) });
  assertThrows(() => trainer.add({ w: f32(1) }), TypeError, "flush first");
  assertEquals([trainer.flush(), w[0]], [true, -1]);
  trainer.add({ w: f32(1), late: f32(1) });
});

test("The memory of what could not be added is given back", () => {
  using backend = createBackend("wasm");
  using optimizer = createOptimizer(adamw, { w: f32(1) }, {}, { backend });
  for (let i = 0; i < 4; i++) {
    assertThrows(() => optimizer.add({ big: { data: new Float32Array(1 << 20) }, "w.exp_avg": f32(1) }), TypeError);
  }
  const big = new Float32Array(1 << 20);
  optimizer.add({ big });
  optimizer.step({ big: new Float32Array(1 << 20).fill(1) });
  assertEquals(big[9] < 0, true);
});

import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { builtins, createBackend } from "../../mod.ts";
import type { Base, MetricSchedule, Schedule, Use } from "../../core/types.ts";
import { createApp } from "../../plugins/http/mod.ts";

const two: Base = { value: 0.5, groups: [0.5, 0.25] };
const make = (name: string, options: object, base: Base = two) => builtins.createSchedule(name as "sequence", options as never, base);
const stepped = (name: string, options: object, base?: Base) => make(name, options, base) as Schedule;
const metric = (name: string, options: object, base?: Base) => make(name, options, base) as MetricSchedule & { state: unknown };

const half: Use = { name: "exponential", options: { gamma: 0.5 } };
const cycle: Use = { name: "one_cycle", options: { maxLr: 1, divFactor: 4, totalSteps: 100, end: "hold" } };
const triangle: Use = { name: "cyclic", options: { baseLr: 1, maxLr: 2, stepSizeUp: 4 } };
const plateau: Use = { name: "reduce_lr_on_plateau", options: { factor: 0.5, patience: 0 } };

test("compositions of factors are factors, by their definitions", () => {
  const f = (step: number) => 0.5 ** step;
  const all: readonly (readonly [string, object, (step: number) => number])[] = [
    ["scale", { schedule: half, factor: 3 }, (step) => 3 * f(step)],
    ["clamp", { schedule: half, min: 0.1, max: 0.4 }, (step) => Math.min(0.4, Math.max(0.1, f(step)))],
    ["clamp", { schedule: half }, f],
    ["shift", { schedule: half, steps: 3 }, (step) => f(step + 3)],
    ["delay", { schedule: half, steps: 3 }, (step) => f(Math.max(0, step - 3))],
    ["repeat", { schedule: half, every: 3 }, (step) => f(step % 3)],
    ["by_epoch", { schedule: half, stepsPerEpoch: 3 }, (step) => f(Math.floor(step / 3))],
    ["warm", { schedule: half, numWarmupSteps: 4, startFactor: 0.5 }, (step) => step < 4 ? 0.5 + step / 8 : f(step - 4)],
    ["warm", { schedule: half, numWarmupSteps: 0 }, f],
    ["sum", { schedules: [half, half, { name: "constant" }] }, (step) => 2 * f(step) + 1],
    ["product", { schedules: [half, half] }, (step) => f(step) * f(step)],
    [
      "sequence",
      { schedules: [half, { name: "constant" }, half], milestones: [2, 5] },
      (step) => step < 2 ? f(step) : step < 5 ? 1 : f(step - 5),
    ],
  ];
  for (const [name, options, wanted] of all) {
    const schedule = stepped(name, options);
    assertEquals(schedule.returns ?? "factor", "factor");
    for (let step = 0; step < 12; step++) assertAlmostEquals(schedule(step), wanted(step), 1e-15, `${name} at ${step}`);
    for (const group of [0, 1]) assertEquals(schedule(3, group), schedule(3));
  }
});

test("where values and factors meet there are values, factors times each group's base value", () => {
  const sequence = stepped("sequence", { schedules: [half, triangle], milestones: [3] });
  assertEquals(sequence.returns, "value");
  assertEquals([1, 3, 7].map((step) => sequence(step, 0)), [0.25, 1, 2]);
  assertEquals([1, 3, 7].map((step) => sequence(step, 1)), [0.125, 1, 2]);
  const sum = stepped("sum", { schedules: [triangle, half] });
  assertEquals([sum(0, 0), sum(0, 1), sum(4, 0)], [1.5, 1.25, 2 + 0.5 / 16]);
});

test("a product takes one schedule that gives values, times the factors of the others", () => {
  const product = stepped("product", { schedules: [half, triangle] });
  assertEquals([product.returns, product(4, 0), product(4, 1)], ["value", 2 / 16, 2 / 16]);
  assertThrows(() => make("product", { schedules: [triangle, half, cycle] }), RangeError, "one that gives values at most");
});

test("compositions nest, and are the same JSON as before", () => {
  const options = {
    schedule: {
      name: "sequence",
      options: { schedules: [{ name: "warm", options: { schedule: half, numWarmupSteps: 2 } }, cycle], milestones: [9] },
    },
    min: 0.01,
  };
  const schedule = stepped("clamp", options);
  const again = stepped("clamp", JSON.parse(JSON.stringify(options)));
  for (let step = 0; step < 120; step += 7) assertEquals(schedule(step), again(step));
  assertEquals(schedule(1, 1), 0.125);
});

test("a list of ends for each group reaches through a composition", () => {
  const lists: Use = { name: "cyclic", options: { baseLr: [1, 3], maxLr: 4 } };
  const schedule = stepped("scale", { schedule: lists, factor: 2 });
  assertEquals([schedule(0, 0), schedule(0, 1)], [2, 6]);
  const w = { a: new Float32Array(1), b: new Float32Array(1) };
  using backend = createBackend("js");
  const settings = (schedule: object) =>
    ({
      backend,
      groups: [{ match: ["a"] }, { match: ["b"], options: { lr: 5 } }],
      schedules: { lr: { name: "scale", options: { schedule, factor: 2 } as never } },
    }) as never;
  using optimizer = builtins.createOptimizer("adamw", w, {}, settings(lists));
  assertEquals(optimizer.groups.map(({ current }) => current.lr), [2, 6]);
  // Values that are all groups' stand in place of a group's own, which would do nothing.
  assertThrows(() => builtins.createOptimizer("adamw", w, {}, settings(triangle)), TypeError, "group 1 sets it");
});

test("a composition says whether groups may differ", () => {
  const lists: Use = { name: "cyclic", options: { baseLr: [1, 3], maxLr: 4 } };
  const swa: Use = { name: "swalr", options: { swaLr: 0.1 } };
  for (
    const [name, options, perGroup] of [
      ["scale", { schedule: half, factor: 2 }, false],
      ["scale", { schedule: triangle, factor: 2 }, false],
      ["scale", { schedule: lists, factor: 2 }, true],
      ["scale", { schedule: swa, factor: 2 }, true],
      ["product", { schedules: [half, triangle] }, false],
      ["product", { schedules: [swa, triangle] }, true],
      ["sum", { schedules: [half, triangle] }, true],
      ["clamp", { schedule: { name: "sum", options: { schedules: [half, triangle] } } }, true],
    ] as const
  ) assertEquals(stepped(name, options).perGroup, perGroup, `${name} ${JSON.stringify(options)}`);
  // Values that all groups share stand in place of a group's own, also times factors.
  using backend = createBackend("js");
  const settings = {
    backend,
    groups: [{ match: ["a"], options: { lr: 5 } }],
    schedules: { lr: { name: "product", options: { schedules: [half, triangle] } } },
  };
  const params = { a: new Float32Array(1), b: new Float32Array(1) };
  assertThrows(() => builtins.createOptimizer("adamw", params, {}, settings as never), TypeError, "group 0 sets it");
});

test("a schedule that follows a metric is asked once a step, however many groups there are and however deep it lies", () => {
  let asked = 0;
  const metricOf: MetricSchedule = {
    update() {},
    factors() {
      asked += 1;
      return [1, 2, 3];
    },
  };
  const base: Base = { value: 1, groups: [1, 2, 3] };
  let schedule: MetricSchedule = metricOf;
  for (let depth = 0; depth < 6; depth++) schedule = metric("scale", { schedule, factor: 2 }, base);
  assertEquals(schedule.factors(5), [64, 128, 192]);
  assertEquals(asked, 1);
});

test("a warmup goes in front of a plateau, which follows its metric", () => {
  const schedule = metric("warm", { schedule: plateau, numWarmupSteps: 4 });
  assertEquals([0, 1, 2, 4, 9].map((step) => schedule.factors(step)), [[0, 0], [0.25, 0.25], [0.5, 0.5], [1, 1], [1, 1]]);
  // What comes of the warmup is not the plateau's: neither its best metric, nor a bad one.
  for (const step of [0, 1, 2, 3, 4]) schedule.update(step === 2 ? 0.1 : 1, step);
  assertEquals(schedule.factors(4), [1, 1]);
  for (const step of [5, 6, 7]) schedule.update(1, step);
  assertEquals([2, 9].map((step) => schedule.factors(step)), [[0.125, 0.125], [0.25, 0.25]]);
  // Without a word it is the step that was asked for last.
  schedule.update(1);
  assertEquals(schedule.factors(9), [0.125, 0.125]);
});

test("a metric goes to the schedule whose turn the last update was", () => {
  const heard: (readonly [name: string, metric: number, step: number | undefined])[] = [];
  const ear = (name: string): MetricSchedule => ({
    update: (metric, step) => void heard.push([name, metric, step]),
    factors: () => [1, 1],
  });
  const told = (name: string, options: object, steps: readonly number[]): unknown => {
    heard.length = 0;
    const schedule = metric(name, options);
    for (const step of steps) schedule.update(10 * step, step);
    return heard.map(([name, metric, step]) => `${name} ${metric / 10}: ${step}`);
  };
  const steps = [0, 1, 3, 4, 7, 8, 9];
  assertEquals(told("sequence", { schedules: [ear("a"), half, ear("c")], milestones: [3, 7] }, steps), [
    "a 0: 0",
    "a 1: 1",
    "a 3: 3",
    "c 8: 1",
    "c 9: 2",
  ]);
  assertEquals(told("sequence", { schedules: [half, ear("b")], milestones: [0] }, [0, 1]), ["b 0: 0", "b 1: 1"]);
  assertEquals(told("warm", { schedule: ear("a"), numWarmupSteps: 7 }, steps), ["a 8: 1", "a 9: 2"]);
  assertEquals(told("warm", { schedule: ear("a"), numWarmupSteps: 0 }, [0, 1]), ["a 0: 0", "a 1: 1"]);
  assertEquals(told("delay", { schedule: ear("a"), steps: 3 }, steps), ["a 4: 1", "a 7: 4", "a 8: 5", "a 9: 6"]);
  assertEquals(told("shift", { schedule: ear("a"), steps: 3 }, [0, 1]), ["a 0: 3", "a 1: 4"]);
  assertEquals(told("repeat", { schedule: ear("a"), every: 4 }, steps), [
    "a 0: 0",
    "a 1: 1",
    "a 3: 3",
    "a 4: 4",
    "a 7: 3",
    "a 8: 4",
    "a 9: 1",
  ]);
  assertEquals(told("by_epoch", { schedule: ear("a"), stepsPerEpoch: 4 }, steps), [
    "a 0: 0",
    "a 1: 1",
    "a 3: 1",
    "a 4: 1",
    "a 7: 2",
    "a 8: 2",
    "a 9: 3",
  ]);
  assertEquals(told("product", { schedules: [ear("a"), ear("b")] }, [4]), ["a 4: 4", "b 4: 4"]);
});

test("in front of a plateau, an optimizer warms up and then follows the metric, and goes on from a saved state", () => {
  using backend = createBackend("js");
  const schedules = {
    lr: {
      name: "sequence",
      options: { schedules: [{ name: "linear_lr", options: { startFactor: 0.5, totalIters: 2 } }, plateau], milestones: [2] },
    },
  };
  const grow = () => builtins.createOptimizer("adamw", { w: new Float32Array([1]) }, { lr: 0.25 }, { backend, schedules } as never);
  using one = grow();
  const lrs: number[] = [];
  for (const loss of [1, 0.9, 0.9, 0.8, 0.9]) {
    lrs.push(one.groups[0].current.lr);
    one.step({ w: new Float32Array([1]) });
    one.update(loss);
  }
  lrs.push(one.groups[0].current.lr);
  // The losses of the warmup are nobody's.
  assertEquals(lrs, [0.125, 0.1875, 0.25, 0.25, 0.25, 0.125]);
  using other = grow();
  other.loadState(one.saveState());
  assertEquals(other.groups[0].current.lr, 0.125);
  other.update(2);
  assertEquals(other.groups[0].current.lr, 0.0625);
  // Also where nothing has been asked since.
  using third = grow();
  third.loadState(one.saveState());
  third.update(2);
  assertEquals(third.groups[0].current.lr, 0.0625);
});

test("values beside a schedule that follows a metric are read over the base value", () => {
  const schedule = metric("sequence", { schedules: [triangle, plateau], milestones: [4] });
  assertEquals([0, 2, 4].map((step) => schedule.factors(step)), [[2, 4], [3, 6], [1, 1]]);
  const product = metric("product", { schedules: [triangle, plateau] });
  for (const loss of [1, 1]) product.update(loss);
  assertEquals(product.factors(4), [2, 4]);
  assertThrows(() => make("sum", { schedules: [triangle, plateau] }, { value: 0, groups: [0] }), RangeError, "division by 0");
});

test("the state of a composition is a list, and one that is refused changes nothing", () => {
  const twice = () => metric("product", { schedules: [plateau, { ...plateau, options: { factor: 0.25, patience: 1 } }] });
  const schedule = twice();
  for (const loss of [1, 1, 1, 1]) schedule.update(loss);
  const before = JSON.parse(JSON.stringify(schedule.state));
  const other = twice();
  other.state = before;
  assertEquals(other.factors(), schedule.factors());
  const fresh = twice().state as unknown[];
  for (const bad of [null, [], [fresh[0]], [fresh[0], {}], [fresh[0], { ...fresh[1] as object, factors: [1] }]]) {
    assertThrows(() => void (schedule.state = bad), Error, "Cannot take a state");
    assertEquals(schedule.state, before);
  }
});

test("compositions refuse what cannot be composed", () => {
  const refused: readonly (readonly [string, object, typeof TypeError | typeof RangeError, string])[] = [
    ["sequence", { schedules: [half, half], milestones: [] }, RangeError, "milestones"],
    ["sequence", { schedules: [half, half, half], milestones: [5, 3] }, RangeError, "milestones[1]"],
    ["sequence", { schedules: [half, half], milestones: [-1] }, RangeError, "milestones[0]"],
    ["sequence", { schedules: [half, half], milestones: ["3"] }, TypeError, "milestones[0]"],
    ["sequence", { schedules: [], milestones: [] }, RangeError, "schedules"],
    ["sum", { schedules: [] }, RangeError, "schedules"],
    ["product", { schedules: [half, "linear"] }, TypeError, "schedules[1]"],
    ["clamp", { schedule: half, min: 2, max: 1 }, RangeError, "min"],
    ["scale", { schedule: { name: "expnential" }, factor: 1 }, TypeError, "exponential"],
    ["repeat", { schedule: half, every: 0 }, RangeError, "every"],
    ["delay", { schedule: half, steps: -1 }, RangeError, "steps"],
    ["by_epoch", { schedule: half, stepsPerEpoch: 0 }, RangeError, "stepsPerEpoch"],
  ];
  for (const [name, options, Wrong, words] of refused) assertThrows(() => make(name, options), Wrong, words);
});

test("a service composes as JSON, and sends who asks by path where an option's name means something else there", async () => {
  const app = createApp(builtins);
  const path = `/v1/schedules/scale?schedule=${encodeURIComponent(JSON.stringify(half))}&factor=3&step=1`;
  assertEquals((await (await app.request(path)).json()).lr, [1.5]);
  const list = `/v1/schedules/sum?schedules=${encodeURIComponent(JSON.stringify([half, half]))}&step=1`;
  assertEquals((await (await app.request(list)).json()).lr, [1]);
  for (const name of ["shift", "delay", "repeat"]) {
    const answer = await app.request(`/v1/schedules/${name}?step=1`);
    assertEquals(answer.status, 404);
    assert((await answer.json()).detail.includes("/v1/curves"));
  }
  const delayed = JSON.stringify({ name: "delay", options: { schedule: half, steps: 2 } });
  const curve = await (await app.request(`/v1/curves?steps=0,3&schedule=${encodeURIComponent(delayed)}`)).json();
  assertEquals(curve.curves[0].lr, [[1, 0.5]]);
  const followed = JSON.stringify({ name: "warm", options: { schedule: plateau, numWarmupSteps: 2 } });
  assertEquals((await app.request(`/v1/curves?step=0&schedule=${encodeURIComponent(followed)}`)).status, 400);
});

import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { builtins, createBackend } from "../../mod.ts";
import type { Group, MetricSchedule, Optimizer, Recipe, Schedule, Settings } from "../../core/types.ts";
import { aboutOf } from "../../core/errors.ts";

type Plain = Omit<Settings<object>, "groups"> & { readonly groups?: readonly Group<object>[] };

const linear = (numTrainingSteps: number) => ({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps } });
const cycle = { name: "cyclic", options: { baseLr: 1, maxLr: 2, stepSizeUp: 2 } };
const plateau = { name: "reduce_lr_on_plateau", options: { factor: 0.5, patience: 0 } };
const values: Schedule = Object.assign((step: number) => 2 + step, { returns: "value" as const });

function grow(settings: Plain, options: object = { lr: 1 }): Optimizer {
  const params = { a: new Float32Array([1]), b: new Float32Array([1]), c: new Float32Array([1]) };
  return builtins.createOptimizer("adamw", params, options, { backend: "js", ...settings } as never);
}

function lrs(optimizer: Optimizer): number[] {
  return optimizer.groups.map(({ current }) => (current as { lr: number }).lr);
}

function step(optimizer: Optimizer, count = 1): void {
  const g = new Float32Array([1]);
  for (let i = 0; i < count; i++) optimizer.step({ a: g, b: g, c: g });
}

test("a group's own schedules stand in place of the optimizer's, option by option", () => {
  using optimizer = grow({
    schedules: { lr: linear(10), weightDecay: linear(4) },
    groups: [
      { match: ["a"], schedules: { lr: linear(4) } },
      { match: ["b"], schedules: { lr: { name: "constant" } }, options: { lr: 3 } },
    ],
  }, { lr: 1, weightDecay: 0.5 });
  assertEquals(lrs(optimizer), [1, 3, 1]);
  step(optimizer, 2);
  assertEquals(lrs(optimizer), [0.5, 3, 0.8]);
  assertEquals(optimizer.groups.map(({ current }) => (current as { weightDecay: number }).weightDecay), [0.25, 0.25, 0.25]);
});

test("a group's own schedule is made over its base value alone, and asked for its first group", () => {
  const asked: (number | undefined)[] = [];
  const own: Schedule = (_step, group) => (asked.push(group), 1);
  using optimizer = grow({
    groups: [
      { match: ["a"], options: { lr: 0.5 }, schedules: { lr: { name: "cosine_annealing", options: { tMax: 2, etaMin: 0.25 } } } },
      { match: ["b"], schedules: { lr: { name: "cyclic", options: { baseLr: [4], maxLr: [8], stepSizeUp: 2 } } } },
      { match: ["c"], schedules: { lr: own } },
    ],
  });
  step(optimizer, 2);
  assertEquals(lrs(optimizer), [0.25, 8, 1]);
  assertEquals([...new Set(asked)], [0]);
});

test("a group without an optimizer's schedule may have one, of an element too, and of another algorithm's option", () => {
  using optimizer = grow({
    groups: [
      { match: ["a"], schedules: { "betas[0]": linear(2) } },
      { match: ["b"], optimizer: "sgd", options: { lr: 1, momentum: 0.5 }, schedules: { momentum: linear(2) } },
    ],
  });
  step(optimizer);
  const [a, b, c] = optimizer.groups.map(({ current }) => current as unknown as { betas: number[]; momentum: number });
  assertEquals([a.betas, b.momentum, c.betas], [[0.45, 0.999], 0.25, [0.9, 0.999]]);
});

test("a group's metric schedule follows the metric by itself, and is saved under its own key", () => {
  const settings: Plain = {
    schedules: { lr: { ...plateau, options: { factor: 0.1, patience: 100 } } },
    groups: [{ match: ["a"], schedules: { lr: plateau } }, {
      match: ["b"],
      schedules: { lr: { ...plateau, options: { factor: 0.25, patience: 1 } } },
    }],
  };
  using optimizer = grow(settings);
  for (const loss of [1, 2, 2]) optimizer.update(loss);
  assertEquals(lrs(optimizer), [0.25, 0.25, 1]);
  const state = optimizer.saveState();
  assertEquals(
    Object.keys(state.metadata).filter((key) => key.includes("schedule")).sort(),
    ["group.0.schedule.lr", "group.1.schedule.lr", "schedule.lr"],
  );
  using other = grow(settings);
  other.loadState(state);
  assertEquals(lrs(other), [0.25, 0.25, 1]);
  for (const one of [optimizer, other]) one.update(2);
  assertEquals(lrs(other), lrs(optimizer));
  // A state that a group's schedule refuses names the group, and changes nothing.
  const wrong = { ...state, metadata: { ...state.metadata, "group.1.schedule.lr": "[]" } };
  const error = assertThrows(() => other.loadState(wrong));
  assertEquals(aboutOf(error as Error).group, 1);
  assertEquals(lrs(other), lrs(optimizer));
});

test("a schedule that stands in two places hears each metric once", () => {
  const heard: number[] = [];
  const shared: MetricSchedule = { update: (metric) => void heard.push(metric), factors: () => [0.5] };
  using optimizer = grow({ groups: [{ match: ["a"], schedules: { lr: shared } }, { match: ["b"], schedules: { lr: shared } }] });
  optimizer.update(7);
  assertEquals([heard, lrs(optimizer)], [[7], [0.5, 0.5, 1]]);
});

test("an assigned value is refused where it would do nothing for any group", () => {
  using some = grow({ schedules: { lr: cycle }, groups: [{ match: ["a"], schedules: { lr: linear(10) } }] });
  (some.options as { lr: number }).lr = 5;
  assertEquals(lrs(some), [5, 1]);
  assertThrows(() => (some.groups[1].options as { lr: number }).lr = 5, TypeError, "gives values");
  (some.groups[0].options as { lr: number }).lr = 6;
  assertEquals(lrs(some), [6, 1]);
  // Now the group has its own: nobody is left who would use the optimizer's.
  assertThrows(() => (some.options as { lr: number }).lr = 7, TypeError, "gives values");

  using own = grow({ groups: [{ match: ["a"], schedules: { lr: cycle } }] });
  (own.options as { lr: number }).lr = 3;
  assertEquals(lrs(own), [1, 3]);
  assertThrows(() => (own.groups[0].options as { lr: number }).lr = 5, TypeError, "gives values");

  using all = grow({ groups: [{ match: ".", schedules: { lr: values } }] });
  assertThrows(() => (all.options as { lr: number }).lr = 3, TypeError, "gives values");
});

test("a list is not assigned where the schedule of an element of it gives values", () => {
  const beta = { name: "cyclic", options: { baseLr: 0.95, maxLr: 0.85, stepSizeUp: 2 } };
  using optimizer = grow({ schedules: { "betas[0]": beta } });
  const assign = (to: unknown) => () => (to as { betas: readonly number[] }).betas = [0.5, 0.99];
  assertThrows(assign(optimizer.options), TypeError, 'the schedule of "betas[0]" gives values');
  assertThrows(assign(optimizer.groups[0].options), TypeError, 'the schedule of "betas[0]" gives values');
  using factors = grow({ schedules: { "betas[0]": linear(2) } });
  assign(factors.options)();
  assertEquals((factors.groups[0].current as unknown as { betas: number[] }).betas, [0.5, 0.99]);
});

test("a group's own value beside a schedule of values is a clash, also of an element of a list", () => {
  const beta = { name: "cyclic", options: { baseLr: 0.95, maxLr: 0.85, stepSizeUp: 2 } };
  const clash = (settings: Plain) => assertThrows(() => grow(settings), TypeError, "one of the two would do nothing");
  clash({ groups: [{ match: ["a"], options: { lr: 5 }, schedules: { lr: cycle } }] });
  clash({ groups: [{ match: ["a"], options: { lr: 5 }, schedules: { lr: values } }] });
  clash({ schedules: { "betas[0]": beta }, groups: [{ match: ["a"], options: { betas: [0.5, 0.99] } }] });
  // What it sets beside the element does something.
  using optimizer = grow({ schedules: { "betas[0]": beta }, groups: [{ match: ["a"], options: { betas: [0.9, 0.99] } }] });
  assertEquals((optimizer.groups[0].current as unknown as { betas: number[] }).betas, [0.95, 0.99]);
  // The optimizer's schedule of values is another group's affair where this one has factors.
  using factors = grow({ schedules: { lr: cycle }, groups: [{ match: ["a"], options: { lr: 5 }, schedules: { lr: linear(10) } }] });
  assertEquals(lrs(factors), [5, 1]);
});

test("what cannot be scheduled in a group is refused, and says which group", () => {
  const refused: readonly (readonly [Group<object>["schedules"], typeof TypeError | typeof RangeError, string])[] = [
    [{ momentum: linear(2) } as never, TypeError, 'Cannot schedule option "momentum" of optimizer "adamw" in group 1: known are'],
    [{ "betas[0]": linear(2), "betas[00]": linear(3) } as never, TypeError, 'Cannot schedule option "betas[00]"'],
    [{ correctBias: linear(2) } as never, TypeError, "is not a number"],
    [{ lr: { name: "nothing" } } as never, TypeError, '"nothing"'],
    [[] as never, TypeError, "they must be an object, option to schedule"],
    [{ lr: { update() {}, factors: () => [1, 1, 1] } } as never, RangeError, "it gives 3 factors, and there is 1 group"],
  ];
  for (const [schedules, Wrong, message] of refused) {
    const error = assertThrows(() => grow({ groups: [{ match: ["a"] }, { match: ["b"], schedules }] }), Wrong, message);
    assertEquals(aboutOf(error as Error).group, 1, message);
  }
});

test("a recipe's groups have schedules, and a trainer follows them", () => {
  using backend = createBackend("js");
  const recipe = {
    optimizer: { name: "adamw", options: { lr: 1 } },
    schedules: { lr: linear(10) },
    groups: [{ match: ["a"], schedules: { lr: linear(2) } }],
  } satisfies Recipe;
  const params = () => ({ a: new Float32Array(1), b: new Float32Array(1) });
  using trainer = builtins.createTrainer(params(), recipe as Recipe, { backend });
  trainer.add({ a: new Float32Array(1), b: new Float32Array(1) });
  assertEquals(lrs(trainer.optimizer), [0.5, 0.9]);
  for (const schedules of [7, { lr: "linear" }, { lr: { name: linear } }]) {
    assertThrows(
      () => builtins.createTrainer(params(), { ...recipe, groups: [{ match: ["a"], schedules }] } as never, { backend }),
      TypeError,
    );
  }
});

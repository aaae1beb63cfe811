import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { lion } from "../examples/plugin/lion.ts";
import { builtins, createOptimizer, createRegistry, type Registry } from "../mod.ts";
import type { MetricSchedule, Plugin, Schedule } from "../core/plugin/contract.ts";

const params = (): { w: Float32Array } => ({ w: new Float32Array([1, -1]) });

// Each line under @ts-expect-error must not compile; `deno check` reports it if it does. At run time all of them throw.
test("A wrong name or option does not compile, and throws where there are no types", () => {
  // @ts-expect-error: no optimizer has this name
  assertThrows(() => builtins.createOptimizer("adamww", params()), TypeError);
  // @ts-expect-error: a schedule is no optimizer
  assertThrows(() => builtins.createOptimizer("linear", params()), TypeError);
  // @ts-expect-error: the option is called weightDecay
  assertThrows(() => builtins.createOptimizer("adamw", params(), { weight_decay: 0.1 }), TypeError);
  // @ts-expect-error: a number
  assertThrows(() => builtins.createOptimizer("adamw", params(), { lr: "0.1" }), TypeError);
  // @ts-expect-error: two numbers
  assertThrows(() => builtins.createOptimizer("adamw", params(), { betas: [0.9] }), RangeError);
  // @ts-expect-error: numTrainingSteps must be given
  assertThrows(() => builtins.createSchedule("linear", { numWarmupSteps: 1 }), TypeError);
  // @ts-expect-error: its options must be given
  assertThrows(() => builtins.createSchedule("linear"), TypeError);
  // @ts-expect-error: no schedule has this name
  assertThrows(() => builtins.getScheduler("Linear"), RangeError);
  // @ts-expect-error: not among the options of mean
  assertThrows(() => builtins.createAccumulator("mean", { each: 2 }, params()), TypeError);
  // @ts-expect-error: no such setting
  assertThrows(() => builtins.createOptimizer("adamw", params(), {}, { transform: [] }), TypeError);
  // @ts-expect-error: adamw has no eps1
  assertThrows(() => createRegistry([lion]).createOptimizer("lion", params(), { eps: 1 }), TypeError);
});

test("A stranger's plugin is typed by name in a registry, and without one", () => {
  using named = builtins.with(lion).createOptimizer("lion", params(), { betas: [0.95, 0.98] });
  const betas: readonly [number, number] = named.options.betas;
  using bare = createOptimizer(lion, params(), { lr: 1e-3 });
  const lr: number = bare.groups[0].current.lr;
  bare.options.weightDecay = 0.1;
  // @ts-expect-error: lion has no eps
  assertEquals(bare.options.eps, undefined);
  assertEquals([betas, lr], [[0.95, 0.98], 1e-3]);
});

test("What a schedule's name makes has its type", () => {
  const factor: number = builtins.createSchedule("constant")(3);
  const plateau = builtins.createSchedule("reduce_lr_on_plateau");
  const metric: MetricSchedule = plateau;
  const either: Schedule | MetricSchedule = builtins.getScheduler("constant");
  assertEquals([factor, metric.factors(), typeof either], [1, [1], "function"]);
});

test("Any typed registry fits where one of unknown plugins is wanted", () => {
  const names = ({ plugins }: Registry<readonly Plugin[]>): string[] => plugins.map(({ name }) => name);
  assertEquals(names(createRegistry([lion])), ["lion"]);
  assertEquals(names(builtins.with(lion)).includes("lion"), true);
});

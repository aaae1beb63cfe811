import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { makeSchedule } from "../../core/plugin/schedules.ts";
import type { SchedulePlugin } from "../../core/plugin/contract.ts";
import type { Base, Schedule } from "../../core/types.ts";
import { builtins, createBackend, plotSchedule } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { cosineAnnealing } from "../../plugins/schedules/cosine_annealing.ts";
import { cosineAnnealingWarmRestarts } from "../../plugins/schedules/cosine_annealing_warm_restarts.ts";
import { cyclic } from "../../plugins/schedules/cyclic.ts";
import { greedy, type GreedyOptions, type GreedySchedule } from "../../plugins/schedules/greedy.ts";
import { multistep } from "../../plugins/schedules/multistep.ts";
import { oneCycle } from "../../plugins/schedules/one_cycle.ts";
import { swalr } from "../../plugins/schedules/swalr.ts";
import { warmupStableDecay } from "../../plugins/schedules/warmup_stable_decay.ts";

const make = (plugin: SchedulePlugin, options: object, base?: Base) => makeSchedule(plugin, options, base) as Schedule;
const two: Base = { value: 0.1, groups: [0.1, 0.02] };

test("cosine_annealing and its restarts end every group at etaMin, whatever its own value", () => {
  for (
    const [schedule, last] of [
      [make(cosineAnnealing, { tMax: 10, etaMin: 0.01 }, two), 10],
      [make(cosineAnnealingWarmRestarts, { t0: 1e6, etaMin: 0.01 }, two), 1e6 - 1],
      [make(swalr, { swaLr: 0.01, annealEpochs: 10 }, two), 10],
    ] as const
  ) {
    two.groups.forEach((lr, group) => {
      assertEquals(schedule(0, group), 1);
      assertAlmostEquals(lr * schedule(last, group), 0.01, 1e-12);
    });
    // Of a group that there is not yet, the optimizer's own value is known.
    assertEquals(schedule(3, 7), schedule(3, 0));
  }
});

test("what ends at an absolute value is refused over a base value 0, unless it ends at 0", () => {
  const zero: Base = { value: 0, groups: [0] };
  for (const [plugin, options] of [[cosineAnnealing, { tMax: 5 }], [cosineAnnealingWarmRestarts, { t0: 5 }]] as const) {
    assertThrows(() => make(plugin, { ...options, etaMin: 0.1 }, zero), RangeError, "division by 0");
    assertEquals(make(plugin, options, zero)(0), 1);
  }
  assertThrows(() => make(swalr, { swaLr: 0.1 }, zero), RangeError, "division by 0");
});

test("cosine_annealing_warm_restarts finds the wave of any step at once, as counting does", () => {
  for (const tMult of [1, 2, 3]) {
    const schedule = make(cosineAnnealingWarmRestarts, { t0: 7, tMult });
    let [at, length] = [0, 7];
    for (let step = 0; step < 3000; step++) {
      assertAlmostEquals(schedule(step), (1 + Math.cos(Math.PI * at / length)) / 2, 1e-15);
      at += 1;
      if (at < length) continue;
      at = 0;
      length *= tMult;
    }
  }
});

test("swalr's values are those of torch's recursion", () => {
  for (const annealStrategy of ["cos", "linear"] as const) {
    const schedule = make(swalr, { swaLr: 0.03, annealEpochs: 7, annealStrategy }, two);
    const alphaOf = (t: number) => annealStrategy === "cos" ? (1 - Math.cos(Math.PI * t)) / 2 : t;
    let lr = 0.1;
    for (let step = 1; step <= 12; step++) {
      const before = alphaOf(Math.max(0, Math.min(1, (step - 1) / 7)));
      const start = before === 1 ? 0.03 : (lr - before * 0.03) / (1 - before);
      const alpha = alphaOf(Math.min(1, step / 7));
      lr = 0.03 * alpha + start * (1 - alpha);
      assertAlmostEquals(0.1 * schedule(step), lr, 1e-14);
    }
  }
  assertAlmostEquals(make(swalr, { swaLr: 0.03, annealEpochs: 0 }, two)(0) * 0.1, 0.03, 1e-17);
});

test("one_cycle refuses what is behind its cycle, as torch, or holds the value of its last step", () => {
  const options = { maxLr: 0.5, totalSteps: 20 };
  const [free, held] = [make(oneCycle, options), make(oneCycle, { ...options, end: "hold" })];
  for (let step = 0; step < 20; step++) assertEquals(held(step), free(step));
  assert(Number.isFinite(free(20)) && free(20) !== free(19), "torch's value at totalSteps, a step beyond its curve");
  assertThrows(() => free(21), RangeError, "step 21");
  assertEquals([20, 21, 1e9].map((step) => held(step)), [free(19), free(19), free(19)]);
  assertThrows(() => make(oneCycle, { maxLr: 1, epochs: 3 }), RangeError, "totalSteps");
});

test("one_cycle's and cyclic's curve of the momentum is the same schedule with its ends changed about", () => {
  const momentum = make(oneCycle, { maxLr: 0.85, divFactor: 0.85 / 0.95, finalDivFactor: 1, totalSteps: 11, pctStart: 0.5 });
  assertAlmostEquals(momentum(0), 0.95, 1e-15);
  assertAlmostEquals(Math.min(...Array.from({ length: 11 }, (_, step) => momentum(step))), 0.85, 0.003);
  assertAlmostEquals(momentum(10), 0.95, 1e-15);
  const down = make(cyclic, { baseLr: 0.9, maxLr: 0.8, stepSizeUp: 4 });
  assertEquals([0, 4, 8].map((step) => down(step)), [0.9, 0.8, 0.9]);
});

test("one_cycle and cyclic take ends for each group, and then a group may set the option", () => {
  const w = { a: new Float32Array(1), b: new Float32Array(1) };
  using backend = createBackend("js");
  const settings = (options: object, name: "one_cycle" | "cyclic" = "one_cycle") => ({
    backend,
    groups: [{ match: ["a"] }, { match: ["b"], options: { lr: 5 } }],
    schedules: { lr: { name, options: options as never } },
  });
  using optimizer = builtins.createOptimizer("adamw", w, {}, settings({ maxLr: [0.5, 0.25], totalSteps: 9, divFactor: 2 }));
  assertEquals(optimizer.groups.map(({ current }) => current.lr), [0.25, 0.125]);
  using other = builtins.createOptimizer("adamw", w, {}, settings({ baseLr: [0.5, 0.25], maxLr: 1 }, "cyclic"));
  assertEquals(other.groups.map(({ current }) => current.lr), [0.5, 0.25]);
  assertThrows(() => builtins.createOptimizer("adamw", w, {}, settings({ maxLr: 0.5, totalSteps: 9 })), TypeError, "group 1 sets it");
  assertThrows(
    () => builtins.createOptimizer("adamw", w, {}, settings({ maxLr: [1, 2, 3], totalSteps: 9 })),
    RangeError,
    "there are 2 groups",
  );
  const lists = make(oneCycle, { maxLr: [0.5, 0.25], totalSteps: 9 }, two);
  assertThrows(() => lists(0, 2), RangeError, "group 2");
  assertEquals(lists(3), lists(3, 0));
});

test("a service and a picture ask for each group's own curve", async () => {
  const app = createApp(builtins);
  const lrOf = async (query: string) => (await (await app.request(`/v1/schedules/${query}`)).json()).lr;
  assertEquals(await lrOf("cosine_annealing?tMax=4&etaMin=0.5&step=4&lr=1,2"), [0.5, 0.5]);
  assertEquals(await lrOf("one_cycle?maxLr=1,2&totalSteps=9&divFactor=2&step=0&lr=1,1"), [0.5, 1]);
  assertEquals(await lrOf("cyclic?baseLr=0.5&maxLr=1&steps=0,2000&lr=1,1"), [[0.5, 1], [0.5, 1]]);
  const drawn = (maxLr: unknown) => plotSchedule({ x: make(oneCycle, { maxLr, totalSteps: 9 }, two) }, { lr: [1, 2], to: 8 });
  assertEquals([drawn([1, 2]).includes("x, lr 2"), drawn(1).includes("x, lr 2")], [true, false]);
});

test("multistep takes its milestones in any order, and refuses what is none", () => {
  const schedule = make(multistep, { milestones: [8, 3, 3], gamma: 0.5 });
  assertEquals([2, 3, 7, 8].map((step) => schedule(step)), [1, 0.25, 0.25, 0.125]);
  assertThrows(() => make(multistep, { milestones: [8, "3"] }), TypeError, "milestones[1]");
});

test("warmup_stable_decay needs one of its lengths, and its number of stable steps counts where both are there", () => {
  const options = { numWarmupSteps: 2, numDecaySteps: 4 };
  assertThrows(() => make(warmupStableDecay, options), RangeError, "numTrainingSteps");
  const both = make(warmupStableDecay, { ...options, numStableSteps: 3, numTrainingSteps: 100 });
  assertEquals([2, 4, 5, 9, 99].map((step) => both(step)), [1, 1, 1, 0, 0]);
});

const losses = [3, 2.5, 2.4, 2.6, 2.7, 2.8, 2.3, 2.9, 3, 3.1, 3.2, 2.2, 2.1, 2, 2.5, 2.6, 2.7, 2.8, 2.9, 3, 3.1];
const groups: Base = { value: 0.05, groups: [0.05, 0.001] };
const greedyOf = (options: GreedyOptions) => makeSchedule(greedy, options, groups) as GreedySchedule;

test("greedy goes on from a saved state, through JSON, as if nothing had happened", () => {
  for (
    const options of [
      { patience: 0, minLr: 0.02, factor: 0.5, resetStart: 2 },
      { patience: 1, smooth: true, windowSize: 3, minLr: 1e-5 },
      { patience: 0, cooldown: 2, warmup: 1, minLr: [1e-3, 1e-4], mode: "max" as const },
    ]
  ) {
    for (let at = 0; at <= losses.length; at++) {
      const whole = greedyOf(options);
      const first = greedyOf(options);
      losses.slice(0, at).forEach((loss) => first.update(loss));
      const second = greedyOf(options);
      second.state = JSON.parse(JSON.stringify(first.state));
      losses.forEach((loss, i) => {
        whole.update(loss);
        if (i >= at) second.update(loss);
      });
      assertEquals(second.state, whole.state);
    }
  }
});

test("greedy refuses a state that it cannot go on from, and changes nothing", () => {
  const schedule = greedyOf({});
  schedule.update(1);
  const before = schedule.state;
  const bad: readonly (readonly [object | null, typeof TypeError | typeof RangeError])[] = [
    [null, TypeError],
    [{ ...before, best: 1 }, TypeError],
    [{ ...before, best: "x" }, TypeError],
    [{ ...before, factors: [1] }, RangeError],
    [{ ...before, factors: [1, NaN] }, RangeError],
    [{ ...before, warmupCounter: -1 }, RangeError],
    [{ ...before, resetStart: 0.5 }, RangeError],
  ];
  for (const [state, Wrong] of bad) assertThrows(() => void (schedule.state = state as typeof before), Wrong, "Cannot take a state");
  assertThrows(() => schedule.update("1" as unknown as number), TypeError, "greedy");
  assertEquals(schedule.state, before);
});

test("greedy starts again from the base values after so many cuts at the least value", () => {
  const schedule = greedyOf({ patience: 0, factor: 0.5, minLr: 1e-3, resetStart: 3 });
  schedule.update(1);
  const lrs: number[] = [];
  for (let i = 0; i < 12; i++) {
    schedule.update(2);
    lrs.push(0.05 * schedule.factors()[0]);
  }
  assert(lrs.some((lr) => Math.abs(lr - 1e-3) < 1e-12), `${lrs}`);
  assert(lrs.slice(6).some((lr) => lr === 0.05), `${lrs}`);
});

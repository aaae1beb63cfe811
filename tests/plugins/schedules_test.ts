import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptionSpec, SchedulePlugin } from "../../core/plugin/contract.ts";
import { makeSchedule, returnsOf } from "../../core/plugin/schedules.ts";
import type { Base, Schedule } from "../../core/types.ts";
import { builtins } from "../../mod.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { constant } from "../../plugins/schedules/constant.ts";
import { constantWithWarmup } from "../../plugins/schedules/constant_with_warmup.ts";
import { cosine } from "../../plugins/schedules/cosine.ts";
import { cosineDecay } from "../../plugins/schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "../../plugins/schedules/cosine_decay_restarts.ts";
import { cosineWithRestarts } from "../../plugins/schedules/cosine_with_restarts.ts";
import { exponentialDecay } from "../../plugins/schedules/exponential_decay.ts";
import { inverseSqrt } from "../../plugins/schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "../../plugins/schedules/inverse_time_decay.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { piecewiseConstantDecay } from "../../plugins/schedules/piecewise_constant_decay.ts";
import { polynomial } from "../../plugins/schedules/polynomial.ts";
import { polynomialDecay } from "../../plugins/schedules/polynomial_decay.ts";
import {
  reduceLrOnPlateau,
  type ReduceLrOnPlateauOptions,
  type ReduceLrOnPlateauSchedule,
} from "../../plugins/schedules/reduce_lr_on_plateau.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";
import { read, root } from "../generated.ts";
import { samples, sampleSteps } from "./schedule_samples.ts";

const make = (plugin: (typeof samples)[number][0], options: object, base?: Base) => makeSchedule(plugin, options, base) as Schedule;
const values = (schedule: Schedule, last: number) => Array.from({ length: last + 1 }, (_, step) => schedule(step));

function assertClose(got: readonly number[], wanted: readonly number[], tolerance: number): void {
  assertEquals(got.length, wanted.length);
  got.forEach((value, i) => assertAlmostEquals(value, wanted[i], tolerance, `value ${i}: ${value} instead of ${wanted[i]}`));
}

const oneOf = [
  "cosine_with_min_lr minLrRate",
  "cosine_warmup_with_min_lr minLrRate",
  "warmup_stable_decay numTrainingSteps",
  "one_cycle totalSteps",
];

// ---- all of them

for (const [plugin, [base, ...others]] of samples) {
  test(`${plugin.name} is a function of the step: any order of questions gives the same answers`, () => {
    const schedule = make(plugin, base);
    const forwards = sampleSteps.map(schedule);
    const backwards = sampleSteps.toReversed().map((step) => schedule(step)).reverse();
    assertEquals(backwards, forwards);
    assertEquals(sampleSteps.map(make(plugin, base)), forwards, "a second schedule differs from the first");
  });

  test(`${plugin.name} answers at step 2^53 - 1 as at any other`, () => {
    const value = make(plugin, base)(Number.MAX_SAFE_INTEGER);
    assert(Number.isFinite(value) && value >= 0, `${value}`);
  });

  for (const option of Object.keys(plugin.options)) {
    test(`${plugin.name} has an option ${option} that acts`, () => {
      const wanted = (options: object) => JSON.stringify((options as Record<string, unknown>)[option]);
      const other = others.find((options) => wanted(options) !== wanted(base));
      assert(other !== undefined, "no sample changes it");
      assert(sampleSteps.some((step) => make(plugin, base)(step) !== make(plugin, other)(step)), "no value changes");
    });

    test(`${plugin.name} refuses ${option} = NaN and a missing ${option} that has no default (the NaN rule)`, () => {
      assertThrows(() => make(plugin, { ...base, [option]: NaN }), Error, option);
      const { [option]: _, ...rest } = base as Record<string, unknown>;
      const spec = (plugin.options as Record<string, { default?: unknown }>)[option];
      if (spec.default === undefined) assertThrows(() => make(plugin, rest), TypeError, option);
      // Of some options one must be given, whose defaults say that they are not.
      else if (oneOf.includes(`${plugin.name} ${option}`)) assertThrows(() => make(plugin, rest), RangeError, ": give ");
      else make(plugin, rest);
    });
  }

  test(`${plugin.name} shows its picture in its docs, and the picture is there`, () => {
    const [, path] = /!\[[^\]]*\]\(\.\.\/\.\.\/(examples\/pictures\/[^)]*)\)/.exec(read(`plugins/schedules/${plugin.name}.ts`)) ?? [];
    assert(path !== undefined && existsSync(join(root, path)), `${path}`);
  });
}

const isHeld = (value: unknown) => typeof value === "object" && value !== null && "name" in value;

for (const plugin of builtins.plugins.filter((plugin) => plugin.kind === "schedule")) {
  test(`${plugin.name} says what it returns, and which of its options hold schedules`, () => {
    const [, [options]] = samples.find(([{ name }]) => name === plugin.name) ?? [plugin, [{}]];
    // What composes others gives what they give, which is known only of those that it is made of.
    const composes = Object.keys(plugin.options).some((option) => ["schedule", "schedules"].includes(option));
    assertEquals(plugin.returns, composes ? undefined : returnsOf(make(plugin, options)));
    for (const [option, spec] of Object.entries<OptionSpec<unknown>>(plugin.options)) {
      const given = (options as Readonly<Record<string, unknown>>)[option];
      assertEquals(spec.holds === "schedule", isHeld(Array.isArray(given) ? given[0] : given), option);
    }
  });
}

// ---- transformers', semantics 1.6

test("constant is 1 and takes no option (C1, D10)", () => {
  assertEquals(values(make(constant, {}), 3), [1, 1, 1, 1]);
  assertThrows(() => make(constant, { numWarmupSteps: 3 }), TypeError, "numWarmupSteps");
});

test("constant_with_warmup takes a fraction of steps (C2)", () => {
  assertEquals(values(make(constantWithWarmup, { numWarmupSteps: 2.5 }), 4), [0, 0.4, 0.8, 1, 1]);
});

test("linear never reaches its peak where the warmup is as long as the training (C3)", () => {
  assertEquals(values(make(linear, { numWarmupSteps: 5, numTrainingSteps: 5 }), 6), [0, 0.2, 0.4, 0.6, 0.8, 0, 0]);
});

for (const plugin of [constantWithWarmup, linear, cosine, cosineWithRestarts, polynomial, inverseSqrt]) {
  const training = "numTrainingSteps" in plugin.options ? { numTrainingSteps: 10 } : {};

  test(`${plugin.name} refuses a negative warmup, and takes one that is a fraction or longer than the training (1.6)`, () => {
    assertThrows(() => make(plugin, { ...training, numWarmupSteps: -3 }), RangeError, "numWarmupSteps");
    assertThrows(() => make(plugin, { ...training, numWarmupSteps: -1e-9 }), RangeError, "numWarmupSteps");
    assertEquals(make(plugin, { ...training, numWarmupSteps: 2.5 })(1), 0.4);
    assertEquals(make(plugin, { ...training, numWarmupSteps: 20 })(10), 0.5);
  });
}

for (const [plugin, [options]] of samples) {
  test(`${plugin.name} refuses a step that is negative, infinite or missing`, () => {
    const schedule = make(plugin, options) as (step?: unknown) => number;
    for (const step of [-1, -1e-9, NaN, Infinity]) assertThrows(() => schedule(step), RangeError, `"${plugin.name}"`);
    for (const step of [undefined, null, "3"]) assertThrows(() => schedule(step), TypeError, "a number from 0");
  });
}

test("linear is 0 from the end on (C3)", () => {
  assertEquals(values(make(linear, { numWarmupSteps: 0, numTrainingSteps: 0 }), 2), [0, 0, 0]);
  assertEquals(make(linear, { numWarmupSteps: 2, numTrainingSteps: 10 })(1e9), 0);
});

test("cosine rises again after the training (C4)", () => {
  const late = values(make(cosine, { numWarmupSteps: 2, numTrainingSteps: 10 }), 13).slice(11);
  assertClose(late, [0.038, 0.146, 0.309], 5e-4);
});

test("cosine alternates where the warmup is as long as the training (C4)", () => {
  assertEquals(values(make(cosine, { numWarmupSteps: 4, numTrainingSteps: 4 }), 7).slice(4), [1, 0, 1, 0]);
});

test('cosine with end "hold" stays where it is after the training (D8)', () => {
  for (const numCycles of [0.5, 1, 0.8]) {
    const options = { numWarmupSteps: 2, numTrainingSteps: 10, numCycles };
    const held = make(cosine, { ...options, end: "hold" });
    const free = make(cosine, options);
    assertEquals(values(held, 10), values(free, 10));
    assertEquals([11, 12, 1e6].map(held), [free(10), free(10), free(10)]);
  }
});

test("cosine_with_restarts counts its cycles by Python's remainder (C5)", () => {
  const negative = make(cosineWithRestarts, { numWarmupSteps: 0, numTrainingSteps: 4, numCycles: -1 });
  assertClose(values(negative, 4), [1, 0.146, 0.5, 0.854, 0], 5e-4);
  assertEquals(values(make(cosineWithRestarts, { numWarmupSteps: 0, numTrainingSteps: 3, numCycles: 0 }), 3), [1, 1, 1, 0]);
});

test("cosine_with_restarts misses the restarts that the reference misses (C5, D9)", () => {
  const missed = values(make(cosineWithRestarts, { numWarmupSteps: 0, numTrainingSteps: 49, numCycles: 49 }), 48)
    .flatMap((value, step) => value < 0.5 ? [step] : []);
  assertEquals(missed, [1, 2, 4, 8, 16, 27, 32]);
});

test("polynomial ends every group at its value times lrEnd over the optimizer's (C6, D6)", () => {
  const schedule = make(polynomial, { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 0.05 }, { value: 1, groups: [1, 0.1] });
  assertClose([1, 0.1].map((lr) => lr * schedule(11)), [0.05, 0.005], 1e-16);
});

test("polynomial measures lrEnd against lrInit where that is given (D6)", () => {
  const schedule = make(polynomial, { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 0.05, lrInit: 0.1 }, { value: 1, groups: [1, 0.1] });
  assertClose([0.1 * schedule(11)], [0.05], 1e-16);
});

test("polynomial with power 0 falls only after the end (C6)", () => {
  const schedule = make(polynomial, { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 0.5, power: 0 });
  assertEquals([0, 9, 10, 11].map(schedule), [1, 1, 1, 0.5]);
});

for (
  const [what, options, base] of [
    ["a warmup as long as the training", { numWarmupSteps: 10, numTrainingSteps: 10 }, 1],
    ["no steps at all", { numWarmupSteps: 0, numTrainingSteps: 0 }, 1],
    ["a negative power", { numWarmupSteps: 0, numTrainingSteps: 10, power: -1 }, 1],
    ["lrEnd equal to the initial value", { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 0.5 }, 0.5],
    ["lrEnd above the initial value", { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: 0.6 }, 0.5],
    ["an initial value of 0", { numWarmupSteps: 0, numTrainingSteps: 10, lrEnd: -1 }, 0],
  ] as const
) {
  test(`polynomial refuses ${what} when it is made (C6, D7)`, () => {
    assertThrows(() => make(polynomial, options, { value: base, groups: [base] }), RangeError);
  });
}

test("inverse_sqrt without warmup and timescale has the timescale 10,000 (C7, D7)", () => {
  assertEquals(
    values(make(inverseSqrt, { numWarmupSteps: 0 }), 50),
    values(make(inverseSqrt, { numWarmupSteps: 0, timescale: 10_000 }), 50),
  );
});

test("inverse_sqrt halves in three timescales after the warmup (C7)", () => {
  assertEquals(make(inverseSqrt, { numWarmupSteps: 10 })(40), 0.5);
  assertEquals(make(inverseSqrt, { numWarmupSteps: 10, timescale: 50 })(160), 0.5);
  assertEquals(make(inverseSqrt, { numWarmupSteps: 0, timescale: 4 })(12), 0.5);
});

test("inverse_sqrt refuses a timescale that would divide by zero (C7, D7)", () => {
  for (const options of [{ numWarmupSteps: 3, timescale: 0 }, { numWarmupSteps: 0, timescale: -3 }]) {
    assertThrows(() => make(inverseSqrt, options), RangeError);
  }
});

for (const plugin of [constantWithWarmup, linear, cosine, cosineWithRestarts, polynomial, inverseSqrt]) {
  test(`${plugin.name} starts its warmup at 0, and a step above it with warmupOffset 1 (1.6, D16)`, () => {
    const options = plugin === constantWithWarmup || plugin === inverseSqrt
      ? { numWarmupSteps: 4 }
      : { numWarmupSteps: 4, numTrainingSteps: 10 };
    const plain = values(make(plugin, options), 12);
    const ahead = values(make(plugin, { ...options, warmupOffset: 1 }), 12);
    assertEquals(plain.slice(0, 4), [0, 0.25, 0.5, 0.75]);
    assertEquals(ahead.slice(0, 4), [0.25, 0.5, 0.75, 1]);
    assertEquals(ahead.slice(4), plain.slice(4));
    assertEquals(make(plugin, { ...options, warmupOffset: 9 })(0), 1, "a warmup that is over stands at the peak");
  });
}

test("a schedule is resumed by its step: there is no state to lose (D11, L7)", () => {
  const options = { numWarmupSteps: 4, numTrainingSteps: 40 };
  const before = make(cosine, options), after = make(cosine, options);
  values(before, 17);
  assertEquals(after(18), before(18));
});

// ---- plateau's, semantics 1.8

function plateau(options: ReduceLrOnPlateauOptions, lrs: readonly number[] = [1]): ReduceLrOnPlateauSchedule {
  return makeSchedule(reduceLrOnPlateau, options, { value: lrs[0], groups: lrs }) as ReduceLrOnPlateauSchedule;
}

test("reduce_lr_on_plateau cuts after patience bad metrics and one more (P2)", () => {
  const schedule = plateau({ patience: 2, factor: 0.5 });
  const factors = [3, 2, 2, 2, 2, 2, 2, 2].map((metric) => {
    schedule.update(metric);
    return schedule.factors()[0];
  });
  assertEquals(factors, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]);
});

test("reduce_lr_on_plateau counts NaN as bad (P4)", () => {
  const schedule = plateau({ patience: 0, factor: 0.5 });
  schedule.update(1);
  schedule.update(NaN);
  assertEquals(schedule.factors(), [0.5]);
});

test("reduce_lr_on_plateau stops each group at its own minLr, and leaves out cuts under eps (P1, P3)", () => {
  const schedule = plateau({ patience: 0, factor: 0.5, minLr: [0.3, 0.02], eps: 1e-3 }, [1, 0.1]);
  for (let i = 0; i < 20; i++) schedule.update(1);
  assertClose(schedule.factors(), [0.3, 0.2], 1e-15);
  const still = plateau({ patience: 0, factor: 0.9, eps: 0.2 });
  for (let i = 0; i < 20; i++) still.update(1);
  assertEquals(still.factors(), [1]);
});

test("reduce_lr_on_plateau waits out its cooldown (P2)", () => {
  const schedule = plateau({ patience: 0, cooldown: 3, factor: 0.5 });
  const factors = Array.from({ length: 7 }, () => {
    schedule.update(1);
    return schedule.factors()[0];
  });
  assertEquals(factors, [1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
});

test("reduce_lr_on_plateau goes on from a saved state as if nothing had happened (P4)", () => {
  const options = { patience: 1, cooldown: 1, factor: 0.3 };
  const metrics = [3, -Infinity, 5, 5, 5, NaN, 5, 5, 5, 5];
  for (const cut of metrics.keys()) {
    const whole = plateau(options, [1, 0.2]), first = plateau(options, [1, 0.2]), second = plateau(options, [1, 0.2]);
    for (const metric of metrics) whole.update(metric);
    for (const metric of metrics.slice(0, cut)) first.update(metric);
    second.state = JSON.parse(JSON.stringify(first.state));
    for (const metric of metrics.slice(cut)) second.update(metric);
    assertEquals(second.state, whole.state);
    assertEquals(second.factors(), whole.factors());
  }
});

test("reduce_lr_on_plateau's state is of factors, so that it goes on over other base values than it was saved at", () => {
  const options = { patience: 0, factor: 0.5 };
  const first = plateau(options, [0.1, 0.3]);
  for (let i = 0; i < 3; i++) first.update(1);
  assertEquals(first.state.factors, [0.25, 0.25]);
  const second = plateau(options, [0.01, 7]);
  second.state = JSON.parse(JSON.stringify(first.state));
  assertEquals(second.factors(), [0.25, 0.25]);
  second.update(1);
  assertEquals(second.factors(), [0.125, 0.125]);
});

test("An optimizer with another lr takes a saved plateau's factor, not its lr", () => {
  const make = (lr: number) =>
    createOptimizer(adamw, { w: Float32Array.of(1) }, { lr }, {
      backend: "js",
      schedules: { lr: { name: reduceLrOnPlateau, options: { patience: 0, factor: 0.5 } } },
    });
  using first = make(0.1);
  using second = make(0.01);
  for (let i = 0; i < 2; i++) first.update(1);
  second.loadState(first.saveState());
  assertEquals([first.groups[0].current.lr, second.groups[0].current.lr], [0.05, 0.005]);
});

test("reduce_lr_on_plateau takes a state of the time when it held values, as values", () => {
  const schedule = plateau({}, [0.5, 0]);
  const { factors: _, ...rest } = schedule.state;
  schedule.state = { ...rest, values: [0.125, 0] } as unknown as typeof schedule.state;
  assertEquals(schedule.factors(), [0.25, 1]);
  assertEquals(schedule.state, { ...rest, factors: [0.25, 1] });
});

test("reduce_lr_on_plateau never cuts a metric below 0 with a threshold relative to it, as torch, and does with one relative to its size", () => {
  for (const [mode, metric] of [["min", -1], ["max", -1], ["min", 1], ["max", 1], ["min", 0]] as const) {
    const cuts = (["rel", "rel_size", "abs"] as const).map((thresholdMode) => {
      const schedule = plateau({ mode, patience: 3, factor: 0.5, thresholdMode });
      for (let i = 0; i < 5; i++) schedule.update(metric);
      return schedule.factors()[0] < 1;
    });
    assertEquals(cuts, [metric >= 0, true, true], `${mode} ${metric}`);
  }
});

test("reduce_lr_on_plateau with a threshold relative to the metric's size does what it does relative to the metric where that is above 0", () => {
  for (const mode of ["min", "max"] as const) {
    const options = { mode, patience: 1, threshold: 0.05, factor: 0.5 };
    const [rel, size] = [plateau(options), plateau({ ...options, thresholdMode: "rel_size" })];
    for (const metric of [1, 0.96, 0.9, 1.04, 1.2, 0.5, 0.5, 2, 2, 2, 2]) {
      rel.update(metric);
      size.update(metric);
      assertEquals(size.state, rel.state);
    }
  }
});

test("reduce_lr_on_plateau goes on where an optimizer's state is loaded into another (P4, D11)", () => {
  const make = () =>
    createOptimizer(adamw, { a: Float32Array.of(1), b: Float32Array.of(2) }, { lr: 1 }, {
      backend: "js",
      groups: [{ match: ["b"], options: { lr: 0.1 } }],
      schedules: { lr: { name: reduceLrOnPlateau, options: { patience: 1, factor: 0.5 } } },
    });
  using whole = make();
  using first = make();
  using second = make();
  const lrs = (optimizer: typeof whole) => optimizer.groups.map(({ current }) => current.lr);
  const metrics = [3, 4, 5, 5, 5, 5];
  for (const metric of metrics) whole.update(metric);
  for (const metric of metrics.slice(0, 2)) first.update(metric);
  second.loadState(first.saveState());
  for (const metric of metrics.slice(2)) second.update(metric);
  assertEquals(lrs(second), lrs(whole));
  assertEquals(lrs(whole), [0.1, 1].map((lr) => lr / 4));
});

test("a schedule of the step goes on where an optimizer's state is loaded into another (D11)", () => {
  const make = () =>
    createOptimizer(adamw, { a: Float32Array.of(1) }, { lr: 1 }, {
      backend: "js",
      schedules: { lr: { name: linear, options: { numWarmupSteps: 2, numTrainingSteps: 10 } } },
    });
  using first = make();
  using second = make();
  for (let t = 0; t < 6; t++) first.step({ a: Float32Array.of(1) });
  second.loadState(first.saveState());
  assertEquals(second.groups[0].current.lr, 0.5);
});

test("reduce_lr_on_plateau refuses what it cannot follow, and changes nothing (P1)", () => {
  assertThrows(() => plateau({ factor: 1 }), RangeError, "factor");
  assertThrows(() => plateau({ mode: "avg" as "min" }), RangeError, "mode");
  assertThrows(() => plateau({ thresholdMode: "percent" as "rel" }), RangeError, "thresholdMode");
  assertThrows(() => plateau({ minLr: [0.1, 0.2, 0.3] }), RangeError, "1 groups");
  const schedule = plateau({});
  const before = schedule.state;
  assertThrows(() => schedule.update(undefined as unknown as number), TypeError, "number");
  assertThrows(() => schedule.state = { ...before, factors: [1, 2] }, RangeError, "groups");
  assertThrows(() => schedule.state = { ...before, best: "many" }, TypeError, "best = many");
  assertThrows(() => schedule.state = { ...before, numBadEpochs: -5 }, RangeError, "integers from 0");
  assertThrows(() => schedule.state = { ...before, cooldownCounter: 0.5 }, RangeError, "integers from 0");
  assertThrows(() => schedule.state = { ...before, factors: [Infinity] }, RangeError, "finite");
  assertThrows(() => schedule.state = { best: "3" } as typeof before, TypeError, "factors");
  assertThrows(() => schedule.state = { ...before, factors: "1" as unknown as number[] }, TypeError, "factors");
  assertThrows(() => schedule.state = null as unknown as typeof before, TypeError, "best");
  assertEquals(schedule.state, before);
});

// ---- TensorFlow's, semantics 1.9

test("every schedule of TensorFlow's gives float32 values in place of the base value (W1)", () => {
  const own = samples.filter(([plugin]) => "initialLearningRate" in plugin.options || plugin === piecewiseConstantDecay);
  assertEquals(own.length, 7);
  for (const [plugin, [options]] of own) {
    const schedule = make(plugin, options, { value: 7, groups: [7] });
    assertEquals(schedule.returns, "value");
    assert(sampleSteps.every((step) => Math.fround(schedule(step)) === schedule(step)), `${plugin.name} gives more than float32 holds`);
  }
});

const decay = { name: "polynomial_decay", options: { initialLearningRate: 1, decaySteps: 10, endLearningRate: 0 } };

test("warmup hands the decay schedule a step 0 at its end (W1)", () => {
  const schedule = make(warmup, { initialLearningRate: 1, warmupSteps: 4, decaySchedule: decay });
  assertEquals(values(schedule, 5).map((x) => Math.fround(x)), [0, 0.25, 0.5, 0.75, 1, 0.9].map(Math.fround));
});

test("warmup of no steps begins with the decay (W2)", () => {
  assertEquals(make(warmup, { initialLearningRate: 1, warmupSteps: 0, decaySchedule: decay })(0), 1);
});

test("warmup takes its decay by name, as a plugin, or as a function", () => {
  const given = (decaySchedule: unknown) => values(make(warmup, { initialLearningRate: 1, warmupSteps: 4, decaySchedule }), 20);
  const inner = make(polynomialDecay, decay.options);
  assertEquals(given({ ...decay, name: polynomialDecay }), given(decay));
  assertEquals(given(inner), given(decay));
});

test("warmup multiplies a decay that returns factors by its initial value", () => {
  const given = (decaySchedule: unknown) => make(warmup, { initialLearningRate: 0.5, warmupSteps: 0, decaySchedule })(3);
  assertEquals(given((step: number) => 1 / (1 + step)), 0.125);
  assertEquals(given({ name: linear, options: { numWarmupSteps: 0, numTrainingSteps: 4 } }), 0.125);
});

for (
  const [what, decaySchedule, error] of [
    ["an unknown name", { name: "polynomial" }, TypeError],
    ["an unknown key", { ...decay, step: 3 }, TypeError],
    ["an unknown option", { ...decay, options: { ...decay.options, end: 3 } }, TypeError],
    ["a missing option", { name: "cosine_decay", options: { initialLearningRate: 1 } }, TypeError],
    ["an option of another type", { ...decay, options: { ...decay.options, power: "2" } }, TypeError],
    ["a NaN option", { ...decay, options: { ...decay.options, power: NaN } }, RangeError],
    ["an option out of range", { name: linear, options: { numWarmupSteps: 1, numTrainingSteps: 2, warmupOffset: -1 } }, RangeError],
    ["a plugin of another kind", { name: { kind: "optimizer", name: "adamw" } }, TypeError],
    ["a schedule that follows a metric", { name: reduceLrOnPlateau }, TypeError],
    ["what the inner schedule refuses", { name: "piecewise_constant_decay", options: { boundaries: [1], values: [1] } }, RangeError],
    ["a number", 3, TypeError],
  ] as const
) {
  test(`warmup refuses ${what} as its decay when it is made`, () => {
    assertThrows(() => make(warmup, { initialLearningRate: 1, warmupSteps: 4, decaySchedule }), error);
  });
}

const rate = { initialLearningRate: 0.5, decaySteps: 10 };
const waves = { initialLearningRate: 0.5, firstDecaySteps: 10 };
const late: readonly (readonly [SchedulePlugin, readonly object[]])[] = [
  [cosineDecayRestarts, [
    { ...waves, tMul: 0.5 },
    { ...waves, tMul: 0 },
    { ...waves, tMul: -2 },
    { ...waves, tMul: 0.999 },
    { ...waves, mMul: -1 },
    { ...waves, firstDecaySteps: 0 },
    { ...waves, firstDecaySteps: -10 },
  ]],
  [cosineDecay, [{ ...rate, decaySteps: 0 }, { ...rate, decaySteps: -10 }, { ...rate, warmupTarget: 1, warmupSteps: -1 }]],
  [polynomialDecay, [
    { ...rate, power: -1 },
    { ...rate, power: -0.5 },
    { ...rate, decaySteps: 0, cycle: true },
    { ...rate, decaySteps: -3, cycle: true },
  ]],
  [inverseTimeDecay, [
    { ...rate, decayRate: -1 },
    { ...rate, decayRate: -1e-9 },
    { ...rate, decayRate: 1, decaySteps: 0 },
    { ...rate, decayRate: 1, decaySteps: -3 },
  ]],
  [exponentialDecay, [
    { ...rate, decayRate: -0.5 },
    { ...rate, decayRate: -1, staircase: true },
    { ...rate, decayRate: 0.5, decaySteps: 0 },
    { ...rate, decayRate: 0.5, decaySteps: -3 },
  ]],
  [warmup, [
    { initialLearningRate: 1, warmupSteps: -4, decaySchedule: { name: "cosine_decay", options: rate } },
    { initialLearningRate: 1, warmupSteps: 4, power: -1, decaySchedule: { name: "cosine_decay", options: rate } },
    { initialLearningRate: 1, warmupSteps: 4, decaySchedule: { name: "exponential_decay", options: { ...rate, decayRate: -0.5 } } },
  ]],
];
for (const [plugin, refused] of late) {
  for (const options of refused) {
    test(`${plugin.name} refuses when it is made what can only fail later: ${JSON.stringify(options)}`, () => {
      assertThrows(() => make(plugin, options), RangeError);
    });
  }
}

const tiny = 1e-50, huge = 1e39;
const unheld: readonly (readonly [SchedulePlugin, object, option: string, values?: readonly unknown[]])[] = [
  [cosineDecay, rate, "decaySteps"],
  [cosineDecayRestarts, waves, "firstDecaySteps"],
  [polynomialDecay, rate, "decaySteps"],
  [inverseTimeDecay, { ...rate, decayRate: 1 }, "decaySteps"],
  [exponentialDecay, { ...rate, decayRate: 0.5 }, "decaySteps"],
  [exponentialDecay, { ...rate, decayRate: 0.5 }, "decayRate", [huge]],
  [inverseTimeDecay, { ...rate, decayRate: 1 }, "decayRate", [huge]],
  [cosineDecayRestarts, waves, "tMul", [huge]],
  [polynomialDecay, rate, "endLearningRate", [huge, -huge]],
  [piecewiseConstantDecay, { boundaries: [1] }, "values", [[1, huge]]],
  [warmup, { warmupSteps: 4, decaySchedule: { name: "cosine_decay", options: rate } }, "initialLearningRate", [huge]],
];
for (const [plugin, options, option, values = [tiny, huge]] of unheld) {
  for (const value of values) {
    test(`${plugin.name} refuses ${option} = ${JSON.stringify(value)}, which float32 does not hold`, () => {
      const thrown = assertThrows(() => make(plugin, { ...options, [option]: value }), RangeError, "float32");
      assertEquals({ ...thrown }, { option, plugin: plugin.name } as unknown as typeof thrown);
    });
  }
}

const edges: readonly (readonly [SchedulePlugin, object])[] = [
  [cosineDecayRestarts, { ...waves, tMul: 1, mMul: 0 }],
  [polynomialDecay, { ...rate, power: 0 }],
  [inverseTimeDecay, { ...rate, decayRate: 0 }],
  [exponentialDecay, { ...rate, decayRate: 0 }],
  [warmup, { initialLearningRate: 1, warmupSteps: 4, power: 0, decaySchedule: { name: "cosine_decay", options: rate } }],
];
for (const [plugin, options] of edges) {
  test(`${plugin.name} takes what is at the edge of that, and gives numbers at every step: ${JSON.stringify(options)}`, () => {
    const schedule = make(plugin, options);
    assert(sampleSteps.every((step) => Number.isFinite(schedule(step))));
  });
}

test("polynomial_decay over no steps is NaN, over fewer the end value, as there (W4)", () => {
  assertEquals(make(polynomialDecay, { initialLearningRate: 1, decaySteps: 0 })(0), NaN);
  assertEquals(make(polynomialDecay, { initialLearningRate: 1, decaySteps: -3, endLearningRate: 0.25 })(5), 0.25);
});

test("polynomial_decay with cycle starts again, over one more stretch each time (W4)", () => {
  const schedule = make(polynomialDecay, { initialLearningRate: 1, decaySteps: 10, endLearningRate: 0, cycle: true });
  assertEquals([0, 5, 10, 11, 20, 21].map(schedule), [1, 0.5, 0, 1 - 11 / 20, 0, 1 - 21 / 30].map(Math.fround));
});

test("cosine_decay's own warmup ends at its target", () => {
  const schedule = make(cosineDecay, { initialLearningRate: 0, decaySteps: 10, warmupTarget: 1, warmupSteps: 4 });
  assertEquals([0, 2, 4, 14, 99].map(schedule), [0, 0.5, 1, 0, 0]);
});

test("piecewise_constant_decay finds its value as a walk over the boundaries does", () => {
  const boundaries = Array.from({ length: 40 }, (_, i) => 3 * i + (i * i) % 5);
  const table = Array.from({ length: 41 }, (_, i) => i);
  const schedule = make(piecewiseConstantDecay, { boundaries, values: table });
  for (let step = 0; step < 130; step++) assertEquals(schedule(step), boundaries.filter((boundary) => step > boundary).length);
});

test("piecewise_constant_decay refuses tables that do not fit", () => {
  for (const [boundaries, table] of [[[1, 2], [1, 2]], [[], [1]], [[2, 1], [1, 2, 3]]]) {
    assertThrows(() => make(piecewiseConstantDecay, { boundaries, values: table }), RangeError);
  }
  for (const [boundaries, table, wrong] of [[[1], ["1", 2], "values[0]"], [[null], [1, 2], "boundaries[0]"]] as const) {
    const given = { boundaries, values: table } as unknown as { boundaries: number[]; values: number[] };
    assertThrows(() => make(piecewiseConstantDecay, given), TypeError, wrong);
  }
});

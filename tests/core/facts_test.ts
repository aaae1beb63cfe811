import { test } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { factsOf } from "../../core/facts.ts";
import { makeSchedule } from "../../core/plugin/schedules.ts";
import type { Base, Schedule, Use } from "../../core/types.ts";
import { builtins, type Facts, facts, type FactsRange } from "../../mod.ts";
import { samples } from "../plugins/schedule_samples.ts";

const make = (name: string, options: object, base?: Base) => builtins.createSchedule(name as "linear", options as never, base) as Schedule;

/** The same by asking each step. */
function naive(schedule: Schedule, { from, to, base = 1, below, above, weightDecay, share }: FactsRange): Omit<Facts, "jumps"> {
  const values = Array.from({ length: to - from + 1 }, (_, i) => (schedule.returns === "value" ? 1 : base) * schedule(from + i));
  const sum = values.reduce((a, b) => a + b, 0);
  const at = (i: number) => ({ value: values[i], step: from + i });
  const first = (i: number) => i < 0 ? null : from + i;
  let reached = 0;
  return {
    sum,
    mean: sum / values.length,
    minimum: at(values.indexOf(values.reduce((a, b) => Math.min(a, b)))),
    maximum: at(values.indexOf(values.reduce((a, b) => Math.max(a, b)))),
    below: first(values.findIndex((value) => value < below!)),
    above: first(values.findIndex((value) => value > above!)),
    decay: values.reduce((product, value) => product * (1 - weightDecay! * value), 1),
    ...share !== undefined && { share: from + values.findIndex((value) => (reached += value) >= share * sum) },
  };
}

/** Holds what is answered against each step's value. */
function compare(what: string, schedule: Schedule, range: FactsRange): void {
  const { weightDecay: _, ...closed } = range;
  const wanted = naive(schedule, range);
  const size = Math.max(Math.abs(wanted.minimum.value), Math.abs(wanted.maximum.value));
  const value = (step: number) => (schedule.returns === "value" ? 1 : range.base ?? 1) * schedule(step);
  // Without a decay sums are leapt over, with one each step is asked.
  for (const asked of [range, closed as FactsRange]) {
    const given = facts(schedule, asked);
    assertAlmostEquals(given.sum, wanted.sum, 1e-12 * size * (range.to - range.from + 1), `${what}: sum`);
    assertAlmostEquals(given.mean, wanted.mean, 1e-12 * size, `${what}: mean`);
    for (const end of ["minimum", "maximum"] as const) {
      // Where a wave is flat, its last digits go up and down.
      assertAlmostEquals(given[end].value, wanted[end].value, 4e-16 * size, `${what}: ${end}`);
      assertEquals(given[end].value, value(given[end].step), `${what}: ${end}'s step`);
      assert(
        given[end].value !== wanted[end].value || given[end].step === wanted[end].step || given[end].step < wanted[end].step + 3,
        `${what}: ${end}`,
      );
    }
    assertEquals([given.below, given.above], [wanted.below, wanted.above], `${what}: below and above`);
    if (asked.weightDecay !== undefined) assertAlmostEquals(given.decay!, wanted.decay!, 1e-11, `${what}: decay`);
    if (asked.share !== undefined) assert(Math.abs(given.share! - wanted.share!) <= 1, `${what}: share`);
  }
}

/** Numbers from 0 to 1, the same ones each time. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0, (state >>> 0) / 2 ** 32);
}

for (const [plugin, list] of samples) {
  test(`facts of ${plugin.name} are those of its values, one by one`, () => {
    list.forEach((options, i) => {
      const schedule = makeSchedule(plugin, options) as Schedule;
      for (const [from, to] of [[0, 400], [5, 5], [7, 170], [37, 260], [0, 900]]) {
        const values = Array.from({ length: to - from + 1 }, (_, i) => schedule(from + i));
        const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
        const between = low + 0.37 * (high - low);
        const share = low >= 0 ? 0.6 : undefined;
        compare(`${plugin.name} ${i} from ${from} to ${to}`, schedule, {
          from,
          to,
          below: between,
          above: between,
          weightDecay: 0.01,
          share,
        });
      }
    });
  });
}

test("facts of random compositions are those of their values, one by one", () => {
  const random = createRandom(3);
  const whole = (most: number) => 1 + Math.floor(random() * most);
  const leaves: (() => Use)[] = [
    () => ({ name: "constant" }),
    () => ({ name: "linear", options: { numWarmupSteps: whole(100), numTrainingSteps: 100 + whole(900) } }),
    () => ({
      name: "cosine",
      options: { numWarmupSteps: whole(100), numTrainingSteps: 100 + whole(900), end: random() < 0.5 ? "hold" : "continue" },
    }),
    () => ({ name: "cosine_with_restarts", options: { numWarmupSteps: whole(90), numTrainingSteps: 900, numCycles: whole(7) } }),
    () => ({ name: "exponential", options: { gamma: 1 - random() * 10 ** -whole(5) } }),
    () => ({ name: "step", options: { stepSize: whole(300), gamma: 0.5 } }),
    () => ({ name: "cosine_annealing_warm_restarts", options: { t0: whole(200), tMult: 2 } }),
    () => ({ name: "inverse_sqrt", options: { numWarmupSteps: whole(200) } }),
    () => ({
      name: "warmup_stable_decay",
      options: { numWarmupSteps: 50, numDecaySteps: whole(200), numStableSteps: whole(300), warmupType: "cosine" },
    }),
    () => ({ name: "cyclic", options: { baseLr: 0.1, maxLr: random(), stepSizeUp: whole(100), stepSizeDown: whole(100) } }),
    () => ({ name: "constant_inverse_sqrt", options: { numConstantSteps: whole(500) } }),
  ];
  const grow = (depth: number): Use => {
    if (depth === 0) return leaves[Math.floor(random() * leaves.length)]();
    const schedule = (): Use => grow(depth - 1);
    const two = () => [schedule(), schedule()];
    const kinds: (() => Use)[] = [
      () => ({ name: "scale", options: { schedule: schedule(), factor: random() * 3 } }),
      () => ({ name: "shift", options: { schedule: schedule(), steps: whole(300) } }),
      () => ({ name: "delay", options: { schedule: schedule(), steps: whole(300) } }),
      () => ({ name: "repeat", options: { schedule: schedule(), every: whole(500) } }),
      () => ({ name: "warm", options: { schedule: schedule(), numWarmupSteps: whole(200), startFactor: random() } }),
      () => ({ name: "clamp", options: { schedule: schedule(), min: 0.2 * random(), max: 0.3 + random() } }),
      () => ({ name: "sequence", options: { schedules: [...two(), schedule()], milestones: [whole(300), 300 + whole(300)] } }),
      () => ({ name: "by_epoch", options: { schedule: schedule(), stepsPerEpoch: whole(90) } }),
      () => ({ name: "sum", options: { schedules: two() } }),
      () => ({
        name: "product",
        options: { schedules: [schedule(), { name: "linear_lr", options: { startFactor: 0.3, totalIters: whole(400) } }] },
      }),
    ];
    return kinds[Math.floor(random() * kinds.length)]();
  };
  for (let run = 0; run < 120; run++) {
    const use = grow(whole(3));
    const schedule = make(use.name as string, use.options!, { value: 0.5, groups: [0.5] });
    const from = Math.floor(random() * 300);
    const to = from + whole(1500);
    const middle = naive(schedule, { from, to, base: 0.5 }).mean;
    compare(JSON.stringify(use), schedule, { from, to, base: 0.5, below: middle, above: middle * 1.01, weightDecay: 0.01, share: 0.3 });
  }
});

test("facts over a million million steps are closed forms", () => {
  const steps = { numWarmupSteps: 1e9, numTrainingSteps: 1e12 };
  const linear = facts(make("linear", steps), { from: 0, to: 1e12, below: 0.5, above: 0.25, share: 0.5 });
  assertAlmostEquals(linear.sum / 5e11, 1, 1e-11);
  assertEquals([linear.maximum, linear.minimum, linear.jumps, linear.below, linear.above], [
    { value: 1, step: 1e9 },
    { value: 0, step: 0 },
    [],
    0,
    250000001,
  ]);
  // Half of the area under a triangle lies before 1 - 1/sqrt(2) of its base, less the warmup's part.
  assertAlmostEquals(linear.share! / 1e12, 1 - Math.sqrt(0.999 / 2), 1e-9);
  const cosine = facts(make("cosine", { ...steps, end: "hold" }), { from: 1e9, to: 3e12 });
  assertAlmostEquals(cosine.sum / (999e9 / 2), 1, 1e-11);
  assertEquals([cosine.maximum.step, cosine.minimum.value], [1e9, 0]);
  const gamma = facts(make("exponential", { gamma: 1 - 1e-9 }), { from: 0, to: 1e12, below: 0.5 });
  assertAlmostEquals(gamma.sum / 1e9, 1, 1e-7);
  assertAlmostEquals(gamma.below! / 1e9, Math.LN2, 1e-6);
  const composed = make("clamp", {
    schedule: { name: "warm", options: { schedule: { name: "linear", options: steps }, numWarmupSteps: 1e6 } },
    min: 0.1,
  });
  const floor = facts(composed, { from: 0, to: 2e12, below: 0.2 });
  assertEquals([floor.minimum.value, floor.jumps, floor.below], [0.1, [], 0]);
  assertAlmostEquals(facts(make("constant", {}), { from: 0, to: 1e9 - 1, base: 1e-3, weightDecay: 1e-6 }).decay!, Math.exp(-1), 1e-6);
});

test("facts of long compositions cut waves where they are, and keep the digits of what hardly falls", () => {
  // A quarter of a wave on: from there to its end lies less than half of it.
  const wave: Use = { name: "cosine", options: { numWarmupSteps: 0, numTrainingSteps: 1e12, end: "hold" } };
  const rest = facts(make("shift", { schedule: wave, steps: 5e11 }), { from: 0, to: 2e12 });
  assertAlmostEquals(rest.sum / 1e12, 0.25 - 0.5 / Math.PI, 1e-11);
  const twice = make("sequence", { schedules: [wave, wave], milestones: [5e11] });
  assertAlmostEquals(facts(twice, { from: 1e11, to: 1.5e12 }).sum / facts(twice, { from: 0, to: 1.5e12 }).sum, 1 - 0.09918 / 0.90915, 1e-5);
  assertEquals(facts(twice, { from: 1e11, to: 1.5e12 }).jumps, [5e11]);
  const x = 1 - (1 - 1e-12);
  const wanted = 1e6 - x * 1e6 * (1e6 - 1) / 2;
  assertAlmostEquals(facts(make("exponential", { gamma: 1 - 1e-12 }), { from: 0, to: 1e6 - 1 }).sum / wanted, 1, 1e-12);
});

test("facts tell where a schedule jumps", () => {
  const jumps = (schedule: Schedule, from = 0, to = 1000) => facts(schedule, { from, to }).jumps;
  assertEquals(jumps(make("multistep", { milestones: [300, 700, 800] })), [300, 700, 800]);
  assertEquals(jumps(make("step", { stepSize: 250 })), [250, 500, 750, 1000]);
  assertEquals(jumps(make("cosine_with_restarts", { numWarmupSteps: 100, numTrainingSteps: 1000, numCycles: 3 })), [400, 700]);
  assertEquals(jumps(make("constant_lr", { totalIters: 5 })), [5]);
  assertEquals(jumps(make("sequence", { schedules: [{ name: "linear_lr" }, { name: "constant_lr" }], milestones: [100] })), [100, 105]);
  // Beside each other, and at the ends of a range.
  assertEquals(jumps(make("multistep", { milestones: [1, 2] })), [1, 2]);
  assertEquals(jumps(make("multistep", { milestones: [1, 2, 3, 999, 1000] }), 0, 1000), [1, 2, 3, 999, 1000]);
  assertEquals(jumps(make("multistep", { milestones: [1, 2, 3] }), 1, 3), [2, 3]);
  assertEquals(jumps(make("multistep", { milestones: [5, 6, 8], gamma: 1 })), []);
  assertEquals(jumps(make("step", { stepSize: 1, gamma: 0.5 }), 0, 9), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(jumps(make("piecewise_constant_decay", { boundaries: [7, 8], values: [1, 0.75, 0.5] })), [8, 9]);
  assertEquals(
    jumps(make("by_epoch", { schedule: { name: "multistep", options: { milestones: [1, 2] } }, stepsPerEpoch: 1 })),
    [1, 2],
  );
  assertEquals(jumps(make("warm", { schedule: { name: "multistep", options: { milestones: [1, 2] } }, numWarmupSteps: 10 })), [11, 12]);
  const behindLine = {
    schedules: [{ name: "linear_lr", options: { totalIters: 10 } }, { name: "constant_lr", options: { totalIters: 1 } }],
  };
  assertEquals(jumps(make("sequence", { ...behindLine, milestones: [10] })), [10, 11]);
  for (const name of ["linear", "cosine", "polynomial"]) {
    assertEquals(jumps(make(name, { numWarmupSteps: 100, numTrainingSteps: 1000 })), [], name);
  }
  // The turn of a wave is no jump, wherever a range ends beside it.
  const wave: Schedule = (step) => Math.cos((step + 0.45) / 9);
  for (let from = 0; from < 60; from++) {
    assertEquals(jumps(wave, from, from + 20), []);
    assertEquals(jumps((step) => wave(step) + (step >= 70 ? 1 : 0), from, from + 40), from >= 30 && from < 70 ? [70] : [], `from ${from}`);
  }
  assertEquals(jumps((step) => step % 7 === 0 ? 1 : 1 - 1e-16), []);
});

test("facts are those of a group, and of values as they are", () => {
  const base: Base = { value: 0.1, groups: [0.1, 0.2] };
  const annealing = make("cosine_annealing", { tMax: 1e9, etaMin: 0.05 }, base);
  base.groups.forEach((lr, group) => {
    const { mean, minimum, maximum } = factsOf(annealing, { from: 0, to: 1e9, base: lr }, group);
    assertAlmostEquals(mean, (lr + 0.05) / 2, 1e-9);
    assertAlmostEquals(minimum.value, 0.05, 1e-15);
    assertEquals(maximum, { value: lr, step: 0 });
  });
  const values = make("constant_inverse_sqrt", { numConstantSteps: 4 });
  assertEquals(facts(values, { from: 0, to: 4, base: 7 }).sum, 2.5);
});

test("facts ask each step of what says nothing of its stretches, and say so where those are too many", () => {
  let asked = 0;
  const plain: Schedule = (step) => (asked++, step % 10);
  assertEquals(facts(plain, { from: 0, to: 99 }).mean, 4.5);
  assert(asked > 99 && asked < 1000);
  asked = 0;
  assertThrows(() => facts(plain, { from: 0, to: 1e12 }), RangeError, "must be asked one by one");
  assert(asked < 10, `asked ${asked} times`);
  assertThrows(() => facts(make("inverse_sqrt", { numWarmupSteps: 10 }), { from: 0, to: 1e12 }), RangeError, "must be asked one by one");
  assertThrows(() => facts(make("step", { stepSize: 1 }), { from: 0, to: 1e12 }), RangeError);
});

test("facts sum what jumps very often, and tell the first jumps", () => {
  for (
    const schedule of [make("by_epoch", { schedule: (step: number) => step, stepsPerEpoch: 5 }), (step: number) => Math.floor(step / 5)]
  ) {
    const { sum, jumps, moreJumps } = facts(schedule, { from: 0, to: 999_999 });
    assertEquals([sum, jumps.length, jumps.slice(0, 3), moreJumps], [99_999_500_000, 10_000, [5, 10, 15], true]);
    const all = facts(schedule, { from: 0, to: 50_004 });
    assertEquals([all.jumps.length, all.jumps.at(-1), "moreJumps" in all], [10_000, 50_000, false]);
    assertEquals(facts(schedule, { from: 0, to: 50_005 }).moreJumps, true);
  }
});

test("what changes at every step is a curve, and its jumps are those of a curve", () => {
  const cuts = make("step", { stepSize: 1, gamma: 0.9999 });
  const { sum, jumps, minimum, share } = facts(cuts, { from: 0, to: 99_999, share: 0.5 });
  assertAlmostEquals(sum, (1 - 0.9999 ** 1e5) / 1e-4, 1e-8);
  assertEquals([jumps, minimum.step, share], [[], 99_999, facts((step) => 0.9999 ** step, { from: 0, to: 99_999, share: 0.5 }).share]);
  // Wherever pieces of it end, and behind stretches that stay.
  const among = (milestones: readonly number[]) => ({
    schedules: [{ name: "constant" }, { name: "step", options: { stepSize: 1, gamma: 0.9999 } }, { name: "constant" }].slice(
      0,
      milestones.length + 1,
    ),
    milestones,
  });
  assertEquals(facts(make("sequence", among([50])), { from: 0, to: 20_000 }).jumps, []);
  for (const end of [66, 67, 4145, 4146, 4147, 4160, 9000]) {
    const height = 0.9999 ** (end - 51);
    const jump = 1 - height > 8 * (height / 0.9999 - height) ? [end] : [];
    assertEquals(facts(make("sequence", among([50, end])), { from: 0, to: 20_000 }).jumps, jump, `until ${end}`);
  }
});

test("what a schedule says wrongly of its stretches is seen at their ends", () => {
  const wrong = Object.assign((step: number) => step < 100 ? 1 : 0.5, {
    stretches: () => [{ from: 0, law: "constant" as const }, { from: 101, law: "constant" as const }],
  });
  assertEquals(facts(wrong, { from: 0, to: 200 }).sum, 100 + 101 * 0.5);
  const short = Object.assign((step: number) => step < 4 ? 1 : 0.5, {
    stretches: () => [{ from: 0, law: "constant" as const }, { from: 5, law: "constant" as const }],
  });
  assertEquals(facts(short, { from: 0, to: 20 }).jumps, [4]);
});

test("facts come to an end where waves are far shorter than a step", () => {
  const short: readonly (readonly [name: string, options: object])[] = [
    ["cosine_with_restarts", { numWarmupSteps: 2, numTrainingSteps: 0.5, numCycles: 1e300 }],
    ["cosine_with_restarts", { numWarmupSteps: 0, numTrainingSteps: 1e15, numCycles: 1e300 }],
    ["cyclic", { baseLr: 0, maxLr: 1, stepSizeUp: 5e-324 }],
    ["cyclic", { baseLr: 0.1, maxLr: 1, stepSizeUp: 1e-9 }],
    ["sum", { schedules: [{ name: "cyclic", options: { baseLr: 0.1, maxLr: 1, stepSizeUp: 1e-300 } }, { name: "constant" }] }],
  ];
  for (const [name, options] of short) {
    const schedule = make(name, options);
    const range = { from: 3, to: 40 };
    const values = Array.from({ length: 38 }, (_, i) => schedule(3 + i));
    if (values.every(Number.isFinite)) assertAlmostEquals(facts(schedule, range).sum, values.reduce((a, b) => a + b), 1e-12);
    else assertThrows(() => facts(schedule, range), RangeError, "value is NaN");
  }
});

test("the waves before a range cost nothing", () => {
  const schedule = make("cosine_with_restarts", { numWarmupSteps: 5, numTrainingSteps: 1e12, numCycles: 1e6 });
  const [from, to] = [9e11, 9e11 + 5e9]; // more than are asked one by one
  const { sum, minimum } = facts(schedule, { from, to });
  assertAlmostEquals(sum / (to - from + 1), 0.5, 1e-5);
  assert(minimum.value < 1e-9);
});

test("facts refuse what cannot be summed", () => {
  const linear = make("linear", { numWarmupSteps: 1, numTrainingSteps: 10 });
  const plateau = builtins.createSchedule("reduce_lr_on_plateau");
  const refused: readonly (readonly [unknown, unknown, typeof TypeError | typeof RangeError, string])[] = [
    [plateau, { from: 0, to: 1 }, TypeError, "follows a metric"],
    ["linear", { from: 0, to: 1 }, TypeError, "must be a schedule"],
    [linear, { from: 0 }, TypeError, "to = undefined"],
    [linear, { from: 2, to: 1 }, RangeError, "in this order"],
    [linear, { from: 0.5, to: 1 }, RangeError, "whole numbers"],
    [linear, { from: -1, to: 1 }, RangeError, "whole numbers"],
    [linear, { from: 0, to: 1, base: NaN }, RangeError, "must be finite"],
    [linear, { from: 0, to: 1, below: "1" }, TypeError, "must be a number"],
    [linear, { from: 0, to: 1, share: 2 }, RangeError, "from 0 to 1"],
    [linear, { from: 0, to: 1, until: 2 }, TypeError, '"until"'],
    [() => NaN, { from: 0, to: 1 }, RangeError, "value is NaN at step 0"],
    [() => 1e10, { from: 0, to: 1, base: 1e300 }, RangeError, "value is Infinity at step 0"],
    [() => 1, { from: 0, to: 1, base: 1e308 }, RangeError, "the sum lies beyond"],
    [builtins.createSchedule("constant"), { from: 0, to: 100, weightDecay: 1e308 }, RangeError, "decay of 1e+308"],
    [() => "1", { from: 0, to: 1 }, TypeError, "not a number"],
    [() => -1, { from: 0, to: 1, share: 0.5 }, RangeError, "below 0"],
  ];
  for (const [schedule, range, Wrong, message] of refused) {
    assertThrows(() => facts(schedule as Schedule, range as FactsRange), Wrong, message);
  }
});

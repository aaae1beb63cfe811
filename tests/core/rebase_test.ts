import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { SchedulePlugin } from "../../core/plugin/contract.ts";
import type { Schedule, Use } from "../../core/types.ts";
import { builtins, facts, rebaseSchedule } from "../../mod.ts";
import { samples } from "../plugins/schedule_samples.ts";

const of = (name: string, options: object = {}): Use => ({ name, options });
const rebased = (use: Use, from: number, to: number) => rebaseSchedule(builtins, use, { from, to });
const make = ({ name, options }: Use) => builtins.createSchedule(name as "linear", options as never) as Schedule;
const linear = (numWarmupSteps: number, numTrainingSteps: number): Use => of("linear", { numWarmupSteps, numTrainingSteps });
const half = of("exponential", { gamma: 0.5 });

/** A description whose plugins are names, as JSON has it. */
function named(options: object): object {
  const inner = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inner);
    if (typeof value !== "object" || value === null || !("name" in value)) return value;
    const { name, options = {} } = value as { name: string | SchedulePlugin; options?: object };
    return { name: typeof name === "string" ? name : name.name, options: named(options) };
  };
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, inner(value)]));
}

/** What a schedule gives around a place between two steps: the least and the greatest of its values so near. */
function around(schedule: Schedule, at: number, near: number, last: number): readonly [number, number] {
  const places = Array.from({ length: 33 }, (_, i) => at + near * (i - 16) / 16);
  for (let step = Math.ceil(at - near); step <= at + near; step++) places.push(step);
  const values = places.filter((step) => step >= 0 && step <= last).map((step) => schedule(step));
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

/** What has another shape over another length. */
const bent: Readonly<Record<string, (options: Readonly<Record<string, unknown>>) => boolean>> = {
  warmup_decay: ({ warmupType }) => warmupType !== "linear",
};

/** Schedules whose curve is cut off at step 0 where it is moved by less than a step: a warmup that stays so many steps ahead, and what begins later. */
const isCut = ({ name, options }: Use): boolean =>
  name === "shift" || name === "cosine_warmup_with_min_lr" || "warmupOffset" in options! && options.warmupOffset !== 0;

for (const [plugin, list] of samples) {
  test(`${plugin.name} over another horizon is at each share where it was`, () => {
    let compared = 0;
    for (const options of list) {
      const use = of(plugin.name, named(options));
      for (const [from, to] of [[120, 1200], [120, 120_000], [120, 407], [120, 90], [360, 101]]) {
        const { schedule, notes } = rebased(use, from, to);
        if (bent[plugin.name]?.(use.options as Record<string, unknown>)) {
          assertEquals(notes.map(({ path }) => path), ["/options/warmupType"]);
          continue;
        }
        const [one, other] = [make(use), make(schedule)];
        // Steps of the old: one of the coarser horizon for where the ends lie between steps, and one for what is rounded.
        const near = (Math.max(1, from / to) + 1.01 * from / to) *
          (notes.some(({ message }) => message.includes("drift")) ? 4 : use.name === "one_cycle" ? 2 : 1);
        const end = use.name === "one_cycle" ? from * 10 : Infinity;
        let range = 0;
        for (let step = 0; step <= from; step++) range = Math.max(range, Math.abs(one(step)));
        for (let step = 0; step < to; step += Math.max(1, Math.floor(to / 331))) {
          if (isCut(use) && step * from / to < near) continue;
          const [least, most] = around(one, step * from / to, near, end);
          const given = other(step);
          assert(
            given >= least - 1e-2 * range && given <= most + 1e-2 * range,
            `${JSON.stringify(use)} from ${from} to ${to}, ${
              JSON.stringify(schedule.options)
            }: ${given} at ${step}, not ${least} to ${most}`,
          );
          compared++;
        }
      }
    }
    assert(compared > 900, `${compared} compared`);
  });
}

test("a rebased description has what was given, and what had to change", () => {
  const cases: readonly (readonly [use: Use, from: number, to: number, options: object])[] = [
    [linear(100, 1000), 1000, 25_000, { numWarmupSteps: 2500, numTrainingSteps: 25_000 }],
    [of("linear_lr"), 100, 1000, { totalIters: 50 }],
    [of("constant"), 100, 1000, {}],
    [of("linear_lr", { endFactor: 1, startFactor: 0.5 }), 100, 100, { endFactor: 1, startFactor: 0.5 }],
    [of("linear_lr", { totalIters: 2.5 }), 100, 300, { totalIters: 7.5 }],
    // What must be above 0 is, and a warmup may be none.
    [linear(3, 1000), 1000, 10, { numWarmupSteps: 0, numTrainingSteps: 10 }],
    [of("linear_lr"), 1000, 10, { totalIters: 1 }],
    [half, 10, 20, { gamma: Math.SQRT1_2 }],
    [of("multistep", { milestones: [30, 60, 80] }), 90, 1000, { milestones: [333, 667, 889] }],
    [of("piecewise_constant_decay", { boundaries: [9, 19], values: [3, 2, 1] }), 30, 300, { boundaries: [99, 199], values: [3, 2, 1] }],
    [
      of("piecewise_interpolate", { interpolateType: "linear", initValue: 1, boundariesAndScales: { 10: 0.5, 11: 0.5, 90: 0.1 } }),
      100,
      10,
      { interpolateType: "linear", initValue: 1, boundariesAndScales: { 1: 0.25, 9: 0.1 } },
    ],
    [of("constant_inverse_sqrt", { numConstantSteps: 100 }), 1000, 4000, { numConstantSteps: 400, factor: 2 }],
    [of("inverse_sqrt", { numWarmupSteps: 0 }), 100_000, 10_000, { numWarmupSteps: 0, timescale: 1000 }],
    [of("inverse_sqrt", { numWarmupSteps: 10 }), 100, 1000, { numWarmupSteps: 100 }],
    [of("cyclic", { baseLr: 0, maxLr: 1, stepSizeUp: 10, stepSizeDown: 21 }), 31, 310, {
      baseLr: 0,
      maxLr: 1,
      stepSizeUp: 100,
      stepSizeDown: 210,
    }],
    [of("cyclic", { baseLr: 0, maxLr: 1 }), 4000, 400, { baseLr: 0, maxLr: 1, stepSizeUp: 200 }],
    [of("one_cycle", { maxLr: 1, epochs: 3, stepsPerEpoch: 7 }), 21, 50, { maxLr: 1, epochs: null, stepsPerEpoch: null, totalSteps: 50 }],
  ];
  for (const [use, from, to, options] of cases) {
    const { schedule } = rebased(use, from, to);
    assertEquals(JSON.stringify(schedule), JSON.stringify({ name: use.name, options }), `${JSON.stringify(use)} from ${from} to ${to}`);
  }
});

test("lengths that add up to the old horizon add up to the new one", () => {
  for (let to = 2; to < 400; to += 7) {
    const options = (use: Use, from: number) => rebased(use, from, to).schedule.options as Readonly<Record<string, number>>;
    const stable = options(of("warmup_stable_decay", { numWarmupSteps: 13, numStableSteps: 70, numDecaySteps: 17 }), 100);
    assertEquals(stable.numWarmupSteps + stable.numStableSteps + stable.numDecaySteps, to);
    const within = options(of("warmup_stable_decay", { numWarmupSteps: 13, numTrainingSteps: 100, numDecaySteps: 17 }), 100);
    assertEquals([within.numTrainingSteps, within.numDecaySteps], [to, to - Math.round(0.83 * to)]);
    const decay = { initialLearningRate: 0, decaySteps: 87, warmupTarget: 1, warmupSteps: 13 };
    const keras = options(of("cosine_decay", decay), 100);
    assertEquals(keras.warmupSteps + keras.decaySteps, to);
    const timm = options(of("cosine_timm", { tInitial: 87, warmupT: 13, warmupPrefix: true }), 100);
    assertEquals(timm.tInitial + timm.warmupT, to);
    assertEquals(options(of("cosine_timm", { tInitial: 100, warmupT: 13 }), 100).tInitial, to);
    // In schedules within schedules, counted from the beginning of the whole.
    const inner = of("sequence", { schedules: [linear(3, 20), linear(5, 60)], milestones: [20] });
    const whole = of("warm", { numWarmupSteps: 7, schedule: of("delay", { steps: 13, schedule: inner }) });
    const warm = rebased(whole, 100, to).schedule.options as {
      numWarmupSteps: number;
      schedule: { options: { steps: number; schedule: Use } };
    };
    const { schedules, milestones } = warm.schedule.options.schedule.options as { schedules: Use[]; milestones: number[] };
    const last = schedules[1].options as { numTrainingSteps: number };
    assertEquals(warm.numWarmupSteps + warm.schedule.options.steps + milestones[0] + last.numTrainingSteps, to, `over ${to}`);
    const shifted = rebased(of("shift", { steps: 33, schedule: linear(0, 133) }), 100, to).schedule.options as {
      steps: number;
      schedule: Use;
    };
    assertEquals((shifted.schedule.options as { numTrainingSteps: number }).numTrainingSteps - shifted.steps, to);
    const keraWarm = of("warmup", {
      initialLearningRate: 1,
      warmupSteps: 13,
      decaySchedule: of("polynomial_decay", { initialLearningRate: 1, decaySteps: 87 }),
    });
    const { warmupSteps, decaySchedule } = rebased(keraWarm, 100, to).schedule.options as { warmupSteps: number; decaySchedule: Use };
    assertEquals(warmupSteps + (decaySchedule.options as { decaySteps: number }).decaySteps, to);
  }
});

test("a length that repeats is whole where that is less than a step, and else says that it is not", () => {
  const stepOf = (stepSize: number, from: number, to: number) => {
    const { schedule, notes } = rebased(of("step", { stepSize }), from, to);
    return [schedule.options.stepSize, notes.map(({ path }) => path)];
  };
  assertEquals(stepOf(30, 90, 100), [100 / 3, ["/options/stepSize"]]);
  assertEquals(stepOf(30, 100, 110), [33, []]);
  assertEquals(stepOf(30, 80, 90), [34, []]);
  assertEquals(stepOf(30, 90, 900), [300, []]);
  assertEquals(stepOf(30, 900, 1001), [30 * 1001 / 900, ["/options/stepSize"]]);
  assertEquals(stepOf(1, 100, 150), [1.5, ["/options/stepSize"]]);
  assertEquals(stepOf(0.5, 100, 150), [0.75, []]);
  // torch takes whole numbers alone.
  const restarts = rebased(of("cosine_annealing_warm_restarts", { t0: 17 }), 120, 407);
  assertEquals([restarts.schedule.options.t0, restarts.notes.map(({ path }) => path)], [58, ["/options/t0"]]);
  // Cuts stay inside the horizon that they were in.
  const cuts = make(rebased(of("step", { stepSize: 7 }), 700, 1001).schedule);
  assertEquals(facts(cuts, { from: 0, to: 1000 }).jumps.length, 99);
});

test("what counts something else than updates stays, and is named with its place", () => {
  const plateau = of("reduce_lr_on_plateau", { patience: 3 });
  const cases: readonly (readonly [use: Use, options: object, paths: readonly string[]])[] = [
    [plateau, { patience: 3 }, ["/name"]],
    [
      of("warm", { schedule: plateau, numWarmupSteps: 10 }),
      { schedule: plateau, numWarmupSteps: 100 },
      ["/options/schedule"],
    ],
    [of("sequence", { schedules: [half, of("greedy")], milestones: [10] }), {
      schedules: [of("exponential", { gamma: Math.pow(0.5, 0.1) }), of("greedy")],
      milestones: [100],
    }, ["/options/schedules/1"]],
    [of("by_epoch", { schedule: of("step", { stepSize: 30 }), stepsPerEpoch: 5 }), {
      schedule: of("step", { stepSize: 30 }),
      stepsPerEpoch: 50,
    }, ["/options/schedule"]],
    [of("linear", { numWarmupSteps: 5, numTrainingSteps: 50, warmupOffset: 1 }), {
      numWarmupSteps: 50,
      numTrainingSteps: 500,
      warmupOffset: 1,
    }, ["/options/warmupOffset"]],
    [of("scale", { factor: 2, schedule: of("warmup_decay", { totalNumSteps: 50, warmupNumSteps: 5 }) }), {
      factor: 2,
      schedule: of("warmup_decay", { totalNumSteps: 500, warmupNumSteps: 50 }),
    }, ["/options/schedule/options/warmupType"]],
  ];
  for (const [use, options, paths] of cases) {
    const { schedule, notes } = rebased(use, 10, 100);
    assertEquals([schedule.options, notes.map(({ path }) => path)], [options, paths]);
  }
});

test("over its own horizon a schedule is as it was, and there is nothing to note", () => {
  for (const [plugin, list] of samples) {
    for (const options of list) {
      const use = of(plugin.name, named(options));
      assertEquals(rebased(use, 120, 120), { schedule: use, notes: [] } as never);
    }
  }
  assertEquals(rebased({ name: "constant" }, 7, 7).schedule, { name: "constant", options: {} });
});

test("schedules of strangers are rebased by the units of their options", () => {
  const stranger: SchedulePlugin<
    "halving",
    { halfLife: number; places?: readonly number[]; least?: number; within?: Use | null },
    Schedule
  > = {
    kind: "schedule",
    name: "halving",
    description: "Halves in every halfLife steps",
    options: {
      halfLife: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps in which it halves" },
      places: { default: [10, 20], unit: "steps", description: "Steps" },
      least: { default: 0, description: "Least factor" },
      within: {
        default: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 10 } },
        holds: "schedule",
        description: "Another",
      },
    },
    check({ places }) {
      if (new Set(places).size < places.length) throw new RangeError("Cannot use two places that are one");
    },
    create: ({ halfLife }, { pow }) => (step) => pow(0.5, step / halfLife),
  };
  const { schedule } = rebaseSchedule(builtins.with(stranger), of("halving", { halfLife: 7, least: 0.5 }), { from: 10, to: 100 });
  assertEquals(schedule.options, { halfLife: 70, least: 0.5, places: [100, 200], within: linear(0, 100) });
  const slip = { ...stranger, rebase: () => ({ halflife: 7 }) } as unknown as typeof stranger;
  assertThrows(
    () => rebaseSchedule(builtins.with(slip), of("halving", { halfLife: 7 }), { from: 10, to: 100 }),
    TypeError,
    '"halflife", which is no option',
  );
  const near = of("halving", { halfLife: 7, places: [10, 11] });
  assertThrows(() => rebaseSchedule(builtins.with(stranger), near, { from: 100, to: 10 }), RangeError, "that are one");
});

test("what cannot be rebased is refused", () => {
  const refused: readonly (readonly [use: unknown, horizons: unknown, Wrong: typeof TypeError | typeof RangeError, words: string])[] = [
    [linear(1, 10), { from: 0, to: 10 }, RangeError, "from = 0"],
    [linear(1, 10), { from: 10, to: 2.5 }, RangeError, "to = 2.5"],
    [linear(1, 10), { from: 10, to: Infinity }, RangeError, "to = Infinity"],
    [linear(1, 10), { from: 10 }, TypeError, "to = undefined"],
    [linear(1, 10), { from: 10, to: 20, by: 2 }, TypeError, '"by"'],
    [of("linears"), { from: 10, to: 20 }, TypeError, '"linears"'],
    [of("linear"), { from: 10, to: 20 }, TypeError, "must be given"],
    [of("warmup_decay", { totalNumSteps: 9, warmupMaxLr: [{}] }), { from: 1, to: 1 }, TypeError, "warmupMaxLr[0]"],
    [of("scale", { schedule: () => 1, factor: 2 }), { from: 10, to: 20 }, TypeError, "in JSON"],
    [of("by_epoch", { schedule: () => 1, stepsPerEpoch: 2 }), { from: 10, to: 20 }, TypeError, "in JSON"],
  ];
  for (const [use, horizons, Wrong, words] of refused) {
    assertThrows(() => rebaseSchedule(builtins, use as Use, horizons as never), Wrong, words);
  }
});

import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Base, Schedule, Use } from "../../core/types.ts";
import { builtins, normalizeSchedule } from "../../mod.ts";

const normal = (use: Use) => normalizeSchedule(builtins, use);
const text = (use: Use): string => JSON.stringify(normal(use));
const half: Use = { name: "exponential", options: { gamma: 0.5 } };
const line: Use = { name: "linear", options: { numTrainingSteps: 100, numWarmupSteps: 7 } };
const wave: Use = { name: "cosine", options: { numWarmupSteps: 3, numTrainingSteps: 90 } };
const triangle: Use = { name: "cyclic", options: { baseLr: 0.1, maxLr: 0.3, stepSizeUp: 9 } };
const of = (name: string, options: object): Use => ({ name, options });

test("a normal form has all options, in the order of their names", () => {
  assertEquals(text(line), '{"name":"linear","options":{"numTrainingSteps":100,"numWarmupSteps":7,"warmupOffset":0}}');
  assertEquals(text(line), text({ name: "linear", options: { warmupOffset: 0, numWarmupSteps: 7, numTrainingSteps: 100 } }));
  assertEquals(text({ name: "constant" }), '{"name":"constant","options":{}}');
  const table = (boundariesAndScales: object) =>
    of("piecewise_interpolate", { interpolateType: "linear", initValue: -0, boundariesAndScales });
  assertEquals(text(table({ 20: 2, 10: 1 })), text(table({ 10: 1, 20: 2 })));
});

test("what is the same schedule has the same normal form", () => {
  const same: readonly (readonly [Use, Use])[] = [
    [of("scale", { schedule: line, factor: 1 }), line],
    [of("shift", { schedule: line, steps: 0 }), line],
    [of("delay", { schedule: line, steps: 0 }), line],
    [of("warm", { schedule: line, numWarmupSteps: 0, startFactor: 0.3 }), line],
    [of("clamp", { schedule: line }), line],
    [of("product", { schedules: [line] }), line],
    [of("product", { schedules: [{ name: "constant" }, line] }), line],
    [of("product", { schedules: [{ name: "constant" }, { name: "constant" }] }), { name: "constant" }],
    [of("sequence", { schedules: [line], milestones: [] }), line],
    [of("shift", { schedule: of("shift", { schedule: line, steps: 2 }), steps: 3 }), of("shift", { schedule: line, steps: 5 })],
    [of("delay", { schedule: of("delay", { schedule: line, steps: 2 }), steps: 3 }), of("delay", { schedule: line, steps: 5 })],
    [of("shift", { schedule: of("delay", { schedule: line, steps: 2 }), steps: 5 }), of("shift", { schedule: line, steps: 3 })],
    [of("shift", { schedule: of("delay", { schedule: line, steps: 5 }), steps: 2 }), of("delay", { schedule: line, steps: 3 })],
    [of("shift", { schedule: of("delay", { schedule: line, steps: 5 }), steps: 5 }), line],
    [of("repeat", { schedule: of("repeat", { schedule: line, every: 9 }), every: 4 }), of("repeat", { schedule: line, every: 4 })],
    [of("repeat", { schedule: of("repeat", { schedule: line, every: 4 }), every: 12 }), of("repeat", { schedule: line, every: 4 })],
    [
      of("clamp", { schedule: of("clamp", { schedule: line, min: 0.1 }), min: 0.05, max: 0.5 }),
      of("clamp", { schedule: line, min: 0.1, max: 0.5 }),
    ],
    [of("product", { schedules: [line, wave] }), of("product", { schedules: [wave, line] })],
    [of("sum", { schedules: [line, triangle] }), of("sum", { schedules: [triangle, line] })],
    [of("product", { schedules: [of("product", { schedules: [line, wave] }), half] }), of("product", { schedules: [wave, line, half] })],
    [of("product", { schedules: [half, of("product", { schedules: [line, wave] })] }), of("product", { schedules: [wave, line, half] })],
    [of("sum", { schedules: [half, of("sum", { schedules: [line, wave] })] }), of("sum", { schedules: [wave, line, half] })],
    [
      of("sequence", { schedules: [line, of("sequence", { schedules: [wave, half], milestones: [7] }), half], milestones: [10, 30] }),
      of("sequence", { schedules: [line, wave, half, half], milestones: [10, 17, 30] }),
    ],
  ];
  for (const [one, other] of same) assertEquals(text(one), text(other));
});

test("what rounds otherwise stays as it is", () => {
  const apart: readonly (readonly [Use, Use])[] = [
    [of("product", { schedules: [line, wave, half] }), of("product", { schedules: [line, half, wave] })],
    [
      of("product", { schedules: [line, wave, of("product", { schedules: [half, half] })] }),
      of("product", { schedules: [line, wave, half, half] }),
    ],
    [of("scale", { schedule: of("scale", { schedule: line, factor: 3 }), factor: 5 }), of("scale", { schedule: line, factor: 15 })],
    // Factors beside values are each times the base value.
    [of("sum", { schedules: [of("sum", { schedules: [line, wave] }), triangle] }), of("sum", { schedules: [line, wave, triangle] })],
    [of("shift", { schedule: of("shift", { schedule: line, steps: 0.1 }), steps: 0.2 }), of("shift", { schedule: line, steps: 0.1 + 0.2 })],
    [of("clamp", { schedule: of("clamp", { schedule: line, max: 0.1 }), min: 0.5 }), of("clamp", { schedule: line, min: 0.5 })],
  ];
  for (const [one, other] of apart) assert(text(one) !== text(other), text(one));
});

test("a normal form gives the same values to the bit, and is its own normal form", () => {
  let state = 7;
  const random = (): number => (state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0, (state >>> 0) / 2 ** 32);
  const whole = (most: number) => Math.floor(random() * (most + 1));
  const leaves = [half, line, wave, triangle, { name: "constant" }, of("swalr", { swaLr: 0.01 }), of("constant_lr", { totalIters: 8 })];
  const grow = (depth: number): Use => {
    if (depth === 0) return leaves[whole(leaves.length - 1)];
    const schedule = (): Use => grow(whole(depth - 1));
    const kinds: (() => Use)[] = [
      () => of("scale", { schedule: schedule(), factor: whole(2) || random() }),
      () => of("shift", { schedule: schedule(), steps: whole(9) }),
      () => of("delay", { schedule: schedule(), steps: whole(9) }),
      () => of("repeat", { schedule: schedule(), every: 1 + whole(20) }),
      () => of("warm", { schedule: schedule(), numWarmupSteps: whole(4) }),
      () => of("clamp", { schedule: schedule(), min: [null, 0.05, 0.2][whole(2)], max: [null, 0.4, 0.1][whole(1)] }),
      () => of("sequence", { schedules: [schedule(), schedule(), schedule()], milestones: [whole(20), 20 + whole(20)] }),
      () => of("sum", { schedules: [schedule(), schedule(), schedule(), schedule()].slice(whole(3)) }),
      () => of("product", { schedules: [schedule(), schedule(), schedule(), schedule()].slice(whole(3)) }),
    ];
    return kinds[whole(kinds.length - 1)]();
  };
  const base: Base = { value: 0.3, groups: [0.3, 0.07] };
  const make = ({ name, options }: Use) => builtins.createSchedule(name as "linear", options as never, base) as Schedule;
  let simplified = 0;
  for (let run = 0; run < 1500; run++) {
    const use = grow(4);
    let given: Schedule;
    try {
      given = make(use);
    } catch (error) {
      // A product of two that give values.
      assert(error instanceof RangeError);
      continue;
    }
    const found = normal(use);
    if (JSON.stringify(found).length < JSON.stringify(use).length) simplified++;
    assertEquals(JSON.stringify(normal(found)), JSON.stringify(found));
    const made = make(found);
    assertEquals(made.returns ?? "factor", given.returns ?? "factor", JSON.stringify(use));
    for (let step = 0; step < 90; step++) {
      for (const group of [0, 1]) {
        if (!Object.is(made(step, group), given(step, group))) {
          throw new Error(`${JSON.stringify(use)} at ${step}: ${made(step, group)}, not ${given(step, group)}`);
        }
      }
    }
  }
  assert(simplified > 100, `${simplified} were simplified`);
});

test("schedules that follow a metric keep the form of their state", () => {
  const plateau: Use = { name: "reduce_lr_on_plateau" };
  const nested = of("sequence", { schedules: [line, of("sequence", { schedules: [plateau, line], milestones: [5] })], milestones: [3] });
  assertEquals((normal(nested).options.schedules as unknown[]).length, 2);
  assertEquals(
    normal(of("product", { schedules: [plateau, of("product", { schedules: [line, plateau] })] })).options.schedules instanceof Array,
    true,
  );
});

test("what is no description is refused", () => {
  assertThrows(() => normal({ name: "linears" }), TypeError, '"linears"');
  assertThrows(() => normal({ name: "linear" }), TypeError, "must be given");
  assertThrows(() => normal(of("scale", { schedule: (step: number) => step, factor: 2 })), TypeError, "in JSON");
  assertThrows(() => normal("linear" as never), TypeError, "in JSON");
  assertThrows(() => normal(of("linear", { numWarmupSteps: 1, numTrainingSteps: 2, steps: 3 })), TypeError, '"steps"');
});

import { test } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import type { Schedule } from "../../core/types.ts";
import { builtins } from "../../mod.ts";

/** A record of `tests/reference/schedules_record.py`: each group's lr at steps 0, 1, 2, ..., or at those that it lists. */
interface Case {
  readonly of: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly base: readonly number[];
  readonly steps?: readonly number[];
  readonly lrs: readonly (readonly number[])[];
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL("../reference/schedules_record.json", import.meta.url), "utf8"));

/** What the original is here: the schedule, its options where they are not the keyword in camelCase, and how near it must come, as a share. */
interface Ours {
  readonly name: string;
  readonly within: number;
  readonly option?: Readonly<Record<string, string>>;
  readonly also?: (kwargs: Case["kwargs"]) => object;
}

const DOUBLE = 4 * 2 ** -52;
const ours: Readonly<Record<string, Ours>> = {
  "torch.optim.swa_utils.SWALR": {
    name: "swalr",
    within: DOUBLE,
    option: { anneal_epochs: "annealEpochs", anneal_strategy: "annealStrategy" },
  },
  "pytorch_optimizer.REXScheduler": {
    name: "scale",
    within: DOUBLE,
    also: ({ total_steps, max_lr = 1, min_lr = 0 }) => ({
      schedule: { name: "rex", options: { totalSteps: total_steps, minLrRate: min_lr as number / (max_lr as number) } },
      factor: max_lr,
    }),
  },
  "deepspeed.WarmupDecayLR": { name: "warmup_decay", within: DOUBLE },
  "timm.CosineLRScheduler": { name: "cosine_timm", within: DOUBLE },
  // In float32, whose root and quotient each round.
  "mesh_tensorflow.truncated_rsqrt": { name: "constant_inverse_sqrt", within: 2 ** -23, option: { warmup_steps: "numConstantSteps" } },
  "optax.piecewise_interpolate_schedule": { name: "piecewise_interpolate", within: DOUBLE },
  // optax in float64, ours in float32 as Keras: pow makes most of the distance.
  "optax.cosine_decay_schedule": { name: "cosine_decay", within: 2 ** -21, option: { init_value: "initialLearningRate" } },
};

const camelCase = (word: string): string => word.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

cases.forEach(({ of, kwargs, base, steps, lrs }, i) => {
  test(`${of} ${JSON.stringify(kwargs)} matches its original`, () => {
    const { name, within, option = {}, also } = ours[of];
    const options = also?.(kwargs) ??
      Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [option[key] ?? camelCase(key), value]));
    const schedule = builtins.createSchedule(name as "rex", options as never, { value: base[0], groups: base }) as Schedule;
    lrs.forEach((wanted, group) => {
      const scale = Math.max(schedule.returns === "value" ? 0 : base[group], ...wanted);
      wanted.forEach((lr, at) => {
        const step = steps?.[at] ?? at;
        const given = schedule(step, group);
        const value = schedule.returns === "value" ? given : base[group] * given;
        assert(Math.abs(value - lr) <= within * scale, `case ${i}, group ${group}, step ${step}: ${value}, not ${lr}`);
      });
    });
  });
});

test("all seven schedules are recorded", () => {
  assertEquals([...new Set(cases.map(({ of }) => of))].sort(), Object.keys(ours).sort());
});

import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { builtins, fromTrainingArguments, type Recipe, type Tensors, torchCode, trainingArgumentsCode } from "../../mod.ts";
import { read } from "../generated.ts";
import { codeCases, codeOf } from "../reference/foreign_code.ts";

interface Group {
  readonly names: readonly string[];
  readonly weight_decay?: number;
  readonly nesterov?: boolean;
  readonly betas?: readonly number[];
}
interface Run {
  readonly kind: string;
  readonly name: string;
  readonly code: string;
  /** By update, by group. */
  readonly lr: readonly (readonly number[])[];
  readonly momentum?: readonly (readonly (number | null)[])[];
  readonly groups?: readonly Group[];
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What the code did, run in Python with the real packages: tests/reference/foreign_code.py. */
const runs: readonly Run[] = JSON.parse(read("tests/reference/foreign_code.json"));

const tensor = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1), shape });
const model = (): Tensors => ({ "0.weight": tensor(8, 8), "0.bias": tensor(8), "1.weight": tensor(8, 8), "1.bias": tensor(8) });

test("every recipe's code was run, and is the code that was", () => {
  assertEquals(
    runs.map(({ kind, name, code }) => ({ kind, name, code })),
    codeCases.map((one) => ({ kind: one.kind, name: one.name, code: codeOf(one) })),
    "deno run -A tests/reference/foreign_code.ts | python tests/reference/foreign_code.py runs it anew",
  );
});

for (const { kind, name, recipe, updates } of codeCases) {
  const run = runs.find((run) => run.kind === kind && run.name === name)!;

  test(`the code for ${kind} of ${name} trains as the recipe does`, () => {
    const params = model();
    using trainer = builtins.createTrainer(params, { ...recipe, accumulate: undefined }, { backend: "js" });
    const { optimizer } = trainer;
    if (run.groups !== undefined) {
      const filled = run.groups.filter(({ names }) => names.length > 0);
      assertEquals(optimizer.groups.map(({ names }) => [...names].sort()), filled.map(({ names }) => [...names].sort()));
      optimizer.groups.forEach(({ current }, i) => {
        const { weightDecay, nesterov } = current as { weightDecay?: number; nesterov?: boolean };
        assertEquals([weightDecay, nesterov], [filled[i].weight_decay, filled[i].nesterov]);
      });
    }
    // A group of torch's that is empty has no counterpart here.
    const kept = run.groups?.flatMap(({ names }, i) => names.length > 0 ? [i] : []) ?? [0];
    for (let update = 0; update < updates; update++) {
      (run.groups === undefined ? optimizer.groups.slice(-1) : optimizer.groups).forEach(({ current }, i) => {
        const { lr, momentum, betas } = current as { lr: number; momentum?: number; betas?: readonly number[] };
        const wanted = run.lr[update][kept[i]];
        assert(Math.abs(lr - wanted) <= 1e-12 * (wanted + 1e-3), `update ${update}, group ${i}: ${lr}, and ${wanted} there`);
        const there = run.momentum?.[update][kept[i]];
        if (typeof there === "number") assert(Math.abs((momentum ?? betas![0]) - there) <= 1e-12, `update ${update}: momentum ${there}`);
      });
      trainer.add(model());
    }
  });

  if (run.args !== undefined) {
    test(`the TrainingArguments of ${name} are read back as the recipe`, () => {
      const again = fromTrainingArguments(run.args!);
      const { lr, weightDecay = 0 } = recipe.optimizer.options as { lr: number; weightDecay?: number };
      assertEquals(again.optimizer.name, recipe.optimizer.name);
      const { lr: same, weightDecay: decay } = again.optimizer.options as { lr: number; weightDecay: number };
      assertEquals([same, decay], [lr, weightDecay]);
      assertEquals(again.schedules, recipe.schedules);
      assertEquals(again.groups, recipe.groups);
      assertEquals(again.transforms, recipe.transforms);
      assertEquals(again.accumulate, recipe.accumulate);
    });
  }
}

test("texts that come from anybody stay texts in Python", () => {
  const evil = `"); import os; os.system("x") #\u2028\n`;
  const code = torchCode({
    optimizer: { name: "sgd" },
    groups: [{ match: [evil], options: { lr: 1 } }, { match: evil, options: { lr: 2 } }],
  });
  const [, list, pattern] = /name in \[("(?:[^"\\]|\\.)*")\][^]*re\.search\(("(?:[^"\\]|\\.)*"), name\)/.exec(code)!;
  assertEquals([JSON.parse(list), JSON.parse(pattern)], [evil, evil]);
  assert(!/[\u007f-\uffff]/.test(code));
  const named = { [evil]: 1 };
  const recipes: readonly Recipe[] = [
    { optimizer: { name: "sgd", options: named } },
    { optimizer: { name: "sgd" }, groups: [{ match: ["w"], options: named }] },
    { optimizer: { name: "sgd" }, schedules: { lr: { name: "product", options: { schedules: [{ name: "step", options: named }] } } } },
    { optimizer: { name: "sgd" }, schedules: { lr: { name: "linear", options: named } } },
    { optimizer: { name: "sgd" }, schedules: { lr: { name: "by_epoch", options: { schedule: { name: "step" }, stepsPerEpoch: evil } } } },
  ];
  for (const recipe of recipes) assertThrows(() => torchCode(recipe), TypeError, undefined, JSON.stringify(recipe).slice(0, 90));
  for (const recipe of recipes.slice(0, 4)) assertThrows(() => trainingArgumentsCode(recipe, { updates: 1 }), TypeError, "is no name");
});

test("trainingArgumentsCode() writes no option that Trainer would pass over", () => {
  const code = (name: string, options: object) => trainingArgumentsCode({ optimizer: { name, options } }, { updates: 1 });
  assert(code("sgd", { momentum: 0.9, nesterov: true }).includes('optim_args="momentum=0.9, nesterov=True"'));
  assertThrows(() => code("sgd", { momentum: 0.9, maximize: true }), TypeError, "options maximize of sgd: Trainer does not hand them on");
  assertThrows(
    () => code("adafactor", { lr: 1e-3, scaleParameter: false, relativeStep: false, decayRate: -0.5 }),
    TypeError,
    "options decayRate",
  );
});

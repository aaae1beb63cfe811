import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { loadOptimizerStateDict, readTrainerCheckpoint, schedulerStateDict, writeTorch } from "../../../plugins/formats/pytorch.ts";
import { readTensors, shardSafetensors, writeSafetensors } from "../../../plugins/formats/safetensors.ts";
import { builtins } from "../../../mod.ts";
import { differences } from "../../reference/pytorch_runs.ts";
import { root } from "../../generated.ts";

const folder = join(root, "tests/reference/pytorch/trainer");
const { names, lrs, after }: {
  readonly names: readonly string[];
  readonly lrs: readonly (readonly number[])[];
  readonly after: Readonly<Record<string, readonly number[]>>;
} = JSON.parse(readFileSync(join(folder, "trainer.json"), "utf8"));
const path = join(folder, "checkpoint-3");
const bytesOf = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(path, name)));
/** The folder's files, but for those that are named here. */
const files = (others: Readonly<Record<string, Uint8Array | null>>) => (name: string): Uint8Array | null => {
  if (Object.hasOwn(others, name)) return others[name];
  try {
    return bytesOf(name);
  } catch {
    return null;
  }
};

test("a Trainer's run goes on here and matches the run that never moved", async () => {
  const { params, groups, optimizer: saved, others, trainerState, ...rest } = await readTrainerCheckpoint(path, { names });
  assertEquals(groups.map(({ length }) => length), [11, 14]);
  assertEquals(groups[0].concat(groups[1]), rest.names);
  assertEquals(groups[1].filter((name) => !/bias|LayerNorm/.test(name)), []);
  assertEquals([others, trainerState.global_step], [{}, 3]);
  const optimizer = builtins.createOptimizer("adamw_torch", params, { lr: 0.01, weightDecay: 0.1 }, {
    backend: "js",
    groups: [{ match: groups[0] }, { match: groups[1], options: { weightDecay: 0 } }],
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 5, numTrainingSteps: 10 } } },
  });
  const { notes, ignored, missing } = loadOptimizerStateDict(optimizer, saved, rest);
  assertEquals([notes, ignored, missing, optimizer.steps], [[], [], [], 3]);
  for (let t = 4; t <= 6; t++) {
    optimizer.groups.forEach(({ current }, i) => assertEquals(Math.abs(current.lr - lrs[t - 4][i]) < 1e-15, true));
    optimizer.step(Object.fromEntries(names.map((name, i) => {
      const { data, shape } = params[name];
      return [name, { data: Float32Array.from(data, (_, at) => ((at * 7 + 3 * i + t) % 11 - 5) / 64), shape }];
    })));
  }
  assertEquals(differences(params as Record<string, { data: ArrayLike<number> }>, after, 2e-6), []);
  optimizer.dispose();
});

test("another schedule than the Trainer's, or another option, is told in words or taken over", async () => {
  const { params, groups, optimizer: saved, others: _, trainerState: __, ...rest } = await readTrainerCheckpoint(files({}), { names });
  using optimizer = builtins.createOptimizer("adamw_torch", params, { lr: 5e-5, weightDecay: 0.3 }, {
    backend: "js",
    groups: [{ match: groups[0] }, { match: groups[1], options: { weightDecay: 0 } }],
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 5, numTrainingSteps: 1000 } } },
  });
  const { notes } = loadOptimizerStateDict(optimizer, saved, rest);
  assertEquals(notes, []); // within the warmup both are alike
  assertEquals(optimizer.groups.map(({ options }) => [options.lr, options.weightDecay]), [[0.01, 0.1], [0.01, 0]]);
  using other = builtins.createOptimizer("adamw_torch", params, { lr: 0.01, weightDecay: 0.1 }, {
    backend: "js",
    groups: [{ match: groups[0] }, { match: groups[1], options: { weightDecay: 0 } }],
    schedules: { lr: { name: "constant" } },
  });
  const told = loadOptimizerStateDict(other, saved, rest).notes;
  assertEquals(told[0], "the learning rate of group 0 was 0.006 there and is 0.01 here");
  assertEquals(told.length, 2);
});

test("a model in several files, and one without a scheduler, are read", async () => {
  const model = readTensors(bytesOf("model.safetensors"));
  const { files: shards, index } = shardSafetensors(model, { shardBytes: 400 });
  const written = Object.entries(shards).map(([name, file]) => [name, writeSafetensors(file)] as const);
  const others = {
    "model.safetensors": null,
    "scheduler.pt": null,
    [index!.name]: new TextEncoder().encode(index!.text),
    ...Object.fromEntries(written),
  };
  const whole = await readTrainerCheckpoint(files({}), { names });
  const cut = await readTrainerCheckpoint(files(others), { names });
  assertEquals(cut.params, whole.params);
  assertEquals([cut.scheduler, whole.scheduler?.last_epoch], [null, 3]);
});

test("a loss that ran away does not hide the rest of the Trainer's state", async () => {
  const text = '{"global_step": 3, "log_history": [{"loss": NaN}, {"loss": -Infinity}], "best": "a: NaN, b"}';
  const { trainerState } = await readTrainerCheckpoint(files({ "trainer_state.json": new TextEncoder().encode(text) }), { names });
  assertEquals(trainerState.log_history, [{ loss: "NaN" }, { loss: "-Infinity" }]);
});

test("a norm has no decay under any name", async () => {
  const renamed = (name: string): string => name.replace("LayerNorm", "ln");
  const { tensors, metadata } = readTensors(bytesOf("model.safetensors"));
  const model = { tensors: Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [renamed(name), tensor])), metadata };
  const { groups } = await readTrainerCheckpoint(files({ "model.safetensors": writeSafetensors(model) }), { names: names.map(renamed) });
  assertEquals(groups[1].includes("bert.embeddings.ln.weight"), true);
});

const reversed = [...names].reverse();
const refusals: readonly (readonly [what: string, run: () => Promise<unknown>, error: ErrorConstructor, text: string])[] = [
  ["without names", () => readTrainerCheckpoint(path, {} as never), TypeError, "model.named_parameters()"],
  ["with names in another order", () => readTrainerCheckpoint(path, { names: reversed }), RangeError, "names are in another order"],
  ["with a name too few", () => readTrainerCheckpoint(path, { names: names.slice(1) }), RangeError, "groups of 11 and 14 parameters"],
  ["with a name that is not there", () => readTrainerCheckpoint(path, { names: [...names, "x"] }), RangeError, 'no parameter "x"'],
  ["with another rule of decay", () => readTrainerCheckpoint(path, { names, decays: () => true }), RangeError, "give decays"],
  ["without optimizer.pt", () => readTrainerCheckpoint(files({ "optimizer.pt": null }), { names }), RangeError, "it has no optimizer.pt"],
  [
    "without a model",
    () => readTrainerCheckpoint(files({ "model.safetensors": null }), { names }),
    RangeError,
    "neither model.safetensors nor",
  ],
  [
    "whose state is no JSON",
    () => readTrainerCheckpoint(files({ "trainer_state.json": new Uint8Array(3) }), { names }),
    RangeError,
    "no JSON",
  ],
  [
    "whose scheduler is a list",
    () => readTrainerCheckpoint(files({ "scheduler.pt": writeTorch([1]) }), { names }),
    RangeError,
    "holds no dictionary",
  ],
  ["that is not there", () => readTrainerCheckpoint(`${path}-no`, { names }), RangeError, "it has no optimizer.pt"],
];
for (const [what, run, error, text] of refusals) {
  test(`a Trainer's checkpoint ${what} is refused`, async () => {
    await assertRejects(run, error, text);
  });
}

test("what a schedule is at is written for PyTorch as it was read", async () => {
  const { scheduler } = await readTrainerCheckpoint(path, { names });
  const { lr_lambdas, _is_initial, ...rest } = scheduler!;
  const written = schedulerStateDict({
    schedule: { name: "linear", options: {} },
    steps: 3,
    baseLrs: [0.01, 0.01],
    lastLrs: scheduler!._last_lr as number[],
  });
  const { lr_lambdas: ours, verbose: _, ...others } = written;
  assertEquals(others, rest);
  assertEquals([lr_lambdas, ours], [[{}, {}], [null, null]]);
  assertEquals(_is_initial, false);
});

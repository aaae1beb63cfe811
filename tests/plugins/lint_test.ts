import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  bindLintRecipe,
  builtins,
  type Finding,
  findingCodes,
  lintRecipe,
  type Recipe,
  type SchedulePlugin,
  t5FixedLr,
  t5Relative,
  type Tensors,
  tfRecipe,
} from "../../mod.ts";
import { read } from "../generated.ts";

type Uses = NonNullable<Recipe["schedules"]>;

const real = (name: string): { readonly recipe: Recipe; readonly updates: number } => JSON.parse(read(`examples/recipes/${name}.json`));

/** A real recipe with options of its lr's schedule changed; undefined leaves one out. */
function withSchedule(name: string, change: object): Recipe {
  const { recipe } = real(name);
  const { lr } = recipe.schedules!;
  return { ...recipe, schedules: { lr: { ...lr, options: JSON.parse(JSON.stringify({ ...lr.options, ...change })) } } };
}

const adamw = (lr: Uses["lr"], more: Partial<Recipe> = {}): Recipe => ({
  optimizer: { name: "adamw_torch", options: { lr: 5e-5, weightDecay: 0 } },
  schedules: { lr },
  ...more,
});

const nanogpt = real("nanogpt").recipe;
const fairseq = real("fairseq_iwslt14").recipe;
const [bias, weight] = ["encoder.layers.0.fc1.bias", "encoder.layers.0.fc1.weight"];
const layer = (dtype: "float32" | "bfloat16" | "float16", pattern: number): Tensors => {
  const of = (shape: readonly number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { data: dtype === "float32" ? new Float32Array(size).fill(0.02) : new Uint16Array(size).fill(pattern), shape, dtype };
  };
  return { [weight]: of([8, 4]), [bias]: of([8]) };
};
/** 0.02 in bfloat16 and float16. */
const [inBfloat16, inFloat16] = [0x3ca4, 0x251f];

interface Case {
  readonly code: string;
  readonly from: string;
  readonly recipe: Recipe;
  readonly updates: number;
  readonly params?: Tensors;
  readonly severity: Finding["severity"];
  readonly path: string;
  /** A change that cures it. */
  readonly cured: Recipe;
  readonly curedParams?: Tensors;
}

const cases: readonly Case[] = [
  {
    code: "rises-after-end",
    from: "nanoGPT's curve without its floor's hold, on a longer run",
    recipe: withSchedule("nanogpt", { end: "continue" }),
    updates: 900000,
    severity: "warning",
    path: "/schedules/lr/options/numTrainingSteps",
    cured: nanogpt,
  },
  {
    code: "rises-after-end",
    from: "torch's CosineAnnealingLR behind a warmup, T_max forgotten at 10",
    recipe: adamw({
      name: "sequence",
      options: {
        schedules: [{ name: "linear_lr", options: { startFactor: 0.01, totalIters: 5 } }, {
          name: "cosine_annealing",
          options: { tMax: 10 },
        }],
        milestones: [5],
      },
    }),
    updates: 90,
    severity: "warning",
    path: "/schedules/lr/options/schedules/1/options/tMax",
    cured: adamw({
      name: "sequence",
      options: {
        schedules: [{ name: "linear_lr", options: { startFactor: 0.01, totalIters: 5 } }, {
          name: "cosine_annealing",
          options: { tMax: 85 },
        }],
        milestones: [5],
      },
    }),
  },
  {
    code: "never-peaks",
    from: "torch's OneCycleLR, total_steps in images",
    recipe: { optimizer: { name: "sgd" }, schedules: { lr: { name: "one_cycle", options: { maxLr: 0.1, totalSteps: 50000 } } } },
    updates: 390,
    severity: "warning",
    path: "/schedules/lr",
    cured: { optimizer: { name: "sgd" }, schedules: { lr: { name: "one_cycle", options: { maxLr: 0.1, totalSteps: 390 } } } },
  },
  {
    code: "starts-at-zero",
    from: "DeepSpeed's WarmupDecayLR",
    recipe: real("deepspeed_warmup_decay").recipe,
    updates: 100000,
    severity: "note",
    path: "/schedules/lr",
    cured: withSchedule("deepspeed_warmup_decay", { warmupMinLr: 1e-6 }),
  },
  {
    code: "starts-at-zero",
    from: "get_linear_schedule_with_warmup",
    recipe: adamw({ name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } }),
    updates: 1000,
    severity: "note",
    path: "/schedules/lr",
    cured: adamw({ name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000, warmupOffset: 1 } }),
  },
  {
    code: "horizon-in-epochs",
    from: "Swin's 300 epochs where its updates are meant",
    recipe: withSchedule("swin_tiny", { tInitial: 280, warmupT: 20 }),
    updates: 375300,
    severity: "warning",
    path: "/schedules/lr/options/tInitial",
    cured: real("swin_tiny").recipe,
  },
  {
    code: "horizon-in-epochs",
    from: "transformers' cosine over 3 epochs, whose wave goes on",
    recipe: adamw({ name: "cosine", options: { numWarmupSteps: 0, numTrainingSteps: 3 } }),
    updates: 345,
    severity: "warning",
    path: "/schedules/lr/options/numTrainingSteps",
    cured: adamw({ name: "cosine", options: { numWarmupSteps: 0, numTrainingSteps: 345 } }),
  },
  {
    code: "horizon-in-epochs",
    from: "torchvision's StepLR over 90 epochs of ImageNet",
    recipe: adamw({ name: "step", options: { stepSize: 30 } }),
    updates: 450360,
    severity: "warning",
    path: "/schedules/lr/options/stepSize",
    cured: adamw({ name: "by_epoch", options: { stepsPerEpoch: 5004, schedule: { name: "step", options: { stepSize: 30 } } } }),
  },
  {
    code: "horizon-in-epochs",
    from: "milestones of 90 epochs of ImageNet",
    recipe: adamw({ name: "multistep", options: { milestones: [30, 60, 80] } }),
    updates: 450360,
    severity: "warning",
    path: "/schedules/lr/options/milestones",
    cured: adamw({
      name: "by_epoch",
      options: { stepsPerEpoch: 5004, schedule: { name: "multistep", options: { milestones: [30, 60, 80] } } },
    }),
  },
  {
    code: "horizon-in-epochs",
    from: "an ExponentialLR that is called once an epoch",
    recipe: adamw({ name: "exponential", options: { gamma: 0.95 } }),
    updates: 450360,
    severity: "warning",
    path: "/schedules/lr/options/gamma",
    cured: adamw({ name: "by_epoch", options: { stepsPerEpoch: 5004, schedule: { name: "exponential", options: { gamma: 0.95 } } } }),
  },
  {
    code: "horizon-in-micro-batches",
    from: "DeepSpeed's total_num_steps in micro-batches",
    recipe: { ...real("deepspeed_warmup_decay").recipe, accumulate: { name: "mean", options: { every: 8 } } },
    updates: 12500,
    severity: "warning",
    path: "/schedules/lr/options/totalNumSteps",
    cured: { ...withSchedule("deepspeed_warmup_decay", { totalNumSteps: 12500 }), accumulate: { name: "mean", options: { every: 8 } } },
  },
  {
    code: "horizon-too-short",
    from: "DeepSpeed's decay on a run that goes on",
    recipe: real("deepspeed_warmup_decay").recipe,
    updates: 150000,
    severity: "warning",
    path: "/schedules/lr/options/totalNumSteps",
    cured: withSchedule("deepspeed_warmup_decay", { totalNumSteps: 150000 }),
  },
  {
    code: "horizon-too-short",
    from: "nanoGPT on a run that goes on at its floor, which may be meant",
    recipe: nanogpt,
    updates: 900000,
    severity: "note",
    path: "/schedules/lr/options/numTrainingSteps",
    cured: withSchedule("nanogpt", { numTrainingSteps: 900000 }),
  },
  {
    code: "horizon-too-long",
    from: "nanoGPT with lr_decay_iters left at its default",
    recipe: nanogpt,
    updates: 100000,
    severity: "warning",
    path: "/schedules/lr/options/numTrainingSteps",
    cured: withSchedule("nanogpt", { numTrainingSteps: 100000 }),
  },
  {
    code: "warmup-too-long",
    from: "fairseq's 4000 warmup updates on a small corpus",
    recipe: fairseq,
    updates: 3000,
    severity: "error",
    path: "/schedules/lr/options/numWarmupSteps",
    cured: withSchedule("fairseq_iwslt14", { numWarmupSteps: 300 }),
  },
  {
    code: "warmup-is-a-ratio",
    from: "TrainingArguments' warmup_ratio as a number of steps",
    recipe: adamw({ name: "linear", options: { numWarmupSteps: 0.06, numTrainingSteps: 1000 } }),
    updates: 1000,
    severity: "warning",
    path: "/schedules/lr/options/numWarmupSteps",
    cured: adamw({ name: "linear", options: { numWarmupSteps: 60, numTrainingSteps: 1000 } }),
  },
  {
    code: "schedule-fails",
    from: "torch's OneCycleLR, a step too many",
    recipe: { optimizer: { name: "sgd" }, schedules: { lr: { name: "one_cycle", options: { maxLr: 0.1, totalSteps: 300 } } } },
    updates: 390,
    severity: "error",
    path: "/schedules/lr/options",
    cured: { optimizer: { name: "sgd" }, schedules: { lr: { name: "one_cycle", options: { maxLr: 0.1, totalSteps: 300, end: "hold" } } } },
  },
  {
    code: "lr-always-zero",
    from: "a linear decay over no steps",
    recipe: adamw({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 0 } }),
    updates: 100,
    severity: "error",
    path: "/schedules/lr",
    cured: adamw({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 100 } }),
  },
  {
    code: "lr-ignored",
    from: "a schedule of values beside another lr",
    recipe: adamw({ name: "cosine_decay", options: { initialLearningRate: 1e-3, decaySteps: 1000 } }),
    updates: 1000,
    severity: "note",
    path: "/optimizer/options/lr",
    cured: {
      optimizer: { name: "adamw_torch" },
      schedules: { lr: { name: "cosine_decay", options: { initialLearningRate: 1e-3, decaySteps: 1000 } } },
    },
  },
  {
    code: "accumulate-sum",
    from: "nanoGPT's 40 micro-batches, summed as by TensorFlow's GradientAccumulator",
    recipe: { ...nanogpt, accumulate: { name: "sum", options: { every: 40 } } },
    updates: 600000,
    severity: "warning",
    path: "/accumulate/name",
    cured: nanogpt,
  },
  {
    code: "plateau-negative-metric",
    from: "torch's ReduceLROnPlateau on a reward",
    recipe: adamw({ name: "reduce_lr_on_plateau", options: { mode: "max", patience: 5 } }),
    updates: 1000,
    severity: "note",
    path: "/schedules/lr/options/thresholdMode",
    cured: adamw({ name: "reduce_lr_on_plateau", options: { mode: "max", patience: 5, thresholdMode: "rel_size" } }),
  },
  {
    code: "decay-on-biases",
    from: "fairseq, whose decay spares nothing",
    recipe: fairseq,
    updates: 50000,
    params: layer("float32", 0),
    severity: "warning",
    path: "/optimizer/options/weightDecay",
    cured: { ...fairseq, groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }] },
  },
  {
    code: "decay-on-biases",
    from: "fairseq, as far as its recipe tells",
    recipe: fairseq,
    updates: 50000,
    severity: "note",
    path: "/optimizer/options/weightDecay",
    cured: { ...fairseq, groups: [{ match: "bias$", options: { weightDecay: 0 } }] },
  },
  {
    code: "decay-lost",
    from: "OLMo's decay on weights that are bfloat16 themselves, not under autocast",
    recipe: real("olmo_1b").recipe,
    updates: 739328,
    params: layer("bfloat16", inBfloat16),
    severity: "warning",
    path: "/optimizer/options/weightDecay",
    cured: real("olmo_1b").recipe,
    curedParams: layer("float32", 0),
  },
  {
    code: "updates-lost",
    from: "a fine-tuning at 1e-5 of weights that are bfloat16 themselves",
    recipe: { optimizer: { name: "adamw_torch", options: { lr: 1e-5, weightDecay: 0 } } },
    updates: 1000,
    params: layer("bfloat16", inBfloat16),
    severity: "warning",
    path: "/optimizer/options/lr",
    cured: { optimizer: { name: "adamw_torch", options: { lr: 1e-5, weightDecay: 0 } } },
    curedParams: layer("float32", 0),
  },
  {
    code: "float16-without-clipping",
    from: "fairseq's --fp16 --clip-norm 0.0",
    recipe: fairseq,
    updates: 50000,
    params: layer("float16", inFloat16),
    severity: "warning",
    path: "/transforms",
    cured: { ...fairseq, transforms: [{ name: "clip_global_norm", options: { maxNorm: 0.1 } }] },
  },
  {
    code: "group-matches-nothing",
    from: "a pattern of PyTorch's names on TensorFlow's",
    recipe: { ...fairseq, groups: [{ match: "LayerNorm\\.weight$", options: { weightDecay: 0 } }] },
    updates: 50000,
    params: layer("float32", 0),
    severity: "note",
    path: "/groups/0/match",
    cured: { ...fairseq, groups: [{ match: "fc1\\.bias$", options: { weightDecay: 0 } }] },
  },
  {
    code: "adafactor-lr-and-relative-step",
    from: "T5's lr=1e-3 with Adafactor's defaults",
    recipe: { optimizer: { name: "adafactor", options: { lr: 1e-3 } } },
    updates: 1000,
    severity: "error",
    path: "/optimizer/options/lr",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "adafactor-no-lr",
    from: "T5's fixed setting without its lr",
    recipe: { optimizer: { name: "adafactor", options: { scaleParameter: false, relativeStep: false } } },
    updates: 1000,
    severity: "error",
    path: "/optimizer/options/relativeStep",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "adafactor-warmup-init",
    from: "T5's two settings, half of each",
    recipe: { optimizer: { name: "adafactor", options: { lr: 1e-3, scaleParameter: false, relativeStep: false, warmupInit: true } } },
    updates: 1000,
    severity: "error",
    path: "/optimizer/options/warmupInit",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "adafactor-schedule-on-relative-step",
    from: "T5's second setting under Trainer's linear decay",
    recipe: { ...t5Relative(), schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 1000 } } } },
    updates: 1000,
    severity: "error",
    path: "/schedules/lr",
    cured: t5Relative(),
  },
  {
    code: "adafactor-scaled-fixed-lr",
    from: "T5's lr with relative_step=False alone",
    recipe: { optimizer: { name: "adafactor", options: { lr: 1e-3, relativeStep: false } } },
    updates: 1000,
    severity: "warning",
    path: "/optimizer/options/scaleParameter",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "adafactor-without-warmup",
    from: "T5's fixed setting without a schedule",
    recipe: { optimizer: t5FixedLr().optimizer },
    updates: 1000,
    severity: "note",
    path: "/optimizer/options/lr",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "adafactor-clipping",
    from: "Trainer's max_grad_norm in front of Adafactor",
    recipe: { ...t5FixedLr({ numWarmupSteps: 100 }), transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }] },
    updates: 1000,
    severity: "note",
    path: "/transforms/0",
    cured: t5FixedLr({ numWarmupSteps: 100 }),
  },
  {
    code: "refused",
    from: "a learning rate with the wrong sign",
    recipe: { optimizer: { name: "sgd", options: { lr: -0.1 } } },
    updates: 10,
    severity: "error",
    path: "/optimizer/options/lr",
    cured: { optimizer: { name: "sgd", options: { lr: 0.1 } } },
  },
];

test("every code is in a case", () => {
  assertEquals([...new Set(cases.map(({ code }) => code))].sort(), Object.keys(findingCodes).sort());
});

for (const { code, from, recipe, updates, params, severity, path, cured, curedParams } of cases) {
  test(`lintRecipe() finds ${code} in ${from}`, () => {
    const found = lintRecipe(recipe, { updates, ...params && { params } });
    const own = found.filter((finding) => finding.code === code);
    assertEquals(own.map(({ severity, path }) => [severity, path]), [[severity, path]], JSON.stringify(found));
    const [{ message, cure }] = own;
    assertMatch(message, /^\S.{30,}/);
    assertMatch(cure, /^\S.{20,}\.$/);
    const after = lintRecipe(cured, {
      updates,
      ...(curedParams ?? params) && { params: curedParams ?? params },
    });
    assertEquals(after.filter((finding) => finding.code === code), []);
  });
}

test("lintRecipe() has nothing but notes to say of good recipes", () => {
  const digits = JSON.parse(read("examples/digits/training.json"));
  const good: readonly (readonly [Recipe, number])[] = [
    [digits.recipe, digits.updates],
    [tfRecipe({ initLr: 5e-5, numTrainSteps: 1000, numWarmupSteps: 100, weightDecayRate: 0.01 }), 1000],
    [t5FixedLr({ numWarmupSteps: 100 }), 1000],
    [t5Relative(), 1000],
    [{ optimizer: { name: "sgd", options: { lr: 0.1, momentum: 0.9 } } }, 1000],
    ...[
      { name: "cosine_with_restarts", options: { numWarmupSteps: 10, numTrainingSteps: 1000, numCycles: 4 } },
      { name: "cosine_annealing_warm_restarts", options: { t0: 100, tMult: 2 } },
      { name: "cosine_decay_restarts", options: { initialLearningRate: 5e-5, firstDecaySteps: 100 } },
      { name: "cyclic", options: { baseLr: 1e-5, maxLr: 5e-5, stepSizeUp: 100 } },
      { name: "one_cycle", options: { maxLr: 5e-5, totalSteps: 1000 } },
      { name: "warmup_stable_decay", options: { numWarmupSteps: 50, numStableSteps: 750, numDecaySteps: 200 } },
      { name: "inverse_sqrt", options: { numWarmupSteps: 100 } },
      { name: "multistep", options: { milestones: [300, 800] } },
      { name: "repeat", options: { every: 100, schedule: { name: "cosine_annealing", options: { tMax: 100 } } } },
      { name: "warm", options: { numWarmupSteps: 100, schedule: { name: "cosine_annealing", options: { tMax: 900 } } } },
      { name: "cosine", options: { numWarmupSteps: 100, numTrainingSteps: 1000, numCycles: 2.5 } },
      { name: "exponential", options: { gamma: 0.99 } },
      { name: "exponential", options: { gamma: 1 } },
      { name: "step", options: { stepSize: 30, gamma: 0.5 } },
      { name: "step", options: { stepSize: 10, gamma: 1.1 } },
      { name: "multistep", options: { milestones: [] } },
      {
        name: "sequence",
        options: { schedules: [{ name: "exponential", options: { gamma: 0.5 } }, { name: "constant" }], milestones: [50] },
      },
      { name: "constant", options: {} },
    ].map((lr): readonly [Recipe, number] => [adamw(lr), 1000]),
  ];
  for (const [recipe, updates] of good) {
    assertEquals(lintRecipe(recipe, { updates }).filter(({ severity }) => severity !== "note"), [], JSON.stringify(recipe));
  }
});

test("lintRecipe() says nothing against lengths that miss the updates by a batch", () => {
  for (const numTrainingSteps of [990, 999, 1000, 1001, 1010]) {
    const recipe = adamw({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps } });
    assertEquals(lintRecipe(recipe, { updates: 1000 }), [], String(numTrainingSteps));
  }
});

test("lintRecipe() takes more than a thousand steps for updates, not for epochs", () => {
  const recipe = adamw({ name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 2000 } });
  assertEquals(lintRecipe(recipe, { updates: 30_000 }).map(({ code }) => code), ["horizon-too-short"]);
  const drops = adamw({ name: "multistep", options: { milestones: [1500] } });
  assertEquals(lintRecipe(drops, { updates: 30_000 }), []);
});

test("lintRecipe() counts the end of a schedule from where it begins", () => {
  const cosine = (tMax: number) => ({ name: "cosine_annealing", options: { tMax } });
  const warm = { name: "warm", options: { numWarmupSteps: 100, startFactor: 0.1, schedule: cosine(900) } };
  const delayed = { name: "delay", options: { steps: 400, schedule: cosine(600) } };
  const shifted = { name: "shift", options: { steps: 500, schedule: cosine(1500) } };
  for (const lr of [warm, delayed, shifted]) assertEquals(lintRecipe(adamw(lr), { updates: 1000 }), [], lr.name);
});

test("lintRecipe() looks at a group's own schedule", () => {
  const recipe: Recipe = {
    optimizer: { name: "adamw_torch", options: { weightDecay: 0 } },
    groups: [{
      match: ["w"],
      schedules: {
        lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 30 } },
        weightDecay: { name: "reduce_lr_on_plateau" },
      },
    }],
  };
  assertEquals(lintRecipe(recipe, { updates: 30000 }).map(({ path }) => path), [
    "/groups/0/schedules/lr/options/numTrainingSteps",
    "/groups/0/schedules/weightDecay/options/thresholdMode",
  ]);
});

test("lintRecipe() tells lengths in the option's own terms", () => {
  const cosine = { name: "cosine_annealing", options: { tMax: 60 } };
  const of = (lr: Uses["lr"], updates: number) => lintRecipe(adamw(lr), { updates }).map(({ code, cure }) => [code, cure.slice(0, 20)]);
  assertEquals(of({ name: "by_epoch", options: { stepsPerEpoch: 100, schedule: cosine } }, 6000), []);
  assertEquals(of({ name: "by_epoch", options: { stepsPerEpoch: 100, schedule: cosine } }, 9000), [[
    "rises-after-end",
    "Set tMax to 90, or a",
  ]]);
  assertEquals(of({ name: "by_epoch", options: { stepsPerEpoch: 100, schedule: cosine } }, 3000), [[
    "horizon-too-long",
    "Set tMax to 30, unle",
  ]]);
  const warm = { name: "warm", options: { numWarmupSteps: 40, startFactor: 0.1, schedule: cosine } };
  assertEquals(of(warm, 140), [["rises-after-end", "Set tMax to 100, or "]]);
});

test("lintRecipe() looks into what schedules hold, and gives its place", () => {
  const long = { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 500 } };
  const recipe = adamw({ name: "clamp", options: { min: 0, schedule: { name: "scale", options: { factor: 2, schedule: long } } } });
  const [finding] = lintRecipe(recipe, { updates: 1000 });
  assertEquals([finding.code, finding.path], [
    "horizon-too-short",
    "/schedules/lr/options/schedule/options/schedule/options/numTrainingSteps",
  ]);
});

test("lintRecipe() knows a third party's schedule by its course", () => {
  const ramp: SchedulePlugin<"ramp", { length?: number }> = {
    kind: "schedule",
    name: "ramp",
    description: "Up",
    options: { length: { default: 100, description: "Steps" } },
    create: ({ length }) => (step) => Math.min(1, (step + 1) / length),
  };
  const lint = bindLintRecipe(builtins.with(ramp));
  const recipe = adamw({ name: "ramp", options: { length: 1000 } });
  assertEquals(lint(recipe, { updates: 500 }).map(({ code }) => code), ["never-peaks"]);
  assertEquals(lint(recipe, { updates: 2000 }), []);
});

test("lintRecipe() puts errors first, and says each thing once", () => {
  const found = lintRecipe(
    {
      ...fairseq,
      groups: [{ match: "bias$", options: {} }],
      schedules: { lr: { name: "inverse_sqrt", options: { numWarmupSteps: 4000 } } },
    },
    { updates: 100, params: layer("float16", inFloat16) },
  );
  const order = found.map(({ severity }) => ["error", "warning", "note"].indexOf(severity));
  assertEquals(order, [...order].sort());
  assertEquals(new Set(found.map(({ code, path }) => `${code} ${path}`)).size, found.length);
});

test("lintRecipe() tells biases and norms by their names where no tensor has dimensions", () => {
  const recipe: Recipe = { optimizer: { name: "adamw_torch", options: { weightDecay: 0.1 } } };
  const named = (names: readonly string[]): string[] => {
    const params = Object.fromEntries(names.map((name) => [name, new Float32Array(4)]));
    return lintRecipe(recipe, { updates: 10, params }).filter(({ code }) => code === "decay-on-biases").map(({ message }) => message);
  };
  assertEquals(named(["w", "lnet.weight"]), []);
  for (
    const name of [
      "layer.bias",
      "ln_f.weight",
      "bert.LayerNorm.weight",
      "bn1.weight",
      "model/final_layer_norm/gamma:0",
      "blocks.0.norm1.weight",
    ]
  ) {
    assertEquals(named(["w", name]).length, 1, name);
  }
});

test("lintRecipe() asks for no clipping of float16 where a step that overflows is held back", () => {
  for (const name of ["skip_nonfinite", "loss_scale", "zclip", "clip_norm"]) {
    const options = name === "clip_norm" ? { maxNorm: 1 } : {};
    const found = lintRecipe({ ...fairseq, transforms: [{ name, options }] }, { updates: 50000, params: layer("float16", inFloat16) });
    assertEquals(found.filter(({ code }) => code === "float16-without-clipping"), [], name);
  }
});

test("lintRecipe() knows optimizers and transforms by names that are there", () => {
  const text = read("plugins/lint/tensor_rules.ts") + read("plugins/lint/horizons.ts");
  const names: readonly string[] = builtins.plugins.map(({ name }) => name);
  const [, units] = /const unitSteps[^=]*= \[([^\]]*)\]/.exec(text)!;
  const [, decays] = /const decoupled[^=]*= \[([^\]]*)\]/.exec(text)!;
  const [, rows] = /const rows[^=]*= \{([^]*?)\n\};/.exec(text)!;
  const named = [...`${units} ${decays}`.matchAll(/"(\w+)"/g), ...rows.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  assert(named.length > 30);
  assertEquals(named.filter((name) => !names.includes(name)), []);
});

test("lintRecipe() looks at weights, and not at their dtype alone", () => {
  const recipe: Recipe = { optimizer: { name: "adamw_torch", options: { lr: 1e-4, weightDecay: 0 } } };
  const codes = (pattern: number): string[] =>
    lintRecipe(recipe, { updates: 10, params: { w: { data: new Uint16Array(64).fill(pattern), shape: [8, 8], dtype: "bfloat16" } } })
      .map(({ code }) => code);
  assertEquals(codes(0x3c24), []); // 0.01: numbers lie 2^-14 apart, and 1e-4 moves it
  assertEquals(codes(0x3f80), ["updates-lost"]); // 1: 2^-7 apart
  assertEquals(codes(0), []);
});

test("lintRecipe() counts a weight as stuck only where no change in either direction moves it, and one of 0 not at all", () => {
  const codes = (lr: number, weightDecay: number, data: readonly number[]): string[] =>
    lintRecipe({ optimizer: { name: "adamw_torch", options: { lr, weightDecay } } }, {
      updates: 10,
      params: { w: { data: Uint16Array.from(data), shape: [2, data.length / 2], dtype: "bfloat16" } },
    }).map(({ code }) => code);
  // Below 1 numbers lie half as far apart as above.
  assertEquals(codes(0.003, 0, [0x3f80, 0x3f80]), []);
  assertEquals(codes(0.001, 0, [0x3f80, 0x3f80]), ["updates-lost"]);
  assertEquals(codes(0.1, 0.5, [0, 0, 0, 0x3f80]), []);
  assertEquals(codes(0.1, 0.001, [0, 0, 0, 0x3f80]), ["decay-lost"]);
});

test("lintRecipe() throws for what cannot be read, as createTrainer does", () => {
  const wrong: readonly (readonly [unknown, unknown, typeof TypeError | typeof RangeError])[] = [
    [{ optimizer: { name: "adamwww" } }, { updates: 1 }, TypeError],
    [{ optimizer: { name: "sgd", options: { learning_rate: 1 } } }, { updates: 1 }, TypeError],
    [{ optimizer: { name: "sgd" }, schedule: {} }, { updates: 1 }, TypeError],
    [adamw({ name: "cosin", options: {} }), { updates: 1 }, TypeError],
    [adamw({ name: "warm", options: { numWarmupSteps: 1, schedule: { name: "cosin" } } }), { updates: 1 }, TypeError],
    [adamw({ name: "linear", options: { numWarmupSteps: "1", numTrainingSteps: 2 } }), { updates: 1 }, TypeError],
    [{ optimizer: { name: "sgd" } }, {}, TypeError],
    [{ optimizer: { name: "sgd" } }, { updates: 1, model: 1 }, TypeError],
    [{ optimizer: { name: "sgd" } }, { updates: 0 }, RangeError],
    [{ optimizer: { name: "sgd" } }, { updates: 1.5 }, RangeError],
    [null, { updates: 1 }, TypeError],
    [adamw({ name: "constant" }, { groups: [{ match: [1] as unknown as string[] }] }), { updates: 1 }, TypeError],
    [adamw({ name: "constant" }, { groups: [{ match: {} as { glob: string } }] }), { updates: 1 }, TypeError],
    [adamw({ name: "constant" }, { groups: [{ match: ["a"], scale: { lr: "2" as unknown as number } }] }), { updates: 1 }, TypeError],
    [adamw({ name: "constant" }, { groups: [{ match: ["a"], optimizer: "lionn" }] }), { updates: 1 }, TypeError],
    [adamw({ name: "constant" }, { groups: [{ match: ["b"] }] }), { updates: 1, params: { a: new Float32Array(1) } }, TypeError],
    [{ optimizer: { name: "sgd" }, schedules: { weight_decay: { name: "constant" } } }, { updates: 1 }, TypeError],
    [
      adamw({ name: "constant" }, { groups: [{ match: ["a"], schedules: { learningRate: { name: "constant" } } }] }),
      { updates: 1 },
      TypeError,
    ],
  ];
  for (const [recipe, options, error] of wrong) {
    assertThrows(() => lintRecipe(recipe as Recipe, options as { updates: number }), error, undefined, JSON.stringify([recipe, options]));
  }
});

test("lintRecipe() says what core refuses of groups and of schedules of other options", () => {
  const recipe: Recipe = {
    optimizer: { name: "adamw_torch" },
    groups: [{ match: { maxRank: -1 } }, { match: ["a"], options: { lr: -1 } }],
    schedules: { "betas[0]": { name: "cosine_annealing", options: { tMax: 0 } }, weightDecay: { name: "constant" } },
  };
  const refused = lintRecipe(recipe, { updates: 10 }).filter(({ code }) => code === "refused").map(({ path }) => path);
  assertEquals(refused.toSorted(), ["/groups/0/options", "/groups/1/options/lr", "/schedules/betas[0]/options/tMax"]);
});

test("lintRecipe() takes as long for a long training as for a short one", () => {
  const recipe = adamw({ name: "cosine", options: { numWarmupSteps: 1e6, numTrainingSteps: 1e12, end: "hold" } });
  const start = performance.now();
  assertEquals(lintRecipe(recipe, { updates: 1e12 }).map(({ code }) => code), ["starts-at-zero"]);
  assert(performance.now() - start < 1000);
});

test("lintRecipe() lets float16 be where a transform clips or holds back what overflowed", () => {
  for (const name of ["loss_scale", "skip_nonfinite", "zclip", "agc"]) {
    const held = { ...fairseq, transforms: [{ name }] };
    const codes = lintRecipe(held, { updates: 50000, params: layer("float16", inFloat16) }).map(({ code }) => code);
    assertEquals(codes.includes("float16-without-clipping"), false, name);
  }
});

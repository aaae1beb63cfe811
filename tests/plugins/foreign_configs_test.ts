import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  builtins,
  fromKeras,
  fromTimm,
  fromTorch,
  fromTrainingArguments,
  type MetricSchedule,
  type Recipe,
  type Schedule,
  torchCode,
  trainingArgumentsCode,
} from "../../mod.ts";
import { read } from "../generated.ts";

interface Case {
  readonly from: "TrainingArguments" | "torch" | "timm" | "keras";
  readonly name: string;
  // deno-lint-ignore no-explicit-any
  readonly config: any;
  readonly updatesPerEpoch?: number;
  /** By group, by update. */
  readonly lr: readonly (readonly number[])[];
  readonly momentum?: readonly number[];
}

/** The state of a CyclicLR, which cycles a momentum unless it is told not to. */
const cyclic = {
  max_lrs: [0.5],
  total_size: 4000,
  step_ratio: 0.5,
  mode: "triangular",
  gamma: 1,
  cycle_momentum: true,
  base_momentums: [0.8],
  max_momentums: [0.9],
  base_lrs: [0.1],
};

const cases: readonly Case[] = JSON.parse(read("tests/reference/foreign_configs.json"));

const readers: Readonly<Record<Case["from"], (one: Case) => Recipe>> = {
  TrainingArguments: ({ config }) => fromTrainingArguments(config),
  torch: ({ config }) => fromTorch(config),
  timm: ({ config, updatesPerEpoch }) => fromTimm(config, { updatesPerEpoch: updatesPerEpoch! }),
  keras: ({ config }) => fromKeras(config),
};

/** The values of an option under a recipe's schedule. */
function courseOf(recipe: Recipe, option: string, steps: number): number[] {
  const name = option.replace(/\[.*/, "");
  const plugin = builtins.plugins.find(({ kind, name }) => kind === "optimizer" && name === recipe.optimizer.name)!;
  const options = { ...recipe.optimizer.options } as Record<string, unknown>;
  const specs = plugin.options as Readonly<Record<string, { readonly default: unknown }>>;
  const whole = options[name] ?? specs[name].default;
  const base = Array.isArray(whole) ? whole[0] as number : whole as number;
  const use = recipe.schedules?.[option];
  if (use === undefined) return Array<number>(steps).fill(base);
  const schedule = builtins.createSchedule(use.name as "linear", use.options as never, { value: base, groups: [base] }) as Schedule;
  return Array.from({ length: steps }, (_, step) => schedule.returns === "value" ? schedule(step) : base * schedule(step));
}

function assertNear(found: readonly number[], wanted: readonly number[], bound: number): void {
  assertEquals(found.length, wanted.length);
  const most = Math.max(...wanted.map(Math.abs));
  found.forEach((value, step) => {
    assert(
      Math.abs(value - wanted[step]) <= bound * (Math.abs(wanted[step]) + 1e-3 * most),
      `step ${step}: ${value}, and ${wanted[step]} there`,
    );
  });
}

// torch goes from step to step, and Keras computes in float32, near 0 from numbers near 1.
const bounds: Readonly<Record<Case["from"], number>> = { TrainingArguments: 1e-13, torch: 1e-12, timm: 1e-13, keras: 1e-4 };

for (const one of cases) {
  test(`the recipe of ${one.from}, ${one.name}, has its learning rates`, () => {
    const recipe = readers[one.from](one);
    const [lr] = one.lr;
    assertNear(courseOf(recipe, "lr", lr.length), lr, bounds[one.from]);
    const momentum = Object.keys(recipe.schedules ?? {}).find((option) => option !== "lr");
    assertEquals(momentum !== undefined, one.momentum !== undefined);
    if (momentum !== undefined) assertNear(courseOf(recipe, momentum, lr.length), one.momentum!, 1e-12);
    const params = { w: { data: new Float32Array(4), shape: [2, 2] }, b: new Float32Array(2) };
    using trainer = builtins.createTrainer(params, recipe);
    assertEquals(trainer.recipe.optimizer.name, recipe.optimizer.name);
  });
}

test("fromTrainingArguments() reads the optimizer, the groups, the accumulation and the clipping", () => {
  const args = {
    learning_rate: 2e-5,
    weight_decay: 0.01,
    adam_beta2: 0.95,
    gradient_accumulation_steps: 8,
    max_steps: 1000,
    warmup_ratio: 0.06,
    optim: "OptimizerNames.ADAMW_TORCH_FUSED",
    lr_scheduler_type: "SchedulerType.LINEAR",
    label_smoothing_factor: 0.1,
    output_dir: "x",
  };
  assertEquals(fromTrainingArguments(args), {
    optimizer: { name: "adamw_torch", options: { lr: 2e-5, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.01 } },
    groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 60, numTrainingSteps: 1000 } } },
    accumulate: { name: "mean", options: { every: 8 } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
  });
  const { optimizer } = fromTrainingArguments({ optim: "adafactor", learning_rate: 1e-3, lr_scheduler_type: "constant" });
  assertEquals(optimizer, { name: "adafactor", options: { lr: 1e-3, scaleParameter: false, relativeStep: false, weightDecay: 0 } });
});

test("fromTrainingArguments() takes warmup_steps of 1 for a step, and less for a share", () => {
  const warmup = (warmup_steps: number) => fromTrainingArguments({ warmup_steps, max_steps: 10 }).schedules?.lr.options;
  assertEquals(warmup(1), { numWarmupSteps: 1, numTrainingSteps: 10 });
  assertEquals(warmup(0.5), { numWarmupSteps: 5, numTrainingSteps: 10 });
});

test("fromTrainingArguments() takes the number of updates from outside where the arguments count epochs", () => {
  const args = { num_train_epochs: 3, warmup_steps: 0.1, lr_scheduler_type: "cosine" };
  const { schedules } = fromTrainingArguments(args, { updates: 505 });
  assertEquals(schedules?.lr.options, { numWarmupSteps: 51, numTrainingSteps: 505 });
  assertThrows(() => fromTrainingArguments(args), TypeError, "give updates");
  assertEquals(fromTrainingArguments({ lr_scheduler_type: "constant" }).schedules, undefined);
});

const refused: readonly (readonly [string, () => unknown, readonly RegExp[]])[] = [
  [
    "fromTrainingArguments()",
    () =>
      fromTrainingArguments({
        optim: "galore_adamw",
        optim_target_modules: ["attn"],
        lr_scheduler_type: "cosine_with_tail",
        deepspeed: "ds.json",
        learning_rates: [1],
        max_grad_norm: "1",
      }),
    [
      /learning_rates/,
      /deepspeed/,
      /optim_target_modules/,
      /"galore_adamw": known are adamw_torch/,
      /max_grad_norm = "1"/,
      /"cosine_with_tail": known/,
    ],
  ],
  [
    "fromTrainingArguments() of optim_args that transformers passes over",
    () => fromTrainingArguments({ optim: "adamw_torch", optim_args: "amsgrad=True", lr_scheduler_type: "constant" }),
    [/optim_args has "amsgrad", and of "adamw_torch" transformers takes none/],
  ],
  [
    "fromTrainingArguments() of optim_args that are misspelt or the groups' own",
    () => fromTrainingArguments({ optim: "sgd", optim_args: "momentun=0.9,weight_decay=0.1", lr_scheduler_type: "constant" }),
    [/"momentun", and of "sgd" transformers takes momentum, dampening, nesterov/, /"weight_decay"/],
  ],
  [
    "fromTrainingArguments() of kwargs",
    () => fromTrainingArguments({ lr_scheduler_type: "cosine", max_steps: 9, lr_scheduler_kwargs: { min_lr: 1, end: "hold" } }),
    [/"minLr", and "cosine" takes numWarmupSteps, numTrainingSteps, numCycles/, /"end"/],
  ],
  [
    "fromTorch()",
    () => fromTorch({ state: { total_steps: 10, _schedule_phases: [{ end_step: 2 }] }, optimizer: "LBFGS" }),
    [/max_lr stands in the optimizer's groups/, /initial_lr/, /min_lr/, /"LBFGS": known are SGD/],
  ],
  ["fromTorch() of a function", () => fromTorch({ class: "LambdaLR", state: { lr_lambdas: [null], base_lrs: [0.1] } }), [
    /Python function/,
  ]],
  [
    "fromTorch() of a momentum that the optimizer does not have",
    () => fromTorch({ class: "CyclicLR", state: { ...cyclic, use_beta1: false } }),
    [/none that "adamw_torch" has: give optimizer/],
  ],
  [
    "fromTorch() of a cycled momentum, and an optimizer without any",
    () => fromTorch({ class: "CyclicLR", state: cyclic, optimizer: "Adagrad" }),
    [/none that "adagrad" has/],
  ],
  ["fromTorch() of an unknown class", () => fromTorch({ class: "NoamLR", state: { base_lrs: [1] } }), [/"NoamLR": known are OneCycleLR/]],
  ["fromTorch() of keys that tell nothing", () => fromTorch({ state: { base_lrs: [1] } }), [/give its class/]],
  [
    "fromTorch() of a chain that is no product",
    () =>
      fromTorch({
        state: {
          _schedulers: [{ T_max: 5, eta_min: 0.1, base_lrs: [1] }, { gamma: 0.9, base_lrs: [1] }, { T_0: 5, T_mult: 1, base_lrs: [1] }],
        },
      }),
    [/_schedulers\[0\] \(cosine_annealing\)/, /_schedulers\[2\] \(cosine_annealing_warm_restarts\)/],
  ],
  [
    "fromTimm()",
    () =>
      fromTimm({ opt: "adabelief", sched: "tanh", lr_noise: [0.4], clip_grad: 1, clip_mode: "agc", layer_decay: 0.75 }, {
        updatesPerEpoch: 0,
      }),
    [
      /updatesPerEpoch = 0/,
      /lr is missing/,
      /"tanh": known are cosine/,
      /lr_noise is random/,
      /layer_decay/,
      /"adabelief": known/,
      /clip_mode = "agc"/,
    ],
  ],
  ["fromKeras() of another class", () => fromKeras({ class_name: "Noam", config: {} }), [/"Noam"/, /CosineDecay/]],
  ["fromKeras() of keys that two have", () => fromKeras({ initial_learning_rate: 1, decay_steps: 2, decay_rate: 0.5 }), [
    /ExponentialDecay and InverseTimeDecay/,
  ]],
  ["fromKeras() of another optimizer", () => fromKeras({ class_name: "SGD", config: { learning_rate: 1 } }), [/SGD/]],
  [
    "trainingArgumentsCode()",
    () =>
      trainingArgumentsCode({
        optimizer: { name: "prodigy" },
        groups: [{ match: "bias$", options: { lr: 1 } }],
        schedules: { lr: { name: "rex", options: { totalSteps: 5 } }, weightDecay: { name: "constant" } },
        accumulate: { name: "sum", options: { every: 4 } },
        transforms: [{ name: "clip_value", options: { value: 1 } }],
      }),
    [/"prodigy"/, /groups/, /"rex"/, /"weightDecay"/, /"sum"/, /"clip_value"/],
  ],
  [
    "torchCode()",
    () =>
      torchCode({
        optimizer: { name: "prodigy" },
        groups: [{ match: ["w"], optimizer: "sgd" }],
        schedules: { lr: { name: "rex", options: { totalSteps: 5 } }, weightDecay: { name: "constant" } },
        accumulate: { name: "sum", options: { every: 4 } },
        transforms: [{ name: "clip_norm", options: { maxNorm: 1 } }],
      }),
    [/"prodigy"/, /group 0/, /"rex"/, /"weightDecay"/, /"sum"/, /"clip_norm"/],
  ],
];
for (const [what, run, patterns] of refused) {
  test(`${what} says all that cannot be said, in one error`, () => {
    const { message } = assertThrows(run, TypeError) as Error;
    for (const pattern of patterns) assertMatch(message, pattern);
  });
}

test("no reader takes what is no configuration", () => {
  for (const wrong of [null, [], "{}", 1, new Map()]) {
    for (
      const reader of [fromTrainingArguments, fromTorch, fromTimm, fromKeras] as readonly ((config: never, options: never) => Recipe)[]
    ) {
      assertThrows(() => reader(wrong as never, { updatesPerEpoch: 1 } as never), TypeError);
    }
  }
});

test("fromTorch() reads groups where it is told what is in them", () => {
  const scheduler = {
    class: "StepLR",
    state: { step_size: 3, gamma: 0.5, base_lrs: [0.1, 0.01] },
    optimizer: "SGD",
    groups: [{ lr: 0.1, momentum: 0.9, weight_decay: 0 }, { lr: 0.01, momentum: 0.9, weight_decay: 0.1 }],
  };
  assertThrows(() => fromTorch(scheduler), TypeError, "give match");
  assertEquals(fromTorch(scheduler, { match: [["head"]], stepsPerEpoch: 10 }), {
    optimizer: { name: "sgd", options: { lr: 0.01, momentum: 0.9, weightDecay: 0.1 } },
    groups: [{ match: ["head"], options: { lr: 0.1 } }],
    schedules: {
      lr: { name: "by_epoch", options: { schedule: { name: "step", options: { stepSize: 3, gamma: 0.5 } }, stepsPerEpoch: 10 } },
    },
  });
});

test("fromTorch() cycles what the optimizer has: a momentum, or the first of betas, also where they are the default ones", () => {
  const groups = [{ lr: 0.1, betas: [0.9, 0.999] }];
  for (
    const [optimizer, option, more] of [
      ["SGD", "momentum", { state: { ...cyclic, use_beta1: false } }],
      ["RMSprop", "momentum", {}],
      ["AdamW", "betas[0]", { groups, state: { ...cyclic, use_beta1: true } }],
      ["Adam", "betas[0]", {}],
    ] as const
  ) {
    const recipe = fromTorch({ class: "CyclicLR", state: cyclic, optimizer, ...more });
    assertEquals(Object.keys(recipe.schedules!), ["lr", option]);
    using trainer = builtins.createTrainer({ w: new Float32Array(1) }, recipe as never);
    assertEquals(trainer.steps, 0);
  }
});

test("fromTorch() reads ReduceLROnPlateau, which follows a metric", () => {
  const state = { factor: 0.5, min_lrs: [1e-5], patience: 3, cooldown: 1, eps: 1e-8, mode: "max", threshold: 1e-3, threshold_mode: "abs" };
  const { schedules } = fromTorch({ state, groups: [{ lr: 0.1 }], optimizer: "SGD" });
  const schedule = builtins.createSchedule("reduce_lr_on_plateau", schedules!.lr.options as never, {
    value: 0.1,
    groups: [0.1],
  }) as MetricSchedule;
  for (let i = 0; i < 5; i++) schedule.update(1);
  assertEquals(schedule.factors(0), [0.5]);
});

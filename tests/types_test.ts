import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { lion } from "../examples/plugin/lion.ts";
import {
  type Backend,
  builtins,
  createBackend,
  createOptimizer,
  createRegistry,
  type Recipe,
  type Registry,
  tfRecipe,
  type Trainer,
} from "../mod.ts";
import type { MetricSchedule, OptimizerPlugin, Plugin, Schedule } from "../core/plugin/contract.ts";

const params = (): { w: Float32Array } => ({ w: new Float32Array([1, -1]) });

// Each line under @ts-expect-error must not compile; `deno check` reports it if it does. At run time all of them throw.
test("A wrong name or option does not compile, and throws where there are no types", () => {
  // @ts-expect-error: no optimizer has this name
  assertThrows(() => builtins.createOptimizer("adamww", params()), TypeError);
  // @ts-expect-error: a schedule is no optimizer
  assertThrows(() => builtins.createOptimizer("linear", params()), TypeError);
  // @ts-expect-error: the option is called weightDecay
  assertThrows(() => builtins.createOptimizer("adamw", params(), { weight_decay: 0.1 }), TypeError);
  // @ts-expect-error: a number
  assertThrows(() => builtins.createOptimizer("adamw", params(), { lr: "0.1" }), TypeError);
  // @ts-expect-error: two numbers
  assertThrows(() => builtins.createOptimizer("adamw", params(), { betas: [0.9] }), RangeError);
  // @ts-expect-error: numTrainingSteps must be given
  assertThrows(() => builtins.createSchedule("linear", { numWarmupSteps: 1 }), TypeError);
  // @ts-expect-error: its options must be given
  assertThrows(() => builtins.createSchedule("linear"), TypeError);
  // @ts-expect-error: no schedule has this name
  assertThrows(() => builtins.getScheduler("Linear"), RangeError);
  // @ts-expect-error: not among the options of mean
  assertThrows(() => builtins.createAccumulator("mean", { each: 2 }, params()), TypeError);
  // @ts-expect-error: no such setting
  assertThrows(() => builtins.createOptimizer("adamw", params(), {}, { transform: [] }), TypeError);
  // @ts-expect-error: a number of dimensions
  assertThrows(() => builtins.createOptimizer("adamw", params(), {}, { groups: [{ match: { maxRank: "1" } }] }), TypeError);
  // @ts-expect-error: a factor is a number
  assertThrows(() => builtins.createOptimizer("adamw", params(), {}, { groups: [{ match: "w", scale: { lr: "1" } }] }), TypeError);
  using optimizer = builtins.createOptimizer("adamw", params());
  // @ts-expect-error: the option is called weightDecay
  assertThrows(() => optimizer.add({ v: new Float32Array(1) }, { options: { weight_decay: 0.1 } }), TypeError);
  // @ts-expect-error: adamw has no eps1
  assertThrows(() => createRegistry([lion]).createOptimizer("my_lion", params(), { eps: 1 }), TypeError);
});

test("A stranger's plugin is typed by name in a registry, and without one", () => {
  using named = builtins.with(lion).createOptimizer("my_lion", params(), { betas: [0.95, 0.98] });
  const betas: readonly [number, number] = named.options.betas;
  using bare = createOptimizer(lion, params(), { lr: 1e-3 });
  const lr: number = bare.groups[0].current.lr;
  bare.options.weightDecay = 0.1;
  // @ts-expect-error: lion has no eps
  assertEquals(bare.options.eps, undefined);
  assertEquals([betas, lr], [[0.95, 0.98], 1e-3]);
});

test("What a schedule's name makes has its type", () => {
  const factor: number = builtins.createSchedule("constant")(3);
  const plateau = builtins.createSchedule("reduce_lr_on_plateau");
  const metric: MetricSchedule = plateau;
  const either: Schedule | MetricSchedule = builtins.getScheduler("constant");
  assertEquals([factor, metric.factors(), typeof either], [1, [1], "function"]);
});

test("Any typed registry fits where one of unknown plugins is wanted", () => {
  const names = ({ plugins }: Registry<readonly Plugin[]>): string[] => plugins.map(({ name }) => name);
  assertEquals(names(createRegistry([lion])), ["my_lion"]);
  assertEquals(names(builtins.with(lion)).includes("my_lion"), true);
});

test("A wrong name or option in a recipe does not compile, and throws where there are no types", () => {
  const optimizer = { name: "adamw" } as const;
  const make = builtins.createTrainer;
  // @ts-expect-error: no optimizer has this name
  assertThrows(() => make(params(), { optimizer: { name: "adamww" } }), TypeError);
  // @ts-expect-error: a schedule is no optimizer
  assertThrows(() => make(params(), { optimizer: { name: "linear" } }), TypeError);
  // @ts-expect-error: the option is called weightDecay
  assertThrows(() => make(params(), { optimizer: { name: "adamw", options: { weight_decay: 0.1 } } }), TypeError);
  // @ts-expect-error: an option of another optimizer
  assertThrows(() => make(params(), { optimizer: { name: "adafactor", options: { correctBias: true } } }), TypeError);
  // @ts-expect-error: a number
  assertThrows(() => make(params(), { optimizer: { name: "adamw", options: { lr: "0.1" } } }), TypeError);
  // @ts-expect-error: the key is called options
  assertThrows(() => make(params(), { optimizer: { name: "adamw", option: { lr: 0.1 } } }), TypeError);
  // @ts-expect-error: in a group, too, the option is called weightDecay
  assertThrows(() => make(params(), { optimizer, groups: [{ match: "b", options: { weight_decay: 0 } }] }), TypeError);
  // @ts-expect-error: a group matches
  assertThrows(() => make(params(), { optimizer, groups: [{ matches: "b", options: { weightDecay: 0 } }] }), TypeError);
  // @ts-expect-error: no optimizer has this name
  assertThrows(() => make(params(), { optimizer, groups: [{ match: "w", optimizer: "adagradd" }] }), TypeError);
  const other = { match: "w", optimizer: "adafactor" } as const;
  // @ts-expect-error: an option of the recipe's algorithm, not of the group's
  assertThrows(() => make(params(), { optimizer, groups: [{ ...other, options: { correctBias: true } }] }), TypeError);
  // @ts-expect-error: no such option to schedule
  assertThrows(() => make(params(), { optimizer, schedules: { learningRate: { name: "constant" } } }), TypeError);
  // @ts-expect-error: no schedule has this name
  assertThrows(() => make(params(), { optimizer, schedules: { lr: { name: "Linear" } } }), TypeError);
  const match = "w";
  // @ts-expect-error: the same in a group
  assertThrows(() => make(params(), { optimizer, groups: [{ match, schedules: { lr: { name: "Linear" } } }] }), TypeError);
  // @ts-expect-error: no such option to schedule there
  assertThrows(() => make(params(), { optimizer, groups: [{ match, schedules: { rate: { name: "constant" } } }] }), TypeError);
  // @ts-expect-error: its options must be given
  assertThrows(() => make(params(), { optimizer, schedules: { lr: { name: "linear" } } }), TypeError);
  // @ts-expect-error: numTrainingSteps must be given
  assertThrows(() => make(params(), { optimizer, schedules: { lr: { name: "linear", options: { numWarmupSteps: 1 } } } }), TypeError);
  // @ts-expect-error: not among the options of constant
  assertThrows(() => make(params(), { optimizer, schedules: { lr: { name: "constant", options: { steps: 1 } } } }), TypeError);
  // @ts-expect-error: no accumulator has this name
  assertThrows(() => make(params(), { optimizer, accumulate: { name: "average" } }), TypeError);
  // @ts-expect-error: not among the options of mean
  assertThrows(() => make(params(), { optimizer, accumulate: { name: "mean", options: { each: 2 } } }), TypeError);
  // @ts-expect-error: nobody counts the micro-batches
  assertThrows(() => make(params(), { optimizer, accumulate: { name: "mean" } }), TypeError);
  // @ts-expect-error: every is missing among the options, too
  assertThrows(() => make(params(), { optimizer, accumulate: { name: "sum", options: {} } }), TypeError);
  make(params(), { optimizer, accumulate: { name: "mean", options: { every: null } } })[Symbol.dispose]();
  // @ts-expect-error: the values of the next step are not assigned
  assertThrows(() => make(params(), { optimizer: { name: "adamw" } }).optimizer.groups[0].current.lr = 5, TypeError);
  // @ts-expect-error: no transform has this name
  assertThrows(() => make(params(), { optimizer, transforms: [{ name: "clip" }] }), TypeError);
  // @ts-expect-error: not among the options of clip_global_norm
  assertThrows(() => make(params(), { optimizer, transforms: [{ name: "clip_global_norm", options: { norm: 1 } }] }), TypeError);
  // @ts-expect-error: the key is called accumulate
  assertThrows(() => make(params(), { optimizer, accumulator: { name: "mean", options: { every: 2 } } }), TypeError);
  // @ts-expect-error: a recipe has an optimizer
  assertThrows(() => make(params(), { schedules: { lr: { name: "constant" } } }), TypeError);
});

test("A recipe types the trainer's optimizer, and may be written in any way that TypeScript allows", () => {
  const on: boolean = params().w.length > 0;
  using trainer = builtins.createTrainer(params(), {
    optimizer: { name: "adamw", options: { lr: 0.1, betas: [0.9, 0.99] } },
    groups: [{ match: "nothing", options: { weightDecay: 0 } }, { match: ["w"], optimizer: "adam_keras", options: { amsgrad: true } }],
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 10 } }, weightDecay: { name: "constant" } },
    accumulate: { name: "mean", options: { every: 4 } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }, { name: "clip_value", options: { value: 1 } }],
  });
  const lr: number = trainer.optimizer.groups[0].current.lr;
  assertEquals(lr, 0.1);
  // @ts-expect-error: adamw has no epsilon
  assertEquals(trainer.optimizer.options.epsilon, undefined);

  using either = builtins.createTrainer(params(), {
    optimizer: on ? { name: "adamw", options: { correctBias: false } } : { name: "adamw_torch", options: { amsgrad: true } },
    groups: on ? [{ match: "w", options: { weightDecay: 0 } }] : [],
    schedules: on ? { lr: { name: "constant" } } : {},
    ...(on && { transforms: [{ name: "clip_value", options: { value: 1 } }] }),
    ...(on ? { accumulate: { name: "mean", options: { every: 2 } } } : {}),
  });
  const decay: number = either.optimizer.options.weightDecay;
  assertEquals(decay, 0);
});

/** As a library of a stranger's is written: over any registry. */
function inAny<P extends readonly Plugin[]>(registry: Registry<P>, recipe: Recipe): Trainer {
  return registry.createTrainer(params(), recipe);
}

test("A recipe whose names are known only as text fits, and so do its parts", () => {
  const recipe: Recipe = tfRecipe({ initLr: 1e-3, numTrainSteps: 10, numWarmupSteps: 2 });
  const json = { optimizer: { name: "adamw", options: { lr: 0.1 } }, groups: [{ match: "w", options: { weightDecay: 0 } }] }; // as an import of JSON is typed
  const given = [
    builtins.createTrainer(params(), recipe),
    builtins.createTrainer(params(), { ...recipe, accumulate: { name: "mean", options: { every: 2 } } }),
    builtins.createTrainer(params(), { optimizer: { name: "adam_keras" }, schedules: recipe.schedules }),
    builtins.createTrainer(params(), json),
    builtins.createTrainer(params(), JSON.parse(JSON.stringify(json))),
    builtins.createTrainer(params(), { optimizer: { name: "adamw" } } satisfies Recipe),
    (builtins as unknown as Registry<readonly Plugin[]>).createTrainer(params(), { optimizer: { name: "adamw" } }),
    inAny(builtins, recipe),
  ];
  assertEquals(given.map(({ steps }) => steps), given.map(() => 0));
  for (const trainer of given) trainer[Symbol.dispose]();
});

test("allocate() gives a Float32Array, and where the dtype is known at run time only, what that may be", () => {
  using backend: Backend = createBackend("js");
  const data: Float32Array = backend.allocate([2, 3]).data;
  const patterns = backend.allocate(2, "bfloat16").data;
  // @ts-expect-error: patterns of 16 bits are no Float32Array
  const wrong: Float32Array = patterns;
  assertEquals([data.length, wrong.constructor], [6, Uint16Array]);
});

test("A plugin's slots, entries and points, and an optimizer's schedules, may depend on a condition", () => {
  const plain: OptimizerPlugin<"plain", { momentum?: boolean }> = {
    kind: "optimizer",
    name: "plain",
    description: "Descent, perhaps with momentum",
    options: { momentum: { default: true, description: "Whether it remembers" } },
    rule: ({ momentum }) => ({
      slots: momentum ? { m: { shape: "param", key: "exp_avg" } } : {},
      update: momentum ? "m += g\np -= m" : "p -= g",
      also: momentum ? { forget: "m = 0" } : {},
      points: momentum ? { ahead: "p - m" } : {},
    }),
    scalars: () => ({}),
  };
  for (const momentum of [true, false]) {
    using optimizer = createOptimizer(plain, params(), { momentum }, {
      backend: "js",
      schedules: momentum ? {} : { lr: undefined },
    });
    assertEquals(optimizer.step({ w: new Float32Array([1, 1]) }).applied, true);
    assertEquals(Object.keys(optimizer.saveState().tensors), momentum ? ["w", "w.exp_avg", "w.step"] : ["w", "w.step"]);
  }
  const undefinedEntries = { ...plain, rule: () => ({ slots: { m: undefined }, update: "p -= g", also: { forget: undefined } }) } as const;
  using optimizer = createOptimizer(undefinedEntries, params(), {}, { backend: "js" });
  assertThrows(() => optimizer.run("forget"), TypeError, "there are none");
});

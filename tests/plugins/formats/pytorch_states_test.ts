import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  loadOptimizerStateDict,
  type OptimizerStateDict,
  optimizerStateDict,
  readScheduler,
  schedulerOf,
  schedulerStateDict,
  type TorchValue,
} from "../../../plugins/formats/pytorch.ts";
import { builtins } from "../../../mod.ts";
import type { Optimizer } from "../../../core/types.ts";

const shapes = { w: [2, 3], b: [3] } as const;
const params = () => ({
  w: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: shapes.w },
  b: { data: Float32Array.of(1, 2, 3), shape: shapes.b },
});
const grads = { w: { data: new Float32Array(6).fill(0.5), shape: shapes.w }, b: { data: new Float32Array(3).fill(-1), shape: shapes.b } };
const adamw = (options: object = {}): Optimizer =>
  builtins.createOptimizer("adamw_torch", params(), { lr: 0.1, ...options }, { backend: "js" }) as Optimizer;

/** A dictionary after one step, with changes. */
function dictWith(
  change: (dict: { state: Record<string, Record<string, TorchValue>>; param_groups: Record<string, TorchValue>[] }) => void = () => {},
) {
  using optimizer = adamw();
  optimizer.step(grads);
  const dict = structuredClone(optimizerStateDict(optimizer)) as never;
  change(dict);
  return dict as unknown as OptimizerStateDict;
}
const float = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length], dtype: "float32" as const });

const refusals: readonly (readonly [what: string, dict: TorchValue, error: ErrorConstructor, text: string])[] = [
  ["nothing", null, TypeError, "it is no dictionary"],
  ["other keys", { model: {} }, TypeError, "no state and param_groups"],
  ["groups without parameters", { state: {}, param_groups: [{ lr: 1 }] }, TypeError, "has no params"],
  ["positions out of order", dictWith(({ param_groups }) => param_groups[0].params = [1, 0]), RangeError, "not 0, 1, 2"],
  [
    "fewer parameters",
    dictWith(({ param_groups, state }) => {
      param_groups[0].params = [0];
      delete state["1"];
    }),
    RangeError,
    "it is of 1 parameters, and there are names of 2",
  ],
  ["a state of no parameter", dictWith(({ state }) => state["2"] = {}), RangeError, 'a state under "2"'],
  [
    "another shape",
    dictWith(({ state }) => state["1"].exp_avg = float(1, 2)),
    RangeError,
    'exp_avg of "b" has shape [2], and here it is [3]',
  ],
  [
    "another dtype",
    dictWith(({ state }) => state["1"].exp_avg = { data: new Float64Array(3), shape: [3], dtype: "float64" }),
    RangeError,
    "is float64, and here it is float32",
  ],
  ["no tensor", dictWith(({ state }) => state["1"].exp_avg = "x"), TypeError, "is no tensor"],
  [
    "a tensor whose shape is a tensor",
    dictWith(({ state }) => state["1"].exp_avg = { ...float(1, 2, 3), shape: float(1) } as never),
    TypeError,
    "is no tensor",
  ],
  [
    "fewer elements than its shape has",
    dictWith(({ state }) => state["1"].exp_avg = { ...float(1, 2), shape: [3] }),
    TypeError,
    "is no tensor",
  ],
  [
    "another algorithm's slots",
    dictWith(({ state }) => state["1"].square_avg = float(1, 2, 3)),
    TypeError,
    'it has "square_avg" of "b"; with these options there are here: exp_avg, exp_avg_sq',
  ],
  ["a slot that is not kept here", dictWith(({ state }) => state["1"].max_exp_avg_sq = float(1, 2, 3)), TypeError, "max_exp_avg_sq"],
  ["a slot missing", dictWith(({ state }) => delete state["1"].exp_avg_sq), TypeError, 'no exp_avg_sq of "b"'],
  ["half a step", dictWith(({ state }) => state["1"].step = 1.5), RangeError, 'the step of "b" is no number of steps'],
  ["no step", dictWith(({ state }) => delete state["1"].step), RangeError, 'the step of "b"'],
  ["a step in a list", dictWith(({ state }) => state["1"].step = float(1)), RangeError, 'the step of "b"'],
  [
    "a decay that is not decoupled",
    dictWith(({ param_groups }) => param_groups[0].decoupled_weight_decay = false),
    TypeError,
    'that is "adam"',
  ],
  ["an option out of its range", dictWith(({ param_groups }) => Object.assign(param_groups[0], { lr: 0.5, eps: -1 })), RangeError, "eps"],
];
for (const [what, dict, error, text] of refusals) {
  test(`a dictionary with ${what} is refused, and nothing has changed`, () => {
    using optimizer = adamw();
    const before = [optimizer.saveState(), optimizer.groups[0].options];
    const copy = structuredClone(before);
    assertThrows(() => loadOptimizerStateDict(optimizer, dict), error, text);
    assertEquals([optimizer.saveState(), { ...optimizer.groups[0].options as object }], copy as never);
  });
}

test("a dictionary is taken by names in PyTorch's order, by its own names, and by ours", () => {
  using from = adamw();
  from.step(grads);
  const theirs = optimizerStateDict(from, { names: ["b", "w"] });
  assertEquals((theirs.state["0"].exp_avg as { shape: number[] }).shape, [3]);
  const named = { ...theirs, param_groups: [{ ...theirs.param_groups[0], param_names: ["b", "w"] }] };
  for (const [dict, names] of [[theirs, ["b", "w"]], [named, undefined], [optimizerStateDict(from), undefined]] as const) {
    using optimizer = adamw();
    loadOptimizerStateDict(optimizer, dict as TorchValue, { names });
    const { tensors } = optimizer.saveState();
    assertEquals(tensors["b.exp_avg"].data, from.saveState().tensors["b.exp_avg"].data);
    assertEquals(tensors["w.step"].data[0], 1);
  }
  using optimizer = adamw();
  assertThrows(() => loadOptimizerStateDict(optimizer, theirs, { names: ["b", "c"] }), TypeError, 'parameter "c" is not here');
  assertThrows(() => loadOptimizerStateDict(optimizer, theirs, { names: ["b", "b"] }), TypeError, 'named "b"');
  assertThrows(() => optimizerStateDict(optimizer, { names: ["b"] }), TypeError, '"w" is not in both lists');
});

test("options are taken over unless that is not wanted, and what is none here is noted", () => {
  const dict = dictWith(({ param_groups }) => Object.assign(param_groups[0], { lr: 0.5, betas: [0.8, 0.99], lr_scale: 0.1, fused: true }));
  using optimizer = adamw();
  const { notes } = loadOptimizerStateDict(optimizer, dict);
  assertEquals(notes, ["group 0 has lr_scale there, which is no option here"]);
  assertEquals([(optimizer.options as { lr: number }).lr, optimizer.groups[0].options], [0.1, {
    ...optimizer.options as object,
    lr: 0.5,
    betas: [0.8, 0.99],
  }]);
  using other = adamw();
  const told = loadOptimizerStateDict(other, dict, { options: false }).notes;
  assertEquals(told, ["the learning rate of group 0 was 0.5 there and is 0.1 here"]);
  assertEquals((other.groups[0].options as { lr: number }).lr, 0.1);
});

test("a parameter without a state there starts anew, but not one that has gone on here", () => {
  const dict = dictWith(({ state }) => delete state["1"]);
  using optimizer = adamw();
  loadOptimizerStateDict(optimizer, dict);
  assertEquals(["w", "b"].map((name) => optimizer.saveState().tensors[`${name}.step`].data[0]), [1, 0]);
  using other = adamw();
  other.step(grads);
  assertThrows(() => loadOptimizerStateDict(other, dict), RangeError, "load it into a new optimizer");
});

test("moments of 16 bits are widened where they are float32 here, and never narrowed", () => {
  for (const [dtype, bits] of [["bfloat16", [0x3f80, 0xbf00, 0x0001]], ["float16", [0x3c00, 0xb800, 0x0001]]] as const) {
    const half = { data: Uint16Array.from(bits), shape: [3], dtype };
    using optimizer = adamw();
    loadOptimizerStateDict(optimizer, dictWith(({ state }) => state["1"].exp_avg = half));
    const least = dtype === "bfloat16" ? 2 ** -133 : 2 ** -24;
    assertEquals([...optimizer.saveState().tensors["b.exp_avg"].data], [1, -0.5, least]);
  }
  const bits = { data: Uint16Array.of(0x3f80, 0x3f80), shape: [2], dtype: "bfloat16" as const };
  using narrow = builtins.createOptimizer("adamw_torch", { p: bits }, {}, { backend: "js" });
  const wide = { state: { "0": { step: 1, exp_avg: float(1, 2), exp_avg_sq: float(1, 2) } }, param_groups: [{ params: [0] }] };
  assertThrows(() => loadOptimizerStateDict(narrow, wide), RangeError, "see option stateDtype");
});

test("an algorithm that PyTorch does not have, and groups of another algorithm, are refused by name", () => {
  using lion = builtins.createOptimizer("lion", params(), {}, { backend: "js" });
  assertThrows(() => optimizerStateDict(lion), TypeError, 'Cannot exchange "lion" with PyTorch: known are sgd, adam');
  using mixed = builtins.createOptimizer("sgd", params(), {}, { backend: "js", groups: [{ match: "^b$", optimizer: "lion" }] });
  const error = assertThrows(() => optimizerStateDict(mixed), TypeError, "another algorithm");
  assertEquals((error as { group?: number }).group, 0);
  using muon = builtins.createOptimizer("muon", params(), { nsCoefficients: "original", adjustLrFn: "original" }, { backend: "js" });
  muon.step(grads);
  assertThrows(() => optimizerStateDict(muon), TypeError, "it takes matrices alone");
  using quintic = builtins.createOptimizer("muon", { m: { data: new Float32Array(16), shape: [4, 4] } }, {}, { backend: "js" });
  const refused = assertThrows(() => optimizerStateDict(quintic), RangeError, "nsCoefficients");
  assertEquals((refused as { option?: string }).option, "nsCoefficients");
});

test("Adagrad has its sums from the start, others no state before their first step", () => {
  using adagrad = builtins.createOptimizer("adagrad", params(), {}, { backend: "js" });
  assertEquals(Object.keys(optimizerStateDict(adagrad).state), ["0", "1"]);
  using optimizer = adamw();
  assertEquals(optimizerStateDict(optimizer).state, {});
});

test("a plateau goes on where it was in PyTorch", () => {
  const recipe = {
    optimizer: { name: "sgd", options: { lr: 0.1 } },
    schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5 } } },
  } as const;
  using trainer = builtins.createTrainer(params(), recipe, { backend: "js" });
  for (const loss of [3, 4, 2]) {
    trainer.add(grads);
    trainer.update(loss);
  }
  const dict = optimizerStateDict(trainer);
  const scheduler = schedulerStateDict(schedulerOf(trainer));
  assertEquals([dict.param_groups[0].lr, dict.param_groups[0].initial_lr], [0.05, 0.1]);
  assertEquals([scheduler.best, scheduler.num_bad_epochs, scheduler.min_lrs, scheduler._last_lr], [2, 0, [0], [0.05]]);
  using other = builtins.createTrainer(params(), recipe, { backend: "js" });
  const { notes } = loadOptimizerStateDict(other, dict, { scheduler });
  assertEquals(notes, []);
  for (const one of [trainer, other]) one.update(5);
  assertEquals(other.optimizer.groups[0].current.lr, trainer.optimizer.groups[0].current.lr);
  assertEquals(other.optimizer.groups[0].current.lr, 0.025);
  using plain = builtins.createOptimizer("sgd", params(), {}, { backend: "js" });
  assertThrows(() => loadOptimizerStateDict(plain, dict, { scheduler }), TypeError, "follows a metric, and no schedule of lr does here");
});

test("a greedy schedule goes on where it was", () => {
  const options = { patience: 0, factor: 0.5, smooth: true, windowSize: 2, minLr: 1e-4 };
  const recipe = { optimizer: { name: "sgd", options: { lr: 0.1 } }, schedules: { lr: { name: "greedy", options } } } as const;
  using trainer = builtins.createTrainer(params(), recipe, { backend: "js" });
  for (const loss of [3, 4, 2, 1]) {
    trainer.add(grads);
    trainer.update(loss);
  }
  const scheduler = schedulerStateDict(schedulerOf(trainer));
  assertEquals([scheduler._init_lrs, scheduler.reset_start_original, scheduler._streaming_avg], [[0.1], 500, {
    window_size: 2,
    values: [2, 1],
    sum: 3,
  }]);
  // Another base value here: the one that it began with there is taken.
  using other = builtins.createTrainer(params(), { ...recipe, optimizer: { name: "sgd", options: { lr: 0.7 } } }, { backend: "js" });
  const { initial_lr: _, ...group } = optimizerStateDict(trainer).param_groups[0];
  const { notes } = loadOptimizerStateDict(other, { state: optimizerStateDict(trainer).state, param_groups: [group] } as TorchValue, {
    scheduler,
  });
  assertEquals([notes, other.optimizer.groups[0].options.lr], [[], 0.1]);
  for (const loss of [5, 6, 7]) for (const one of [trainer, other]) one.update(loss);
  assertEquals(other.optimizer.groups[0].current.lr, trainer.optimizer.groups[0].current.lr);
});

test("a trainer's schedule is told for PyTorch, and read again as its recipe has it", () => {
  const schedule = {
    name: "sequence",
    options: {
      milestones: [2],
      schedules: [{ name: "constant_lr", options: { factor: 0.5, totalIters: 2 } }, { name: "exponential", options: { gamma: 0.9 } }],
    },
  };
  using trainer = builtins.createTrainer(params(), { optimizer: { name: "sgd", options: { lr: 0.1 } }, schedules: { lr: schedule } }, {
    backend: "js",
  });
  for (let t = 0; t < 3; t++) trainer.add(grads);
  const state = readScheduler(schedulerStateDict(schedulerOf(trainer)));
  assertEquals([state.schedule, state.steps], [schedule, 3]);
  assertEquals(state.lastLrs, [trainer.optimizer.groups[0].current.lr]);
  using none = builtins.createTrainer(params(), { optimizer: { name: "sgd" } }, { backend: "js" });
  assertThrows(() => schedulerOf(none), TypeError, "no schedule of lr");
});

test("each class of schedulers is read as what wrote it", () => {
  const at = { steps: 5, baseLrs: [0.1, 0.2], lastLrs: [0.01, 0.02] };
  const schedules: readonly { readonly name: string; readonly options: Record<string, unknown> }[] = [
    { name: "step", options: { stepSize: 2, gamma: 0.5 } },
    { name: "multistep", options: { milestones: [2, 2, 7], gamma: 0.5 } },
    { name: "exponential", options: { gamma: 0.9 } },
    { name: "constant_lr", options: { factor: 0.5, totalIters: 3 } },
    { name: "linear_lr", options: { startFactor: 0.5, endFactor: 1, totalIters: 3 } },
    { name: "polynomial_lr", options: { totalIters: 3, power: 2 } },
    { name: "cosine_annealing", options: { tMax: 3, etaMin: 0.1 } },
    { name: "cosine_annealing_warm_restarts", options: { t0: 2, tMult: 2, etaMin: 0 } },
    { name: "product", options: { schedules: [{ name: "exponential", options: { gamma: 0.9 } }] } },
  ];
  for (const schedule of schedules) {
    const dict = schedulerStateDict({ schedule, ...at });
    assertEquals(readScheduler(dict), { schedule, ...at });
  }
  assertEquals(
    [0, 1, 2, 5, 6, 13, 14].map((steps) => {
      const { T_i, T_cur } = schedulerStateDict({ ...at, schedule: schedules[7], steps });
      return [T_i, T_cur];
    }),
    [[2, 0], [2, 1], [4, 0], [4, 3], [8, 0], [8, 7], [16, 0]],
  );
  assertEquals(readScheduler(schedulerStateDict({ schedule: { name: "linear", options: {} }, ...at })).schedule, null);
});

test("a scheduler whose dictionary does not say what it is says where it is", () => {
  for (
    const dict of [
      { last_epoch: 4, _schedule_phases: [] },
      { last_epoch: 4, base_lrs: [0.1], max_lrs: [0.2], step_ratio: 0.5, gamma: 1 },
      { last_epoch: 4, _milestones: [1], _schedulers: [{ last_epoch: 0, lr_lambdas: [null] }] },
    ] as TorchValue[]
  ) {
    const { schedule, steps } = readScheduler(dict);
    assertEquals([schedule, steps], [null, 4]);
  }
});

test("a learning rate that a schedule of values stands for is not taken over, and that is told", () => {
  const schedules = { lr: { name: "polynomial_decay", options: { initialLearningRate: 0.3, decaySteps: 10 } } };
  using optimizer = builtins.createOptimizer("adamw_torch", params(), {}, { backend: "js", schedules });
  const { notes } = loadOptimizerStateDict(optimizer, dictWith());
  assertEquals(notes.length, 2);
  assertEquals(notes[0].startsWith("the learning rate 0.1 is not taken over: "), true);
  assertEquals(notes[1].startsWith("the learning rate of group 0 was 0.1 there and is 0."), true);
});

test("a scheduler's dictionary that says nothing known is refused", () => {
  for (
    const [dict, text] of [
      [null, "no dictionary"],
      [{ last_epoch: "x" }, "last_epoch is x"],
      [{ last_epoch: 1, T_mult: 2 }, "those of no class that is known"],
      [{ last_epoch: 1, base_lrs: ["a"] }, "base_lrs are no list of numbers"],
      [multistep([2, 5]), "no Counter"],
      [multistep(null), "no Counter"],
      [multistep({ a: 1 }), "have NaN 1 times"],
      [multistep({ "2": -1 }), "have 2 -1 times"],
      [multistep({ "2": 1.5 }), "have 2 1.5 times"],
      // Kilobytes of a file would become gigabytes.
      [multistep({ "2": 1e9 }), "its 1 milestones are there 1000000000 times"],
      [multistep({ "2": 600, "3": 600 }), "its 2 milestones are there 1200 times"],
    ] as const
  ) {
    assertThrows(() => readScheduler(dict as TorchValue), TypeError, text);
  }
});

function multistep(milestones: TorchValue): TorchValue {
  return { milestones, gamma: 0.1, base_lrs: [0.1], last_epoch: 1 };
}

test("a milestone that is there twice counts twice", () => {
  const { schedule } = readScheduler(multistep({ "5": 1, "2": 2 }));
  assertEquals(schedule, { name: "multistep", options: { milestones: [2, 2, 5], gamma: 0.1 } });
});

test("options that are not known are refused, since a misspelt name would put states into other places", () => {
  using optimizer = adamw();
  const dict = dictWith();
  const load = () => loadOptimizerStateDict(optimizer, dict, { name: ["b", "w"] } as never);
  assertThrows(load, TypeError, 'it has no "name"; known are names, options, scheduler, steps');
  assertThrows(() => loadOptimizerStateDict(optimizer, dict, { schedule: null } as never), TypeError, 'it has no "schedule"');
  assertThrows(() => optimizerStateDict(optimizer, { name: ["b", "w"] } as never), TypeError, 'it has no "name"');
  assertEquals(optimizer.steps, 0);
});

test("SGD without momentum has had a step where its state is only that there is no buffer", () => {
  using optimizer = builtins.createOptimizer("sgd", params(), { lr: 0.1 }, { backend: "js" });
  optimizer.step(grads);
  const dict = optimizerStateDict(optimizer);
  assertEquals(dict.state["0"], { momentum_buffer: null });
  using other = builtins.createOptimizer("sgd", params(), { lr: 0.1 }, { backend: "js" });
  loadOptimizerStateDict(other, dict);
  assertEquals([other.steps, other.saveState().tensors["b.step"].data[0]], [1, 1]);
});

test("warm restarts of one length say where in a wave they are", () => {
  const schedule = { name: "cosine_annealing_warm_restarts", options: { t0: 4 } };
  const { T_i, T_cur } = schedulerStateDict({ schedule, steps: 9, baseLrs: [0.1], lastLrs: [0.1] });
  assertEquals([T_i, T_cur], [4, 1]);
});

test("a plateau says what is worse than all, by its mode", () => {
  const seen = { best: "1", numBadEpochs: 0, cooldownCounter: 0 };
  const worst = (mode: string) => {
    const schedule = { name: "reduce_lr_on_plateau", options: { mode } };
    return schedulerStateDict({ schedule, steps: 1, baseLrs: [0.1], lastLrs: [0.1], seen }).mode_worse;
  };
  assertEquals([worst("min"), worst("max")], [Infinity, -Infinity]);
});

test("an option that is too large for a number is refused as such", () => {
  using optimizer = adamw();
  const dict = dictWith(({ param_groups }) => param_groups[0].lr = 2n ** 70n);
  assertThrows(() => loadOptimizerStateDict(optimizer, dict), RangeError, "lr of its group is 1180591620717411303424");
});

test("a learning rate that is no number is refused, and not told as one that a schedule stands for", () => {
  using optimizer = adamw();
  const dict = dictWith(({ param_groups }) => param_groups[0].lr = "0.1");
  assertThrows(() => loadOptimizerStateDict(optimizer, dict), TypeError, 'lr = "0.1"');
  assertEquals(optimizer.steps, 0);
});

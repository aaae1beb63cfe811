import { test } from "node:test";
import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Grads, Optimizer, Settings, StateDict, Tensor } from "../../core/types.ts";
import { available } from "../../kernels/detect.ts";
import { builtins } from "../../mod.ts";
import { adafactor } from "../../plugins/optimizers/adafactor.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { adamwTorch } from "../../plugins/optimizers/adamw_torch.ts";
import { nadam } from "../../plugins/optimizers/nadam.ts";
import { prodigy } from "../../plugins/optimizers/prodigy.ts";
import { scheduleFreeAdamw } from "../../plugins/optimizers/schedule_free_adamw.ts";
import { counting, everything } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const wave = (size: number, phase: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.fround(((i * 37 + phase * 11) % 23) / 23 - 0.4));

const makeParams = (): Record<string, Tensor> => ({
  w: { data: wave(12, 1), shape: [3, 4] },
  low: { data: Uint16Array.from({ length: 6 }, (_, i) => 0x3f80 + 9 * i), shape: [2, 3], dtype: "bfloat16" },
  bias: { data: wave(4, 2) },
});
const gradsAt = (t: number): Grads => ({
  w: { data: wave(12, t), shape: [3, 4] },
  low: { data: wave(6, t + 1), shape: [2, 3] },
  bias: t === 2 ? null : wave(4, t + 3),
});

const algorithms: [plugin: OptimizerPlugin<string, object>, options: object][] = [
  [adamw, { weightDecay: 0.1 }],
  [adamwTorch, { amsgrad: true }],
  [adafactor, { beta1: 0.9 }],
  [nadam, {}],
  [prodigy, {}],
  [scheduleFreeAdamw, {}],
  [everything, {}],
];
for (const [plugin, options] of algorithms) {
  for (const backend of available()) {
    test(`${plugin.name}() on backend ${backend} goes on from a saved state bit for bit`, () => {
      const settings: Settings<object> = {
        backend,
        groups: [{ match: "bias" }],
        schedules: { lr: plugin === adafactor ? (() => 1) : (step) => 1 / (step + 1) },
      };
      if (plugin === adafactor) delete (settings as { schedules?: unknown }).schedules;
      const params = makeParams();
      using first = createOptimizer(plugin, params, options, settings);
      for (let t = 1; t <= 3; t++) first.step(gradsAt(t));
      // As a file would keep it.
      const state = structuredClone(first.saveState());
      for (let t = 4; t <= 6; t++) first.step(gradsAt(t));
      const resumed = Object.fromEntries(
        Object.entries(makeParams()).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice().fill(0) }]),
      );
      using second = createOptimizer(plugin, resumed, options, settings);
      second.loadState(state);
      assertEquals(second.steps, 3);
      for (let t = 4; t <= 6; t++) second.step(gradsAt(t));
      assertEquals(second.saveState(), first.saveState());
      for (const name of Object.keys(params)) assertEquals(resumed[name].data, params[name].data);
    });
  }
}

test("A saved state is copies on plain buffers, which no later step changes", () => {
  for (const backend of available()) {
    using optimizer = createOptimizer(adamw, makeParams(), {}, { backend });
    optimizer.step(gradsAt(1));
    const state = optimizer.saveState();
    const before = structuredClone(state);
    optimizer.step(gradsAt(2));
    assertEquals(state, before);
    assertNotEquals(state, optimizer.saveState());
    for (const { data } of Object.values(state.tensors)) {
      assert(data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength);
    }
  }
});

test("A state says its algorithm and its steps, and has PyTorch's names", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1, 2) }, {}, { backend: "js" });
  optimizer.step({ w: f32(1, 1) });
  const { tensors, metadata } = optimizer.saveState();
  assertEquals(Object.keys(tensors), ["w", "w.exp_avg", "w.exp_avg_sq", "w.step"]);
  assertEquals(tensors["w.step"], { data: Float64Array.of(1), shape: [], dtype: "float64" });
  assertEquals([metadata.optimizer, metadata.steps], ["adamw", "1"]);
  assert(Object.values(metadata).every((value) => typeof value === "string"));
});

test("A state without metadata counts as many steps as its tensor with the most", () => {
  using optimizer = createOptimizer(adamw, makeParams(), {}, { backend: "js" });
  for (let t = 1; t <= 3; t++) optimizer.step(gradsAt(t));
  const { tensors } = optimizer.saveState();
  using other = createOptimizer(adamw, makeParams(), {}, { backend: "js" });
  other.loadState({ tensors, metadata: {} });
  assertEquals([other.steps, other.saveState().tensors["bias.step"].data[0]], [3, 2]);
});

test("A group's own step count comes back, and without metadata it is that of its tensor with the most", () => {
  const make = (): Optimizer<unknown> =>
    createOptimizer(counting("group"), { w: f32(0), b: f32(0) }, {}, { backend: "js" }) as Optimizer<unknown>;
  using first = make();
  first.step({ w: f32(0) });
  first.step({ b: f32(0) });
  first.step({ b: f32(0) });
  const { tensors, metadata } = first.saveState();
  assertEquals(metadata["group.0.step"], "3");
  for (const [state, t] of [[{ tensors, metadata }, 4], [{ tensors, metadata: {} }, 3]] as const) {
    using second = make();
    second.loadState(state);
    second.step({ w: f32(0) });
    assertEquals(second.params.w.data[0], 1 + t);
  }
  using third = make();
  assertThrows(() => third.loadState({ tensors, metadata: { ...metadata, "group.0.step": "-1" } }), RangeError, "group 0");
  assertEquals([third.steps, third.params.b.data[0]], [0, 0]);
});

test("A loaded state goes into the arrays that the user passed", () => {
  for (const backend of available()) {
    const w = f32(1, 2);
    using optimizer = createOptimizer(adamw, { w }, {}, { backend });
    const state = optimizer.saveState();
    w.fill(9);
    optimizer.loadState(state);
    assertEquals(w, f32(1, 2));
  }
});

test("A plateau's state goes with the optimizer's", () => {
  const make = () =>
    builtins.createOptimizer("adamw", { w: f32(1, 2) }, { lr: 1 }, {
      backend: "js",
      schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 1, factor: 0.5 } } },
    });
  using first = make();
  for (const metric of [1, 2, 3, 4]) first.update(metric);
  using second = make();
  second.loadState(structuredClone(first.saveState()));
  assertEquals(second.groups[0].current.lr, first.groups[0].current.lr);
  assertEquals(second.groups[0].current.lr, 0.5);
  for (const optimizer of [first, second]) optimizer.update(5);
  for (const optimizer of [first, second]) optimizer.update(6);
  assertEquals([first.groups[0].current.lr, second.groups[0].current.lr], [0.25, 0.25]);
  const broken = first.saveState();
  const before = second.saveState();
  assertThrows(() => second.loadState({ ...broken, metadata: { ...broken.metadata, "schedule.lr": "{" } }), RangeError, "JSON");
  assertThrows(() => second.loadState({ ...broken, metadata: { ...broken.metadata, "schedule.lr": `{"values":[1,2]}` } }));
  const { metadata } = { ...broken, metadata: { ...broken.metadata, "schedule.lr": 3 as unknown as string } };
  assertThrows(() => second.loadState({ ...broken, metadata }), TypeError, "schedule");
  assertEquals(second.saveState(), before);
});

type Edit = (tensors: Record<string, StateDict["tensors"][string]>, metadata: Record<string, string>) => unknown;
const bad: [what: string, edit: Edit, error: typeof TypeError | typeof RangeError, text: string][] = [
  ["without a slot", (tensors) => delete tensors["w.momentum"], TypeError, `"w.momentum"`],
  ["without a parameter", (tensors) => delete tensors.w, TypeError, `"w"`],
  ["without a step count", (tensors) => delete tensors["w.step"], TypeError, `"w.step"`],
  ["without a group slot", (tensors) => delete tensors["group.0.count"], TypeError, "group.0.count"],
  ["with an unknown tensor", (tensors) => tensors["w.exp_avg"] = tensors.w, TypeError, `"w.exp_avg"`],
  ["with another shape", (tensors) => tensors["w.start"] = { ...tensors["w.start"], shape: [2, 1] }, RangeError, "[2, 1]"],
  [
    "with another dtype",
    (tensors) => tensors["w.start"] = { data: new Uint16Array(2), shape: [1, 2], dtype: "bfloat16" },
    RangeError,
    "bfloat16",
  ],
  ["with too little data", (tensors) => tensors["w.start"] = { ...tensors["w.start"], data: f32(1) }, RangeError, "elements"],
  [
    "with data of another class",
    (tensors) => tensors["w.start"] = { ...tensors["w.start"], data: new Float64Array(2) },
    RangeError,
    "Float64Array",
  ],
  ["with a tensor that is none", (tensors) => tensors["w.start"] = null as unknown as StateDict["tensors"][string], TypeError, "w.start"],
  [
    "with a fraction of a step",
    (tensors) => tensors["w.step"] = { data: Float64Array.of(1.5), shape: [], dtype: "float64" },
    RangeError,
    "1.5",
  ],
  [
    "with steps before the first",
    (tensors) => tensors["w.step"] = { data: Float64Array.of(-1), shape: [], dtype: "float64" },
    RangeError,
    "-1",
  ],
  ["of another algorithm", (_, metadata) => metadata.optimizer = "lion", TypeError, "lion"],
  ["of another format", (_, metadata) => metadata.format = "glissade.9", RangeError, "glissade.9"],
  ...["many", "", " ", "1e3", "+1", "-1", "01", "1.0", "9007199254740993"].map((text): typeof bad[number] => [
    `whose number of steps is ${JSON.stringify(text)}`,
    (_, metadata) => metadata.steps = text,
    RangeError,
    `steps is ${JSON.stringify(text)}`,
  ]),
  ...[3, true, null].map((value): typeof bad[number] => [
    `whose number of steps is ${value} and no text`,
    (_, metadata) => metadata.steps = value as unknown as string,
    TypeError,
    `steps is ${value}`,
  ]),
];
for (const [what, edit, error, text] of bad) {
  test(`loadState refuses a state ${what}, and nothing has changed`, () => {
    const w = { data: f32(1, 2), shape: [1, 2] };
    using optimizer = createOptimizer(everything, { w }, {}, { backend: "js" });
    const saved = optimizer.saveState();
    optimizer.step({ w: f32(1, 1) });
    const before = optimizer.saveState();
    const [tensors, metadata] = [{ ...saved.tensors }, { ...saved.metadata }];
    edit(tensors, metadata);
    const thrown = assertThrows(() => optimizer.loadState({ tensors, metadata }), error);
    assertStringIncludes(thrown.message, text);
    assertEquals([optimizer.saveState(), optimizer.steps, w.data], [before, 1, before.tensors.w.data]);
  });
}

test("loadState refuses what is no state", () => {
  using optimizer: Optimizer<unknown> = createOptimizer(adamw, { w: f32(1) }, {}, { backend: "js" }) as Optimizer<unknown>;
  for (
    const state of [null, undefined, 3, [], {}, new Map(), { tensors: new Map(), metadata: {} }, { tensors: [] }, {
      tensors: {},
      metadata: 3,
    }]
  ) {
    assertThrows(() => optimizer.loadState(state as unknown as StateDict), TypeError);
  }
});

test("One error says all that is wrong with a state", () => {
  const params = { w: { data: f32(1, 2), shape: [1, 2] }, b: f32(3) };
  using optimizer = createOptimizer(adamw, params, {}, { backend: "js" });
  const { tensors, metadata } = optimizer.saveState();
  const { "w.exp_avg": _, "b.step": __, ...some } = tensors;
  const state = {
    tensors: {
      ...some,
      "w.exp_avg_sq": { ...tensors["w.exp_avg_sq"], shape: [2] },
      b: { data: new Uint16Array(1), shape: [1], dtype: "bfloat16" as const },
      "w.momentum": tensors.w,
      c: tensors.w,
    },
    metadata: { ...metadata, steps: "many" },
  };
  const before = optimizer.saveState();
  const { message } = assertThrows(() => optimizer.loadState(state), TypeError);
  for (
    const text of [
      "7 things",
      `no tensor "w.exp_avg"`,
      `no tensor "b.step"`,
      `"w.exp_avg_sq" has shape [2]`,
      `"b" is "bfloat16", not float32`,
      `a tensor "w.momentum"`,
      `a tensor "c"`,
      `"many"`,
    ]
  ) assertStringIncludes(message, text);
  assertEquals(optimizer.saveState(), before);
});

test("A partial load takes what is there, and says what it left and what is missing", () => {
  const make = (w: Float32Array) => createOptimizer(adamw, { w, b: f32(3) }, {}, { backend: "js" });
  using first = make(f32(1, 2));
  first.step({ w: f32(1, 1), b: f32(1) });
  const { tensors, metadata } = first.saveState();
  using second = make(f32(0, 0));
  second.step({ b: f32(1) });
  const before = second.saveState();
  const state: StateDict = { tensors: { w: tensors.w, "w.step": tensors["w.step"], head: tensors.w }, metadata: {} };
  assertThrows(() => second.loadState(state), TypeError, "head");
  assertEquals(second.saveState(), before);
  assertEquals(second.loadState(state, { partial: true }), {
    taken: ["w", "w.step"],
    ignored: ["head"],
    missing: ["w.exp_avg", "w.exp_avg_sq", "b", "b.exp_avg", "b.exp_avg_sq", "b.step"],
  });
  assertEquals(second.saveState().tensors, { ...before.tensors, w: tensors.w, "w.step": tensors["w.step"] });
  // Weights alone, as PyTorch's users save them, say nothing of steps.
  using third = make(f32(0, 0));
  third.step({ b: f32(1) });
  third.step({ b: f32(1) });
  third.loadState({ tensors: { w: tensors.w }, metadata: { format: "pt" } }, { partial: true });
  assertEquals(third.steps, 2);
  const small = { ...tensors.w, shape: [1], data: f32(1) };
  assertThrows(() => third.loadState({ tensors: { w: small }, metadata }, { partial: true }), RangeError, "[1]");
  assertThrows(() => third.loadState(state, { partial: 1 as unknown as boolean }), TypeError, "partial");
  assertThrows(() => third.loadState(state, { strict: false } as object), TypeError, "strict");
});

test("A slot that starts as a copy of its parameter starts from the one that a partial load took", () => {
  for (const backend of available()) {
    using optimizer = createOptimizer(everything, { w: { data: f32(1, 2), shape: [1, 2] } }, {}, { backend });
    const tensors = { w: { data: f32(5, 6), shape: [1, 2], dtype: "float32" as const } };
    optimizer.loadState({ tensors, metadata: {} }, { partial: true });
    assertEquals(optimizer.saveState().tensors["w.start"].data, f32(5, 6));
  }
});

test("A step count is read in every type of numbers that holds it exactly", () => {
  using optimizer = createOptimizer(adamw, { w: f32(1) }, {}, { backend: "js" });
  const { tensors, metadata } = optimizer.saveState();
  const load = (data: unknown, dtype: string, shape: number[] = []): number => {
    optimizer.loadState({ tensors: { ...tensors, "w.step": { data, dtype, shape } as never }, metadata });
    return optimizer.saveState().tensors["w.step"].data[0];
  };
  assertEquals(load(f32(3), "float32"), 3);
  assertEquals(load(BigInt64Array.of(2n ** 53n - 1n), "int64"), 2 ** 53 - 1);
  assertEquals(load(BigUint64Array.of(7n), "uint64"), 7);
  assertEquals(load(Int32Array.of(5), "int32"), 5);
  assertEquals(load(Uint8Array.of(200), "uint8"), 200);
  assertEquals(load(Uint16Array.of(0x4040), "bfloat16"), 3);
  assertEquals(load(Uint16Array.of(0x4200), "float16"), 3);
  assertEquals(load(Uint16Array.of(0x4200), "uint16"), 0x4200);
  const wrong: [unknown, string, number[]?][] = [
    [BigInt64Array.of(2n ** 53n), "int64"],
    [BigInt64Array.of(-1n), "int64"],
    [f32(2.5), "float32"],
    [f32(Infinity), "float32"],
    [f32(3), "int32"],
    [Int32Array.of(3), "float32"],
    [f32(3, 4), "float32"],
    [f32(3), "float32", [1]],
    [f32(3), "complex64"],
    [f32(3), "toString"],
  ];
  for (const [data, dtype, shape] of wrong) assertThrows(() => load(data, dtype, shape), RangeError, `"w.step"`);
  assertEquals(optimizer.saveState().tensors["w.step"].data[0], 0x4200);
});

test("A slot without a key is not saved, whatever its shape", () => {
  const slots = { a: "param", b: "row", c: "scalar", d: "group" } as const;
  const plugin: OptimizerPlugin<"kept", object> = {
    kind: "optimizer",
    name: "kept",
    description: "Slots with and without a key",
    options: {},
    rule: () => ({
      slots: Object.fromEntries(
        Object.entries(slots).flatMap(([name, shape]) => [[name, { shape, key: name }], [`${name}0`, { shape, key: null }]]),
      ),
      update: "d += 1\nd0 += 1\np -= g",
    }),
    scalars: () => ({}),
  };
  using optimizer = createOptimizer(plugin, { w: { data: wave(4, 1), shape: [2, 2] } }, {}, { backend: "js" });
  optimizer.step({ w: { data: wave(4, 2), shape: [2, 2] } });
  assertEquals(Object.keys(optimizer.saveState().tensors).sort(), ["group.0.d", "w", "w.a", "w.b", "w.c", "w.step"]);
});

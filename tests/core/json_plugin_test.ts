import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  builtins,
  createOptimizer,
  explain,
  type OptimizerPlugin,
  type Plugin,
  pluginSchema,
  readPlugin,
  type SchedulePlugin,
  type Tensors,
} from "../../mod.ts";
import { testOptimizer, testSchedule } from "../../plugins/testing/mod.ts";
import { root } from "../generated.ts";
import { random } from "../kernels/random_text.ts";

const file = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(root, "examples/json", `${name}.json`), "utf8"));
const optimizer = (json: unknown): OptimizerPlugin => readPlugin(json) as OptimizerPlugin;
const schedule = (json: unknown): SchedulePlugin => readPlugin(json) as SchedulePlugin;

/** Parameters of every rank, moved by `plugin` for seven steps; all bits of them. */
function run(plugin: OptimizerPlugin, options: object, dtype: "float32" | "bfloat16" | "float16" = "float32", settings = {}): unknown {
  const wave = (length: number, k: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => Math.fround((i * 37 + k * 11) % 17 - 8) / 8);
  const shapes: Record<string, readonly number[]> = { matrix: [8, 6], wide: [5, 12], thin: [2, 9], cube: [3, 2, 4], vector: [7], one: [] };
  const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
  const like = (shape: readonly number[], k: number) =>
    dtype === "float32"
      ? { data: wave(sizeOf(shape), k), shape }
      : { data: Uint16Array.from({ length: sizeOf(shape) }, (_, i) => 0x3c00 + (i * 7 + k) % 64), shape, dtype };
  const params: Tensors = Object.fromEntries(Object.entries(shapes).map(([name, shape], k) => [name, like(shape, k)]));
  using made = createOptimizer(plugin, params, options, { backend: "js", ...settings });
  for (let t = 0; t < 7; t++) {
    made.step(
      Object.fromEntries(Object.entries(shapes).map(([name, shape], k) => [name, { data: wave(sizeOf(shape), t + 3 * k), shape }])),
    );
  }
  return Object.values(made.saveState().tensors).map(({ data }) => [...data]);
}

const builtin = (kind: Plugin["kind"], name: string): OptimizerPlugin =>
  builtins.plugins.find((plugin) => plugin.kind === kind && plugin.name === name) as unknown as OptimizerPlugin;

const pairs: readonly (readonly [file: string, builtin: string, options: readonly object[]])[] = [
  ["lion", "lion", [
    {},
    { lr: 0.01, weightDecay: 0.1 },
    { weightDecay: 0.1, weightDecouple: false, maximize: true },
    { weightDecay: 0.1, fixedDecay: true, betas: [0.5, 0.75], stateDtype: "float32" },
  ]],
  ["muon", "muon", [
    {},
    { nesterov: true, weightDecay: 0.01 },
    { adjustLrFn: "original", nsCoefficients: "original", nsSteps: 3 },
    { adjustLrFn: "rms_to_rms", nsSteps: 7, momentum: 0.6 },
    { adjustLrFn: null, nsSteps: 0 },
  ]],
];
for (const [name, own, settings] of pairs) {
  for (const options of settings) {
    for (const dtype of ["float32", "bfloat16", "float16"] as const) {
      test(`examples/json/${name}.json gives the bits of ${own}, ${JSON.stringify(options)}, ${dtype}`, () => {
        assertEquals(run(optimizer(file(name)), options, dtype), run(builtin("optimizer", own), options, dtype));
      });
    }
  }
}

const adamw = {
  kind: "optimizer",
  name: "adamw_json",
  description: "AdamW as in transformers 4.37.2",
  options: {
    lr: { default: 1e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Decays" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the root" },
    weightDecay: { default: 0, description: "Decay" },
    correctBias: { default: true, description: "Correct the moments' bias" },
  },
  scalars: [
    "beta1 = betas[0]",
    "beta2 = betas[1]",
    { if: "correctBias", then: "stepSize = lr*(sqrt(1 - pow(beta2, t))/(1 - pow(beta1, t)))", else: "stepSize = lr" },
  ],
  rule: {
    slots: { m: { shape: "param", key: "exp_avg" }, v: { shape: "param", key: "exp_avg_sq" } },
    update: [
      "m  = beta1*m + (1 - beta1)*g",
      "v  = beta2*v + (1 - beta2)*g*g",
      "u  = stepSize*m / (sqrt(v) + eps)",
      "p -= u",
      { if: "weightDecay > 0", then: "p -= lr*weightDecay*p" },
    ],
  },
  reading: "stepSize",
};

test("lines of numbers under a condition follow an option that changes between steps", () => {
  for (const options of [{}, { correctBias: false, weightDecay: 0.1 }]) {
    using optimizer = createOptimizer(readPlugin(adamw) as OptimizerPlugin, { w: new Float32Array(4) }, options);
    using reference = builtins.createOptimizer("adamw", { w: new Float32Array(4) }, options);
    for (let t = 0; t < 6; t++) {
      const g = { w: new Float32Array([1, -2, 3, 1e-3 * t]) };
      optimizer.step(g);
      reference.step(g);
      if (t === 2) (optimizer.options as { correctBias: boolean }).correctBias = reference.options.correctBias = false;
      if (t === 3) (optimizer.options as { weightDecay: number }).weightDecay = reference.options.weightDecay = 0.5;
    }
    assertEquals((optimizer.params.w as { data: unknown }).data, (reference.params.w as { data: unknown }).data);
    assertEquals(optimizer.readings(), [reference.options.lr]);
  }
});

test("a transform in JSON gives the bits of clip_global_norm", () => {
  const clip = {
    kind: "transform",
    name: "clip_json",
    description: "Clips to a norm over all tensors",
    options: { maxNorm: { type: "number", exclusiveMinimum: 0, description: "Greatest norm" } },
    rule: { before: ["n = allnorm(g)", "g *= min(1, maxNorm/(n + 1e-6))"] },
  };
  const by = (name: unknown) =>
    run(builtin("optimizer", "adamw"), { lr: 0.1 }, "float32", { transforms: [{ name, options: { maxNorm: 0.5 } }] });
  assertEquals(by(readPlugin(clip)), by(builtin("transform", "clip_global_norm")));
});

test("parts of an update are left out of steps", () => {
  const plugin = optimizer({
    kind: "optimizer",
    name: "every_other",
    description: "Moves in every other step",
    rule: { update: [{ when: "t % 2 == 0", text: ["p -= g", { repeat: "2", text: "p -= g" }] }, "p += 0*g"] },
  });
  using made = createOptimizer(plugin, { w: new Float32Array(1) });
  const moved = [1, 2, 3, 4].map(() => (made.step({ w: [1] }), (made.params.w as { data: Float32Array }).data[0]));
  assertEquals(moved, [0, -3, -3, -6]);
});

test("a schedule over absolute values asks each group for its own base", () => {
  const made = schedule({
    kind: "schedule",
    name: "to_the_end",
    description: "Polynomial, to lrEnd",
    options: {
      n: { type: "number", exclusiveMinimum: 0, description: "Steps" },
      lrEnd: { default: 1e-7, description: "Value at the end" },
      power: { default: 1, description: "Exponent" },
    },
    returns: "factor",
    let: "end = lrEnd/base",
    at: "factor = where(step < n, (1 - end)*pow(1 - min(step, n)/n, power) + end, end)",
  }).create({ n: 10, lrEnd: 0.1, power: 2 }, undefined as never, { value: 1, groups: [1, 0.5] }, undefined as never) as {
    (step: number, group?: number): number;
    perGroup: boolean;
  };
  assertEquals([made(0), made(5), made(10), made(99)], [1, (1 - 0.1) * 0.25 + 0.1, 0.1, 0.1]);
  assertEquals([made(10, 1), made(0, 1), made.perGroup], [0.2, 1, true]);
  assertThrows(() => made(-1), RangeError, `schedule "to_the_end"`);
  assertThrows(() => made("1" as never), TypeError);
});

test("examples/json/trapezoid.json goes up, stays, and comes down", () => {
  const all = builtins.with(schedule(file("trapezoid"))) as unknown as {
    createSchedule(name: string, options: object): (step: number) => number;
  };
  const made = all.createSchedule("trapezoid", { numWarmupSteps: 4, numCooldownSteps: 5, numTrainingSteps: 20, minLrRate: 0.5 });
  assertEquals([0, 1, 4, 14, 15, 16, 19, 20, 1e9].map(made), [0, 0.25, 1, 1, 1, 0.9, 0.6, 0.5, 0.5]);
  assertThrows(
    () => all.createSchedule("trapezoid", { numWarmupSteps: 4, numCooldownSteps: 5, numTrainingSteps: 8 }),
    RangeError,
    `Cannot use schedule "trapezoid": numWarmupSteps and numCooldownSteps are together longer`,
  );
});

test("explain shows the passes of a plugin in JSON", () => {
  assertEquals(explain(optimizer(file("lion")), [4, 4]), explain(builtin("optimizer", "lion"), [4, 4]));
});

test("the text of JSON is read as its value is, and nobody changes the plugin afterwards", () => {
  const json = structuredClone(adamw);
  const plugin = optimizer(json);
  json.scalars.length = 0;
  json.options.lr.default = 7;
  assertEquals(run(plugin, {}), run(optimizer(JSON.stringify(adamw)), {}));
  assertEquals((plugin.options as unknown as { lr: { default: number } }).lr.default, 1e-3);
});

const bare = { kind: "optimizer", name: "bare", description: "p -= g", rule: { update: "p -= g" } };
const withOptions = {
  ...bare,
  options: { k: { default: 1, description: "A number" }, word: { default: "a", enum: ["a", "b"], description: "A word" } },
};
const deep = (n: number): unknown => n === 0 ? "p -= g" : [deep(n - 1)];
const round: Record<string, unknown> = { ...bare };
round.rule = round;

const wrong: readonly (readonly [what: string, json: unknown, error: typeof TypeError, message: RegExp])[] = [
  ["no object", 7, TypeError, /it must be object or object|not 7/],
  ["null", null, TypeError, /not null/],
  ["a text that is no JSON", "{", SyntaxError, /its text is no JSON/],
  [
    "another kind",
    { ...bare, kind: "accumulator" },
    TypeError,
    /\/kind: it must be one of "optimizer", "transform", "schedule", not "accumulator"/,
  ],
  ["no kind", { name: "bare" }, TypeError, /\/kind: .*not undefined/],
  ["no rule", { kind: "optimizer", name: "bare", description: "x" }, TypeError, /"bare": it has no "rule"/],
  ["an unknown key", { ...bare, sclars: [] }, TypeError, /it has no "sclars"; .*scalars/],
  [
    "a key of the prototype",
    JSON.parse(`{ "kind": "optimizer", "name": "x", "description": "x", "rule": { "update": "p -= g" }, "__proto__": {} }`),
    TypeError,
    /it has no "__proto__"/,
  ],
  [
    "an option of the prototype",
    { ...bare, options: JSON.parse(`{ "__proto__": { "description": "x" } }`) },
    TypeError,
    /\/options\/__proto__: .*is no name/,
  ],
  ["an option that means something else", { ...bare, options: { t: { description: "x" } } }, TypeError, /an option cannot be called "t"/],
  ["a function", { ...bare, rule: () => ({}) }, TypeError, /\/rule: it must be object or array, not a function/],
  ["an undefined value", { ...bare, scalars: undefined }, TypeError, /\/scalars: it must be string or array or object, not undefined/],
  [
    "a date",
    { ...bare, options: { k: { description: "x", default: new Date(0) } } },
    TypeError,
    /\/options\/k\/default: it is a Date, which JSON does not hold/,
  ],
  ["a number that JSON has not", { ...bare, options: { k: { description: "x", default: NaN } } }, TypeError, /JSON has no NaN/],
  ["a default outside its range", { ...bare, options: { k: { description: "x", default: -1, minimum: 0 } } }, RangeError, /k = -1/],
  [
    "a slot of an unknown shape",
    { ...bare, rule: { slots: { m: { shape: "diagonal", key: "m" } }, update: "p -= g" } },
    TypeError,
    /\/rule\/slots\/m\/shape: it must be .*param/,
  ],
  [
    "a slot without a key",
    { ...bare, rule: { slots: { m: { shape: "param" } }, update: "p -= g" } },
    TypeError,
    /\/rule\/slots\/m: it has no "key"/,
  ],
  [
    "lines of an unknown form",
    { ...bare, rule: { update: { text: "p -= g" } } },
    TypeError,
    /\/rule\/update: it needs one of the keys "if", "repeat", "when"/,
  ],
  [
    "a text that is none",
    { ...bare, rule: { update: ["p -= g", "p -= (g"] } },
    SyntaxError,
    /line 1 of \/rule\/update\/1 of plugin "bare"/,
  ],
  ["a name that no number has", { ...bare, scalars: "a = lr" }, SyntaxError, /"lr" is no number here.*known are t/s],
  [
    "a list as a number",
    { ...withOptions, options: { betas: { default: [1, 2], description: "x" } }, scalars: "a = betas" },
    SyntaxError,
    /betas\[0\] its first element/,
  ],
  [
    "an element that there is not",
    { ...withOptions, options: { betas: { default: [1, 2], description: "x" } }, scalars: "a = betas[2]" },
    SyntaxError,
    /"betas\[2\]" is no number here/,
  ],
  ["a word as a number", { ...withOptions, scalars: "a = word" }, SyntaxError, /a condition on it is \{ "word": … \}/],
  ["a reduction in numbers", { ...withOptions, scalars: "a = norm(k)" }, SyntaxError, /norm is of tensors/],
  ["a greatest of one argument", { ...withOptions, scalars: "a = max(k)" }, SyntaxError, /max is of tensors/],
  ["a rounding in numbers", { ...withOptions, scalars: "a = round(k)" }, SyntaxError, /round is of tensors/],
  ["an assignment to an option", { ...withOptions, scalars: "k = 2" }, SyntaxError, /"k" cannot be assigned here/],
  ["an assignment to t", { ...withOptions, scalars: "t = 2" }, SyntaxError, /"t" cannot be assigned here/],
  ["an expression of two lines", { ...withOptions, check: [{ must: "k\nk", message: "x" }] }, SyntaxError, /expected one expression/],
  [
    "an option's value that it never has",
    { ...withOptions, check: [{ must: { word: "c" }, message: "x" }] },
    TypeError,
    /\/check\/0\/must\/word: the option is never "c"/,
  ],
  [
    "a condition on what is no option",
    { ...withOptions, check: [{ must: { wrod: "a" }, message: "x" }] },
    TypeError,
    /it is no option: .*word/,
  ],
  [
    "the dtype where there is no tensor",
    { ...withOptions, check: [{ must: { dtype: "float32" }, message: "x" }] },
    TypeError,
    /it is no option/,
  ],
  ["a part in numbers", { ...withOptions, scalars: { when: "t", text: "a = 1" } }, TypeError, /these are lines of numbers/],
  [
    "a part in a part",
    { ...bare, rule: { update: [{ when: "t", text: { when: "t", text: "p -= g" } }] } },
    TypeError,
    /none that lies in another/,
  ],
  [
    "a part in an entry",
    { ...bare, rule: { update: "p -= g", also: { more: { when: "t", text: "p -= g" } } } },
    TypeError,
    /`when` is of parts of an update/,
  ],
  [
    "rows with different names",
    { ...bare, rule: { update: { repeat: "2", over: [{ a: 1 }, { b: 1 }], text: "p -= {a}*g" } } },
    TypeError,
    /\/rule\/update\/over\/1: all rows/,
  ],
  [
    "a schedule that assigns nothing",
    { kind: "schedule", name: "s", description: "x", returns: "value", at: "x = step" },
    TypeError,
    /\/at: it must assign "value"/,
  ],
  ["too deep", { ...bare, rule: { update: deep(60) } }, RangeError, /nested deeper than/],
  ["a circle", round, TypeError, /./],
  [
    "too many values",
    { ...bare, rule: { update: Array.from({ length: 999 }, () => Array.from({ length: 30 }, () => "p -= g")) } },
    RangeError,
    /more than 20000 values/,
  ],
  ["too long", "x".repeat(500_001), RangeError, /500001 characters/],
  ["too long a line", { ...bare, rule: { update: "p -= g ".repeat(4000) } }, RangeError, /28000 characters/],
];
for (const [what, json, error, message] of wrong) {
  test(`readPlugin refuses ${what}`, () => {
    const thrown = assertThrows(() => readPlugin(json)) as Error;
    assert(thrown instanceof error, `${thrown.constructor.name}: ${thrown.message}`);
    assert(message.test(thrown.message), thrown.message);
  });
}

test("what can only be known with a tensor is refused when an optimizer is made", () => {
  const make = (rule: object) => createOptimizer(optimizer({ ...withOptions, rule }), { w: new Float32Array(4) });
  assertThrows(() => make({ update: { repeat: "-k", text: "p -= g" } }), TypeError, "it is -1, and must be between 0 and 1000");
  assertThrows(() => make({ update: { repeat: "1001", text: "p -= g" } }), RangeError, "it is 1001, and must be between 0 and 1000");
  assertThrows(
    () => make({ update: { repeat: "1000", text: { repeat: "1000", text: "p -= g" } } }),
    RangeError,
    "grows over 100000 characters",
  );
  assertThrows(() => make({ update: "p -= {1/0}*g" }), TypeError, "a number in {…} is Infinity");
  assertThrows(
    () => make([{ if: "rank > 1", update: "p -= g" }] as never),
    TypeError,
    `none of its conditions holds for "w", of shape [4]`,
  );
  assertThrows(() => make({ matrix: ["1", "2", "k"], update: "p -= rowsum(g)" }), RangeError);
  assertThrows(() => make({ update: "p -= unknown*g" }), SyntaxError, "unknown");
});

test("a check names the option that it is about", () => {
  const plugin = optimizer({
    ...withOptions,
    check: [{ if: { word: ["b"] }, must: "k > 1", message: "k must be above 1 with b", option: "k" }],
  });
  const make = (options: object) => createOptimizer(plugin, { w: new Float32Array(1) }, options);
  make({ word: "a" }).dispose();
  make({ word: "b", k: 2 }).dispose();
  const error = assertThrows(() => make({ word: "b" }), RangeError, "k must be above 1 with b") as RangeError & {
    option: string;
    plugin: string;
  };
  assertEquals([error.plugin, error.option], ["bare", "k"]);
});

test("readPlugin answers any change of a plugin with a plugin or with an error of its own", () => {
  const { unit: next, pick } = random(7);
  const stray = [
    null,
    true,
    -1,
    1e308,
    "",
    "p -= g",
    "if",
    "{",
    "a[0]",
    [],
    {},
    { if: "1", then: "p -= g" },
    { when: "t", text: "" },
    "t",
    "__proto__",
    0.5,
  ];
  const change = (value: unknown): unknown => {
    if (next() < 0.004) return pick(stray);
    if (typeof value === "string" && next() < 0.008) {
      const at = Math.floor(next() * (value.length + 1));
      return value.slice(0, at) + pick(["", "(", ")", "*", "t", " ", "{", "}", "=", "[0]", "\n", "-"]) +
        value.slice(at + Math.floor(next() * 3));
    }
    if (Array.isArray(value)) return value.map(change);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, one]) => next() < 0.002 ? [] : [[next() < 0.002 ? `${key}x` : key, change(one)]]),
    );
  };
  const files = [adamw, file("lion"), file("muon"), file("trapezoid")];
  const kinds = new Map<string, number>();
  const count = (kind: string): void => void kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  for (let k = 0; k < 250; k++) {
    const json = change(pick(files));
    try {
      const plugin = readPlugin(json);
      count("read");
      if (plugin.kind === "optimizer") {
        using made = createOptimizer(plugin, { w: { data: new Float32Array(16).fill(1), shape: [4, 4] } }, {}, { backend: "js" });
        made.step({ w: new Float32Array(16).fill(0.5) });
      } else if (plugin.kind === "schedule") {
        builtins.with(plugin).createSchedule(
          plugin.name as never,
          { numWarmupSteps: 1, numCooldownSteps: 2, numTrainingSteps: 9 } as never,
        );
      }
      count("made");
    } catch (error) {
      const own = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
      assert(own && error.message.startsWith("Cannot "), `${(error as Error).stack}\n${JSON.stringify(json)}`);
      count(error.constructor.name);
    }
  }
  for (const kind of ["read", "made", "TypeError", "SyntaxError"]) assert(kinds.get(kind)! > 5, JSON.stringify([...kinds]));
});

test("every object of the schema says which keys it may have", () => {
  const visit = (schema: unknown): void => {
    if (typeof schema !== "object" || schema === null) return;
    const { type, additionalProperties } = schema as { type?: unknown; additionalProperties?: unknown };
    if (type === "object") assert(additionalProperties !== undefined, JSON.stringify(schema));
    Object.values(schema).forEach(visit);
  };
  visit(pluginSchema.$defs);
});

test("the examples in plugins/JSON.md are plugins", () => {
  const text = readFileSync(join(root, "plugins/JSON.md"), "utf8");
  const blocks = [...text.matchAll(/```json\n([^]*?)```/g)].map(([, json]) => readPlugin(json));
  assertEquals(blocks.map(({ name }) => name), ["inverse_root"]);
  const made = builtins.with(blocks[0] as SchedulePlugin).createSchedule(
    "inverse_root" as never,
    { numWarmupSteps: 4 } as never,
  ) as unknown as (
    step: number,
  ) => number;
  assertEquals([0, 3, 15].map(made), [0.25, 1, 0.5]);
});

test("null is NaN in an expression, and does not hold", () => {
  const plugin = optimizer({
    kind: "optimizer",
    name: "by_null",
    description: "Moves by k, or by 1 where it is null",
    options: { k: { default: null, type: ["number", "null"], description: "How far" } },
    rule: { update: { if: "k", then: "p -= k*g", else: "p -= g" } },
  });
  const moved = [null, 0, 3].map((k) => {
    using made = createOptimizer(plugin, { w: new Float32Array(1) }, { k });
    made.step({ w: [1] });
    return (made.params.w as { data: Float32Array }).data[0];
  });
  assertEquals(moved, [-1, -1, -3]);
});

test("a transform in JSON says what it has seen", () => {
  const clip = readPlugin({
    kind: "transform",
    name: "seen",
    description: "Clips to a norm, and says the norm",
    options: { maxNorm: { default: 1, description: "Greatest norm" } },
    rule: { slots: { n: { shape: "group", key: "norm" } }, before: ["all = allnorm(g)", "n = all", "g *= min(1, maxNorm/n)"] },
    reading: { norm: "n", share: "n/maxNorm" },
  });
  using made = createOptimizer(optimizer({ ...bare }), { w: new Float32Array(2) }, {}, {
    transforms: [{ name: clip, options: { maxNorm: 2 } }],
  });
  made.step({ w: [3, 4] });
  assertEquals(made.transforms[0].readings(), { norm: 5, share: 2.5 });
});

test("a transform in JSON holds a step back", () => {
  const skip = readPlugin({
    kind: "transform",
    name: "not_above",
    description: "Holds back steps with a number above most",
    options: { most: { default: 1, description: "Greatest number" } },
    rule: { before: "x = allmax(g)", hold: "x > most" },
  });
  using made = createOptimizer(optimizer({ ...bare }), { w: new Float32Array(2) }, {}, { transforms: [{ name: skip }] });
  assertEquals(made.step({ w: [1, -9] }), { applied: true, step: 1 });
  assertEquals(made.step({ w: [2, 0] }), { applied: false, step: 1, skipped: "not_above" });
  assertEquals([...(made.params.w as { data: Float32Array }).data], [-1, 9]);
});

test("a slot in JSON may have the sides of a matrix", () => {
  const plugin = optimizer({
    ...bare,
    rule: {
      slots: { L: { shape: { if: "rows < cols", then: ["rows", "rows"], else: ["cols", "cols"] }, key: "L" } },
      update: ["GT = transpose(g)", { if: "rows < cols", then: "GG = matmul(g, GT)", else: "GG = matmul(GT, g)" }, "L += GG", "p -= g"],
    },
  });
  using made = createOptimizer(plugin, { w: { data: new Float32Array(6), shape: [2, 3] } });
  made.step({ w: [1, 0, 0, 0, 2, 0] });
  const { shape, data } = made.saveState().tensors["w.L"];
  assertEquals([shape, [...data]], [[2, 2], [1, 0, 0, 4]]);
});

for (const name of ["lion", "muon"]) test(`examples/json/${name}.json passes the kit`, () => testOptimizer(optimizer(file(name))));

test("examples/json/trapezoid.json passes the kit", () =>
  testSchedule(schedule(file("trapezoid")), { numWarmupSteps: 4, numCooldownSteps: 5, numTrainingSteps: 20 }));

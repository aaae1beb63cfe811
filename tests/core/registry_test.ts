import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Plugin } from "../../core/plugin/contract.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Schedule } from "../../core/types.ts";
import { builtins } from "../../mod.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { descent, half, listed } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
// What JSON over HTTP brings: names and options without types.
const loose = builtins as unknown as {
  createOptimizer(...args: unknown[]): unknown;
  createSchedule(...args: unknown[]): unknown;
  createAccumulator(...args: unknown[]): unknown;
  getScheduler(...args: unknown[]): unknown;
};

test("A registry makes what its plugins describe", () => {
  const w = f32(1);
  using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.5 }, { backend: "js" });
  assertEquals([optimizer.name, optimizer.options.lr], ["adamw", 0.5]);
  assertEquals(builtins.createSchedule("linear", { numWarmupSteps: 0, numTrainingSteps: 4 })(1), 0.75);
  assertEquals(
    builtins.createSchedule("polynomial", { numWarmupSteps: 0, numTrainingSteps: 1, lrEnd: 1 }, { value: 4, groups: [8] })(1),
    0.25,
  );
  const accumulator = builtins.createAccumulator("sum", {}, { w }, optimizer.backend);
  accumulator.add({ w: f32(3) });
  assertEquals([...accumulator.gradients.w.data], [3]);
});

test("A registry is immutable, and with() makes another", () => {
  const plugins = [adamw, linear];
  const registry = createRegistry(plugins);
  plugins.pop();
  assertEquals(registry.plugins.length, 2);
  const more = registry.with(descent, half);
  assertEquals([registry.plugins.length, more.plugins.length], [2, 4]);
  assertThrows(() => (registry.plugins as unknown as Plugin[]).push(half as Plugin), TypeError);
  assertThrows(() => (registry as { plugins: unknown }).plugins = [], TypeError);
  using optimizer = more.createOptimizer("descent", { w: f32(1) }, {}, { backend: "js", transforms: [{ name: "half" }] });
  assertEquals(optimizer.name, "descent");
});

test("A plugin object stands wherever a name stands", () => {
  const w = f32(0), v = f32(0);
  using optimizer = builtins.createOptimizer("adamw", { w, v }, {}, {
    backend: "js",
    groups: [{ match: "v", optimizer: descent }],
    transforms: [{ name: half }],
    schedules: { lr: { name: listed, options: { values: [4] } } },
  });
  optimizer.step({ w: f32(1), v: f32(1) });
  assertEquals(v[0], -0.5 * 0.5 * 4);
});

test("Two copies of the library understand each other's plugins", () => {
  // Nothing but plain data and functions: what another copy would hand over.
  const copy = { ...descent, options: { ...descent.options } };
  using optimizer = createRegistry([copy]).createOptimizer("descent", { w: f32(1) }, {}, { backend: "js" });
  optimizer.step({ w: f32(1) });
});

test("A name clash is refused and names both", () => {
  const other = { ...adamw, description: "Somebody's own AdamW" };
  for (const make of [() => createRegistry([adamw, other]), () => builtins.with(other), () => builtins.with(adamw)]) {
    const error = assertThrows(make, TypeError, `optimizer "adamw"`);
    assertStringIncludes(error.message, adamw.description);
  }
  assertStringIncludes(assertThrows(() => builtins.with(other), TypeError).message, other.description);
});

test("Names are unique within a kind, not across kinds", () => {
  createRegistry([descent, { ...half, name: "descent" }]);
});

const noPlugins: [what: string, plugin: unknown][] = [
  ["null", null],
  ["a function", () => descent],
  ["an unknown kind", { ...descent, kind: "optimiser" }],
  ["an empty name", { ...descent, name: "" }],
  ["no name", { ...descent, name: undefined }],
  ["no description", { ...descent, description: undefined }],
  ["no specs", { ...descent, options: undefined }],
  ["a spec that is none", { ...descent, options: { lr: null } }],
  ["specs that are a list", { ...descent, options: [] }],
  ["a spec with a misspelt key", { ...descent, options: { lr: { default: 1, minimun: 0, description: "Learning rate" } } }],
  ["a default of another type", { ...descent, options: { lr: { default: "1", type: "number", description: "Learning rate" } } }],
  ["steps of nobody", { ...descent, counts: "tensors" }],
  ["an optimizer without a rule", { ...descent, rule: undefined }],
  ["an optimizer without scalars", { ...descent, scalars: undefined }],
  ["a schedule without create", { ...linear, create: undefined }],
  ["a transform without a rule", { ...half, rule: undefined }],
];
for (const [what, plugin] of noPlugins) {
  test(`createRegistry refuses ${what} as a plugin`, () => void assertThrows(() => createRegistry([plugin as Plugin]), TypeError));
}

test("createRegistry refuses a default out of its own range", () => {
  const out = { ...descent, options: { lr: { default: -1, minimum: 0, description: "Learning rate" } } };
  assertThrows(() => createRegistry([out]), RangeError, "lr = -1");
});

test("Unknown names are TypeErrors that say what is known", () => {
  const like = { w: f32(1) };
  const near = assertThrows(() => loose.createOptimizer("adamww", like), TypeError, `did you mean "adamw"?`);
  assertStringIncludes(near.message, "adafactor");
  for (const name of ["AdamW", "", "constructor", "__proto__", undefined, 3]) {
    assertThrows(() => loose.createOptimizer(name, like), TypeError);
  }
  assertThrows(() => loose.createSchedule("Linear", {}), TypeError, `did you mean "linear"?`);
  assertThrows(() => loose.createAccumulator("average", {}, like), TypeError, "mean");
  // A name of another kind is unknown here.
  assertThrows(() => loose.createSchedule("adamw"), TypeError);
});

test("Unknown, missing and bad options are refused by every maker", () => {
  const like = { w: f32(1) };
  assertThrows(() => loose.createOptimizer("adamw", like, { weight_decay: 1 }), TypeError, `did you mean "weightDecay"?`);
  assertThrows(() => loose.createOptimizer("adamw", like, { lr: "0.1" }), TypeError);
  assertThrows(() => loose.createOptimizer("adamw", like, { lr: NaN }), RangeError);
  assertThrows(() => loose.createOptimizer("adamw", like, null), TypeError);
  assertThrows(() => loose.createSchedule("linear", { numTrainingSteps: 5 }), TypeError, "numWarmupSteps");
  assertThrows(() => loose.createSchedule("linear", { numTrainingSteps: 5, numWarmupSteps: NaN }), RangeError);
  assertThrows(() => loose.createSchedule("linear", { numTrainingSteps: 5, numWarmupSteps: 1, cycles: 1 }), TypeError, "cycles");
  assertThrows(() => loose.createSchedule("linear", { numTrainingSteps: 5, numWarmupSteps: 1 }, { value: NaN, groups: [] }), RangeError);
  assertThrows(() => loose.createSchedule("linear", { numTrainingSteps: 5, numWarmupSteps: 1 }, 3), TypeError);
  assertThrows(() => loose.createAccumulator("sum", { every: 0 }, like), RangeError);
  assertThrows(() => loose.createAccumulator("sum", { every: 1.5 }, like), RangeError);
  assertThrows(() => loose.createAccumulator("sum", { each: 1 }, like), TypeError);
  assertThrows(() => loose.createAccumulator("sum", {}, {}), RangeError);
  assertThrows(() => loose.createAccumulator("sum", {}, null), TypeError);
  assertThrows(() => loose.createAccumulator("sum", {}, { w: [1] }), TypeError);
});

test("A schedule plugin that makes no schedule is refused", () => {
  const broken = { ...listed, create: () => 3 as unknown as Schedule };
  assertThrows(() => createRegistry([broken]).createSchedule("listed", { values: [1] }), TypeError, "listed");
});

// ---- getScheduler: transformers' get_scheduler (semantics G1 to G3, D10)

test("getScheduler makes what createSchedule makes", () => {
  const scheduler = builtins.getScheduler("cosine", {
    numWarmupSteps: 2,
    numTrainingSteps: 10,
    schedulerSpecificKwargs: { numCycles: 2 },
  }) as Schedule;
  const schedule = builtins.createSchedule("cosine", { numWarmupSteps: 2, numTrainingSteps: 10, numCycles: 2 });
  for (let step = 0; step < 14; step++) assertStrictEquals(scheduler(step), schedule(step));
});

test("getScheduler passes on only the lengths that the schedule takes", () => {
  const constant = builtins.getScheduler("constant", { numWarmupSteps: 3, numTrainingSteps: 5 }) as Schedule;
  assertEquals(constant(0), 1);
  const warmed = builtins.getScheduler("constant_with_warmup", { numWarmupSteps: 4, numTrainingSteps: 5 }) as Schedule;
  assertEquals([warmed(1), warmed(4)], [0.25, 1]);
});

test("getScheduler passes base values on", () => {
  const plateau = builtins.getScheduler("reduce_lr_on_plateau", { base: { value: 1, groups: [1, 2, 3] } });
  assertEquals("factors" in plateau && plateau.factors(), [1, 1, 1]);
});

const badCalls: [name: unknown, options: unknown, error: typeof TypeError | typeof RangeError, text: string][] = [
  ["bogus", {}, RangeError, "inverse_sqrt"],
  ["Linear", {}, RangeError, `did you mean "linear"?`],
  [null, {}, RangeError, "null"],
  [3, {}, RangeError, "3"],
  ["linear", {}, RangeError, "numWarmupSteps"],
  ["linear", { numTrainingSteps: 5 }, RangeError, "numWarmupSteps"],
  ["linear", { numWarmupSteps: 5 }, RangeError, "numTrainingSteps"],
  ["linear", { numWarmupSteps: null, numTrainingSteps: 5 }, RangeError, "numWarmupSteps"],
  ["inverse_sqrt", {}, RangeError, "numWarmupSteps"],
  ["linear", { numWarmupSteps: 1, numTrainingSteps: 5, schedulerSpecificKwargs: { numCycles: 1 } }, TypeError, "numCycles"],
  ["constant", { schedulerSpecificKwargs: { numCycles: 1 } }, TypeError, "numCycles"],
  ["linear", { numWarmupSteps: 1, numTrainingSteps: 5, schedulerSpecificKwargs: { numWarmupSteps: 1 } }, TypeError, "twice"],
  ["linear", { numWarmupSteps: 1, numTrainingSteps: 5, numCycles: 1 }, TypeError, "numCycles"],
  ["linear", { numWarmupSteps: "1", numTrainingSteps: 5 }, TypeError, "numWarmupSteps"],
];
for (const [name, options, error, text] of badCalls) {
  test(`getScheduler(${JSON.stringify(name)}, ${JSON.stringify(options)}) is a ${error.name}`, () => {
    assertStringIncludes(assertThrows(() => loose.getScheduler(name, options), error).message, text);
  });
}

test("A plugin that makes another kind of schedule than it says is refused when it makes one", () => {
  const liar = { ...listed, name: "liar", returns: "value" } as const;
  const registry = createRegistry([liar]);
  assertEquals(registry.createSchedule("liar", { values: [3], returns: "value" })(0), 3);
  assertThrows(() => registry.createSchedule("liar", { values: [3] }), TypeError, 'it returns "factor", where its plugin says "value"');
});

for (
  const [what, plugin, wrong] of [
    ["what it returns", { ...listed, returns: "faktor" }, 'did you mean "factor"?'],
    ["what its steps are counted by", { ...descent, counts: "tensors" }, 'did you mean "tensor"?'],
    ["an option's unit", { ...descent, options: { lr: { ...descent.options.lr, unit: "step" } } }, 'did you mean "steps"?'],
    ["what an option holds", { ...descent, options: { lr: { ...descent.options.lr, holds: "optimizer" } } }, "known are schedule"],
  ] as const
) {
  test(`A plugin that says ${what} in no known word is refused`, () => {
    assertThrows(() => createRegistry([plugin as unknown as Plugin]), TypeError, wrong);
  });
}

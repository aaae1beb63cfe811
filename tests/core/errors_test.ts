import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type About, about, aboutOf } from "../../core/errors.ts";
import { explain } from "../../core/explain.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin, Slot, TransformPlugin } from "../../core/plugin/contract.ts";
import { createRegistry } from "../../core/registry.ts";
import type { Grads, Optimizer, Recipe, Settings } from "../../core/types.ts";
import { builtins, createBackend } from "../../mod.ts";
import { descent, everything, half } from "./plugins.ts";

const f32 = (...values: number[]): Float32Array => new Float32Array(values);
const wrong = (): never => {
  throw new RangeError("wrong");
};
/** A rule whose text, scalars or check is wrong where its option says so. */
const sick: OptimizerPlugin<"sick", { where?: string }> = {
  kind: "optimizer",
  name: "sick",
  description: "Fails where it is told to",
  options: { where: { default: "", description: "Where" } },
  check: ({ where }) => where === "check" && wrong(),
  rule: ({ where }) => ({
    slots: (where === "slot" ? { a: { shape: "diagonal", key: null } } : {}) as Record<string, Slot>,
    update: where === "rule" ? wrong() : where === "text" ? "p = q" : where === "parse" ? "p = = g" : "u = g\np = u",
  }),
  scalars: ({ where }, t) => where === "scalars" || (where === "later" && t > 1) ? wrong() : {},
};
const sickTransform = (where: string): TransformPlugin<"sick", object> => ({
  kind: "transform",
  name: "sick",
  description: "Fails where it is told to",
  options: { a: { default: 1, description: "A" } } as object,
  check: () => where === "check" && wrong(),
  rule: () => where === "rule" ? wrong() : { after: where === "text" ? "u = q" : "u = u" },
  scalars: () => where === "scalars" ? wrong() : {},
});

const all = createRegistry([...builtins.plugins, descent, everything, half, sick]);
const make = (name: string, options?: object, settings?: unknown, params: unknown = { w: f32(1, 2), b: f32(3) }): Optimizer<unknown> =>
  all.createOptimizer(name as "adamw", params as { w: Float32Array }, options, settings as Settings<object>) as Optimizer<unknown>;
const stepped = (grads: unknown, optimizer = make("descent", {}, { groups: [{ match: "b" }] })): unknown => optimizer.step(grads as Grads);
const trainer = (recipe: object): unknown => all.createTrainer({ w: f32(1) }, recipe as Recipe);
const sums = () => all.createAccumulator("sum", {}, { w: f32(1) });
const plateau = () => make("descent", {}, { groups: [{ match: "w" }], schedules: { lr: { name: "reduce_lr_on_plateau" } } });
const withFactors = (factors: string) => {
  const saved = plateau().saveState();
  const [key] = Object.keys(saved.metadata).filter((key) => key.startsWith("schedule."));
  return { ...saved, metadata: { ...saved.metadata, [key]: saved.metadata[key].replace(/"factors":\[[^\]]*\]/, `"factors":${factors}`) } };
};
const two = { groups: [{ match: "w" }, { match: ["b"], options: {} }] };

const cases: readonly [string, () => unknown, About][] = [
  // plugins and options
  ["an unknown plugin", () => make("adamww"), { plugin: "adamww" }],
  [
    "a schedule in an optimizer's place",
    () => make("descent", {}, { groups: [{ match: "w", optimizer: builtins.plugins.find(({ name }) => name === "linear") }] }),
    { plugin: "linear", group: 0 },
  ],
  ["an unknown option", () => make("adamw", { learningrate: 1 }), { plugin: "adamw", option: "learningrate" }],
  ["an option of another type", () => make("adamw", { lr: "1" }), { plugin: "adamw", option: "lr" }],
  ["an option out of range", () => make("adamw", { lr: -1 }), { plugin: "adamw", option: "lr" }],
  ["an element out of range", () => make("adamw", { betas: [0.9, 1] }), { plugin: "adamw", option: "betas[1]" }],
  ["an element of another type", () => make("adamw", { betas: ["a", 0.9] }), { plugin: "adamw", option: "betas[0]" }],
  ["an array of another length", () => make("adamw", { betas: [0.9] }), { plugin: "adamw", option: "betas" }],
  ["an option that must be given", () => all.createSchedule("linear", { numWarmupSteps: 1 } as never), {
    plugin: "linear",
    option: "numTrainingSteps",
  }],
  ["a group's option", () => make("adamw", {}, { groups: [{ match: "w" }, { match: "b", options: { lr: -1 } }] }), {
    plugin: "adamw",
    option: "lr",
    group: 1,
  }],
  [
    "a group's other algorithm's option",
    () => make("adamw", {}, { groups: [{ match: "w", optimizer: "descent", options: { betas: 1 } }] }),
    { plugin: "descent", option: "betas", group: 0 },
  ],
  ["an option assigned later", () => (make("adamw").options as { lr: number }).lr = -1, { plugin: "adamw", option: "lr" }],
  ["a group's option assigned later", () => (make("adamw", {}, two).groups[1].options as { lr: number }).lr = -1, {
    plugin: "adamw",
    option: "lr",
    group: 1,
  }],
  ["a transform's option", () => make("adamw", {}, { transforms: [{ name: "clip_global_norm", options: { maxNorm: -1 } }] }), {
    plugin: "clip_global_norm",
    option: "maxNorm",
  }],
  [
    "a schedule's option",
    () => make("adamw", {}, { schedules: { lr: { name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: "1" } } } }),
    {
      plugin: "linear",
      option: "numTrainingSteps",
    },
  ],
  ["an unknown schedule", () => make("adamw", {}, { schedules: { lr: { name: "linaer" } } }), { plugin: "linaer" }],
  ["a schedule of an unknown option", () => make("adamw", {}, { schedules: { rl: () => 1 } }), { plugin: "adamw", option: "rl" }],
  ["a schedule of what is no number", () => make("adamw", {}, { schedules: { betas: () => 1 } }), {
    plugin: "adamw",
    option: "betas",
    group: 0,
  }],
  [
    "a spec without a description",
    () =>
      createRegistry([
        { ...descent, options: { lr: { default: "x", minimum: 0, type: "number", description: "" } } } as unknown as typeof descent,
      ]),
    { plugin: "descent", option: "lr" },
  ],
  ["one plugin twice", () => all.with(descent), { plugin: "descent" }],
  ["getScheduler without its length", () => all.getScheduler("linear", { numWarmupSteps: 1 }), {
    plugin: "linear",
    option: "numTrainingSteps",
  }],
  ["getScheduler of an unknown name", () => all.getScheduler("linaer" as "linear"), { plugin: "linaer" }],
  // what a plugin throws itself
  ...["check", "rule", "scalars"].map((
    where,
  ): [string, () => unknown, About] => [
    `what a rule throws in ${where}`,
    () => make("sick", { where }),
    where === "rule" ? { plugin: "sick", tensor: "w", group: 0 } : where === "check" ? { plugin: "sick" } : { plugin: "sick", group: 0 },
  ]),
  ["a rule's slot", () => make("sick", { where: "slot" }), { plugin: "sick", tensor: "w", group: 0 }],
  ["a rule's text that does not parse", () => make("sick", { where: "parse" }), { plugin: "sick", tensor: "w", group: 0 }],
  ["a rule's text with an unknown name", () => make("sick", { where: "text" }), { plugin: "sick", tensor: "w", group: 0 }],
  ["a rule's text with an unknown name, explained", () => explain(sick, [2], { options: { where: "text" } }), { plugin: "sick" }],
  ["scalars that fail at the second step", () => [1, 2].forEach(() => stepped({ w: f32(1, 1) }, later)), { plugin: "sick", group: 0 }],
  ...["check", "rule", "scalars", "text"].map((
    where,
  ): [string, () => unknown, About] => [
    `a transform's ${where}`,
    () => make("descent", {}, { transforms: [{ name: sickTransform(where) }] }),
    where === "rule" || where === "text" ? { plugin: "sick", tensor: "w", group: 0 } : { plugin: "sick" },
  ]),
  [
    "options that do not fit together, at the step",
    () => (((sickly.options as { where: string }).where = "check"), stepped({ w: f32(1, 1) }, sickly)),
    { plugin: "sick", group: 0 },
  ],
  [
    "an option that would change the slots",
    () => (((slotty.options as { more: boolean }).more = true), stepped({ w: f32(1, 1) }, slotty)),
    { plugin: "everything", tensor: "w", group: 0 },
  ],
  ["a scheduled value out of range", () => stepped({ w: f32(1, 1) }, make("adamw", {}, { schedules: { eps: (t: number) => 0 * t - 1 } })), {
    plugin: "adamw",
    option: "eps",
    group: 0,
  }],
  ["a scheduled value that is none", () => make("adamw", {}, { schedules: { eps: () => NaN } }), {
    plugin: "adamw",
    option: "eps",
    group: 0,
  }],
  ["a schedule that throws", () => make("adamw", {}, { schedules: { eps: wrong } }), { option: "eps", group: 0 }],
  ["a schedule's use with an unknown key", () => make("adamw", {}, { schedules: { lr: { name: "linear", option: {} } } }), {
    option: "lr",
  }],
  ["an entry that is not there", () => make("adamw").run("ascend"), { plugin: "adamw" }],
  ["a metric that no schedule follows", () => make("adamw").update(1), { plugin: "adamw" }],
  ["a metric that is no number", () => make("adamw").update("1" as unknown as number), { plugin: "adamw" }],
  ["a step without gradients", () => make("adamw").step(), { plugin: "adamw" }],
  ["gradients that are none", () => stepped(1), { plugin: "descent" }],
  ["an optimizer that is disposed", () => {
    const optimizer = make("adamw");
    optimizer.dispose();
    optimizer.step({});
  }, { plugin: "adamw" }],
  ["a plugin that is no optimizer, explained", () => explain(half as unknown as typeof sick, [2]), { plugin: "half" }],
  // tensors
  ["a parameter that is none", () => make("descent", {}, {}, { w: f32(1), b: [1] }), { tensor: "b" }],
  ["a parameter's shape", () => make("descent", {}, {}, { w: { data: f32(1), shape: [2] } }), { tensor: "w" }],
  ["parameters in one memory", () => make("descent", {}, {}, { w: later.params.w, b: later.params.w }), { tensor: "w" }],
  ["a gradient of no parameter", () => stepped({ W: f32(1) }), { plugin: "descent", tensor: "W" }],
  ["a gradient's length", () => stepped({ b: f32(1, 2) }), { plugin: "descent", tensor: "b" }],
  ["a gradient that is none", () => stepped({ b: "1" }), { plugin: "descent", tensor: "b" }],
  ["sparse rows that are not there", () => stepped({ w: { indices: Int32Array.of(2), values: f32(1) } }), {
    plugin: "descent",
    tensor: "w",
  }],
  ["a name that is not there in a group's list", () => make("descent", {}, { groups: [{ match: "w" }, { match: ["c"] }] }), {
    tensor: "c",
    group: 1,
  }],
  ["a group's pattern", () => make("descent", {}, { groups: [{ match: "(" }] }), { group: 0 }],
  ["a group's unknown key", () => make("descent", {}, { groups: [{ match: "w" }, { match: "w", lr: 1 }] }), { group: 1 }],
  ["two states of one key", () => make("adamw", {}, {}, { "w": f32(1), "w.step": f32(1) }), { tensor: "w.step" }],
  ["a target of a point", () => make("everything").point("half", { w: f32(1) }), { tensor: "w" }],
  ["an accumulator's parameter", () => all.createAccumulator("mean", {}, { w: "x" } as never), { tensor: "w" }],
  // states
  ["a state without a tensor", () => later.loadState({ tensors: {}, metadata: {} }), { plugin: "sick", tensor: "w" }],
  [
    "a state with one too many",
    () => later.loadState({ ...later.saveState(), tensors: { ...later.saveState().tensors, x: later.saveState().tensors.w } }),
    { plugin: "sick", tensor: "x" },
  ],
  [
    "a state of another shape",
    () => later.loadState({ ...later.saveState(), tensors: { ...later.saveState().tensors, "b.step": later.saveState().tensors.w } }),
    { plugin: "sick", tensor: "b.step" },
  ],
  ["a state that is none", () => later.loadState(1 as never), { plugin: "sick" }],
  ["a plateau's state", () => plateau().loadState(withFactors("[-1,1]")), { plugin: "reduce_lr_on_plateau", option: "lr" }],
  ["a plateau's state of other groups", () => plateau().loadState(withFactors("[1]")), { plugin: "reduce_lr_on_plateau", option: "lr" }],
  // gradients that are gathered
  ["a gathered gradient's length", () => sums().add({ w: f32(1, 2) }), { plugin: "sum", tensor: "w" }],
  ["a gathered gradient of no parameter", () => sums().add({ W: f32(1) }), { tensor: "W" }],
  ["gathered rows that are not there", () => sums().add({ w: { indices: Int32Array.of(2), values: f32(1) } }), { tensor: "w" }],
  // bounds and decays
  ...([["clip_norm", "maxNorm"], ["clip_global_norm", "maxNorm"], ["clip_value", "value"]] as const).flatMap(([name, option]) =>
    [0, 1e-46].map((bound): [string, () => unknown, About] => [
      `${option} = ${bound} in ${name}`,
      () => make("descent", {}, { transforms: [{ name, options: { [option]: bound } }] }),
      { plugin: name, option },
    ])
  ),
  ...["clipnorm", "clipvalue", "globalClipnorm"].map((option): [string, () => unknown, About] => [
    `${option} = 0`,
    () => make("adam_weight_decay", { [option]: 0 }),
    { plugin: "adam_weight_decay", option },
  ]),
  ["two norms to clip to", () => make("adam_keras", { clipnorm: 1, globalClipnorm: 1 }), {
    plugin: "adam_keras",
    option: "globalClipnorm",
  }],
  [
    "a cycle over no steps",
    () => all.createSchedule("polynomial_decay", { initialLearningRate: 1, decaySteps: 0, cycle: true }),
    { plugin: "polynomial_decay", option: "decaySteps" },
  ],
  [
    "a decay that follows a metric",
    () => all.createSchedule("warmup", { initialLearningRate: 1, warmupSteps: 1, decaySchedule: { name: "greedy" } } as never),
    { plugin: "warmup", option: "decaySchedule" },
  ],
  // recipes
  ["a recipe's accumulator", () => trainer({ optimizer: { name: "descent" }, accumulate: { name: "mean", options: { every: 0 } } }), {
    plugin: "mean",
    option: "every",
  }],
  ["a recipe's group", () => trainer({ optimizer: { name: "descent" }, groups: [{ match: "w", optimizer: 1 }] }), { group: 0 }],
];
const backend = createBackend("js");
const later = createOptimizer(sick, { w: f32(1, 2), b: f32(3) }, { where: "later" }, { backend }) as Optimizer<unknown>;
const sickly = createOptimizer(sick, { w: f32(1, 2) }, {}, { backend }) as Optimizer<unknown>;
const slotty = createOptimizer(everything, { w: f32(1, 2) }, {}, { backend }) as Optimizer<unknown>;

for (const [what, run, fields] of cases) {
  test(`An error about ${what} carries ${Object.keys(fields).join(", ")} beside its message`, () => {
    const { plugin, option, tensor, group } = aboutOf(assertThrows(run, Error));
    assertEquals(JSON.parse(JSON.stringify({ plugin, option, tensor, group })), { ...fields });
  });
}

test("What an error knows already stays when more is said about it, and what is no error is passed on", () => {
  const error = about(new TypeError("x"), { option: "lr" });
  assertEquals({ ...about(error, { option: "eps", plugin: "adamw" }) }, { option: "lr", plugin: "adamw" });
  assertEquals({ ...about(error, { tensor: undefined }) }, { option: "lr", plugin: "adamw" });
  const frozen = Object.freeze(new TypeError("x"));
  assertStrictEquals(about(frozen, { plugin: "adamw" }), frozen);
  assertEquals(aboutOf("x"), {});
});

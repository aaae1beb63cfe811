import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { known, show } from "../../core/names.ts";
import { builtins } from "../../mod.ts";

const params = { w: new Float32Array(2) };
// deno-lint-ignore no-explicit-any
const loose = builtins as any;
const settings = (given: unknown) => () => loose.createOptimizer("adamw", params, {}, given);
const tensor = (like: unknown) => () => loose.createOptimizer("adamw", { w: like });
const data = new Float32Array(4);

/** What people write who come from other libraries, and what the error says that they mean. */
const hints: readonly [what: string, () => unknown, meant: string][] = [
  ["learning_rate", () => loose.createOptimizer("adamw", params, { learning_rate: 1 }), "lr"],
  ["learningRate", () => loose.createOptimizer("adafactor", params, { learningRate: 1 }), "lr"],
  ["epsilon", () => loose.createOptimizer("adamw_torch", params, { epsilon: 1 }), "eps"],
  ["beta1", () => loose.createOptimizer("adamw", params, { beta1: 0.9 }), "betas"],
  ["wd", () => loose.createOptimizer("adamw", params, { wd: 0.1 }), "weightDecay"],
  ["warmupRatio", () => loose.createSchedule("linear", { warmupRatio: 0.1 }), "numWarmupSteps"],
  ["warmup_steps", () => loose.createSchedule("cosine", { warmup_steps: 10 }), "numWarmupSteps"],
  ["T_max", () => loose.createSchedule("cosine", { T_max: 10 }), "numTrainingSteps"],
  ["total_iters", () => loose.getScheduler("linear", { total_iters: 10 }), "numTrainingSteps"],
  ["AdamW_HF", () => loose.createOptimizer("AdamW_HF", params), "adamw"],
  ["AdamW", () => loose.createOptimizer("AdamW", params), "adamw"],
  ["CosineAnnealingLR", () => loose.createSchedule("CosineAnnealingLR", {}), "cosine"],
  ["ReduceLROnPlateau", () => loose.createSchedule("ReduceLROnPlateau", {}), "reduce_lr_on_plateau"],
  ["clip_grad_norm", settings({ transforms: [{ name: "clip_grad_norm" }] }), "clip_global_norm"],
  ["max_grad_norm", settings({ transforms: [{ name: "clip_global_norm", options: { max_grad_norm: 1 } }] }), "maxNorm"],
  ["param_groups", settings({ param_groups: [] }), "groups"],
  ["scheduler", settings({ scheduler: {} }), "schedules"],
  ["dims", tensor({ data, dims: [2, 2] }), "shape"],
  ["size", tensor({ data, size: [2, 2] }), "shape"],
  ["type", tensor({ data, type: "float32" }), "dtype"],
];
for (const [word, run, meant] of hints) {
  test(`An error about ${word} says that ${meant} is meant`, () => {
    assertStringIncludes(assertThrows(run, TypeError).message, `did you mean "${meant}"?`);
  });
}

test("known() offers another library's word only where ours is known, and nothing for what is far from all", () => {
  assertEquals(known(["betas", "eps"], "learning_rate"), "known are betas, eps");
  assertEquals(known(["lr"], "toString"), "known are lr");
  assertEquals(known([], "lr"), "there are none");
});

test("show() says what an object is by its class", () => {
  const shown = [new Map(), new Set(), new Date(), new ArrayBuffer(1), Promise.resolve(), {}, new (class A {})(), null, new Float32Array(1)]
    .map(show);
  assertEquals(shown, [
    "a Map (Object.fromEntries makes an object of it)",
    "a Set",
    "a Date",
    "an ArrayBuffer",
    "a Promise",
    "an object",
    "an object",
    "null",
    "a Float32Array",
  ]);
});

for (
  const [what, run] of Object.entries({
    parameters: () => loose.createOptimizer("adamw", new Map([["w", data]])),
    gradients: () => loose.createOptimizer("adamw", params).step(new Map([["w", data]])),
    schedules: () => loose.createOptimizer("adamw", params, {}, { schedules: new Map() }),
    options: () => loose.createOptimizer("adamw", params, new Map([["lr", 1]])),
    "an accumulator's gradients": () => loose.createAccumulator("mean", {}, params).add(new Map([["w", data]])),
  })
) {
  test(`A Map as ${what} is refused with a word on Maps`, () => {
    assertThrows(run, TypeError, "Object.fromEntries makes");
  });
}

import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { makeSchedule } from "../../core/plugin/schedules.ts";
import type { SchedulePlugin } from "../../core/plugin/contract.ts";
import type { Recipe, Schedule } from "../../core/types.ts";
import { fromConfig, getConfig } from "../../plugins/recipes/keras_config.ts";
import { t5FixedLr, t5Relative } from "../../plugins/recipes/t5.ts";
import { type TfOptimizerOptions, tfRecipe } from "../../plugins/recipes/tf.ts";
import { polynomialDecay } from "../../plugins/schedules/polynomial_decay.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";
import { builtins } from "../../mod.ts";
import { root } from "../generated.ts";
import { type Case, type Json, type JsonObject, openGolden } from "../reference/golden.ts";
import { camelKeys } from "../reference/options.ts";
import { isSpec, useOf } from "../reference/tf_schedules.ts";

const golden = openGolden(join(root, "tests/reference/golden"));
const plain = { initLr: 5e-3, numTrainSteps: 20, numWarmupSteps: 5 };

/** The recipe's schedule. */
function scheduleOf(recipe: Recipe): Schedule {
  const { name, options } = recipe.schedules!.lr;
  const plugins: readonly SchedulePlugin[] = [warmup, polynomialDecay];
  return makeSchedule(plugins.find((plugin) => plugin.name === name)!, options) as Schedule;
}

// ---- create_optimizer, semantics 1.10

test("tfRecipe() picks adam_weight_decay with weight decay, and Keras' Adam without or below (O3)", () => {
  const picked = [0.01, 0, -0.1].map((weightDecayRate) => tfRecipe({ ...plain, weightDecayRate }).optimizer.name);
  assertEquals(picked, ["adam_weight_decay", "adam_keras", "adam_keras"]);
});

test("tfRecipe() keeps weight decay off biases and layer norms (O3)", () => {
  const { options } = tfRecipe({ ...plain, weightDecayRate: 0.01, includeInWeightDecay: ["output/bias"] }).optimizer;
  const { includeInWeightDecay, excludeFromWeightDecay } = options as Record<string, unknown>;
  assertEquals([includeInWeightDecay, excludeFromWeightDecay], [["output/bias"], ["LayerNorm", "layer_norm", "bias"]]);
});

test("tfRecipe() puts a linear warmup in front of the decay, whatever its power, and none for 0 steps (O2)", () => {
  const bent = tfRecipe({ ...plain, power: 2, minLrRatio: 0.1 });
  assertEquals(bent.schedules!.lr.name, "warmup");
  const schedule = scheduleOf(bent);
  assertEquals([0, 1, 5, 20, 99].map(schedule), [0, 1e-3, 5e-3, 5e-4, 5e-4].map(Math.fround));
  assertEquals(tfRecipe({ ...plain, numWarmupSteps: 0 }).schedules!.lr.name, "polynomial_decay");
});

test("tfRecipe() with a warmup as long as the training ends in NaN, as there (O2)", () => {
  const schedule = scheduleOf(tfRecipe({ ...plain, numWarmupSteps: 20 }));
  assertEquals([19, 20].map((step) => Number.isNaN(schedule(step))), [false, true]);
});

for (
  const [what, options, error] of [
    ["an unknown option", { ...plain, weightDecay: 0.1 }, TypeError],
    ["a missing one", { initLr: 1 }, TypeError],
    ["one of another type", { ...plain, power: "2" }, TypeError],
    ["NaN", { ...plain, initLr: NaN }, RangeError],
    ["two norms (O4)", { ...plain, adamClipnorm: 1, adamGlobalClipnorm: 1 }, RangeError],
  ] as const
) {
  test(`tfRecipe() refuses ${what}`, () => {
    assertThrows(() => tfRecipe(options as unknown as TfOptimizerOptions), error);
  });
}

// ---- T5

test("t5FixedLr() is the page's first setting", () => {
  assertEquals(t5FixedLr({ numWarmupSteps: 10 }), {
    optimizer: {
      name: "adafactor",
      options: { lr: 1e-3, scaleParameter: false, relativeStep: false, warmupInit: false, clipThreshold: 1 },
    },
    schedules: { lr: { name: "constant_with_warmup", options: { numWarmupSteps: 10 } } },
  });
  assertThrows(() => t5FixedLr({ lrs: 3 } as object), TypeError, "lrs");
});

test("t5Relative() is the page's second setting", () => {
  assertEquals(t5Relative().optimizer.options, { lr: null, scaleParameter: true, relativeStep: true, warmupInit: true });
});

// ---- get_config and from_config, semantics W3, T11

const decayed: Recipe = { optimizer: { name: "adam_weight_decay" } };

/** The recipe of AdamWeightDecay's arguments as the manifest has them. */
function recipeOf(given: JsonObject): Recipe {
  const { learning_rate = 1e-3, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7, name: _, ...rest } = given;
  const options = { ...camelKeys(rest), betas: [beta_1, beta_2], eps: epsilon };
  if (!isSpec(learning_rate)) return { optimizer: { name: "adam_weight_decay", options: { ...options, lr: learning_rate } } };
  return { optimizer: { name: "adam_weight_decay", options }, schedules: { lr: useOf(learning_rate) } };
}

/** Without the names of objects, which have no counterpart. */
function nameless(config: Json): Json {
  if (typeof config !== "object" || config === null || Array.isArray(config)) return config;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, key === "name" ? null : nameless(value)]));
}

const configs: readonly (readonly [Case, JsonObject])[] = golden.cases
  .filter(({ item, expects }) => item === "AdamWeightDecay.get_config" && expects.outputs.includes("config_before_use"))
  .map((entry) => [entry, golden.want(entry)]);

test("the reference has configurations to compare with", () => {
  assert(configs.length > 4);
});

for (const [{ id, args }, want] of configs) {
  test(`getConfig() matches ${id}, with the lists besides (T11, D14)`, () => {
    const options = args.options as JsonObject;
    const { include_in_weight_decay, exclude_from_weight_decay, ...rest } = getConfig(recipeOf(options)) as JsonObject;
    assertEquals(nameless(rest), nameless(want.config_before_use));
    assertEquals(include_in_weight_decay, options.include_in_weight_decay);
    assertEquals(exclude_from_weight_decay, options.exclude_from_weight_decay);
  });

  test(`fromConfig() reads ${id} as Keras wrote it`, () => {
    const read = getConfig(fromConfig(want.config_before_use as JsonObject)) as JsonObject;
    assertEquals(nameless(read), nameless(want.config_before_use));
  });
}

for (const entry of golden.cases.filter(({ item, expects }) => item === "create_optimizer" && expects.outputs.includes("config"))) {
  test(`getConfig() and fromConfig() match ${entry.id}`, () => {
    const want = golden.want(entry);
    const recipe = tfRecipe(camelKeys(entry.args.kwargs as JsonObject) as unknown as TfOptimizerOptions);
    const { exclude_from_weight_decay = null, ...config } = getConfig(recipe) as JsonObject;
    assertEquals(nameless(config), nameless(want.config));
    assertEquals(exclude_from_weight_decay, want.exclude);
    assertEquals(getConfig(fromConfig(getConfig(recipe))), getConfig(recipe));
  });
}

test("fromConfig() keeps both lists, their patterns' flags and onlyInclude through JSON (D14)", () => {
  const options = {
    lr: 0.02,
    betas: [0.9, 0.999],
    eps: 1e-7,
    amsgrad: false,
    decay: 0,
    weightDecayRate: 0.1,
    includeInWeightDecay: ["kernel", /norm/i],
    excludeFromWeightDecay: [/^bias$/],
    onlyInclude: true,
  };
  const config = JSON.parse(JSON.stringify(getConfig({ optimizer: { name: "adam_weight_decay", options } })));
  const read = fromConfig(config).optimizer.options as typeof options;
  assertEquals(read.includeInWeightDecay as unknown[], ["kernel", { source: "norm", flags: "i" }]);
  assertEquals(read.excludeFromWeightDecay as unknown[], ["^bias$"]);
  assertEquals({ ...read, includeInWeightDecay: 0, excludeFromWeightDecay: 0 }, {
    ...options,
    includeInWeightDecay: 0,
    excludeFromWeightDecay: 0,
  });
});

test("getConfig() knows every option of the plugins that it writes", () => {
  const sample = (spec: { readonly default?: unknown; readonly type?: unknown }): unknown =>
    spec.default !== undefined ? spec.default : spec.type === "array" ? [1] : spec.type === "object" ? { name: "polynomial_decay" } : 1;
  const full = ({ options }: { readonly options: object }) =>
    Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, sample(spec)]));
  for (const name of ["adam_weight_decay", "adam_keras"] as const) {
    getConfig({ optimizer: { name, options: full(builtins.plugins.find((plugin) => plugin.name === name)!) } });
  }
  const written = builtins.plugins.filter((plugin) => plugin.kind === "schedule" && /^(?!warmup_).*decay|^warmup$/.test(plugin.name));
  assertEquals(written.length, 7);
  for (const { name, options } of written) getConfig({ ...decayed, schedules: { lr: { name, options: full({ options }) } } });
});

test("getConfig() refuses what optax' cosine_decay has and Keras' has not", () => {
  const options = { initialLearningRate: 1e-3, decaySteps: 90, exponent: 2 };
  const recipe = { optimizer: { name: "adam_keras" }, schedules: { lr: { name: "cosine_decay", options } } };
  assertThrows(() => getConfig(recipe), TypeError, "exponent = 2");
  assertEquals(
    "exponent" in
      (getConfig({ ...recipe, schedules: { lr: { name: "cosine_decay", options: { ...options, exponent: 1 } } } }).learning_rate as {
        config: object;
      }).config,
    false,
  );
});

test("fromConfig() takes lr for learning_rate, also where both are there (T11)", () => {
  assertEquals(fromConfig({ name: "x", lr: 0.5 }).optimizer.options, { lr: 0.5 });
  assertEquals(fromConfig({ learning_rate: 0.1, lr: 0.5 }).optimizer.options, { lr: 0.5 });
});

test("getConfig() writes a pattern such that fromConfig() reads it again, also where its text would be Python's", () => {
  const excludeFromWeightDecay = [/\A/, /bias/gi, /kernel/u];
  const config = getConfig({ optimizer: { name: "adam_weight_decay", options: { excludeFromWeightDecay } } });
  const read = fromConfig(JSON.parse(JSON.stringify(config)));
  const patterns = (read.optimizer.options as Record<string, unknown[]>).excludeFromWeightDecay;
  assertEquals(patterns, excludeFromWeightDecay.map(({ source, flags }) => ({ source, flags })));
});

test("fromConfig() gives a recipe that createTrainer() takes, patterns with flags included", () => {
  const options = { weightDecayRate: 0.5, excludeFromWeightDecay: [/BIAS/i] };
  const config = JSON.parse(JSON.stringify(getConfig({ optimizer: { name: "adam_weight_decay", options } })));
  const params = { bias: new Float32Array([1]), kernel: new Float32Array([1]) };
  using trainer = builtins.createTrainer(params, JSON.parse(JSON.stringify(fromConfig(config))));
  trainer.add({ bias: new Float32Array(1), kernel: new Float32Array(1) });
  assertEquals([...params.bias], [1]);
  assert(params.kernel[0] < 1);
});

for (
  const [what, act] of [
    ["betas that are not two", () => getConfig({ optimizer: { name: "adam_weight_decay", options: { betas: [0.9] } } })],
    ["a beta that is no number", () => fromConfig({ beta_1: "x" })],
    ["another optimizer", () => getConfig({ optimizer: { name: "adamw" } })],
    ["a schedule that Keras lacks", () => getConfig({ optimizer: { name: "adam_keras" }, schedules: { lr: { name: "linear" } } })],
    ["an unknown key", () => fromConfig({ nesterov: true })],
    ["an unknown schedule", () => fromConfig({ learning_rate: { class_name: "LinearDecay", config: {} } })],
    ["a moving average", () => fromConfig({ is_legacy_optimizer: false, use_ema: true })],
    ["nothing, to write", () => getConfig(null as unknown as Recipe)],
    ["nothing, to read", () => fromConfig(null as unknown as Record<string, unknown>)],
    ["groups", () => getConfig({ ...decayed, groups: [{ match: "bias", options: { lr: 1 } }] })],
    ["transforms", () => getConfig({ ...decayed, transforms: [{ name: "clip_norm", options: { max: 1 } }] })],
    ["accumulation", () => getConfig({ ...decayed, accumulate: { name: "mean" } })],
    ["another option's schedule", () => getConfig({ ...decayed, schedules: { eps: { name: "polynomial_decay" } } })],
    ["an option that there is not", () => getConfig({ optimizer: { name: "adam_weight_decay", options: { weightDecay: 1 } } })],
    ["an option of another type", () => getConfig({ optimizer: { name: "adam_weight_decay", options: { eps: "1e-7" } } })],
    ["a schedule's unknown option", () => getConfig({ ...decayed, schedules: { lr: { name: "warmup", options: { steps: 3 } } } })],
    ["a schedule function", () => getConfig({ ...decayed, schedules: { lr: (() => 1) as unknown as { name: string } } })],
    ["a learning rate in words", () => fromConfig({ learning_rate: "0.1" })],
    ["a learning rate of null", () => fromConfig({ learning_rate: null })],
    ["a beta in words", () => fromConfig({ beta_1: "0.9" })],
    ["a beta of null", () => fromConfig({ beta_2: null })],
    ["another class", () => fromConfig({ name: "SGD", learning_rate: 0.1 })],
    ["a schedule of another type", () => fromConfig({ learning_rate: { class_name: "PolynomialDecay", config: { decay_steps: "9" } } })],
    ["a schedule without its config", () => fromConfig({ learning_rate: { class_name: "PolynomialDecay" } })],
    ["a pattern without its text", () => fromConfig({ exclude_from_weight_decay: [{}] })],
  ] as const
) {
  test(`Keras' configurations of ${what} are refused`, () => {
    assertThrows(act, TypeError, "Cannot");
  });
}

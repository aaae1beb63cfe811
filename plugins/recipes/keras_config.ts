/**
 * Keras' configurations of AdamWeightDecay and Adam, from and to recipes.
 *
 * As `get_config` and `from_config` of transformers 4.37.2 on Keras 2.15, but for the include and exclude lists, which are lost there and kept here.
 * The name of an optimizer or a schedule object has no counterpart here.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";

/** A Keras configuration: JSON. */
export type KerasConfig = Readonly<Record<string, unknown>>;

/** Keras' class of each schedule, and its module. */
const SCHEDULES: Readonly<Record<string, string>> = {
  warmup: "WarmUp",
  polynomial_decay: "PolynomialDecay",
  cosine_decay: "CosineDecay",
  cosine_decay_restarts: "CosineDecayRestarts",
  exponential_decay: "ExponentialDecay",
  inverse_time_decay: "InverseTimeDecay",
  piecewise_constant_decay: "PiecewiseConstantDecay",
};

/** Defaults of Keras' schedules, in the order of their configurations, where a recipe may leave them out. */
const SCHEDULE_DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  warmup: { power: 1 },
  polynomial_decay: { endLearningRate: 1e-4, power: 1, cycle: false },
  cosine_decay: { alpha: 0, warmupTarget: null, warmupSteps: 0 },
  cosine_decay_restarts: { tMul: 2, mMul: 1, alpha: 0 },
  exponential_decay: { staircase: false },
  inverse_time_decay: { staircase: false },
  piecewise_constant_decay: {},
};

/** Words that are not the option's own in snake case. */
const WORDS: readonly (readonly [keras: string, option: string])[] = [
  ["epsilon", "eps"],
  ["decay_schedule_fn", "decaySchedule"],
];

function toSnake(name: string): string {
  return WORDS.find(([, option]) => option === name)?.[0] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamel(name: string): string {
  return WORDS.find(([keras]) => keras === name)?.[1] ?? name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The Keras configuration of a recipe's optimizer, as `get_config` of `AdamWeightDecay` gives it, schedules inside.
 *
 * 4.37.2 leaves out the include and exclude lists, so that `from_config` decays biases and layer norms; here they are kept.
 *
 * @example Usage
 * ```ts
 * import { getConfig, tfRecipe } from "@glissade/optim";
 *
 * const config = getConfig(tfRecipe({ initLr: 5e-5, numTrainSteps: 1000, numWarmupSteps: 100, weightDecayRate: 0.01 }));
 * JSON.stringify(config);
 * ```
 *
 * @param recipe A recipe of `adam_weight_decay` or `adam_keras`.
 * @returns JSON that {@linkcode fromConfig} and Keras read; Keras does not know the lists.
 */
export function getConfig(recipe: Recipe): KerasConfig {
  const { name, options } = recipe.optimizer;
  const given: Record<string, unknown> = { ...options };
  const betas = (given.betas ?? [0.9, 0.999]) as readonly number[];
  const schedule = recipe.schedules?.lr;
  const learning_rate = schedule === undefined ? given.lr ?? 1e-3 : scheduleConfig(schedule);
  const adam = { beta_1: betas[0], beta_2: betas[1], epsilon: given.eps ?? 1e-7, amsgrad: given.amsgrad ?? false };
  if (name === "adam_keras") {
    return {
      name: "Adam",
      weight_decay: null,
      clipnorm: given.clipnorm ?? null,
      global_clipnorm: given.globalClipnorm ?? null,
      clipvalue: given.clipvalue ?? null,
      use_ema: false,
      ema_momentum: 0.99,
      ema_overwrite_frequency: null,
      jit_compile: false,
      is_legacy_optimizer: false,
      learning_rate,
      ...adam,
    };
  }
  if (name !== "adam_weight_decay") {
    throw new TypeError(`Cannot write the Keras configuration of "${name}": known are adam_weight_decay, adam_keras`);
  }
  const clips = ["clipnorm", "clipvalue", "globalClipnorm"].filter((clip) => (given[clip] ?? null) !== null);
  const lists = ["includeInWeightDecay", "excludeFromWeightDecay"].filter((list) => (given[list] ?? null) !== null);
  return {
    name: "AdamWeightDecay",
    ...Object.fromEntries(clips.map((clip) => [toSnake(clip), given[clip]])),
    learning_rate,
    decay: given.decay ?? 0,
    ...adam,
    epsilon: adam.epsilon === 0 ? 1e-7 : adam.epsilon,
    weight_decay_rate: given.weightDecayRate ?? 0,
    ...Object.fromEntries(lists.map((list) => [toSnake(list), (given[list] as readonly unknown[]).map(patternConfig)])),
    ...(given.onlyInclude ? { only_include: true } : {}),
  };
}

/**
 * The recipe of a Keras configuration: of {@linkcode getConfig}, or of Keras itself, where the include and exclude lists are lost.
 *
 * @example Usage
 * ```ts
 * import { builtins, fromConfig } from "@glissade/optim";
 *
 * const recipe = fromConfig({ name: "AdamWeightDecay", learning_rate: 5e-5, weight_decay_rate: 0.01 });
 * using trainer = builtins.createTrainer({ w: new Float32Array(3) }, recipe);
 * ```
 *
 * @param config What `get_config` of `AdamWeightDecay` or of Keras' `Adam` gave.
 * @returns A recipe for `createTrainer`.
 */
export function fromConfig(config: KerasConfig): Recipe {
  // Only Keras' own Adam has these; the name is the user's to choose.
  const own = "is_legacy_optimizer" in config;
  const { name: _, beta_1, beta_2, lr, learning_rate = lr, ...rest } = config;
  const idle = ["use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile", "is_legacy_optimizer", "weight_decay"];
  if (rest.use_ema || rest.weight_decay) {
    throw new TypeError("Cannot read the Keras configuration: use_ema and weight_decay have no counterpart here");
  }
  const known = own ? ADAM_KEYS : [...ADAM_KEYS, ...WEIGHT_DECAY_KEYS];
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (own && idle.includes(key)) continue;
    if (!known.includes(key)) throw new TypeError(`Cannot read "${key}" in a Keras configuration: known are ${known.join(", ")}`);
    options[toCamel(key)] = Array.isArray(value) ? value.map(readPattern) : value;
  }
  if (beta_1 !== undefined || beta_2 !== undefined) options.betas = [beta_1 ?? 0.9, beta_2 ?? 0.999];
  if (typeof learning_rate === "number") options.lr = learning_rate;
  const schedule = typeof learning_rate === "object" && learning_rate !== null ? { schedules: { lr: readSchedule(learning_rate) } } : {};
  return { optimizer: { name: own ? "adam_keras" : "adam_weight_decay", options }, ...schedule };
}

const ADAM_KEYS: readonly string[] = ["epsilon", "amsgrad", "clipnorm", "clipvalue", "global_clipnorm"];
const WEIGHT_DECAY_KEYS: readonly string[] = [
  "decay",
  "weight_decay_rate",
  "include_in_weight_decay",
  "exclude_from_weight_decay",
  "only_include",
];

interface NamedSchedule {
  readonly name: string;
  readonly options?: object;
}

function scheduleConfig({ name, options }: NamedSchedule): KerasConfig {
  const class_name = Object.hasOwn(SCHEDULES, name) ? SCHEDULES[name] : undefined;
  if (class_name === undefined) {
    throw new TypeError(`Cannot write schedule "${name}" as Keras': known are ${Object.keys(SCHEDULES).join(", ")}`);
  }
  const given = Object.entries({ ...SCHEDULE_DEFAULTS[name], ...options });
  const config = given.map(([key, value]) => [toSnake(key), key === "decaySchedule" ? scheduleConfig(value as NamedSchedule) : value]);
  const own = name === "warmup";
  return {
    module: own ? "transformers.optimization_tf" : "keras.optimizers.schedules",
    class_name,
    config: { ...Object.fromEntries(config), name: null },
    registered_name: own ? class_name : null,
  };
}

function readSchedule(value: unknown): NamedSchedule {
  const { class_name, config } = value as { readonly class_name?: unknown; readonly config?: object };
  const name = Object.keys(SCHEDULES).find((name) => SCHEDULES[name] === class_name);
  if (name === undefined) {
    throw new TypeError(`Cannot read schedule "${class_name}" in a Keras configuration: known are ${Object.values(SCHEDULES).join(", ")}`);
  }
  const given = Object.entries({ ...config }).filter(([key]) => key !== "name");
  return {
    name,
    options: Object.fromEntries(given.map(([key, value]) => [toCamel(key), key === "decay_schedule_fn" ? readSchedule(value) : value])),
  };
}

function patternConfig(pattern: unknown): unknown {
  if (!(pattern instanceof RegExp)) return pattern;
  return pattern.flags === "" ? pattern.source : { source: pattern.source, flags: pattern.flags };
}

function readPattern(pattern: unknown): unknown {
  if (typeof pattern !== "object" || pattern === null) return pattern;
  const { source, flags } = pattern as { readonly source: string; readonly flags: string };
  return new RegExp(source, flags);
}

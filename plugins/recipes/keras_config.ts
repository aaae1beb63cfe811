/**
 * Keras' configurations of AdamWeightDecay and Adam, from and to recipes.
 *
 * As `get_config` and `from_config` of transformers 4.37.2 on Keras 2.15, but for the include and exclude lists, which are lost there and kept here.
 * The name of an optimizer or a schedule object has no counterpart here. What a configuration cannot say is refused, not left out.
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

/** What an option may be; `list` holds names and patterns, `numbers` numbers. A recipe knows the plugins by name alone, so its options stand here. */
type Kind = "number" | "boolean" | "numbers" | "pair" | "list" | "number or null" | "schedule";
type Kinds = Readonly<Record<string, Kind>>;

const ADAM: Kinds = {
  lr: "number",
  betas: "pair",
  eps: "number",
  amsgrad: "boolean",
  clipnorm: "number or null",
  clipvalue: "number or null",
  globalClipnorm: "number or null",
};
const OPTIMIZERS: Readonly<Record<string, Kinds>> = {
  adam_weight_decay: {
    ...ADAM,
    weightDecayRate: "number",
    includeInWeightDecay: "list",
    excludeFromWeightDecay: "list",
    onlyInclude: "boolean",
    decay: "number",
  },
  adam_keras: ADAM,
};
const SCHEDULE_OPTIONS: Readonly<Record<string, Kinds>> = {
  warmup: { initialLearningRate: "number", decaySchedule: "schedule", warmupSteps: "number", power: "number" },
  polynomial_decay: { initialLearningRate: "number", decaySteps: "number", endLearningRate: "number", power: "number", cycle: "boolean" },
  cosine_decay: {
    initialLearningRate: "number",
    decaySteps: "number",
    alpha: "number",
    warmupTarget: "number or null",
    warmupSteps: "number",
  },
  cosine_decay_restarts: { initialLearningRate: "number", firstDecaySteps: "number", tMul: "number", mMul: "number", alpha: "number" },
  exponential_decay: { initialLearningRate: "number", decaySteps: "number", decayRate: "number", staircase: "boolean" },
  inverse_time_decay: { initialLearningRate: "number", decaySteps: "number", decayRate: "number", staircase: "boolean" },
  piecewise_constant_decay: { boundaries: "numbers", values: "numbers" },
};

/** What a value of each kind is, in words and as a test. */
const KINDS: Readonly<Record<Kind, readonly [wanted: string, fits: (value: unknown) => boolean]>> = {
  number: ["a number", (value) => typeof value === "number"],
  boolean: ["true or false", (value) => typeof value === "boolean"],
  numbers: ["a list of numbers", (value) => Array.isArray(value) && value.every((x) => typeof x === "number")],
  pair: ["two numbers", (value) => Array.isArray(value) && value.length === 2 && value.every((x) => typeof x === "number")],
  list: [
    "a list of names and regular expressions, or null",
    (value) => value === null || Array.isArray(value) && value.every((x) => typeof x === "string" || isPattern(x)),
  ],
  "number or null": ["a number or null", (value) => value === null || typeof value === "number"],
  schedule: ["{ name, options }", isRecord],
};

/** Keras' other optimizers: under such a name stands another algorithm, where any other name is the user's to choose. */
const STRANGERS: readonly string[] = [
  "SGD",
  "RMSprop",
  "Adagrad",
  "Adadelta",
  "Adamax",
  "Nadam",
  "Ftrl",
  "Adafactor",
  "AdamW",
  "Lion",
  "LossScaleOptimizer",
];

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
 * @returns JSON that {@linkcode fromConfig} reads. Keras reads it too, the lists included, but for `only_include`, for patterns with flags, and for a
 * `WarmUp`: Keras builds 4.37.2's own configuration of one, and cannot call it.
 */
export function getConfig(recipe: Recipe): KerasConfig {
  const { name, options } = checkRecipe(recipe);
  const given = checkOptions(`optimizer "${name}"`, OPTIMIZERS[name], options);
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
  if (!isRecord(config)) throw new TypeError(`Cannot read ${show(config)} as a Keras configuration: it must be an object`);
  // Only Keras' own Adam has these; the name is the user's to choose.
  const own = "is_legacy_optimizer" in config;
  const { name: given, beta_1 = 0.9, beta_2 = 0.999, learning_rate: rate, lr, ...rest } = config;
  const learning_rate = lr === undefined ? rate : lr;
  if (STRANGERS.includes(given as string)) {
    throw new TypeError(`Cannot read the Keras configuration of ${given}: known are AdamWeightDecay and Adam`);
  }
  const idle = ["use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile", "is_legacy_optimizer", "weight_decay"];
  if (rest.use_ema || rest.weight_decay) {
    throw new TypeError("Cannot read the Keras configuration: use_ema and weight_decay have no counterpart here");
  }
  const known = own ? ADAM_KEYS : [...ADAM_KEYS, ...WEIGHT_DECAY_KEYS];
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (own && idle.includes(key)) continue;
    if (!known.includes(key)) throw new TypeError(`Cannot read "${key}" in a Keras configuration: known are ${known.join(", ")}`);
    options[toCamel(key)] = Array.isArray(value) ? value.map(checkPattern) : value;
  }
  for (const [key, beta] of Object.entries({ beta_1, beta_2 })) {
    if (typeof beta !== "number") throw new TypeError(`Cannot read ${key} = ${show(beta)} in a Keras configuration: it must be a number`);
  }
  if ("beta_1" in config || "beta_2" in config) options.betas = [beta_1, beta_2];
  const scheduled = isRecord(learning_rate);
  if (!scheduled && learning_rate !== undefined) options.lr = learning_rate;
  const name = own ? "adam_keras" : "adam_weight_decay";
  return {
    optimizer: { name, options: checkOptions(`optimizer "${name}"`, OPTIMIZERS[name], options) },
    ...(scheduled ? { schedules: { lr: readSchedule(learning_rate) } } : {}),
  };
}

/** The optimizer of a recipe that a configuration can say. */
function checkRecipe(recipe: Recipe): Recipe["optimizer"] {
  const { optimizer, schedules = {}, ...rest }: Partial<Recipe> = isRecord(recipe) ? recipe : {};
  if (!isRecord(optimizer) || !isRecord(schedules)) {
    throw new TypeError(`Cannot write ${show(recipe)} as a Keras configuration: it must be a recipe, { optimizer: { name, options } }`);
  }
  if (!Object.hasOwn(OPTIMIZERS, optimizer.name)) {
    throw new TypeError(`Cannot write the Keras configuration of "${optimizer.name}": known are ${Object.keys(OPTIMIZERS).join(", ")}`);
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    throw new TypeError(`Cannot write a recipe's ${key} as a Keras configuration: it has optimizer and schedules.lr alone`);
  }
  const other = Object.keys(schedules).find((option) => option !== "lr");
  if (other !== undefined) throw new TypeError(`Cannot write a schedule of "${other}" as a Keras configuration: it has one of lr alone`);
  return optimizer;
}

/** Only what is given, each name known and each value of its option's kind. */
function checkOptions(owner: string, kinds: Kinds, given: unknown = {}): Record<string, unknown> {
  if (!isRecord(given)) throw new TypeError(`Cannot use ${show(given)} as the options of ${owner}: they must be an object`);
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries) {
    if (!Object.hasOwn(kinds, name)) {
      throw new TypeError(`Cannot use option "${name}" of ${owner} with Keras: known are ${Object.keys(kinds).join(", ")}`);
    }
    const [wanted, fits] = KINDS[kinds[name]];
    if (!fits(value)) throw new TypeError(`Cannot use ${name} = ${show(value)} of ${owner}: it must be ${wanted}`);
    const wrong = [value].flat().find((x) => typeof x === "number" && !Number.isFinite(x));
    if (wrong !== undefined) throw new RangeError(`Cannot use ${name} = ${wrong} of ${owner}: it must be finite`);
  }
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]"; // no arrays, maps, patterns
}

function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value)
    : isRecord(value)
    ? "an object"
    : Array.isArray(value)
    ? "an array"
    : String(value);
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

function scheduleConfig(schedule: NamedSchedule): KerasConfig {
  if (!isRecord(schedule)) throw new TypeError(`Cannot write ${show(schedule)} as a schedule of Keras: it must be { name, options }`);
  const { name, options }: NamedSchedule = schedule;
  const class_name = Object.hasOwn(SCHEDULES, name) ? SCHEDULES[name] : undefined;
  if (class_name === undefined) {
    throw new TypeError(`Cannot write schedule ${show(name)} as Keras': known are ${Object.keys(SCHEDULES).join(", ")}`);
  }
  const checked = checkOptions(`schedule "${name}"`, SCHEDULE_OPTIONS[name], options);
  const given = Object.entries({ ...SCHEDULE_DEFAULTS[name], ...checked });
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
  const { class_name, config }: { readonly class_name?: unknown; readonly config?: unknown } = isRecord(value) ? value : {};
  const name = Object.keys(SCHEDULES).find((name) => SCHEDULES[name] === class_name);
  if (name === undefined) {
    throw new TypeError(`Cannot read schedule "${class_name}" in a Keras configuration: known are ${Object.values(SCHEDULES).join(", ")}`);
  }
  if (!isRecord(config)) throw new TypeError(`Cannot read schedule ${class_name} in a Keras configuration: its config must be an object`);
  const given = Object.entries(config).filter(([key]) => key !== "name");
  const options = Object.fromEntries(
    given.map(([key, value]) => [toCamel(key), key === "decay_schedule_fn" ? readSchedule(value) : value]),
  );
  return { name, options: checkOptions(`schedule "${name}"`, SCHEDULE_OPTIONS[name], options) };
}

/** A `RegExp`, or one as JSON holds it. */
function isPattern(value: unknown): value is { readonly source: string; readonly flags: string } {
  return (value instanceof RegExp || isRecord(value)) && typeof value.source === "string" && typeof value.flags === "string";
}

function patternConfig(pattern: unknown): unknown {
  if (!isPattern(pattern)) return pattern;
  const { source, flags } = pattern;
  // As a string, \A would be Python's.
  return flags === "" && !/\\[AZ]/.test(source) ? source : { source, flags };
}

function checkPattern(pattern: unknown): unknown {
  if (!isRecord(pattern)) return pattern;
  if (!isPattern(pattern)) {
    throw new TypeError("Cannot read a pattern in a Keras configuration: it must be a string or { source, flags }");
  }
  const { source, flags } = pattern;
  try {
    new RegExp(source, flags);
  } catch (error) {
    throw new RangeError(`Cannot read pattern /${source}/${flags} in a Keras configuration: ${(error as Error).message}`);
  }
  return { source, flags };
}

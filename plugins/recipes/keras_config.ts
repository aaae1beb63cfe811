/**
 * Keras' configurations of AdamWeightDecay and Adam, from and to recipes.
 *
 * As `get_config` and `from_config` of transformers 4.37.2 on Keras 2.15, but for the include and exclude lists, which are lost there and kept here.
 * The name of an optimizer or a schedule object has no counterpart here. What a configuration cannot say is refused, not left out.
 *
 * @module
 */
import type { OptimizerPlugin, OptionSpec, SchedulePlugin } from "../../core/plugin/contract.ts";
import type { Recipe } from "../../core/types.ts";
import { adamKeras } from "../optimizers/adam_keras.ts";
import { adamWeightDecay, type AdamWeightDecayOptions } from "../optimizers/adam_weight_decay.ts";
import { cosineDecay } from "../schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "../schedules/cosine_decay_restarts.ts";
import { exponentialDecay } from "../schedules/exponential_decay.ts";
import { inverseTimeDecay } from "../schedules/inverse_time_decay.ts";
import { piecewiseConstantDecay } from "../schedules/piecewise_constant_decay.ts";
import { polynomialDecay } from "../schedules/polynomial_decay.ts";
import { warmup } from "../schedules/warmup.ts";

/** A Keras configuration: JSON. */
export type KerasConfig = Readonly<Record<string, unknown>>;

type AnySpec = OptionSpec<unknown>;
type Specs = Readonly<Record<string, AnySpec>>;

/** What Keras has of our optimizers. */
const optimizers: readonly OptimizerPlugin[] = [adamWeightDecay, adamKeras];

/** Keras' class of each schedule. */
const schedules: readonly (readonly [plugin: SchedulePlugin, className: string])[] = [
  [warmup, "WarmUp"],
  [polynomialDecay, "PolynomialDecay"],
  [cosineDecay, "CosineDecay"],
  [cosineDecayRestarts, "CosineDecayRestarts"],
  [exponentialDecay, "ExponentialDecay"],
  [inverseTimeDecay, "InverseTimeDecay"],
  [piecewiseConstantDecay, "PiecewiseConstantDecay"],
];

/** An option of `cosine_decay` that is not of Keras. */
const optaxOption = "exponent";

const specsOf = ({ options }: OptimizerPlugin | SchedulePlugin): Specs => options as Specs;

/** What a value of an option must be, in words and as a test. Values are not held against their ranges: the plugin does that when it is used. */
function kindOf({ default: value, type, format, holds }: AnySpec): readonly [wanted: string, fits: (value: unknown) => boolean] {
  const types: readonly string[] = type === undefined ? [typeof value] : [type].flat();
  if (holds === "schedule") return ["{ name, options }", isRecord];
  if (format === "regex") {
    return [
      "a list of names and regular expressions, or null",
      (given) => given === null || Array.isArray(given) && given.every((x) => typeof x === "string" || isPattern(x)),
    ];
  }
  if (Array.isArray(value) || types.includes("array")) {
    const count = Array.isArray(value) ? value.length : undefined;
    return [
      count === undefined ? "a list of numbers" : `${count} numbers`,
      (given) => Array.isArray(given) && (count ?? given.length) === given.length && given.every((x) => typeof x === "number"),
    ];
  }
  return [
    types.map((name) => name === "boolean" ? "true or false" : name === "null" ? "null" : `a ${name}`).join(" or "),
    (given) => types.includes(given === null ? "null" : typeof given),
  ];
}

/** Keras' other optimizers: under such a name stands another algorithm, where any other name is the user's to choose. */
const otherOptimizers: readonly string[] = [
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

/** What Keras' own Adam may be told beside its options, the last two in Keras 3. */
const unsaid: readonly string[] = ["weight_decay", "loss_scale_factor", "gradient_accumulation_steps"];

/** Words that are not the option's own in snake case. */
const ownWords: readonly (readonly [keras: string, option: string])[] = [
  ["epsilon", "eps"],
  ["decay_schedule_fn", "decaySchedule"],
];

function toSnake(name: string): string {
  return ownWords.find(([, option]) => option === name)?.[0] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toCamel(name: string): string {
  return ownWords.find(([keras]) => keras === name)?.[1] ?? name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
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
  const plugin = optimizers.find((plugin) => plugin.name === name)!;
  const { lr, betas: [beta_1, beta_2], eps, amsgrad, ...given } = withDefaults(plugin, options) as Required<AdamWeightDecayOptions>;
  const schedule = recipe.schedules?.lr;
  const learning_rate = schedule === undefined ? lr : scheduleConfig(schedule);
  const adam = { beta_1, beta_2, epsilon: eps, amsgrad };
  if (plugin === adamKeras) {
    return {
      name: "Adam",
      weight_decay: null,
      clipnorm: given.clipnorm,
      global_clipnorm: given.globalClipnorm,
      clipvalue: given.clipvalue,
      use_ema: false,
      ema_momentum: 0.99,
      ema_overwrite_frequency: null,
      jit_compile: false,
      is_legacy_optimizer: false,
      learning_rate,
      ...adam,
    };
  }
  const clips = (["clipnorm", "clipvalue", "globalClipnorm"] as const).filter((clip) => given[clip] !== null);
  const lists = (["includeInWeightDecay", "excludeFromWeightDecay"] as const).filter((list) => given[list] !== null);
  return {
    name: "AdamWeightDecay",
    ...Object.fromEntries(clips.map((clip) => [toSnake(clip), given[clip]])),
    learning_rate,
    decay: given.decay,
    ...adam,
    epsilon: eps === 0 ? 1e-7 : eps,
    weight_decay_rate: given.weightDecayRate,
    ...Object.fromEntries(lists.map((list) => [toSnake(list), given[list]!.map(patternConfig)])),
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
  if (otherOptimizers.includes(given as string)) {
    throw new TypeError(`Cannot read the Keras configuration of ${given}: known are AdamWeightDecay and Adam`);
  }
  const idle = ["use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile", "is_legacy_optimizer", ...unsaid];
  if (rest.use_ema || unsaid.some((key) => rest[key])) {
    throw new TypeError(`Cannot read the Keras configuration: use_ema, ${unsaid.join(", ")} have no counterpart here`);
  }
  const plugin: OptimizerPlugin = own ? adamKeras : adamWeightDecay;
  const known = Object.keys(plugin.options as Specs).filter((option) => option !== "lr" && option !== "betas").map(toSnake);
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
  return {
    optimizer: { name: plugin.name, options: checkOptions(plugin, options) },
    ...(scheduled ? { schedules: { lr: readSchedule(learning_rate) } } : {}),
  };
}

/** What {@linkcode fromKeras} must be told beside a schedule. */
export interface FromKerasOptions {
  /** The optimizer, where the configuration is of a schedule alone; default: Keras' Adam. */
  readonly optimizer?: Recipe["optimizer"];
}

/**
 * The recipe of a configuration of Keras: of a `LearningRateSchedule`, as `serialize`, `to_json` and a saved model have it, or of an optimizer, with its
 * schedule inside.
 *
 * Both forms of a serialized object are read: Keras 3's `{ module, class_name, config, registered_name }` and the older `{ class_name, config }`; and what
 * a schedule's `get_config` gives by itself, where its name or its keys tell the class. An optimizer is read as {@linkcode fromConfig} does.
 *
 * @example Usage
 * ```ts
 * import { fromKeras } from "@glissade/optim";
 *
 * const recipe = fromKeras({ class_name: "CosineDecay", config: { initial_learning_rate: 1e-3, decay_steps: 1000 } });
 * console.log(recipe.schedules?.lr.name); // cosine_decay
 * ```
 *
 * @param config The configuration.
 * @param options What it does not say.
 * @returns A recipe for `createTrainer`.
 */
export function fromKeras(config: KerasConfig, { optimizer = { name: adamKeras.name } }: FromKerasOptions = {}): Recipe {
  if (!isRecord(config)) throw new TypeError(`Cannot read ${show(config)} as a Keras configuration: it must be an object`);
  const { class_name, config: inner } = config;
  if (typeof class_name === "string" && isRecord(inner)) {
    // What optimizers are called is theirs to choose: their class says which they are.
    if (class_name === "AdamWeightDecay") return fromConfig({ ...inner, name: class_name });
    if (class_name === "Adam") return fromConfig({ is_legacy_optimizer: false, ...inner, name: class_name });
    if (otherOptimizers.includes(class_name)) {
      throw new TypeError(`Cannot read the Keras configuration of ${class_name}: known are AdamWeightDecay and Adam`);
    }
    return { optimizer, schedules: { lr: readSchedule(config) } };
  }
  if ("learning_rate" in config || "lr" in config) return fromConfig(config);
  return { optimizer, schedules: { lr: readSchedule({ class_name: classOfKeys(config), config }) } };
}

/** Keys of a schedule's own `get_config` that no other has together. */
const schedulesByKeys: readonly (readonly [className: string, keys: readonly string[]])[] = [
  ["WarmUp", ["decay_schedule_fn", "warmup_steps"]],
  ["PolynomialDecay", ["decay_steps", "end_learning_rate"]],
  ["CosineDecayRestarts", ["first_decay_steps"]],
  ["CosineDecay", ["decay_steps", "alpha"]],
  ["PiecewiseConstantDecay", ["boundaries", "values"]],
];

function classOfKeys(config: KerasConfig): string {
  const named = schedules.find(([, className]) => className === config.name);
  const [className] = named === undefined ? schedulesByKeys.find(([, keys]) => keys.every((key) => key in config)) ?? [] : [named[1]];
  if (className !== undefined) return className;
  const known = schedules.map(([, name]) => name).join(", ");
  const both = "decay_rate" in config ? "; ExponentialDecay and InverseTimeDecay have the same keys" : "";
  throw new TypeError(`Cannot tell of which class a Keras configuration is: give { class_name, config }, with one of ${known}${both}`);
}

/** The optimizer of a recipe that a configuration can say. */
function checkRecipe(recipe: Recipe): Recipe["optimizer"] {
  const { optimizer, schedules = {}, ...rest }: Partial<Recipe> = isRecord(recipe) ? recipe : {};
  if (!isRecord(optimizer) || !isRecord(schedules)) {
    throw new TypeError(`Cannot write ${show(recipe)} as a Keras configuration: it must be a recipe, { optimizer: { name, options } }`);
  }
  if (!optimizers.some(({ name }) => name === optimizer.name)) {
    const known = optimizers.map(({ name }) => name).join(", ");
    throw new TypeError(`Cannot write the Keras configuration of "${optimizer.name}": known are ${known}`);
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
function checkOptions(plugin: OptimizerPlugin | SchedulePlugin, given: unknown = {}): Record<string, unknown> {
  const owner = `${plugin.kind} "${plugin.name}"`;
  const specs = specsOf(plugin);
  if (!isRecord(given)) throw new TypeError(`Cannot use ${show(given)} as the options of ${owner}: they must be an object`);
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries) {
    if (!Object.hasOwn(specs, name)) {
      throw new TypeError(`Cannot use option "${name}" of ${owner} with Keras: known are ${Object.keys(specs).join(", ")}`);
    }
    const [wanted, fits] = kindOf(specs[name]);
    if (!fits(value)) throw new TypeError(`Cannot use ${name} = ${show(value)} of ${owner}: it must be ${wanted}`);
    const wrong = [value].flat().find((x) => typeof x === "number" && !Number.isFinite(x));
    if (wrong !== undefined) throw new RangeError(`Cannot use ${name} = ${wrong} of ${owner}: it must be finite`);
  }
  return Object.fromEntries(entries);
}

/** What is given, checked, behind the defaults of what may be left out. */
function withDefaults(plugin: OptimizerPlugin | SchedulePlugin, given: unknown): Record<string, unknown> {
  const defaults = Object.entries(specsOf(plugin)).filter(([, spec]) => spec.default !== undefined);
  return { ...Object.fromEntries(defaults.map(([name, spec]) => [name, spec.default])), ...checkOptions(plugin, given) };
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

interface NamedSchedule {
  readonly name: string;
  readonly options?: object;
}

function scheduleConfig(schedule: NamedSchedule): KerasConfig {
  if (!isRecord(schedule)) throw new TypeError(`Cannot write ${show(schedule)} as a schedule of Keras: it must be { name, options }`);
  const { name, options }: NamedSchedule = schedule;
  const [plugin, class_name] = schedules.find(([plugin]) => plugin.name === name) ?? [];
  if (plugin === undefined) {
    const known = schedules.map(([{ name }]) => name).join(", ");
    throw new TypeError(`Cannot write schedule ${show(name)} as Keras': known are ${known}`);
  }
  const said = Object.entries(withDefaults(plugin, options)).filter(([option, value]) => {
    if (option !== optaxOption) return true;
    if (value === specsOf(plugin)[option].default) return false;
    throw new TypeError(`Cannot write ${option} = ${show(value)} of schedule "${name}" as Keras': it has no such option`);
  });
  const config = said.map(([option, value]) => [
    toSnake(option),
    specsOf(plugin)[option].holds === "schedule" ? scheduleConfig(value as NamedSchedule) : value,
  ]);
  const own = plugin === warmup;
  return {
    module: own ? "transformers.optimization_tf" : "keras.optimizers.schedules",
    class_name,
    config: { ...Object.fromEntries(config), name: null },
    registered_name: own ? class_name : null,
  };
}

function readSchedule(value: unknown): NamedSchedule {
  const { class_name, config }: { readonly class_name?: unknown; readonly config?: unknown } = isRecord(value) ? value : {};
  const [plugin] = schedules.find(([, known]) => known === class_name) ?? [];
  if (plugin === undefined) {
    const known = schedules.map(([, name]) => name).join(", ");
    throw new TypeError(`Cannot read schedule "${class_name}" in a Keras configuration: known are ${known}`);
  }
  if (!isRecord(config)) throw new TypeError(`Cannot read schedule ${class_name} in a Keras configuration: its config must be an object`);
  const given = Object.entries(config).filter(([key]) => key !== "name").map(([key, value]): [string, unknown] => [toCamel(key), value]);
  const specs = specsOf(plugin);
  const isHeld = (option: string): boolean => Object.hasOwn(specs, option) && specs[option].holds === "schedule";
  const options = Object.fromEntries(given.map(([option, value]) => [option, isHeld(option) ? readSchedule(value) : value]));
  return { name: plugin.name, options: checkOptions(plugin, options) };
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

/**
 * Python's keyword arguments as options: `weight_decay` is `weightDecay`, and a few that have another name here.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Json, JsonObject } from "./golden.ts";

/** `num_warmup_steps` as `numWarmupSteps`. */
export function camelCase(name: string): string {
  return name.replace(/_+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** All keys in camel case, as they come. */
export function camelKeys(given: JsonObject): Record<string, Json> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [camelCase(key), value]));
}

/** Other words for an option; the first that the plugin knows is taken. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  learning_rate: ["lr"],
  epsilon: ["eps"],
  weight_decay_rate: ["weightDecayRate", "weightDecay"],
  clipnorm: ["clipnorm", "clipNorm"],
  clipvalue: ["clipvalue", "clipValue"],
  global_clipnorm: ["globalClipnorm", "globalClipNorm"],
  include_in_weight_decay: ["includeInWeightDecay", "include"],
  exclude_from_weight_decay: ["excludeFromWeightDecay", "exclude"],
  weight_decouple: ["decoupledDecay"],
  ams_bound: ["amsgrad"],
  initial_accumulator: ["initialAccumulatorValue"],
};

/** Options that only say which of PyTorch's code paths runs; null and false are theirs to have. */
const PATHS: readonly string[] = ["foreach", "fused", "capturable", "differentiable"];

/** What became of the arguments. */
export interface Translated {
  /** The plugin's options. */
  readonly options: Readonly<Record<string, Json>>;
  /** Arguments that the plugin does not have. */
  readonly unknown: readonly string[];
}

/** The name that `plugin` has for an argument, or nothing. */
function optionName(plugin: Plugin, key: string): string | undefined {
  return [camelCase(key), ...WORDS[key] ?? []].find((name) => Object.hasOwn(plugin.options, name));
}

/** The arguments that the plugin knows, under its names. */
export function translate(plugin: Plugin, given: JsonObject): Translated {
  const options: Record<string, Json> = {};
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (PATHS.includes(key)) continue;
    const name = optionName(plugin, key);
    // Options are JSON, which knows no infinity: no bound is null.
    if (name !== undefined) options[name] = value === Infinity ? null : value;
    else if (/^(beta_|b)[12]$/.test(key) && Object.hasOwn(plugin.options, "betas")) {
      options.betas = [given.beta_1 ?? given.b1 ?? null, given.beta_2 ?? given.b2 ?? null];
    } else unknown.push(key);
  }
  return { options: defaultBetas(plugin, options), unknown };
}

/** Where only one beta was given, the other is the plugin's own. */
function defaultBetas(plugin: Plugin, options: Record<string, Json>): Record<string, Json> {
  const { betas } = options;
  if (!Array.isArray(betas) || !betas.includes(null)) return options;
  const defaults = (plugin.options as Readonly<Record<string, { readonly default?: unknown }>>).betas.default as readonly number[];
  return { ...options, betas: betas.map((beta: Json, i: number) => beta ?? defaults[i]) };
}

/** An error case's arguments: what the plugin does not know stays, for it is what must be refused. */
export function translateAll(plugin: Plugin, given: JsonObject): Record<string, Json> {
  const { options, unknown } = translate(plugin, given);
  return { ...options, ...Object.fromEntries(unknown.map((key) => [camelCase(key), given[key]])) };
}

/**
 * Keras' configurations: what an optimizer or a schedule says it was made of, against those that recipes are written as.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import type { Fault } from "./compare.ts";
import { type Context, type KerasRecipes, missing, optimizerPlugin } from "./context.ts";
import type { Case, Json, JsonObject } from "./golden.ts";
import { camelKeys, translate } from "./options.ts";
import { choiceFault } from "./tf_optimizers.ts";
import { isSpec, useOf } from "./tf_schedules.ts";

/** What the reference says. */
interface Want {
  /** Of AdamWeightDecay, before its numbers have become TensorFlow's variables. */
  readonly config_before_use?: JsonObject;
  /** Of create_optimizer's optimizer, or of WarmUp. */
  readonly config?: JsonObject;
  readonly optimizer_class?: string;
  readonly schedule_class?: string;
  readonly include?: Json;
  readonly exclude?: Json;
}

/** The lists that 4.37.2 leaves out of a configuration. */
const LISTS: readonly string[] = ["include_in_weight_decay", "exclude_from_weight_decay"];

/** Why the case cannot run, if so. */
export function unsupportedConfig(context: Context): string | undefined {
  if (context.keras === undefined) return "getConfig, fromConfig and tfRecipe are not there";
  return missing(context, "optimizer", "adam_weight_decay");
}

/** The recipe that the case's arguments ask for. */
function recipeOf(context: Context, { args }: Case): Recipe {
  if (args.kwargs !== undefined) return context.keras!.tfRecipe(camelKeys(args.kwargs as JsonObject));
  const name = "adam_weight_decay";
  if (args.schedule !== undefined) return { optimizer: { name }, schedules: { lr: useOf(args.schedule) } };
  // The name of an object has no counterpart here.
  const { learning_rate, name: _, ...rest } = args.options as JsonObject;
  const given = learning_rate === undefined || isSpec(learning_rate) ? rest : { ...rest, learning_rate };
  const { options } = translate(optimizerPlugin(context, name)!, given);
  return { optimizer: { name, options }, ...isSpec(learning_rate) ? { schedules: { lr: useOf(learning_rate) } } : {} };
}

/** A configuration in one form: without names and modules, keys in order, schedules as `{ class, config }`. */
function plainConfig(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainConfig);
  const { class_name, "<object>": object, config, ...rest } = value as JsonObject;
  if ((object ?? class_name) !== undefined) return { class: object ?? class_name, config: plainConfig(config) };
  const entries = Object.entries({ ...rest, ...config === undefined ? {} : { config } }).filter(([key]) => key !== "name");
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1).map(([key, inner]) => [key, plainConfig(inner)]));
}

function differs(got: unknown, want: Json): Fault {
  const [mine, theirs] = [got as Json, want].map((config) => JSON.stringify(plainConfig(config)));
  if (mine !== theirs) return `${mine} instead of ${theirs}`;
}

/** Runs the case; says what differs from the reference. */
export function runConfig(context: Context, entry: Case): Fault {
  return configFault(context, entry, []);
}

/** The same, when the lists that the reference loses are not compared but must survive. */
export function runConfigInstead(context: Context, entry: Case): Fault {
  return configFault(context, entry, LISTS);
}

function configFault(context: Context, entry: Case, kept: readonly string[]): Fault {
  const { getConfig, fromConfig } = context.keras as KerasRecipes;
  const want = context.golden.want(entry) as unknown as Want;
  const recipe = recipeOf(context, entry);
  const config = getConfig(recipe) as JsonObject;
  if (entry.args.schedule !== undefined) return differs((config.learning_rate as JsonObject).config, want.config!);
  const compared = Object.fromEntries(Object.entries(config).filter(([key]) => !kept.includes(key)));
  const own = want.config_before_use ?? want.config!;
  return differs(compared, own) ?? differs(getConfig(fromConfig(config)), config) ?? differs(getConfig(fromConfig(own)), own) ??
    pickFault(recipe, want);
}

/** What create_optimizer picked, and its lists. */
function pickFault(recipe: Recipe, { optimizer_class, schedule_class, include = null, exclude = null }: Want): Fault {
  if (optimizer_class === undefined || schedule_class === undefined) return;
  const { includeInWeightDecay = null, excludeFromWeightDecay = null } = recipe.optimizer.options as Record<string, Json>;
  return choiceFault(recipe, { optimizer_class, schedule_class }) ??
    differs([includeInWeightDecay, excludeFromWeightDecay], [include, exclude]);
}

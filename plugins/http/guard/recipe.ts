/**
 * What core takes from a friend and a service does not take from a stranger: regular expressions, and recipes that would cost too much.
 *
 * @module
 */
import { known } from "../../../core/names.ts";
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";
import { type AnySpecs, resolveOptions } from "../../../core/plugin/options.ts";
import type { DType, Grads, Recipe, Tensor } from "../../../core/types.ts";
import { refuseBody } from "../wire/problem.ts";

type Optimizers = ReadonlyMap<string, OptimizerPlugin>;

/** What a group's match may be. */
const matches: string[] = ["list", "{ glob }", "{ maxRank }"];
/** Characters compared to find the tensors of groups. */
const mostMatching = 100_000_000;
/** Groups, schedules. */
const mostUses = 16;
const mostTransforms = 8;
const mostPatterns = 64;
/** Passes that one request may have compiled: about a millisecond each. */
const mostPasses = 36;

/** Refuses a recipe whose reading would cost too much, and what a service does not do. */
export function boundRecipe(recipe: unknown, names: readonly string[], optimizers: ReadonlyMap<string, OptimizerPlugin>): void {
  if (typeof recipe !== "object" || recipe === null || Array.isArray(recipe)) refuseBody("/recipe", "The recipe must be an object");
  const { optimizer, groups = [], transforms = [], schedules = {} } = recipe as Partial<Record<string, unknown>>;
  const { name, options } = (optimizer ?? {}) as { name?: unknown; options?: unknown };
  if (typeof name === "string" && !optimizers.has(name)) {
    const there = [...optimizers.keys()];
    refuseBody("/recipe/optimizer/name", `There is no optimizer ${JSON.stringify(name.slice(0, 80))}: ${known(there, name)}`, there);
  }
  const specsOf = (name: unknown): AnySpecs => (optimizers.get(name as string)?.options ?? {}) as AnySpecs;
  for (const [key, list] of Object.entries({ groups, transforms, schedules })) {
    const count = typeof list === "object" && list !== null ? Object.keys(list).length : 0;
    const most = key === "transforms" ? mostTransforms : mostUses;
    if (count > most) refuseBody(`/recipe/${key}`, `There are ${count} ${key}, and at most ${most} are read`);
  }
  const own = (Array.isArray(groups) ? groups : []).map((group) =>
    Object.keys((group as { schedules?: object } | null)?.schedules ?? {}).length
  );
  const ownSchedules = own.reduce((sum, count) => sum + count, 0);
  if (ownSchedules > mostUses) {
    refuseBody("/recipe/groups", `Groups have ${ownSchedules} schedules of their own, and at most ${mostUses} are read`);
  }
  const letters = names.reduce((sum, name) => sum + name.length + 1, 0);
  let matching = checkPatterns("/recipe/optimizer/options", specsOf(name), options, letters);
  (Array.isArray(groups) ? groups : []).forEach((group: unknown, i) => {
    const { match, optimizer: own = name, options } = (group ?? {}) as { match?: unknown; optimizer?: unknown; options?: unknown };
    matching += checkPatterns(`/recipe/groups/${i}/options`, specsOf(own), options, letters);
    if (typeof match === "string") {
      refuseBody(
        `/recipe/groups/${i}/match`,
        "A regular expression is not run for others: give a list of names, { glob } or { maxRank }",
        matches,
      );
    }
    const { glob, maxRank } = (match ?? {}) as { glob?: unknown; maxRank?: unknown };
    if (Array.isArray(match)) matching += match.length * letters;
    else if (typeof glob === "string") matching += glob.length * letters;
    else if (match !== undefined && typeof maxRank !== "number") {
      refuseBody(`/recipe/groups/${i}/match`, "A match is a list of names, { glob } or { maxRank }", matches);
    }
  });
  if (matching > mostMatching) {
    refuseBody("/recipe/groups", "Finding the tensors that are meant would take too long: give fewer names, shorter globs and patterns");
  }
}

/** What a stranger's pattern may be: letters, dots and escaped signs, at the name's beginning or end where it says so. */
const plainPattern = /^\^?(?:[^\\^$.*+?()[\]{}|]|\.|\\[^\w\s])*\$?$/;

/**
 * Refuses patterns that could take for ever. Alternatives do so as well as repetitions: `(a|aa)` twenty-six times in a row takes seconds. Gives the
 * characters that are compared to find the names.
 */
function checkPatterns(at: string, specs: AnySpecs, options: unknown, letters: number): number {
  let matching = 0;
  for (const [option, spec] of Object.entries(specs)) {
    const given = (options as Record<string, unknown> | null | undefined)?.[option];
    if (spec.format !== "regex" || given === undefined || given === null) continue;
    const texts = [given].flat() as unknown[];
    if (texts.length > mostPatterns) {
      refuseBody(`${at}/${option}`, `There are ${texts.length} patterns, and at most ${mostPatterns} are read`);
    }
    texts.forEach((text, i) => {
      const source = typeof text === "string" ? text : (text as { source?: unknown } | null)?.source;
      if (typeof source !== "string") refuseBody(`${at}/${option}/${i}`, "A pattern is a text, or { source, flags }");
      if (!plainPattern.test(source)) {
        refuseBody(`${at}/${option}/${i}`, "A regular expression is not run for others: give names, pieces of them, or ends as in bias$");
      }
      matching += source.length * letters;
    });
  }
  return matching;
}

/**
 * The texts that a recipe has compiled, with as many passes as the rule and its transforms make at least. Each kind of group, of element types
 * and of rank may have a text of its own, and any order of transforms is another one.
 */
export function checkTexts(
  recipe: Recipe,
  params: Readonly<Record<string, Tensor>>,
  grads: Grads,
  optimizers: Optimizers,
): ReadonlyMap<string, number> {
  const { optimizer, groups = [], transforms = [] } = recipe;
  const shapes = new Map<string, Parameters<OptimizerPlugin["rule"]>[1] & { readonly g: string }>();
  for (const [name, { shape = [0], dtype = "float32" }] of Object.entries(params)) {
    const g = (grads[name] as Tensor | undefined)?.dtype ?? dtype;
    shapes.set(`${dtype} ${g} ${Math.min(shape.length, 3)}`, { name, shape, dtype: dtype as DType, g });
  }
  const passes = 1 + transforms.length;
  const around = JSON.stringify(transforms);
  const texts = new Map<string, number>();
  for (const group of [{}, ...groups] as Partial<NonNullable<Recipe["groups"]>[number]>[]) {
    const plugin = optimizers.get(group.optimizer ?? optimizer.name);
    const options = group.optimizer === undefined ? { ...optimizer.options, ...group.options } : group.options;
    if (plugin === undefined) continue;
    for (const { g, ...tensor } of shapes.values()) {
      const text = textOf(plugin, options, tensor);
      if (text !== undefined) texts.set(`${text} ${around} ${tensor.dtype} ${g}`, passes * variantsOf(plugin));
    }
  }
  const all = [...texts.values()].reduce((sum, passes) => sum + passes, 0);
  if (all > mostPasses) {
    refuseBody(
      "/recipe",
      `The recipe has ${all} passes compiled (texts of groups times transforms), and at most ${mostPasses} are: give fewer`,
    );
  }
  return texts;
}

/** What of a rule is compiled; undefined where core refuses the options. */
function textOf(plugin: OptimizerPlugin, given: object | undefined, tensor: Parameters<OptimizerPlugin["rule"]>[1]): string | undefined {
  try {
    const { slots, update, also, points } = plugin.rule(resolveOptions(plugin.name, plugin.options as AnySpecs, given), tensor);
    return JSON.stringify([slots, update, also, points]);
  } catch {
    return undefined;
  }
}

/** A rule that looks at names may have two texts: tensors that a pattern finds, and others. */
function variantsOf({ options }: OptimizerPlugin): number {
  return Object.values(options as AnySpecs).some(({ format }) => format === "regex") ? 2 : 1;
}

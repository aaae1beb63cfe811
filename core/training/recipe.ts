/**
 * Recipes from outside, checked.
 *
 * @module
 */
import { allAbout } from "../errors.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import type { Recipe } from "../types.ts";

/** A frozen copy, with nothing in it that JSON does not know and no key that means nothing. */
export function checkRecipe(given: unknown): Recipe {
  refuseUnknownKeys("a recipe", given, ["optimizer", "groups", "schedules", "accumulate", "transforms"]);
  const recipe = copyJson("recipe", given) as Recipe;
  if (recipe.optimizer === undefined) throw new TypeError("Cannot read a recipe without an optimizer");
  checkUse("the recipe's optimizer", recipe.optimizer);
  if (recipe.accumulate !== undefined) checkUse("the recipe's accumulate", recipe.accumulate);
  checkList("groups", recipe.groups).forEach((group, i) => {
    allAbout({ group: i }, () => {
      refuseUnknownKeys(`group ${i} of the recipe`, group, ["match", "options", "optimizer", "scale", "schedules"]);
      const { optimizer, schedules } = group as { optimizer?: unknown; schedules?: unknown };
      if (optimizer !== undefined && typeof optimizer !== "string") {
        throw new TypeError(`Cannot use optimizer ${show(optimizer)} in group ${i}: it must be a name`);
      }
      checkSchedules(schedules, (option) => `the schedule of "${option}" in group ${i} of the recipe`);
    });
  });
  checkList("transforms", recipe.transforms).forEach((use, i) => checkUse(`transform ${i} of the recipe`, use));
  checkSchedules(recipe.schedules, (option) => `the recipe's schedule of "${option}"`);
  return recipe;
}

function checkSchedules(schedules: unknown = {}, titleOf: (option: string) => string): void {
  if (!isRecord(schedules)) {
    throw new TypeError(`Cannot use schedules ${show(schedules)}: they must be an object`);
  }
  for (const [option, use] of Object.entries(schedules)) {
    allAbout({ option }, () => checkUse(titleOf(option), use));
  }
}

function checkUse(what: string, use: unknown): void {
  refuseUnknownKeys(what, use, ["name", "options"]);
  const { name, options } = use as { name?: unknown; options?: unknown };
  if (typeof name !== "string") throw new TypeError(`Cannot read ${what}: its name is ${show(name)}, not a string`);
  if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
    throw new TypeError(`Cannot read ${what}: its options are ${show(options)}, not an object`);
  }
}

function checkList(what: string, list: unknown): readonly unknown[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new TypeError(`Cannot use ${what} ${show(list)}: they must be an array`);
  return list;
}

const deepest = 32;

function copyJson(path: string, value: unknown, depth = 0): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number") return value;
  if (depth > deepest) throw new RangeError(`Cannot read ${path}: it is nested deeper than ${deepest}`);
  if (Array.isArray(value)) return Object.freeze(value.map((element, i) => copyJson(`${path}[${i}]`, element, depth + 1)));
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== null && (prototype === undefined || Object.getPrototypeOf(prototype) !== null)) {
    throw new TypeError(`Cannot read ${path} = ${show(value)}: a recipe holds what JSON holds`);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, element] of Object.entries(value as object)) {
    if (element !== undefined) {
      Object.defineProperty(copy, key, { value: copyJson(`${path}.${key}`, element, depth + 1), enumerable: true });
    }
  }
  return Object.freeze(copy);
}

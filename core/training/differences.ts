/**
 * What of a recipe is another, in words.
 *
 * @module
 */
import { checkRecipe } from "./recipe.ts";
import type { Recipe } from "../types.ts";

/**
 * What differs between two recipes, a line each: `optimizer.options.lr is 0.0005, and was 0.001`. None where they say the same, in whatever order.
 *
 * A trainer may go on from a state with another learning rate or horizon than it was saved with; this tells which, from the recipe in the state. An
 * option that is left out is compared as left out: its default is the plugin's, and is not looked up. Errors are those of a recipe that cannot be read.
 *
 * @example A resumed run with another learning rate
 * ```ts
 * import { differences } from "@glissade/optim";
 *
 * const before = { optimizer: { name: "adamw", options: { lr: 0.001 } } };
 * const now = { optimizer: { name: "adamw", options: { lr: 0.0005 } } };
 * console.log(differences(before, now)); // [ "optimizer.options.lr is 0.0005, and was 0.001" ]
 * ```
 */
export function differences(before: Recipe, now: Recipe): readonly string[] {
  return changes("", checkRecipe(before), checkRecipe(now));
}

type Named = Readonly<Record<string, unknown>>;

function changes(path: string, before: unknown, now: unknown): string[] {
  if (JSON.stringify(before) === JSON.stringify(now)) return [];
  if (before === undefined) return [`${path} is ${JSON.stringify(now)}, and was left out`];
  if (now === undefined) return [`${path} is left out, and was ${JSON.stringify(before)}`];
  if (canBeEntered(before) && canBeEntered(now) && isSameThing(before, now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) => changes(pathTo(path, key, Array.isArray(now)), before[key], now[key]));
  }
  return [`${path} is ${JSON.stringify(now)}, and was ${JSON.stringify(before)}`];
}

const canBeEntered = (value: unknown): value is Named => typeof value === "object" && value !== null;

// Options of two algorithms, or elements of lists of two lengths, are not one another's counterparts.
function isSameThing(before: Named, now: Named): boolean {
  if (Array.isArray(before) || Array.isArray(now)) return Array.isArray(before) && Array.isArray(now) && before.length === now.length;
  return before.name === now.name;
}

function pathTo(path: string, key: string, isList: boolean): string {
  if (isList) return `${path}[${key}]`;
  return /^[A-Za-z_]\w*$/.test(key) ? `${path}${path === "" ? "" : "."}${key}` : `${path}[${JSON.stringify(key)}]`;
}

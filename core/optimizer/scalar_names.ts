/**
 * Names of the numbers that plugins' `scalars` give.
 *
 * @module
 */
import { show } from "../names.ts";

/** Names of a plugin's numbers, and the same as kernels call them. */
export interface ScalarNames {
  readonly names: readonly string[];
  readonly keys: readonly string[];
}

/** Names of numbers, as a plugin's `scalars` gave them. */
export function namesOf(scope: string, title: string, given: unknown): ScalarNames {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`Cannot use ${title}: its scalars are ${show(given)}, not an object`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "number") throw new TypeError(`Cannot use ${title}: its scalars give ${name} = ${show(value)}, not a number`);
  }
  const names = Object.keys(given);
  return { names, keys: names.map((name) => `${scope}/${name}`) };
}

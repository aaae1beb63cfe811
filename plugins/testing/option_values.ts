/**
 * Values to try for options: to start from where one must be given, and others than that.
 *
 * @module
 */
import type { OptionSpec, Plugin } from "../../core/plugin/contract.ts";
import { type AnySpecs, checkOption, resolveOptions, sameOption, typesOf, type Values } from "../../core/plugin/options.ts";
import { titleOf } from "../../core/plugin/use.ts";
import { isPlainObject, show } from "../../core/names.ts";
import { type Faults, wordsOf } from "./faults.ts";

const mostTries = 600;

/** A copy of options, lists and objects within included. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)])) as T;
}

/** Anything as a text, equal for what is equal; functions are all the same. */
export function textOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return Object.is(value, -0) ? "-0" : String(value);
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as unknown as ArrayLike<number>, textOf)}]`;
  if (Array.isArray(value)) return `[${value.map(textOf)}]`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return typeof value === "string" ? JSON.stringify(value) : String(value);
  return `{${Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]) => `${key}: ${textOf(one)}`)}}`;
}

const fits = (name: string, spec: OptionSpec<unknown>, value: unknown): boolean => {
  try {
    checkOption("", name, spec, value);
    return true;
  } catch {
    return false;
  }
};

/** Numbers near and far from one. */
function numbersBeside(value: number, { minimum, maximum, exclusiveMinimum, exclusiveMaximum, unit }: OptionSpec<unknown>): number[] {
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  const middle = low === undefined || high === undefined ? [] : [(low + high) / 2, (3 * low + high) / 4, (low + 3 * high) / 4];
  const ends = [minimum, maximum].filter((end) => end !== undefined);
  return [value * 2, value / 2, value * 0.9, value + 1, value - 1, ...middle, 0.1, 0.5, ...unit === undefined ? [] : [10], ...ends];
}

/** Values that an option may take by its spec, other than this one. */
export function otherValues(name: string, spec: OptionSpec<unknown>, value: unknown): unknown[] {
  const types = typesOf(spec) ?? [];
  const found: unknown[] = [];
  if (spec.enum !== undefined) found.push(...spec.enum);
  if (types.includes("null")) found.push(null);
  if (types.includes("boolean")) found.push(true, false);
  if (typeof value === "number") {
    const numbers = numbersBeside(value, spec);
    found.push(...numbers, ...numbers.map(Math.round));
  } else if (types.includes("number") || types.includes("integer")) found.push(1, 0.5, 2, 10, spec.minimum);
  if (Array.isArray(value) && value.every((x) => typeof x === "number")) {
    for (let i = 0; i < value.length; i++) {
      for (const number of numbersBeside(value[i], spec)) found.push(value.map((x, j) => i === j ? number : x));
    }
  }
  const different: unknown[] = [];
  for (const one of found) {
    if (one === undefined || !fits(name, spec, one)) continue;
    if (![value, ...different].some((known) => sameOption(known, one))) different.push(one);
  }
  return different;
}

/** Values to start from where an option must be given; `place` is its place among those. `held` are uses of schedules. */
function firstValues(spec: OptionSpec<unknown>, place: number, held: readonly object[]): unknown[] {
  const isLength = spec.unit === "steps" || spec.unit === "count";
  const numbers = isLength ? [10 * 2 ** place, 10, 20, 100] : spec.unit === "rate" ? [2 ** place / 10, 0.5, 1] : [0.5, 1, 2];
  const lists = spec.holds === "schedule" ? [held, held.slice(0, 1)] : isLength ? [[10], [10, 20], []] : [[1], [1, 0.5], [1, 0.5, 0.25]];
  const byType = {
    number: numbers,
    integer: isLength ? numbers : [1, 2, 10],
    array: lists,
    object: spec.holds === "schedule" ? held : [{ 10: 0.5, 20: 0.5 }, {}],
    string: ["a"],
    boolean: [true, false],
    null: [null],
  };
  return spec.enum !== undefined ? [...spec.enum] : (typesOf(spec) ?? ["number"]).flatMap((type): readonly unknown[] => byType[type] ?? []);
}

/**
 * Every option of a plugin: what is given, defaults, and for those that must be given and are not, values that `accept` does not refuse. Undefined, with
 * a fault, where there are none.
 */
export function startingOptions(
  faults: Faults,
  plugin: Pick<Plugin, "kind" | "name" | "options">,
  given: object | undefined,
  held: readonly object[],
  accept: (options: Values) => void,
): Values | undefined {
  const specs = plugin.options as AnySpecs;
  const said = (given ?? {}) as Values;
  const missing = Object.keys(specs).filter((name) => specs[name].default === undefined && said[name] === undefined);
  // An option that may be null often stands for another one: where it must be one of them, it is tried, too.
  const nullable = Object.keys(specs).filter((name) => specs[name].default === null && said[name] === undefined);
  const choicesOf = (name: string, place: number): unknown[] =>
    firstValues(specs[name], place, held).filter((value) => value !== null && fits(name, specs[name], value));
  let failure: unknown;
  let tried: Values = said;
  let tries = 0;
  for (const more of [[], ...missing.length === 0 ? [] : nullable.map((name) => [name])]) {
    const names = [...missing, ...more];
    for (const chosen of combinations(names.map(choicesOf))) {
      if (++tries > mostTries) break;
      tried = { ...said, ...Object.fromEntries(names.map((name, i) => [name, chosen[i]])) };
      try {
        const options = resolveOptions(titleOf(plugin), specs, tried);
        accept(copyOf(options));
        return options;
      } catch (error) {
        failure ??= error;
      }
    }
  }
  const option = (failure as { option?: string } | undefined)?.option;
  if (missing.length === 0) {
    const whose = given === undefined ? "its own defaults" : `the options ${textOf(given)}`;
    faults.add(`it refuses ${whose}: ${wordsOf(failure)}`, { option }, failure);
  } else {
    const why = failure === undefined ? "" : `; of ${textOf(tried)} came ${wordsOf(failure)}`;
    faults.add(
      `no values were found for ${missing.map(show).join(", ")}, which must be given: hand some over as the second argument${why}`,
    );
  }
  return undefined;
}

/** All ways to take one of each. */
function* combinations(choices: readonly (readonly unknown[])[]): Generator<unknown[]> {
  if (choices.length === 0) return yield [];
  const [first, ...rest] = choices;
  for (const more of combinations(rest)) for (const value of first) yield [value, ...more];
}

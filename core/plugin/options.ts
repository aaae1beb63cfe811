/**
 * Options by their specs: defaults, unknown names refused, types and ranges checked. At run time too, because JSON has no types.
 *
 * @module
 */
import { about } from "../errors.ts";
import { isRecord, known, show } from "../names.ts";
import type { JsonType, OptionSpec } from "./contract.ts";

/** Options by name, after their check. */
export type Values = Readonly<Record<string, unknown>>;

/** The specs of a plugin whose options are not known by type. */
export type AnySpecs = Readonly<Record<string, OptionSpec<unknown>>>;

/** Every option of `specs`: what is given, checked, and else the default. `owner` is for errors: `optimizer "adamw"`. */
export function resolveOptions(owner: string, specs: AnySpecs, given: object | undefined): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const checked = given === undefined ? {} : checkOptions(owner, specs, given);
  for (const [name, spec] of Object.entries(specs)) {
    const value = Object.hasOwn(checked, name) ? checked[name] : keep(spec.default);
    if (value === undefined) throw about(new TypeError(`Cannot make ${owner}: option "${name}" must be given`), { option: name });
    values[name] = value;
  }
  return values;
}

/** Only what is given, checked. An option that is undefined is not given. */
export function checkOptions(owner: string, specs: AnySpecs, given: object): Record<string, unknown> {
  if (!isRecord(given)) {
    throw new TypeError(`Cannot read the options of ${owner}: they must be an object, not ${show(given)}`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(specs, name)) {
      const message = `Cannot use option ${JSON.stringify(name)} in ${owner}: ${known(Object.keys(specs), name)}`;
      throw about(new TypeError(message), { option: name });
    }
    if (value !== undefined) values[name] = checkOption(owner, name, specs[name], value);
  }
  return values;
}

/** One option by its spec, whose types may be known already. Arrays come back as frozen copies. */
export function checkOption(
  owner: string,
  name: string,
  spec: OptionSpec<unknown>,
  value: unknown,
  types: readonly JsonType[] | undefined = typesOf(spec),
): unknown {
  const type = jsonType(value);
  const fits = types === undefined
    ? type !== undefined
    : types.some((wanted) => wanted === type || (wanted === "integer" && type === "number"));
  if (!fits) {
    const wanted = types?.join(" or ") ?? "number, boolean, string, array or object";
    throw about(new TypeError(`Cannot use ${name} = ${show(value)} in ${owner}: it must be of type ${wanted}`), { option: name });
  }
  if (spec.enum !== undefined && !spec.enum.includes(value)) {
    const wanted = spec.enum.map(show).join(", ");
    throw about(new RangeError(`Cannot use ${name} = ${show(value)} in ${owner}: it must be one of ${wanted}`), { option: name });
  }
  if (typeof value === "number") checkNumber(owner, name, spec, value, types?.includes("integer") === true && !types.includes("number"));
  if (Array.isArray(value)) checkArray(owner, name, spec, value, types?.includes("number") === true);
  return keep(value);
}

/** True for equal numbers, strings and so on, and for arrays of such. */
export function sameOption(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}

/** A list's elements; `ofNumbers`: the option is a number or a list of such. */
function checkArray(owner: string, name: string, spec: OptionSpec<unknown>, value: readonly unknown[], ofNumbers: boolean): void {
  const numbers = Array.isArray(spec.default) && spec.default.length > 0 && spec.default.every((x) => typeof x === "number")
    ? spec.default.length
    : undefined;
  if (numbers !== undefined && value.length !== numbers) {
    const wanted = `it must have ${numbers} elements, not ${value.length}`;
    throw about(new RangeError(`Cannot use ${name} = ${show(value)} in ${owner}: ${wanted}`), { option: name });
  }
  value.forEach((element, i) => {
    if (typeof element === "number") checkNumber(owner, `${name}[${i}]`, spec, element, false);
    else if (ofNumbers || numbers !== undefined) {
      const option = `${name}[${i}]`;
      throw about(new TypeError(`Cannot use ${option} = ${show(element)} in ${owner}: it must be a number`), { option });
    }
  });
}

function checkNumber(owner: string, name: string, spec: OptionSpec<unknown>, value: number, integer: boolean): void {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = spec;
  const within = value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
  if (within && (!integer || Number.isInteger(value))) return; // NaN and the infinities are never strictly between two bounds
  const from = spec.exclusiveMinimum !== undefined
    ? `(${spec.exclusiveMinimum}`
    : spec.minimum !== undefined
    ? `[${spec.minimum}`
    : "(-Infinity";
  const to = spec.exclusiveMaximum !== undefined
    ? `${spec.exclusiveMaximum})`
    : spec.maximum !== undefined
    ? `${spec.maximum}]`
    : "Infinity)";
  // What the option is says why, and what to do for what was meant.
  const what = spec.description === "" ? "" : ` (${spec.description})`;
  const message = `Cannot use ${name} = ${value} in ${owner}: it must be ${integer ? "an integer" : "a number"} in ${from}, ${to}${what}`;
  throw about(new RangeError(message), { option: name });
}

/** The types that a spec allows; undefined: any. */
export function typesOf(spec: OptionSpec<unknown>): readonly JsonType[] | undefined {
  if (typeof spec.type === "string") return [spec.type];
  if (spec.type !== undefined) return spec.type;
  const samples = spec.enum ?? (spec.default === undefined || spec.default === null ? [] : [spec.default]);
  const types = new Set(samples.map(jsonType).filter((type) => type !== undefined));
  if (types.size === 0) return undefined;
  if (spec.default === null) types.add("null");
  return [...types];
}

function jsonType(value: unknown): JsonType | undefined {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  switch (typeof value) {
    case "number":
    case "boolean":
    case "string":
    case "object":
      return typeof value as JsonType;
    case "function": // a schedule, where an option takes one
      return "object";
    default:
      return undefined;
  }
}

// An array that the caller changes later must not change an option behind the checks.
const keep = (value: unknown): unknown => Array.isArray(value) ? Object.freeze([...value]) : value;

/**
 * Queries, read strictly: a parameter that means nothing or comes twice is refused, and so is text that is no value.
 *
 * @module
 */
import { aboutOf } from "../../../core/errors.ts";
import { known } from "../../../core/names.ts";
import { type AnySpecs, checkOption, typesOf } from "../../../core/plugin/options.ts";
import type { JsonType, SchedulePlugin } from "../../../core/plugin/contract.ts";
import { parseJsonText } from "./json_body.ts";
import { type Fault, isRefusal, mostFaults, refuseQuery } from "./problem.ts";

/** Parameters by name, decoded. */
export type Query = ReadonlyMap<string, readonly string[]>;

/** The query of a URL. */
export function parseQuery(url: string): Query {
  const query = new Map<string, string[]>();
  const from = url.indexOf("?");
  if (from < 0) return query;
  const hash = url.indexOf("#", from);
  const end = hash < 0 ? url.length : hash;
  const decoded = /[%+]/.test(url) ? decode : plain;
  for (let begin = from + 1, next; begin < end; begin = next + 1) {
    next = url.indexOf("&", begin);
    if (next < 0 || next > end) next = end;
    if (next === begin) continue;
    const equals = url.indexOf("=", begin);
    const at = equals < 0 || equals > next ? next : equals;
    const name = decoded(url.slice(begin, at));
    const value = decoded(at < next ? url.slice(at + 1, next) : "");
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

const plain = (text: string): string => text;

/** What is wrong with a query's names: those beside the options and `own`, and all but those in `lists` more than once. */
export function strayFaults(query: Query, options: object, own: readonly string[], lists: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  for (const [name, values] of query) {
    // More are not told, and looking for near names takes time.
    if (faults.length === mostFaults) break;
    if (!Object.hasOwn(options, name) && !own.includes(name)) {
      const names = [...Object.keys(options), ...own];
      const detail = `There is no parameter ${JSON.stringify(name.slice(0, 80))} here: ${known(names, name)}`;
      faults.push({ in: "query", name: name.slice(0, 80), detail, allowed: names });
    } else if (values.length > 1 && !lists.includes(name)) {
      faults.push({ in: "query", name, detail: `Parameter ${name} is given ${values.length} times` });
    }
  }
  return faults;
}

/** No double takes more to write, but for zeros. */
const longestNumber = 400;

/** The finite number that a text is, or undefined. */
export function numberOf(text: string): number | undefined {
  if (text.length > longestNumber || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

// An exponent is read, a fraction is not: 9007199254740991.4 would be rounded to a step.
/** The integer from 0 that a text is, or undefined. */
export function integerOf(text: string): number | undefined {
  return /^\d+(?:e\+?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** Reads all options of a plugin from a query, defaults included, each checked by its spec; what is wrong is added to `faults`. */
export type ReadOptions = (query: Query, faults: Fault[]) => Record<string, unknown>;

/** What reads a plugin's options: what does not depend on the query is looked up once. */
export function optionReader(owner: string, specs: AnySpecs): ReadOptions {
  const options = Object.entries(specs).map(([name, spec]) => {
    const types = typesOf(spec);
    const fallback = Array.isArray(spec.default) ? Object.freeze([...spec.default]) : spec.default;
    return {
      name,
      spec,
      types,
      fallback,
      readers: order.filter((type) => types?.includes(type) ?? type !== "integer").map((type) => readers[type]),
    };
  });
  return (query, faults) => {
    const values: Record<string, unknown> = {};
    for (const { name, spec, types, fallback, readers } of options) {
      const text = query.get(name)?.[0];
      if (text === undefined) {
        if (spec.default === undefined) faults.push({ in: "query", name, detail: `Parameter ${name} must be given: ${spec.description}` });
        values[name] = fallback;
        continue;
      }
      const fault = (detail: string): void => void faults.push({ in: "query", name, detail, ...(spec.enum && { allowed: spec.enum }) });
      const value = firstOf(readers, text);
      if (value === undefined) {
        fault(`Parameter ${name} = ${JSON.stringify(text.slice(0, 80))} is not of type ${types?.join(" or ") ?? "any"}`);
        continue;
      }
      try {
        values[name] = checkOption(owner, name, spec, value, types);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        fault(error.message);
      }
    }
    return values;
  };
}

/** What the library refuses of options together, told as a fault of the option that the error is about, or of the option that holds a schedule. */
export function optionFault(error: Error, plugin: SchedulePlugin, given: Readonly<Record<string, unknown>>): Fault {
  const { plugin: owner, option } = aboutOf(error);
  const isOwn = option !== undefined && (owner === undefined || owner === plugin.name);
  const holdsSchedule = (name: string): boolean => (plugin.options as AnySpecs)[name]?.holds === "schedule";
  const name = isOwn ? option.split("[", 1)[0] : Object.keys(given).find((name) => given[name] !== null && holdsSchedule(name));
  return { in: "query", ...(name !== undefined && { name }), detail: error.message };
}

function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return refuseQuery([{ in: "query", detail: "The query is not percent-encoded UTF-8" }]);
  }
}

/** The value that a text is by the first reader that it fits; undefined where there is none. */
function firstOf(readers: readonly ((text: string) => unknown)[], text: string): unknown {
  for (const read of readers) {
    const value = read(text);
    if (value !== undefined) return value;
  }
  return undefined;
}

const order: readonly JsonType[] = ["null", "boolean", "number", "integer", "object", "array", "string"];

const readers: Readonly<Record<JsonType, (text: string) => unknown>> = {
  null: (text) => text === "null" ? null : undefined,
  boolean: (text) => text === "true" ? true : text === "false" ? false : undefined,
  number: numberOf,
  integer: numberOf,
  object: (text) => jsonOf(text, "{"),
  array: (text) => text.startsWith("[") ? jsonOf(text, "[") : text === "" ? [] : text.split(",").map((part) => numberOf(part) ?? part),
  string: (text) => text,
};

function jsonOf(text: string, opening: string): unknown {
  if (!text.startsWith(opening)) return undefined;
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

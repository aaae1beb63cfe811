/**
 * A configuration of another library, read key by key. All that cannot be said here is gathered, so that one error tells everything.
 *
 * @module
 */

/** JSON's objects. */
export type Json = Readonly<Record<string, unknown>>;

/** A configuration on its way to a recipe. */
export interface Config {
  /** Whether a key is there, and is not null: Python's None says that nothing was said. */
  has(key: string): boolean;
  /** The value under a key, whatever it is; undefined where it is missing or null. */
  value(key: string): unknown;
  /** A number; without a default it must be there. */
  number(key: string, otherwise?: number): number;
  /** True or false. */
  boolean(key: string, otherwise: boolean): boolean;
  /** A text. */
  text(key: string, otherwise: string): string;
  /** A list of numbers. */
  numbers(key: string, otherwise: readonly number[]): readonly number[];
  /** An object. */
  object(key: string): Json;
  /** Another part of the same configuration, whose faults are told with these. */
  part(at: string, value: unknown): Config;
  /** Says what cannot be said. */
  fault(sentence: string): void;
  /** Keys that are there. */
  readonly keys: readonly string[];
}

/** Reads a configuration; TypeError, which tells all faults and has them as `faults`, where something in it has no counterpart. */
export function readConfig<T>(what: string, given: unknown, read: (config: Config) => T): T {
  if (!isRecord(given)) throw new TypeError(`Cannot make a recipe of ${what}: it must be an object, not ${show(given)}`);
  const faults: string[] = [];
  const made = read(configOf(given, "", faults));
  if (faults.length === 0) return made;
  throw Object.assign(new TypeError(`Cannot make a recipe of ${what}: ${faults.join("; ")}`), { faults: Object.freeze(faults) });
}

function configOf(given: Json, at: string, faults: string[]): Config {
  const value = (key: string): unknown => {
    const found = Object.hasOwn(given, key) ? given[key] : undefined;
    return found === null ? undefined : found;
  };
  const wrong = (key: string, wanted: string): void => {
    const found = value(key);
    faults.push(found === undefined ? `${at}${key} is missing` : `${at}${key} = ${show(found)}: it must be ${wanted}`);
  };
  /** Reads what passes a test, and says what does not; then something stands in that cannot make further faults. */
  const read = <T>(key: string, otherwise: T | undefined, wanted: string, is: (value: unknown) => boolean, stand: T): T => {
    const found = value(key);
    if (found === undefined && otherwise !== undefined) return otherwise;
    if (is(found)) return found as T;
    wrong(key, wanted);
    return otherwise ?? stand;
  };
  return {
    has: (key) => value(key) !== undefined,
    value,
    number: (key, otherwise) => read(key, otherwise, "a finite number", isFinite_, 1),
    boolean: (key, otherwise) => read(key, otherwise, "true or false", (x) => typeof x === "boolean", false),
    text: (key, otherwise) => read(key, otherwise, "a text", (x) => typeof x === "string", ""),
    numbers: (key, otherwise) => read(key, otherwise, "a list of numbers", (x) => Array.isArray(x) && x.every(isFinite_), []),
    object: (key) => read<Json>(key, {}, "an object", isRecord, {}),
    part(where, part) {
      if (isRecord(part)) return configOf(part, `${at}${where}.`, faults);
      faults.push(`${at}${where} = ${show(part)}: it must be an object`);
      return configOf({}, `${at}${where}.`, []);
    },
    fault: (sentence) => void faults.push(`${at === "" ? "" : `${at.slice(0, -1)}: `}${sentence}`),
    keys: Object.keys(given),
  };
}

const isFinite_ = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);

/** True for an object of named entries. */
export function isRecord(value: unknown): value is Json {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** A value in an error, on one short line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return "a list";
  return isRecord(value) ? "an object" : String(value);
}

/** `min_lr_rate` as an option here is called. */
export function camel(key: string): string {
  return key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** `minLrRate` as it is called in Python. */
export function snake(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

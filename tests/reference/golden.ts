/**
 * A folder of reference cases in the format of `golden/README.md`, read lazily.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Numbers as the files hold them: NaN and the infinities are strings, `Number(x)` reads all. */
export type Numbers = readonly (number | string)[];

/** `[max ulp, max relative, max absolute, max absolute / largest value of its tensor]`. */
export type Measure = readonly [number, number, number, number];

/** How far the reference itself is from the truth. */
export interface Precision {
  readonly params?: Readonly<Record<string, Measure>>;
  readonly state?: Measure;
  readonly lrs?: Measure;
}

/** One line of the manifest. */
export interface Case {
  readonly id: string;
  /** Package and version that was run. */
  readonly system: string;
  /** Class or function. */
  readonly item: string;
  /** Everything needed to repeat it; NaN and the infinities are numbers here. */
  readonly args: JsonObject;
  readonly expects: {
    readonly file: string;
    readonly outputs: readonly string[];
    readonly precision?: Precision;
    readonly spread?: { readonly params?: Readonly<Record<string, Measure>> };
  };
}

/** A tensor of a bank: the value at the start and a gradient per step. */
export interface BankTensor {
  readonly shape: readonly number[];
  readonly init: Numbers;
  readonly init_bits?: readonly number[];
  readonly grads: readonly (Numbers | null)[];
  readonly grads_bits?: readonly (readonly number[] | null)[];
  /** The Hessian's diagonal, at the steps that have one. */
  readonly hess?: readonly (Numbers | null)[];
  /** Bank `bowl`: the gradient is `h * (p - c)`. */
  readonly h?: Numbers;
  readonly c?: Numbers;
}

/** Tensors by name. */
export type Bank = Readonly<Record<string, BankTensor>>;

/** A folder of cases. */
export interface Golden {
  readonly cases: readonly Case[];
  /** What the reference gave, by the names of `expects.outputs`. */
  want(entry: Case): JsonObject;
  /** The tensors of a bank. */
  bank(name: string): Bank;
  /** A file's bytes. */
  bytes(path: string): Uint8Array;
}

const words: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** The same value with the strings that stand for NaN and the infinities made numbers. */
function decode(value: Json): Json {
  if (typeof value === "string") return words[value] ?? value;
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decode);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner)]));
}

/** Opens the folder; its data files are read when first asked for. */
export function openGolden(folder: string): Golden {
  const files = new Map<string, Record<string, unknown>>();
  const read = (path: string): Record<string, unknown> => {
    let content = files.get(path);
    if (content === undefined) files.set(path, content = JSON.parse(readFileSync(join(folder, path), "utf8")) as Record<string, unknown>);
    return content;
  };
  const cases = (read("manifest.json").cases as Case[]).map((entry) => ({ ...entry, args: decode(entry.args) as JsonObject }));
  return {
    cases,
    want(entry) {
      const found = (read(entry.expects.file).cases as Record<string, JsonObject>)[entry.id];
      if (found === undefined) throw new RangeError(`Cannot read case "${entry.id}": ${entry.expects.file} does not have it`);
      return found;
    },
    bank: (name) => read(`banks/${name}.json`).tensors as Bank,
    bytes: (path) => Uint8Array.from(readFileSync(join(folder, path))),
  };
}

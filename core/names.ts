/**
 * What an error says about the names that would have been right.
 *
 * @module
 */

import { otherWord } from "./other_words.ts";

const mostListed = 24;
const longestCompared = 64;

/** `known are a, b; did you mean "b"?` */
export function known(names: readonly string[], wrong?: unknown): string {
  if (names.length === 0) return "there are none";
  const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : "";
  return `known are ${names.slice(0, mostListed).join(", ")}${more}${typeof wrong === "string" ? hint(wrong, names) : ""}`;
}

/** `; did you mean "b"?`, by the field's other words for it or by the spelling; empty where nothing is near. */
function hint(wrong: string, names: readonly string[]): string {
  const [other, note = ""] = otherWord(wrong, names) ?? [nearest(wrong, names)];
  return other === undefined ? "" : `; did you mean ${JSON.stringify(other)}?${note}`;
}

/** True for an object of named entries, which arrays, maps, sets, dates and the like are not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.prototype.toString.call(value) === "[object Object]");
}

/** Refuses an object that is none, and keys that mean nothing. */
export function refuseUnknownKeys(what: string, value: unknown, names: readonly string[]): void {
  if (!isRecord(value)) {
    throw new TypeError(`Cannot read ${what}: it must be an object, not ${show(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (!names.includes(key)) throw new TypeError(`Cannot read ${what}: it has no ${JSON.stringify(key)}; ${known(names, key)}`);
  }
}

/** True for an object without a class: what a literal, or JSON, makes. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null; // also of another realm
}

/** Refuses keys that look like a misspelt one; others may be a newer version's, or the caller's own. */
export function refuseMisspelt(what: string, value: object, names: readonly string[]): void {
  for (const key of Object.keys(value)) {
    const near = names.includes(key) ? undefined : nearest(key, names);
    if (near !== undefined) throw new TypeError(`Cannot use ${what} with ${JSON.stringify(key)}: did you mean ${JSON.stringify(near)}?`);
  }
}

/** A value as an error prints it, on one short line. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", …" : ""}]`;
  if (ArrayBuffer.isView(value)) return `a ${tagOf(value)}`;
  if (typeof value === "function") return "a function";
  if (value instanceof Map) return "a Map (Object.fromEntries makes an object of it)";
  if (typeof value === "object" && value !== null) return classOf(value);
  return String(value);
}

/** The class of a typed array, also of one from another realm or one that this runtime may lack. */
export function tagOf(value: unknown): string {
  return ArrayBuffer.isView(value) ? (value as unknown as Record<symbol, string>)[Symbol.toStringTag] : "";
}

/** `a Set`, `an ArrayBuffer`, and `an object` for what has no name of its own. */
function classOf(value: object): string {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === "Object" ? "an object" : `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, "");

function nearest(wrong: string, names: readonly string[]): string | undefined {
  if (wrong.length > longestCompared) return undefined;
  let best: string | undefined;
  let least = Math.min(3, wrong.length / 2 + 0.5);
  for (const name of names) {
    if (name.length > longestCompared) continue;
    const distance = plain(name) === plain(wrong) ? 0 : edits(plain(wrong), plain(name));
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

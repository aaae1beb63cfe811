/**
 * JSON as the safetensors format reads it: `JSON.parse` forgets which keys came twice and whether a number was written `4` or `4.0`, and it
 * follows any depth.
 *
 * @module
 */

/** A parsed value. Numbers keep their text, objects their keys in order, also those that repeat. */
export type Json =
  | { readonly kind: "object"; readonly entries: readonly (readonly [key: string, value: Json])[] }
  | { readonly kind: "array"; readonly items: readonly Json[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "word"; readonly value: null | boolean };

/** As deep as objects and lists may lie in one another in the reference's reader. */
const mostDepth = 127;

/** Parses a text that is one JSON value; SyntaxError with the place of what is wrong. */
export function parseJson(text: string): Json {
  let at = 0;
  const refuse = (what: string): never => {
    throw new SyntaxError(`${what} at character ${at} of its JSON`);
  };
  const blank = (): void => {
    while (at < text.length && " \n\r\t".includes(text[at])) at++;
  };
  const take = (sign: string): boolean => {
    blank();
    if (text[at] !== sign) return false;
    at++;
    return true;
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined) at += found.length;
    return found;
  };
  const string = (): string => {
    blank();
    const quoted = match(/"[^"\\]*(?:\\[^][^"\\]*)*"/y) ?? refuse("no string");
    let value: string;
    try {
      value = JSON.parse(quoted);
    } catch {
      return refuse("a broken string before");
    }
    return value.isWellFormed() ? value : refuse("half a surrogate pair before");
  };
  const value = (depth: number): Json => {
    if (take("{")) {
      if (depth > mostDepth) refuse("too deep");
      const entries: [string, Json][] = [];
      while (!take("}")) {
        if (entries.length > 0 && !take(",")) refuse("neither , nor }");
        const key = string();
        if (!take(":")) refuse("no :");
        entries.push([key, value(depth + 1)]);
      }
      return { kind: "object", entries };
    }
    if (take("[")) {
      if (depth > mostDepth) refuse("too deep");
      const items: Json[] = [];
      while (!take("]")) {
        if (items.length > 0 && !take(",")) refuse("neither , nor ]");
        items.push(value(depth + 1));
      }
      return { kind: "array", items };
    }
    if (text[at] === '"') return { kind: "string", value: string() };
    const number = match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (number !== undefined) {
      return Number.isFinite(Number(number)) ? { kind: "number", text: number } : refuse("too large a number before");
    }
    const word = match(/true|false|null/y) ?? refuse("no value");
    return { kind: "word", value: word === "null" ? null : word === "true" };
  };
  const parsed = value(1);
  blank();
  return at === text.length ? parsed : refuse("something after the end");
}

/**
 * JSON from strangers: `JSON.parse` follows millions of levels, and what walks the result does not.
 *
 * @module
 */
import { Problem } from "./problem.ts";

const deepest = 32;

/** Parses JSON bytes that nest at most 32 levels. */
export function parseJsonBytes(bytes: Uint8Array<ArrayBuffer>): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("malformed-body", "The body is not UTF-8");
  }
  try {
    return parseJsonText(text);
  } catch (error) {
    throw new Problem("malformed-body", `The body is no JSON: ${(error as Error).message}`);
  }
}

/** Parses a JSON text that nests at most 32 levels; SyntaxError. */
export function parseJsonText(text: string): unknown {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const sign = text.charCodeAt(i);
    if (sign === 0x22) { // a string, up to its closing quote
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (sign === 0x5b || sign === 0x7b) {
      if (++depth > deepest) throw new SyntaxError(`it nests deeper than ${deepest}`);
    } else if (sign === 0x5d || sign === 0x7d) depth--;
  }
  return JSON.parse(text);
}

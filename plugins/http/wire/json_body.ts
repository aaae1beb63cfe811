/**
 * JSON from strangers: `JSON.parse` follows millions of levels, and what walks the result does not.
 *
 * @module
 */
import { Problem } from "./problem.ts";

const deepest = 32;

/** Parses JSON bytes that nest at most 32 levels. */
export function parseJsonBytes(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    // Looked at before there is a string of it, which would take as much memory again.
    refuseDepth((i) => bytes[i], bytes.length);
    // Runtimes differ in whether they decode a buffer that can grow.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice()));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : "it is not UTF-8";
    throw new Problem("malformed-body", `The body is no JSON: ${why}`);
  }
}

/** Parses a JSON text that nests at most 32 levels; SyntaxError. */
export function parseJsonText(text: string): unknown {
  refuseDepth((i) => text.charCodeAt(i), text.length);
  return JSON.parse(text);
}

/** What matters here is ASCII, and no byte of a longer character is. */
function refuseDepth(at: (i: number) => number, length: number): void {
  let depth = 0;
  for (let i = 0; i < length; i++) {
    const sign = at(i);
    if (sign === 0x22) { // a string, up to its closing quote
      for (i++; i < length && at(i) !== 0x22; i++) if (at(i) === 0x5c) i++;
    } else if (sign === 0x5b || sign === 0x7b) {
      if (++depth > deepest) throw new SyntaxError(`it nests deeper than ${deepest}`);
    } else if (sign === 0x5d || sign === 0x7d) depth--;
  }
}

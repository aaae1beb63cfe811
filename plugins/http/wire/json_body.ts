/**
 * JSON from strangers: `JSON.parse` follows millions of levels and keys, and what walks the result does not.
 *
 * @module
 */
import { Problem } from "./problem.ts";

/** How wide JSON may be. */
export interface Width {
  /** Keys of all objects together. */
  readonly keys: number;
  /** Elements of a list. */
  readonly list: number;
  /** Elements of all lists under the key `data` together, which are not bounded by `list`. */
  readonly data?: number;
}

const deepest = 32;
const ofQuery: Width = { keys: 1024, list: 10_000 };

/** Parses JSON bytes that nest at most 32 levels, and are so wide at most; 400. */
export function parseJsonBytes(bytes: Uint8Array<ArrayBuffer>, width: Width): unknown {
  try {
    // Looked at before there is a string of it, which would take as much memory again.
    refuseExtent((i) => bytes[i], bytes.length, width);
    // Runtimes differ in whether they decode a buffer that can grow.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice()));
  } catch (error) {
    if (error instanceof Problem) throw error;
    const why = error instanceof SyntaxError ? error.message : "it is not UTF-8";
    throw new Problem("malformed-body", `The body is no JSON: ${why}`);
  }
}

/** Parses a JSON text that nests at most 32 levels, and is so wide at most; SyntaxError. */
export function parseJsonText(text: string, width: Width = ofQuery): unknown {
  refuseExtent((i) => text.charCodeAt(i), text.length, width);
  return JSON.parse(text);
}

/** Refuses what is deep or wide; SyntaxError. What matters here is ASCII, and no byte of a longer character is. */
export function refuseExtent(at: (i: number) => number, length: number, width: Width): void {
  // Of each level: the commas so far in a list, NaN in a list of data, and -Infinity in an object, whose keys are counted.
  const commas = new Array<number>(deepest);
  let depth = 0;
  let keys = 0;
  let data = 0;
  let isData = false; // whether the last string was "data"
  for (let i = 0; i < length; i++) {
    switch (at(i)) {
      case 0x22: { // a string, up to its closing quote
        const begin = i;
        for (i++; i < length && at(i) !== 0x22; i++) if (at(i) === 0x5c) i++;
        isData = i - begin === 5 && at(begin + 1) === 0x64 && at(begin + 2) === 0x61 && at(begin + 3) === 0x74 && at(begin + 4) === 0x61;
        break;
      }
      case 0x5b: // [
      case 0x7b: // {
        if (depth === deepest) throw new SyntaxError(`it nests deeper than ${deepest}`);
        commas[depth++] = at(i) === 0x7b ? -Infinity : isData && width.data !== undefined ? NaN : 0;
        isData = false;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x3a: // :
        if (++keys > width.keys) throw new SyntaxError(`it has more than ${width.keys} keys`);
        break;
      case 0x2c: { // ,
        const count = ++commas[depth - 1];
        if (count >= width.list) throw new SyntaxError(`it has a list of more than ${width.list} elements`);
        if (Number.isNaN(count) && ++data > width.data!) {
          throw new Problem("body-too-large", `JSON may have ${width.data} elements: send application/vnd.safetensors`);
        }
      }
    }
  }
}

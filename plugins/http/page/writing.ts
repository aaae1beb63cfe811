/**
 * Values as text that people type: how they are written down and read.
 *
 * @module
 */
import { type Allowed, anyNumber, readNumbers, unclearNumber } from "./numbers.ts";

/** How values of a type are written down. */
export interface Writing {
  /** What may be typed, for people. */
  words(text: string): string;
  /** What a text means; undefined: nothing. */
  read(text: string): unknown;
  /** The text of a value. */
  write(value: unknown): string;
}

/** A text stands for itself; `null` for none, where that is allowed. */
export function plainText(nullable: boolean): Writing {
  return {
    words: () => "A text",
    read: (text) => nullable && text === "null" ? null : text,
    write: (value) => String(value),
  };
}

/** Any value. */
export const json: Writing = {
  words: () => 'A value in JSON, such as 12, "text" or [1, 2]',
  read: (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  },
  write: (value) => JSON.stringify(value),
};

/** Lists of numbers are written without brackets; all else in a list as JSON. */
export function listOf(allowed: Allowed): Writing {
  return {
    words: (text) => {
      const words = `Numbers with commas between them${allowed === anyNumber ? "" : `. Each is: ${allowed.words}`}`;
      const unclear = unclearNumber(text);
      return unclear === undefined
        ? words
        : `${words}. ${unclear} may be one or two: put a space after a comma between numbers, none within one`;
    },
    read: (text) => {
      const numbers = readNumbers(text, allowed);
      const other = numbers ?? json.read(text);
      return Array.isArray(other) ? other : undefined;
    },
    write: (value) => Array.isArray(value) && value.every((one) => typeof one === "number") ? value.join(", ") : json.write(value),
  };
}

/**
 * Lines of a plugin in JSON that are there under conditions: as a text for a rule, or as numbers that are computed at once.
 *
 * @module
 */
import type { Rule } from "../plugin/contract.ts";
import { type Case, type Condition, type Known, readCondition } from "./condition.ts";
import { type Expression, innerNames, type Line, readExpression, readLines, roomFor } from "./expression.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Json } from "./read_json.ts";

type Fields = { readonly [key: string]: Json };

// Far above any real rule; what repeats in what repeats must not fill the memory.
const mostCharacters = 100_000;
const mostRepeats = 1000;

// ---- numbers

/** Computes numbers, and writes them under their names' places. */
export type Steps = (of: Case) => void;

/** Lines of numbers. Names that they assign are known afterwards, and NaN where the line was left out. */
export function readSteps(json: Json | undefined, pointer: string, of: Known): Steps {
  if (json === undefined) return () => {};
  if (typeof json === "string") {
    const lines = readLines(json, of.names, of.scopeOf(pointer));
    return ({ numbers }) => {
      for (const { place, run } of lines as readonly Line[]) numbers[place] = run(numbers);
    };
  }
  if (Array.isArray(json)) {
    const list = json.map((one, i) => readSteps(one, `${pointer}/${i}`, of));
    return (one) => {
      for (const run of list) run(one);
    };
  }
  const { if: condition, then, else: otherwise } = json as Fields;
  if (condition === undefined) throw of.refuse(pointer, "only texts of rules have `repeat` and `when`: these are lines of numbers");
  const decide = readCondition(condition, `${pointer}/if`, of);
  const yes = readSteps(then, `${pointer}/then`, of);
  const no = readSteps(otherwise, `${pointer}/else`, of);
  return (one) => decide(one) ? yes(one) : no(one);
}

// ---- texts

/** Collects a text: its length is bounded while it grows. */
export interface Text {
  readonly lines: string[];
  characters: number;
}

/** Adds lines to a text. */
export type Write = (of: Case, text: Text) => void;

/** The text in a case. */
export function textOf(write: Write, of: Case): string {
  const text: Text = { lines: [], characters: 0 };
  write(of, text);
  return text.lines.join("\n");
}

/** Lines of a rule. */
export function readText(json: Json, pointer: string, of: Known): Write {
  if (typeof json === "string") return readTemplate(json, pointer, of);
  if (Array.isArray(json)) {
    const list = json.map((one, i) => readText(one, `${pointer}/${i}`, of));
    return (one, text) => list.forEach((write) => write(one, text));
  }
  const { if: condition, then, else: otherwise, repeat, over, text: repeated, when } = json as Fields;
  if (when !== undefined) throw of.refuse(pointer, "`when` is of parts of an update, and of none that lies in another");
  if (condition !== undefined) {
    const decide: Condition = readCondition(condition, `${pointer}/if`, of);
    const yes = readText(then, `${pointer}/then`, of);
    const no: Write = otherwise === undefined ? () => {} : readText(otherwise, `${pointer}/else`, of);
    return (one, text) => (decide(one) ? yes : no)(one, text);
  }
  return readRepeat(
    readExpression(repeat as string, of.names, of.scopeOf(`${pointer}/repeat`)),
    over as readonly Fields[] ?? [{}],
    repeated,
    pointer,
    of,
  );
}

function readRepeat(times: Expression, rows: readonly Fields[], json: Json, pointer: string, of: Known): Write {
  const own = ["i", ...Object.keys(rows[0])];
  rows.forEach((row, i) => {
    const stray = Object.keys(row).find((name) => !own.includes(name)) ?? own.slice(1).find((name) => !Object.hasOwn(row, name));
    if (stray !== undefined) {
      throw of.refuse(`${pointer}/over/${i}`, `all rows must have the same names, and ${JSON.stringify(stray)} is not in all of them`);
    }
  });
  const inner = { ...of, names: innerNames(of.names, own) };
  const places = own.map((name) => inner.names.places.get(name)!);
  const write = readText(json, `${pointer}/text`, inner);
  return (one, text) => {
    const { numbers } = one;
    const count = times(numbers);
    if (!(count >= 0 && count <= mostRepeats)) {
      const wrong = count > mostRepeats ? of.tooLarge : of.refuse;
      throw wrong(`${pointer}/repeat`, `it is ${count}, and must be between 0 and ${mostRepeats}`);
    }
    const room = roomFor(inner.names);
    room.set(numbers);
    for (let i = 0; i < count; i++) {
      const row = rows[Math.min(i, rows.length - 1)];
      own.forEach((name, k) => room[places[k]] = name === "i" ? i : row[name] as number);
      write({ ...one, numbers: room }, text);
    }
  };
}

/** A text in which {…} is the number of an expression. */
function readTemplate(template: string, pointer: string, of: Known): Write {
  const pieces = template.split(/\{([^{}]*)\}/);
  // A mistake in the text itself is one now, whatever the numbers will be.
  parse(pieces.map((piece, i) => i % 2 === 0 ? piece : "1").join(""), of.scopeOf(pointer));
  const holes = pieces.map((piece, i) => i % 2 === 0 ? piece : readExpression(piece, of.names, of.scopeOf(pointer)));
  return ({ numbers }, text) => {
    const line = holes.map((hole) => {
      if (typeof hole === "string") return hole;
      const value = hole(numbers);
      if (!Number.isFinite(value)) throw of.refuse(pointer, `a number in {…} is ${value}`);
      return String(value);
    }).join("");
    if ((text.characters += line.length + 1) > mostCharacters) {
      throw of.tooLarge(pointer, `the text grows over ${mostCharacters} characters`);
    }
    text.lines.push(line);
  };
}

// ---- updates

/** An update: a text, or parts of which some are left out of some steps. */
export function readUpdate(json: Json, pointer: string, of: Known): (one: Case) => Rule["update"] {
  const parts = (Array.isArray(json) ? json as readonly Json[] : [json]).map((part, i) => {
    const at = Array.isArray(json) ? `${pointer}/${i}` : pointer;
    const { when, text = part } = typeof part === "object" && part !== null ? part as Fields : {} as Fields;
    if (typeof when !== "string") return { write: readText(part, at, of) };
    return { when, write: readText(text, `${at}/text`, of) };
  });
  if (parts.every(({ when }) => when === undefined)) {
    return (one) => textOf((of, text) => parts.forEach(({ write }) => write(of, text)), one);
  }
  return (one) => parts.map(({ when, write }) => when === undefined ? textOf(write, one) : { when, text: textOf(write, one) });
}

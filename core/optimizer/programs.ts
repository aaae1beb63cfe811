/**
 * Compiled texts, kept by what they depend on: the same text is compiled once per backend, whoever asks.
 *
 * @module
 */
import { compile } from "../../kernels/language/compile.ts";
import { holds } from "../../kernels/language/condition.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Statement } from "../../kernels/language/statement.ts";
import { type Names, valuesOf } from "../../kernels/language/values.ts";
import type { Backend, DType, Extent, Scalars } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import type { Part } from "./parts.ts";
import { type Splice, splice } from "./splice.ts";

/** A spliced text and its programs. */
export interface Text {
  readonly p: DType;
  readonly splice: Splice;
  readonly programs: Map<string, Program>;
}

const mostTexts = 512;
const caches = new WeakMap<Backend, Map<string, Text>>();

/** The text of these parts for parameters of dtype `p`, read and compiled once. */
export function textOf(backend: Backend, parts: readonly Part[], p: DType): Text {
  let texts = caches.get(backend);
  if (texts === undefined) caches.set(backend, texts = new Map());
  const key = keyOf(parts, p);
  let text = texts.get(key);
  if (text === undefined) {
    text = compiling(parts, () => newText(parts, p));
    if (texts.size >= mostTexts) texts.delete(texts.keys().next().value!);
    texts.set(key, text);
  }
  return text;
}

function newText(parts: readonly Part[], p: DType): Text {
  const text = { p, splice: splice(parts, p), programs: new Map() };
  // All of it now: a mistake in an entry must not wait for the first call of that entry.
  programOf(text, "update", p);
  checkParts(text);
  for (const name of text.splice.also.keys()) programOf(text, `also ${name}`, p);
  for (const name of text.splice.points.keys()) programOf(text, `point ${name}`, undefined);
  return text;
}

/** Every combination of parts must have a meaning: a local of one that is left out has no value. */
function checkParts({ p, splice: { conditions, update, scopes } }: Text): void {
  const names: Names = { scopes, p, g: p };
  for (let left = 1; left < 1 << conditions.length; left++) {
    try {
      valuesOf(standing(update, conditions, left), names);
    } catch (error) {
      const texts = conditions.filter((_, i) => (left >> i & 1) === 1).map(({ text }) => JSON.stringify(text)).join(" and ");
      const { message } = error as Error;
      Object.assign(error as Error, {
        message: `${message}, in a step that leaves out the part when ${texts} (what one part makes for another is kept in a slot)`,
      });
      throw error;
    }
  }
}

/** The lines that stand where the conditions of these bits do not hold. */
function standing(update: readonly Statement[], conditions: Text["splice"]["conditions"], left: number): readonly Statement[] {
  return left === 0 ? update : update.filter(({ when }) => when === undefined || (left >> conditions.indexOf(when) & 1) === 0);
}

/** The parts that a step leaves out: a bit for each condition that does not hold. */
export function leftOut({ p, splice: { conditions } }: Text, numbers: Scalars, extent: Extent): number {
  let left = 0;
  for (let i = 0; i < conditions.length; i++) if (!holds(conditions[i], numbers, extent, p)) left |= 1 << i;
  return left;
}

/** True where the text has this entry: `update`, `also <name>` or `point <name>`. */
export function hasEntry({ splice }: Text, entry: string): boolean {
  if (entry === "update") return true;
  return entry.startsWith("also ") ? splice.also.has(entry.slice(5)) : splice.points.has(entry.slice(6));
}

/** An entry's program, for gradients of dtype `g`; `left` are the parts of an update that it leaves out. */
export function programOf(text: Text, entry: string, g: DType | undefined, left = 0): Program {
  const key = `${entry} ${g ?? ""} ${left}`;
  let program = text.programs.get(key);
  if (program === undefined) {
    const { scopes, update, conditions, also, points } = text.splice;
    const point = entry.startsWith("point ");
    const statements = entry === "update"
      ? standing(update, conditions, left)
      : point
      ? points.get(entry.slice(6))!
      : also.get(entry.slice(5))!;
    program = compile(statements, { scopes, p: text.p, ...(g === undefined ? {} : { g }), ...(point ? { point } : {}) });
    text.programs.set(key, program);
  }
  return program;
}

/** Runs what compiles the parts' texts. A mistake in one of them says whose text it is. */
export function compiling<T>(parts: readonly Part[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    const part = parts.find(({ scope }) => scope === (error as { scope?: string }).scope);
    throw part === undefined ? error : about(error as Error, { plugin: part.plugin });
  }
}

/** Equal for parts that splice to the same program. */
function keyOf(parts: readonly Part[], p: DType): string {
  return JSON.stringify([
    p,
    ...parts.map(({ scope, rule, scalars }) => [
      scope,
      scalars,
      Object.entries(rule.slots ?? {}).map(([name, { cls, dtype }]) => [name, cls, dtype]),
      [rule.before, rule.update, rule.after, rule.last, rule.hold, rule.also, rule.points],
    ]),
  ]);
}

/**
 * Transforms into a rule's text: one text, so one compile and no pass that reduces nothing.
 *
 * `before` stands ahead of the rule, `after` behind the rule's last line that assigns `u`, `last` at the end; several transforms in their order.
 * Names do not clash, because every statement keeps its scope; `p`, `g` and `u` are common.
 *
 * @module
 */
import { parseCondition } from "../../kernels/language/condition.ts";
import { mistake, ruleError } from "../../kernels/language/mistake.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Condition, Statement } from "../../kernels/language/statement.ts";
import type { DType, Scope, SlotType } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import type { Part } from "./parts.ts";

/** A spliced text, parsed. */
export interface Splice {
  readonly scopes: Readonly<Record<string, Scope>>;
  readonly update: readonly Statement[];
  /** What decides which of its lines stand in a step. */
  readonly conditions: readonly Condition[];
  /** Further entries by name. */
  readonly also: ReadonlyMap<string, readonly Statement[]>;
  /** Parameter points by name. */
  readonly points: ReadonlyMap<string, readonly Statement[]>;
}

/** The rule's part comes first, then the transforms in order. */
export function splice(parts: readonly Part[], p: DType): Splice {
  const [rule, ...transforms] = parts;
  const read = (part: Part, text: string | undefined): Statement[] =>
    text === undefined ? [] : allAbout({ plugin: part.plugin }, () => parse(text, part.scope));
  const { statements: update, conditions } = allAbout({ plugin: rule.plugin }, () => readUpdate(rule));
  if (update.length === 0) throw about(new TypeError(`Cannot use ${rule.title}: its update text has no line`), { plugin: rule.plugin });
  const after = transforms.flatMap((part) => {
    const lines = read(part, part.rule.after).map((line) => ({ ...line, ...directionsPart(update) }));
    if (lines.length > 0 && !update.some(({ name }) => name === "u")) throw withoutDirection(rule, part, update);
    return lines;
  });
  update.splice(update.findLastIndex(({ name }) => name === "u") + 1, 0, ...after);
  return {
    scopes: Object.fromEntries(parts.map((part) => [part.scope, { ...scopeOf(part, p), common: part !== rule }])),
    update: [
      ...transforms.flatMap((part) => [...read(part, part.rule.before), ...readHold(part)]),
      ...update,
      ...transforms.flatMap((part) => read(part, part.rule.last)),
    ],
    conditions,
    also: entries(parts, "also", read),
    points: entries(parts, "points", read),
  };
}

/** What may hold a step back, as the last line of what the transform does ahead of the rule. */
function readHold({ rule: { hold }, scope, plugin, title }: Part): Statement[] {
  if (hold === undefined) return [];
  const lines = allAbout({ plugin }, () => parse(hold, scope));
  if (lines.length === 1 && lines[0].name === null) return [{ ...lines[0], holds: true }];
  const message = `Cannot use ${title}: its hold is one expression of numbers, not ${JSON.stringify(hold)}`;
  throw about(ruleError(message, { line: 1, name: "hold", known: [] }), { plugin });
}

// Each combination of parts is a program of its own, and all of them are looked at when the text is read.
const mostConditions = 6;

/** All parts of an update, one after the other; lines are counted through all of them. Parts of the same condition share it. */
function readUpdate({ rule: { update = "" }, scope, scalars }: Part): { statements: Statement[]; conditions: Condition[] } {
  const statements: Statement[] = [];
  const conditions: Condition[] = [];
  let lines = 0;
  for (const one of typeof update === "string" ? [update] : update) {
    const { when, text } = typeof one === "string" ? { when: null, text: one } : one;
    const part = parse(text, scope, lines);
    if (when === null) statements.push(...part);
    else {
      const read = parseCondition(when, scope, scalars, lines);
      const condition = conditions.find(({ text }) => text === read.text) ?? read;
      if (condition === read && conditions.push(read) > mostConditions) {
        const why = `the parts have ${conditions.length} different conditions, at most ${mostConditions} are compiled`;
        throw mistake(why, { line: lines + 1, name: when, scope });
      }
      statements.push(...part.map((line) => ({ ...line, when: condition })));
    }
    lines += text.split("\n").length;
  }
  return { statements, conditions };
}

/** The part that what follows the direction belongs to: none, unless `u` has a value in that part alone. */
function directionsPart(update: readonly Statement[]): Pick<Statement, "when"> {
  const directions = update.filter(({ name }) => name === "u");
  const when = directions.at(-1)?.when;
  return when !== undefined && directions.every((line) => line.when === when) ? { when } : {};
}

function scopeOf({ rule, scalars }: Part, p: DType): Scope {
  const slots = Object.entries(rule.slots ?? {}).map(([name, { cls, dtype = "float32" }]): [string, SlotType] => [
    name,
    { shape: cls, dtype: dtype === "param" ? p : dtype },
  ]);
  return { slots: Object.fromEntries(slots), scalars };
}

function entries(
  parts: readonly Part[],
  which: "also" | "points",
  read: (part: Part, text: string | undefined) => Statement[],
): Map<string, readonly Statement[]> {
  const found = new Map<string, readonly Statement[]>();
  for (const part of parts) {
    for (const [name, text] of Object.entries(part.rule[which] ?? {})) {
      if (found.has(name)) {
        throw about(new TypeError(`Cannot use ${part.title}: another plugin has an entry "${name}" too`), { plugin: part.plugin });
      }
      found.set(name, read(part, text));
    }
  }
  return found;
}

function withoutDirection(rule: Part, transform: Part, update: readonly Statement[]): SyntaxError {
  const names = [...new Set(update.map(({ name }) => name).filter((name) => name !== null))];
  const message = `Cannot use ${transform.title} after ${rule.title}: its rule names no direction u, only ${names.join(", ")}`;
  return about(ruleError(message, { line: 1, name: "u", known: names }), { plugin: transform.plugin });
}

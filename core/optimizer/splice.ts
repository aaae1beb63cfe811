/**
 * Transforms into a rule's text: one text, so one compile and no pass that reduces nothing.
 *
 * `before` stands ahead of the rule, `after` behind the rule's last line that assigns `u`, `last` at the end; several transforms in their order.
 * Names do not clash, because every statement keeps its scope; `p`, `g` and `u` are common.
 *
 * @module
 */
import { ruleError } from "../../kernels/language/mistake.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Statement } from "../../kernels/language/statement.ts";
import type { DType, Scope, SlotClass, SlotType } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import type { Part } from "./parts.ts";

/** A spliced text, parsed. */
export interface Splice {
  readonly scopes: Readonly<Record<string, Scope>>;
  readonly update: readonly Statement[];
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
  const update = read(rule, rule.rule.update);
  if (update.length === 0) throw about(new TypeError(`Cannot use ${rule.title}: its update text has no line`), { plugin: rule.plugin });
  const after = transforms.flatMap((part) => {
    const lines = read(part, part.rule.after);
    if (lines.length > 0 && !update.some(({ name }) => name === "u")) throw withoutDirection(rule, part, update);
    return lines;
  });
  update.splice(update.findLastIndex(({ name }) => name === "u") + 1, 0, ...after);
  return {
    scopes: Object.fromEntries(parts.map((part) => [part.scope, scopeOf(part, p)])),
    update: [
      ...transforms.flatMap((part) => read(part, part.rule.before)),
      ...update,
      ...transforms.flatMap((part) => read(part, part.rule.last)),
    ],
    also: entries(parts, "also", read),
    points: entries(parts, "points", read),
  };
}

function scopeOf({ rule, scalars }: Part, p: DType): Scope {
  const slots = Object.entries(rule.slots ?? {}).map(([name, { shape, dtype = "float32" }]): [string, SlotType] => [
    name,
    { shape: shape as SlotClass, dtype: dtype === "param" ? p : dtype },
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

/**
 * Transforms into a rule's text: one text, so one compile and no pass that reduces nothing.
 *
 * `before` stands ahead of the rule, `after` behind the rule's last line that assigns `u`, `last` at the end; several transforms in their order.
 * Names do not clash, because every statement keeps its scope; `p`, `g` and `u` are common.
 *
 * @module
 */
import { dtypes, extentOf as cut } from "../../kernels/extent.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Statement } from "../../kernels/language/statement.ts";
import type { DType, Extent, Scope, SlotClass, SlotType } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, refuseUnknownKeys, show } from "../names.ts";
import type { Rule, Slot, TensorInfo } from "../plugin/contract.ts";
import { sameShape } from "../tensors.ts";

/** What one plugin gives for one tensor. */
export interface Part {
  /** Whose names: the optimizer plugin's name, or `<index>:<transform>`. */
  readonly scope: string;
  /** For errors: `optimizer "adamw"`, and the plugin's bare name. */
  readonly title: string;
  readonly plugin: string;
  readonly rule: Partial<Rule> & { readonly before?: string; readonly after?: string; readonly last?: string };
  /** Names of its numbers. */
  readonly scalars: readonly string[];
}

/** A spliced text, parsed. */
export interface Splice {
  readonly scopes: Readonly<Record<string, Scope>>;
  readonly update: readonly Statement[];
  /** Further entries by name. */
  readonly also: ReadonlyMap<string, readonly Statement[]>;
  /** Parameter points by name. */
  readonly points: ReadonlyMap<string, readonly Statement[]>;
}

/** A slot of a part. */
export interface PartSlot {
  /** `scope/name`, as kernels call it. */
  readonly key: string;
  readonly name: string;
  readonly slot: Slot;
  readonly title: string;
  readonly plugin: string;
}

const classes: readonly SlotClass[] = ["param", "row", "col", "batch", "scalar", "group"];
const taken = ["p", "g", "u", "t", "size", "batch", "rows", "cols"];
const ofMatrix = /\b(?:rows|cols|batch|(?:row|col)(?:sum|mean|norm|rms|max))\b/;

const slotDTypes = [...dtypes, "param"];

/** Refuses a rule that is none. The texts are read later. */
export function checkRule(title: string, rule: unknown, texts: readonly string[]): void {
  if (!isRecord(rule)) throw new TypeError(`Cannot use ${title}: its rule is ${show(rule)}, not an object`);
  refuseUnknownKeys(`the rule of ${title}`, rule, ["slots", "matrix", "also", "points", ...texts]);
  for (const text of texts) {
    if (rule[text] !== undefined && typeof rule[text] !== "string") {
      throw new TypeError(`Cannot use ${title}: its ${text} is ${show(rule[text])}, not a text`);
    }
  }
  for (const entries of ["slots", "also", "points"]) {
    const given = rule[entries];
    if (given !== undefined && !isRecord(given)) {
      throw new TypeError(`Cannot use ${title}: its ${entries} are ${show(given)}, not an object`);
    }
  }
  for (const entries of ["also", "points"]) {
    for (const [name, text] of Object.entries(rule[entries] ?? {})) {
      if (typeof text !== "string") throw new TypeError(`Cannot use ${title}: ${entries}.${name} is ${show(text)}, not a text`);
    }
  }
  for (const [name, slot] of Object.entries(rule.slots ?? {})) checkSlot(title, name, slot);
}

function checkSlot(title: string, name: string, slot: unknown): void {
  const what = `slot "${name}" of ${title}`;
  if (taken.includes(name)) {
    throw new TypeError(`Cannot use ${title}: a slot cannot be called "${name}", which means something else in a rule`);
  }
  refuseUnknownKeys(what, slot, ["shape", "key", "init", "dtype", "input"]);
  const { shape, key, dtype, init, input } = slot as Partial<Slot>;
  if (!classes.includes(shape as SlotClass)) {
    const why = Array.isArray(shape) ? "slots of their own shape need plain code between texts, which is not there yet" : known(classes);
    throw new TypeError(`Cannot use ${what}, of shape ${show(shape)}: ${why}`);
  }
  if (key !== null && (typeof key !== "string" || key === "")) throw new TypeError(`Cannot use ${what}: its key must be a string or null`);
  if (dtype !== undefined && !slotDTypes.includes(dtype)) {
    throw new TypeError(`Cannot use ${what}, of dtype ${show(dtype)}: ${known(slotDTypes)}`);
  }
  if (init !== undefined && typeof init !== "number" && !(init === "p" && shape === "param")) {
    throw new TypeError(`Cannot use ${what}: it starts as a number, or where it has the parameter's shape as "p"`);
  }
  if (input !== undefined && input !== true) throw new TypeError(`Cannot use ${what}: its input is ${show(input)}, not true`);
}

/** The slots of all parts. */
export function slotsOf(parts: readonly Part[]): PartSlot[] {
  return parts.flatMap(({ scope, title, plugin, rule }) =>
    Object.entries(rule.slots ?? {}).map(([name, slot]) => ({ key: `${scope}/${name}`, name, slot, title, plugin }))
  );
}

/** Equal for parts whose slots can stand in each other's place. */
export function slotsText(parts: readonly Part[]): string {
  return slotsOf(parts).map(({ key, slot }) => `${key} ${slot.shape} ${slot.key} ${slot.dtype ?? ""} ${slot.input ?? ""}`).sort().join(
    "\n",
  );
}

/** Equal for parts that splice to the same program. */
export function spliceText(parts: readonly Part[], p: DType): string {
  return JSON.stringify([
    p,
    ...parts.map(({ scope, rule, scalars }) => [
      scope,
      scalars,
      Object.entries(rule.slots ?? {}).map(([name, { shape, dtype }]) => [name, shape, dtype]),
      [rule.before, rule.update, rule.after, rule.last, rule.also, rule.points],
    ]),
  ]);
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

/** How the tensor is cut into matrices: by default over its last two dimensions, or as a part says. */
export function extentOf(parts: readonly Part[], { name, shape }: TensorInfo): { readonly extent: Extent; readonly given: boolean } {
  const { batch, rows, cols } = cut(shape);
  let found: { readonly matrix: readonly number[]; readonly title: string } | undefined;
  for (const { title, plugin, rule } of parts) {
    if (rule.matrix === undefined && !usesMatrix(rule)) continue;
    const matrix: readonly number[] = rule.matrix ?? [batch, rows, cols];
    if (!Array.isArray(matrix) || matrix.length !== 3 || !matrix.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      const message = `Cannot cut parameter "${name}" as ${title} says: matrix ${show(matrix)} is not [batch, rows, cols]`;
      throw about(new TypeError(message), { plugin, tensor: name });
    }
    if (found !== undefined && !sameShape(matrix, found.matrix)) {
      const message = `Cannot cut parameter "${name}" into ${show(found.matrix)} for ${found.title} and into ${show(matrix)} for ${title}`;
      throw about(new TypeError(message), { plugin, tensor: name });
    }
    found = { matrix, title };
  }
  const extent = cut(shape, found?.matrix as Rule["matrix"]);
  return { extent, given: extent.batch !== batch || extent.rows !== rows || extent.cols !== cols };
}

function usesMatrix({ slots = {}, before, update, after, last, also = {}, points = {} }: Part["rule"]): boolean {
  return Object.values(slots).some(({ shape }) => shape === "row" || shape === "col" || shape === "batch") ||
    [before, update, after, last, ...Object.values(also), ...Object.values(points)].some((text) =>
      text !== undefined && ofMatrix.test(text)
    );
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
  return Object.assign(new SyntaxError(message), { line: 1, name: "u", known: names, plugin: transform.plugin });
}

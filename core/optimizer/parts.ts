/**
 * What the plugins of a group give for one parameter: the rule and the transforms' texts, asked for and checked.
 *
 * @module
 */
import { extentOf } from "../../kernels/extent.ts";
import { slotClasses, slotClassOf } from "../../kernels/tables/classes.ts";
import { dtypes } from "../../kernels/tables/dtype_names.ts";
import type { SlotClass, SlotType } from "../../kernels/types.ts";
import { allAbout } from "../errors.ts";
import type { GroupState } from "./groups.ts";
import { isRecord, known, refuseUnknownKeys, show } from "../names.ts";
import type { ScalarNames } from "./scalar_names.ts";
import type { Rule, Slot, TensorInfo } from "../plugin/contract.ts";
import type { Values } from "../plugin/options.ts";
import { ask } from "../plugin/use.ts";
import type { TransformState } from "./transforms.ts";

/** What one plugin gives for one parameter. */
export interface Part {
  /** Whose names: the optimizer plugin's name, or `<index>:<transform>`. */
  readonly scope: string;
  /** For errors: `optimizer "adamw"`, and the plugin's bare name. */
  readonly title: string;
  readonly plugin: string;
  readonly rule: GivenRule;
  /** Names of its numbers. */
  readonly scalars: readonly string[];
}

/** What a plugin said, checked: a rule, or a transform's texts. Entries that were undefined are not there. */
export interface GivenRule {
  readonly slots?: Readonly<Record<string, GivenSlot>>;
  readonly also?: Readonly<Record<string, string>>;
  readonly points?: Readonly<Record<string, string>>;
  readonly matrix?: Rule["matrix"];
  readonly update?: Rule["update"];
  readonly before?: string;
  readonly after?: string;
  readonly last?: string;
  readonly hold?: string;
}

/** A slot with what its shape is to kernels. */
export interface GivenSlot extends Slot {
  readonly cls: SlotType["shape"];
}

/** A slot of a part. */
export interface PartSlot {
  readonly scope: string;
  /** `scope/name`, as kernels call it. */
  readonly key: string;
  readonly name: string;
  readonly slot: GivenSlot;
  readonly title: string;
  readonly plugin: string;
}

/** Names that mean something in every rule. */
const reserved = ["p", "g", "u", "t", "size", "batch", "rows", "cols"];
const slotDTypes: readonly string[] = /* @__PURE__ */ ([] as string[]).concat(dtypes, "param");

/** The rule of a group's algorithm for a parameter, under these options. Which of them it looks at is written down in the group. */
export function rulePart({ plugin, title, reads }: GroupState, options: Values, { names }: ScalarNames, info: TensorInfo): Part {
  const watched: Record<string, unknown> = {};
  for (const name of Object.keys(options)) {
    Object.defineProperty(watched, name, { enumerable: true, get: () => (reads.add(name), options[name]) });
  }
  return ask(plugin, () => {
    const given: unknown = plugin.rule(watched, info);
    const rule = takeRule(title, given, info, [], ["update"]);
    checkUpdate(title, rule.update);
    return { scope: plugin.name, title, plugin: plugin.name, rule, scalars: names };
  });
}

/** An update is one text, or a list of parts. */
function checkUpdate(title: string, update: unknown): void {
  if (typeof update === "string") return;
  if (!Array.isArray(update)) throw new TypeError(`Cannot use ${title}: its rule has no update text`);
  update.forEach((part: unknown, index) => {
    if (typeof part === "string") return;
    const what = `part ${index} of the update of ${title}`;
    refuseUnknownKeys(what, part, ["when", "text"]);
    const { when, text } = part as Record<string, unknown>;
    if (typeof when !== "string") throw new TypeError(`Cannot use ${what}: its when is ${show(when)}, not an expression of numbers`);
    if (typeof text !== "string") throw new TypeError(`Cannot use ${what}: its text is ${show(text)}, not a text`);
  });
}

/** What a transform gives for a parameter. */
function transformPart({ plugin, title, scope, options, scalars }: TransformState, info: TensorInfo): Part {
  return ask(plugin, () => {
    const rule = takeRule(title, plugin.rule(options, info), info, ["before", "after", "last", "hold"]);
    return { scope, title, plugin: plugin.name, rule, scalars: scalars.names };
  });
}

/** All that a group's plugins give for a parameter, the rule first. */
export function partsOf(group: GroupState, options: Values, scalars: ScalarNames, info: TensorInfo): readonly Part[] {
  return allAbout({ tensor: info.name, group: group.index }, () => [
    rulePart(group, options, scalars, info),
    ...group.transforms.map((transform) => transformPart(transform, info)),
  ]);
}

/** The slots of all parts. */
export function slotsOf(parts: readonly Part[]): PartSlot[] {
  return parts.flatMap(({ scope, title, plugin, rule }) =>
    Object.entries(rule.slots ?? {}).map(([name, slot]) => ({ scope, key: `${scope}/${name}`, name, slot, title, plugin }))
  );
}

/** Equal for parts whose slots can stand in each other's place. */
export function slotsText(parts: readonly Part[]): string {
  return slotsOf(parts).map(({ key, slot }) => `${key} ${slot.shape} ${slot.key} ${slot.dtype ?? ""} ${slot.input ?? ""}`).sort().join(
    "\n",
  );
}

/** What a plugin gave as a rule, checked but for its texts, which are parsed when they are spliced. */
function takeRule(
  title: string,
  rule: unknown,
  { shape }: TensorInfo,
  texts: readonly string[],
  others: readonly string[] = [],
): GivenRule {
  if (!isRecord(rule)) throw new TypeError(`Cannot use ${title}: its rule is ${show(rule)}, not an object`);
  refuseUnknownKeys(`the rule of ${title}`, rule, ["slots", "matrix", "also", "points", ...texts, ...others]);
  for (const text of texts) {
    if (rule[text] !== undefined && typeof rule[text] !== "string") {
      throw new TypeError(`Cannot use ${title}: its ${text} is ${show(rule[text])}, not a text`);
    }
  }
  const [slots, also, points] = ["slots", "also", "points"].map((entries) => {
    const { [entries]: given = {} } = rule;
    if (!isRecord(given)) throw new TypeError(`Cannot use ${title}: its ${entries} are ${show(given)}, not an object`);
    return Object.fromEntries(Object.entries(given).filter(([, entry]) => entry !== undefined));
  });
  for (const [entries, given] of Object.entries({ also, points })) {
    for (const [name, text] of Object.entries(given)) {
      if (typeof text !== "string") throw new TypeError(`Cannot use ${title}: ${entries}.${name} is ${show(text)}, not a text`);
    }
  }
  for (const [name, slot] of Object.entries(slots)) {
    checkSlot(title, name, slot);
    const given = slot as Slot;
    slots[name] = { ...given, cls: classOf(title, name, given, shape, rule.matrix as Rule["matrix"]) };
  }
  return { ...rule, slots, also, points } as GivenRule;
}

/** What a slot's shape is to kernels: its name, or of dimensions what of the tensor's is as large. */
function classOf(title: string, name: string, { shape }: Slot, tensor: readonly number[], matrix: Rule["matrix"]): SlotType["shape"] {
  if (!Array.isArray(shape)) return shape as SlotClass;
  const extent = extentOf(tensor, matrix);
  const cls = slotClassOf(shape, extent);
  if (cls !== undefined) return cls;
  const { batch, rows, cols } = extent;
  const before = batch === 1 ? [] : [batch];
  const fitting = [[rows, cols], [rows, rows], [cols, cols], [cols, rows], [rows], [cols]].map((dims) => show([...before, ...dims]));
  fitting.push(show([extent.size]));
  throw new RangeError(
    `Cannot use slot "${name}" of ${title}, of shape ${show(shape)}: for a tensor of shape ${show(tensor)} it may be ${
      [...new Set(fitting)].join(", ")
    }`,
  );
}

function checkSlot(title: string, name: string, slot: unknown): void {
  const what = `slot "${name}" of ${title}`;
  if (reserved.includes(name)) {
    throw new TypeError(`Cannot use ${title}: a slot cannot be called "${name}", which means something else in a rule`);
  }
  refuseUnknownKeys(what, slot, ["shape", "key", "init", "dtype", "input"]);
  const { shape, key, dtype, init, input } = slot as Partial<Slot>;
  if (!slotClasses.includes(shape as SlotClass) && !(Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0))) {
    throw new TypeError(`Cannot use ${what}, of shape ${show(shape)}: ${known(slotClasses)}, or a list of lengths`);
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

/**
 * Plugins in use: from a name or an object to a plugin that has been looked at.
 *
 * @module
 */
import { about, allAbout } from "../errors.ts";
import { isRecord, known, refuseMisspelt, refuseUnknownKeys, show } from "../names.ts";
import { type AnySpecs, checkOption, resolveOptions } from "./options.ts";
import type { AccumulatorPlugin, OptimizerPlugin, OptionSpec, Plugin, SchedulePlugin, TransformPlugin } from "./contract.ts";
import type { Use } from "../types.ts";

/** The four kinds. */
export interface Kinds {
  readonly optimizer: OptimizerPlugin;
  readonly schedule: SchedulePlugin;
  readonly accumulator: AccumulatorPlugin;
  readonly transform: TransformPlugin;
}

/** Finds a plugin by kind and name, or throws. */
export type Find = <K extends keyof Kinds>(kind: K, name: string) => Kinds[K];

const functions: Readonly<Record<keyof Kinds, readonly string[]>> = {
  optimizer: ["rule", "scalars"],
  schedule: ["create"],
  accumulator: ["create"],
  transform: ["rule"],
};
/** What a plugin need not have, and is a function where it has. */
const optional: Readonly<Record<keyof Kinds, readonly string[]>> = {
  optimizer: ["check", "reading"],
  schedule: ["check", "simplify", "rebase"],
  accumulator: [],
  transform: ["check", "scalars", "reading", "held"],
};
/** What a plugin may say of itself in a word, and the words. */
const words: Readonly<Record<keyof Kinds, Readonly<Record<string, readonly string[]>>>> = {
  optimizer: { counts: ["tensor", "group", "optimizer"] satisfies OptimizerPlugin["counts"][] },
  schedule: { returns: ["factor", "value", "metric"] satisfies SchedulePlugin["returns"][] },
  accumulator: {},
  transform: {},
};
const kinds: readonly (keyof Kinds)[] = ["optimizer", "schedule", "accumulator", "transform"];

/** `optimizer "adamw"`. */
export function titleOf(plugin: Pick<Plugin, "kind" | "name">): string {
  return `${plugin.kind} ${JSON.stringify(plugin.name)}`;
}

/** Refuses what is no plugin. */
export function checkPlugin(plugin: unknown): asserts plugin is Plugin {
  if (typeof plugin !== "object" || plugin === null) throw new TypeError(`Cannot use ${show(plugin)} as a plugin: it must be an object`);
  const { kind, name } = plugin as Partial<Plugin>;
  if (kind === undefined || !kinds.includes(kind)) throw new TypeError(`Cannot use a plugin of kind ${show(kind)}: ${known(kinds)}`);
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`Cannot use an ${kind} plugin named ${show(name)}: its name must be a string`);
  }
  allAbout({ plugin: name }, () => checkMembers(plugin, kind, name));
}

function checkMembers(plugin: object, kind: keyof Kinds, name: string): void {
  const { description, source, options } = plugin as Partial<Plugin>;
  const title = titleOf({ kind, name });
  if (typeof description !== "string") throw new TypeError(`Cannot use ${title}: its description must be a string`);
  if (source !== undefined && typeof source !== "string") {
    throw new TypeError(`Cannot use ${title}: its source is ${show(source)}, not a string`);
  }
  if (!isRecord(options)) throw new TypeError(`Cannot use ${title}: its options must be an object of specs`);
  for (const [option, spec] of Object.entries(options)) allAbout({ option }, () => checkSpec(title, option, spec));
  const members = plugin as unknown as Readonly<Record<string, unknown>>;
  for (const [name, list] of Object.entries(words[kind])) checkWord(`${title}, whose ${name}`, members[name], list);
  for (const name of functions[kind]) {
    if (typeof members[name] !== "function") throw new TypeError(`Cannot use ${title}: it has no function ${name}()`);
  }
  for (const name of optional[kind]) {
    if (members[name] !== undefined && typeof members[name] !== "function") {
      throw new TypeError(`Cannot use ${title}: its ${name} is ${show(members[name])}, not a function`);
    }
  }
  refuseMisspelt(title, plugin, membersOf(kind));
}

/** Names of all that a plugin of this kind may have. */
export function membersOf(kind: keyof Kinds): readonly string[] {
  return ["kind", "name", "description", "source", "options", ...functions[kind], ...optional[kind], ...Object.keys(words[kind])];
}

/** Refuses what is said in a word that is not known; nothing need be said. */
function checkWord(what: string, word: unknown, list: readonly string[]): void {
  if (word === undefined || list.includes(word as string)) return;
  throw new TypeError(`Cannot use ${what} is ${show(word)}: ${known(list, word)}`);
}

const specKeys = [
  "default",
  "description",
  "type",
  "format",
  "holds",
  "unit",
  "enum",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
] as const satisfies readonly (keyof OptionSpec<unknown>)[];

/** Refuses a spec that says what is not known, or whose default it would refuse itself. */
export function checkSpec(title: string, option: string, spec: unknown): void {
  if (typeof spec !== "object" || spec === null) throw new TypeError(`Cannot use ${title}: option "${option}" has no spec`);
  refuseUnknownKeys(`the spec of option "${option}" of ${title}`, spec, specKeys);
  const { default: value, holds, unit } = spec as OptionSpec<unknown>;
  checkWord(`${title}: what option "${option}" holds`, holds, ["schedule"] satisfies OptionSpec<unknown>["holds"][]);
  checkWord(`${title}: the unit of option "${option}"`, unit, ["steps", "rate", "count"] satisfies OptionSpec<unknown>["unit"][]);
  // null is how a default says that there is none.
  if (value !== undefined && value !== null) checkOption(`${title}, as its default`, option, spec as OptionSpec<unknown>, value);
}

/** The plugin behind a name, or the plugin itself, if it is of this kind. */
export function takePlugin<K extends keyof Kinds>(find: Find, kind: K, name: unknown): Kinds[K] {
  if (typeof name === "string") return find(kind, name);
  checkPlugin(name);
  if (name.kind !== kind) {
    const message = `Cannot use ${titleOf(name)} here: this is the place of a plugin of kind "${kind}"`;
    throw about(new TypeError(message), { plugin: name.name });
  }
  return name as unknown as Kinds[K];
}

/** A {@linkcode Use}, its plugin found; its options are not looked at. */
export function takeUse<K extends keyof Kinds>(
  find: Find,
  kind: K,
  use: unknown,
): { readonly plugin: Kinds[K]; readonly options: object | undefined } {
  if (typeof use === "string") throw new TypeError(`Cannot use ${show(use)} as ${kind}: write { name: ${show(use)} }`);
  refuseUnknownKeys(`the use of a plugin of kind "${kind}"`, use, ["name", "options"]);
  const { name, options } = use as Partial<Use>;
  if (name === undefined) throw new TypeError(`Cannot use a plugin of kind "${kind}" without a name`);
  return { plugin: takePlugin(find, kind, name), options };
}

/** For makers without a registry. */
export const findNothing: Find = (kind, name) => {
  const message = `Cannot find ${titleOf({ kind, name })}: without a registry a plugin is given as an object`;
  throw about(new TypeError(message), { plugin: name });
};

/** Every option of a plugin: what is given, checked one by one, and else the default. */
export function optionsOf(plugin: Pick<Plugin, "kind" | "name" | "options">, given: object | undefined): Record<string, unknown> {
  return allAbout({ plugin: plugin.name }, () => resolveOptions(titleOf(plugin), plugin.options as AnySpecs, given));
}

/** Runs a function of a plugin's. What it throws says whose it is. */
export function ask<T>({ name }: Pick<Plugin, "name">, run: () => T): T {
  return allAbout({ plugin: name }, run);
}

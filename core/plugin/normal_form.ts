/**
 * The normal form of a schedule's description: the same JSON for schedules that are the same.
 *
 * @module
 */
import { about } from "../errors.ts";
import { isRecord, known, show } from "../names.ts";
import type { Registry } from "../registry.ts";
import type { Use } from "../types.ts";
import type { Plugin, SchedulePlugin } from "./contract.ts";
import type { AnySpecs } from "./options.ts";
import { makeSchedule, returnsOf } from "./schedules.ts";
import { type Find, optionsOf, takeUse, titleOf } from "./use.ts";

/** A description that is plain JSON: a name, and all options, in the order of their names. */
export interface NormalUse {
  /** The registered name. */
  readonly name: string;
  /** Every option. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The normal form of a schedule's description. Options that are left out have their defaults, keys are in order, and compositions are said as simply as
 * their plugins can say them: nested sequences, sums and products as one, shifts as one shift, what changes nothing left out. Only where the values stay
 * the same to the bit: a scale of a scale stays two, since two roundings are not one.
 *
 * TypeError: what is no description in JSON, as a function, and names that the registry does not have. Otherwise the errors of `createSchedule`.
 *
 * @example Usage
 * ```ts
 * import { builtins, normalizeSchedule } from "@glissade/optim";
 *
 * const inner = { name: "exponential", options: { gamma: 0.5 } };
 * const shifted = { name: "shift", options: { steps: 2, schedule: { name: "shift", options: { schedule: inner, steps: 3 } } } };
 * console.log(JSON.stringify(normalizeSchedule(builtins, shifted)));
 * // {"name":"shift","options":{"schedule":{"name":"exponential","options":{"gamma":0.5}},"steps":5}}
 * ```
 */
export function normalizeSchedule(registry: Pick<Registry<readonly Plugin[]>, "plugins">, use: Use): NormalUse {
  return normalize(findIn(registry), use);
}

/** Finds plugins in a registry. */
export function findIn(registry: Pick<Registry<readonly Plugin[]>, "plugins">): Find {
  return (kind, name) => {
    const plugins = registry.plugins.filter((plugin) => plugin.kind === kind);
    const plugin = plugins.find((plugin) => plugin.name === name);
    if (plugin !== undefined) return plugin as never;
    const message = `Cannot find ${titleOf({ kind, name })}: ${known(plugins.map(({ name }) => name), name)}`;
    throw about(new TypeError(message), { plugin: name });
  };
}

/** The same, with plugins found otherwise. */
export function normalize(find: Find, use: unknown): NormalUse {
  if (!isRecord(use)) throw new TypeError(`Cannot normalize ${show(use)}: a description is { name, options }, in JSON`);
  const { plugin, options: given } = takeUse(find, "schedule", use);
  const specs = plugin.options as AnySpecs;
  const resolved = optionsOf(plugin, given);
  const options: Record<string, unknown> = {};
  for (const name of Object.keys(resolved).sort()) {
    const value = resolved[name];
    if (specs[name].holds !== "schedule") options[name] = plain(`${name} of ${titleOf(plugin)}`, value);
    else options[name] = Array.isArray(value) ? value.map((inner) => normalize(find, inner)) : normalize(find, value);
  }
  const simpler = simplify(plugin as SchedulePlugin, options, find);
  return simpler === undefined ? { name: plugin.name, options } : normalize(find, simpler);
}

function simplify(plugin: SchedulePlugin, options: object, find: Find): Use | undefined {
  const isUnknown: unknown = {};
  const returns = (use: Use): ReturnType<typeof returnsOf> => {
    const { plugin, options } = takeUse(find, "schedule", use);
    if (plugin.returns !== undefined) return plugin.returns;
    try {
      return returnsOf(makeSchedule(plugin, options, undefined, find));
    } catch {
      // It may be one over other base values than 1. What it gives is not known, and it stays as it is.
      throw isUnknown;
    }
  };
  try {
    return plugin.simplify?.(options as never, returns);
  } catch (thrown) {
    if (thrown === isUnknown) return undefined;
    throw thrown;
  }
}

/** What JSON holds, with keys in order. */
function plain(what: string, value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value + 0; // JSON has no -0
  if (Array.isArray(value)) return value.map((element) => plain(what, element));
  if (isRecord(value)) return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(what, value[key])]));
  throw new TypeError(`Cannot normalize ${show(value)} as ${what}: JSON does not hold it`);
}

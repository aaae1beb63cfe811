/**
 * Plugins that a plugin under test may name: the built-in ones, as in `builtins.with(plugin)`.
 *
 * @module
 */
import type { Plugin, SchedulePlugin } from "../../core/plugin/contract.ts";
import { known } from "../../core/names.ts";
import type { Find, Kinds } from "../../core/plugin/use.ts";
import { plugins } from "../builtins.ts";

/** Finds a built-in plugin by its name. */
export const find: Find = (kind, name) => {
  const ofKind = (plugins as readonly Plugin[]).filter((plugin) => plugin.kind === kind);
  const found = ofKind.find((plugin) => plugin.name === name);
  if (found === undefined) {
    throw new TypeError(`Cannot find ${kind} ${JSON.stringify(name)}: ${known(ofKind.map(({ name }) => name), name)}`);
  }
  return found as unknown as Kinds[typeof kind];
};

/** Finds a schedule under test by its name, and the built-in plugins. */
export const findAlso = (plugin: SchedulePlugin): Find => (kind, name) =>
  kind === "schedule" && name === plugin.name ? plugin as unknown as Kinds[typeof kind] : find(kind, name);

/**
 * Plugins by kind and name.
 *
 * @module
 */
import { about } from "../errors.ts";
import { known, show } from "../names.ts";
import type { Plugin } from "./contract.ts";
import type { Find } from "./use.ts";

/** Finds among these plugins; TypeError, with the names that are known, where there is none of the name. */
export function finderOf(plugins: readonly Plugin[]): Find {
  return ((kind, name) => {
    const plugin = plugins.find((plugin) => plugin.kind === kind && plugin.name === name);
    if (plugin !== undefined) return plugin;
    const names = plugins.filter((plugin) => plugin.kind === kind).map((plugin) => plugin.name);
    throw about(new TypeError(`Cannot find ${kind} ${show(name)}: ${known(names, name)}`), { plugin: name });
  }) as Find;
}

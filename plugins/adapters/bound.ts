/**
 * What the adapters share: an optimizer over another library's parameters, by name or by plugin.
 *
 * @module
 */
import { about } from "../../core/errors.ts";
import { known, refuseUnknownKeys, show } from "../../core/names.ts";
import { buildOptimizer } from "../../core/optimizer/optimizer.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import { finderOf } from "../../core/plugin/find.ts";
import type { Registry } from "../../core/registry.ts";
import type { Optimizer, Settings, Tensors } from "../../core/types.ts";
import { plugins } from "../builtins.ts";

/** Settings beside the algorithm's options: those of every optimizer, and where names are found. */
export interface BindSettings<Options = unknown, P extends readonly Plugin[] = readonly Plugin[]> extends Settings<Options> {
  /** Where the names of algorithms, schedules and transforms are found; default: the built-in ones. */
  readonly registry?: Registry<P>;
}

/** Makes the optimizer, with the errors of `createOptimizer`; TypeError for a name that the registry does not know, and for what is no registry. */
export function optimizerOver(params: Tensors, named: unknown, options: unknown, given: BindSettings = {}): Optimizer {
  refuseUnknownKeys("the settings", given, ["backend", "threads", "groups", "transforms", "schedules", "registry"]);
  const { registry, ...settings } = given;
  if (registry !== undefined && !Array.isArray(registry?.plugins)) {
    throw new TypeError(`Cannot use ${show(registry)} as registry: make one with createRegistry, or leave it out for the built-in plugins`);
  }
  return buildOptimizer(finderOf(registry?.plugins ?? plugins), named, params, options, settings);
}

/**
 * Refuses gradients that say nothing of a parameter: other libraries give one for each, so that one which is not there was misspelt, or left out on the
 * way, and its parameter would stand still without a word. Where that is meant there is null.
 */
export function refuseMissing(
  names: readonly string[],
  isSaid: (name: string) => boolean,
  given: { readonly where: (name: string) => string; readonly there: readonly string[] },
): void {
  const missing = names.find((name) => !isSaid(name));
  if (missing === undefined) return;
  const where = given.where(missing);
  // What is near it by its spelling is most often the next parameter's own, as "w2" is to "w1": no guess.
  const message = `Cannot find the gradient of "${missing}": ${where}, or null where "${missing}" is to stand still; ${known(given.there)}`;
  throw about(new TypeError(message), { tensor: missing });
}

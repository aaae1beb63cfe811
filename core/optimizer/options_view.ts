/**
 * Options as a caller sees them.
 *
 * @module
 */
import { showsValues } from "../inspect.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { type AnySpecs, checkOption } from "../plugin/options.ts";
import { ask, titleOf } from "../plugin/use.ts";

/** Options that can be read and, with `write`, assigned by name, checked at once; a name that is none cannot be assigned. */
export function optionsView(
  plugin: OptimizerPlugin,
  read: (name: string) => unknown,
  write?: (name: string, value: unknown) => void,
): Record<string, unknown> {
  const specs = plugin.options as AnySpecs;
  const title = titleOf(plugin);
  const view: Record<string, unknown> = {};
  for (const name of Object.keys(specs)) {
    Object.defineProperty(view, name, {
      enumerable: true,
      get: () => read(name),
      set: write && ((value: unknown) => write(name, ask(plugin, () => checkOption(title, name, specs[name], value)))),
    });
  }
  return Object.preventExtensions(showsValues(view));
}

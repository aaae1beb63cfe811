/**
 * Options as a caller sees them.
 *
 * @module
 */
import { type About, allAbout } from "../errors.ts";
import { showsValues } from "../inspect.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { type AnySpecs, checkOption } from "../plugin/options.ts";
import { ask, titleOf } from "../plugin/use.ts";

/** Options that are read by name, and assigned: `write` may refuse that, and gets a value that is checked. A name that is none cannot be assigned. What errors are about is in `of`. */
export function optionsView(
  plugin: OptimizerPlugin,
  read: (name: string) => unknown,
  write: (name: string, checked: () => unknown) => void,
  of: About = {},
): Record<string, unknown> {
  const specs = plugin.options as AnySpecs;
  const title = titleOf(plugin);
  const view: Record<string, unknown> = {};
  for (const name of Object.keys(specs)) {
    Object.defineProperty(view, name, {
      enumerable: true,
      get: () => read(name),
      set: (value: unknown) => allAbout(of, () => write(name, () => ask(plugin, () => checkOption(title, name, specs[name], value)))),
    });
  }
  return Object.preventExtensions(showsValues(view));
}

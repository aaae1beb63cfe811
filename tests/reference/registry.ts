/**
 * The plugins that the reference cases run with: all built-ins, and the test plugins that are not among them.
 *
 * @module
 */
import * as glissade from "../../mod.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Registry } from "../../core/registry.ts";
import type { Context, KerasRecipes, Makers } from "./context.ts";
import { openGolden } from "./golden.ts";
import { testPlugins } from "./plugins/all.ts";

/** A context over a folder of cases. */
export function contextOf(folder: string): Context {
  const builtins: Registry<readonly Plugin[]> = glissade.builtins;
  const known = (plugin: Plugin): boolean => builtins.plugins.some(({ kind, name }) => kind === plugin.kind && name === plugin.name);
  const registry: Makers = builtins.with(...testPlugins.filter((plugin) => !known(plugin)));
  const { createTfOptimizer, getConfig, fromConfig, tfRecipe } = glissade as unknown as Partial<
    Pick<Context, "createTfOptimizer"> & KerasRecipes
  >;
  const keras = getConfig && fromConfig && tfRecipe ? { getConfig, fromConfig, tfRecipe } : undefined;
  return { golden: openGolden(folder), registry, createTfOptimizer, keras };
}

/**
 * What every kind of case needs: the folder, and the plugins by name.
 *
 * @module
 */
import type { OptimizerPlugin, Plugin } from "../../core/plugin/contract.ts";
import type { Accumulator, Base, MetricSchedule, Optimizer, Recipe, Schedule, Settings, Tensors } from "../../core/types.ts";
import type { Golden } from "./golden.ts";

/** A registry whose names and options come from files, so that types know nothing of them. */
export interface Makers {
  readonly plugins: readonly Plugin[];
  createOptimizer(name: string, params: Tensors, options?: object, settings?: Settings<unknown>): Optimizer;
  createSchedule(name: string, options?: object, base?: Base): Schedule | MetricSchedule;
  getScheduler(name: string, options?: object): Schedule | MetricSchedule;
  createAccumulator(name: string, options: object, like: Tensors): Accumulator;
}

/** Keras' configurations and TensorFlow's recipe, once they are there. */
export interface KerasRecipes {
  getConfig(recipe: Recipe): object;
  fromConfig(config: object): Recipe;
  tfRecipe(options: object): Recipe;
}

/** Where cases are run. */
export interface Context {
  readonly golden: Golden;
  readonly registry: Makers;
  /** TensorFlow's `create_optimizer`, once it is there. */
  readonly createTfOptimizer?: (params: Tensors, options: object) => Optimizer;
  readonly keras?: KerasRecipes;
}

/** The registered optimizer of that name. */
export function optimizerPlugin({ registry }: Context, name: string): OptimizerPlugin | undefined {
  return registry.plugins.find((plugin): plugin is OptimizerPlugin => plugin.kind === "optimizer" && plugin.name === name);
}

/** Why a case that needs this plugin cannot run, if so. */
export function missing({ registry }: Context, kind: Plugin["kind"], name: string): string | undefined {
  if (registry.plugins.some((plugin) => plugin.kind === kind && plugin.name === name)) return;
  return `${kind} "${name}" is not registered`;
}

/**
 * Registries: plugins by name, typed. A registry is an immutable value; its type is the tuple of its plugins, which carries names and options.
 *
 * @module
 */
import type { Backend, WebGpuBackend } from "../kernels/types.ts";
import { makeAccumulator } from "./training/accumulators.ts";
import { takeBackend } from "./backend.ts";
import { about, allAbout } from "./errors.ts";
import { known, refuseUnknownKeys, show } from "./names.ts";
import { buildOptimizer } from "./optimizer/optimizer.ts";
import { finderOf } from "./plugin/find.ts";
import type { AnySpecs } from "./plugin/options.ts";
import type { Plugin, SchedulePlugin } from "./plugin/contract.ts";
import type { Args, Made, NameOf, OptionsIn, OptionsOf, RecipeOf } from "./plugin/typed.ts";
import { makeSchedule } from "./plugin/schedules.ts";
import { buildTrainer } from "./training/trainer.ts";
import type { Accumulator, Base, MetricSchedule, Optimizer, Recipe, Schedule, Settings, Tensors, Trainer } from "./types.ts";
import { checkPlugin, type Find, type Kinds, titleOf } from "./plugin/use.ts";

/** Plugins by name, typed. */
export interface Registry<P extends readonly Plugin[]> {
  /** All of them, in the order in which they were given. */
  readonly plugins: P;
  /** A registry with more plugins; this one stays as it is. */
  with<const Q extends readonly Plugin[]>(...plugins: Q): Registry<readonly [...P, ...Q]>;
  /** Makes an optimizer, with the errors of `createOptimizer`. TypeError for an unknown name. */
  createOptimizer<N extends NameOf<P, "optimizer">>(
    name: N,
    params: Tensors,
    ...rest: Args<OptionsOf<P, "optimizer", N>, [settings?: Settings<OptionsOf<P, "optimizer", N>>]>
  ): Optimizer<OptionsOf<P, "optimizer", N>>;
  /** Makes a schedule; without base values, over 1. */
  createSchedule<N extends NameOf<P, "schedule">>(name: N, ...rest: Args<OptionsOf<P, "schedule", N>, [base?: Base]>): Made<P, N>;
  /** Makes a schedule as `get_scheduler` of transformers does, with its errors. */
  getScheduler(
    name: NameOf<P, "schedule">,
    options?: { numWarmupSteps?: number; numTrainingSteps?: number; schedulerSpecificKwargs?: object; base?: Base },
  ): Schedule | MetricSchedule;
  /** Makes an accumulator for tensors like these. */
  createAccumulator<N extends NameOf<P, "accumulator">>(
    name: N,
    options: OptionsOf<P, "accumulator", N>,
    like: Tensors,
    backend?: Backend | WebGpuBackend,
  ): Accumulator;
  /**
   * Makes a trainer from a recipe. Names and options that the recipe's type knows are checked by it, as those of `createOptimizer` are; a value of type
   * `Recipe`, or JSON, fits whatever is in it. TypeError for what JSON does not hold, unknown keys and unknown names; RangeError for a recipe nested deeper than
   * 32; else the errors of `createOptimizer`. After an error no memory is taken.
   */
  createTrainer<const R>(
    params: Tensors,
    recipe: [R] extends [never] ? R : RecipeOf<P, R>,
    settings?: Pick<Settings<unknown>, "backend" | "threads">,
  ): Trainer<OptionsIn<P, R>>;
}

/**
 * Makes a registry of plugins. A name is unique within its kind.
 *
 * @example Usage
 * ```ts
 * import { adamw, createRegistry, linear } from "@glissade/optim";
 *
 * const registry = createRegistry([adamw, linear]);
 * using optimizer = registry.createOptimizer("adamw", { w: new Float32Array(3) }, { lr: 1e-3 }, {
 *   schedules: { lr: { name: "linear", options: { numWarmupSteps: 10, numTrainingSteps: 100 } } },
 * });
 * ```
 */
export function createRegistry<const P extends readonly Plugin[]>(plugins: P): Registry<P> {
  if (!Array.isArray(plugins)) throw new TypeError(`Cannot make a registry of ${show(plugins)}: it takes an array of plugins`);
  const byKind: { readonly [K in keyof Kinds]: Map<string, Plugin> } = {
    optimizer: new Map(),
    schedule: new Map(),
    accumulator: new Map(),
    transform: new Map(),
  };
  const all = Object.freeze([...plugins as readonly Plugin[]]);
  for (const plugin of all) {
    checkPlugin(plugin);
    const { kind, name, description } = plugin;
    const other = byKind[kind].get(name);
    if (other !== undefined) {
      const message = `Cannot register ${titleOf(plugin)} twice: "${other.description}" and "${description}" have the same name`;
      throw about(new TypeError(message), { plugin: name });
    }
    byKind[kind].set(name, plugin);
  }
  const find = finderOf(all);
  const registry: Loose = {
    plugins: all,
    with: (...more) => createRegistry([...all, ...more]) as unknown as Loose,
    createOptimizer: (name, params, options, settings) => buildOptimizer(find, find("optimizer", name), params, options, settings),
    createSchedule: (name, options, base) => makeSchedule(find("schedule", name), options, base, find),
    getScheduler: (name, options) => getScheduler(find, byKind.schedule, name, options),
    createAccumulator: (name, options, like, backend) =>
      makeAccumulator(find("accumulator", name), options, like, backend === undefined ? backend : takeBackend(backend), find),
    createTrainer: (params, recipe, settings) => buildTrainer(find, params, recipe, settings),
  };
  return Object.freeze(registry) as unknown as Registry<P>;
}

/** A registry before it has its types. */
interface Loose {
  readonly plugins: readonly Plugin[];
  with(...plugins: Plugin[]): Loose;
  createOptimizer(name: string, params: Tensors, options: unknown, settings?: Settings<unknown>): Optimizer<unknown>;
  createSchedule(name: string, options?: object, base?: Base): Schedule | MetricSchedule;
  getScheduler(name: string, options?: object): Schedule | MetricSchedule;
  createAccumulator(name: string, options: object | undefined, like: Tensors, backend?: Backend | WebGpuBackend): Accumulator;
  createTrainer(params: Tensors, recipe: Recipe, settings?: Settings<unknown>): Trainer;
}

/** Checks in the order of transformers' `get_scheduler`; its ValueError is a RangeError here. */
function getScheduler(
  find: Find,
  schedules: ReadonlyMap<string, Plugin>,
  name: unknown,
  given: object = {},
): Schedule | MetricSchedule {
  const plugin = schedules.get(name as string) as SchedulePlugin | undefined;
  if (plugin === undefined) {
    const error = new RangeError(`Cannot get scheduler ${show(name)}: ${known([...schedules.keys()], name)}`);
    throw typeof name === "string" ? about(error, { plugin: name }) : error;
  }
  return allAbout({ plugin: plugin.name }, () => makeSchedule(plugin, ...lengthsAndMore(plugin, given), find));
}

/** The options and the base values of a schedule as `getScheduler` takes them. */
function lengthsAndMore(plugin: SchedulePlugin, given: object): [options: object, base: Base | undefined] {
  refuseUnknownKeys(`the options of getScheduler`, given, ["numWarmupSteps", "numTrainingSteps", "schedulerSpecificKwargs", "base"]);
  const { schedulerSpecificKwargs = {}, base, ...lengths } = given as Partial<Record<string, unknown>> & {
    schedulerSpecificKwargs?: object;
    base?: Base;
  };
  const specs = plugin.options as AnySpecs;
  const options: Record<string, unknown> = {};
  for (const length of ["numWarmupSteps", "numTrainingSteps"]) {
    if (!Object.hasOwn(specs, length)) continue; // the caller may pass them to any schedule
    const isGiven = lengths[length] !== undefined && lengths[length] !== null;
    if (!isGiven && specs[length].default === undefined) {
      throw about(new RangeError(`Cannot get scheduler "${plugin.name}": it needs ${length}`), { option: length });
    }
    if (isGiven) options[length] = lengths[length];
  }
  refuseUnknownKeys(`schedulerSpecificKwargs for ${titleOf(plugin)}`, schedulerSpecificKwargs ?? {}, Object.keys(specs));
  for (const [key, value] of Object.entries(schedulerSpecificKwargs ?? {})) {
    if (Object.hasOwn(options, key)) {
      throw about(new TypeError(`Cannot get scheduler "${plugin.name}": ${key} is given twice`), { option: key });
    }
    options[key] = value;
  }
  return [options, base];
}

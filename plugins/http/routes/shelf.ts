/**
 * The plugins that are served: all at hand, as a registry has them, or loaded when they are first asked for, as at the edge.
 *
 * @module
 */
import { show } from "../../../core/names.ts";
import type { Plugin, SchedulePlugin } from "../../../core/plugin/contract.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import { splitSuffix } from "../wire/curve.ts";
import { reserved } from "../wire/parameters.ts";

/** Plugins that are loaded when they are first asked for: what a worker starts with holds their names alone. */
export interface LazyPlugins {
  /** What loads each schedule, by its name. */
  readonly schedules: Readonly<Record<string, () => Promise<SchedulePlugin>>>;
  /** Loads the plugins of all kinds, schedules among them: for the first step, and for lists of them. */
  plugins(): Promise<readonly Plugin[]>;
}

/** Schedules by name. */
export interface Shelf {
  /** All names, in order. */
  readonly names: readonly string[];
  /** The schedule of this name, undefined where there is none. One that is not there yet is thrown as the promise of it: see {@linkcode whenThere}. */
  get(name: string): SchedulePlugin | undefined;
}

/** The schedules of a registry, or lazy ones; TypeError where an option has a reserved name. */
export function takeSchedules(source: readonly Plugin[] | LazyPlugins): Shelf {
  const there = new Map<string, SchedulePlugin>();
  if (!("schedules" in source)) {
    for (const plugin of source) {
      if (plugin.kind === "schedule") there.set(plugin.name, checkServed(plugin));
    }
    return { names: [...there.keys()], get: (name) => there.get(name) };
  }
  const { schedules } = source;
  const names = Object.keys(schedules);
  names.forEach(checkName);
  const coming = new Map<string, Promise<void>>();
  return {
    names,
    get(name) {
      const plugin = there.get(name);
      if (plugin !== undefined || !Object.hasOwn(schedules, name)) return plugin;
      const loading = coming.get(name) ??
        schedules[name]().then((loaded) => void there.set(name, checkServed(loaded))).finally(() => coming.delete(name));
      coming.set(name, loading);
      throw loading;
    },
  };
}

/** Runs what asks for schedules; where one is not there yet, again when it is. What runs must not mind to be begun twice. */
export function whenThere<T>(run: () => T | Promise<T>): T | Promise<T> {
  const again = (thrown: unknown): Promise<T> => {
    if (thrown instanceof Promise) return thrown.then(() => whenThere(run));
    throw thrown;
  };
  try {
    const made = run();
    return made instanceof Promise ? made.catch(again) : made;
  } catch (thrown) {
    return again(thrown);
  }
}

/**
 * An option whose name means something else in a query. A schedule that holds others and has one is asked for in JSON alone, at `/v1/curves`; any other
 * is not served.
 */
export function reservedOption({ options }: SchedulePlugin): string | undefined {
  return Object.keys(options).find((name) => reserved.includes(name));
}

function checkServed(plugin: SchedulePlugin): SchedulePlugin {
  checkName(plugin.name);
  const clash = reservedOption(plugin);
  if (clash === undefined || Object.values(plugin.options as AnySpecs).some(({ holds }) => holds === "schedule")) return plugin;
  throw new TypeError(`Cannot serve schedule "${plugin.name}": its option "${clash}" has a reserved name (${reserved.join(", ")})`);
}

function checkName(name: string): void {
  if (/^[\w.~-]+$/.test(name) && splitSuffix(name).form === "json") return;
  throw new TypeError(`Cannot serve schedule ${show(name)}: its name must be fit for a path, and not end in .csv, .f64 or .svg`);
}

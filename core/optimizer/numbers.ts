/**
 * The numbers that rules get at a step: t, and what the plugins' `scalars` give.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import type { Scalars } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import type { GroupState } from "./groups.ts";
import { show } from "../names.ts";
import type { Values } from "../plugin/options.ts";
import type { Plugin } from "../plugin/contract.ts";
import { namesOf, type ScalarNames } from "./scalar_names.ts";

// One for each different t of a step, and a step never has many.
const mostKept = 64;

/** Names of the numbers that a group's rule gets under these options. */
export function scalarNames(group: GroupState, options: Values): ScalarNames {
  const { plugin, title, index } = group;
  return allAbout({ plugin: plugin.name, group: index }, () => namesOf(plugin.name, title, askScalars(group, options, 1)));
}

/** All numbers of a group's parameters at step t, as kernels take them; asked of the plugins once for each t. */
export function numbersAt(group: GroupState, t: number): Scalars {
  const { plugin, title, index, numbers, transforms } = group;
  const kept = numbers.get(t);
  if (kept !== undefined) return kept;
  if (numbers.size >= mostKept) numbers.clear();
  const made: Record<string, number> = { t };
  let asked: Plugin = plugin;
  try {
    putAll(made, title, group.scalars, askScalars(group, group.current, t));
    for (const { plugin, title, options, scalars } of transforms) {
      asked = plugin;
      if (plugin.scalars !== undefined) putAll(made, title, scalars, plugin.scalars(options, t, maths));
    }
  } catch (error) {
    throw error instanceof Error ? about(error, { plugin: asked.name, group: index }) : error;
  }
  numbers.set(t, made);
  return made;
}

// The plugin is asked for names when an optimizer is made and for numbers at the first step: once for both.
function askScalars(group: GroupState, options: Values, t: number): Scalars {
  const { asked } = group;
  if (asked !== null && asked.options === options && asked.t === t) return asked.given;
  const given = group.plugin.scalars(options, t, maths);
  group.asked = { options, t, given };
  return given;
}

function putAll(into: Record<string, number>, title: string, { names, keys }: ScalarNames, given: Scalars): void {
  for (let i = 0; i < names.length; i++) {
    const value = given[names[i]];
    // NaN is no mistake: a rule may select around one, as RAdam's does in its first steps.
    if (typeof value !== "number") throw new TypeError(`Cannot step ${title}: its scalars give ${names[i]} = ${show(value)}, not a number`);
    into[keys[i]] = value;
  }
}

/**
 * All that an optimizer keeps for one group between steps: its options, their schedules, its numbers, its step count.
 *
 * @module
 */
import type { Scalars } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import { createGroupSlots, type GroupSlots } from "./group_slots.ts";
import { splitNames } from "./match.ts";
import { isRecord, known, refuseUnknownKeys, show } from "../names.ts";
import type { ScalarNames } from "./scalar_names.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { type AnySpecs, checkOptions, type Values } from "../plugin/options.ts";
import type { Scheduled } from "../plugin/schedules.ts";
import { ask, type Find, optionsOf, takePlugin, titleOf } from "../plugin/use.ts";
import type { TransformState } from "./transforms.ts";
import type { Group } from "../types.ts";

/** A group at work. */
export interface GroupState {
  readonly index: number;
  /** Of its parameters; more may come. */
  names: readonly string[];
  readonly plugin: OptimizerPlugin;
  readonly title: string;
  readonly specs: AnySpecs;
  readonly transforms: readonly TransformState[];
  /** Options that it has of its own; it takes the others from the optimizer. */
  readonly own: Map<string, unknown>;
  /** Those of them that its settings name. */
  readonly set: ReadonlySet<string>;
  /** Factors by option: of the optimizer's value, with its schedule, until a value is assigned to the group itself. */
  readonly scale: Map<string, number>;
  /** Schedules of its options: its own, and the optimizer's where it has none. */
  readonly scheduled: readonly Scheduled[];
  /** The options without their schedules, and the version of the optimizer's options that they were made from. */
  base: Values;
  version: number;
  /** The options with their schedules: what the step under way uses, or the last one used. */
  current: Values;
  /** Names of the options that the rule looked at: only their change can change a text. */
  readonly reads: Set<string>;
  /** The rule's numbers by name. */
  scalars: ScalarNames;
  /** What the plugin's `scalars` gave last. */
  asked: { readonly options: Values; readonly t: number; readonly given: Scalars } | null;
  /** Numbers by t, as long as `current` stays. */
  readonly numbers: Map<number, Scalars>;
  /** Its group slots, by key. */
  readonly slots: GroupSlots;
  /** Steps in which any of its parameters had a gradient. */
  count: number;
}

/** What a group is before its schedules are made: those want to know its options. */
export type PlainGroup = Pick<GroupState, "index" | "names" | "plugin" | "title" | "specs" | "own" | "set" | "scale">;

/** Groups over parameters of these names and dimensions; those that match none form the last. */
export function splitGroups(
  find: Find,
  main: OptimizerPlugin,
  shapes: ReadonlyMap<string, readonly number[]>,
  given: readonly Group<unknown>[] = [],
): PlainGroup[] {
  if (!Array.isArray(given)) throw new TypeError(`Cannot use groups ${show(given)}: they must be an array`);
  given.forEach((group, index) =>
    allAbout({ group: index }, () => refuseUnknownKeys(`group ${index}`, group, ["match", "options", "optimizer", "scale", "schedules"]))
  );
  const groups = splitNames([...shapes.keys()], given, (name) => shapes.get(name)!.length).map((names, index) =>
    allAbout({ group: index }, (): PlainGroup => {
      const { options = {}, optimizer, scale }: Partial<Group<unknown>> = given[index] ?? {};
      const plugin = optimizer === undefined ? main : takePlugin(find, "optimizer", optimizer);
      const title = titleOf(plugin);
      const specs = plugin.options as AnySpecs;
      // Another algorithm's options mean other things, so such a group takes none of the optimizer's, not even lr.
      const own = plugin === main ? ask(plugin, () => checkOptions(title, specs, options)) : optionsOf(plugin, options);
      const set = new Set(Object.entries(options).filter(([, value]) => value !== undefined).map(([option]) => option));
      return {
        index,
        names: Object.freeze(names),
        plugin,
        title,
        specs,
        own: new Map(Object.entries(own)),
        set,
        scale: takeScale(title, specs, set, scale),
      };
    })
  );
  const plugins = new Map([main, ...groups.map(({ plugin }) => plugin)].map((plugin) => [plugin.name, plugin]));
  for (const { plugin, title } of groups) {
    if (plugins.get(plugin.name) === plugin) continue;
    throw about(new TypeError(`Cannot use two plugins in one optimizer that are both ${title}`), { plugin: plugin.name });
  }
  return groups;
}

/** Factors of options, checked. */
function takeScale(title: string, specs: AnySpecs, set: ReadonlySet<string>, given: unknown = {}): Map<string, number> {
  if (!isRecord(given)) throw new TypeError(`Cannot scale options by ${show(given)}: give an object, option to factor`);
  const scale = new Map<string, number>();
  for (const [option, factor] of Object.entries(given)) {
    if (factor === undefined) continue;
    allAbout({ option }, () => {
      const refuse = `Cannot scale option ${show(option)} of ${title}`;
      if (!Object.hasOwn(specs, option)) throw new TypeError(`${refuse}: ${known(Object.keys(specs), option)}`);
      if (set.has(option)) {
        throw new TypeError(`${refuse}: the group sets it too, and a scale is a factor of the optimizer's value; leave one out`);
      }
      if (typeof factor !== "number") throw new TypeError(`${refuse} by ${show(factor)}: a factor is a number`);
      if (!Number.isFinite(factor)) throw new RangeError(`${refuse} by ${factor}: a factor is finite`);
    });
    scale.set(option, factor as number);
  }
  return scale;
}

/** A group with nothing done yet, and its schedules. `common` holds the numbers of all groups. */
export function startGroup(
  group: PlainGroup,
  scheduled: readonly Scheduled[],
  transforms: readonly TransformState[],
  common: Map<string, number>,
): GroupState {
  return {
    ...group,
    transforms,
    scheduled,
    base: {},
    version: -1,
    current: {},
    reads: new Set(),
    scalars: { names: [], keys: [] },
    asked: null,
    numbers: new Map(),
    slots: createGroupSlots(common),
    count: 0,
  };
}

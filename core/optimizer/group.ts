/**
 * Groups at work, each with its options as the next step uses them, its rules, its numbers.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import type { Scalars } from "../../kernels/types.ts";
import { splitNames } from "./match.ts";
import { about, allAbout } from "../errors.ts";
import { refuseUnknownKeys, show } from "../names.ts";
import { type AnySpecs, checkOption, checkOptions, sameOption, type Values } from "../plugin/options.ts";
import type { OptimizerPlugin, TensorInfo, TransformPlugin } from "../plugin/contract.ts";
import { type Scheduled, valueAt } from "../plugin/schedules.ts";
import { checkRule, type Part } from "./splice.ts";
import type { Group, Use } from "../types.ts";
import { ask, type Find, optionsOf, takePlugin, takeUse, titleOf } from "../plugin/use.ts";

/** A transform at work; its options do not change. */
export interface TransformAtWork {
  readonly plugin: TransformPlugin;
  readonly title: string;
  readonly scope: string;
  readonly options: Values;
  readonly scalars: ScalarNames;
}

/** Names of a plugin's numbers, and the same as kernels call them. */
export interface ScalarNames {
  readonly names: readonly string[];
  readonly keys: readonly string[];
}

/** A group at work. */
export interface GroupAtWork {
  readonly index: number;
  readonly names: readonly string[];
  readonly plugin: OptimizerPlugin;
  readonly title: string;
  readonly specs: AnySpecs;
  /** Options that it has of its own; it takes the others from the optimizer. */
  readonly own: Map<string, unknown>;
  /** Schedules of options that it has. */
  readonly scheduled: Scheduled[];
  /** Its group slots, by key. */
  readonly slots: Map<string, number>;
  readonly transforms: readonly TransformAtWork[];
  /** Steps in which any of its tensors had a gradient. */
  count: number;
  /** The version of the options that `base` was made from. */
  version: number;
  base: Values;
  /** `base` with the schedules applied: what the next step uses. */
  current: Values;
  /** Names of the options that the rule looked at: only their change can change a text. */
  readonly reads: Set<string>;
  /** The rule's numbers. */
  scalars: ScalarNames;
  /** What the plugin's `scalars` gave last. */
  asked: { readonly options: Values; readonly t: number; readonly given: Scalars } | null;
  /** Numbers by t, as long as `current` stays. */
  readonly values: Map<number, Scalars>;
}

// One for each different t of a step, and a step never has many.
const mostValues = 64;

/** Transforms of an optimizer. */
export function makeTransforms(find: Find, uses: readonly Use[] = []): TransformAtWork[] {
  if (!Array.isArray(uses)) throw new TypeError(`Cannot use transforms ${show(uses)}: they must be an array`);
  return uses.map((use, index) => {
    const { plugin, options: given } = takeUse(find, "transform", use);
    const title = titleOf(plugin);
    const scope = `${index}:${plugin.name}`;
    const options = Object.freeze(optionsOf(plugin, given));
    return ask(plugin, () => {
      plugin.check?.(options);
      return { plugin, title, scope, options, scalars: transformScalarNames(plugin, scope, options) };
    });
  });
}

/** Groups of an optimizer over tensors of these names; those that match none form the last. */
export function makeGroups(
  find: Find,
  main: OptimizerPlugin,
  names: readonly string[],
  given: readonly Group<unknown>[] | undefined,
  transforms: readonly TransformAtWork[],
): GroupAtWork[] {
  const list = given === undefined ? [] : given;
  if (!Array.isArray(list)) throw new TypeError(`Cannot use groups ${show(list)}: they must be an array`);
  list.forEach((group, index) =>
    allAbout({ group: index }, () => refuseUnknownKeys(`group ${index}`, group, ["match", "options", "optimizer"]))
  );
  const groups = splitNames(names, list).map((names, index): GroupAtWork =>
    allAbout({ group: index }, () => {
      const { options = {}, optimizer }: Partial<Group<unknown>> = list[index] ?? {};
      const plugin = optimizer === undefined ? main : takePlugin(find, "optimizer", optimizer);
      const title = titleOf(plugin);
      const specs = plugin.options as AnySpecs;
      return {
        index,
        names,
        plugin,
        title,
        specs,
        // Another algorithm's options mean other things, so such a group takes none of the optimizer's, not even lr.
        own: new Map(
          Object.entries(plugin === main ? ask(plugin, () => checkOptions(title, specs, options)) : optionsOf(plugin, options)),
        ),
        scheduled: [],
        slots: new Map(),
        transforms,
        count: 0,
        version: 0,
        base: {},
        current: {},
        reads: new Set(),
        scalars: { names: [], keys: [] },
        asked: null,
        values: new Map(),
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

/** The options of a group without schedules. */
export function baseOf(group: GroupAtWork, base: Values): Values {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(group.specs)) values[name] = group.own.has(name) ? group.own.get(name) : base[name];
  return Object.freeze(values);
}

/**
 * The options at a step. A scheduled value must be a finite number and lie in its option's range, but for `lr`: no reference checks that one, and
 * their schedules may well end below 0.
 */
export function currentOf({ plugin, title, specs, scheduled, index, current }: GroupAtWork, base: Values, step: number): Values {
  if (scheduled.length === 0) return base;
  const values: Record<string, unknown> = { ...base };
  for (const one of scheduled) {
    const { option } = one;
    const value = allAbout({ option, group: index }, () => valueAt(one, base[option], index, step));
    if (!Number.isFinite(value)) {
      const message = `Cannot step ${title}: the schedule of "${option}" gives ${show(value)} at step ${step}`;
      throw about(new RangeError(message), { plugin: plugin.name, option, group: index });
    }
    if (option !== "lr" && value !== current[option]) {
      allAbout(
        { plugin: plugin.name, group: index },
        () => checkOption(`${title}, scheduled at step ${step}`, option, specs[option], value),
      );
    }
    values[option] = value;
  }
  return isSame(values, current) ? current : Object.freeze(values);
}

/** True where the rule must be asked again: an option that it looked at has another value. */
export function needsRules({ reads, current }: GroupAtWork, next: Values): boolean {
  for (const name of reads) if (!sameOption(next[name], current[name])) return true;
  return false;
}

/** Makes these options the current ones. */
export function takeCurrent(group: GroupAtWork, current: Values): void {
  if (group.current === current) return;
  group.current = current;
  group.values.clear();
}

/** The rule for a tensor under these options, and which options it looked at. */
export function rulePart({ plugin, title, reads }: GroupAtWork, options: Values, { names }: ScalarNames, info: TensorInfo): Part {
  const watched: Record<string, unknown> = {};
  for (const name of Object.keys(options)) {
    Object.defineProperty(watched, name, { enumerable: true, get: () => (reads.add(name), options[name]) });
  }
  return ask(plugin, () => {
    const rule = plugin.rule(watched, info);
    checkRule(title, rule, ["update"]);
    if (typeof rule.update !== "string") throw new TypeError(`Cannot use ${title}: its rule has no update text`);
    return { scope: plugin.name, title, plugin: plugin.name, rule, scalars: names };
  });
}

/** What a transform gives for a tensor. */
export function transformPart({ plugin, title, scope, options, scalars }: TransformAtWork, info: TensorInfo): Part {
  return ask(plugin, () => {
    const rule = plugin.rule(options, info);
    checkRule(title, rule, ["before", "after", "last"]);
    return { scope, title, plugin: plugin.name, rule, scalars: scalars.names };
  });
}

/** Names of the numbers that a rule gets under these options. */
export function scalarNames(group: GroupAtWork, options: Values): ScalarNames {
  const { plugin, title, index } = group;
  return allAbout({ plugin: plugin.name, group: index }, () => namesOf(plugin.name, title, askScalars(group, options, 1)));
}

/** Names of the numbers that a transform's text gets. */
export function transformScalarNames(plugin: TransformPlugin, scope: string, options: Values): ScalarNames {
  return plugin.scalars === undefined ? { names: [], keys: [] } : namesOf(scope, titleOf(plugin), plugin.scalars(options, 1, maths));
}

/** All numbers of the group's tensors at step t, as kernels take them; asked of the plugins once for each t. */
export function valuesAt(group: GroupAtWork, t: number): Scalars {
  const known = group.values.get(t);
  if (known !== undefined) return known;
  if (group.values.size >= mostValues) group.values.clear();
  const values: Record<string, number> = { t };
  allAbout(
    { plugin: group.plugin.name, group: group.index },
    () => putAll(values, group.title, group.scalars, askScalars(group, group.current, t)),
  );
  for (const { plugin, title, options, scalars } of group.transforms) {
    if (plugin.scalars !== undefined) ask(plugin, () => putAll(values, title, scalars, plugin.scalars!(options, t, maths)));
  }
  group.values.set(t, values);
  return values;
}

// The plugin is asked for names when an optimizer is made and for numbers at the first step: once for both.
function askScalars(group: GroupAtWork, options: Values, t: number): Scalars {
  const { asked } = group;
  if (asked !== null && asked.options === options && asked.t === t) return asked.given;
  const given = group.plugin.scalars(options, t, maths);
  group.asked = { options, t, given };
  return given;
}

function namesOf(scope: string, title: string, given: unknown): ScalarNames {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`Cannot use ${title}: its scalars are ${show(given)}, not an object`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "number") throw new TypeError(`Cannot use ${title}: its scalars give ${name} = ${show(value)}, not a number`);
  }
  const names = Object.keys(given);
  return { names, keys: names.map((name) => `${scope}/${name}`) };
}

function putAll(into: Record<string, number>, title: string, { names, keys }: ScalarNames, given: Scalars): void {
  for (let i = 0; i < names.length; i++) {
    const value = given[names[i]];
    // NaN is no mistake: a rule may select around one, as RAdam's does in its first steps.
    if (typeof value !== "number") throw new TypeError(`Cannot step ${title}: its scalars give ${names[i]} = ${show(value)}, not a number`);
    into[keys[i]] = value;
  }
}

function isSame(a: Values, b: Values): boolean {
  for (const name in a) if (!sameOption(a[name], b[name])) return false;
  return true;
}

/**
 * A recipe as the rules look at it: each group with all its options and its tensors, and the schedules of its learning rate.
 *
 * @module
 */
import type { DType, Recipe } from "../../core/types.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { aboutOf } from "../../core/errors.ts";
import { splitGroups } from "../../core/optimizer/groups.ts";
import { splitNames } from "../../core/optimizer/match.ts";
import { type Find, optionsOf, takePlugin, takeUse } from "../../core/plugin/use.ts";
import { type Finding, finding } from "./finding.ts";

/** A parameter. Without data its numbers are not looked at. */
export interface LintedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Its elements: numbers of float32, patterns of 16 bits. */
  readonly raw?: ArrayLike<number>;
}

/** Tensors that train alike. */
export interface LintedGroup {
  /** Where its own options stand in the recipe. */
  readonly path: string;
  readonly plugin: OptimizerPlugin;
  /** All options, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options that the recipe says, with where it says them. */
  readonly said: ReadonlyMap<string, string>;
  /** Its tensors; undefined: nobody told which there are. */
  readonly tensors: readonly LintedTensor[] | undefined;
}

/** Where a schedule stands, and what it is. */
export interface PlacedUse {
  readonly path: string;
  readonly name: string;
  readonly options: object | undefined;
}

/** A recipe, read. */
export interface Reading {
  readonly recipe: Recipe;
  readonly find: Find;
  /** Updates of the training. */
  readonly updates: number;
  /** The recipe's groups, and at the end the rest, which has the optimizer's own options. */
  readonly groups: readonly LintedGroup[];
  readonly tensors: readonly LintedTensor[] | undefined;
}

/** Reads it. Names and kinds that are wrong throw as in `createTrainer`; what a plugin refuses beyond that is found. */
export function readRecipe(
  find: Find,
  recipe: Recipe,
  updates: number,
  tensors: readonly LintedTensor[] | undefined,
): { readonly reading: Reading; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const own = recipe.optimizer.options as Readonly<Record<string, unknown>> | undefined;
  const placed = (given: object | undefined, path: string): [string, string][] =>
    Object.keys(given ?? {}).map((option) => [option, `${path}/${escaped(option)}`]);
  const split = tensors && splitTensors(tensors, recipe);
  const main = findPlugin(find, recipe.optimizer.name);
  const groups = [...recipe.groups ?? [], undefined].map((group, i): LintedGroup => {
    const isRest = group === undefined;
    const path = isRest ? "/optimizer/options" : `/groups/${i}/options`;
    const isOther = group?.optimizer !== undefined && group.optimizer !== recipe.optimizer.name;
    const plugin = isOther ? findPlugin(find, group.optimizer!) : main;
    const inherited = isOther ? undefined : own;
    const said = new Map([...placed(inherited, "/optimizer/options"), ...placed(group?.options, path)]);
    const options = resolved(plugin, { ...inherited, ...group?.options }, path, findings);
    return { path, plugin, options, said, tensors: split?.[i] };
  });
  checkGroups(find, main, recipe, tensors, findings);
  for (const [i, use] of (recipe.transforms ?? []).entries()) {
    const { plugin, options } = takeUse(find, "transform", use);
    resolved(plugin, options, `/transforms/${i}/options`, findings);
  }
  if (recipe.accumulate !== undefined) {
    const { plugin, options } = takeUse(find, "accumulator", recipe.accumulate);
    resolved(plugin, options, "/accumulate/options", findings);
  }
  return { reading: { recipe, find, updates, groups, tensors }, findings };
}

/** A key as a JSON pointer writes it. */
export function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function findPlugin(find: Find, name: string): OptimizerPlugin {
  return takePlugin(find, "optimizer", name);
}

/** What else core refuses of groups, told as it tells it: also where nobody says which tensors there are. */
function checkGroups(
  find: Find,
  main: OptimizerPlugin,
  { groups = [] }: Recipe,
  tensors: readonly LintedTensor[] | undefined,
  findings: Finding[],
): void {
  const isList = (match: unknown): boolean => Array.isArray(match) && match.every((name) => typeof name === "string");
  const given = tensors === undefined ? groups.map((group) => isList(group.match) ? { ...group, match: [] } : group) : groups;
  try {
    splitGroups(find, main, new Map(tensors?.map(({ name, shape }) => [name, shape])), given as Parameters<typeof splitGroups>[3]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    findings.push(refusal(error, `/groups/${aboutOf(error).group ?? 0}/options`));
  }
}

/** Each group's tensors, the rest's at the end. */
function splitTensors(tensors: readonly LintedTensor[], { groups = [] }: Recipe): (readonly LintedTensor[])[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const split = splitNames([...byName.keys()], groups, (name) => byName.get(name)!.shape.length);
  return Array.from({ length: groups.length + 1 }, (_, i) => (split[i] ?? []).map((name) => byName.get(name)!));
}

interface Optioned {
  readonly kind: "optimizer" | "transform" | "accumulator" | "schedule";
  readonly name: string;
  readonly options: unknown;
  check?(options: never): void;
}

/**
 * All options of a plugin. A value out of its range, and what its `check` says, is found; then what was given stands as it is, so that the other rules
 * can look at the rest.
 */
function resolved(plugin: Optioned, given: object | undefined, path: string, findings: Finding[]): Record<string, unknown> {
  let options: Record<string, unknown>;
  try {
    options = optionsOf(plugin as Parameters<typeof optionsOf>[0], given);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    findings.push(refusal(error, path));
    return { ...given };
  }
  // What Adafactor's check says has rules of its own here, which also say the cure.
  if (plugin.name === "adafactor") return options;
  try {
    plugin.check?.(options as never);
  } catch (error) {
    findings.push(refusal(error, path));
  }
  return options;
}

/** What a plugin refuses, as a finding: its own words say what is wrong. */
export function refusal(error: unknown, path: string): Finding {
  const { message = String(error), option } = error as { readonly message?: string; readonly option?: unknown };
  const at = typeof option === "string" ? `${path}/${escaped(option.replace(/\[.*$/, ""))}` : path;
  return finding("refused", "error", at, message, "Change it as the sentence says: createTrainer refuses the recipe as it is.");
}

/**
 * Is this recipe what I mean? Asked before a week of training.
 *
 * @module
 */
import { about } from "../../core/errors.ts";
import { known, refuseUnknownKeys, show } from "../../core/names.ts";
import type { Plugin } from "../../core/plugin/contract.ts";
import { finderOf } from "../../core/plugin/find.ts";
import { elementOf, makeSchedule, placeOf } from "../../core/plugin/schedules.ts";
import { type Find, optionsOf, takeUse, titleOf } from "../../core/plugin/use.ts";
import type { Registry } from "../../core/registry.ts";
import { fullTensor, rawOf } from "../../core/tensors.ts";
import { checkRecipe } from "../../core/training/recipe.ts";
import type { Recipe, Tensors } from "../../core/types.ts";
import { curvesOf } from "./curve.ts";
import { lintCurve } from "./curve_rules.ts";
import type { Finding } from "./finding.ts";
import { escaped, type LintedTensor, type Reading, readRecipe, refusal } from "./reading.ts";
import { lintSettings } from "./recipe_rules.ts";
import { lintTensors } from "./tensor_rules.ts";

/** What {@linkcode LintRecipe} must know beside the recipe. */
export interface LintOptions {
  /** Updates of the training: steps of the optimizer, not micro-batches and not epochs. */
  readonly updates: number;
  /** The parameters, for what depends on their names, shapes and dtypes: decay of biases, weights in 16 bits. They are only read. */
  readonly params?: Tensors;
}

/** Looks at a recipe and says what is probably not meant, errors first. */
export type LintRecipe = (recipe: Recipe, options: LintOptions) => readonly Finding[];

/**
 * `lintRecipe` over a registry; `mod.ts` exports the one over the built-in plugins.
 *
 * A recipe that cannot be read throws as in `createTrainer`: TypeError for unknown names, keys and kinds. What a plugin refuses beyond that is a finding,
 * so that one look says everything.
 *
 * @example Usage
 * ```ts
 * import { lintRecipe } from "@glissade/optim";
 *
 * const findings = lintRecipe({
 *   optimizer: { name: "adamw", options: { lr: 5e-5 } },
 *   schedules: { lr: { name: "cosine", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } } },
 * }, { updates: 1500 });
 * console.log(findings[0].code, findings[0].path); // rises-after-end /schedules/lr/options/numTrainingSteps
 * ```
 *
 * @param registry Where the recipe's plugins are found.
 * @returns The function.
 */
export function bindLintRecipe(registry: Pick<Registry<readonly Plugin[]>, "plugins">): LintRecipe {
  return (recipe, options) => {
    refuseUnknownKeys("the options of lintRecipe", options, ["updates", "params"]);
    const { updates, params } = options;
    return lint(registry.plugins, recipe, checkUpdates(updates), params && tensorsOf(params));
  };
}

/** The same with parameters that are only described. */
export function lint(
  plugins: readonly Plugin[],
  given: Recipe,
  updates: number,
  tensors: readonly LintedTensor[] | undefined,
): readonly Finding[] {
  const find = finderOf(plugins);
  const recipe = checkRecipe(given);
  const { reading, findings: refused } = readRecipe(find, recipe, updates, tensors);
  const { curves, findings: unmade } = curvesOf(reading);
  const findings = [
    ...refused,
    ...unmade,
    ...otherSchedules(find, recipe, reading),
    ...curves.flatMap((curve) => lintCurve(curve, recipe, updates)),
    ...lintSettings(reading),
    ...lintTensors(reading, curves),
  ];
  const order: readonly Finding["severity"][] = ["error", "warning", "note"];
  // The rest group says what a group inherits a second time.
  const once = new Map(findings.map((finding) => [`${finding.code} ${finding.path}`, finding]));
  return [...once.values()].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

/** Schedules of other options than lr: whether they can be made. What course is right for a momentum nobody can say. */
function otherSchedules(find: Find, recipe: Recipe, { groups }: Reading): Finding[] {
  const main = groups.at(-1)!;
  const all = [
    { schedules: recipe.schedules, path: "", group: main, holders: groups },
    ...(recipe.groups ?? []).map(({ schedules }, i) => ({ schedules, path: `/groups/${i}`, group: groups[i], holders: [groups[i]] })),
  ];
  return all.flatMap(({ schedules = {}, path, group, holders }) =>
    Object.entries(schedules).flatMap(([option, use]) => {
      const { name, element } = placeOf(option);
      if (!holders.some(({ options }) => Object.hasOwn(options, name))) {
        const message = `Cannot schedule option ${show(option)} of ${titleOf(group.plugin)}: ${known(Object.keys(group.options), option)}`;
        throw about(new TypeError(message), { plugin: group.plugin.name, option });
      }
      if (option === "lr") return [];
      const { plugin, options } = takeUse(find, "schedule", use);
      const at = `${path}/schedules/${escaped(option)}/options`;
      try {
        const value = Number(elementOf(group.options[name], element) ?? 1);
        optionsOf(plugin, options);
        makeSchedule(plugin, options, { value, groups: groups.map(() => value) }, find);
        return [];
      } catch (error) {
        if (error instanceof TypeError) throw error;
        return [refusal(error, at)];
      }
    })
  );
}

function checkUpdates(updates: unknown): number {
  if (typeof updates !== "number") throw new TypeError(`Cannot look at a recipe for updates = ${show(updates)}: it must be a number`);
  if (!Number.isSafeInteger(updates) || updates < 1) {
    throw new RangeError(`Cannot look at a recipe for updates = ${updates}: it must be an integer from 1`);
  }
  return updates;
}

function tensorsOf(params: Tensors): LintedTensor[] {
  return Object.entries(params).map(([name, like]) => {
    const { data, shape, dtype } = fullTensor(`parameter ${show(name)}`, like);
    return { name, shape, dtype, raw: rawOf(data) };
  });
}

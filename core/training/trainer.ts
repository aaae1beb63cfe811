/**
 * A recipe, running: an optimizer, and what gathers gradients for it.
 *
 * @module
 */
import { lend, makeAccumulator } from "./accumulators.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import { checkAlive, createState, type OptimizerState } from "../optimizer/optimizer_state.ts";
import { type CheckedParams, checkStep, prepareChecked } from "../optimizer/step.ts";
import { apply, showOptimizer } from "../optimizer/view.ts";
import type { Accumulator, Grads, Optimizer, Recipe, Settings, Tensors, Trainer } from "../types.ts";
import type { AccumulatorPlugin } from "../plugin/contract.ts";
import { type Find, takeUse, titleOf } from "../plugin/use.ts";

/** A trainer whose plugins are found by name. */
export function buildTrainer(
  find: Find,
  params: Tensors,
  given: Recipe,
  settings: Pick<Settings<unknown>, "backend" | "threads"> = {},
): Trainer {
  refuseUnknownKeys("the settings of a trainer", settings, ["backend", "threads"]);
  const recipe = checkRecipe(given);
  const { optimizer: { name, options }, groups, schedules, transforms, accumulate } = recipe;
  const use = accumulate && takeUse(find, "accumulator", accumulate);
  if (use !== undefined) checkEvery(use.plugin, use.options);
  const state = createState(find, name, params, options, {
    ...settings,
    ...(groups && { groups }),
    ...(schedules && { schedules }),
    ...(transforms && { transforms }),
  });
  const optimizer = showOptimizer(state);
  const { backend, takeBack } = lend(optimizer.backend);
  const end = (): void => {
    takeBack();
    optimizer[Symbol.dispose]();
  };
  try {
    return showTrainer(recipe, state, optimizer, use && makeAccumulator(use.plugin, use.options, optimizer.params, backend, find), end);
  } catch (error) {
    end();
    throw error;
  }
}

/**
 * Outside a trainer its owner counts the calls to an accumulator; in a trainer nobody would, and a recipe that says nothing would never step. So the
 * option `every`, where an accumulator has one, must be given.
 */
function checkEvery(plugin: AccumulatorPlugin, options: object | undefined): void {
  const { every } = (options ?? {}) as { readonly every?: unknown };
  if (!Object.hasOwn(plugin.options as object, "every") || every !== undefined) return;
  const message =
    `Cannot accumulate by ${titleOf(plugin)} in a recipe without every: give the number of micro-batches to a step, or null where ` +
    "only flush() steps";
  throw about(new TypeError(message), { plugin: plugin.name, option: "every" });
}

function showTrainer(
  recipe: Recipe,
  state: OptimizerState,
  optimizer: Optimizer,
  accumulator: Accumulator | undefined,
  end: () => void,
): Trainer {
  // Names of all gradients that ever came: an accumulator may go on giving one, as a sum gives zeros.
  const ever = new Set<string>();
  let disposed = false;
  const alive = (action: string): void => {
    if (disposed) throw new TypeError(`Cannot ${action} the trainer of optimizer "${optimizer.name}": it is disposed`);
  };
  const check = (names: readonly string[]): CheckedParams => {
    checkAlive(state, "step");
    return checkStep(state, new Set([...ever, ...names]));
  };
  // What was gathered is forgotten only after a step that took it.
  const stepWith = (accumulator: Accumulator, checked: CheckedParams): boolean => {
    const { applied } = apply(state, prepareChecked(state, "update", accumulator.gradients, checked));
    accumulator.reset();
    return applied;
  };
  return {
    recipe,
    optimizer,
    get steps() {
      return optimizer.steps;
    },
    add(grads: Grads, weight?: number): boolean {
      alive("add to");
      if (accumulator === undefined) {
        checkWeight(weight);
        return optimizer.step(grads).applied;
      }
      // Nothing can be taken out of an accumulator again, so a step that would be refused is refused before.
      const names = isRecord(grads) ? Object.keys(grads).filter((name) => (grads[name] ?? null) !== null) : [];
      const checked = check(names);
      const isDue = accumulator.add(grads, weight);
      for (const name of names) ever.add(name);
      return isDue && stepWith(accumulator, checked);
    },
    flush(): boolean {
      alive("flush");
      return accumulator !== undefined && accumulator.count > 0 && stepWith(accumulator, check([]));
    },
    update(metric: number): void {
      alive("update");
      optimizer.update(metric);
    },
    [Symbol.dispose](): void {
      if (disposed) return;
      disposed = true;
      end();
    },
  };
}

// Without accumulation a weight has nothing to weigh against; it must still be one.
function checkWeight(weight: unknown): void {
  if (weight === undefined) return;
  if (typeof weight !== "number") throw new TypeError(`Cannot add gradients of weight ${show(weight)}: it must be a number`);
  if (!(weight >= 0 && weight < Infinity)) {
    throw new RangeError(`Cannot add gradients of weight ${weight}: it must be finite and not negative`);
  }
}

/** A frozen copy, with nothing in it that JSON does not know and no key that means nothing. */
function checkRecipe(given: unknown): Recipe {
  refuseUnknownKeys("a recipe", given, ["optimizer", "groups", "schedules", "accumulate", "transforms"]);
  const recipe = copyJson("recipe", given) as Recipe;
  if (recipe.optimizer === undefined) throw new TypeError("Cannot read a recipe without an optimizer");
  checkUse("the recipe's optimizer", recipe.optimizer);
  if (recipe.accumulate !== undefined) checkUse("the recipe's accumulate", recipe.accumulate);
  checkList("groups", recipe.groups).forEach((group, i) => {
    allAbout({ group: i }, () => {
      refuseUnknownKeys(`group ${i} of the recipe`, group, ["match", "options", "optimizer"]);
      const { optimizer } = group as { optimizer?: unknown };
      if (optimizer !== undefined && typeof optimizer !== "string") {
        throw new TypeError(`Cannot use optimizer ${show(optimizer)} in group ${i}: it must be a name`);
      }
    });
  });
  checkList("transforms", recipe.transforms).forEach((use, i) => checkUse(`transform ${i} of the recipe`, use));
  const { schedules = {} } = recipe;
  if (!isRecord(schedules)) {
    throw new TypeError(`Cannot use schedules ${show(schedules)}: they must be an object`);
  }
  for (const [option, use] of Object.entries(schedules)) {
    allAbout({ option }, () => checkUse(`the recipe's schedule of "${option}"`, use));
  }
  return recipe;
}

function checkUse(what: string, use: unknown): void {
  refuseUnknownKeys(what, use, ["name", "options"]);
  const { name, options } = use as { name?: unknown; options?: unknown };
  if (typeof name !== "string") throw new TypeError(`Cannot read ${what}: its name is ${show(name)}, not a string`);
  if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
    throw new TypeError(`Cannot read ${what}: its options are ${show(options)}, not an object`);
  }
}

function checkList(what: string, list: unknown): readonly unknown[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new TypeError(`Cannot use ${what} ${show(list)}: they must be an array`);
  return list;
}

const deepest = 32;

function copyJson(path: string, value: unknown, depth = 0): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number") return value;
  if (depth > deepest) throw new RangeError(`Cannot read ${path}: it is nested deeper than ${deepest}`);
  if (Array.isArray(value)) return Object.freeze(value.map((element, i) => copyJson(`${path}[${i}]`, element, depth + 1)));
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== null && (prototype === undefined || Object.getPrototypeOf(prototype) !== null)) {
    throw new TypeError(`Cannot read ${path} = ${show(value)}: a recipe holds what JSON holds`);
  }
  const copy: Record<string, unknown> = {};
  for (const [key, element] of Object.entries(value as object)) {
    if (element !== undefined) {
      Object.defineProperty(copy, key, { value: copyJson(`${path}.${key}`, element, depth + 1), enumerable: true });
    }
  }
  return Object.freeze(copy);
}

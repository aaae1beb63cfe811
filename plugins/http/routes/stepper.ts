/**
 * One step of a recipe, from parameters, gradients and state to new parameters and state. Nothing is kept.
 *
 * @module
 */
import { createBackend } from "../../../core/backend.ts";
import { aboutOf } from "../../../core/errors.ts";
import { known } from "../../../core/names.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import type { OptimizerPlugin, Plugin } from "../../../core/plugin/contract.ts";
import { createRegistry } from "../../../core/registry.ts";
import type { Backend, BackendName, Recipe, StateDict } from "../../../core/types.ts";
import { partsOf, stateMetadata } from "../../formats/pytorch.ts";
import { isRefusal, pointerTo, refuseBody } from "../wire/problem.ts";
import type { TensorBody } from "../wire/tensors.ts";

/** Takes steps, with one backend for all of them. */
export interface Stepper {
  /** What runs them. */
  backend(): Backend;
  /** One step; 422 where it is refused. */
  step(body: TensorBody): TensorBody;
}

/** Recipes after which an own backend is made anew: each may have left compiled texts in it. */
const mostRecipes = 1024;
/** What a stranger's recipe may ask of the processor: characters compared to find the tensors of groups. */
const mostMatching = 100_000_000;
const mostUses = 16;
const mostPatterns = 64;

/** Makes a stepper; the backend is made by the first step. */
export function createStepper(plugins: readonly Plugin[], given: Backend | BackendName | undefined): Stepper {
  const registry = createRegistry(plugins);
  const optimizers = new Map(plugins.filter((plugin) => plugin.kind === "optimizer").map((plugin) => [plugin.name, plugin]));
  let own: Backend | undefined;
  const recipes = new Set<string>();
  const backend = (): Backend => {
    if (typeof given === "object") return given;
    if (recipes.size > mostRecipes) {
      own?.[Symbol.dispose]();
      own = undefined;
      recipes.clear();
    }
    return own ??= createBackend(given);
  };
  return {
    backend,
    step({ recipe, tensors, metadata }) {
      let at: Place = "/tensors";
      try {
        const { params, grads, state } = partsOf(tensors);
        checkRecipe(recipe, Object.keys(params), optimizers);
        const key = JSON.stringify(recipe);
        if (key.length < 4096) recipes.add(key);
        else for (let i = 0; i < 16; i++) recipes.add(`${recipes.size}`); // a long one may leave more behind
        at = "/recipe";
        const trainer = registry.createTrainer(params, recipe as Recipe, { backend: backend() });
        try {
          at = "/tensors";
          const { optimizer } = trainer;
          if (Object.keys(state).length > 0) {
            optimizer.loadState({ tensors: { ...state, ...only(tensors, params) }, metadata: stateMetadata(metadata) });
          }
          at = "gradients";
          optimizer.step(grads);
          const saved = optimizer.saveState();
          return { recipe, tensors: saved.tensors, metadata: saved.metadata };
        } finally {
          trainer.dispose();
        }
      } catch (error) {
        if (isRefusal(error)) refuseBody(pointerOf(error, at, tensors), error.message);
        throw error;
      }
    },
  };
}

/** What was being looked at. */
type Place = "/recipe" | "/tensors" | "gradients";

/** Where a refusal points: at the tensor that it is about, if that was sent, else at what was being looked at. */
function pointerOf(error: Error, at: Place, tensors: StateDict["tensors"]): string {
  const { tensor } = aboutOf(error);
  if (typeof tensor === "string") {
    const name = at === "gradients" ? `${tensor}.grad` : tensor;
    if (Object.hasOwn(tensors, name)) return `/tensors${pointerTo(name)}`;
  }
  return at === "gradients" ? "/tensors" : at;
}

/** What of the metadata the tensors say too, so that JSON can go without it. */
export function isPlain(
  { optimizer: _, format: __, steps, ...rest }: Readonly<Record<string, string>>,
  tensors: StateDict["tensors"],
): boolean {
  const counts = Object.keys(tensors).filter((name) => name.endsWith(".step")).map((name) => tensors[name].data[0]);
  return Object.keys(rest).length === 0 && Number(steps) === Math.max(0, ...counts);
}

function only(tensors: StateDict["tensors"], names: object): StateDict["tensors"] {
  return Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]]));
}

/** What core takes from a friend and a service does not take from a stranger. */
function checkRecipe(recipe: unknown, names: readonly string[], optimizers: ReadonlyMap<string, OptimizerPlugin>): void {
  if (typeof recipe !== "object" || recipe === null || Array.isArray(recipe)) refuseBody("/recipe", "The recipe must be an object");
  const { optimizer, accumulate, groups = [], transforms = [], schedules = {} } = recipe as Partial<Record<string, unknown>>;
  const { name, options } = (optimizer ?? {}) as { name?: unknown; options?: unknown };
  if (typeof name === "string" && !optimizers.has(name)) {
    const there = [...optimizers.keys()];
    refuseBody("/recipe/optimizer/name", `There is no optimizer ${JSON.stringify(name.slice(0, 80))}: ${known(there, name)}`, there);
  }
  const specsOf = (name: unknown): AnySpecs => (optimizers.get(name as string)?.options ?? {}) as AnySpecs;
  if (accumulate !== undefined) {
    refuseBody("/recipe/accumulate", "A step that keeps nothing cannot accumulate: send the gathered gradients");
  }
  for (const [key, list] of Object.entries({ groups, transforms, schedules })) {
    const count = typeof list === "object" && list !== null ? Object.keys(list).length : 0;
    if (count > mostUses) refuseBody(`/recipe/${key}`, `There are ${count} ${key}, and at most ${mostUses} are read`);
  }
  const letters = names.reduce((sum, name) => sum + name.length + 1, 0);
  let matching = checkPatterns("/recipe/optimizer/options", specsOf(name), options, letters);
  (Array.isArray(groups) ? groups : []).forEach((group: unknown, i) => {
    const { match, optimizer: own = name, options } = (group ?? {}) as { match?: unknown; optimizer?: unknown; options?: unknown };
    matching += checkPatterns(`/recipe/groups/${i}/options`, specsOf(own), options, letters);
    if (typeof match === "string") {
      refuseBody(`/recipe/groups/${i}/match`, "A regular expression is not run for others: give a list of names, or { glob }", [
        "list",
        "{ glob }",
      ]);
    }
    const { glob } = (match ?? {}) as { glob?: unknown };
    if (Array.isArray(match)) matching += match.length * letters;
    else if (typeof glob === "string") matching += glob.length * letters;
    else if (match !== undefined) refuseBody(`/recipe/groups/${i}/match`, "A match is a list of names, or { glob }", ["list", "{ glob }"]);
  });
  if (matching > mostMatching) {
    refuseBody("/recipe/groups", "Finding the tensors that are meant would take too long: give fewer names, shorter globs and patterns");
  }
}

/** What a stranger's pattern may be: letters, dots and escaped signs, at the name's beginning or end where it says so. */
const plainPattern = /^\^?(?:[^\\^$.*+?()[\]{}|]|\.|\\[^\w\s])*\$?$/;

/**
 * Refuses patterns that could take for ever. Alternatives do so as well as repetitions: `(a|aa)` twenty-six times in a row takes seconds. Gives the
 * characters that are compared to find the names.
 */
function checkPatterns(at: string, specs: AnySpecs, options: unknown, letters: number): number {
  let matching = 0;
  for (const [option, spec] of Object.entries(specs)) {
    const given = (options as Record<string, unknown> | null | undefined)?.[option];
    if (spec.format !== "regex" || given === undefined || given === null) continue;
    const texts = [given].flat() as unknown[];
    if (texts.length > mostPatterns) {
      refuseBody(`${at}/${option}`, `There are ${texts.length} patterns, and at most ${mostPatterns} are read`);
    }
    texts.forEach((text, i) => {
      const source = typeof text === "string" ? text : (text as { source?: unknown } | null)?.source;
      if (typeof source !== "string") refuseBody(`${at}/${option}/${i}`, "A pattern is a text, or { source, flags }");
      if (!plainPattern.test(source)) {
        refuseBody(`${at}/${option}/${i}`, "A regular expression is not run for others: give names, pieces of them, or ends as in bias$");
      }
      matching += source.length * letters;
    });
  }
  return matching;
}

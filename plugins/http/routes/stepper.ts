/**
 * One step of a recipe, from parameters, gradients and state to new parameters and state. Nothing is kept.
 *
 * @module
 */
import { createBackend } from "../../../core/backend.ts";
import { known } from "../../../core/names.ts";
import type { AnySpecs } from "../../../core/plugin/options.ts";
import type { OptimizerPlugin, Plugin } from "../../../core/plugin/contract.ts";
import { createRegistry } from "../../../core/registry.ts";
import type { Backend, BackendName, Grads, Recipe, StateDict, Tensor } from "../../../core/types.ts";
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
      const parts = splitTensors(tensors);
      checkRecipe(recipe, Object.keys(parts.params), optimizers);
      const key = JSON.stringify(recipe);
      if (key.length < 4096) recipes.add(key);
      else for (let i = 0; i < 16; i++) recipes.add(`${recipes.size}`); // a long one may leave more behind
      let read = "/recipe";
      try {
        const trainer = registry.createTrainer(parts.params, recipe as Recipe, { backend: backend() });
        try {
          read = "/tensors";
          const { optimizer } = trainer;
          if (Object.keys(parts.state).length > 0) {
            optimizer.loadState({ tensors: { ...parts.state, ...only(tensors, parts.params) }, metadata: stateMetadata(metadata) });
          }
          optimizer.step(parts.grads);
          const saved = optimizer.saveState();
          return { recipe, tensors: saved.tensors, metadata: saved.metadata };
        } finally {
          trainer[Symbol.dispose]();
        }
      } catch (error) {
        if (isRefusal(error)) refuseBody(pointerOf(error.message, read, tensors), error.message);
        throw error;
      }
    },
  };
}

/** Where a refusal points: at the tensor that it names, else at what was being read. */
function pointerOf(message: string, read: string, tensors: StateDict["tensors"]): string {
  const quoted = message.matchAll(/(gradient of parameter |gradient of |parameter |)"([^"]*)"/g);
  for (const [, what, name] of quoted) {
    const whole = what.startsWith("gradient") ? `${name}.grad` : name;
    if (Object.hasOwn(tensors, whole) && (what !== "" || read === "/tensors")) return `/tensors${pointerTo(whole)}`;
  }
  return read;
}

/** What of the metadata the tensors say too, so that JSON can go without it. */
export function isPlain(
  { optimizer: _, format: __, steps, ...rest }: Readonly<Record<string, string>>,
  tensors: StateDict["tensors"],
): boolean {
  const counts = Object.keys(tensors).filter((name) => name.endsWith(".step")).map((name) => tensors[name].data[0]);
  return Object.keys(rest).length === 0 && Number(steps) === Math.max(0, ...counts);
}

interface Parts {
  readonly params: Record<string, Tensor>;
  readonly grads: Grads;
  readonly state: StateDict["tensors"];
}

/**
 * Which tensors are parameters, gradients and state. `w.grad` and `w.step` say that `w` is a parameter; without either, a tensor is one unless its
 * name begins with another parameter's and a dot, or is a group's (`group.0.d`).
 */
function splitTensors(tensors: StateDict["tensors"]): Parts {
  const names = Object.keys(tensors).sort();
  const has = (name: string): boolean => Object.hasOwn(tensors, name);
  const isGradient = (name: string): boolean => name.endsWith(".grad") && has(name.slice(0, -5));
  const params = new Set(names.filter((name) => has(`${name}.grad`)));
  if (params.size === 0) refuseBody("/tensors", "No tensor has a gradient: w.grad is the gradient of w");
  for (const name of params) {
    if (isGradient(name)) refuseBody(`/tensors${pointerTo(name)}`, `Tensor ${JSON.stringify(name)} has a gradient and is one`);
  }
  for (const name of names) if (has(`${name}.step`) && !isGradient(name)) params.add(name);
  const state = new Set<string>();
  for (const name of names) {
    if (params.has(name) || isGradient(name)) continue;
    if (name.endsWith(".grad")) {
      refuseBody(`/tensors${pointerTo(name)}`, `Tensor ${JSON.stringify(name)} is a gradient of what is not there`);
    }
    const isGroup = /^group\.\d+\.[^.]+$/.test(name) && tensors[name].shape.length === 0;
    // Names are in order, so that a parameter comes before what begins with its name.
    if (isGroup || beginsWithOne(name, params)) state.add(name);
    else params.add(name);
  }
  const pick = <T>(chosen: Iterable<string>, of: (name: string) => T): Record<string, T> =>
    Object.fromEntries([...chosen].map((name) => [name, of(name)]));
  return {
    params: pick(params, (name) => tensors[name] as Tensor),
    grads: pick([...params].filter((name) => has(`${name}.grad`)), (name) => tensors[`${name}.grad`] as Tensor),
    state: pick(state, (name) => stateTensor(name, tensors[name])),
  };
}

/** True where a name is one of `names` with a dot and more behind it. */
function beginsWithOne(name: string, names: ReadonlySet<string>): boolean {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) if (names.has(name.slice(0, dot))) return true;
  return false;
}

/** PyTorch keeps step counts in float32. */
function stateTensor(name: string, tensor: StateDict["tensors"][string]): StateDict["tensors"][string] {
  if (!name.endsWith(".step") || !(tensor.data instanceof Float32Array) || tensor.data.length > 1) return tensor;
  return { data: Float64Array.from(tensor.data), shape: tensor.shape, dtype: "float64" };
}

function only(tensors: StateDict["tensors"], names: object): StateDict["tensors"] {
  return Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]]));
}

/** What a state's metadata may say; files of others say more, as PyTorch's `format: "pt"`. */
function stateMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(metadata).filter(([key, value]) =>
    key === "steps" || key === "optimizer" || /^schedule\.|^group\.[0-9]+\.step$/.test(key) || key === "format" && value !== "pt"
  );
  return Object.fromEntries(own);
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

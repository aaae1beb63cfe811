/**
 * One step of a recipe, from parameters, gradients and state to new parameters and state. No number of it is kept.
 *
 * @module
 */
import { createBackend } from "../../../core/backend.ts";
import { aboutOf } from "../../../core/errors.ts";
import type { Plugin } from "../../../core/plugin/contract.ts";
import { finderOf } from "../../../core/plugin/find.ts";
import { createRegistry } from "../../../core/registry.ts";
import type { Backend, BackendName, Recipe, StateDict } from "../../../core/types.ts";
import { splitByConvention, stateMetadata } from "../../formats/pytorch.ts";
import { boundRecipe, checkTexts } from "../guard/recipe.ts";
import { createKeptOptimizers, type KeptOptimizers } from "./kept_optimizers.ts";
import { isRefusal, pointerTo, refuseBody } from "../wire/problem.ts";
import type { TensorBody } from "../wire/tensors.ts";

/** Takes steps, with one backend for all of them. */
export interface Stepper {
  /** What runs them. */
  backend(): Backend;
  /** One step from the pieces of a file of this layout to a new file; undefined where an optimizer must be laid out for it, or something is wrong. */
  again: KeptOptimizers["step"];
  /** One step, and what `write` makes of it at once; 422 where it is refused. */
  step<T>(body: TensorBody, write: (stepped: TensorBody) => T): T;
}

/** Passes that were compiled for strangers' recipes after which an own backend is made anew: what it holds of them goes with it. */
const mostCompiled = 300;

/** Makes a stepper; the backend is made by the first step. */
export function createStepper(plugins: readonly Plugin[], given: Backend | BackendName | undefined): Stepper {
  const registry = createRegistry(plugins);
  const kept = createKeptOptimizers(finderOf(plugins));
  const optimizers = new Map(plugins.filter((plugin) => plugin.kind === "optimizer").map((plugin) => [plugin.name, plugin]));
  let own: Backend | undefined;
  /** Texts that the backend has compiled, and their passes. */
  const texts = new Set<string>();
  let compiled = 0;
  const backend = (): Backend => {
    if (typeof given === "object") return given;
    if (compiled > mostCompiled) {
      kept.clear();
      own?.dispose();
      own = undefined;
      texts.clear();
      compiled = 0;
    }
    return own ??= createBackend(given);
  };
  return {
    backend,
    again: kept.step,
    step({ recipe, tensors, metadata, layout }, write) {
      let at: Place = "/tensors";
      let stepped: TensorBody;
      try {
        const parts = splitByConvention(tensors);
        const { params, grads, state } = parts;
        boundRecipe(recipe, Object.keys(params), optimizers);
        if ((recipe as Recipe).accumulate !== undefined) {
          refuseBody("/recipe/accumulate", "A step that keeps nothing cannot accumulate: send the gathered gradients");
        }
        for (const [text, passes] of checkTexts(recipe as Recipe, params, grads, optimizers)) {
          if (!texts.has(text)) compiled += passes;
          texts.add(text);
        }
        at = "/recipe";
        const trainer = registry.createTrainer(params, recipe as Recipe, { backend: backend() });
        try {
          at = "/tensors";
          const { optimizer } = trainer;
          const isWhole = Object.keys(state).length > 0;
          if (isWhole) optimizer.loadState({ tensors: { ...state, ...only(tensors, params) }, metadata: stateMetadata(metadata) });
          at = "gradients";
          const { skipped } = optimizer.step(grads);
          const after = optimizer.saveState();
          stepped = { recipe, tensors: after.tensors, metadata: skipped === undefined ? after.metadata : { ...after.metadata, skipped } };
          if (layout !== undefined && isWhole) kept.keep(layout, recipe as Recipe, { tensors, metadata }, parts, backend());
        } finally {
          trainer.dispose();
        }
      } catch (error) {
        if (isRefusal(error)) refuseBody(pointerOf(error, at, tensors), error.message);
        throw error;
      }
      return write(stepped);
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

function only(tensors: StateDict["tensors"], names: object): StateDict["tensors"] {
  return Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]]));
}

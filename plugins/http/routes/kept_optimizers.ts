/**
 * Optimizers that are used again, for steps whose bodies differ in their numbers alone: to lay one out takes longer than a small step.
 *
 * Nothing of one request shows in another's answer. An optimizer is kept only where a whole state says all that a step depends on (`isWhollySaved`), and is
 * used only for bodies with the same header as the one it was made for, so with the same recipe, and with a whole state, all of which it takes in before it
 * steps; and one that has thrown is let go.
 *
 * @module
 */
import { takeBackend } from "../../../core/backend.ts";
import { createState } from "../../../core/optimizer/create_state.ts";
import { disposeState, type OptimizerState } from "../../../core/optimizer/optimizer_state.ts";
import { isWhollySaved, viewEntries } from "../../../core/optimizer/saved_state.ts";
import { showOptimizer } from "../../../core/optimizer/view.ts";
import { put } from "../../../core/tensors.ts";
import type { Find } from "../../../core/plugin/use.ts";
import { checkRecipe } from "../../../core/training/recipe.ts";
import { type Parts, stateMetadata } from "../../formats/pytorch.ts";
import type { Backend, Grads, Optimizer, Recipe, StateDict, Tensor, Tensors } from "../../../core/types.ts";

/** Optimizers by the layout of the bodies that they are for. */
export interface KeptOptimizers {
  /**
   * Takes a step and hands the new state to `write`, which must be done with it when it returns; undefined where there is no optimizer for the layout, or it
   * threw: then the step is to be taken as one without a layout is, which says what is wrong.
   */
  step<T>(layout: object, body: StateDict, write: (after: StateDict) => T): T | undefined;
  /** Keeps an optimizer for a layout, if it may be used again and there is room. `body` has its parts, and a whole state among them. */
  keep(layout: object, recipe: Recipe, body: StateDict, parts: Parts, backend: Backend): void;
  /** Lets go of all. */
  clear(): void;
}

/** Optimizers, and bytes of the bodies that they are for: about what they hold. AdamW over 1 Mi parameters takes 16 MiB. */
const mostOptimizers = 64;
const mostBytes = 24 * 2 ** 20;

/** Backends whose memory the calling thread reads. */
const onHost: readonly Backend["name"][] = ["js", "wasm", "threads"];

interface Kept {
  /** Names of the parameters that have gradients. */
  readonly graded: readonly string[];
  /** Names of parameters and state. */
  readonly saved: readonly string[];
  readonly state: OptimizerState;
  readonly optimizer: Optimizer<unknown>;
  readonly bytes: number;
}

/** None yet. */
export function createKeptOptimizers(find: Find): KeptOptimizers {
  const all = new Map<object, Kept>();
  let used = 0;
  const letGo = (layout: object): void => {
    const { state, bytes } = all.get(layout)!;
    all.delete(layout);
    used -= bytes;
    end(state);
  };
  return {
    step(layout, { tensors, metadata }, write) {
      const kept = all.get(layout);
      if (kept === undefined) return undefined;
      try {
        const { optimizer, state, graded, saved } = kept;
        optimizer.loadState({ tensors: pick(saved, (name) => tensors[name]), metadata: stateMetadata(metadata) });
        const { skipped } = optimizer.step(pick(graded, (name) => tensors[`${name}.grad`]) as Grads);
        const after = viewEntries(state);
        return write(skipped === undefined ? after : { tensors: after.tensors, metadata: { ...after.metadata, skipped } });
      } catch {
        letGo(layout);
        return undefined;
      }
    },
    keep(layout, recipe, { tensors }, { params, grads, state: of }, backend) {
      const bytes = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (all.has(layout) || bytes > mostBytes || !onHost.includes(backend.name)) return;
      while (all.size >= mostOptimizers || used + bytes > mostBytes) letGo(all.keys().next().value!);
      const state = layOut(find, recipe, params, backend);
      if (state === undefined) return;
      const saved = [...Object.keys(params), ...Object.keys(of)];
      all.set(layout, { state, optimizer: showOptimizer(state), bytes, graded: Object.keys(grads), saved });
      used += bytes;
    },
    clear() {
      for (const layout of all.keys()) letGo(layout);
    },
  };
}

function pick<T>(names: readonly string[], of: (name: string) => T): Record<string, T> {
  const picked: Record<string, T> = {};
  for (const name of names) put(picked, name, of(name));
  return picked;
}

/** An optimizer whose parameters lie in the backend's memory; undefined where one could not be used again, or there is no memory for it. */
function layOut(find: Find, given: Recipe, params: Tensors, backend: Backend): OptimizerState | undefined {
  const { optimizer: { name, options }, groups, schedules, transforms } = checkRecipe(given);
  const own: Record<string, Tensor> = {};
  try {
    for (const [name, tensor] of Object.entries(params)) {
      const { shape, dtype } = tensor as Tensor & { readonly shape: readonly number[] };
      put(own, name, backend.allocate(shape, dtype));
    }
    const state = createState(find, name, own, options, {
      backend,
      ...(groups && { groups }),
      ...(schedules && { schedules }),
      ...(transforms && { transforms }),
    });
    if (isWhollySaved(state) && state.params.every(({ isCopied }) => !isCopied)) return state;
    end(state);
  } catch {
    // The step itself was taken: it goes without, as the next will.
    release(takeBackend(backend), Object.values(own));
  }
  return undefined;
}

/** Gives back all memory of an optimizer, that of its parameters too. */
function end(state: OptimizerState): void {
  disposeState(state);
  release(state.backend, state.params.map(({ given }) => given));
}

function release(backend: OptimizerState["backend"], tensors: readonly Tensor[]): void {
  if (!backend.disposed) { for (const tensor of tensors) backend.release(tensor); }
}

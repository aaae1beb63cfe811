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
import { createRefill, type Place, type Refill } from "../../../core/optimizer/refill.ts";
import { isWhollySaved, savedMetadata } from "../../../core/optimizer/saved_state.ts";
import { showOptimizer } from "../../../core/optimizer/view.ts";
import { put } from "../../../core/tensors.ts";
import type { Find } from "../../../core/plugin/use.ts";
import { checkRecipe } from "../../../core/training/recipe.ts";
import { type Parts, stateMetadata } from "../../formats/pytorch.ts";
import { layOutTensors, nameThere } from "../../formats/safetensors_header.ts";
import type { FileLayout } from "../wire/tensors.ts";
import type { Backend, Optimizer, Recipe, StateDict, Tensor, Tensors } from "../../../core/types.ts";

/** Optimizers by the layout of the bodies that they are for. */
export interface KeptOptimizers {
  /**
   * Takes a step from the pieces of a file to a new file, of so many bytes of tensors at most; undefined where there is no optimizer for the layout, or it
   * threw: then the step is to be taken as one without a layout is, which says what is wrong.
   */
  step(layout: FileLayout, parts: readonly Uint8Array[], mostBytes: number): Uint8Array<ArrayBuffer> | undefined;
  /** Keeps an optimizer for a layout, if it may be used again and there is room. `body` has its parts, and a whole state among them. */
  keep(layout: FileLayout, recipe: Recipe, body: StateDict, parts: Parts, backend: Backend): void;
  /** Lets go of all. */
  clear(): void;
}

/** Optimizers, and bytes of the bodies that they are for: about what they hold. AdamW over 1 Mi parameters takes 16 MiB. */
const mostOptimizers = 64;
const mostBytes = 24 * 2 ** 20;

/** Backends whose memory the calling thread reads. */
const onHost: readonly Backend["name"][] = ["js", "wasm", "threads"];

interface Kept {
  readonly state: OptimizerState;
  readonly optimizer: Optimizer<unknown>;
  readonly refill: Refill;
  /** Where a body's bytes go, in their order. */
  readonly places: readonly { readonly from: number; readonly to: number; readonly into: Uint8Array }[];
  readonly answer: AnswerFile;
  /** Of the bodies. */
  readonly bytes: number;
}

/** What answers of one layout have in common. */
interface AnswerFile {
  readonly dataBytes: number;
  /** In the order in which they lie. */
  readonly tensors: readonly Place["from"][];
  /** The start of a file with such metadata: that of the one before where they are the same. */
  startOf(metadata: Readonly<Record<string, string>>): Uint8Array;
}

/** None yet. */
export function createKeptOptimizers(find: Find): KeptOptimizers {
  const all = new Map<FileLayout, Kept>();
  let used = 0;
  const letGo = (layout: FileLayout): void => {
    const { state, bytes } = all.get(layout)!;
    all.delete(layout);
    used -= bytes;
    end(state);
  };
  return {
    step(layout, parts, mostBytes) {
      const kept = all.get(layout);
      if (kept === undefined || kept.answer.dataBytes > mostBytes) return undefined;
      try {
        const { optimizer, refill, state, places, answer } = kept;
        scatter(parts, places);
        refill.take();
        const { skipped } = optimizer.step(refill.grads);
        const metadata = savedMetadata(state);
        return writeAnswer(answer, skipped === undefined ? metadata : { ...metadata, skipped });
      } catch {
        letGo(layout);
        return undefined;
      }
    },
    keep(layout, recipe, { tensors, metadata }, { params, grads, state: of }, backend) {
      const bytes = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
      if (all.has(layout) || bytes > mostBytes || !onHost.includes(backend.name)) return;
      while (all.size >= mostOptimizers || used + bytes > mostBytes) letGo(all.keys().next().value!);
      const state = layOut(find, recipe, params, backend);
      if (state === undefined) return;
      try {
        const optimizer = showOptimizer(state);
        const saved = pick([...Object.keys(params), ...Object.keys(of)], (name) => tensors[name]);
        const whole = { tensors: saved, metadata: stateMetadata(metadata) };
        optimizer.loadState(whole);
        const refill = createRefill(state, whole, pick(Object.keys(grads), (name) => (tensors[`${name}.grad`] as Tensor).dtype!));
        const into = (name: string): Uint8Array => refill.state.get(name)?.into ?? refill.gradients.get(name.slice(0, -".grad".length))!;
        const places = layout.tensors.map(({ name, from, to }) => ({ from, to, into: into(name) }));
        if (!places.every(({ from, to, into }) => into?.length === to - from)) return end(state);
        all.set(layout, { state, optimizer, refill, places, answer: answerFile(refill, JSON.stringify(recipe)), bytes });
        used += bytes;
      } catch {
        end(state); // as where there is no memory for it
      }
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

/** Brings a body's bytes, which come in pieces, to their places. */
function scatter(parts: readonly Uint8Array[], places: Kept["places"]): void {
  let i = 0;
  /** Where this piece begins. */
  let begin = 0;
  for (const { from, to, into } of places) {
    for (let at = from; at < to;) {
      while (at >= begin + parts[i].length) begin += parts[i++].length;
      const some = parts[i].subarray(at - begin, to - begin);
      into.set(some, at - from);
      at += some.length;
    }
  }
}

function answerFile({ state }: Refill, recipe: string): AnswerFile {
  const described = pick([...state.keys()], (key) => {
    const { shape, dtype, from } = state.get(key)!;
    return { dtype: nameThere(dtype)!, shape, byteLength: typeof from === "function" ? Float64Array.BYTES_PER_ELEMENT : from.length };
  });
  const { order, dataBytes, startOf } = layOutTensors(described);
  let before: { readonly metadata: Readonly<Record<string, string>>; readonly start: Uint8Array } | undefined;
  return {
    dataBytes,
    tensors: order.map((key) => state.get(key)!.from),
    startOf(metadata) {
      if (before === undefined || !isSame(before.metadata, metadata)) {
        before = { metadata, start: startOf({ ...metadata, recipe }) };
      }
      return before.start;
    },
  };
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function writeAnswer({ dataBytes, tensors, startOf }: AnswerFile, metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const start = startOf(metadata);
  const file = new Uint8Array(start.length + dataBytes);
  file.set(start);
  const numbers = new DataView(file.buffer);
  let at = start.length;
  for (const from of tensors) {
    if (typeof from === "function") {
      numbers.setFloat64(at, from(), true);
      at += Float64Array.BYTES_PER_ELEMENT;
    } else {
      file.set(from, at);
      at += from.length;
    }
  }
  return file;
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

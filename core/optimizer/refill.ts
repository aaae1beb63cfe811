/**
 * An optimizer that takes in whole states of one form again and again, and gradients with them: what the form says is looked at once, and then the elements
 * are written where they lie. For backends whose memory the calling thread reaches.
 *
 * @module
 */
import { gradientMemory } from "./gradients.ts";
import { goOnFrom, stepsOf } from "./loaded_state.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { readCountTensor } from "./saved_count.ts";
import { savedEntries, type SavedEntry, type SavedNumber } from "./saved_state.ts";
import { type FullTensor, put, rawOf } from "../tensors.ts";
import type { DType, Grads, StateDict } from "../types.ts";

/** An optimizer's places for states of one form. */
export interface Refill {
  /** A whole state's keys: where the bytes of each are written, and how they are read. */
  readonly state: ReadonlyMap<string, Place>;
  /** The same of gradients, by parameter. */
  readonly gradients: ReadonlyMap<string, Uint8Array>;
  /** Those gradients, for the step. */
  readonly grads: Grads;
  /** Takes over what was written to all places of the state; an error where a count is none, and then the state is broken. */
  take(): void;
}

/** One key of a state. */
export interface Place {
  readonly shape: readonly number[];
  readonly dtype: SavedEntry["dtype"];
  /** Where its bytes are written: as many as the state that the form was taken from has there. */
  readonly into: Uint8Array;
  /** Where they lie after a step; a number is read instead. */
  readonly from: Uint8Array | (() => number);
}

/** Where states like this one are written, which the optimizer has taken in before; `gradients` says their element types, by parameter. */
export function createRefill(of: OptimizerState, { tensors, metadata }: StateDict, gradients: Readonly<Record<string, DType>>): Refill {
  const state = new Map<string, Place>();
  const numbers: { readonly entry: SavedNumber; readonly tensor: StateDict["tensors"][string] }[] = [];
  for (const entry of savedEntries(of.backend, of.params, of.groups)) {
    const { key, shape, dtype } = entry;
    if (entry.dtype !== "float64") {
      const bytes = bytesOf(entry.lying());
      state.set(key, { shape, dtype, into: bytes, from: bytes });
      continue;
    }
    // Counts come in any type of numbers.
    const { data, ...form } = tensors[key];
    const tensor = { data: data.slice(), ...form };
    numbers.push({ entry, tensor });
    state.set(key, { shape, dtype, into: bytesOf(tensor), from: entry.read });
  }
  const grads: Record<string, FullTensor> = {};
  const places = new Map<string, Uint8Array>();
  for (const param of of.params) {
    const { info: { name } } = param;
    if (!Object.hasOwn(gradients, name)) continue;
    const memory = gradientMemory(param, gradients[name], of.memory);
    put(grads, name, memory);
    places.set(name, bytesOf(memory));
  }
  return {
    state,
    gradients: places,
    grads,
    take() {
      const counts = new Map<string, number>();
      for (const { entry: { key, isCount }, tensor } of numbers) if (isCount) counts.set(key, readCountTensor(key, tensor));
      goOnFrom(of, stepsOf(of, metadata, counts));
      for (const { entry, tensor } of numbers) entry.write(counts.get(entry.key) ?? tensor.data[0]);
    },
  };
}

function bytesOf({ data }: { readonly data: FullTensor["data"] | Float64Array }): Uint8Array {
  const { buffer, byteOffset, byteLength } = data instanceof Float64Array ? data : rawOf(data);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

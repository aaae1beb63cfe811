/**
 * How elements come out of tfjs and go back: one copy each way on its backends `"cpu"` and `"wasm"`.
 *
 * What was found out about tfjs 4.22, and is held by tests:
 *
 * - On `"cpu"` `dataSync` is live: it gives the array that the tensor has. On `"wasm"` it copies; a view of the heap is live, which
 *   `tf.backend().typedArrayFromHeap` gives. Elsewhere `dataSync` waits for a device.
 * - Variables cannot be written in place on either, though it would save a copy. On `"cpu"` whoever called `dataSync` or `data` before, to keep the best
 *   weights, has that very array and would see it change, as would a clone, and who made the variable of an array of theirs. On `"wasm"` a product keeps its
 *   weights packed under their tensor's id, as long as the tensor lives, and goes on with those. (Tried: `dataSync` gave the new weights, and the network the old
 *   outputs.) So a variable is assigned a new tensor, as tfjs' own optimizers do it.
 * - Hence who has changed a variable in between is told by its `dataId`, which every assignment changes.
 *
 * @module
 */
import type { TfBackends, TfBuffer, TfTensor, TfVariable } from "./types.ts";

/** What tfjs' backend `"wasm"` has. */
interface Heap {
  /** A view of a tensor's elements, until the heap grows. */
  typedArrayFromHeap(tensor: TfTensor): ArrayBufferView;
}

/** The heap of the backend at work; null where there is none. */
export function heapOf(tf: TfBackends | undefined): Heap | null {
  const backend = tf?.backend() as Partial<Heap> | undefined;
  return typeof backend?.typedArrayFromHeap === "function" ? backend as Heap : null;
}

/** The elements of a tensor, to be read at once. */
export function elementsOf(heap: Heap | null, tensor: TfTensor): Float32Array {
  return (heap === null ? tensor.dataSync() : heap.typedArrayFromHeap(tensor)) as Float32Array;
}

/** Gives a variable other elements, in a tensor of their own. `buffer` is one of the variable's, which serves every time. */
export function writeVariable(heap: Heap | null, variable: TfVariable, buffer: TfBuffer, elements: Float32Array): void {
  // A heap has a copy of its own; other backends may keep the array itself.
  buffer.values = heap === null ? elements.slice() : elements;
  const made = buffer.toTensor();
  buffer.values = nothing; // what the tensor took belongs to it
  variable.assign(made);
  made.dispose();
}

const nothing = new Float32Array(0);

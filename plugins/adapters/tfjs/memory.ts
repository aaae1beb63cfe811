/**
 * How elements come out of tfjs and go back.
 *
 * A step reads parameters and gradients once and writes parameters once. Where that is a copy more or less depends on the backend of tfjs (4.22):
 *
 * - `"cpu"`: `dataSync` is live, it gives the array that the tensor has. That makes reading free. Writing there in place would be wrong: whoever called
 *   `dataSync` or `data` before, to keep the best weights for one, holds that array and would see it change, and so would whoever made the variable of
 *   an array of theirs. So variables get a new array at each step, as tfjs' own optimizers give them one. (In place it is 0.9 in place of 1.2 ns an element,
 *   where tfjs' own Adam takes 230.)
 * - `"wasm"`: `dataSync` copies. A view of the heap, which `tf.backend().typedArrayFromHeap` gives, is live and nobody else's, unless another tensor
 *   shares the memory: then the count of those that do says so. Reading and writing in place takes 1.4 ns an element with AdamW's step, 2.6 with copies.
 * - others: `dataSync` reads back, which costs what it costs.
 *
 * @module
 */
import type { TfBackends, TfBuffer, TfTensor, TfVariable } from "./types.ts";

/** What tfjs' backend `"wasm"` has. */
interface Heap {
  /** A view of a tensor's elements, until the heap grows. */
  typedArrayFromHeap(tensor: TfTensor): ArrayBufferView;
  /** How many tensors share the memory; 0 where it is not this backend's. */
  refCount(dataId: object): number;
}

/** The heap of the backend at work; null where there is none whose memory can be seen. */
export function heapOf(tf: TfBackends | undefined, any: TfTensor): Heap | null {
  const backend = tf?.backend() as Partial<Heap> | undefined;
  if (typeof backend?.typedArrayFromHeap !== "function" || typeof backend.refCount !== "function") return null;
  // A version that hands out copies under the same name would take what is written there and lose it.
  const [a, b] = [backend.typedArrayFromHeap(any), backend.typedArrayFromHeap(any)];
  return a.buffer === b.buffer && a.byteOffset === b.byteOffset ? backend as Heap : null;
}

/** The elements of a tensor, to be read at once. */
export function elementsOf(heap: Heap | null, tensor: TfTensor): Float32Array {
  return (heap === null ? tensor.dataSync() : heap.typedArrayFromHeap(tensor)) as Float32Array;
}

/** Gives a variable other elements. `buffer` is one of its own, which serves every time. */
export function writeVariable(heap: Heap | null, variable: TfVariable, buffer: TfBuffer, elements: Float32Array): void {
  if (heap !== null && heap.refCount(variable.dataId) === 1) {
    (heap.typedArrayFromHeap(variable) as Float32Array).set(elements);
    return;
  }
  buffer.values = elements.slice();
  const made = buffer.toTensor();
  buffer.values = nothing; // what a tensor took belongs to it
  variable.assign(made);
  made.dispose();
}

const nothing = new Float32Array(0);

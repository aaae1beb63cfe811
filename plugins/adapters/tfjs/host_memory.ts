/**
 * Elements in arrays: one copy each way on tfjs' backends `"cpu"` and `"wasm"`.
 *
 * What was found out about tfjs 4.22, and is held by tests:
 *
 * - On `"cpu"` `dataSync` is live: it gives the array that the tensor has. On `"wasm"` it copies; a view of the heap is live, which
 *   `tf.backend().typedArrayFromHeap` gives. Elsewhere `dataSync` waits for a device.
 * - Variables cannot be written in place on either, though it would save a copy. On `"cpu"` whoever called `dataSync` or `data` before, to keep the best
 *   weights, has that very array and would see it change, as would a clone, and who made the variable of an array of theirs. On `"wasm"` a product
 *   keeps its weights packed under their tensor's id, as long as the tensor lives, and goes on with those. (Tried: `dataSync` gave the new weights, and
 *   the network the old outputs.) So a variable is assigned a new tensor, as tfjs' own optimizers do it.
 * - Hence who has changed a variable in between is told by its `dataId`, which every assignment changes.
 *
 * @module
 */
import type { takeBackend } from "../../../core/backend.ts";
import type { Tensor } from "../../../core/types.ts";
import { type Cell, checkLiving, type Memory } from "./memory.ts";
import type { TfBackends, TfTensor } from "./types.ts";

/** What tfjs' backend `"wasm"` has. */
interface Heap {
  /** A view of a tensor's elements, until the heap grows. */
  typedArrayFromHeap(tensor: TfTensor): ArrayBufferView;
}

/** The memory of a backend of this host. */
export function hostMemory(tf: TfBackends | undefined, backend: ReturnType<typeof takeBackend>): Memory {
  return {
    take(variable, name) {
      // Read first, so that what cannot be read takes no memory.
      const buffer = atOnce(() => variable.bufferSync());
      return { variable, name, param: backend.allocate(variable.shape), buffer, dataId: null };
    },
    read(cells) {
      checkLiving(cells);
      const heap = heapOf(tf);
      for (const cell of cells) {
        const { variable, dataId } = cell;
        if (variable.dataId === dataId) continue;
        arrayOf(cell).set(elementsOf(heap, variable));
        cell.dataId = variable.dataId;
      }
    },
    gradients(tensors) {
      const heap = heapOf(tf);
      return tensors.map((tensor) => tensor === null ? null : elementsOf(heap, tensor));
    },
    write(cells) {
      const heap = heapOf(tf);
      for (const cell of cells) assign(heap, cell, arrayOf(cell));
    },
    show(cells, elements) {
      const heap = heapOf(tf);
      for (const cell of cells) assign(heap, cell, (elements[cell.name] as Tensor<Float32Array>).data);
    },
    release(cells) {
      for (const { param } of cells) backend.release(param as Tensor);
    },
  };
}

const arrayOf = ({ param }: Cell): Float32Array => (param as Tensor<Float32Array>).data;

/** The heap of the backend at work; null where there is none. */
function heapOf(tf: TfBackends | undefined): Heap | null {
  const backend = tf?.backend() as Partial<Heap> | undefined;
  return typeof backend?.typedArrayFromHeap === "function" ? backend as Heap : null;
}

/** The elements of a tensor, to be read at once. */
function elementsOf(heap: Heap | null, tensor: TfTensor): Float32Array {
  return (heap === null ? atOnce(() => tensor.dataSync()) : heap.typedArrayFromHeap(tensor)) as Float32Array;
}

/** What a tensor's memory is asked for. On `"webgpu"` tfjs reads it through a canvas, and outside of pages falls over it. */
function atOnce<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (cause) {
    const { message } = cause as Error;
    throw new TypeError(
      `Cannot read a tensor of tfjs at once (${message}): await its data() before, or on tfjs' backend "webgpu" give the setting backend, createWebGpuBackend({ device: tf.backend().device })`,
      { cause },
    );
  }
}

/** Gives a variable other elements, in a tensor of their own. */
function assign(heap: Heap | null, cell: Cell, elements: Float32Array): void {
  const { variable } = cell;
  const buffer = cell.buffer!;
  // A heap has a copy of its own; other backends may keep the array itself.
  buffer.values = heap === null ? elements.slice() : elements;
  const made = buffer.toTensor();
  buffer.values = nothing; // what the tensor took belongs to it
  variable.assign(made);
  made.dispose();
  cell.dataId = variable.dataId;
}

const nothing = new Float32Array(0);

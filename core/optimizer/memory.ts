/**
 * Memory of the backend that an optimizer holds, and where a parameter's new memory comes from.
 *
 * Core reads and writes no element of it: the backend uploads and downloads, so that memory need not be this thread's.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import type { Tensor } from "../../kernels/types.ts";
import { type FullTensor, rawOf, sizeOf } from "../tensors.ts";

/** What an optimizer holds. */
export interface Memory {
  readonly backend: KernelBackend;
  /** What it took: gradients, slots, copies of parameters. */
  readonly taken: Tensor[];
  /** Parameters that kernels update where the caller has them. */
  readonly lent: Tensor[];
  /** Whether an array lies in any of it, and for how many tensors that was asked: made anew after more was taken. */
  holds: { readonly of: number; readonly test: (tensor: Tensor) => boolean } | null;
}

/** Nothing yet. */
export function emptyMemory(backend: KernelBackend): Memory {
  return { backend, taken: [], lent: [], holds: null };
}

/** Takes zeroed memory that kernels reach together with `near`. */
export function take(memory: Memory, near: readonly Tensor[], wanted: Parameters<KernelBackend["reserve"]>[1]): FullTensor[] {
  const tensors = memory.backend.reserve(near, wanted);
  memory.taken.push(...tensors);
  return tensors as FullTensor[];
}

/** True for an array that lies in memory which a step of this optimizer may write. */
export function liesIn(memory: Memory, tensor: Tensor): boolean {
  const { backend, taken, lent } = memory;
  const of = taken.length + lent.length;
  if (memory.holds?.of !== of) memory.holds = { of, test: backend.overlapping([...taken, ...lent]) };
  return memory.holds.test(tensor);
}

/** Gives back what was taken since it held so many. */
export function backTo(memory: Memory, held: { readonly taken: number; readonly lent: number }): void {
  for (const tensor of memory.taken.splice(held.taken)) memory.backend.release(tensor);
  memory.lent.length = held.lent;
  memory.holds = null;
}

/** Gives all of it back. */
export function giveBack({ backend, taken }: Memory): void {
  if (!backend.disposed) { for (const tensor of taken) backend.release(tensor); }
  taken.length = 0;
}

/** Writes a tensor's elements to another one of its dtype. Either may be the backend's memory or an array of the caller's that it does not reach. */
export function copyTensor(backend: KernelBackend, from: FullTensor, into: FullTensor): void {
  if (!backend.owns(from)) {
    if (backend.owns(into)) backend.upload(into, rawOf(from.data));
    else rawOf(into.data).set(rawOf(from.data));
    return;
  }
  if (!backend.owns(into)) return backend.download(from, rawOf(into.data));
  if (backend.deviceSide !== undefined) return backend.upload(into, rawOf(from.data));
  const elements = elementTypes[from.dtype].make(sizeOf(from.shape));
  backend.download(from, elements);
  backend.upload(into, elements);
}

/**
 * Memory of the backend that an optimizer holds, and where a parameter's new memory comes from.
 *
 * Core reads and writes no element of it: the backend uploads and downloads, so that memory need not be this thread's.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Tensor } from "../../kernels/types.ts";
import type { FullTensor } from "../tensors.ts";

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

/** Gives all of it back. */
export function giveBack({ backend, taken }: Memory): void {
  if (!backend.disposed) { for (const tensor of taken) backend.release(tensor); }
  taken.length = 0;
}

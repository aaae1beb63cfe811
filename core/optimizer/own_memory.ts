/**
 * An optimizer's own memory, to ask of any array whether it lies in it.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Tensor } from "../../kernels/types.ts";
import type { Cell } from "./param_state.ts";

/** What an optimizer has taken and been given. */
export interface Grounds {
  readonly backend: KernelBackend;
  readonly cells: readonly Cell[];
  readonly taken: readonly Tensor[];
  ground: Ground | null;
}

/** The same as a list in the order of addresses. */
export interface Ground {
  /** Length of `taken` when it was made. */
  readonly of: number;
  /** Memory that one tensor has for itself, as all of backend `"js"`. */
  readonly plain: ReadonlySet<ArrayBufferLike>;
  readonly shared: readonly Tensor[];
  /** The farthest end of those up to each: where it lies before an address, none of them reaches it. */
  readonly ends: readonly number[];
}

/** True for an array in gradients', slots' or, where kernels reach it, parameters' memory. */
export function liesIn(grounds: Grounds, tensor: Tensor): boolean {
  const { data: { buffer, byteOffset, byteLength } } = tensor;
  if (grounds.ground?.of !== grounds.taken.length) grounds.ground = groundOf(grounds);
  const { plain, shared, ends } = grounds.ground;
  if (buffer instanceof ArrayBuffer) return plain.has(buffer);
  let [low, high] = [0, shared.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (shared[middle].data.byteOffset < byteOffset + byteLength) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && ends[i] > byteOffset; i--) {
    const { data } = shared[i];
    // A memory's views differ in their buffers once it has grown, so that only the backend can tell.
    if (data.byteOffset + data.byteLength > byteOffset && grounds.backend.together(shared[i], tensor)) return true;
  }
  return false;
}

function groundOf({ cells, taken }: Grounds): Ground {
  const all = [...taken, ...cells.filter(({ copied }) => !copied).map(({ p }) => p)];
  const shared = all.filter(({ data: { buffer } }) => !(buffer instanceof ArrayBuffer))
    .sort((a, b) => a.data.byteOffset - b.data.byteOffset);
  let end = 0;
  const ends = shared.map(({ data }) => end = Math.max(end, data.byteOffset + data.byteLength));
  const plain = new Set(taken.map(({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer));
  return { of: taken.length, plain, shared, ends };
}

/**
 * Whether tensors of this thread's memory overlap.
 *
 * @module
 */
import type { Tensor } from "../types.ts";

/**
 * A test whether a tensor shares memory with any of these, in the logarithm of their number. `together` tells whether two of shared memory lie in the
 * same one: its views differ in their buffers once it has grown.
 */
export function overlapTest(tensors: readonly Tensor[], together: (a: Tensor, b: Tensor) => boolean): (tensor: Tensor) => boolean {
  // A plain buffer belongs to one tensor alone.
  const plain = new Set(tensors.map(({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer));
  const shared = tensors.filter(({ data: { buffer } }) => !(buffer instanceof ArrayBuffer)).sort((a, b) =>
    a.data.byteOffset - b.data.byteOffset
  );
  // The farthest end of those up to each: where it lies before an address, none of them reaches it.
  let end = 0;
  const ends = shared.map(({ data }) => end = Math.max(end, data.byteOffset + data.byteLength));
  return (tensor) => {
    const { buffer, byteOffset, byteLength } = tensor.data;
    if (buffer instanceof ArrayBuffer) return plain.has(buffer);
    let [low, high] = [0, shared.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shared[middle].data.byteOffset < byteOffset + byteLength) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && ends[i] > byteOffset; i--) {
      const { data } = shared[i];
      if (data.byteOffset + data.byteLength > byteOffset && together(shared[i], tensor)) return true;
    }
    return false;
  };
}

/**
 * Tensors' elements where the calling thread reads and writes them itself: the memory of backends js, wasm and threads.
 *
 * @module
 */
import { rawOf } from "../raw.ts";
import { elementTypes } from "../tables/dtypes.ts";
import type { KernelBackend } from "../backend.ts";
import type { DType, Raw, Tensor } from "../types.ts";

/** How elements come to a tensor and leave it again. */
export type HostMemory = Pick<KernelBackend, "upload" | "download" | "fill" | "scatter" | "length" | "same">;

function checkLengths(action: string, tensor: Raw, other: Raw): void {
  if (tensor.length !== other.length || tensor.BYTES_PER_ELEMENT !== other.BYTES_PER_ELEMENT) {
    throw new RangeError(
      `Cannot ${action} a tensor of ${tensor.length} elements of ${tensor.BYTES_PER_ELEMENT} bytes: ` +
        `the array has ${other.length} of ${other.BYTES_PER_ELEMENT}`,
    );
  }
}

const dtypeOf = ({ data, dtype }: Tensor): DType => dtype ?? (data instanceof Float32Array ? "float32" : "float16");

/** A copy each way, and one element for all. */
export const hostMemory: HostMemory = {
  upload(into, from) {
    const raw = rawOf(into.data);
    checkLengths("upload to", raw, from);
    raw.set(from);
  },
  download(from, into) {
    const raw = rawOf(from.data);
    checkLengths("download", raw, into);
    into.set(raw);
  },
  fill(tensor, value) {
    rawOf(tensor.data).fill(elementTypes[dtypeOf(tensor)].narrow(value));
  },
  length: ({ data }) => data.length,
  same: ({ data: a, dtype }, { data: b, dtype: other }) =>
    // The buffer last: an engine may have to make one.
    dtype === other && (a === b || (a.byteOffset === b.byteOffset && a.length === b.length && a.buffer === b.buffer)),
  scatter(into, indices, values) {
    const raw = rawOf(into.data);
    const row = indices.length === 0 ? 0 : values.length / indices.length;
    raw.fill(0);
    for (let i = 0; i < indices.length; i++) {
      const at = indices[i] * row;
      for (let j = 0; j < row; j++) raw[at + j] += values[i * row + j];
    }
  },
};

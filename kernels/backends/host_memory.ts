/**
 * Tensors' elements where the calling thread reads and writes them itself: the memory of backends js, wasm and threads.
 *
 * @module
 */
import { elementTypes } from "../tables/dtypes.ts";
import type { KernelBackend } from "../backend.ts";
import type { DType, Raw, Tensor } from "../types.ts";

/** How elements come to a tensor and leave it again. */
export type HostMemory = Pick<KernelBackend, "upload" | "download" | "fill" | "scatter" | "length" | "same">;

/** 16-bit numbers as patterns, whatever array holds them. */
export const rawElements = ({ data }: Tensor): Raw =>
  data instanceof Float32Array || data instanceof Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.length);

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
    const raw = rawElements(into);
    checkLengths("upload to", raw, from);
    raw.set(from);
  },
  download(from, into) {
    const raw = rawElements(from);
    checkLengths("download", raw, into);
    into.set(raw);
  },
  fill(tensor, value) {
    rawElements(tensor).fill(elementTypes[dtypeOf(tensor)].narrow(value));
  },
  length: ({ data }) => data.length,
  same: ({ data: a, dtype }, { data: b, dtype: other }) =>
    // The buffer last: an engine may have to make one.
    dtype === other && (a === b || (a.byteOffset === b.byteOffset && a.length === b.length && a.buffer === b.buffer)),
  scatter(into, indices, values) {
    const raw = rawElements(into);
    const row = indices.length === 0 ? 0 : values.length / indices.length;
    raw.fill(0);
    for (let i = 0; i < indices.length; i++) {
      const at = indices[i] * row;
      for (let j = 0; j < row; j++) raw[at + j] += values[i * row + j];
    }
  },
};

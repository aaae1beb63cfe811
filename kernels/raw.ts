/**
 * A tensor's elements as kernels know them.
 *
 * @module
 */
import type { Raw, Tensor } from "./types.ts";

/** The elements, 16-bit ones as patterns, whatever array holds them: a view, never a copy. What says where a device has them stays what it is. */
export function rawOf(data: Tensor["data"]): Raw {
  if (!ArrayBuffer.isView(data as unknown)) return data as unknown as Raw;
  return data instanceof Float32Array || data instanceof Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.length);
}

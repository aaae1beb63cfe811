/**
 * 16-bit elements of files as numbers: every value of theirs is one of float32.
 *
 * @module
 */
import type { FileTensor } from "./file_tensors.ts";

/** Elements of 16 bits in float32; undefined for other types. */
export function widened({ data, dtype }: FileTensor): Float32Array | undefined {
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, fromHalf);
  if (dtype !== "bfloat16") return undefined;
  const bits = new Uint32Array(data.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (data[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754's binary16. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

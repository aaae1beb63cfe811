/**
 * Step counts as other libraries save them.
 *
 * @module
 */
import { widenBfloat16, widenFloat16 } from "../../kernels/half.ts";
import { isRecord, show, tagOf } from "../names.ts";

/** Dtypes that a count may have, and the arrays that hold them; PyTorch's is float32, older ones' int64. */
const arrays: Readonly<Record<string, readonly string[]>> = {
  float64: ["Float64Array"],
  float32: ["Float32Array"],
  float16: ["Uint16Array", "Float16Array"],
  bfloat16: ["Uint16Array"],
  int64: ["BigInt64Array"],
  uint64: ["BigUint64Array"],
  int32: ["Int32Array"],
  uint32: ["Uint32Array"],
  int16: ["Int16Array"],
  uint16: ["Uint16Array"],
  int8: ["Int8Array"],
  uint8: ["Uint8Array"],
};

/** A whole number from 0, in any type that holds it exactly. */
export function readCountTensor(key: string, given: unknown): number {
  const { data, shape, dtype } = isRecord(given) ? given as { readonly [key: string]: unknown } : {};
  if (!ArrayBuffer.isView(data)) throw new TypeError(`"${key}" is ${show(given)}, not { data, shape, dtype }`);
  if (typeof dtype !== "string" || !Object.hasOwn(arrays, dtype)) {
    throw new RangeError(`"${key}" is ${show(dtype)}, not float64 nor another type of numbers`);
  }
  if (!Array.isArray(shape) || shape.length > 0) throw new RangeError(`"${key}" has shape ${show(shape)}, not []`);
  const { length, 0: first } = data as unknown as ArrayLike<number | bigint>;
  if (!arrays[dtype].includes(tagOf(data)) || length !== 1) {
    throw new RangeError(`"${key}" needs 1 element of ${dtype}, and ${show(data)} of ${length} does not hold it`);
  }
  const isPattern = tagOf(data) === "Uint16Array";
  const count = isPattern && dtype === "bfloat16"
    ? widenBfloat16(first as number)
    : isPattern && dtype === "float16"
    ? widenFloat16(first as number)
    : Number(first); // beyond 2 ** 53 a bigint is rounded, and refused as all there is beyond
  if (!(Number.isSafeInteger(count) && count >= 0)) throw new RangeError(`"${key}" is ${first}, not a number of steps`);
  return count;
}

/**
 * Element types, one row each. A new one is a name in {@linkcode DType} and `dtype_names.ts`, a row here, its bits in `half.ts`, and one entry in each lowering table of the backends.
 *
 * @module
 */
import { narrowArray, roundBfloat16, roundFloat16, widenArray, widenBfloat16, widenFloat16 } from "../half.ts";
import type { DType } from "../types.ts";

/** What an element type is. */
export interface ElementType {
  /** Bytes of an element. */
  readonly bytes: number;
  /** An array of raw elements: numbers of float32, patterns of 16 bits. */
  raw(buffer: ArrayBufferLike, byteOffset: number, length: number): Float32Array | Uint16Array;
  /** An array of its own. */
  make(length: number): Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  /** The raw element nearest to a number. */
  narrow(x: number): number;
  /** The number that a raw element stands for. */
  widen(raw: number): number;
  /** Raw elements to float32, element by element. */
  widenInto(from: Float32Array | Uint16Array, into: Float32Array): void;
  /** Float32 to the nearest raw elements, element by element. */
  narrowInto(from: Float32Array, into: Float32Array | Uint16Array): void;
}

const half = (
  dtype: "bfloat16" | "float16",
  narrow: (x: number) => number,
  widen: (bits: number) => number,
): ElementType => ({
  bytes: 2,
  raw: (buffer, byteOffset, length) => new Uint16Array(buffer, byteOffset, length),
  make: (length) => new Uint16Array(length),
  narrow,
  widen,
  widenInto: (from, into) => widenArray(dtype, from as Uint16Array, into),
  narrowInto: (from, into) => narrowArray(dtype, from, into as Uint16Array),
});

/** Element types by name. */
export const elementTypes: Readonly<Record<DType, ElementType>> = {
  float32: {
    bytes: 4,
    raw: (buffer, byteOffset, length) => new Float32Array(buffer, byteOffset, length),
    make: (length) => new Float32Array(length),
    narrow: Math.fround,
    widen: (x) => x,
    widenInto: (from, into) => into.set(from),
    narrowInto: (from, into) => into.set(from),
  },
  bfloat16: /* @__PURE__ */ half("bfloat16", roundBfloat16, widenBfloat16),
  float16: /* @__PURE__ */ half("float16", roundFloat16, widenFloat16),
};

/** The number nearest to x that the dtype has. */
export function roundTo(dtype: DType, x: number): number {
  const { narrow, widen } = elementTypes[dtype];
  return widen(narrow(x));
}

/**
 * Tensors as files hold them, of every element type: what a state's tensors are a part of.
 *
 * @module
 */
import type { DType } from "../../core/types.ts";

/**
 * Element types of tensors in files, by PyTorch's names.
 *
 * What JavaScript has no numbers for comes as bits: `bfloat16` and `float16` in a `Uint16Array`, the types of 8 bits in a `Uint8Array` (of `bool`, PyTorch reads
 * any byte but 0 as true), those of 4 and 6 bits packed, as they lie in the file. `complex64` is pairs in a `Float32Array`.
 */
export type FileDType =
  | DType
  | "float64"
  | "bool"
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "uint64"
  | "int64"
  | "complex64"
  | "float8_e5m2"
  | "float8_e4m3fn"
  | "float8_e8m0fnu"
  | "float8_e4m3fnuz"
  | "float8_e5m2fnuz"
  | "float6_e2m3"
  | "float6_e3m2"
  | "float4_e2m1";

/** Arrays that hold them. */
export type FileArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

/** A tensor of any element type; a state's tensors are such. */
export interface FileTensor {
  /** Its elements, row-major. */
  readonly data: FileArray;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: FileDType;
}

/** Named tensors of any element type with string metadata; a state is such a file. */
export interface TensorFile {
  /** Tensors by name. */
  readonly tensors: Readonly<Record<string, FileTensor>>;
  /** Strings by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor whose elements are still where they came from. */
export interface LazyTensor {
  /** Element type. */
  readonly dtype: FileDType;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Bytes that {@linkcode LazyTensor.read} will take. */
  readonly byteLength: number;
  /** Reads this tensor alone, anew each time. */
  read(): Promise<FileTensor>;
}

/** A file whose header was read, and of its tensors nothing yet. */
export interface LazyFile {
  /** Tensors by name. */
  readonly tensors: Readonly<Record<string, LazyTensor>>;
  /** Strings by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What makes an array of elements over bytes. */
export interface FileArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): FileArray;
}

/** Bits of an element, and the array that holds such elements. */
export const fileDTypes: Readonly<Record<FileDType, { readonly bits: number; readonly array: FileArrayConstructor }>> = {
  float32: { bits: 32, array: Float32Array },
  bfloat16: { bits: 16, array: Uint16Array },
  float16: { bits: 16, array: Uint16Array },
  float64: { bits: 64, array: Float64Array },
  bool: { bits: 8, array: Uint8Array },
  uint8: { bits: 8, array: Uint8Array },
  int8: { bits: 8, array: Int8Array },
  uint16: { bits: 16, array: Uint16Array },
  int16: { bits: 16, array: Int16Array },
  uint32: { bits: 32, array: Uint32Array },
  int32: { bits: 32, array: Int32Array },
  uint64: { bits: 64, array: BigUint64Array },
  int64: { bits: 64, array: BigInt64Array },
  complex64: { bits: 64, array: Float32Array },
  float8_e5m2: { bits: 8, array: Uint8Array },
  float8_e4m3fn: { bits: 8, array: Uint8Array },
  float8_e8m0fnu: { bits: 8, array: Uint8Array },
  float8_e4m3fnuz: { bits: 8, array: Uint8Array },
  float8_e5m2fnuz: { bits: 8, array: Uint8Array },
  float6_e2m3: { bits: 6, array: Uint8Array },
  float6_e3m2: { bits: 6, array: Uint8Array },
  float4_e2m1: { bits: 4, array: Uint8Array },
};

/** Elements over bytes: a view of them where they are aligned and not shared, else a copy. */
export function elementsOf(dtype: FileDType, bytes: Uint8Array): FileArray {
  const { array } = fileDTypes[dtype];
  const direct = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 && bytes.buffer instanceof ArrayBuffer;
  const { buffer, byteOffset, byteLength } = direct ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes);
  return new array(buffer, byteOffset, byteLength / array.BYTES_PER_ELEMENT);
}

/** The bytes of elements, as a view. */
export function bytesOfElements(data: FileArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** True where a tensor's array holds elements of its type, as many as its shape has. */
export function isWhole({ data, shape, dtype }: FileTensor): boolean {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0)) return false;
  if (!Object.hasOwn(fileDTypes, dtype) || !(data instanceof fileDTypes[dtype].array)) return false;
  return data.byteLength * 8 === shape.reduce((n, length) => n * length, fileDTypes[dtype].bits);
}

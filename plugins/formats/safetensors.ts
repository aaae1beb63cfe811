/**
 * The safetensors format: named tensors and string metadata in one file, as PyTorch, transformers and others read and write it.
 *
 * Eight bytes of header length, a JSON header, the tensors' bytes without gaps. Files are refused as the `safetensors` package 0.8.0 refuses
 * them, and written with its bytes: larger element types first, then names in the order of their UTF-8, the header filled up to eight bytes.
 * One form is read there and refused here: a length of 2^53 and more, which a number cannot hold, in a tensor that is empty by another length of 0.
 *
 * Whole files: {@linkcode readSafetensors}, {@linkcode writeSafetensors}. Files that memory need not hold: {@linkcode openSafetensors} reads one tensor
 * at a time, {@linkcode streamSafetensors} writes so; {@linkcode openShards} and {@linkcode shardSafetensors} do the same for a model in several files.
 *
 * @example Usage
 * ```ts
 * import { readSafetensors, writeSafetensors } from "@glissade/optim/safetensors";
 *
 * const bytes = writeSafetensors({ tensors: { w: { data: new Float32Array([1, 2]), shape: [2], dtype: "float32" } }, metadata: {} });
 * console.log(readSafetensors(bytes).tensors.w.data);
 * ```
 *
 * @module
 */
import type { Bytes, StateDict } from "../../core/types.ts";
import { bytesOfElements, elementsOf, type FileTensor, type TensorFile } from "./file_tensors.ts";
import { describeTensors, metadataOf, nameOf } from "./described_tensors.ts";
import { headerEnd, namesHere, readHeader, type SafetensorsDType, type SafetensorsLimits, writeHeader } from "./safetensors_header.ts";

export type { FileArray, FileDType, FileTensor, LazyFile, LazyTensor, TensorFile } from "./file_tensors.ts";
export type { SafetensorsDType, SafetensorsLimits } from "./safetensors_header.ts";
export type { AnswerLike, BlobLike, ByteSource, FileHandleLike, FileSource, FsFileLike, HttpFile } from "./byte_sources.ts";
export { openSafetensors } from "./open_safetensors.ts";
export { openShards, type ShardOptions, type Shards, shardSafetensors } from "./safetensors_shards.ts";
export { type ByteStream, type SafetensorsStream, streamSafetensors } from "./stream_safetensors.ts";

/** A tensor as it lies in a file. */
export interface RawTensor {
  /** Element type. */
  readonly dtype: SafetensorsDType;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Its bytes, little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** A whole file. */
export interface SafetensorsFile {
  /** Tensors by name. */
  readonly tensors: Readonly<Record<string, RawTensor>>;
  /** Strings by key; null where the file has none. */
  readonly metadata: Readonly<Record<string, string>> | null;
}

/**
 * Reads a file's tensors. RangeError where the file is broken, before anything of its size is allocated.
 *
 * The arrays are views of `bytes` where that is aligned and not shared, else copies.
 *
 * The type names what a state holds. Tensors of other element types are there too, in arrays of theirs (`dtype: "int64"` in a `BigInt64Array`): no
 * reason to refuse a file, and `loadState` lists them as ignored. {@linkcode readTensors} gives the same with its whole type.
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer, limits?: SafetensorsLimits): StateDict {
  return readTensors(bytes, limits) as StateDict;
}

/** Reads a file's tensors of every element type, like {@linkcode readSafetensors}. */
export function readTensors(bytes: Uint8Array | ArrayBuffer, limits?: SafetensorsLimits): TensorFile {
  const { tensors, metadata } = parseSafetensors(bytes, limits);
  const read = Object.entries(tensors).map(([name, { dtype, shape, bytes }]): [string, FileTensor] => {
    const here = namesHere[dtype];
    return [name, { data: elementsOf(here, bytes), shape, dtype: here }];
  });
  return { tensors: Object.fromEntries(read), metadata: metadata ?? {} };
}

/**
 * Writes a state, or tensors of other element types, as a file, in a plain buffer of its own: shared memory cannot be sent or stored everywhere.
 * TypeError for what is no state, RangeError for a header longer than readers take.
 */
export function writeSafetensors(state: TensorFile): Bytes {
  const { start, order, fileBytes } = writeHeader(describeTensors(state), metadataOf(state));
  return joined(start, order.map((name) => bytesOfElements(state.tensors[name].data)), fileBytes);
}

/** Reads a file with tensors of any type, as bytes. The bytes are views of `bytes`. */
export function parseSafetensors(file: Uint8Array | ArrayBuffer, limits: SafetensorsLimits = {}): SafetensorsFile {
  const bytes = bytesOf(file);
  const begin = headerEnd(bytes, bytes.length, limits);
  const data = bytes.subarray(begin);
  const { infos, metadata } = readHeader(bytes.subarray(8, begin), data.length, limits);
  const tensors = [...infos].map(([name, { dtype, shape, from, to }]) => [name, { dtype, shape, bytes: data.subarray(from, to) }] as const);
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** Writes a file with tensors of any type. */
export function formatSafetensors({ tensors, metadata }: SafetensorsFile): Bytes {
  const described = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) =>
    [name, { dtype, shape, byteLength: bytes.length }] as const
  );
  const { start, order, fileBytes } = writeHeader(Object.fromEntries(described), metadata);
  return joined(start, order.map((name) => tensors[name].bytes), fileBytes);
}

function joined(start: Uint8Array, parts: readonly Uint8Array[], fileBytes: number): Bytes {
  const file = new Uint8Array(fileBytes);
  file.set(start);
  let at = start.length;
  for (const bytes of parts) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function bytesOf(file: unknown): Uint8Array {
  if (file instanceof Uint8Array) return file;
  if (/^(Shared)?ArrayBuffer$/.test(nameOf(file))) return new Uint8Array(file as ArrayBuffer);
  throw new TypeError(`Cannot read ${nameOf(file)} as safetensors: it must be a Uint8Array or an ArrayBuffer`);
}

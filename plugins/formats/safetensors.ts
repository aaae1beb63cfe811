/**
 * The safetensors format: named tensors and string metadata in one file, as PyTorch, transformers and others read and write it.
 *
 * Eight bytes of header length, a JSON header, the tensors' bytes without gaps. Files are refused as the `safetensors` package 0.8.0 refuses
 * them, and written with its bytes: larger element types first, then names in the order of their UTF-8, the header filled up to eight bytes.
 * One form is read there and refused here: a length of 2^53 and more, which a number cannot hold, in a tensor that is empty by another length of 0.
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
import { elementArrays, type StateDType } from "./element_arrays.ts";
import { type Json, parseJson } from "./strict_json.ts";

/** Element types of the format, by the names that stand in files. */
export type SafetensorsDType =
  | "BOOL"
  | "F4"
  | "F6_E2M3"
  | "F6_E3M2"
  | "U8"
  | "I8"
  | "F8_E5M2"
  | "F8_E4M3"
  | "F8_E8M0"
  | "F8_E4M3FNUZ"
  | "F8_E5M2FNUZ"
  | "I16"
  | "U16"
  | "F16"
  | "BF16"
  | "I32"
  | "U32"
  | "F32"
  | "C64"
  | "F64"
  | "I64"
  | "U64";

/** Bits of an element, in the order in which files are laid out, last first. */
const bitsOf: Readonly<Record<SafetensorsDType, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

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

/** What a reader takes at most; for files of strangers. */
export interface SafetensorsLimits {
  /** Bytes of the header; default 100,000,000, the format's own limit. No file is written with more. */
  readonly headerBytes?: number;
  /** Number of tensors; default: any. */
  readonly tensors?: number;
}

const mostHeaderBytes = 100_000_000;

type StateTensor = StateDict["tensors"][string];

const orders = Object.keys(bitsOf) as SafetensorsDType[];
/** What the format calls the element types of a state. */
const namesHere: Readonly<Record<StateDType, SafetensorsDType>> = { float32: "F32", float64: "F64", bfloat16: "BF16", float16: "F16" };
const stateDTypes = Object.keys(namesHere) as StateDType[];

/**
 * Reads a file's tensors of float32, float64, bfloat16 and float16; others are refused by name. RangeError where the file is broken, before
 * anything of its size is allocated.
 *
 * The arrays are views of `bytes` where that is aligned and not shared, else copies.
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer, limits?: SafetensorsLimits): StateDict {
  const { tensors, metadata } = parseSafetensors(bytes, limits);
  const read = Object.entries(tensors).map(([name, { dtype, shape, bytes }]): [string, StateTensor] => {
    const known = stateDTypes.find((one) => namesHere[one] === dtype);
    if (known === undefined) {
      return refuse(`tensor ${JSON.stringify(name)} is ${dtype}: known here are ${Object.values(namesHere).join(", ")}`);
    }
    const array = elementArrays[known];
    const direct = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 && bytes.buffer instanceof ArrayBuffer;
    const { buffer, byteOffset, byteLength } = direct ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes);
    return [name, { data: new array(buffer, byteOffset, byteLength / array.BYTES_PER_ELEMENT), shape, dtype: known }];
  });
  return { tensors: Object.fromEntries(read), metadata: metadata ?? {} };
}

/**
 * Writes a state as a file, in a plain buffer of its own: shared memory cannot be sent or stored everywhere. TypeError for what is no state, RangeError
 * for a header longer than readers take.
 */
export function writeSafetensors(state: StateDict): Bytes {
  const { tensors, metadata } = checkState(state);
  const raw = Object.entries(tensors).map(([name, { data, shape, dtype }]): [string, RawTensor] => {
    if (!Object.hasOwn(namesHere, dtype) || !(data instanceof elementArrays[dtype])) {
      throw new TypeError(`Cannot write tensor ${JSON.stringify(name)} as safetensors: ${data?.constructor?.name} does not hold ${dtype}`);
    }
    return [name, { dtype: namesHere[dtype], shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }];
  });
  const some = Object.keys(metadata).length > 0;
  return formatSafetensors({ tensors: Object.fromEntries(raw), metadata: some ? metadata : null });
}

function checkState(state: unknown): StateDict {
  const { tensors, metadata, saveState } = (state ?? {}) as Partial<StateDict> & { readonly saveState?: unknown };
  if (typeof saveState === "function") {
    throw new TypeError("Cannot write an optimizer, a trainer or an accumulator as safetensors: write its state, which saveState() gives");
  }
  for (const [what, record] of Object.entries({ tensors, metadata })) {
    if (Object.prototype.toString.call(record) === "[object Object]") continue;
    throw new TypeError(`Cannot write a state whose ${what} are ${nameOf(record)} as safetensors: it must be { tensors, metadata }`);
  }
  return state as StateDict;
}

/** Reads a file with tensors of any type, as bytes. The bytes are views of `bytes`. */
export function parseSafetensors(
  file: Uint8Array | ArrayBuffer,
  { headerBytes = mostHeaderBytes, tensors: most = Infinity }: SafetensorsLimits = {},
): SafetensorsFile {
  const bytes = bytesOf(file);
  if (bytes.length < 8) refuse(`it has ${bytes.length} bytes, and its header's length alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(headerBytes)) refuse(`its header claims ${length} bytes, and at most ${headerBytes} are read`);
  const begin = 8 + Number(length);
  if (begin > bytes.length) refuse(`its header claims ${length} bytes, and ${bytes.length - 8} are there`);
  const { infos, metadata } = readHeader(headerText(bytes.subarray(8, begin)), most);
  const data = bytes.subarray(begin);
  let end = 0;
  for (const [name, { from, to, size }] of [...infos].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    if (from !== end || to < from) refuse(`tensor ${JSON.stringify(name)} lies at ${from} to ${to}, and must begin at ${end}`);
    if (to - from !== size) refuse(`tensor ${JSON.stringify(name)} lies at ${from} to ${to}, and its shape takes ${size} bytes`);
    end = to;
  }
  if (end !== data.length) refuse(`its tensors take ${end} bytes, and ${data.length} are there`);
  const tensors = [...infos].map(([name, { dtype, shape, from, to }]) => [name, { dtype, shape, bytes: data.subarray(from, to) }] as const);
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** Writes a file with tensors of any type. */
export function formatSafetensors({ tensors, metadata }: SafetensorsFile): Bytes {
  const text = new TextEncoder();
  // Told by the lengths alone, before anything as long is made.
  const shortest = Object.entries(metadata ?? {}).reduce((sum, [key, value]) => sum + key.length + String(value).length, 0);
  checkHeaderLength(shortest);
  const sorted = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, key: text.encode(name) }))
    .sort((a, b) => orders.indexOf(b.tensor.dtype) - orders.indexOf(a.tensor.dtype) || compareBytes(a.key, b.key));
  const parts: string[] = [];
  if (metadata !== null) {
    const strings = Object.entries(metadata).map(([key, value]) => ({ key: text.encode(key), written: `${quote(key)}:${quote(value)}` }));
    parts.push(`"__metadata__":{${strings.sort((a, b) => compareBytes(a.key, b.key)).map(({ written }) => written)}}`);
  }
  let end = 0;
  for (const { name, tensor: { dtype, shape, bytes } } of sorted) {
    if (name === "__metadata__") {
      throw new RangeError(`Cannot write a tensor named "__metadata__" as safetensors: the format keeps that name`);
    }
    if (sizeOf(name, dtype, shape) !== bytes.length) {
      throw new RangeError(
        `Cannot write tensor ${quote(name)} as safetensors: ${dtype} of shape [${shape}] does not take ${bytes.length} bytes`,
      );
    }
    parts.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${end},${end += bytes.length}]}`);
  }
  const written = text.encode(`{${parts}}`);
  const begin = 8 + Math.ceil(written.length / 8) * 8;
  checkHeaderLength(begin - 8);
  const file = new Uint8Array(begin + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(begin - 8), true);
  file.set(written, 8);
  file.fill(0x20, 8 + written.length, begin);
  let at = begin;
  for (const { tensor: { bytes } } of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function checkHeaderLength(bytes: number): void {
  if (bytes <= mostHeaderBytes) return;
  throw new RangeError(
    `Cannot write safetensors: its header would take ${bytes} bytes or more, and readers take at most ${mostHeaderBytes}`,
  );
}

function bytesOf(file: unknown): Uint8Array {
  if (file instanceof Uint8Array) return file;
  if (/^(Shared)?ArrayBuffer$/.test(nameOf(file))) return new Uint8Array(file as ArrayBuffer);
  throw new TypeError(`Cannot read ${nameOf(file)} as safetensors: it must be a Uint8Array or an ArrayBuffer`);
}

/** `Promise`, `Array`, `undefined`. */
const nameOf = (value: unknown): string =>
  value === undefined || value === null ? String(value) : Object.prototype.toString.call(value).slice(8, -1);

function refuse(why: string): never {
  throw new RangeError(`Cannot read safetensors: ${why}`);
}

function quote(value: unknown): string {
  if (typeof value !== "string" || !value.isWellFormed()) {
    throw new TypeError(`Cannot write ${String(value)} into safetensors: it must be a string`);
  }
  return JSON.stringify(value);
}

interface Info {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
  /** Bytes that dtype and shape take. */
  readonly size: number;
}

function headerText(bytes: Uint8Array): string {
  // TextDecoder refuses shared memory, and here and there a buffer that can grow; a copy of the header is small.
  const plain = new Uint8Array(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    return refuse("its header is not UTF-8");
  }
}

function readHeader(text: string, most: number): { infos: Map<string, Info>; metadata: Record<string, string> | null } {
  let header: Json;
  try {
    header = parseJson(text);
  } catch (error) {
    return refuse(`its header has ${(error as Error).message}`);
  }
  if (header.kind !== "object") return refuse("its header is no object");
  if (header.entries.length > most + 1) refuse(`it has more than ${most} tensors`);
  const infos = new Map<string, Info>();
  let metadata: Record<string, string> | null | undefined;
  for (const [name, value] of header.entries) {
    if (name !== "__metadata__") {
      infos.set(name, readInfo(name, value)); // the last one of a name counts, as in the reference
      continue;
    }
    if (metadata !== undefined) refuse("it has __metadata__ twice");
    metadata = readMetadata(value);
  }
  if (infos.size > most) refuse(`it has more than ${most} tensors`);
  return { infos, metadata: metadata ?? null };
}

function readMetadata(value: Json): Record<string, string> | null {
  if (value.kind === "word" && value.value === null) return null;
  if (value.kind !== "object") return refuse("its __metadata__ is no object");
  return Object.fromEntries(
    value.entries.map(([key, value]) => [key, value.kind === "string" ? value.value : refuse(`__metadata__.${key} is no string`)]),
  );
}

/** The fields of a tensor, in the order in which a list may hold them. */
const fields = ["dtype", "shape", "data_offsets"];

function readInfo(name: string, value: Json): Info {
  const what = `tensor ${JSON.stringify(name.slice(0, 100))}`;
  if (value.kind === "array" && value.items.length !== fields.length) {
    refuse(`${what} is described by a list of ${value.items.length}, not 3`);
  }
  const entries = value.kind === "object"
    ? value.entries
    : value.kind === "array"
    ? value.items.map((item, i) => [fields[i], item] as const)
    : refuse(`${what} is described neither by an object nor by a list`);
  const field = (key: string): Json => {
    const found = entries.filter(([name]) => name === key);
    return found.length === 1 ? found[0][1] : refuse(`${what} has ${key} ${found.length === 0 ? "not at all" : "more than once"}`);
  };
  const dtype = dtypeOf(field("dtype"));
  if (dtype === undefined || !Object.hasOwn(bitsOf, dtype)) return refuse(`${what} has an unknown dtype: known are ${orders.join(", ")}`);
  const integers = (key: string): number[] => {
    const list = field(key);
    if (list.kind !== "array") return refuse(`${what} has ${key} that is no list`);
    return list.items.map((item) => {
      const number = item.kind === "number" && /^\d+$/.test(item.text) ? Number(item.text) : NaN;
      return Number.isSafeInteger(number) ? number : refuse(`${what} has ${key} that are no integers from 0`);
    });
  };
  const shape = integers("shape");
  const offsets = integers("data_offsets");
  if (offsets.length !== 2) refuse(`${what} has ${offsets.length} data_offsets, not 2`);
  const known = dtype as SafetensorsDType;
  return { dtype: known, shape, from: offsets[0], to: offsets[1], size: sizeOf(name, known, shape) };
}

/** `"F32"`, or as the package reads it, too, `{"F32": null}`. */
function dtypeOf(value: Json): string | undefined {
  if (value.kind === "string") return value.value;
  if (value.kind !== "object" || value.entries.length !== 1) return undefined;
  const [[name, inside]] = value.entries;
  return inside.kind === "word" && inside.value === null ? name : undefined;
}

function sizeOf(name: string, dtype: SafetensorsDType, shape: readonly number[]): number {
  let bits: number = bitsOf[dtype];
  let least = bits; // before a length of 0 makes it nothing
  for (const length of shape) {
    bits *= length;
    least = Math.max(least, bits);
  }
  // Past 2^53 a product is not exact any more; no file is as large. The package counts elements in 64 bits, also on the way to 0.
  if (!Number.isSafeInteger(bits) || bits < 0 || least >= bitsOf[dtype] * 2 ** 64) {
    throw new RangeError(`Cannot use tensor ${JSON.stringify(name)} of shape [${shape}]: it is too large`);
  }
  if (bits % 8 !== 0) {
    throw new RangeError(`Cannot use tensor ${JSON.stringify(name)} of shape [${shape}]: its ${dtype} do not fill whole bytes`);
  }
  return bits / 8;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/**
 * The header of safetensors files: which tensors lie where.
 *
 * @module
 */
import { type FileDType, fileDTypes } from "./file_tensors.ts";
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

/** What they are called here, in the order in which files are laid out, last first. */
export const namesHere: Readonly<Record<SafetensorsDType, FileDType>> = {
  BOOL: "bool",
  F4: "float4_e2m1",
  F6_E2M3: "float6_e2m3",
  F6_E3M2: "float6_e3m2",
  U8: "uint8",
  I8: "int8",
  F8_E5M2: "float8_e5m2",
  F8_E4M3: "float8_e4m3fn",
  F8_E8M0: "float8_e8m0fnu",
  F8_E4M3FNUZ: "float8_e4m3fnuz",
  F8_E5M2FNUZ: "float8_e5m2fnuz",
  I16: "int16",
  U16: "uint16",
  F16: "float16",
  BF16: "bfloat16",
  I32: "int32",
  U32: "uint32",
  F32: "float32",
  C64: "complex64",
  F64: "float64",
  I64: "int64",
  U64: "uint64",
};

/** The types in that order. */
const orders = /* @__PURE__ */ Object.keys(namesHere) as readonly SafetensorsDType[];

/** What the format calls an element type; undefined for what is none. */
export function nameThere(dtype: string): SafetensorsDType | undefined {
  return orders.find((name) => namesHere[name] === dtype);
}

/** What a reader takes at most; for files of strangers. */
export interface SafetensorsLimits {
  /** Bytes of the header; default 100,000,000, the format's own limit. No file is written with more. */
  readonly headerBytes?: number;
  /** Number of tensors; default: any. */
  readonly tensors?: number;
}

/** The format's own limit. */
export const mostHeaderBytes = 100_000_000;

/** Where a tensor lies, from the end of the header. */
export interface Info {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** What a header says. */
export interface Header {
  readonly infos: ReadonlyMap<string, Info>;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** Refuses a file. */
export function refuse(why: string): never {
  throw new RangeError(`Cannot read safetensors: ${why}`);
}

/** Where the header ends, from the first eight bytes of a file of so many. */
export function headerEnd(start: Uint8Array, fileBytes: number, { headerBytes = mostHeaderBytes }: SafetensorsLimits): number {
  if (fileBytes < 8) refuse(`it has ${fileBytes} bytes, and its header's length alone takes 8`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(headerBytes)) refuse(`its header claims ${length} bytes, and at most ${headerBytes} are read`);
  const end = 8 + Number(length);
  if (end > fileBytes) refuse(`its header claims ${length} bytes, and ${fileBytes - 8} are there`);
  return end;
}

/** Reads the bytes of a header before `dataBytes` bytes of tensors, which these must fill without gaps. */
export function readHeader(bytes: Uint8Array, dataBytes: number, { tensors: most = Infinity }: SafetensorsLimits): Header {
  const header = parseHeader(headerText(bytes), most);
  let end = 0;
  for (const [name, { from, to, size }] of [...header.infos].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    if (from !== end || to < from) refuse(`tensor ${JSON.stringify(name)} lies at ${from} to ${to}, and must begin at ${end}`);
    if (to - from !== size) refuse(`tensor ${JSON.stringify(name)} lies at ${from} to ${to}, and its shape takes ${size} bytes`);
    end = to;
  }
  if (end !== dataBytes) refuse(`its tensors take ${end} bytes, and ${dataBytes} are there`);
  return header;
}

/** A tensor as a header describes it, before it has a place. */
export interface Described {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** The start of a file: its header with the length before it; the names in the order of their tensors; and the bytes of the whole. */
export function writeHeader(
  tensors: Readonly<Record<string, Described>>,
  metadata: Readonly<Record<string, string>> | null,
): { readonly start: Uint8Array<ArrayBuffer>; readonly order: readonly string[]; readonly fileBytes: number } {
  const { order, dataBytes, startOf } = layOutTensors(tensors);
  const start = startOf(metadata);
  return { start, order, fileBytes: start.length + dataBytes };
}

/** Where tensors lie in a file. */
export interface TensorsLaidOut {
  /** Their names, in the order in which they lie. */
  readonly order: readonly string[];
  /** Bytes of all. */
  readonly dataBytes: number;
  /** The start of a file of them: its header with the length before it. */
  startOf(metadata: Readonly<Record<string, string>> | null): Uint8Array<ArrayBuffer>;
}

const text = /* @__PURE__ */ new TextEncoder();

/** Lays out tensors, for files that differ in their metadata. */
export function layOutTensors(tensors: Readonly<Record<string, Described>>): TensorsLaidOut {
  const sorted = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, key: text.encode(name) }))
    .sort((a, b) => orders.indexOf(b.tensor.dtype) - orders.indexOf(a.tensor.dtype) || compareBytes(a.key, b.key));
  const parts: string[] = [];
  let end = 0;
  for (const { name, tensor: { dtype, shape, byteLength } } of sorted) {
    if (name === "__metadata__") {
      throw new RangeError(`Cannot write a tensor named "__metadata__" as safetensors: the format keeps that name`);
    }
    if (sizeOf(name, dtype, shape) !== byteLength) {
      throw new RangeError(
        `Cannot write tensor ${quote(name)} as safetensors: ${dtype} of shape [${shape}] does not take ${byteLength} bytes`,
      );
    }
    parts.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${end},${end += byteLength}]}`);
  }
  const described = parts.join();
  return { order: sorted.map(({ name }) => name), dataBytes: end, startOf: (metadata) => writeStart(metadata, described) };
}

function writeStart(metadata: Readonly<Record<string, string>> | null, described: string): Uint8Array<ArrayBuffer> {
  // Told by the lengths alone, before anything as long is made.
  const shortest = Object.entries(metadata ?? {}).reduce((sum, [key, value]) => sum + key.length + String(value).length, described.length);
  checkHeaderLength(shortest);
  const parts = described === "" ? [] : [described];
  if (metadata !== null) {
    const strings = Object.entries(metadata).map(([key, value]) => ({ key: text.encode(key), written: `${quote(key)}:${quote(value)}` }));
    parts.unshift(`"__metadata__":{${strings.sort((a, b) => compareBytes(a.key, b.key)).map(({ written }) => written)}}`);
  }
  const written = text.encode(`{${parts}}`);
  const begin = 8 + Math.ceil(written.length / 8) * 8;
  checkHeaderLength(begin - 8);
  const start = new Uint8Array(begin);
  new DataView(start.buffer).setBigUint64(0, BigInt(begin - 8), true);
  start.set(written, 8);
  start.fill(0x20, 8 + written.length, begin);
  return start;
}

function checkHeaderLength(bytes: number): void {
  if (bytes <= mostHeaderBytes) return;
  throw new RangeError(
    `Cannot write safetensors: its header would take ${bytes} bytes or more, and readers take at most ${mostHeaderBytes}`,
  );
}

function quote(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`Cannot write ${String(value)} into safetensors: it must be a string`);
  if (!value.isWellFormed()) throw new TypeError(`Cannot write ${JSON.stringify(value)} into safetensors: it has half a surrogate pair`);
  return JSON.stringify(value);
}

interface SizedInfo extends Info {
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

function parseHeader(text: string, most: number): { infos: Map<string, SizedInfo>; metadata: Record<string, string> | null } {
  let header: Json;
  try {
    header = parseJson(text);
  } catch (error) {
    return refuse(`its header has ${(error as Error).message}`);
  }
  if (header.kind !== "object") return refuse("its header is no object");
  if (header.entries.length > most + 1) refuse(`it has more than ${most} tensors`);
  const infos = new Map<string, SizedInfo>();
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

function readInfo(name: string, value: Json): SizedInfo {
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
  if (dtype === undefined || !Object.hasOwn(namesHere, dtype)) {
    return refuse(`${what} has an unknown dtype: known are ${orders.join(", ")}`);
  }
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
  const each = fileDTypes[namesHere[dtype]].bits;
  let bits = each;
  let least = bits; // before a length of 0 makes it nothing
  for (const length of shape) {
    bits *= length;
    least = Math.max(least, bits);
  }
  // Past 2^53 a product is not exact any more; no file is as large. The package counts elements in 64 bits, also on the way to 0.
  if (!Number.isSafeInteger(bits) || bits < 0 || least >= each * 2 ** 64) {
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

/**
 * Tensors on a device: where they lie, which of the caller's may be used, and what is copied there.
 *
 * A tensor's `data` says here where its elements lie, and holds none. There is one for each range of a buffer, so that two tensors over the same elements
 * have the same.
 *
 * @module
 */
import { checkedDType, checkedShape } from "../../extent.ts";
import { memoryError, showBytes } from "../../memory_error.ts";
import { dtypes } from "../../tables/dtype_names.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import type { DType, Raw, Tensor } from "../../types.ts";
import { type Buffer, type Device, type Encoder, usage } from "./device.ts";

/** Where a tensor's elements lie. */
export interface DeviceData {
  /** Of memory of the backend's own it is made when it is first asked for: gradients that nobody writes cost nothing. */
  readonly buffer: Buffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Elements. */
  readonly length: number;
}

/** A tensor on a device. */
export interface OnDevice {
  readonly data: DeviceData;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What a device's memory is made of. */
export interface DeviceMemory {
  readonly device: Device;
  /** Ranges of buffers, by `offset length bytes`. */
  readonly known: WeakMap<Buffer, Map<string, DeviceData>>;
  readonly ours: WeakSet<object>;
  /** Buffers that were made here and live. */
  readonly made: Map<DeviceData, Buffer | null>;
  /** Copies between buffers that wait for the next command buffer. */
  readonly waiting: { readonly from: DeviceData; readonly into: DeviceData }[];
  /** Bytes of `made`. */
  allocated: number;
}

/** Nothing yet. */
export function createDeviceMemory(device: Device): DeviceMemory {
  return { device, known: new WeakMap(), ours: new WeakSet(), made: new Map(), waiting: [], allocated: 0 };
}

/** A tensor of core's, which has it behind the type of one with elements. */
export const onDevice = (tensor: Tensor): OnDevice => tensor as unknown as OnDevice;

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

/** Whole words: kernels and copies touch no less. */
export const wordBytes = (bytes: number): number => Math.ceil(bytes / 4) * 4;

const show = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : Array.isArray(value)
    ? `[${value}]`
    : typeof value === "object"
    ? "an object"
    : String(value);

// ---- the backend's own

/** Memory of the backend's own, with a buffer as soon as it is used. */
export function reserveOne(memory: DeviceMemory, shape: readonly number[], dtype: DType): OnDevice {
  const length = sizeOf(shape);
  const byteLength = length * elementTypes[dtype].bytes;
  checkBytes(memory, byteLength);
  const data: DeviceData = {
    get buffer() {
      return memory.made.get(data) ?? openBuffer(memory, data);
    },
    byteOffset: 0,
    byteLength,
    length,
  };
  memory.ours.add(data);
  memory.made.set(data, null);
  return { data, shape, dtype };
}

function openBuffer(memory: DeviceMemory, data: DeviceData): Buffer {
  if (!memory.made.has(data)) throw new TypeError("Cannot use a tensor of a disposed optimizer or backend");
  // A buffer of no bytes cannot be bound.
  const size = Math.max(4, wordBytes(data.byteLength));
  const buffer = memory.device.createBuffer({ size, usage: usage.storage | usage.copySrc | usage.copyDst, label: "glissade" });
  memory.made.set(data, buffer);
  memory.allocated += data.byteLength;
  remember(memory, buffer, data);
  return buffer;
}

/** Gives a buffer back. */
export function releaseOne(memory: DeviceMemory, data: DeviceData): void {
  const buffer = memory.made.get(data);
  if (buffer === undefined) return;
  // Before it goes, what waits to be copied from it must be.
  if (memory.waiting.some(({ from, into }) => from === data || into === data)) flush(memory);
  memory.made.delete(data);
  if (buffer === null) return;
  memory.allocated -= data.byteLength;
  buffer.destroy();
}

/** Gives all buffers back. */
export function endMemory(memory: DeviceMemory): void {
  for (const buffer of memory.made.values()) buffer?.destroy();
  memory.made.clear();
  memory.waiting.length = 0;
  memory.allocated = 0;
}

function checkBytes({ device: { limits } }: DeviceMemory, bytes: number): void {
  const most = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  if (!(bytes <= most)) throw memoryError(`Cannot allocate ${showBytes(bytes)}: this device binds ${showBytes(most)} at once`);
}

/** Checked as `allocate` of other backends does. */
export function allocateOne(memory: DeviceMemory, shape: number | readonly number[], dtype: DType = "float32"): OnDevice {
  return reserveOne(memory, checkedShape(shape), checkedDType(dtype));
}

// ---- the caller's

function remember({ known }: DeviceMemory, buffer: Buffer, data: DeviceData): void {
  let ranges = known.get(buffer);
  if (ranges === undefined) known.set(buffer, ranges = new Map());
  ranges.set(keyOf(data.byteOffset, data.length, data.byteLength), data);
}

const keyOf = (offset: number, length: number, bytes: number): string => `${offset} ${length} ${bytes}`;

const keys = ["buffer", "offset", "shape", "dtype"];

/** A caller's tensor, checked as far as can be known here; null for what does not look like one. */
export function claim(memory: DeviceMemory, what: string, like: unknown): OnDevice | null {
  if (typeof like !== "object" || like === null || ArrayBuffer.isView(like)) return null;
  const given = like as { readonly data?: unknown; buffer?: unknown; offset?: unknown; shape?: unknown; dtype?: unknown };
  if (given.data !== undefined && memory.ours.has(given.data as object)) return given as unknown as OnDevice;
  if (!("buffer" in given)) return null;
  const prototype = Object.getPrototypeOf(like);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) {
    const wrong = Object.keys(like).find((key) => !keys.includes(key));
    if (wrong !== undefined) throw new TypeError(`Cannot use ${what} with ${JSON.stringify(wrong)}: known are ${keys.join(", ")}`);
  }
  const { buffer, offset = 0, shape, dtype = "float32" } = given;
  if (!isBuffer(buffer)) throw new TypeError(`Cannot use ${what}: its buffer is ${show(buffer)}, not a GPUBuffer`);
  if (!Array.isArray(shape)) throw new TypeError(`Cannot use ${what} of shape ${show(shape)}: a shape is an array of lengths`);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot use ${what} of shape ${show(shape)}: lengths are integers from 0`);
  }
  if (!dtypes.includes(dtype as DType)) throw new RangeError(`Cannot use ${what} of dtype ${show(dtype)}: known are ${dtypes.join(", ")}`);
  if (typeof offset !== "number") throw new TypeError(`Cannot use ${what} at offset ${show(offset)}: it is a number of bytes`);
  if (!(Number.isSafeInteger(offset) && offset >= 0 && offset % 4 === 0)) {
    throw new RangeError(`Cannot use ${what} at offset ${offset}: it is a multiple of 4, from 0`);
  }
  const length = sizeOf(shape);
  const byteLength = length * elementTypes[dtype as DType].bytes;
  if (offset + wordBytes(byteLength) > buffer.size) {
    throw new RangeError(
      `Cannot use ${what} of shape ${show(shape)}: its ${byteLength} bytes from ${offset} on do not fit into a buffer of ${buffer.size}`,
    );
  }
  if ((buffer.usage & usage.storage) === 0) throw new RangeError(`Cannot use ${what}: its buffer has no usage STORAGE`);
  if (buffer.mapState !== undefined && buffer.mapState !== "unmapped") {
    throw new RangeError(`Cannot use ${what}: its buffer is mapped; unmap it first`);
  }
  checkBytes(memory, byteLength);
  const dims = Object.freeze([...shape]) as readonly number[];
  return { data: rangeOf(memory, buffer, offset, length, byteLength), shape: dims, dtype: dtype as DType };
}

/** Refuses a caller's tensor whose buffer cannot be copied from, or to; the backend's own can. */
export function checkCopied(memory: DeviceMemory, what: string, { data }: OnDevice, needed: "COPY_SRC" | "COPY_DST", why: string): void {
  if (!memory.ours.has(data) || memory.made.has(data)) return;
  const flag = needed === "COPY_SRC" ? usage.copySrc : usage.copyDst;
  if ((data.buffer.usage & flag) === 0) throw new RangeError(`Cannot use ${what}: its buffer has no usage ${needed}, ${why}`);
}

function rangeOf(memory: DeviceMemory, buffer: Buffer, byteOffset: number, length: number, byteLength: number): DeviceData {
  const there = memory.known.get(buffer)?.get(keyOf(byteOffset, length, byteLength));
  if (there !== undefined) return there;
  const data: DeviceData = { buffer, byteOffset, byteLength, length };
  memory.ours.add(data);
  remember(memory, buffer, data);
  return data;
}

// Not by `instanceof`: a browser's frames and Node's packages each have a class of their own.
function isBuffer(value: unknown): value is Buffer {
  const { size, usage, destroy } = (value ?? {}) as Partial<Buffer>;
  return typeof size === "number" && typeof usage === "number" && typeof destroy === "function";
}

/** A test whether a tensor shares memory with any of these. */
export function overlapTest({ made }: DeviceMemory, tensors: readonly OnDevice[]): (tensor: OnDevice) => boolean {
  // What has no buffer yet is nobody else's.
  const bufferOf = (data: DeviceData): Buffer | null => made.has(data) ? made.get(data)! : data.buffer;
  const own = new Set<object>(tensors.map(({ data }) => data));
  return ({ data }) => {
    if (own.has(data)) return true;
    const buffer = bufferOf(data);
    return buffer !== null &&
      tensors.some(({ data: other }) =>
        bufferOf(other) === buffer && other.byteOffset < data.byteOffset + data.byteLength &&
        data.byteOffset < other.byteOffset + other.byteLength
      );
  };
}

// ---- copies

/** Writes a tensor's elements: from an array at once, from another tensor with the next command buffer. */
export function upload(memory: DeviceMemory, { data: into }: OnDevice, from: Raw | DeviceData): void {
  if (from.length !== into.length || from.byteLength !== into.byteLength) {
    throw new RangeError(
      `Cannot upload to a tensor of ${into.length} elements in ${into.byteLength} bytes: there are ${from.length} in ${from.byteLength}`,
    );
  }
  if (into.length === 0) return;
  if (!ArrayBuffer.isView(from)) {
    memory.waiting.push({ from, into });
    return;
  }
  // Only what touches the same buffer must come before: a copy that the device refuses is refused together with the run that it belongs to.
  const { buffer } = into;
  if (memory.waiting.some((copy) => copy.from.buffer === buffer || copy.into.buffer === buffer)) flush(memory);
  memory.device.queue.writeBuffer(buffer, into.byteOffset, wholeWords(from));
}

/** Elements as whole words of memory of their own: what a queue takes in every runtime. */
function wholeWords(raw: Raw): Raw {
  if (raw.byteLength % 4 === 0) return raw.buffer instanceof ArrayBuffer ? raw : raw.slice();
  const words = new Uint16Array(raw.length + 1);
  words.set(raw);
  return words;
}

/** Encodes the copies that wait. */
export function encodeWaiting({ waiting, device }: DeviceMemory, encoder: Encoder): void {
  for (const { from, into } of waiting.splice(0)) {
    const bytes = wordBytes(into.byteLength);
    if (from.buffer !== into.buffer) {
      encoder.copyBufferToBuffer(from.buffer, from.byteOffset, into.buffer, into.byteOffset, bytes);
      continue;
    }
    // WebGPU copies within no buffer.
    const between = device.createBuffer({ size: bytes, usage: usage.copySrc | usage.copyDst });
    encoder.copyBufferToBuffer(from.buffer, from.byteOffset, between, 0, bytes);
    encoder.copyBufferToBuffer(between, 0, into.buffer, into.byteOffset, bytes);
  }
}

/** Submits the copies that wait, so that what is written next comes after them. */
export function flush(memory: DeviceMemory): void {
  if (memory.waiting.length === 0) return;
  const encoder = memory.device.createCommandEncoder();
  encodeWaiting(memory, encoder);
  memory.device.queue.submit([encoder.finish()]);
}

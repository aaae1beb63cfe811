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
  /** Where what was made here and lives has its elements; null: nowhere yet. */
  readonly made: Map<DeviceData, Lying | null>;
  /** Buffers that several small tensors share. */
  readonly blocks: Block[];
  /** Copies between buffers that wait for the next command buffer. */
  readonly waiting: { readonly from: DeviceData; readonly into: DeviceData }[];
  /** Bytes of `made`. */
  allocated: number;
  /** How often something of `made` was given its place. */
  opened: number;
}

/** A range of a buffer; of one that others share, or of its own. */
interface Lying {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly block: Block | null;
}

/** A buffer that several tensors share. */
interface Block {
  readonly buffer: Buffer;
  /** From here on nothing was ever written. */
  top: number;
  /** Below: ranges that were given back, in order. */
  free: { readonly at: number; readonly size: number }[];
  tensors: number;
}

/** Nothing yet. */
export function createDeviceMemory(device: Device): DeviceMemory {
  return { device, known: new WeakMap(), ours: new WeakSet(), made: new Map(), blocks: [], waiting: [], allocated: 0, opened: 0 };
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

/** Memory of the backend's own, with a buffer as soon as it is used; `isShared`: perhaps one with others. */
export function reserveOne(memory: DeviceMemory, shape: readonly number[], dtype: DType, isShared = true): OnDevice {
  const length = sizeOf(shape);
  const byteLength = length * elementTypes[dtype].bytes;
  checkBytes(memory, byteLength);
  const lying = (): Lying => memory.made.get(data) ?? open(memory, data, isShared);
  const data: DeviceData = {
    get buffer() {
      return lying().buffer;
    },
    get byteOffset() {
      return lying().offset;
    },
    byteLength,
    length,
  };
  memory.ours.add(data);
  memory.made.set(data, null);
  return { data, shape, dtype };
}

// Small tensors share buffers: those that lie in the same ones are stepped by one dispatch, where each else costs the host some microseconds and the device a
// gap. What is larger than `mostOfBlock` has a buffer of its own. A block is as large as all that was taken before, so that few are made and little is empty.
const leastBlock = 2 ** 20;
const mostBlock = 2 ** 26;
const mostOfBlock = 2 ** 23;
const step = 16;

/** Bytes that a tensor takes of a block. */
const roomOf = ({ byteLength }: DeviceData): number => Math.max(step, Math.ceil(byteLength / step) * step);

function open(memory: DeviceMemory, data: DeviceData, isShared: boolean): Lying {
  if (!memory.made.has(data)) throw new TypeError("Cannot use a tensor of a disposed optimizer or backend");
  // A buffer of no bytes cannot be bound.
  const lying = isShared && data.byteLength <= mostOfBlock
    ? placeInBlock(memory, roomOf(data))
    : { buffer: bufferOf(memory, Math.max(4, wordBytes(data.byteLength))), offset: 0, block: null };
  memory.made.set(data, lying);
  memory.opened++;
  memory.allocated += data.byteLength;
  remember(memory, lying.buffer, data);
  return lying;
}

const bufferOf = ({ device }: DeviceMemory, size: number): Buffer =>
  device.createBuffer({ size, usage: usage.storage | usage.copySrc | usage.copyDst, label: "glissade" });

function placeInBlock(memory: DeviceMemory, size: number): Lying {
  const { device, blocks } = memory;
  for (const block of blocks) {
    const index = block.free.findIndex((range) => range.size >= size);
    if (index >= 0) {
      const { at, size: there } = block.free[index];
      block.free.splice(index, 1, ...there > size ? [{ at: at + size, size: there - size }] : []);
      // What lay there is not zero.
      device.queue.writeBuffer(block.buffer, at, new Uint8Array(size));
      block.tensors++;
      return { buffer: block.buffer, offset: at, block };
    }
  }
  let block = blocks.find(({ buffer, top }) => top + size <= buffer.size);
  if (block === undefined) {
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const most = Math.min(mostBlock, maxBufferSize, maxStorageBufferBindingSize);
    const wanted = Math.min(most, Math.max(leastBlock, memory.allocated));
    blocks.push(block = { buffer: bufferOf(memory, Math.max(size, Math.floor(wanted / step) * step)), top: 0, free: [], tensors: 0 });
  }
  const offset = block.top;
  block.top += size;
  block.tensors++;
  return { buffer: block.buffer, offset, block };
}

/** Gives memory back. */
export function releaseOne(memory: DeviceMemory, data: DeviceData): void {
  const lying = memory.made.get(data);
  if (lying === undefined) return;
  // Before it goes, what waits to be copied from it must be.
  if (memory.waiting.some(({ from, into }) => from === data || into === data)) flush(memory);
  memory.made.delete(data);
  if (lying === null) return;
  const { buffer, offset, block } = lying;
  memory.allocated -= data.byteLength;
  memory.known.get(buffer)?.delete(keyOf(offset, data.length, data.byteLength));
  if (block !== null && --block.tensors > 0) {
    putBack(block, offset, roomOf(data));
    return;
  }
  if (block !== null) memory.blocks.splice(memory.blocks.indexOf(block), 1);
  buffer.destroy();
}

/** A range is free again, joined with free ones beside it. */
function putBack(block: Block, at: number, size: number): void {
  const { free } = block;
  let index = free.findIndex((range) => range.at > at);
  if (index < 0) index = free.length;
  const before = free[index - 1];
  const after = free[index];
  const from = before !== undefined && before.at + before.size === at ? before.at : at;
  const to = after !== undefined && after.at === at + size ? after.at + after.size : at + size;
  free.splice(from < at ? index - 1 : index, (from < at ? 1 : 0) + (to > at + size ? 1 : 0), { at: from, size: to - from });
}

/** Gives all buffers back. */
export function endMemory(memory: DeviceMemory): void {
  for (const lying of memory.made.values()) lying?.buffer.destroy();
  memory.made.clear();
  memory.blocks.length = 0;
  memory.waiting.length = 0;
  memory.allocated = 0;
}

function checkBytes({ device: { limits } }: DeviceMemory, bytes: number): void {
  const most = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  if (!(bytes <= most)) throw memoryError(`Cannot allocate ${showBytes(bytes)}: this device binds ${showBytes(most)} at once`);
}

/** Checked as `allocate` of other backends does. */
export function allocateOne(memory: DeviceMemory, shape: number | readonly number[], dtype: DType = "float32"): OnDevice {
  // Callers may destroy it, or hand it to whoever takes whole buffers.
  return reserveOne(memory, checkedShape(shape), checkedDType(dtype), false);
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
  return { data: dataOf(memory, buffer, offset, length, byteLength), shape: dims, dtype: dtype as DType };
}

/** Refuses a caller's tensor whose buffer cannot be copied from, or to; the backend's own can. */
export function checkCopied(memory: DeviceMemory, what: string, { data }: OnDevice, needed: "COPY_SRC" | "COPY_DST", why: string): void {
  if (!memory.ours.has(data) || memory.made.has(data)) return;
  const flag = needed === "COPY_SRC" ? usage.copySrc : usage.copyDst;
  if ((data.buffer.usage & flag) === 0) throw new RangeError(`Cannot use ${what}: its buffer has no usage ${needed}, ${why}`);
}

function dataOf(memory: DeviceMemory, buffer: Buffer, byteOffset: number, length: number, byteLength: number): DeviceData {
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
export function overlapTest(memory: DeviceMemory, tensors: readonly OnDevice[]): (tensor: OnDevice) => boolean {
  const { made } = memory;
  const own = new Set<object>(tensors.map(({ data }) => data));
  // What has no buffer yet is nobody else's. A search for each of 10,000 gradients among all tensors took ten seconds.
  let ranges = new Map<Buffer, Ranges>();
  let opened = -1;
  return ({ data }) => {
    if (own.has(data)) return true;
    if (made.get(data) === null) return false;
    if (opened !== memory.opened) {
      ranges = rangesOf(tensors.map(({ data }) => data).filter((data) => made.get(data) !== null));
      opened = memory.opened;
    }
    const inside = ranges.get(data.buffer);
    if (inside === undefined) return false;
    // Of those that begin before this one's end the one that ends last.
    let [low, high] = [0, inside.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (inside.starts[middle] < data.byteOffset + data.byteLength) low = middle + 1;
      else high = middle;
    }
    return low > 0 && inside.ends[low - 1] > data.byteOffset;
  };
}

/** Ranges of a buffer, in order: where each begins, and the last end of it and all before. */
interface Ranges {
  readonly starts: number[];
  readonly ends: number[];
}

function rangesOf(all: readonly DeviceData[]): Map<Buffer, Ranges> {
  const ranges = new Map<Buffer, Ranges>();
  const inOrder = all.map(({ buffer, byteOffset, byteLength }) => ({ buffer, start: byteOffset, end: byteOffset + byteLength }))
    .sort((a, b) => a.start - b.start);
  for (const { buffer, start, end } of inOrder) {
    let inside = ranges.get(buffer);
    if (inside === undefined) ranges.set(buffer, inside = { starts: [], ends: [] });
    inside.starts.push(start);
    inside.ends.push(Math.max(end, inside.ends.at(-1) ?? 0));
  }
  return ranges;
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
  // Only what touches the same words must come before: a copy that the device refuses is refused together with the run that it belongs to.
  if (memory.waiting.some((copy) => shareWords(copy.from, into) || shareWords(copy.into, into))) flush(memory);
  memory.device.queue.writeBuffer(into.buffer, into.byteOffset, wholeWords(from));
}

/** Whether two ranges have words in common. */
const shareWords = (a: DeviceData, b: DeviceData): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + wordBytes(b.byteLength) && b.byteOffset < a.byteOffset + wordBytes(a.byteLength);

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

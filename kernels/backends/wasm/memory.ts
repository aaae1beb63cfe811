/**
 * A backend's memory: which arenas it has, and which tensors and scratch lie where.
 *
 * @module
 */
import { checkedDType, checkedShape } from "../../extent.ts";
import { isMemoryError, memoryError, showBytes } from "../../memory_error.ts";
import type { Region } from "../../plan/job.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import type { DType, Tensor } from "../../types.ts";
import {
  type Arena,
  type Block,
  cost,
  give,
  isEmpty,
  mostArenaBytes,
  mostTensorBytes,
  openArena,
  ordinaryArrays,
  room,
  spare,
  take,
} from "./arena.ts";
import { mostApart } from "./placement.ts";

/** The memory of one backend. */
export interface Memory {
  /** Bytes that an arena may have. */
  readonly limit: number;
  /** In the order in which they were opened. */
  readonly arenas: Arena[];
  /** The first one, where other backends have their memory too; null for a backend whose arenas have a size of their own. */
  readonly common: Arena | null;
  /** Tensors handed out, by their data. */
  readonly tensors: Map<object, Block>;
  readonly scratch: Set<Block>;
  /** Addresses of the latest tensors of `allocate`, from which the next one lies apart. */
  latest: readonly number[];
  /** Bytes of tensors, of those in the common arena, and of scratch. */
  allocated: number;
  inCommon: number;
  scratched: number;
  /** Told of every arena. */
  readonly opened: (arena: Arena) => void;
}

/** Shape and element type of a tensor to be. */
export interface Wanted {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The share of an arena that tensors of `allocate` may take; the rest is for gradients and slots beside them. */
const shareForParameters = 1 / 8;

// ---- the common arena

// Small backends share an arena: in JavaScriptCore every memory after the fourth that lives costs a full collection of the heap, 14 to 37 ms each
// where a thousand optimizers live, and each reserves 4 GiB of addresses. It is held weakly: it goes with the last of its backends and their tensors.
let common: WeakRef<Arena> | undefined;

// What a backend has there stays taken as long as any of the others lives, unless it is released tensor by tensor, since views may outlive a backend.
// Hence only small tensors go there, a few megabytes a backend, and a fuller arena takes no further backend in.
const mostBytesAtOnce = 2 ** 21;
const mostBytesOfOne = 2 ** 23;
const mostBytesToJoin = 2 ** 26;
// Not the 4 GiB of others: where addresses are few, they are left to who needs them.
const commonBytes = 2 ** 29;

function joinCommon(): Arena {
  const open = common?.deref();
  if (open !== undefined && open.top <= mostBytesToJoin) return open;
  const made = openArena(commonBytes, 0);
  // Not on every edge: there a service has one backend, and shares it with nobody.
  if (typeof WeakRef === "function") common = new WeakRef(made);
  return made;
}

// ---- arenas

/** The memory of a new backend, with its first arena. RangeError of memory where the runtime grants none. */
export function createMemory(arenaBytes: number | undefined, opened: (arena: Arena) => void): Memory {
  const limit = Math.min(arenaBytes ?? mostArenaBytes, mostArenaBytes);
  const shared = arenaBytes === undefined;
  const first = shared ? joinCommon() : openArena(limit, 0);
  opened(first);
  const common = shared ? first : null;
  return {
    limit,
    arenas: [first],
    common,
    tensors: new Map(),
    scratch: new Set(),
    latest: [],
    allocated: 0,
    inCommon: 0,
    scratched: 0,
    opened,
  };
}

/** One more arena; ordinary arrays where the runtime grants none, over which kernels run in JavaScript, with the same bits. */
function addArena(memory: Memory, needed: number): Arena {
  const arena = openedArena(memory, needed) ?? ordinaryArrays();
  memory.arenas.push(arena);
  if (arena.memory !== null) memory.opened(arena);
  return arena;
}

function openedArena({ limit }: Memory, needed: number): Arena | null {
  try {
    return openArena(limit, needed);
  } catch (error) {
    if (isMemoryError(error)) return null;
    throw error;
  }
}

/** The arena of a buffer; undefined for one of the caller's own. */
export const arenaOfBuffer = ({ arenas }: Memory, buffer: ArrayBufferLike): Arena | undefined =>
  arenas.find(({ buffers }) => buffers.has(buffer));

/** The arena that a tensor lies in; undefined for one of the caller's own. */
export const arenaOf = (memory: Memory, { data }: Tensor): Arena | undefined => arenaOfBuffer(memory, data.buffer);

/** What tells one memory from another: views of the same one differ in their buffers once it has grown. */
export function memoryOf(memory: Memory, tensor: Tensor): object {
  const arena = arenaOf(memory, tensor);
  return arena === undefined || arena.memory === null ? tensor.data.buffer : arena;
}

/** True where a backend may have so many bytes more in an arena, as the common one is for little only. */
const maySettle = ({ common, inCommon }: Memory, arena: Arena, bytes: number): boolean =>
  arena !== common || bytes <= mostBytesAtOnce && inCommon + bytes <= mostBytesOfOne;

// ---- tensors

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
const bytesOf = ({ shape, dtype }: Wanted): number => elementTypes[dtype].bytes * sizeOf(shape);

function refuse({ limit }: Memory, bytes: number): never {
  const why = bytes > mostTensorBytes(limit)
    ? `an arena holds ${showBytes(limit)}, and a tensor lies in one with its gradient and slots`
    : "no more memory is free there";
  throw memoryError(`Cannot allocate ${showBytes(bytes)}: ${why}`);
}

function handOut(memory: Memory, block: Block, { shape, dtype }: Wanted): Tensor {
  const data = elementTypes[dtype].raw(block.buffer, block.address, sizeOf(shape));
  memory.tensors.set(data, block);
  memory.allocated += block.bytes;
  if (block.arena === memory.common) memory.inCommon += block.bytes;
  return { data, shape, dtype };
}

/** A zeroed tensor, with room left beside it for its gradient and slots. */
export function allocate(memory: Memory, shape: number | readonly number[], dtype: DType): Tensor {
  const wanted = { shape: checkedShape(shape), dtype: checkedDType(dtype) };
  const bytes = bytesOf(wanted);
  const needed = cost(bytes);
  if (!(needed <= mostTensorBytes(memory.limit))) refuse(memory, bytes);
  const open = memory.arenas.find((arena) =>
    maySettle(memory, arena, needed) &&
    (isEmpty(arena) && needed <= mostTensorBytes(arena.limit) ||
      arena.top + needed <= arena.limit * shareForParameters && room(arena) >= needed)
  );
  const arena = open ?? addArena(memory, needed);
  const left = spare(arena.limit);
  const block = take(arena, bytes, left, memory.latest) ?? take(arena, bytes, left) ?? refuse(memory, bytes);
  memory.latest = [...memory.latest, block.address].slice(-mostApart);
  return handOut(memory, block, wanted);
}

/** Tensors in one arena, that of `near` if any are given. RangeError of memory where they do not fit; then none has been allocated. */
export function reserve(memory: Memory, near: readonly Tensor[], wanted: readonly Wanted[]): Tensor[] {
  const sum = wanted.reduce((n, one) => n + cost(bytesOf(one)), 0);
  const home = near.length > 0
    ? arenaOf(memory, near[0])
    : memory.arenas.find((arena) => maySettle(memory, arena, sum) && room(arena) >= sum);
  if (home === undefined && !(sum <= mostTensorBytes(memory.limit))) refuse(memory, sum);
  const arena = home ?? addArena(memory, sum);
  const others = near.map(({ data }) => data.byteOffset);
  const taken = takeAll(arena, wanted, others) ?? takeAll(arena, wanted, null) ?? refuse(memory, sum);
  return taken.map((block, i) => handOut(memory, block, wanted[i]));
}

/** A block for each, apart from each other and from others at these addresses; null: wherever there is room. Undefined where they do not all fit. */
function takeAll(arena: Arena, wanted: readonly Wanted[], others: readonly number[] | null): Block[] | undefined {
  const taken: Block[] = [];
  for (const one of wanted) {
    const block = take(arena, bytesOf(one), spare(arena.limit), others === null ? [] : [...others, ...taken.map(({ address }) => address)]);
    if (block === undefined) {
      taken.forEach(give);
      return undefined;
    }
    taken.push(block);
  }
  return taken;
}

/** Gives a tensor's memory back; false for one that is none of this memory's. */
export function release(memory: Memory, { data }: Tensor): boolean {
  const block = memory.tensors.get(data);
  if (block === undefined) return false;
  memory.tensors.delete(data);
  memory.allocated -= block.bytes;
  if (block.arena === memory.common) memory.inCommon -= block.bytes;
  give(block);
  return true;
}

// ---- scratch

/** Scratch, as a piece of memory with its place. */
export interface Scratch extends Region {
  readonly block: Block;
}

/** Memory beside tensors of an arena, 16-byte aligned. */
export function takeScratch(memory: Memory, arena: Arena, bytes: number): Scratch {
  const block = take(arena, bytes);
  if (block === undefined) throw memoryError(`Cannot allocate ${bytes} bytes of scratch: the arena is full`);
  memory.scratched += block.bytes;
  memory.scratch.add(block);
  return { buffer: block.buffer, byteOffset: block.address, byteLength: bytes, block };
}

/** Gives scratch back, once. */
export function releaseScratch(memory: Memory, { block }: Scratch): void {
  if (!memory.scratch.delete(block)) return;
  memory.scratched -= block.bytes;
  give(block);
}

/** Ends a memory: scratch is given back, while tensors stay as long as anybody holds them. */
export function endMemory(memory: Memory): void {
  for (const block of memory.scratch) give(block);
  memory.scratch.clear();
  memory.scratched = 0;
  memory.tensors.clear();
}

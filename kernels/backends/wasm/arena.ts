/**
 * Arenas: shared WASM memories of at most 4 GiB, and who has which bytes of them; and ordinary arrays, where there are no such memories any more.
 *
 * @module
 */
import { memoryError, showBytes } from "../../memory_error.ts";
import { apart } from "./placement.ts";

/** A piece of an arena. */
export interface Block {
  readonly arena: Arena;
  readonly buffer: ArrayBufferLike;
  readonly address: number;
  readonly bytes: number;
}

/** One memory, or all ordinary arrays of a backend. */
export interface Arena {
  /** null: ordinary arrays, one for each block, which JavaScript alone reaches. */
  readonly memory: WebAssembly.Memory | null;
  /**
   * The memory's buffer object after its last grow. Never ask the memory itself: in Node 20 it hands out another object whenever any memory of
   * the process has grown.
   */
  buffer: ArrayBufferLike;
  /** Every one that there was: old views stay alive. */
  readonly buffers: Set<ArrayBufferLike> | WeakSet<ArrayBufferLike>;
  readonly limit: number;
  /** Free pieces below `top`, by address. */
  readonly free: { address: number; bytes: number }[];
  top: number;
}

const page = 65_536;
// An end address of 2^32 wraps, so the last page is never used.
const mostPages = 65_535;
const alignment = 64;

/** The largest arena. */
export const mostArenaBytes: number = mostPages * page;

// Below it an arena holds no model worth the name, and another backend is the better choice.
const leastPages = 256;

/**
 * A new arena of at most `limit` bytes that has room for `needed`. Its memory costs nothing until it is touched, but its addresses are reserved, and
 * not every process may have so many: half is asked for until it is granted. RangeError of memory where it never is.
 */
export function openArena(limit: number, needed: number): Arena {
  const wanted = Math.min(mostPages, Math.ceil(limit / page));
  const least = Math.min(wanted, Math.max(leastPages, Math.ceil((needed + alignment + spare(limit)) / page)));
  for (let pages = wanted;; pages = Math.max(least, pages >> 1)) {
    try {
      const memory = pages === wanted ? growable(pages) : fixed(pages);
      const { buffer } = memory;
      return { memory, buffer, buffers: new Set([buffer]), limit: Math.min(limit, pages * page), free: [], top: alignment };
    } catch (error) {
      if (pages > least) continue;
      throw memoryError(`Cannot allocate ${showBytes(needed)}: this runtime grants no memory of ${showBytes(pages * page)}`, error);
    }
  }
}

function growable(pages: number): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
  // Where V8 cannot reserve the maximum it says nothing, and hands out a memory that never grows.
  if (pages > 1) memory.grow(1);
  return memory;
}

/** All pages at once: V8 reserves no more than these then, while for what may grow it wants 4 GiB and more, however small the maximum. */
const fixed = (pages: number): WebAssembly.Memory => new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });

/** No arena, but ordinary arrays, for a backend that gets no further memory. */
export const ordinaryArrays = (): Arena => ({
  memory: null,
  buffer: new ArrayBuffer(0),
  buffers: new WeakSet(),
  limit: Infinity,
  free: [],
  top: alignment,
});

const aligned = (bytes: number): number => Math.max(alignment, Math.ceil(bytes / alignment) * alignment);

/** The part of an arena that is kept for scratch: a plan must find room beside tensors that fill it. */
export const spare = (limit: number): number => Math.min(2 ** 20, Math.floor(limit / 16));

/** The most that tensors can take of an empty arena. */
export const mostTensorBytes = (limit: number): number => limit - alignment - spare(limit);

/**
 * Takes bytes, zeroed, and leaves so many free at the end; undefined where they do not fit. They lie apart from others at these addresses, where that
 * takes no more than `apart` allows: what is left out stays free for smaller ones.
 */
export function take(arena: Arena, wanted: number, left = 0, others: readonly number[] = []): Block | undefined {
  const bytes = aligned(wanted);
  const { free, memory } = arena;
  if (memory === null) return takeArray(arena, bytes);
  for (let i = 0; i < free.length; i++) {
    if (free[i].bytes < bytes) continue;
    const { address: begin, bytes: size } = free[i];
    const address = apart(begin, bytes, others);
    if (address + bytes > begin + size) continue;
    const rest = [{ address: begin, bytes: address - begin }, { address: address + bytes, bytes: begin + size - address - bytes }];
    free.splice(i, 1, ...rest.filter(({ bytes }) => bytes > 0));
    new Uint8Array(arena.buffer, address, bytes).fill(0);
    return { arena, buffer: arena.buffer, address, bytes };
  }
  const address = apart(arena.top, bytes, others);
  const end = address + bytes;
  if (end > arena.limit - left) return undefined;
  if (end > arena.buffer.byteLength && !grow(arena, memory, end)) return undefined;
  if (address > arena.top) free.push({ address: arena.top, bytes: address - arena.top });
  arena.top = end;
  return { arena, buffer: arena.buffer, address, bytes };
}

// V8 tells every instance of a grow: one by one, a page for each of 1,600 small optimizers took 40 ms of each in the end.
const mostPagesAhead = 256;

/** Grows to so many bytes, and by as much again as there was: what is not touched costs nothing. False where it cannot. */
function grow(arena: Arena, memory: WebAssembly.Memory, bytes: number): boolean {
  const had = arena.buffer.byteLength / page;
  const needed = Math.ceil(bytes / page) - had;
  const ahead = Math.min(Math.ceil(arena.limit / page) - had, needed + Math.min(had, mostPagesAhead));
  for (const pages of [ahead, needed]) {
    try {
      memory.grow(pages);
      arena.buffer = memory.buffer;
      arena.buffers.add(arena.buffer);
      return true;
    } catch {
      // less, or nothing
    }
  }
  return false;
}

function takeArray(arena: Arena, bytes: number): Block | undefined {
  try {
    const buffer = new ArrayBuffer(bytes);
    arena.buffers.add(buffer);
    return { arena, buffer, address: 0, bytes };
  } catch {
    return undefined;
  }
}

/** Gives bytes back; neighbours become one piece, and a piece at the top lowers it. */
export function give({ arena, buffer, address, bytes }: Block): void {
  const { free, memory } = arena;
  if (memory === null) return void arena.buffers.delete(buffer);
  const at = free.findIndex((piece) => piece.address > address);
  const index = at < 0 ? free.length : at;
  free.splice(index, 0, { address, bytes });
  for (const i of [index, index - 1]) {
    const [a, b] = [free[i], free[i + 1]];
    if (a !== undefined && b !== undefined && a.address + a.bytes === b.address) {
      free.splice(i, 2, { address: a.address, bytes: a.bytes + b.bytes });
    }
  }
  const last = free.at(-1);
  if (last !== undefined && last.address + last.bytes === arena.top) {
    // What lies above top must be zero when it is taken again.
    new Uint8Array(arena.buffer, last.address, last.bytes).fill(0);
    arena.top = last.address;
    free.pop();
  }
}

/** Bytes that `take` could find for tensors in one piece. */
export function room({ free, limit, top }: Arena): number {
  let most = limit - spare(limit) - top;
  for (const { bytes } of free) most = Math.max(most, bytes); // as arguments of one call they could be too many
  return most;
}

/** True for an arena that nothing has been taken from. */
export const isEmpty = ({ top }: Arena): boolean => top === alignment;

/** How many bytes a request of so many takes. */
export const cost: (bytes: number) => number = aligned;

/**
 * A checkpoint's bytes: a safetensors file whose metadata hold a checksum of all of it.
 *
 * The checksum is the CRC-32 of the whole file, header included, as it is with `crc32:00000000` in the checksum's place. It finds what a crash, a
 * full disk or a disk's decay leaves; it is no protection against somebody who means harm.
 *
 * @module
 */
import type { StateDict } from "../../core/types.ts";
import { crc32 } from "./crc32.ts";
import { describeTensors } from "./described_tensors.ts";
import { bytesOfElements, elementsOf } from "./file_tensors.ts";
import { headerEnd, type Info, namesHere, readHeader, writeHeader } from "./safetensors_header.ts";

/** Writes bytes at a place of a file. They are not changed before it is done. */
export type WriteAt = (bytes: Uint8Array, at: number) => Promise<void>;

/** A file that is read. */
export interface ReadableFile {
  readonly size: number;
  /** Fills the array with the bytes from a place on, all of them. */
  read(into: Uint8Array, at: number): Promise<void>;
}

const key = "checksum";
const textOf = (checksum: number): string => `crc32:${checksum.toString(16).padStart(8, "0")}`;

/** Bytes that are written, read and summed at a time: while some are on their way, others are summed. */
const pieceBytes = 2 ** 22;

/** Pieces that are read at once. */
const atOnce = 4;

/** Writes a state. The header comes last, so that a file that was cut short has none. */
export async function writeCheckpointFile({ tensors, metadata }: StateDict, write: WriteAt): Promise<void> {
  const { start, order } = writeHeader(describeTensors({ tensors, metadata }), { ...metadata, [key]: textOf(0) });
  let checksum = crc32(start);
  let at = start.length;
  for (const piece of pieces(order.map((name) => bytesOfElements(tensors[name].data)))) {
    const written = write(piece, at);
    checksum = crc32(piece, checksum);
    at += piece.length;
    await written;
  }
  setChecksum(start, checksum);
  await write(start, 0);
}

/** The same bytes, in pieces that are neither too large nor many. A piece lasts until the next is asked for. */
function* pieces(parts: readonly Uint8Array[]): Iterable<Uint8Array> {
  const small = 2 ** 20;
  const gathered = new Uint8Array(Math.min(small, parts.reduce((sum, { length }) => sum + length, 0)));
  let filled = 0;
  for (const part of parts) {
    if (filled > 0 && filled + part.length > gathered.length) {
      yield gathered.subarray(0, filled);
      filled = 0;
    }
    if (part.length <= gathered.length - filled) {
      gathered.set(part, filled);
      filled += part.length;
      continue;
    }
    for (let at = 0; at < part.length; at += pieceBytes) yield part.subarray(at, at + pieceBytes);
  }
  if (filled > 0) yield gathered.subarray(0, filled);
}

/** Reads a state whose every byte is as it was written; RangeError for a file that is broken. */
export async function readCheckpointFile({ size, read }: ReadableFile): Promise<StateDict> {
  const first = new Uint8Array(Math.min(8, size));
  await read(first, 0);
  const start = new Uint8Array(headerEnd(first, size, {}));
  await read(start, 0);
  const { infos, metadata } = readHeader(start.subarray(8), size - start.length, {});
  const wanted = metadata?.[key];
  setChecksum(start, 0);
  let checksum = crc32(start);
  const tensors: Record<string, StateDict["tensors"][string]> = {};
  // Some pieces are on their way while one is summed: the system fills new memory no faster than it can be summed, and on several cores.
  const coming: { readonly bytes: Uint8Array; readonly filled: Promise<void> }[] = [];
  const sumFirst = async (): Promise<void> => {
    const { bytes, filled } = coming.shift()!;
    await filled;
    checksum = crc32(bytes, checksum);
  };
  try {
    for (const { from, to, members } of runs(infos)) {
      const whole = allocate(to - from);
      for (let at = 0; at < whole.length; at += pieceBytes) {
        const bytes = whole.subarray(at, at + pieceBytes);
        const filled = read(bytes, start.length + from + at);
        filled.catch(() => undefined); // told by the first that fails
        coming.push({ bytes, filled });
        if (coming.length >= atOnce) await sumFirst();
      }
      for (const [name, { dtype, shape, from: begin, to: end }] of members) {
        const here = namesHere[dtype];
        const tensor = { data: elementsOf(here, whole.subarray(begin - from, end - from)), shape, dtype: here };
        // A plain assignment would lose a tensor that is called __proto__.
        Object.defineProperty(tensors, name, { value: tensor, enumerable: true, configurable: true, writable: true });
      }
    }
    while (coming.length > 0) await sumFirst();
  } finally {
    // The file is closed after this.
    await Promise.allSettled(coming.map(({ filled }) => filled));
  }
  if (wanted !== textOf(checksum)) {
    throw new RangeError(`Cannot read the checkpoint: its checksum is ${wanted}, and its bytes give ${textOf(checksum)}`);
  }
  return { tensors, metadata: metadata ?? {} };
}

/** Memory that is missing is no fault of the file. */
function allocate(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw Object.assign(new RangeError(`Cannot read the checkpoint: there is no memory for ${length} bytes`, { cause }), { memory: true });
  }
}

interface Run {
  readonly from: number;
  readonly to: number;
  readonly members: readonly (readonly [name: string, info: Info])[];
}

/** Tensors that are read into one array: small ones in a row, a large one by itself. */
function runs(infos: ReadonlyMap<string, Info>): Run[] {
  const found: { from: number; to: number; members: [string, Info][] }[] = [];
  for (const [name, info] of [...infos].sort(([, a], [, b]) => a.from - b.from || a.to - b.to)) {
    const last = found[found.length - 1];
    if (last !== undefined && info.to - last.from <= pieceBytes) {
      last.to = info.to;
      last.members.push([name, info]);
    } else found.push({ from: info.from, to: info.to, members: [[name, info]] });
  }
  return found;
}

/**
 * Writes the checksum's digits into a header. In JSON no other string can hold the text that is looked for: its quotation marks would be escaped there.
 */
function setChecksum(start: Uint8Array, checksum: number): void {
  const place = `"${key}":"${textOf(0).slice(0, -8)}`;
  // A byte is a character here, whatever it means in UTF-8.
  const at = new TextDecoder("latin1").decode(start).indexOf(place);
  if (at < 0) throw new RangeError("Cannot read the checkpoint: it has no checksum");
  start.set(new TextEncoder().encode(textOf(checksum).slice(-8)), at + place.length);
}

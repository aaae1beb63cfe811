/**
 * Clusters: memory of one tensor's text that is bound together.
 *
 * WebGPU binds ranges that begin at a multiple of 256 bytes or so, refuses ranges of one buffer that overlap where one is written, and binds few of them. So what
 * lies in one buffer is bound as one range, as long as the device allows.
 *
 * @module
 */
import type { DeviceLimits, Place } from "./passes.ts";

/** A range of a buffer. */
export interface Cluster<Buffer> {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly bytes: number;
}

/** What is bound, and where in it everything begins. */
export interface Clusters<Buffer> {
  readonly list: readonly Cluster<Buffer>[];
  /** By key: index of the cluster. */
  readonly of: ReadonlyMap<string, number>;
  /** By key: the word of the cluster with which it begins. */
  readonly begins: ReadonlyMap<string, number>;
}

/** Of no memory. */
export const noClusters: Clusters<never> = { list: [], of: new Map(), begins: new Map() };

/** Puts memory together. RangeError where some of it cannot be bound. */
export function clustersOf<Buffer extends object>(
  places: ReadonlyMap<string, Place<Buffer>>,
  { maxStorageBufferBindingSize: most, minStorageBufferOffsetAlignment: step }: DeviceLimits,
  name: string | undefined,
): Clusters<Buffer> {
  const refuse = (why: string): RangeError => {
    const error = new RangeError(`Cannot run over ${name === undefined ? "a tensor" : `"${name}"`}: ${why}`);
    return name === undefined ? error : Object.assign(error, { tensor: name });
  };
  const list: { readonly buffer: Buffer; readonly offset: number; bytes: number }[] = [];
  const of = new Map<string, number>();
  const begins = new Map<string, number>();
  for (const buffer of new Set([...places.values()].map((place) => place.buffer))) {
    const inside = [...places].filter(([, place]) => place.buffer === buffer).sort(([, a], [, b]) => a.offset - b.offset);
    let last = -1;
    for (const [key, { offset, bytes }] of inside) {
      const start = Math.floor(offset / step) * step;
      const end = Math.ceil((offset + Math.max(1, bytes)) / 4) * 4; // an empty tensor too: nothing cannot be bound
      if (end - start > most) throw refuse(`it has ${bytes} bytes, and the device binds ${most} at once`);
      if (last < 0 || end - list[last].offset > most) {
        if (last >= 0 && start < list[last].offset + list[last].bytes) {
          throw refuse(`${end - list[last].offset} bytes of its memory must be bound together, and the device binds ${most}`);
        }
        last = list.push({ buffer, offset: start, bytes: end - start }) - 1;
      } else list[last].bytes = Math.max(list[last].bytes, end - list[last].offset);
      of.set(key, last);
      begins.set(key, (offset - list[last].offset) / 4);
    }
  }
  return { list, of, begins };
}

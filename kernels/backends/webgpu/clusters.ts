/**
 * Clusters: memory of a text over one tensor, or over many, that is bound together.
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

/** Tensors of one text whose memory is bound together. */
export interface Together<Buffer> {
  /** Indices of the tensors. */
  readonly members: readonly number[];
  /** Of each, over one list. */
  readonly clusters: readonly Clusters<Buffer>[];
}

/**
 * Tensors whose keys lie in the same buffers, put together as long as the device binds what lies between. Each buffer is bound as one range; a tensor of which the
 * device cannot bind that stands in none.
 */
export function clustersOfMany<Buffer extends object>(
  tensors: readonly ReadonlyMap<string, Place<Buffer>>[],
  { maxStorageBufferBindingSize: most, minStorageBufferOffsetAlignment: step }: DeviceLimits,
): readonly Together<Buffer>[] {
  const buffers = [...new Set([...tensors[0].values()].map(({ buffer }) => buffer))];
  const of = new Map([...tensors[0]].map(([key, { buffer }]) => [key, buffers.indexOf(buffer)]));
  type Range = { readonly from: number; readonly to: number };
  const join = (a: Range, b: Range): Range => ({ from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) });
  const fits = (ranges: readonly Range[]): boolean => ranges.every(({ from, to }) => to - from <= most);
  const rangesOf = (places: ReadonlyMap<string, Place<Buffer>>): Range[] => {
    const ranges: Range[] = [];
    for (const [key, { offset, bytes }] of places) {
      const own = { from: Math.floor(offset / step) * step, to: Math.ceil((offset + Math.max(1, bytes)) / 4) * 4 };
      const index = of.get(key)!;
      ranges[index] = ranges[index] === undefined ? own : join(ranges[index], own);
    }
    return ranges;
  };
  const sets: { ranges: Range[]; readonly members: number[] }[] = [];
  tensors.forEach((places, i) => {
    const own = rangesOf(places);
    if (!fits(own)) return;
    const last = sets.at(-1);
    const joined = last?.ranges.map((range, k) => join(range, own[k]));
    if (joined === undefined || !fits(joined)) sets.push({ ranges: own, members: [i] });
    else last!.ranges = joined, last!.members.push(i);
  });
  return sets.map(({ ranges, members }) => {
    const list = ranges.map(({ from, to }, k): Cluster<Buffer> => ({ buffer: buffers[k], offset: from, bytes: to - from }));
    const beginsOf = (i: number): Map<string, number> =>
      new Map([...tensors[i]].map(([key, { offset }]) => [key, (offset - ranges[of.get(key)!].from) / 4]));
    return { members, clusters: members.map((i) => ({ list, of, begins: beginsOf(i) })) };
  });
}

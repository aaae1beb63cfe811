/**
 * Memory for the matrices that texts make: tensors of different waves take turns in it, so that it is as much as one wave needs and not as much as the
 * model does.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import { classes } from "../tables/classes.ts";
import type { Item } from "./item.ts";
import type { ItemNumbers } from "./numbers.ts";
import type { Stage } from "./stages.ts";

/** The memory of each item's buffers, in their order. `scratch` takes what is not there. */
export function matrixMemory<I extends ItemNumbers, Region extends { readonly byteLength: number }>(
  stages: readonly Stage<I>[],
  reaches: (item: Item, region: Region) => boolean,
  scratch: (item: Item, bytes: number) => Region,
): Map<I, readonly Region[]> {
  const memory = new Map<I, readonly Region[]>();
  const all: Region[] = [];
  let free: Region[] = [];
  let current = -1;
  const take = (item: Item, bytes: number): Region => {
    const fitting = free.filter((one) => one.byteLength >= bytes && reaches(item, one));
    if (fitting.length === 0) {
      const made = scratch(item, bytes);
      all.push(made);
      return made;
    }
    const least = fitting.reduce((a, b) => b.byteLength < a.byteLength ? b : a);
    free = free.filter((one) => one !== least);
    return least;
  };
  for (const [one, waves] of wavesOf(stages)) {
    const { item } = one;
    const sizes = item.program.buffers.map((cls) => 4 * classes[cls].count(item.extent));
    // What is made in one wave and read in a later one, after a sum over all tensors, cannot take turns.
    if (waves.size > 1) {
      memory.set(one, sizes.map((bytes) => scratch(item, bytes)));
      continue;
    }
    const [wave] = waves;
    if (wave !== current) free = [...all], current = wave;
    memory.set(one, sizes.map((bytes) => take(item, bytes)));
  }
  return memory;
}

/** The waves in which each item's matrices are made or read, in the order of the first. */
function wavesOf<I extends ItemNumbers>(stages: readonly Stage<I>[]): Map<I, Set<number>> {
  const found = new Map<I, Set<number>>();
  for (const { wave, rounds } of stages) {
    for (const { items, round } of rounds) {
      for (const one of items) {
        if (!usesMatrices(one.item.program, round)) continue;
        const waves = found.get(one);
        if (waves === undefined) found.set(one, new Set([wave]));
        else waves.add(wave);
      }
    }
  }
  return found;
}

function usesMatrices({ rounds, routines, matrices }: Program, round: number): boolean {
  const keys = matrices.map(({ id }) => `#${id}`);
  return routines[round].length > 0 || rounds[round].some(({ pointers }) => pointers.some(({ key }) => keys.includes(key)));
}

/**
 * Records: what kernels read as uniforms for one tensor. Whether the run goes on, the tensor's dimensions, where its memory begins in what is bound, and its
 * numbers. Tensors of one program have records of one layout.
 *
 * @module
 */
import type { Kernel } from "../../language/kernel.ts";
import type { Program } from "../../language/program.ts";
import type { NumberStore, Value } from "../../language/values.ts";
import { type Domain, isNumber } from "../../tables/classes.ts";
import { overTensors } from "../../tables/ops.ts";

/** The word that is 0 once the run is held back, and those of the dimensions. */
export const recordWords = { live: 0, size: 1, batch: 2, rows: 3, cols: 4 } as const;
const firstFree = 5;

/** Where everything lies in a record, in words. */
export interface RecordLayout {
  /** A multiple of four. */
  readonly words: number;
  /** By key of memory: the word with its beginning. */
  readonly begins: ReadonlyMap<string, number>;
  /** By value's id: the word with the number. */
  readonly numbers: ReadonlyMap<number, number>;
  /** By id of a sum over tensors: the word with the tensor's share of it. */
  readonly shares: ReadonlyMap<number, number>;
  /** Ids of the numbers that the host writes. */
  readonly fromHost: readonly number[];
  /** True for numbers that the device computes. */
  isDevice(id: number): boolean;
  /** Slots, by key, whose value at the start of a run is read from a cell. */
  readonly cellReads: readonly { readonly key: string; readonly id: number; readonly cls: NumberStore["cls"] }[];
  /** Slots that are written to cells at the end of a run. */
  readonly cellStores: readonly NumberStore[];
  /** Slots that stay in maps. */
  readonly mapStores: readonly NumberStore[];
}

/** Memory of a kernel for sums of its workgroups. */
export const totalsKey = (round: number, kernel: number): string => `totals ${round} ${kernel}`;
/** Memory of a kernel for columns' sums of its bands. */
export const columnsKey = (round: number, kernel: number): string => `columns ${round} ${kernel}`;

/** Memory that routines have for themselves. */
export const workKey = "work";

/** All keys of memory that a program's kernels and routines touch. */
export function keysOf({ tensors, results, matrices, rounds, routines, writes }: Program): readonly string[] {
  const sums = rounds.flatMap((kernels, round) => kernels.flatMap((_, k) => [totalsKey(round, k), columnsKey(round, k)]));
  const work = routines.flat().length > 0 ? [workKey] : [];
  return [...new Set([...tensors, ...writes, ...[...results, ...matrices.map(({ id }) => id)].map((id) => `#${id}`), ...sums, ...work])];
}

/** Lays a program's records out; `onDevice` says which slots live in cells already. */
export function recordLayout(program: Program, onDevice: (key: string) => boolean): RecordLayout {
  const { values, rounds, numbers, numberStores, holds, alls } = program;
  const live = [...new Set(numbers.flat())].map((id) => values[id]);
  const slots = deviceSlots(program, onDevice);
  const device = deviceValues(values, slots);
  let words = firstFree;
  const begins = new Map(keysOf(program).map((key) => [key, words++]));
  const wanted = new Set<number>();
  const want = (id: number): void => void wanted.add(id);
  for (const { scalars } of rounds.flat() as Kernel[]) scalars.forEach(want);
  for (const v of values) if (isNumber(v.cls) && device.has(v) && (v.op === "reduce" || live.includes(v))) want(v.id);
  for (const v of live) if (device.has(v)) { for (const arg of v.args) if (isNumber(arg.cls)) want(arg.id); }
  for (const { id } of alls) if (isNumber(values[id].args[0].cls)) want(values[id].args[0].id);
  const stores = [...numberStores, ...holds.flatMap(({ stores }) => stores)];
  for (const { key, id } of stores) if (slots.has(key)) want(id);
  for (const { id } of holds) want(id);
  const placed = new Map([...wanted].sort((a, b) => a - b).map((id) => [id, words++]));
  const shares = new Map(values.filter((v) => v.reduce !== null && overTensors(v.reduce.axis)).map(({ id }) => [id, words++]));
  return {
    words: Math.ceil(words / 4) * 4,
    begins,
    numbers: placed,
    shares,
    fromHost: [...placed.keys()].filter((id) => !device.has(values[id])),
    isDevice: (id) => device.has(values[id]),
    cellReads: [...placed.keys()].map((id) => values[id]).filter((v) => v.op === "slot" && slots.has(v.key))
      .map(({ key, id, cls }) => ({ key, id, cls: cls as NumberStore["cls"] })),
    cellStores: numberStores.filter(({ key }) => slots.has(key)),
    mapStores: numberStores.filter(({ key }) => !slots.has(key)),
  };
}

/** Slots whose value depends on a sum, or is kept where a run is held back, which only the device knows. */
function deviceSlots({ values, numberStores, holds }: Program, onDevice: (key: string) => boolean): ReadonlySet<string> {
  const slots = new Set(values.filter(({ op, key }) => op === "slot" && onDevice(key)).map(({ key }) => key));
  for (const { key } of numberStores) if (onDevice(key)) slots.add(key);
  for (const { stores } of holds) for (const { key } of stores) slots.add(key);
  for (;;) {
    const device = deviceValues(values, slots);
    const more = numberStores.filter(({ key, id }) => !slots.has(key) && device.has(values[id]));
    if (more.length === 0) return slots;
    for (const { key } of more) slots.add(key);
  }
}

/** Arguments stand before what is made of them. */
function deviceValues(values: readonly Value[], slots: ReadonlySet<string>): ReadonlySet<Value> {
  const device = new Set<Value>();
  for (const v of values) {
    if (!isNumber(v.cls)) continue;
    if (v.op === "reduce" || v.op === "slot" && slots.has(v.key) || v.args.some((arg) => device.has(arg))) device.add(v);
  }
  return device;
}

/** What a kernel over this domain loops over, as expressions of the tensor's dimensions: `loopExtent` of plan/partition.ts in WGSL. */
export const domainCode: Readonly<Record<Domain, { readonly batch: string; readonly rows: string; readonly cols: string }>> = {
  param: { batch: "tensorBatch", rows: "tensorRows", cols: "tensorCols" },
  colsRows: { batch: "tensorBatch", rows: "tensorCols", cols: "tensorRows" },
  rowsRows: { batch: "tensorBatch", rows: "tensorRows", cols: "tensorRows" },
  colsCols: { batch: "tensorBatch", rows: "tensorCols", cols: "tensorCols" },
  row: { batch: "1u", rows: "tensorBatch", cols: "tensorRows" },
  col: { batch: "1u", rows: "tensorBatch", cols: "tensorCols" },
  batch: { batch: "1u", rows: "1u", cols: "tensorBatch" },
};

/** The word of a record that is bound as a uniform. */
export const recordWord = (word: number): string => `record[${word >> 2}].${"xyzw"[word & 3]}`;

/** What a main begins with over one tensor: which of its workgroups this is. A pass over many tensors begins with something else in its place. */
export const opening = "  let workgroup = id.y * all.x + id.x;\n";

/** What a main begins with over many tensors: `listing` says for each workgroup where its tensor's record is, and which of that one's workgroups it is. */
export const openingOfMany = (words: number): string =>
  `  let listed = id.y * all.x + id.x;
  if (listed >= arrayLength(&listing)) { return; }
  let own = listing[listed].x;
  let workgroup = listing[listed].y;
  let record = array<vec4<u32>, ${words / 4}>(${Array.from({ length: words / 4 }, (_, k) => `records[own + ${k}u]`).join(", ")});
`;

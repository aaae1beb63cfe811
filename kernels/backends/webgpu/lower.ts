/**
 * A plan lowered for WebGPU: items and their programs as an ordered list of passes.
 *
 * What runs together is `plan/stages.ts`'s, as on all backends, and what the host computes of numbers is `plan/numbers.ts`'s.
 *
 * @module
 */
import type { Program } from "../../language/program.ts";
import type { Item } from "../../plan/item.ts";
import { matrixMemory } from "../../plan/matrix_memory.ts";
import { computeNumbers, type GroupNumbers, type ItemNumbers, itemNumbers, type NumberCode, readNumbers } from "../../plan/numbers.ts";
import { loopExtent } from "../../plan/partition.ts";
import { checkSides, groupOf } from "../../plan/plan.ts";
import { closingRounds, type ProgramRound, stagesOf } from "../../plan/stages.ts";
import { classes, matrixExtent, type NumberSlotClass } from "../../tables/classes.ts";
import { overTensors } from "../../tables/ops.ts";
import { type Clusters, clustersOf, clustersOfMany, noClusters } from "./clusters.ts";
import { kernelModules, type Module, partialWords, type Reach } from "./kernel_code.ts";
import { numberModule } from "./number_code.ts";
import type { Binding, DeviceLimits, Ground, LoweredPlan, Pass, Place } from "./passes.ts";
import { columnsKey, keysOf, opening, openingOfMany, type RecordLayout, recordLayout, recordWords, totalsKey, workKey } from "./records.ts";
import { routineModules, workWords } from "./routine_code.ts";
import { decideCode, foldCode, foldWords, joinCode, kindOf, pickCode, readCellsCode, storeCellsCode } from "./service_code.ts";

/** An item at its place. */
interface PlacedItem<Buffer extends object> extends ItemNumbers {
  readonly layout: RecordLayout;
  /** Of its record, in words. */
  record: number;
  /** Of its group's first item, whose group slots are kept. */
  firstRecord: number;
  /** By key: words in scratch. */
  readonly scratch: Map<string, { readonly at: number; readonly words: number }>;
  clusters: Clusters<Buffer>;
  /** True where its passes are those of all whose clusters have the same list. */
  isJoined: boolean;
}

// As many elements make a wave where texts have matrices, whose memory waves share. Other texts have one wave: each costs dispatches.
const waveElements = 1 << 24;

/** The passes of a plan. RangeError where a tensor does not fit what the device binds or a text needs a square one. */
export function lowerPlan<Buffer extends object>(items: readonly Item[], ground: Ground<Buffer>): LoweredPlan<Buffer> {
  items.forEach(checkSides);
  const plan = placeItems(items, ground);
  const { placed, groups } = plan;
  const { limits } = ground;
  const hasMatrices = items.some(({ program: { buffers } }) => buffers.length > 0);
  const stages = stagesOf(placed, hasMatrices ? waveElements : Infinity);
  const scratchBytes = placeScratch(placed, matrixMemory(stages, () => true, plan.scratch), ground, plan);
  const words = placeRecords(placed, limits);
  const tables = createTables(limits.minStorageBufferOffsetAlignment);
  const passes: Pass<Buffer>[] = [];
  const builder: Builder<Buffer> = { ground, tables, passes, groups };
  const holds = [...new Set(items.flatMap(({ program }) => program.holds.map(({ scope }) => scope)))];
  if (holds.length > 0) passes.push(pickPass(words, ground));
  pushCellReads(builder, placed);
  let decided = holds.length === 0;
  const decide = (): void => {
    decided = true;
    for (const round of programRounds(placed, (one) => one.code.program.firstStore)) pushNumbers(builder, round);
    pushDecision(builder, placed, holds);
  };
  for (const { rounds, complete, decides } of stages) {
    if (decides) decide();
    for (const round of rounds) pushNumbers(builder, round);
    for (const { items, round } of rounds) {
      for (const set of setsOf(items)) {
        if (set.length === 1) pushKernels(builder, set[0], round);
        else pushJoinedKernels(builder, set, round);
      }
    }
    for (const { items, round } of rounds) pushFolds(builder, items, round);
    for (const { key, items } of complete) pushJoins(builder, key, items);
  }
  for (const round of closingRounds(placed)) pushNumbers(builder, round);
  if (!decided) decide();
  pushCellStores(builder, placed);
  return {
    passes,
    recordBytes: 4 * words,
    // Sums over nothing have no partial sums; what has no bytes cannot be bound.
    scratchBytes: passes.some(({ bindings }) => bindings.some(({ of }) => of === "scratch")) ? Math.max(4, scratchBytes) : scratchBytes,
    tables: tables.content(),
    holds,
    cells: cellsOf(placed, ground),
    ...hostNumbers(placed, groups, words),
  };
}

// ------------------------------------------------------------------------------------------------------------------------------------ places

interface Plan<Buffer extends object> {
  readonly placed: readonly PlacedItem<Buffer>[];
  readonly groups: readonly GroupNumbers[];
  /** Takes words of scratch. */
  scratch(item: Item, bytes: number): { readonly at: number; readonly byteLength: number };
  scratchEnd(): number;
}

function placeItems<Buffer extends object>(items: readonly Item[], ground: Ground<Buffer>): Plan<Buffer> {
  const { maxUniformBufferBindingSize, minStorageBufferOffsetAlignment } = ground.limits;
  const layouts = new Map<Program, RecordLayout>();
  const layoutOf = (program: Program): RecordLayout => {
    let layout = layouts.get(program);
    if (layout === undefined) {
      const own = items.filter((item) => item.program === program);
      const classOf = new Map(
        [...program.values.filter(({ op }) => op === "slot"), ...program.numberStores].map(({ key, cls }) => [key, cls as NumberSlotClass]),
      );
      layout = recordLayout(program, (key) => own.some((item) => ground.hasCell(item, key, classOf.get(key)!)));
      if (4 * layout.words > maxUniformBufferBindingSize) {
        throw new RangeError(`Cannot run a text of ${layout.words} numbers: the device binds ${maxUniformBufferBindingSize / 4}`);
      }
      layouts.set(program, layout);
    }
    return layout;
  };
  const groups: GroupNumbers[] = [];
  const placed = items.map((item): PlacedItem<Buffer> => ({
    ...itemNumbers(item, groupOf(item, groups)),
    layout: layoutOf(item.program),
    ...{ record: 0, firstRecord: 0, scratch: new Map(), clusters: noClusters, isJoined: false },
  }));
  let end = 0;
  return {
    placed,
    groups,
    scratch(_item, bytes) {
      const at = end;
      end += roundUp(Math.ceil(bytes / 4), minStorageBufferOffsetAlignment / 4);
      return { at, byteLength: bytes };
    },
    scratchEnd: () => 4 * end,
  };
}

const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Gives each item its scratch, and what is bound for its memory. */
function placeScratch<Buffer extends object>(
  placed: readonly PlacedItem<Buffer>[],
  matrixBuffers: ReadonlyMap<PlacedItem<Buffer>, readonly { readonly at: number }[]>,
  ground: Ground<Buffer>,
  { scratch, scratchEnd }: Plan<Buffer>,
): number {
  for (const one of placed) {
    const { item, item: { extent, program: { values, results, matrices, rounds } } } = one;
    const take = (key: string, words: number): void => {
      if (words > 0) one.scratch.set(key, { at: scratch(item, 4 * words).at, words });
    };
    for (const id of results) take(`#${id}`, Math.max(1, classes[values[id].cls].count(extent))); // nothing cannot be bound
    for (const { id, buffer } of matrices) {
      one.scratch.set(`#${id}`, { at: matrixBuffers.get(one)![buffer].at, words: classes[values[id].cls].count(extent) });
    }
    rounds.forEach((kernels, round) =>
      kernels.forEach((kernel, k) => {
        const { totals, columns } = partialWords(kernel, loopExtent(kernel.domain, extent));
        take(totalsKey(round, k), totals);
        take(columnsKey(round, k), columns);
      })
    );
  }
  // One call runs after the other: they take turns in the largest memory that one needs.
  const works = placed.map(({ item: { extent, program: { routines } } }) =>
    Math.max(0, ...routines.flat().map((call) => workWords(call, matrixExtent(call.into.cls, extent))))
  );
  const most = works.reduce((a, b) => Math.max(a, b), 0);
  if (most > 0) {
    const { at } = scratch(placed[0].item, 4 * most);
    placed.forEach(({ scratch }, i) => works[i] > 0 && scratch.set(workKey, { at, words: works[i] }));
  }
  placeClusters(placed, ground);
  return scratchEnd();
}

/** Says what is bound for each item's memory: of many that lie in the same buffers the same. */
function placeClusters<Buffer extends object>(placed: readonly PlacedItem<Buffer>[], ground: Ground<Buffer>): void {
  const { limits } = ground;
  const numberOf = new Map<object, number>();
  const sets = new Map<string, { one: PlacedItem<Buffer>; places: ReadonlyMap<string, Place<Buffer>> }[]>();
  const programs = [...new Set(placed.map(({ item: { program } }) => program))];
  for (const one of placed) {
    const { item, item: { program } } = one;
    const places = new Map<string, Place<Buffer | { readonly scratch: true }>>();
    for (const key of keysOf(program)) {
      const own = one.scratch.get(key);
      if (own !== undefined) places.set(key, { buffer: scratchBuffer, offset: 4 * own.at, bytes: 4 * own.words });
      else if (program.tensors.includes(key) || program.writes.includes(key)) places.set(key, ground.place(item, key));
    }
    one.clusters = clustersOf(places, limits, item.name) as Clusters<Buffer>;
    // Routines take turns in memory, and their matrices are large.
    if (program.routines.flat().length > 0) continue;
    for (const { buffer } of places.values()) if (!numberOf.has(buffer)) numberOf.set(buffer, numberOf.size);
    const lying = [...places].map(([key, { buffer }]) => `${key} ${numberOf.get(buffer)}`);
    const name = `${programs.indexOf(program)} ${lying}`;
    const set = sets.get(name);
    const own = { one, places: places as ReadonlyMap<string, Place<Buffer>> };
    if (set === undefined) sets.set(name, [own]);
    else set.push(own);
  }
  for (const set of sets.values()) {
    if (set.length === 1) continue;
    for (const { members, clusters } of clustersOfMany(set.map(({ places }) => places), limits)) {
      // Records and the listing are bound too.
      if (members.length === 1 || clusters[0].list.length + 2 > limits.maxStorageBuffersPerShaderStage) continue;
      members.forEach((index, i) => Object.assign(set[index].one, { clusters: clusters[i], isJoined: true }));
    }
  }
}

/** Gives each item its record, and says how many words all have. One that is bound by itself begins where a uniform may. */
function placeRecords<Buffer extends object>(
  placed: readonly PlacedItem<Buffer>[],
  { minUniformBufferOffsetAlignment }: DeviceLimits,
): number {
  const firsts = new Map<GroupNumbers, number>();
  let words = 0;
  for (const one of placed) {
    if (!one.isJoined) words = roundUp(words, minUniformBufferOffsetAlignment / 4);
    one.record = words;
    words += one.layout.words;
    if (!firsts.has(one.group)) firsts.set(one.group, one.record);
    one.firstRecord = firsts.get(one.group)!;
  }
  return roundUp(words, minUniformBufferOffsetAlignment / 4);
}

/** Items as their passes are: joined ones together. */
function setsOf<Buffer extends object>(items: readonly PlacedItem<Buffer>[]): readonly (readonly PlacedItem<Buffer>[])[] {
  const sets = new Map<object, PlacedItem<Buffer>[]>();
  for (const one of items) {
    const name = one.isJoined ? one.clusters.list : one;
    const set = sets.get(name);
    if (set === undefined) sets.set(name, [one]);
    else set.push(one);
  }
  return [...sets.values()];
}

// Stands for the plan's scratch among buffers.
const scratchBuffer: { readonly scratch: true } = { scratch: true };

// ------------------------------------------------------------------------------------------------------------------------------------ tables

interface Tables {
  /** Adds a table; where it lies. */
  add(words: readonly number[]): Binding<never>;
  content(): Uint32Array;
}

function createTables(alignment: number): Tables {
  const all: number[] = [];
  return {
    add(words) {
      while (all.length % (alignment / 4) !== 0) all.push(0);
      const offset = 4 * all.length;
      for (const word of words) all.push(word); // a spread of 100,000 words is more than a call may have
      return { of: "tables", offset, bytes: 4 * words.length, type: "read-only-storage" };
    },
    content: () => Uint32Array.from(all),
  };
}

const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0];

// ------------------------------------------------------------------------------------------------------------------------------------ passes

interface Builder<Buffer extends object> {
  readonly ground: Ground<Buffer>;
  readonly tables: Tables;
  readonly passes: Pass<Buffer>[];
  readonly groups: readonly GroupNumbers[];
}

const whole = (of: "records" | "rows" | "progress" | "cells" | "scratch", type: Binding<never>["type"] = "storage"): Binding<never> => ({
  of,
  offset: 0,
  bytes: null,
  type,
});

/** Workgroups in x and y: as many as are wanted, and few more. */
function gridOf(groups: number, { maxComputeWorkgroupsPerDimension: most }: Ground<object>["limits"]): readonly [number, number] {
  const y = Math.max(1, Math.ceil(groups / most));
  if (y > most) throw new RangeError(`Cannot run over a tensor of ${groups} workgroups: the device has ${most} by ${most}`);
  return [Math.max(1, Math.ceil(groups / y)), y];
}

function pickPass<Buffer extends object>(words: number, { limits }: Ground<Buffer>): Pass<Buffer> {
  return {
    label: "numbers of this step",
    code: pickCode,
    bindings: [whole("records"), whole("rows", "read-only-storage"), whole("progress", "read-only-storage")],
    workgroups: gridOf(Math.ceil(words / 64), limits),
  };
}

/** A group's first item: the one whose group slots are kept. */
const firstOf = <Buffer extends object>(placed: readonly PlacedItem<Buffer>[], group: GroupNumbers): PlacedItem<Buffer> =>
  placed.find((one) => one.group === group)!;

function pushCellReads<Buffer extends object>({ ground, tables, passes }: Builder<Buffer>, placed: readonly PlacedItem<Buffer>[]): void {
  const moves = placed.flatMap(({ item, layout, record }) =>
    layout.cellReads.flatMap(({ key, id, cls }) => [ground.cell(item, key, cls), record + layout.numbers.get(id)!])
  );
  if (moves.length === 0) return;
  passes.push({
    label: "read slots",
    code: readCellsCode,
    bindings: [whole("records"), tables.add(moves), whole("cells")],
    workgroups: gridOf(Math.ceil(moves.length / 128), ground.limits),
  });
}

function pushCellStores<Buffer extends object>(
  { ground, tables, passes, groups }: Builder<Buffer>,
  placed: readonly PlacedItem<Buffer>[],
): void {
  // By cell: where two groups write one, the last one's stays.
  const moves = new Map<number, readonly number[]>();
  const add = ({ item, layout, record }: PlacedItem<Buffer>, cls: NumberSlotClass): void => {
    for (const { key, id, cls: own } of layout.cellStores) {
      if (own !== cls) continue;
      const cell = ground.cell(item, key, cls);
      moves.set(cell, [record + layout.numbers.get(id)!, cell, record + recordWords.live, 0]);
    }
  };
  for (const group of groups) add(firstOf(placed, group), "group");
  for (const one of placed) add(one, "scalar");
  if (moves.size === 0) return;
  passes.push({
    label: "store slots",
    code: storeCellsCode,
    bindings: [whole("records"), tables.add([...moves.values()].flat()), whole("cells")],
    workgroups: gridOf(Math.ceil(moves.size / 64), ground.limits),
  });
}

/** One round each of all programs. */
function programRounds<Buffer extends object>(
  placed: readonly PlacedItem<Buffer>[],
  roundOf: (one: PlacedItem<Buffer>) => number,
): ProgramRound<PlacedItem<Buffer>>[] {
  return [...new Set(placed.map(({ code }) => code))].map((code) => {
    const items = placed.filter((one) => one.code === code);
    return { groups: [...new Set(items.map(({ group }) => group))], items, round: roundOf(items[0]) };
  });
}

function pushNumbers<Buffer extends object>(
  { ground, tables, passes }: Builder<Buffer>,
  { items, round }: ProgramRound<PlacedItem<Buffer>>,
): void {
  if (items.length === 0) return;
  const [{ item: { program }, layout }] = items;
  const code = numberModule(program, layout, round);
  if (code === null) return;
  const pairs = items.flatMap((one) => [one.record, one.firstRecord]);
  passes.push({
    label: `numbers before round ${round + 1}`,
    code,
    bindings: [whole("records"), tables.add(pairs)],
    workgroups: gridOf(Math.ceil(items.length / 64), ground.limits),
  });
}

function pushKernels<Buffer extends object>(builder: Builder<Buffer>, one: PlacedItem<Buffer>, round: number): void {
  const { item: { program, extent }, layout } = one;
  program.rounds[round].forEach((kernel, k) => {
    for (const make of kernelModules(kernel, round, k, layout, loopExtent(kernel.domain, extent))) {
      builder.passes.push(passOf(builder, one, make, round));
    }
  });
  for (const call of program.routines[round]) {
    const result = matrixExtent(call.into.cls, extent);
    if (result.size === 0) continue;
    const { modules, order } = routineModules(call, layout, result);
    const made = modules.map((make) => passOf(builder, one, make, round));
    for (const index of order) builder.passes.push(made[index]);
  }
}

/**
 * The kernels of a round over items that are bound together: equal modules are one pass, whose listing says which workgroup is whose. What one sums and how does
 * not change by that.
 */
function pushJoinedKernels<Buffer extends object>(builder: Builder<Buffer>, items: readonly PlacedItem<Buffer>[], round: number): void {
  const [{ item: { program }, layout, clusters }] = items;
  const { ground: { limits }, tables, passes } = builder;
  program.rounds[round].forEach((kernel, k) => {
    const made = new Map<string, readonly Reached<Buffer>[]>();
    // By place in the sequence of an item's modules, then by code.
    const sequence: Map<string, { readonly reached: Reached<Buffer>; readonly listing: number[]; count: number }>[] = [];
    for (const one of items) {
      const extent = loopExtent(kernel.domain, one.item.extent);
      const name = `${extent.batch} ${extent.rows} ${extent.cols}`;
      let modules = made.get(name);
      if (modules === undefined) {
        modules = kernelModules(kernel, round, k, layout, extent).map((make) => reach(program, clusters, make));
        made.set(name, modules);
      }
      modules.forEach((reached, nth) => {
        const { code, workgroups } = reached.module;
        const known = sequence[nth] ??= new Map();
        let pass = known.get(code);
        if (pass === undefined) known.set(code, pass = { reached, listing: [], count: 0 });
        pass.count++;
        for (let workgroup = 0; workgroup < workgroups; workgroup++) pass.listing.push(one.record / 4, workgroup);
      });
    }
    for (const { reached, listing, count } of sequence.flatMap((known) => [...known.values()])) {
      const { module: { title, code }, touched, bound } = reached;
      passes.push({
        label: [`${count} tensors: round ${round + 1}`, title, ...said(touched)].join(", "),
        code: `@group(0) @binding(0) var<storage, read> records: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> listing: array<vec2<u32>>;
${declarationsOf(bound, 2)}
${code.replace(opening, openingOfMany(layout.words))}`,
        bindings: [whole("records", "read-only-storage"), tables.add(listing), ...bound.map(bindingOf)],
        workgroups: gridOf(listing.length / 2, limits),
      });
    }
  });
}

/** A cluster that a module reaches. A buffer is bound for reading alone, or for reading and writing in all its parts. */
interface Bound<Buffer extends object> {
  readonly index: number;
  readonly cluster: Clusters<Buffer>["list"][number];
  readonly isWritten: boolean;
}

/** A module, and what it reaches. */
interface Reached<Buffer extends object> {
  readonly module: Module;
  readonly touched: Readonly<Record<"read" | "write", ReadonlySet<string>>>;
  readonly bound: readonly Bound<Buffer>[];
}

function reach<Buffer extends object>(
  { tensors, writes }: Program,
  clusters: Clusters<Buffer>,
  make: (reach: Reach) => Module,
): Reached<Buffer> {
  const reached = new Map<number, boolean>();
  const touched = { read: new Set<string>(), write: new Set<string>() };
  const module = make((key, isWritten) => {
    if (tensors.includes(key) || writes.includes(key)) touched[isWritten ? "write" : "read"].add(key.replace(/^.*\//, ""));
    const cluster = clusters.of.get(key)!;
    reached.set(cluster, isWritten || (reached.get(cluster) ?? false));
    return `memory${cluster}`;
  });
  const written = new Set([...reached.keys()].filter((index) => reached.get(index)!).map((index) => clusters.list[index].buffer));
  const bound = [...reached.keys()].sort((a, b) => a - b)
    .map((index) => ({ index, cluster: clusters.list[index], isWritten: written.has(clusters.list[index].buffer) }));
  return { module, touched, bound };
}

/** What is bound, from this binding on. */
const declarationsOf = (bound: readonly Bound<object>[], first: number): string =>
  bound.map(({ index, isWritten }, k) =>
    `@group(0) @binding(${first + k}) var<storage, ${isWritten ? "read_write" : "read"}> memory${index}: array<u32>;`
  ).join("\n");

const bindingOf = <Buffer extends object>({ cluster: { buffer, offset, bytes }, isWritten }: Bound<Buffer>): Binding<Buffer> => ({
  of: buffer as object === scratchBuffer ? "scratch" : buffer,
  offset,
  bytes,
  type: isWritten ? "storage" : "read-only-storage",
});

/** A module over an item's memory, with what it reaches bound. */
function passOf<Buffer extends object>(
  { ground: { limits } }: Builder<Buffer>,
  { item: { name, program }, layout, record, clusters }: PlacedItem<Buffer>,
  make: (reach: Reach) => Module,
  round: number,
): Pass<Buffer> {
  const { module: { code, title, workgroups }, touched, bound } = reach(program, clusters, make);
  if (bound.length > limits.maxStorageBuffersPerShaderStage) {
    const message = `Cannot run over ${name === undefined ? "tensors" : `"${name}"`} in ${bound.length} buffers at once: ` +
      `the device binds ${limits.maxStorageBuffersPerShaderStage}; let some of them lie in one buffer, or ask for a device with more`;
    throw name === undefined ? new RangeError(message) : Object.assign(new RangeError(message), { tensor: name });
  }
  return {
    label: [`${name ?? "text"}: round ${round + 1}`, title, ...said(touched)].join(", "),
    code: `@group(0) @binding(0) var<uniform> record: array<vec4<u32>, ${layout.words / 4}>;\n${declarationsOf(bound, 1)}\n${code}`,
    bindings: [{ of: "records", offset: 4 * record, bytes: 4 * layout.words, type: "uniform" }, ...bound.map(bindingOf)],
    workgroups: gridOf(workgroups, limits),
  };
}

/** What a pass touches of a tensor's own, as `explain` says it. */
const said = (touched: Readonly<Record<"read" | "write", ReadonlySet<string>>>): string[] =>
  (["read", "write"] as const).filter((how) => touched[how].size > 0).map((how) => `${how} ${[...touched[how]].join(" ")}`);

/** The workgroups' partial sums of a round's kernels, to one number for each sum. */
function pushFolds<Buffer extends object>(
  { ground, tables, passes }: Builder<Buffer>,
  items: readonly PlacedItem<Buffer>[],
  round: number,
): void {
  const folds: number[] = [];
  for (const { item: { program: { rounds, values }, extent }, layout, record, scratch } of items) {
    rounds[round].forEach((kernel, k) => {
      const totals = kernel.reductions.filter(({ axis }) => axis === "total");
      const { at = 0, words = 0 } = scratch.get(totalsKey(round, k)) ?? {};
      totals.forEach(({ f, value }, nth) => {
        const { reduce, args: [arg] } = values[value];
        const count = words / totals.length;
        const isShare = overTensors(reduce!.axis);
        const into = record + (isShare ? layout.shares : layout.numbers).get(value)!;
        folds.push(at + nth * count, count, into, kindOf(f, !isShare), bitsOf(classes[arg.cls].count(extent)), 0, 0, 0);
      });
    });
  }
  if (folds.length === 0) return;
  passes.push({
    label: `sums of round ${round + 1}`,
    code: foldCode,
    bindings: [whole("records"), tables.add(folds), whole("scratch", "read-only-storage")],
    workgroups: gridOf(folds.length / foldWords, ground.limits),
  });
}

/** A complete sum over tensors: one of all, or one of each group. */
function pushJoins<Buffer extends object>(builder: Builder<Buffer>, key: string, items: readonly PlacedItem<Buffer>[]): void {
  const idOf = ({ code: { program: { alls, values } } }: PlacedItem<Buffer>): number =>
    alls.find(({ id }) => values[id].reduce!.all === key)!.id;
  const ofGroups = items[0].code.program.values[idOf(items[0])].reduce!.axis === "group";
  const sets = ofGroups
    ? [...new Set(items.map(({ group }) => group.slots))].map((slots) => items.filter(({ group }) => group.slots === slots))
    : [items];
  for (const set of sets) {
    const { f } = set[0].code.program.values[idOf(set[0])].reduce!;
    const n = set.reduce((sum, one) => sum + classes[one.code.program.values[idOf(one)].args[0].cls].count(one.item.extent), 0);
    // What no text reads has no word: then the sum is written over the share.
    const resultOf = (one: PlacedItem<Buffer>): number => one.layout.numbers.get(idOf(one)) ?? one.layout.shares.get(idOf(one))!;
    builder.passes.push({
      label: `sum over tensors ${key}`,
      code: joinCode,
      bindings: [
        whole("records"),
        builder.tables.add([
          kindOf(f, true),
          bitsOf(n),
          set.length,
          ...set.map((one) => one.record + one.layout.shares.get(idOf(one))!),
          ...set.map((one) => one.record + resultOf(one)),
        ]),
      ],
      workgroups: [1, 1],
    });
  }
}

function pushDecision<Buffer extends object>(
  { ground, tables, passes, groups }: Builder<Buffer>,
  placed: readonly PlacedItem<Buffer>[],
  holds: readonly string[],
): void {
  const bitOf = (scope: string): number => 1 << holds.indexOf(scope);
  const numbers = placed.flatMap(({ item: { program }, layout, record }) =>
    program.holds.flatMap(({ id, scope }) => [record + layout.numbers.get(id)!, bitOf(scope)])
  );
  const stores = new Map<string, readonly number[]>();
  for (const group of groups) {
    const { item, item: { program }, layout, record } = firstOf(placed, group);
    for (const { scope, stores: own } of program.holds) {
      for (const { key, id, cls } of own) {
        const cell = ground.cell(item, key, cls);
        stores.set(`${scope} ${cell}`, [bitOf(scope), record + layout.numbers.get(id)!, cell]);
      }
    }
  }
  const live = placed.map(({ record }) => record + recordWords.live);
  passes.push({
    label: "hold back or go on",
    code: decideCode,
    bindings: [
      whole("records"),
      tables.add([numbers.length / 2, stores.size, live.length, ...numbers, ...[...stores.values()].flat(), ...live]),
      whole("cells"),
      whole("progress"),
    ],
    workgroups: [1, 1],
  });
}

// ------------------------------------------------------------------------------------------------------------------------------------ numbers

/** Slots of a class that a program reads or writes: in cells, or in maps. */
function slotsOf({ item: { program: { numbers, values, numberStores, holds } }, layout }: PlacedItem<object>): {
  readonly cells: ReadonlyMap<string, NumberSlotClass>;
  readonly maps: ReadonlyMap<string, NumberSlotClass>;
} {
  const cells = new Map<string, NumberSlotClass>();
  const maps = new Map<string, NumberSlotClass>();
  for (const { key, cls } of [...layout.cellReads, ...layout.cellStores, ...holds.flatMap(({ stores }) => stores)]) cells.set(key, cls);
  const read = numbers.flat().map((id) => values[id]).filter(({ op }) => op === "slot");
  for (const { key, cls } of [...read, ...numberStores]) if (!cells.has(key)) maps.set(key, cls as NumberSlotClass);
  return { cells, maps };
}

/** The items' slots, those of groups once. */
function listSlots(placed: readonly PlacedItem<object>[], where: "cells" | "maps"): { item: Item; key: string; cls: NumberSlotClass }[] {
  return placed.flatMap((one) =>
    [...slotsOf(one)[where]].filter(([, cls]) => cls === "scalar" || one.record === one.firstRecord)
      .map(([key, cls]) => ({ item: one.item, key, cls }))
  );
}

function cellsOf<Buffer extends object>(
  placed: readonly PlacedItem<Buffer>[],
  ground: Ground<Buffer>,
): LoweredPlan<Buffer>["cells"] {
  return listSlots(placed, "cells").map((one) => ({ ...one, cell: ground.cell(one.item, one.key, one.cls) }));
}

/** What the host computes: rows, and the slots that stay in maps. */
function hostNumbers(
  placed: readonly PlacedItem<object>[],
  groups: readonly GroupNumbers[],
  words: number,
): Pick<LoweredPlan<object>, "fill" | "advance" | "keep" | "mapSlots"> {
  const codes = [...new Set(placed.map(({ code }) => code))].map((code: NumberCode) => ({
    count: code.program.rounds.length,
    groups: groups.filter((group) => group.code === code),
    items: placed.filter((one) => one.code === code),
  }));
  const template = new Uint32Array(words);
  for (const { item: { extent }, layout, record, clusters } of placed) {
    const { live, size, batch, rows, cols } = recordWords;
    template[record + live] = 1;
    template[record + size] = extent.size;
    template[record + batch] = extent.batch;
    template[record + rows] = extent.rows;
    template[record + cols] = extent.cols;
    for (const [key, word] of layout.begins) {
      const begin = clusters.begins.get(key);
      if (begin !== undefined) template[record + word] = begin;
    }
  }
  const mapSlots = listSlots(placed, "maps");
  const mapOf = ({ item, cls }: { item: Item; cls: NumberSlotClass }) => cls === "scalar" ? item.scalarSlots : item.groupSlots;
  return {
    mapSlots,
    fill(values, row) {
      row.set(template);
      const floats = new Float32Array(row.buffer, row.byteOffset, row.length);
      readNumbers(placed, groups, values);
      // What depends on sums comes out wrong here, and is not read.
      for (const { count, groups, items } of codes) for (let round = 0; round <= count; round++) computeNumbers(groups, items, round);
      for (const { layout, record, numbers } of placed) {
        for (const id of layout.fromHost) floats[record + layout.numbers.get(id)!] = numbers[id];
      }
    },
    advance() {
      for (const group of groups) {
        const { layout } = placed.find((one) => one.group === group)!;
        for (const { key, id, cls } of layout.mapStores) if (cls === "group") group.slots.set(key, group.shared[0].numbers[id]);
      }
      for (const { item, layout, numbers } of placed) {
        for (const { key, id, cls } of layout.mapStores) if (cls === "scalar") item.scalarSlots.set(key, numbers[id]);
      }
    },
    keep() {
      const kept = mapSlots.map((slot) => ({ slot, value: mapOf(slot).get(slot.key)! }));
      return () => {
        for (const { slot, value } of kept) mapOf(slot).set(slot.key, value);
      };
    },
  };
}

/**
 * A plan: items laid out as jobs, stage by stage, for repeated runs.
 *
 * What is common to all backends lives in this folder, so that it is the same bits by construction: how a tensor is cut into units (partition), the
 * float64 arithmetic of options, groups and scalars (numbers), what runs together (stages), and the order in which partial sums are added (sums).
 *
 * @module
 */
import type { Kernel, RoutineCall } from "../language/kernel.ts";
import { routineUnits } from "../routines/units.ts";
import { classes, matrixExtent } from "../tables/classes.ts";
import type { Scalars } from "../types.ts";
import type { Item, Plan } from "./item.ts";
import { carriedBy } from "./carried.ts";
import { type Carried, type Executor, type Job, type Region, type RoutineJob, unitFields } from "./job.ts";
import {
  computeNumbers,
  type GroupNumbers,
  holdBack,
  type ItemNumbers,
  itemNumbers,
  numberCode,
  readNumbers,
  writeNumbers,
} from "./numbers.ts";
import { matrixMemory } from "./matrix_memory.ts";
import { loopExtent, mostShare, unitsOf } from "./partition.ts";
import { closingRounds, type ProgramRound, type Stage, stagesOf } from "./stages.ts";
import { collect, spread } from "./sums.ts";

/** An item at its place in a plan. */
interface PlacedItem extends ItemNumbers {
  /** By round; empty until memory is given out. */
  jobs: readonly (readonly Job[])[];
  /** By round; likewise. */
  routines: readonly (readonly RoutineJob[])[];
}

/** Memory beside an item's tensors. */
type Scratch = (item: Item, bytes: number) => Region;

/** Lays items out for an executor. RangeError where a text needs a square tensor and has another. */
export function createPlan(items: readonly Item[], executor: Executor): Plan {
  items.forEach(checkSides);
  const regions: Region[] = [];
  const scratch: Scratch = (item, bytes) => {
    const region = executor.scratch(item, Math.max(16, bytes));
    regions.push(region);
    return region;
  };
  const prepared: { run(): void; dispose(): void }[] = [];
  const dispose = (): void => {
    for (const one of prepared.splice(0)) one.dispose();
    for (const region of regions.splice(0)) executor.release(region);
  };
  try {
    const groups: GroupNumbers[] = [];
    const placed = items.map((item): PlacedItem => ({ ...itemNumbers(item, groupOf(item, groups)), jobs: [], routines: [] }));
    const stages = stagesOf(placed);
    const matrices = matrixMemory(stages, executor.reaches, scratch);
    for (const one of placed) place(one, matrices.get(one) ?? [], scratch, executor);
    for (const { rounds } of stages) {
      prepared.push(executor.stage(
        rounds.flatMap(({ items, round }) => items.flatMap(({ jobs }) => jobs[round])),
        rounds.flatMap(({ items, round }) => items.flatMap(({ routines }) => routines[round])),
      ));
    }
    const decidesLast = items.some(({ program: { holds } }) => holds.length > 0) && !stages.some(({ decides }) => decides);
    const arrangement: Arrangement = { items: placed, groups, stages, closing: closingRounds(placed), prepared, decidesLast };
    const carried = new Set(placed.flatMap(({ jobs }) => jobs.flat().flatMap(({ carried }) => carried.map(({ foreign }) => foreign))));
    return { dispose, run: (values) => run(arrangement, values), carried };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** What a run needs of a plan. */
interface Arrangement {
  readonly items: readonly PlacedItem[];
  readonly groups: readonly GroupNumbers[];
  readonly stages: readonly Stage<PlacedItem>[];
  readonly closing: readonly ProgramRound<PlacedItem>[];
  /** True where texts that may hold a run back store nothing in tensors' memory, so that no stage asks. */
  readonly decidesLast: boolean;
  /** The stages as the executor has them. */
  readonly prepared: readonly { run(): void }[];
}

const nobody: readonly string[] = [];

/**
 * One run, and who held it back. A stage's `run` need only submit its jobs, in order: nothing here reads what kernels write but `collect` and `spread`,
 * which ask for sums alone, and a stage without reductions asks for nothing.
 */
function run({ items, groups, stages, closing, prepared, decidesLast }: Arrangement, values: readonly Scalars[]): readonly string[] {
  readNumbers(items, groups, values);
  for (let k = 0; k < stages.length; k++) {
    const { rounds, complete, decides } = stages[k];
    if (decides) {
      const held = holdBack(groups);
      if (held.length > 0) return held;
    }
    for (const { groups, items, round } of rounds) {
      computeNumbers(groups, items, round);
      for (const { jobs, numbers } of items) {
        for (const { kernel, scalars } of jobs[round]) {
          for (let i = 0; i < scalars.length; i++) scalars[i] = numbers[kernel.scalars[i]];
        }
      }
    }
    prepared[k].run();
    for (const { items, round } of rounds) {
      for (const one of items) for (const job of one.jobs[round]) if (job.kernel.reductions.length > 0) collect(one, job);
    }
    for (const { key, items } of complete) spread(key, items);
  }
  for (const { groups, items, round } of closing) computeNumbers(groups, items, round);
  const held = decidesLast ? holdBack(groups) : nobody;
  if (held.length === 0) writeNumbers(items, groups);
  return held;
}

/** The group that the item is of: one program and one map of group slots. */
export function groupOf({ program, groupSlots }: Item, groups: GroupNumbers[]): GroupNumbers {
  const code = numberCode(program);
  let group = groups.find((one) => one.code === code && one.slots === groupSlots);
  if (group === undefined) groups.push(group = { code, slots: groupSlots, shared: [], used: 0 });
  return group;
}

/** Refuses a tensor whose sides a text's matrices do not allow. */
export function checkSides({ program: { square, tall }, extent, name }: Item): void {
  const { rows, cols } = extent;
  const wide = tall.find(({ height, width }) => extent[height] < extent[width]);
  const wrong = rows !== cols && square !== null ? square : wide;
  if (wrong === undefined) return;
  const place = `line ${wrong.line}${wrong.scope === "" ? "" : ` of ${wrong.scope}`}`;
  const error = new RangeError(
    `Cannot run over ${name === undefined ? "a tensor" : `"${name}"`} of ${rows} rows and ${cols} columns: ` +
      (wrong === square
        ? `the matrices of ${place} go together where there are as many rows as columns`
        : `qr on ${place} takes a matrix with at least as many rows as columns; transpose it first`),
  );
  throw name === undefined ? error : Object.assign(error, { tensor: name });
}

/** Gives an item its jobs, over the memory of its matrices and more. */
function place(one: PlacedItem, buffers: readonly Region[], scratch: Scratch, { threads, carries }: Executor): void {
  const { item } = one;
  const { values, results, rounds, routines, matrices } = item.program;
  const resultMemory = new Map(results.map((id) => [`#${id}`, scratch(item, 4 * classes[values[id].cls].count(item.extent))]));
  for (const { id, buffer } of matrices) {
    const bytes = 4 * classes[values[id].cls].count(item.extent);
    resultMemory.set(`#${id}`, { ...buffers[buffer], byteLength: bytes });
  }
  const memoryOf = (key: string): Region => resultMemory.get(key) ?? item.tensors[key].data;
  const carried = carries === true ? carriedBy(item) : new Map<Kernel, Carried[]>();
  one.jobs = rounds.map((kernels) => kernels.map((kernel) => jobOf(item, kernel, memoryOf, scratch, threads, carried.get(kernel) ?? [])));
  one.routines = routines.map((calls) => calls.map((call) => routineJob(item, call, memoryOf)));
}

function routineJob(item: Item, { routine, args, into }: RoutineCall, memoryOf: (key: string) => Region): RoutineJob {
  const { batch, rows, cols } = matrixExtent(into.cls, item.extent);
  return {
    routine,
    args: args.map(({ key }) => memoryOf(key)),
    into: memoryOf(into.key),
    ...{ batch, rows, cols, inner: matrixExtent(args[0].cls, item.extent).cols },
    units: routineUnits(routine, batch, rows, cols),
  };
}

function jobOf(
  item: Item,
  kernel: Kernel,
  memoryOf: (key: string) => Region,
  scratch: Scratch,
  threads: number,
  carried: readonly Carried[],
): Job {
  const extent = loopExtent(kernel.domain, item.extent);
  const { units, bands } = unitsOf(kernel, extent, threads, mostShare(carried));
  const floats = (n: number): Float64Array => {
    const { buffer, byteOffset } = scratch(item, 8 * n);
    return new Float64Array(buffer, byteOffset, n);
  };
  const { byteOffset, buffer } = scratch(item, 4 * kernel.scalars.length);
  const totals = kernel.reductions.filter(({ axis }) => axis === "total").length;
  const columns = kernel.reductions.filter(({ axis }) => axis === "col").length;
  return {
    kernel,
    item,
    memory: kernel.pointers.map(({ key }) => memoryOf(key)),
    ...extent,
    scalars: new Float32Array(buffer, byteOffset, kernel.scalars.length),
    units,
    totals: floats(totals * units.length / unitFields),
    carried,
    columns: columns > 0 && bands > 1 ? floats(columns * extent.batch * bands * extent.cols) : null,
  };
}

/**
 * Executes a plan's jobs over arenas: each unit is a record of numbers, and a stage is a table of records that the calling thread goes through, alone
 * or with workers.
 *
 * @module
 */
import type { Kernel } from "../../language/kernel.ts";
import { carriedShare } from "../../plan/partition.ts";
import { type Executor, type Job, type RoutineJob, unitFields } from "../../plan/job.ts";
import type { Item } from "../../plan/item.ts";
import { routines } from "../../routines/table.ts";
import { bindJs } from "../js/bind.ts";
import { bindRoutine } from "../js/routines.ts";
import type { Carrying } from "../threads/carrying.ts";
import type { Arena, Block } from "./arena.ts";
import { type Carrier, carrierOfAll, carriersOf } from "./carrier.ts";
import { localBytesOf, wasmModule } from "./codegen.ts";
import { type CompiledKernel, compiledKernel, type CompiledKernels, functionIn, type KernelFunction } from "./kernels.ts";
import { borrow, giveBack, type Lent, type LocalMemory } from "./local_memory.ts";
import { arenaOf, arenaOfBuffer, type Memory, releaseScratch, type Scratch, takeScratch } from "./memory.ts";
import { routineLowerings } from "./routines.ts";

/** Where kernels' bytes lie for workers, and how units are shared out. */
export interface Dispatcher {
  /** Threads, the calling one included. */
  readonly threads: number;
  /** Elements up to which the calling thread works alone. */
  readonly alone: number;
  /** How many kernels workers can know; further ones run on the calling thread alone. */
  readonly mostKernels: number;
  /** Runs the units of a table; `own` runs one here. null: they carry nothing. */
  run(table: Block, units: number, own: (unit: number) => void, carrying: Carrying | null): void;
  /** A compiled kernel: workers compile the bytes for themselves. */
  kernel(id: number, bytes: Block, length: number): void;
  /** A new memory. */
  arena(arena: Arena): void;
  dispose(): void;
}

/** Elements up to which the calling thread works alone: waking workers costs more than they save (bench/dispatch.ts). */
export const threshold: number = 512 * 1024;

/**
 * Elements of a unit, in the mean, from which on workers take part. Sharing a unit out costs as much as 300 elements: over 655,360 elements two threads took
 * 1.45 times as long as one with tensors of 64 elements, .82 to .96 times with 512, .66 times with 4,096.
 */
const leastShared = 512;

/**
 * Numbers in a unit's record: kernel, arena, the function's first seven arguments, local memory and its size for each thread; whether it may run, and whether
 * it has run (threads/carrying.ts).
 */
export const recordFields = 13;

/** What jobs are executed with. */
export interface Engine {
  readonly memory: Memory;
  readonly kernels: CompiledKernels;
  /** null where the calling thread is the only one. */
  readonly dispatcher: Dispatcher | null;
}

/** An executor over a backend's memory and kernels. */
export function createExecutor(engine: Engine): Executor {
  const { memory, dispatcher } = engine;
  const lending: LocalMemory = { memory, lent: new Set() };
  const arenaOfItem = ({ tensors }: Item): Arena => {
    const [first] = Object.values(tensors);
    return first === undefined ? memory.arenas[0] : arenaOf(memory, first)!;
  };
  return {
    threads: dispatcher?.threads ?? 1,
    carries: true,
    scratch: (item, bytes) => takeScratch(memory, arenaOfItem(item), bytes),
    reaches: (item, { buffer }) => arenaOfBuffer(memory, buffer) === arenaOfItem(item),
    release: (region) => releaseScratch(memory, region as Scratch),
    stage(jobs, routineJobs) {
      const held: Held = { scratch: [], lent: [] };
      const dispose = (): void => {
        held.scratch.splice(0).forEach((scratch) => releaseScratch(memory, scratch));
        held.lent.splice(0).forEach((one) => giveBack(lending, one));
      };
      try {
        return { run: layOut(engine, lending, jobs, routineJobs, held), dispose };
      } catch (error) {
        dispose();
        throw error;
      }
    },
  };
}

/** What a stage holds. */
interface Held {
  readonly scratch: Scratch[];
  readonly lent: Lent[];
}

/** A job with what its records need. */
interface Placed<J> {
  readonly job: J;
  readonly arena: Arena;
  /** Its number among the backend's. */
  readonly arenaIndex: number;
  readonly kernel: CompiledKernel;
}

/** Elements that a job goes through. */
function elementsOf({ kernel, units, cols }: Job): number {
  let elements = 0;
  for (let at = 0; at < units.length; at += unitFields) {
    const [begin, end, rowBegin, rowEnd] = units.subarray(at, at + unitFields);
    elements += kernel.shape === "flat" ? end - begin : (end - begin) * (rowEnd - rowBegin) * cols;
  }
  return elements;
}

/** What a routine's job costs, in elements of a kernel. */
const elementsOfRoutine = ({ routine, batch, rows, cols, inner }: RoutineJob): number =>
  batch * rows * cols * routines[routine].cost(inner);

const unitCount = ({ units }: Pick<Job, "units">): number => units.length / unitFields;

/** True where a cut more or less changes no bit: nothing is summed, and each element is computed from its own numbers. */
const mayJoin = ({ shape, reductions }: Kernel): boolean => shape === "flat" && reductions.length === 0;

/** A job's units, each as begin, end, row begin, row end, and index of its column partials. Joined they are as few as can be: each costs a call. */
function unitsOf(job: Job, joined: boolean): number[][] {
  const units = Array.from({ length: unitCount(job) }, (_, unit) => [...job.units.subarray(unit * unitFields, (unit + 1) * unitFields)]);
  return joined && units.length > 1 && mayJoin(job.kernel) ? [[units[0][0], units.at(-1)![1], 0, 0, -1]] : units;
}

// Elements of a unit, in the mean, from which on it is carried by itself: with 300 a step took 1.07 to 1.28 times as long as with all copies before and after
// it, with 4,096 .64 to 1.08 times.
const leastCarried = 4_096;

/**
 * Units that are kept ready where shares are carried: one more than there are threads, or as much of smaller ones. With as few of units of 4,096 elements a
 * step over 200 tensors of them took 1.05 (Deno) and 1.23 (Bun) times as long as with all copies before it.
 */
const aheadOf = (threads: number, units: number, elements: number): number =>
  Math.ceil((threads + 1) * Math.max(1, carriedShare * units / Math.max(1, elements)));

/** Writes jobs' records into memory, and gives the function that runs them. What this takes is put into `held`. */
function layOut(
  { memory, kernels, dispatcher }: Engine,
  lending: LocalMemory,
  jobs: readonly Job[],
  routineJobs: readonly RoutineJob[],
  held: Held,
): () => void {
  const hold = (arena: Arena, bytes: number): Scratch => {
    const scratch = takeScratch(memory, arena, bytes);
    held.scratch.push(scratch);
    return scratch;
  };
  const placed = jobs.map((job): Placed<Job> => {
    const arena = arenaOfBuffer(memory, job.scalars.buffer)!;
    const { kernel } = job;
    const source = { signature: kernel.signature, module: () => wasmModule(kernel) };
    return { job, arena, arenaIndex: memory.arenas.indexOf(arena), kernel: compiledKernel(kernels, source) };
  });
  const placedRoutines = routineJobs.map((job): Placed<RoutineJob> => {
    const arena = arenaOfBuffer(memory, job.into.buffer)!;
    return { job, arena, arenaIndex: memory.arenas.indexOf(arena), kernel: compiledKernel(kernels, routineLowerings[job.routine]) };
  });
  const all = [...placed, ...placedRoutines];
  const elements = jobs.reduce((n, job) => n + elementsOf(job), 0) + routineJobs.reduce((n, job) => n + elementsOfRoutine(job), 0);
  const units = all.reduce((n, { job }) => n + unitCount(job), 0);
  const isShared = dispatcher !== null && units > 1 && elements > dispatcher.alone &&
    elements >= units * Math.min(dispatcher.alone, leastShared) &&
    all.every(({ arena, kernel: { id, module } }) => arena.memory !== null && module !== null && id < dispatcher.mostKernels);
  // What a kernel needs is the same in all of its jobs: asked for each of 3,000 small tensors it took 80 us a tensor.
  const localBytes = new Map<Kernel, (cols: number) => number>();
  for (const { kernel } of jobs) if (!localBytes.has(kernel)) localBytes.set(kernel, localBytesOf(kernel));
  const needs = [
    ...placed.map(({ job, arena }) => ({ arena, bytes: localBytes.get(job.kernel)!(job.cols) })),
    ...placedRoutines.map(({ job, arena }) => ({ arena, bytes: routineLowerings[job.routine].localBytes(job) })),
  ];
  const locals = localMemory(needs, isShared ? dispatcher.threads : 1, (arena, bytes) => {
    const lent = borrow(lending, arena, bytes);
    held.lent.push(lent);
    return lent.scratch;
  });

  const records: number[] = [];
  const functions: (KernelFunction | null)[] = [];
  const inJs: ((() => void) | null)[] = []; // what a record does where its kernel is not compiled
  const carrying = jobs.filter(({ carried }) => carried.length > 0);
  const carriers: (Carrier | null)[] = [];
  for (const { job, arena, arenaIndex, kernel } of placed) {
    const head = writeHead(job, hold(arena, 4 * (job.memory.length + 4)));
    const partials = 8 * job.kernel.reductions.filter(({ axis }) => axis === "total").length;
    const local = locals.get(arena)!;
    const compiled = functionIn(kernel, arena, arenaIndex);
    const run = compiled === null ? bindJs(job) : null;
    if (isShared && job.carried.length > 0) carriersOf(job).forEach((carrier, unit) => carriers[functions.length + unit] = carrier);
    for (const [unit, [begin, end, rowBegin, rowEnd, region]] of unitsOf(job, !isShared && compiled !== null).entries()) {
      records.push(
        ...[kernel.id, arenaIndex, head, begin, end, rowBegin, rowEnd],
        ...[job.totals.byteOffset + partials * unit, region >= 0 ? job.columns!.byteOffset + 8 * job.cols * region : 0],
        ...[local.address, local.bytes, 1, 0],
      );
      functions.push(compiled);
      inJs.push(run && (() => run(unit)));
    }
  }
  for (const { job, arena, arenaIndex, kernel } of placedRoutines) {
    const head = writeRoutineHead(job, hold(arena, 4 * (job.args.length + 4)));
    const local = locals.get(arena)!;
    const compiled = functionIn(kernel, arena, arenaIndex);
    const run = compiled === null ? bindRoutine(job) : null;
    for (let unit = 0; unit < unitCount(job); unit++) {
      records.push(
        kernel.id,
        arenaIndex,
        head,
        ...job.units.subarray(unit * unitFields, (unit + 1) * unitFields),
        0,
        ...[local.address, local.bytes, 1, 0],
      );
      functions.push(compiled);
      inJs.push(run && (() => run(unit)));
    }
  }

  const count = functions.length;
  const table = isShared ? hold(memory.arenas[0], 4 * records.length) : null;
  const words = table === null ? Int32Array.from(records) : new Int32Array(table.buffer, table.byteOffset, records.length);
  words.set(records);
  const runOne = (unit: number): void => {
    const run = functions[unit];
    if (run === null) return inJs[unit]!();
    const r = unit * recordFields;
    run(words[r + 2], words[r + 3], words[r + 4], words[r + 5], words[r + 6], words[r + 7], words[r + 8], words[r + 9]);
  };
  if (table !== null && carrying.length > 0 && elements >= leastCarried * count) {
    const ahead = aheadOf(dispatcher!.threads, count, elements);
    const carried: Carrying = {
      ...{ words, fields: recordFields, ahead },
      bring: (unit) => carriers[unit]?.bring(),
      take: (unit) => carriers[unit]?.take(),
    };
    return () => dispatcher!.run(table.block, count, runOne, carried);
  }
  // On one thread there is nothing that could go on beside the copies. Copying a unit, then running it while it is in the cache, took 1.01 to 1.08 times as
  // long for gradients, and .90 to 1.04 times for parameters and gradients: a kernel that is called often pays for it.
  const whole = carrying.map(carrierOfAll);
  return () => {
    for (const carrier of whole) carrier.bring();
    if (table !== null) dispatcher!.run(table.block, count, runOne, null);
    else for (let unit = 0; unit < count; unit++) runOne(unit);
    for (const carrier of whole) carrier.take();
  };
}

/** The words that a kernel reads its job from: see codegen.ts. Their address. */
function writeHead({ kernel, memory, rows, cols, units, scalars }: Job, { buffer, byteOffset }: Scratch): number {
  const columnStride = 8 * cols * (units.length / unitFields);
  const words = [...memory.map(({ byteOffset }) => byteOffset), rows, cols, columnStride, scalars.byteOffset];
  new Int32Array(buffer, byteOffset, kernel.pointers.length + 4).set(words);
  return byteOffset;
}

/** The words that a routine reads its job from: see routines.ts. Their address. */
function writeRoutineHead({ args, into, rows, cols, inner }: RoutineJob, { buffer, byteOffset }: Scratch): number {
  const words = [...args.map(({ byteOffset }) => byteOffset), into.byteOffset, rows, cols, inner];
  new Int32Array(buffer, byteOffset, words.length).set(words);
  return byteOffset;
}

/** Memory of each thread's own, by arena: as much as the job needs that needs most. */
function localMemory(
  needs: readonly { readonly arena: Arena; readonly bytes: number }[],
  threads: number,
  take: (arena: Arena, bytes: number) => Scratch,
): Map<Arena, { readonly address: number; readonly bytes: number }> {
  const most = new Map<Arena, number>();
  for (const { arena, bytes } of needs) most.set(arena, Math.max(most.get(arena) ?? 0, bytes));
  return new Map(
    [...most].map(([arena, bytes]) => [arena, { address: bytes > 0 ? take(arena, bytes * threads).byteOffset : 0, bytes }]),
  );
}

/**
 * A job: one kernel over one tensor, or one call of a routine, cut into units. It is what a plan is made of and what a backend executes.
 *
 * @module
 */
import type { Kernel } from "../language/kernel.ts";
import type { RoutineName } from "../routines/table.ts";
import type { Foreign, Item } from "./item.ts";

/** A piece of memory. */
export interface Region {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** Numbers in a unit's record of {@linkcode Job.units}. */
export const unitFields = 5;

/** One kernel over one tensor. */
export interface Job {
  readonly kernel: Kernel;
  readonly item: Item;
  /** Memory of each of the kernel's pointers. */
  readonly memory: readonly Region[];
  /** Elements of a flat kernel. */
  readonly size: number;
  /** Dimensions of a matrix kernel. */
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  /** Filled before each run. */
  readonly scalars: Float32Array;
  /** Per unit: begin, end, row begin, row end, index of its column partials or -1. */
  readonly units: Int32Array;
  /** Per unit and total reduction: the partial sum. */
  readonly totals: Float64Array;
  /** What comes before each unit, and goes after it. */
  readonly carried: readonly Carried[];
  /** Partial column sums of tensors that are cut into bands: per reduction, matrix and band `cols` numbers. */
  readonly columns: Float64Array | null;
}

/** A tensor of a job whose elements come from an array of the caller's, or go to one: each unit's just before it and just after it. */
export interface Carried {
  readonly key: string;
  readonly foreign: Foreign;
  readonly comes: boolean;
  readonly goes: boolean;
}

/** One call of a routine over one tensor's matrices, all of float32. */
export interface RoutineJob {
  readonly routine: RoutineName;
  /** What it reads. */
  readonly args: readonly Region[];
  /** What it writes: `batch` matrices of `rows` x `cols`. */
  readonly into: Region;
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  /** Columns of the first argument. */
  readonly inner: number;
  /** Per unit: first and end column, first and end row of the result, and the matrix. */
  readonly units: Int32Array;
}

/** What a backend adds to a plan: memory, and the loops. */
export interface Executor {
  /** Threads that share a stage's units. */
  readonly threads: number;
  /** True for one that carries what `carried` of a job says; others find it done. */
  readonly carries?: boolean;
  /** Memory beside an item's tensors, 16-byte aligned. */
  scratch(item: Item, bytes: number): Region;
  /** Whether an item's jobs could have another item's scratch as theirs. */
  reaches(item: Item, region: Region): boolean;
  /** Gives scratch back. */
  release(region: Region): void;
  /**
   * Jobs that may run at the same time, made ready for repeated runs. `run` need only submit them, in order: what a run reads of their results
   * (`collect` in sums.ts) are `totals` and `columns`, of jobs with reductions alone. Routines are never fused with kernels; a round has both only
   * where neither waits for the other.
   */
  stage(jobs: readonly Job[], routines: readonly RoutineJob[]): { run(): void; dispose(): void };
}

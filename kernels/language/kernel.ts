/**
 * A kernel: one loop over one tensor, as data. It is what the language ends in and what a backend lowers.
 *
 * @module
 */
import type { RoutineName } from "../routines/table.ts";
import type { Domain, MatrixClass, VectorClass } from "../tables/classes.ts";
import type { ElementOp, ReductionName } from "../tables/ops.ts";
import type { DType } from "../types.ts";

/**
 * Where a value changes inside a kernel's loop: never, with the matrix, the row, the column, or with every element. A kernel over rows (or
 * columns) sees these as its elements.
 */
export type Role = "uniform" | "batch" | "row" | "col" | "param";

/** One operation of a kernel; its arguments stand before it. */
export interface Node {
  /** load (of `pointer`), splat (of `scalar`), as (the argument, spread over a wider role), or an operation of the table. */
  readonly op: ElementOp | "as" | "load" | "splat";
  /** Indices of nodes. */
  readonly args: readonly number[];
  readonly role: Role;
  /** Index of a load's {@linkcode Pointer}, otherwise -1. */
  readonly pointer: number;
  /** Index of a splat's scalar, otherwise -1. */
  readonly scalar: number;
  /** Of load and round. */
  readonly dtype: DType;
}

/** Memory that a kernel touches. */
export interface Pointer {
  /** A tensor's key, or `#id` for what a reduction, a routine or a copy for one leaves in memory. */
  readonly key: string;
  readonly role: Role;
  readonly dtype: DType;
}

/** A routine over one tensor: what stands beside kernels in a round. */
export interface RoutineCall {
  readonly routine: RoutineName;
  /** Memory that it reads and writes: keys as {@linkcode Pointer} has them, and what lies there. */
  readonly args: readonly { readonly key: string; readonly cls: MatrixClass | VectorClass }[];
  readonly into: { readonly key: string; readonly cls: MatrixClass | VectorClass };
}

/** One loop over one domain. */
export interface Kernel {
  readonly domain: Domain;
  /** flat: elements in a row; matrix: batches, rows, columns. */
  readonly shape: "flat" | "matrix";
  readonly nodes: readonly Node[];
  readonly pointers: readonly Pointer[];
  /** Ids of the numbers that a run hands in, rounded to float32. */
  readonly scalars: readonly number[];
  readonly stores: readonly { readonly pointer: number; readonly node: number }[];
  readonly reductions: readonly {
    readonly f: ReductionName;
    readonly axis: "total" | "row" | "col";
    readonly node: number;
    /** Where results of rows and columns go; -1 for a total. */
    readonly pointer: number;
    /** Id of the value that is the result. */
    readonly value: number;
  }[];
  /** Equal for kernels that may share code. */
  readonly signature: string;
}

/**
 * A program: a compiled text. Its values, the kernels of its rounds, and the numbers beside them.
 *
 * @module
 */
import type { Class } from "../tables/classes.ts";
import type { Kernel, RoutineCall } from "./kernel.ts";
import type { Hold, NumberStore, Square, Tall, Value } from "./values.ts";

/** A compiled text. Made by {@linkcode compile}, laid out over tensors by `createPlan`. */
export interface Program {
  /** All values, by id. */
  readonly values: readonly Value[];
  /** Kernels by round. Those of one round do not depend on each other. */
  readonly rounds: readonly (readonly Kernel[])[];
  /** Calls of routines by round, as many rounds as kernels have. */
  readonly routines: readonly (readonly RoutineCall[])[];
  /** Ids of the numbers to evaluate before round k; the last entry: after all rounds. */
  readonly numbers: readonly (readonly number[])[];
  /** `all…` reductions: id, and the round after which this text has contributed. */
  readonly alls: readonly { readonly id: number; readonly round: number }[];
  /** Ids of row, col and batch reductions, whose results need memory. */
  readonly results: readonly number[];
  /** Matrices that routines write or read, by id, each with its place among `buffers`. */
  readonly matrices: readonly { readonly id: number; readonly buffer: number }[];
  /** Memory for matrices: one after the other may lie in it. */
  readonly buffers: readonly Class[];
  /** Where it needs tensors with as many rows as columns. */
  readonly square: Square | null;
  /** Where it needs matrices with at least as many rows as columns. */
  readonly tall: readonly Tall[];
  /** What may hold a run back, and the round before which that is known and nothing is stored. */
  readonly holds: readonly Hold[];
  readonly firstStore: number;
  /** Scalar and group slots that are written. */
  readonly numberStores: readonly NumberStore[];
  /** Keys of the memory it needs: `p`, `g`, `scope/slot`. */
  readonly tensors: readonly string[];
  /** Keys of the memory it writes. */
  readonly writes: readonly string[];
  /** A line a pass: "pass 1: read p g m v, write p m v". */
  explain(): string;
}

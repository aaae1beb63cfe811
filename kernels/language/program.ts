/**
 * A program: a compiled text. Its values, the kernels of its rounds, and the numbers beside them.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import type { NumberStore, Value } from "./values.ts";

/** A compiled text. Made by {@linkcode compile}, laid out over tensors by `createPlan`. */
export interface Program {
  /** All values, by id. */
  readonly values: readonly Value[];
  /** Kernels by round. Those of one round do not depend on each other. */
  readonly rounds: readonly (readonly Kernel[])[];
  /** Ids of the numbers to evaluate before round k; the last entry: after all rounds. */
  readonly numbers: readonly (readonly number[])[];
  /** `all…` reductions: id, and the round after which this text has contributed. */
  readonly alls: readonly { readonly id: number; readonly round: number }[];
  /** Ids of row, col and batch reductions, whose results need memory. */
  readonly results: readonly number[];
  /** Scalar and group slots that are written. */
  readonly numberStores: readonly NumberStore[];
  /** Keys of the memory it needs: `p`, `g`, `scope/slot`. */
  readonly tensors: readonly string[];
  /** Keys of the memory it writes. */
  readonly writes: readonly string[];
  /** A line a pass: "pass 1: read p g m v, write p m v". */
  explain(): string;
}

/**
 * What the kit is told beside a plugin and its options: the results of the reference.
 *
 * @module
 */
import type { Tensor, Use } from "../../core/plugin/contract.ts";

/** Numbers as nested lists, as Python's `tolist()` gives them; how they are nested says the shape. */
export type Nested = number | readonly Nested[];

/** Tensors by name: nested lists, or tensors. */
export type Numbers = Readonly<Record<string, Nested | Float32Array | Tensor>>;

/** A run of the reference of an optimizer or a transform. */
export interface ReferenceRun {
  /** Its options, in place of those that the test was given. */
  readonly options?: object;
  /** For a transform: the optimizer that it stands before, by default gradient descent with `lr: 1`. */
  readonly optimizer?: Use;
  /** The parameters before the first step. */
  readonly params: Numbers;
  /** The gradients of each step; null for none. */
  readonly grads: readonly Readonly<Record<string, Numbers[string] | null>>[];
  /** The parameters after each step; null for steps after which they are not known. */
  readonly expected: readonly (Numbers | null)[];
  /** How far a number may be off, as a part of the largest of its tensor; default 1e-6. */
  readonly tolerance?: number;
}

/** A curve of the reference of a schedule. */
export interface ReferenceCurve {
  /** Its options, in place of those that the test was given. */
  readonly options?: object;
  /** The base value, default 1. */
  readonly base?: number;
  /** Of a schedule that follows a metric: what it is told before each value. */
  readonly metrics?: readonly number[];
  /** Values of the option by step, from 0: a list, or `{ 0: …, 100: … }`. A factor's are those times the base value. */
  readonly values: Readonly<Record<number, number>> | readonly number[];
  /** How far a value may be off, as a part of the largest; default 1e-6. */
  readonly tolerance?: number;
}

/** What the reference of an accumulator gathers. */
export interface ReferenceSum {
  /** Its options, in place of those that the test was given. */
  readonly options?: object;
  /** The gradients of the micro-batches, with their weights. */
  readonly batches: readonly { readonly grads: Numbers; readonly weight?: number }[];
  /** The gradients afterwards. */
  readonly expected: Numbers;
  /** How far a number may be off, as a part of the largest of its tensor; default 1e-6. */
  readonly tolerance?: number;
}

/** Beside an optimizer or a transform. */
export interface RunSettings {
  /** What the reference gave. */
  readonly reference?: readonly ReferenceRun[];
}

/** Beside a schedule. */
export interface CurveSettings {
  /** What the reference gave. */
  readonly reference?: readonly ReferenceCurve[];
}

/** Beside an accumulator. */
export interface SumSettings {
  /** What the reference gave. */
  readonly reference?: readonly ReferenceSum[];
}

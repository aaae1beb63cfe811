/**
 * What a routine is made of on a device: passes, in an order, and memory of their own beside what they read and write.
 *
 * @module
 */

/** The result's matrices, and the columns of the first argument. */
export interface RoutineExtent {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
}

/** An expression for a word of memory. */
export type Words = (at: string) => string;

/** What passes reach: arguments, the result, and memory that the routine has for itself. */
export interface RoutineMemory {
  readonly x: Words;
  readonly y: Words;
  readonly z: Words;
  readonly work: Words;
}

/** The body of a pass, over `lane`, `workgroup`, `batches`, `rows`, `cols` and `inner`, and how many workgroups it takes. */
export interface RoutinePass {
  readonly title?: string;
  readonly shared?: string;
  body(memory: RoutineMemory): string;
  workgroups(extent: RoutineExtent): number;
}

/**
 * Passes that follow each other. One that stands several times in the order is the same each time, down to what is bound: which turn it is, it reads in
 * memory.
 */
export interface RoutineSequence {
  readonly passes: readonly RoutinePass[];
  /** Indices of passes. */
  order(extent: RoutineExtent): readonly number[];
  /** Words of the routine's own memory. */
  workWords(extent: RoutineExtent): number;
}

/** A word of memory as a number. */
export const number = (words: Words, at: string): string => `bitcast<f32>(${words(at)})`;

/** Stores a number. */
export const store = (words: Words, at: string, value: string): string => `${words(at)} = bitcast<u32>(${value});`;

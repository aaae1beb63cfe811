/**
 * What a plan becomes on a WebGPU device: an ordered list of passes, and the memory that they share. `lower.ts` makes it, the backend runs it.
 *
 * A run is: `fill` one row of numbers, write it, and dispatch all passes in order in one compute pass. Nothing is read back.
 *
 * - Numbers that follow from options, t, and slots that no sum reaches are computed on the host in float64, by `fill`, and rounded to float32 when they are
 *   written. All others are computed by passes in float32. A scalar or group slot whose value depends on a sum lives on the device, in a cell.
 * - `records` holds what kernels read as uniforms: for each tensor its dimensions, where it begins in its bindings, and its numbers. A row is a copy of all of
 *   `records` as the host knows it.
 * - A plan that nothing holds back: the host writes the row to `records` itself. A plan with `holds`: the host cannot know how many of the steps before were held
 *   back. It appends the row to `rows`, at the place of the steps that are submitted and not yet reported, as if all of them had been applied; the first pass
 *   copies row `progress[0]`, the steps that were applied, to `records`.
 *
 * @module
 */
import type { NumberSlotClass } from "../../tables/classes.ts";
import type { Item } from "../../plan/item.ts";
import type { Scalars } from "../../types.ts";

/** What a device allows, as WebGPU calls it. */
export interface DeviceLimits {
  /** Storage buffers of one pass. */
  readonly maxStorageBuffersPerShaderStage: number;
  /** Bytes of one of them. */
  readonly maxStorageBufferBindingSize: number;
  /** Bytes of a uniform buffer. */
  readonly maxUniformBufferBindingSize: number;
  /** Workgroups of a dispatch in each dimension. */
  readonly maxComputeWorkgroupsPerDimension: number;
  /** What a storage buffer's binding begins at a multiple of, in bytes. */
  readonly minStorageBufferOffsetAlignment: number;
  /** The same of uniform buffers. */
  readonly minUniformBufferOffsetAlignment: number;
}

/** What every device allows. */
export const guaranteedLimits: DeviceLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 1 << 27,
  maxUniformBufferBindingSize: 1 << 16,
  maxComputeWorkgroupsPerDimension: 65_535,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

/** Where a tensor lies: `buffer` is compared by identity alone, numbers are in bytes. `offset` is a multiple of 4; 16-bit tensors of odd length end in half a word. */
export interface Place<Buffer extends object> {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly bytes: number;
}

/** What lowering asks of the backend. */
export interface Ground<Buffer extends object> {
  readonly limits: DeviceLimits;
  /** Where the item's tensor of this key lies. */
  place(item: Item, key: string): Place<Buffer>;
  /**
   * The cell (a number of four bytes in the backend's buffer `cells`) of a slot that lives on the device: the same for the same slot of whatever plan. A tensor's
   * own for class `scalar`; its group's, or that of all groups, for class `group`. The backend writes its first value, and reads it where a state is saved.
   */
  cell(item: Item, key: string, cls: NumberSlotClass): number;
  /**
   * Whether an earlier plan has given the slot a cell: then this one reads it there, whatever its text makes of it. A plan that was lowered before one of its
   * slots got a cell (`mapSlots`) must be lowered again.
   */
  hasCell(item: Item, key: string, cls: NumberSlotClass): boolean;
}

/**
 * Memory of a plan's own, and of the backend's cells.
 *
 * - `records`: usage STORAGE | UNIFORM | COPY_DST. Written before each run, see above.
 * - `scratch`: usage STORAGE. Needs no content.
 * - `tables`: usage STORAGE | COPY_DST. Written once.
 * - `rows`: usage STORAGE | COPY_DST; rows of `recordBytes`, as many as the backend wants. Plans with `holds` alone.
 * - `progress`: usage STORAGE | COPY_DST | COPY_SRC; four words of 32 bits, which start as 0. Plans with `holds` alone. Word 0: steps applied since the words were
 *   set to 0; word 1: steps since then that were held back; word 2: a bit for each of `holds` that held back the last run, 0 where it was applied; word 3: 0.
 * - `cells`: usage STORAGE | COPY_DST | COPY_SRC; the backend's, for all its plans.
 */
export type OwnMemory = "records" | "scratch" | "tables" | "rows" | "progress" | "cells";

/** What is bound at one place: a range of a tensor's buffer, or of memory of the plan's own. `bytes` null: the whole buffer. */
export interface Binding<Buffer extends object> {
  readonly of: Buffer | OwnMemory;
  readonly offset: number;
  readonly bytes: number | null;
  /** As a bind group layout says it. */
  readonly type: "uniform" | "storage" | "read-only-storage";
}

/** One dispatch. */
export interface Pass<Buffer extends object> {
  /** For people and debuggers: `w: round 1, elements, read p g m v, write p m v`, with the tensor's own memory alone. */
  readonly label: string;
  /** A WGSL module with the one entry point `main`. Equal texts may share a pipeline, with the layout `auto` or one made of the bindings' types. */
  readonly code: string;
  /** By number of the binding, all in group 0. */
  readonly bindings: readonly Binding<Buffer>[];
  /** Workgroups to dispatch in x and y. */
  readonly workgroups: readonly [x: number, y: number];
}

/** A plan, lowered. */
export interface LoweredPlan<Buffer extends object> {
  /** In their order. One that runs several times is the same object each time. */
  readonly passes: readonly Pass<Buffer>[];
  /** Bytes of `records`, and of a row. */
  readonly recordBytes: number;
  /** Bytes of `scratch`; 0: there is none. */
  readonly scratchBytes: number;
  /** Content of `tables`; empty: there are none. */
  readonly tables: Uint32Array;
  /** The scopes of what may hold a run back, in the order of the bits of `progress`. Empty: the plan needs neither `rows` nor `progress`. */
  readonly holds: readonly string[];
  /** Slots that live in cells and are read or written. All other scalar and group slots stay in the items' maps, and `advance` writes them. */
  readonly cells: readonly { readonly item: Item; readonly key: string; readonly cls: NumberSlotClass; readonly cell: number }[];
  /** Slots that are read or written and stay in maps. */
  readonly mapSlots: readonly { readonly item: Item; readonly key: string; readonly cls: NumberSlotClass }[];
  /** Computes the coming run's row from the items' values, as `Plan.run` takes them, and the slots that stay in maps. */
  fill(values: readonly Scalars[], row: Uint32Array): void;
  /** Writes the slots that stay in maps as they are after the run that was filled last. With `holds`: as if it is applied. */
  advance(): void;
  /** Keeps the slots that stay in maps as they are now; the function that it gives puts them back. For runs that turn out to have been held back. */
  keep(): () => void;
}

/** What is made of passes; of one that runs several times once, at its first place. */
export function eachOnce<P extends object, T>(passes: readonly P[], make: (pass: P, index: number) => T): readonly T[] {
  const made = new Map<P, T>();
  passes.forEach((pass, i) => made.has(pass) || made.set(pass, make(pass, i)));
  return passes.map((pass) => made.get(pass)!);
}

/**
 * What a backend is handed to run, and gives back: items and a plan.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import type { Extent, Raw, Scalars, Tensor } from "../types.ts";

/** One tensor of a plan: which program runs over which memory. */
export interface Item {
  /** What errors call the tensor. */
  readonly name?: string;
  /** What {@linkcode compile} made. */
  readonly program: Program;
  /** Dimensions; `batch * rows * cols` must be `size`. */
  readonly extent: Extent;
  /** Memory by key, `p`, `g` or `scope/slot`: every key of `program.tensors`. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Values of the scalar slots, by key, read and written. */
  readonly scalarSlots: Map<string, number>;
  /** Values of the group slots, by key, read and written: one object per group, the same for all its tensors. */
  readonly groupSlots: NumberSlots;
  /** Tensors whose elements come from arrays of the caller's, or go there, by key; which of them a plan carries itself, `Plan.carried` says. */
  readonly foreign?: Readonly<Record<string, Foreign>>;
}

/** Where a tensor's elements come from and go to in the coming run: arrays of as many raw elements, set before each run; null: they stay. */
export interface Foreign {
  from: Raw | null;
  into: Raw | null;
}

/** Slots that are numbers, by key. */
export type NumberSlots = Pick<Map<string, number>, "get"> & {
  set(key: string, value: number): unknown;
  /** Whose number it is, where others have the same one: what tells it from other numbers of this key. Default: these slots'. */
  ownerOf?(key: string): object;
};

/** Items laid out for repeated runs. */
export interface Plan {
  /**
   * One run over all items. Gives the scopes that held it back: then nothing was written but their group slots.
   * `values[i]` holds item i's numbers by key `scope/name`, and `t`; items with equal numbers may share one object
   * (what depends on them alone is then computed once). `before` are lists that earlier runs gave and that are not known yet, the
   * oldest first, on a backend with a `deviceSide`.
   */
  run(values: readonly Scalars[], before?: readonly (readonly string[])[]): readonly string[];
  /**
   * What a run carries itself, a share at a time: into its tensor just before kernels first touch it, and out of it after they wrote it last. Nobody else
   * may write `from` or read `into` meanwhile, and no `into` may share memory with another `from`.
   */
  readonly carried?: ReadonlySet<Foreign>;
  /** Gives its scratch back; the items' memory stays. */
  dispose(): void;
}

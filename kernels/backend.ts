/**
 * A backend as core sees it: more than its users do.
 *
 * @module
 */
import type { Item, NumberSlots, Plan } from "./plan/item.ts";
import type { Backend, DType, Raw, Tensor } from "./types.ts";

/** A backend as core sees it. */
export interface KernelBackend extends Backend {
  /** True when kernels can use this memory where it lies. */
  owns(tensor: Tensor): boolean;
  /** Lays out items, in name order, for repeated runs. Allocates scratch for partial sums only. */
  plan(items: readonly Item[]): Plan;
  /**
   * Memory that one kernel can reach together with `near`: a parameter's gradient and slots. RangeError where it does not fit into one arena;
   * then nothing has been allocated.
   */
  reserve(near: readonly Tensor[], wanted: readonly { readonly shape: readonly number[]; readonly dtype: DType }[]): Tensor[];
  /**
   * Writes all elements of a tensor of `allocate` or `reserve`, or of one that the backend owns, from an array of as many raw elements. Nobody but
   * the backend touches a tensor's `data`: on another kind of backend it need not be this thread's memory.
   */
  upload(into: Tensor, from: Raw): void;
  /** Reads all elements of such a tensor into an array of as many raw elements. */
  download(from: Tensor, into: Raw): void;
  /**
   * Writes zeros to a tensor of float32, then adds rows to it: `values` holds as many rows as there are indices, and an index that comes again adds
   * up. Rows are those of the first dimension.
   */
  scatter(into: Tensor, indices: Int32Array, values: Float32Array): void;
  /** Elements that can be reached: none once a plain buffer was transferred away. */
  length(tensor: Tensor): number;
  /** True for two tensors of one dtype over the same elements. */
  same(a: Tensor, b: Tensor): boolean;
  /** A test whether a tensor shares memory with any of these. It holds as long as they do. */
  overlapping(tensors: readonly Tensor[]): (tensor: Tensor) => boolean;
  /** Writes one number, rounded to the tensor's dtype, to all its elements. */
  fill(tensor: Tensor, value: number): void;
  /** True when one kernel can reach both: then a gradient may be used where it lies. */
  together(a: Tensor, b: Tensor): boolean;
  /** Gives memory of `allocate` or `reserve` back; nobody may use it afterwards. */
  release(tensor: Tensor): void;
  /** Bytes held now: tensors handed out, and scratch beside them. */
  usage(): { readonly allocated: number; readonly scratch: number };
  /** True after dispose. */
  readonly disposed: boolean;
  /** What it has besides where its memory is a device's, and a run ends later than it returns; undefined on this thread's memory. */
  readonly deviceSide?: DeviceSide;
}

/**
 * What core asks of a backend whose memory is not this thread's. There `download` to an array throws a TypeError, `upload` also takes a tensor's `data`
 * of the device's, and the list that `Plan.run` gives is filled in by a later `fetch`: with the scopes that held that run back, or `""` where the
 * device refused it.
 */
export interface DeviceSide {
  /** A tensor on this device as a caller gave it, checked; null for what does not look like one. Its `data` says where it lies and holds no elements. */
  claim(what: string, like: unknown): Required<Tensor> | null;
  /** Throws a RangeError for a caller's tensor whose buffer lacks a usage that copies from it or to it need; `why` ends the sentence. */
  checkCopied(what: string, tensor: Tensor, needed: "COPY_SRC" | "COPY_DST", why: string): void;
  /** A tensor as callers see it: `{ buffer, offset, shape, dtype }` of one on the device. */
  shown(tensor: Tensor): Tensor;
  /**
   * Copies what tensors hold now, and numbers of slots, and waits for all runs so far. The function that it gives fills the arrays and the lists of these
   * runs, and throws an Error where the device has refused one since the last time. Rejects with an Error where the device is lost.
   */
  fetch(
    tensors: readonly { readonly from: Tensor; readonly into: Raw }[],
    numbers: readonly { readonly slots: NumberSlots; readonly key: string; take(value: number): void }[],
    runs: readonly (readonly string[])[],
  ): Promise<() => void>;
  /** Says that a slot's number was set on this host: the device's own is another. */
  set(slots: NumberSlots, key: string): void;
  /** What core does on a device: it is no matter of kernels. */
  work?: unknown;
  /** Why the device is lost; undefined as long as it is there. */
  lost(): string | undefined;
}

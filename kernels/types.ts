/**
 * What runs rules: tensors' bytes, backends, and what a compiled rule looks like from outside.
 *
 * @module
 */

import type { Disposable, Float16Array, WasmModule } from "./globals.ts";

/** Element type of a tensor. 16-bit tensors widen to float32 on load and round to nearest even on store. */
export type DType = "float32" | "bfloat16" | "float16";

/** Flat row-major numbers with a shape. `Data` narrows what holds them: a `Tensor<Float32Array>` is one in float32. */
export interface Tensor<Data extends Float32Array | Uint16Array | Float16Array = Float32Array | Uint16Array | Float16Array> {
  /** The elements. A `Uint16Array` holds raw 16-bit patterns and needs a `dtype`. */
  readonly data: Data;
  /** Lengths of the dimensions; without it, `[data.length]`. `[]` is a single number. */
  readonly shape?: readonly number[];
  /** Element type; without it, what `data` says. */
  readonly dtype?: DType;
}

/** A tensor, or a plain array of shape `[length]`. */
export type TensorLike = Float32Array | Float16Array | Tensor;

/** A tensor's elements as they lie in memory: numbers of float32, patterns of 16 bits. */
export type Raw = Float32Array | Uint16Array;

/** Tensors by name; the name is the identity everywhere. */
export type Tensors = Readonly<Record<string, TensorLike>>;

/** Numbers by name, in float64. */
export type Scalars = Readonly<Record<string, number>>;

/** The backends by name: blocks in plain JavaScript, WASM SIMD on the calling thread, WASM SIMD on all cores. */
export type BackendName = "js" | "wasm" | "threads";

/** What runs rules: memory and kernels. Every backend gives the same bits. */
export interface Backend extends Disposable {
  /** Which kind it is. */
  readonly name: BackendName;
  /** What its results are held to: `"bits"` are the same bits as those of backend `"js"`. */
  readonly agrees: "bits";
  /** Ends its workers and lets its memory go: what `using` calls, by a name that every engine has. */
  dispose(): void;
  /**
   * Zeroed memory that kernels reach without a copy. 16-bit dtypes come as a `Uint16Array` of patterns. RangeError for lengths that are no integers from
   * 0, an unknown dtype, and memory that is not there; TypeError for what is no shape and on a disposed backend.
   */
  allocate(shape: number | readonly number[], dtype?: "float32"): Tensor<Float32Array>;
  /** The same in any dtype. */
  allocate(shape: number | readonly number[], dtype: DType | undefined): Tensor;
  /**
   * Runs a rule text over equal-shaped tensors, on all cores. Every tensor that the text assigns is written. Arrays that are not from `allocate` are
   * copied in and, where they are written, out.
   *
   * Before anything is written: TypeError for what is no tensor or number and for a name that is both, RangeError for shapes that differ, no tensors at
   * all, a dtype that does not fit, a written tensor in another's memory, and no memory for copies, SyntaxError for a mistake in the text.
   */
  run(text: string, tensors: Tensors, scalars?: Scalars): void;
}

/** Settings of {@linkcode createBackend}. */
export interface BackendOptions {
  /** Threads of backend `"threads"`, the calling one included; default: the number of cores. */
  readonly threads?: number;
  /** Largest size of one arena in bytes; default just under 4 GiB. Models that need more use several arenas. */
  readonly arenaBytes?: number;
  /** Kernels compiled ahead of time, under the names that {@linkcode compileAhead} gives them, for hosts that forbid compiling at run time. */
  readonly modules?: Readonly<Record<string, WasmModule>>;
}

/** Where a slot's numbers lie: one per element, per row, per column, per matrix, per tensor, per group. */
export type SlotClass = "param" | "row" | "col" | "batch" | "scalar" | "group";

/** A slot as a text sees it. */
export interface SlotType {
  /** One number per what. */
  readonly shape: SlotClass;
  /** Element type of tensor slots; scalar and group slots are float64. */
  readonly dtype: DType;
}

/** What a scope's names mean besides `p g u t size batch rows cols` and its own locals. */
export interface Scope {
  /** Slots by name. */
  readonly slots: Readonly<Record<string, SlotType>>;
  /** Names of the numbers that come with every run. */
  readonly scalars: readonly string[];
}

/** A tensor's dimensions as the language sees them: `size = batch * rows * cols`. */
export interface Extent {
  readonly size: number;
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
}

/** One tensor of a plan: which program runs over which memory. */
export interface Item {
  /** What {@linkcode compile} made. */
  readonly program: Program;
  /** Dimensions; `batch * rows * cols` must be `size`. */
  readonly extent: Extent;
  /** Memory by key, `p`, `g` or `scope/slot`: every key of `program.tensors`. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Values of the scalar slots, by key, read and written. */
  readonly scalarSlots: Map<string, number>;
  /** Values of the group slots, by key, read and written: one map per group, the same object for all its tensors. */
  readonly groupSlots: Map<string, number>;
}

/** Items laid out for repeated runs. */
export interface Plan {
  /**
   * One run over all items. `values[i]` holds item i's numbers by key `scope/name`, and `t`; items with equal numbers may share one object
   * (what depends on them alone is then computed once).
   */
  run(values: readonly Scalars[]): void;
  /** Gives its scratch back; the items' memory stays. */
  dispose(): void;
}

/** A backend as the core sees it. */
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
}

/** One line of a text, parsed: `name op expr`. */
export interface Statement {
  /** The name that is assigned; null: the bare expression that ends a point's text. */
  readonly name: string | null;
  /** The right side; `a += b` is already `a = a + b`. */
  readonly expr: Expr;
  /** 1-based line in the text it came from. */
  readonly line: number;
  /** Whose names it uses: the rule's plugin, or one transform. */
  readonly scope: string;
}

/** An expression as parsed. */
export type Expr =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly f: string; readonly args: readonly Expr[] };

/** A compiled text: its passes and what they need. Made by `compile` in passes.ts. */
export interface Program {
  /** Keys of the memory it needs: `p`, `g`, `scope/slot`. */
  readonly tensors: readonly string[];
  /** Keys of the memory it writes. */
  readonly writes: readonly string[];
  /** A line a pass: "pass 1: read p g m v, write p m v". */
  explain(): string;
}

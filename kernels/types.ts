/**
 * Tensors, backends as their users see them, and what the names of a rule mean.
 *
 * @module
 */

import type { Disposable, Float16Array, GpuBuffer, GpuDevice, WasmModule } from "./globals.ts";

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

/** A tensor in a GPU's memory, row-major. Only backend `"webgpu"` takes one. */
export interface DeviceTensor {
  /**
   * Where it lies: a buffer with usage `STORAGE`; that of a parameter also `COPY_SRC`, and `COPY_DST` where a state is loaded. 16-bit elements lie two to a
   * word, and the last word is the tensor's own: where their number is odd, its other half may be overwritten.
   */
  readonly buffer: GpuBuffer;
  /** Its first byte, a multiple of 4; default 0. */
  readonly offset?: number;
  /** Lengths of the dimensions. `[]` is a single number. */
  readonly shape: readonly number[];
  /** Element type; default float32. */
  readonly dtype?: DType;
}

/** A tensor's elements as they lie in memory: numbers of float32, patterns of 16 bits. */
export type Raw = Float32Array | Uint16Array;

/** Tensors by name; the name is the identity everywhere. */
export type Tensors = Readonly<Record<string, TensorLike | DeviceTensor>>;

/** Numbers by name, in float64. */
export type Scalars = Readonly<Record<string, number>>;

/** The backends by name: blocks in plain JavaScript, WASM SIMD on the calling thread, WASM SIMD on all cores. */
export type BackendName = "js" | "wasm" | "threads";

/** What runs rules: memory and kernels. All that {@linkcode BackendName} names give the same bits. */
export interface Backend extends Disposable {
  /** Which kind it is. */
  readonly name: BackendName | "webgpu";
  /** What its results are held to: `"bits"` are the same bits as those of backend `"js"`; `"rounding"` is for devices that round as they do. */
  readonly agrees: "bits" | "rounding";
  /** Ends its workers and lets its memory go: what `using` calls, by a name that every engine has. */
  dispose(): void;
  /**
   * Zeroed memory that kernels reach without a copy. 16-bit dtypes come as a `Uint16Array` of patterns. RangeError for lengths that are no integers from
   * 0, an unknown dtype, and memory that is not there, which has an own field `memory: true`; TypeError for what is no shape and on a disposed
   * backend.
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

/** A backend over a GPU, which `createWebGpuBackend` of `./webgpu` makes. */
export interface WebGpuBackend extends Omit<Backend, "allocate"> {
  /** Which kind it is. */
  readonly name: "webgpu";
  /** The device: the caller's, or its own. */
  readonly device: GpuDevice;
  /** What this device's numbers are like, as its test at creation found. */
  readonly arithmetic: Arithmetic;
  /**
   * Zeroed memory on the device. RangeError for lengths that are no integers from 0, an unknown dtype, and more bytes than the device binds at once;
   * TypeError for what is no shape and on a disposed backend.
   */
  allocate(shape: number | readonly number[], dtype?: DType): DeviceTensor;
}

/** How a device computes. WGSL leaves it open; with the first three true and the others false, texts without sums give the bits of backend `"js"`. */
export interface Arithmetic {
  /** True where `a / b` is the float32 nearest to the quotient. */
  readonly roundsDivision: boolean;
  /** True where `sqrt(a)` is the float32 nearest to the root. */
  readonly roundsSqrt: boolean;
  /** True where NaN and the infinities come out as IEEE 754 says. */
  readonly keepsNonFinite: boolean;
  /** True where `a*b + c` is computed with one rounding. */
  readonly contracts: boolean;
  /** True where numbers below 2^-126 become 0. */
  readonly flushesSubnormals: boolean;
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

/** Matrices of other sides than the tensor's: `colsRows` has as many rows as the tensor has columns. */
export type MadeClass = "colsRows" | "rowsRows" | "colsCols";

/** A slot as a text sees it. */
export interface SlotType {
  /** One number per what, or a matrix. */
  readonly shape: SlotClass | MadeClass;
  /** Element type of tensor slots; scalar and group slots are float64. */
  readonly dtype: DType;
}

/** What a scope's names mean besides `p g u t size batch rows cols` and its own locals. */
export interface Scope {
  /** Slots by name. */
  readonly slots: Readonly<Record<string, SlotType>>;
  /** Names of the numbers that come with every run. */
  readonly scalars: readonly string[];
  /** True where all groups have one and the same number in a group slot: it may not be what each group sums apart. */
  readonly common?: boolean;
}

/** A tensor's dimensions as the language sees them: `size = batch * rows * cols`. */
export interface Extent {
  readonly size: number;
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
}

/**
 * The loops of backend "js": what an operation, an element type and a reduction are over a block of numbers.
 *
 * Each operation has a loop written out for it: a loop that calls a function for each element, or asks for the operation in it, is several times as
 * slow, since engines specialise code by the place where it stands.
 *
 * @module
 */
import { narrowArray, widenArray } from "../../half.ts";
import { roundTo } from "../../tables/dtypes.ts";
import type { ElementOp, ReductionName } from "../../tables/ops.ts";
import type { DType, Raw } from "../../types.ts";

// ---- operations

/** Computes n numbers, those from `at` on where a buffer is a column's. */
export type BlockLoop = (n: number, at: number) => void;

/** What a loop is made for. */
export interface Operands {
  readonly out: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
  /** 1 for a buffer of column values, which is read and written at its column; 0 for a block, from its start. */
  readonly so: 0 | 1;
  readonly sa: 0 | 1;
  readonly sb: 0 | 1;
  readonly sc: 0 | 1;
  /** Of `round`. */
  readonly dtype: DType;
}

/** Loops by operation; `as` is the argument, in a wider role. */
export const loops: Readonly<Record<ElementOp | "as", (operands: Operands) => BlockLoop>> = {
  as: ({ out, a, so, sa }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = a[sa * at + i];
  },
  "+": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] + b[y + i];
  },
  "-": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] - b[y + i];
  },
  "*": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] * b[y + i];
  },
  "/": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] / b[y + i];
  },
  min: ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = Math.min(a[x + i], b[y + i]);
  },
  max: ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = Math.max(a[x + i], b[y + i]);
  },
  "<": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] < b[y + i] ? 1 : 0;
  },
  "<=": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] <= b[y + i] ? 1 : 0;
  },
  ">": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] > b[y + i] ? 1 : 0;
  },
  ">=": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] >= b[y + i] ? 1 : 0;
  },
  "==": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] === b[y + i] ? 1 : 0;
  },
  // false on NaN, as all comparisons of the language
  "!=": ({ out, a, b, so, sa, sb }) => (n, at) => {
    for (let i = 0, o = so * at, x = sa * at, y = sb * at; i < n; i++) out[o + i] = a[x + i] < b[y + i] || a[x + i] > b[y + i] ? 1 : 0;
  },
  neg: ({ out, a, so, sa }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = -a[sa * at + i];
  },
  abs: ({ out, a, so, sa }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = Math.abs(a[sa * at + i]);
  },
  sqrt: ({ out, a, so, sa }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = Math.sqrt(a[sa * at + i]);
  },
  sign: ({ out, a, so, sa }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = Math.sign(a[sa * at + i]);
  },
  round: ({ out, a, so, sa, dtype }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = roundTo(dtype, a[sa * at + i]);
  },
  clamp: ({ out, a, b, c, so, sa, sb, sc }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = Math.min(Math.max(a[sa * at + i], b[sb * at + i]), c[sc * at + i]);
  },
  // the product is exact in float64, and only the store rounds to float32
  fma: ({ out, a, b, c, so, sa, sb, sc }) => (n, at) => {
    for (let i = 0; i < n; i++) out[so * at + i] = a[sa * at + i] * b[sb * at + i] + c[sc * at + i];
  },
  where: ({ out, a, b, c, so, sa, sb, sc }) => (n, at) => {
    for (let i = 0; i < n; i++) {
      const condition = a[sa * at + i];
      out[so * at + i] = condition < 0 || condition > 0 ? b[sb * at + i] : c[sc * at + i];
    }
  },
};

// ---- element types

/** How n raw elements come into a buffer, and out of one's start. */
export interface MemoryLoops {
  load(source: Raw, from: number, n: number, out: Float32Array, at: number): void;
  store(values: Float32Array, n: number, target: Raw, to: number): void;
}

const half = (dtype: "bfloat16" | "float16"): MemoryLoops => ({
  load: (source, from, n, out, at) => widenArray(dtype, (source as Uint16Array).subarray(from, from + n), out.subarray(at, at + n)),
  store: (values, n, target, to) => narrowArray(dtype, values.subarray(0, n), (target as Uint16Array).subarray(to, to + n)),
});

/** Loops by element type. */
export const memoryLoops: Readonly<Record<DType, MemoryLoops>> = {
  float32: {
    load(source, from, n, out, at) {
      for (let i = 0; i < n; i++) out[at + i] = source[from + i];
    },
    store(values, n, target, to) {
      for (let i = 0; i < n; i++) target[to + i] = values[i];
    },
  },
  bfloat16: /* @__PURE__ */ half("bfloat16"),
  float16: /* @__PURE__ */ half("float16"),
};

// ---- reductions

/** Lanes of a sum: eight that the vector loop of WASM fills in turn, and one for the tail. */
export const lanes = 9;

/** How a block joins sums in float64. */
export interface SumLoops {
  /** Numbers `at` to `at + n` of `end`, each to its lane. */
  along(sums: Float64Array, values: Float32Array, n: number, at: number, end: number): void;
  /** Each to the sum of its column. */
  across(sums: Float64Array, values: Float32Array, n: number, at: number): void;
  /** All lanes, in the order in which the vectors of WASM are added. */
  settle(lanes: Float64Array): number;
}

const total = (l: Float64Array): number => (((l[0] + l[2]) + (l[4] + l[6])) + ((l[1] + l[3]) + (l[5] + l[7]))) + l[8];

const adding: SumLoops = {
  along(sums, values, n, at, end) {
    const main = end - end % 8;
    for (let i = 0; i < n; i++) sums[at + i < main ? (at + i) & 7 : 8] += values[i];
  },
  across(sums, values, n, at) {
    for (let i = 0; i < n; i++) sums[at + i] += values[i];
  },
  settle: total,
};

const addingSquares: SumLoops = {
  along(sums, values, n, at, end) {
    const main = end - end % 8;
    for (let i = 0; i < n; i++) sums[at + i < main ? (at + i) & 7 : 8] += values[i] * values[i];
  },
  across(sums, values, n, at) {
    for (let i = 0; i < n; i++) sums[at + i] += values[i] * values[i];
  },
  settle: total,
};

const greatest: SumLoops = {
  along(sums, values, n, at, end) {
    const main = end - end % 8;
    for (let i = 0; i < n; i++) {
      const lane = at + i < main ? (at + i) & 7 : 8;
      sums[lane] = Math.max(sums[lane], values[i]);
    }
  },
  across(sums, values, n, at) {
    for (let i = 0; i < n; i++) sums[at + i] = Math.max(sums[at + i], values[i]);
  },
  settle: (l) => Math.max(...l),
};

/** Loops by reduction. */
export const sumLoops: Readonly<Record<ReductionName, SumLoops>> = {
  sum: adding,
  mean: adding,
  norm: addingSquares,
  rms: addingSquares,
  max: greatest,
};

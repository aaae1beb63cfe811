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

/** Numbers that a loop copies sooner than `set` does, with the view that it needs: 64 in a micro benchmark, twice as many where the views are collected. */
const few = 128;

/** Loops by element type. */
export const memoryLoops: Readonly<Record<DType, MemoryLoops>> = {
  // `set` copies bytes, where a loop over elements goes through float64 and takes three times as long for a block; a view for a few numbers costs more than they do.
  float32: {
    load(source, from, n, out, at) {
      if (n > few) out.set(source.subarray(from, from + n), at);
      else for (let i = 0; i < n; i++) out[at + i] = source[from + i];
    },
    store(values, n, target, to) {
      if (n > few) target.set(values.subarray(0, n), to);
      else for (let i = 0; i < n; i++) target[to + i] = values[i];
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

function setLanes(
  sums: Float64Array,
  l0: number,
  l1: number,
  l2: number,
  l3: number,
  l4: number,
  l5: number,
  l6: number,
  l7: number,
): void {
  sums[0] = l0;
  sums[1] = l1;
  sums[2] = l2;
  sums[3] = l3;
  sums[4] = l4;
  sums[5] = l5;
  sums[6] = l6;
  sums[7] = l7;
}

const total = (l: Float64Array): number => (((l[0] + l[2]) + (l[4] + l[6])) + ((l[1] + l[3]) + (l[5] + l[7]))) + l[8];

/** Of the n numbers from `at` on, those that lie in the eight lanes: all but the tail of the row. A multiple of eight, since a block is one. */
const inLanes = (n: number, at: number, end: number): number => Math.max(0, Math.min(n, end - end % 8 - at));

const adding: SumLoops = {
  along(sums, values, n, at, end) {
    const whole = inLanes(n, at, end);
    // Eight variables: the lanes in memory, read and written again for each number, took 1.3 times as long.
    let l0 = sums[0], l1 = sums[1], l2 = sums[2], l3 = sums[3], l4 = sums[4], l5 = sums[5], l6 = sums[6], l7 = sums[7];
    for (let i = 0; i < whole; i += 8) {
      l0 += values[i];
      l1 += values[i + 1];
      l2 += values[i + 2];
      l3 += values[i + 3];
      l4 += values[i + 4];
      l5 += values[i + 5];
      l6 += values[i + 6];
      l7 += values[i + 7];
    }
    setLanes(sums, l0, l1, l2, l3, l4, l5, l6, l7);
    for (let i = whole; i < n; i++) sums[8] += values[i];
  },
  across(sums, values, n, at) {
    for (let i = 0; i < n; i++) sums[at + i] += values[i];
  },
  settle: total,
};

const addingSquares: SumLoops = {
  along(sums, values, n, at, end) {
    const whole = inLanes(n, at, end);
    let l0 = sums[0], l1 = sums[1], l2 = sums[2], l3 = sums[3], l4 = sums[4], l5 = sums[5], l6 = sums[6], l7 = sums[7];
    for (let i = 0; i < whole; i += 8) {
      l0 += values[i] * values[i];
      l1 += values[i + 1] * values[i + 1];
      l2 += values[i + 2] * values[i + 2];
      l3 += values[i + 3] * values[i + 3];
      l4 += values[i + 4] * values[i + 4];
      l5 += values[i + 5] * values[i + 5];
      l6 += values[i + 6] * values[i + 6];
      l7 += values[i + 7] * values[i + 7];
    }
    setLanes(sums, l0, l1, l2, l3, l4, l5, l6, l7);
    for (let i = whole; i < n; i++) sums[8] += values[i] * values[i];
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

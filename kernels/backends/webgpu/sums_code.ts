/**
 * Reductions as WGSL: what a thread adds, how the threads of a workgroup join what they have, and what is made of the sum.
 *
 * The order is fixed by the shape alone: a thread goes through its elements in order, threads are joined two and two, and workgroups' sums lie in memory and
 * are joined likewise. So the bits are the same run after run.
 *
 * @module
 */
import { type ReductionName, reductions } from "../../tables/ops.ts";

/** Threads of a workgroup. */
export const threads = 256;

/** A reduction's code: `identity` and `join` are expressions, `element` is what a number adds. */
export interface SumCode {
  readonly identity: string;
  element(x: string): string;
  join(a: string, b: string): string;
  /** The result of a sum over n, an expression of f32. */
  finish(sum: string, n: string): string;
}

const adding = (squares: boolean, finish: SumCode["finish"]): SumCode => ({
  identity: "0.0",
  element: (x) => squares ? `${x} * ${x}` : x,
  join: (a, b) => `${a} + ${b}`,
  finish,
});

/** By reduction. */
export const sumCode: Readonly<Record<ReductionName, SumCode>> = {
  sum: adding(reductions.sum.squares, (sum) => sum),
  mean: adding(reductions.mean.squares, (sum, n) => `${sum} / ${n}`),
  norm: adding(reductions.norm.squares, (sum) => `sqrt(${sum})`),
  rms: adding(reductions.rms.squares, (sum, n) => `sqrt(${sum} / ${n})`),
  max: { identity: "negativeInfinity()", element: (x) => x, join: (a, b) => `greatest(${a}, ${b})`, finish: (max) => max },
};

/** Infinity is no constant in WGSL: a variable keeps compilers from evaluating it. */
export const negativeInfinity = "fn negativeInfinity() -> f32 { var bits = 0xff800000u; return bitcast<f32>(bits); }";

/** Memory that the threads of a workgroup share. */
export const lanes: string = `var<workgroup> lanes: array<f32, ${threads}>;`;

/** Joins `value` of the threads whose numbers differ in the bits from `least` on below `all`, into the lane of the first of them. */
export function joinLanes(f: ReductionName, value: string, all: number, least = 1): string {
  const half = `lanes[lane] = ${sumCode[f].join("lanes[lane]", "lanes[lane + h]")};`;
  return `  lanes[lane] = ${value};
  workgroupBarrier();
  for (var h = ${all >> 1}u; h >= ${least}u; h >>= 1u) {
    if ((lane & ${all - 1}u) < h) { ${half} }
    workgroupBarrier();
  }`;
}

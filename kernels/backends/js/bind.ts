/**
 * A job bound to its memory in JavaScript: a function that runs one unit.
 *
 * @module
 */
import type { Kernel, Node, Role } from "../../language/kernel.ts";
import { type Job, unitFields } from "../../plan/job.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import { reductions as reductionTable } from "../../tables/ops.ts";
import type { Raw } from "../../types.ts";
import { type BlockLoop, lanes, loops, memoryLoops, sumLoops } from "./loops.ts";

/** Numbers that a node computes at once. */
const block = 256;

/** A reduction with its sums: lanes, or one for each column. */
interface Sum {
  readonly reduction: Kernel["reductions"][number];
  readonly sums: Float64Array;
}

/** A job with its buffers: a node's numbers of a block, or of all columns. */
interface Bound {
  readonly job: Job;
  readonly buffers: readonly Float32Array[];
  /** By node; null for what is read from memory. */
  readonly loops: readonly (BlockLoop | null)[];
  /** Memory by pointer. */
  readonly views: readonly Raw[];
  /** Nodes by the loop that they belong to. */
  readonly nodes: Readonly<Record<Role, readonly number[]>>;
  readonly totals: readonly Sum[];
  readonly rows: readonly Sum[];
  readonly columns: readonly Sum[];
}

/** Makes a job runnable: the function runs one unit. Also what the wasm backend falls back to where a kernel cannot be compiled. */
export function bindJs(job: Job): (unit: number) => void {
  const bound = bind(job);
  return (unit) => runUnit(bound, unit);
}

function bind(job: Job): Bound {
  const { kernel: { nodes, pointers, reductions, shape }, memory, cols } = job;
  const buffers = nodes.map(({ role }) => new Float32Array(role !== "col" ? block : shape === "matrix" ? cols : 0));
  const ofRole = (role: Role): number[] => [...nodes.keys()].filter((index) => nodes[index].role === role);
  const sumsOf = (along: "total" | "row" | "col", numbers: number): Sum[] =>
    reductions.filter(({ axis }) => axis === along).map((reduction) => ({ reduction, sums: new Float64Array(numbers) }));
  return {
    job,
    buffers,
    loops: nodes.map((node, index) => loopOf(nodes, node, index, buffers)),
    views: pointers.map(({ dtype }, k) => {
      const { buffer, byteOffset, byteLength } = memory[k];
      return elementTypes[dtype].raw(buffer, byteOffset, byteLength / elementTypes[dtype].bytes);
    }),
    nodes: { uniform: ofRole("uniform"), batch: ofRole("batch"), row: ofRole("row"), col: ofRole("col"), param: ofRole("param") },
    totals: sumsOf("total", lanes),
    rows: sumsOf("row", lanes),
    columns: sumsOf("col", cols),
  };
}

function loopOf(
  nodes: readonly Node[],
  { op, args, dtype, role }: Node,
  index: number,
  buffers: readonly Float32Array[],
): BlockLoop | null {
  if (op === "load" || op === "splat") return null;
  const [a, b, c] = args.map((arg) => buffers[arg]);
  const [sa, sb, sc] = args.map((arg): 0 | 1 => nodes[arg].role === "col" ? 1 : 0);
  return loops[op]({ out: buffers[index], a, b, c, so: role === "col" ? 1 : 0, sa, sb, sc, dtype });
}

/** A node's next n numbers: from memory, at element `from`, or computed. */
function evaluate({ job: { kernel: { nodes } }, views, buffers, loops }: Bound, index: number, from: number, n: number, at: number): void {
  const { op, pointer, dtype, role } = nodes[index];
  if (op === "load") memoryLoops[dtype].load(views[pointer], from, n, buffers[index], role === "col" ? at : 0);
  else loops[index]!(n, at);
}

/** One number, spread over a block for those that mix with elements. */
function evaluateSingle(bound: Bound, index: number, from: number): void {
  evaluate(bound, index, from, 1, 0);
  const out = bound.buffers[index];
  out.fill(out[0], 1, Math.max(1, Math.min(block, bound.job.cols)));
}

const clear = ({ reduction, sums }: Sum): void => void sums.fill(reductionTable[reduction.f].identity);

const settle = ({ reduction, sums }: Sum): number => sumLoops[reduction.f].settle(sums);

/** Elements `at` to `at + n` of a row of `end`, whose first one is element `base` of the tensor. */
function elements(bound: Bound, base: number, at: number, n: number, end: number): void {
  const { job: { kernel: { pointers, stores } }, buffers, views, nodes, totals, rows, columns } = bound;
  for (const index of nodes.param) evaluate(bound, index, base + at, n, at);
  for (const { reduction: { f, node }, sums } of totals) sumLoops[f].along(sums, buffers[node], n, at, end);
  for (const { reduction: { f, node }, sums } of rows) sumLoops[f].along(sums, buffers[node], n, at, end);
  for (const { reduction: { f, node }, sums } of columns) sumLoops[f].across(sums, buffers[node], n, at);
  for (const { pointer, node } of stores) memoryLoops[pointers[pointer].dtype].store(buffers[node], n, views[pointer], base + at);
}

/** All elements of a row, a block at a time. */
function rowOfElements(bound: Bound, base: number, end: number): void {
  for (let at = 0; at < end; at += block) elements(bound, base, at, Math.min(block, end - at), end);
}

function runUnit(bound: Bound, unit: number): void {
  const { job: { kernel, units, totals: partial, scalars }, buffers, nodes, totals } = bound;
  const [begin, end, rowBegin, rowEnd, region] = units.subarray(unit * unitFields, (unit + 1) * unitFields);
  for (const index of nodes.uniform) buffers[index].fill(scalars[kernel.nodes[index].scalar]);
  totals.forEach(clear);
  if (kernel.shape === "flat") rowOfElements(bound, begin, end - begin);
  else for (let matrix = begin; matrix < end; matrix++) runMatrix(bound, matrix, rowBegin, rowEnd, region);
  totals.forEach((sum, k) => partial[unit * totals.length + k] = settle(sum));
}

function runMatrix(bound: Bound, matrix: number, rowBegin: number, rowEnd: number, region: number): void {
  const { job: { rows: height, cols }, views, nodes, rows, columns } = bound;
  for (const index of nodes.batch) evaluateSingle(bound, index, matrix);
  for (let at = 0; at < cols; at += block) {
    for (const index of nodes.col) evaluate(bound, index, matrix * cols + at, Math.min(block, cols - at), at);
  }
  columns.forEach(clear);
  for (let r = rowBegin; r < rowEnd; r++) {
    const row = matrix * height + r;
    for (const index of nodes.row) evaluateSingle(bound, index, row);
    rows.forEach(clear);
    rowOfElements(bound, row * cols, cols);
    for (const sum of rows) {
      const { f, pointer } = sum.reduction;
      views[pointer][row] = reductionTable[f].finish(settle(sum), cols);
    }
  }
  columns.forEach((sum, k) => endColumns(bound, sum, k, matrix, region));
}

/** Column sums: those of a band go to the plan, which adds the bands up; those of a whole matrix become results. */
function endColumns(
  { job: { units, rows, cols, columns: partial }, views }: Bound,
  sum: Sum,
  k: number,
  matrix: number,
  region: number,
): void {
  const { reduction: { f, pointer }, sums } = sum;
  if (region >= 0) partial!.set(sums, (k * (units.length / unitFields) + region) * cols);
  else for (let c = 0; c < cols; c++) views[pointer][matrix * cols + c] = reductionTable[f].finish(sums[c], rows);
}

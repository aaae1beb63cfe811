/**
 * What runs between kernels, as WGSL: rows and cells into records, partial sums to sums, sums of tensors to sums over tensors, and what holds a run back.
 * Which words they touch stands in tables, so that each is one module for all texts.
 *
 * @module
 */
import { reductions } from "../../tables/ops.ts";
import type { ReductionName } from "../../tables/ops.ts";
import { functionsFor } from "./expressions.ts";
import { lanes, negativeInfinity, threads } from "./sums_code.ts";

const compute = (main: string): string => `${functionsFor(main)}\n${main}\n`;

/** Row `progress[0]` to the records. */
export const pickCode = `@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> progress: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
  let i = id.y * all.x * 64u + id.x;
  let words = arrayLength(&records);
  if (i >= words) { return; }
  let row = min(progress[0], arrayLength(&rows) / words - 1u);
  records[i] = rows[row * words + i];
}
`;

/** Cells to records: moves are cell, word. */
export const readCellsCode = `@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> moves: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> cells: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&moves)) { return; }
  records[moves[id.x].y] = cells[moves[id.x].x];
}
`;

/** Records to cells, where the run is not held back: moves are word, cell, and the word that says so. */
export const storeCellsCode = `@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> moves: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> cells: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&moves)) { return; }
  let entry = moves[id.x];
  if (records[entry.z] != 0u) { cells[entry.y] = records[entry.x]; }
}
`;

/** A word for a reduction: bit 0 for greatest instead of added, bit 1 for a division by n, bit 2 for a root. */
export function kindOf(f: ReductionName, isFinished: boolean): number {
  if (f === "max") return 1;
  if (!isFinished) return 0;
  return (f === "mean" || f === "rms" ? 2 : 0) | (reductions[f].squares ? 4 : 0);
}

const joining = `fn joined(kind: u32, a: f32, b: f32) -> f32 {
  if ((kind & 1u) == 1u) { return greatest(a, b); }
  return a + b;
}
fn finished(kind: u32, sum: f32, n: f32) -> f32 {
  var result = sum;
  if ((kind & 2u) != 0u) { result = result / n; }
  if ((kind & 4u) != 0u) { result = sqrt(result); }
  return result;
}`;

const tree = `  lanes[lane] = sum;
  workgroupBarrier();
  for (var h = ${threads / 2}u; h > 0u; h >>= 1u) {
    if (lane < h) { lanes[lane] = joined(kind, lanes[lane], lanes[lane + h]); }
    workgroupBarrier();
  }`;

/** Partial sums of workgroups to one number, a workgroup for each: first word in scratch, how many, the word of the record, the kind, n, the word that says that the run goes on. */
export const foldWords = 8;

/** See {@linkcode foldWords}. */
export const foldCode: string = /* @__PURE__ */ foldText();

function foldText(): string {
  const main = `@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
  let at = (id.y * all.x + id.x) * ${foldWords}u;
  if (at >= arrayLength(&folds)) { return; }
  let first = folds[at];
  let count = folds[at + 1u];
  let kind = folds[at + 3u];
  var sum = 0.0;
  if ((kind & 1u) == 1u) { sum = negativeInfinity(); }
  for (var k = lane; k < count; k += ${threads}u) { sum = joined(kind, sum, bitcast<f32>(partials[first + k])); }
${tree}
  if (lane == 0u) { records[folds[at + 2u]] = bitcast<u32>(finished(kind, lanes[0], bitcast<f32>(folds[at + 4u]))); }
}`;
  return compute(`@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> folds: array<u32>;
@group(0) @binding(2) var<storage, read> partials: array<u32>;
${lanes}
${negativeInfinity}
${joining}
${main}`);
}

/**
 * Sums of tensors to a sum over tensors, one dispatch for each: kind, n, how many tensors, then for each the word with its share, and the word for the result.
 */
export const joinCode: string = /* @__PURE__ */ joinText();

function joinText(): string {
  const main = `@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32) {
  let kind = join[0];
  let count = join[2];
  var sum = 0.0;
  if ((kind & 1u) == 1u) { sum = negativeInfinity(); }
  for (var k = lane; k < count; k += ${threads}u) { sum = joined(kind, sum, bitcast<f32>(records[join[3u + k]])); }
${tree}
  let result = finished(kind, lanes[0], bitcast<f32>(join[1]));
  for (var k = lane; k < count; k += ${threads}u) { records[join[3u + count + k]] = bitcast<u32>(result); }
}`;
  return compute(`@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> join: array<u32>;
${lanes}
${negativeInfinity}
${joining}
${main}`);
}

/**
 * Whether the run is held back, by one thread: how many numbers, stores and records, then numbers (word, bit), stores where it is (bit, word, cell), and the words
 * of all records that say that the run goes on.
 */
export const decideCode = `@group(0) @binding(0) var<storage, read_write> records: array<u32>;
@group(0) @binding(1) var<storage, read> decide: array<u32>;
@group(0) @binding(2) var<storage, read_write> cells: array<u32>;
@group(0) @binding(3) var<storage, read_write> progress: array<u32>;
@compute @workgroup_size(1)
fn main() {
  let numbers = decide[0];
  let stores = decide[1];
  let all = decide[2];
  var held = 0u;
  for (var k = 0u; k < numbers; k++) {
    if ((records[decide[3u + 2u * k]] & 0x7fffffffu) != 0u) { held |= decide[4u + 2u * k]; }
  }
  progress[2] = held;
  if (held == 0u) {
    progress[0] += 1u;
    return;
  }
  progress[1] += 1u;
  let fromStores = 3u + 2u * numbers;
  for (var k = 0u; k < stores; k++) {
    let at = fromStores + 3u * k;
    if ((held & decide[at]) != 0u) { cells[decide[at + 2u]] = records[decide[at + 1u]]; }
  }
  let fromAll = fromStores + 3u * stores;
  for (var k = 0u; k < all; k++) { records[decide[fromAll + k]] = 0u; }
}
`;

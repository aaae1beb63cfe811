/**
 * Q of A = Q R as WGSL, by Householder's reflections, sixteen columns at a time.
 *
 * Golub & Van Loan, "Matrix Computations", 5.2; signs as LAPACK's `geqrf` and `orgqr` have them, as on the other backends. Sixteen reflections are applied
 * together as in Joffrain, Low, Quintana-Ortí, van de Geijn & Van Zee, "Accumulating Householder transformations, revisited", 2006: all products with what is
 * reflected first, and from them what each reflection takes off.
 *
 * @module
 */
import { number, type RoutineExtent, type RoutinePass, type RoutineSequence, store } from "./routine_pass.ts";
import { beginPass, headCode, headShared, headWords, largestPass, turnCode, turns } from "./scale_code.ts";
import { joinLanes, lanes, threads } from "./sums_code.ts";

// Reflections of a panel, and columns of a strip: threads stand 16 by 16.
const strip = 16;
// Rows of a tile in shared memory.
const tall = 64;

const stripsOf = ({ cols }: RoutineExtent): number => Math.ceil(cols / strip);
const stripsCode = `(cols + ${strip - 1}u) / ${strip}u`;

/** The routine's memory: the matrix, in which reflections take the place of its columns, and what they are to each other, a square of a panel after the other. */
const ownWords = (extent: RoutineExtent): number => extent.rows * extent.cols + stripsOf(extent) * strip * strip;
const matrixCode = `let strips = ${stripsCode};
  let own = ${headCode} + matrix * (rows * cols + strips * ${strip * strip}u);
  let panels = own + rows * cols;`;

/** A panel: each of its columns becomes a reflection that is applied to those after it. A workgroup for each matrix. */
const panelPass: RoutinePass = {
  title: "reflections",
  shared: `${headShared}\n${lanes}`,
  workgroups: ({ batch }) => batch,
  body: ({ work }) => {
    const w = (row: string, col: string): string => `own + (${row}) * cols + ${col}`;
    return `  let matrix = workgroup;
  if (matrix >= batches) { return; }
${turnCode(work, turns[0])}
  if (workgroup == 0u && lane == 0u) { ${work(`${turns[1]}u`)} = ${work(`${turns[0]}u`)}; }
  if (turn == 0xffffffffu) { return; }
  ${matrixCode}
  let first = turn * ${strip}u;
  let count = min(${strip}u, cols - first);
  let col = lane % ${strip}u;
  let down = lane / ${strip}u;
  for (var j = 0u; j < count; j++) {
    let at = first + j;
    let alpha = ${number(work, w("at", "at"))};
    // Squares of numbers that are small beside the rest of the matrix would be 0.
    var size = 0.0;
    for (var i = at + 1u + lane; i < rows; i += ${threads}u) { size = max(size, abs(${number(work, w("i", "at"))})); }
${joinLanes("max", "size", threads)}
    let tail = lanes[0];
    workgroupBarrier();
    let scale = bitcast<f32>(clamp(254u - (bitcast<u32>(max(tail, abs(alpha))) >> 23u), 1u, 253u) << 23u);
    var sum = 0.0;
    for (var i = at + 1u + lane; i < rows; i += ${threads}u) {
      let x = ${number(work, w("i", "at"))} * scale;
      sum += x * x;
    }
${joinLanes("sum", "sum", threads)}
    let norm = sqrt(alpha * scale * (alpha * scale) + lanes[0]);
    // Its sign is not alpha's, so that nothing cancels.
    let distance = alpha * scale + select(norm, -norm, alpha < 0.0);
    for (var i = at + lane; i < rows; i += ${threads}u) {
      var v = 1.0;
      if (i > at) {
        v = 0.0;
        if (tail > 0.0) { v = ${number(work, w("i", "at"))} * scale / distance; }
      }
      ${store(work, w("i", "at"), "v")}
    }
    storageBarrier();
    workgroupBarrier();
    // Its products with all columns of the panel: with reflections before it, with itself, with columns that are left.
    sum = 0.0;
    if (col < count) {
      for (var i = at + down; i < rows; i += ${threads / strip}u) {
        sum += ${number(work, w("i", "at"))} * ${number(work, w("i", "first + col"))};
      }
    }
${joinLanes("sum", "sum", threads, strip)}
    let product = lanes[col];
    // Of the numbers as they are rounded, so that the reflection is orthogonal.
    let tau = select(0.0, 2.0 / lanes[j], tail > 0.0);
    if (down == 0u && col <= j) { ${store(work, `panels + (turn * ${strip}u + j) * ${strip}u + col`, "select(product, tau, col == j)")} }
    if (col > j && col < count) {
      let taken = tau * product;
      for (var i = at + down; i < rows; i += ${threads / strip}u) {
        ${store(work, w("i", "first + col"), `${number(work, w("i", "first + col"))} - taken * ${number(work, w("i", "at"))}`)}
      }
    }
    storageBarrier();
    workgroupBarrier();
  }`;
  },
};

/** Applies a panel's reflections to strips of columns: the first of them first, or the last of them. */
function applyPass(
  title: string,
  word: number,
  { panel, left, next, isLastFirst, target }: {
    /** The panel of a turn. */
    readonly panel: string;
    /** Whether a strip stays as it is. */
    readonly left: string;
    /** The turn after it. */
    readonly next: string;
    readonly isLastFirst: boolean;
    readonly target: "work" | "z";
  },
): RoutinePass {
  return {
    title,
    shared: `${headShared}
var<workgroup> reflections: array<f32, ${tall * strip}>;
var<workgroup> columns: array<f32, ${tall * strip}>;
var<workgroup> taken: array<f32, ${strip * strip}>;`,
    workgroups: (extent) => extent.batch * stripsOf(extent),
    body: (memory) => {
      const { work } = memory;
      const into = memory[target];
      const base = target === "work" ? "own" : "matrix * rows * cols";
      const loadReflection = `let below = begin + k / ${strip}u;
      let reflection = first + k % ${strip}u;
      reflections[k] = 0.0;
      if (below < rows && reflection < cols && below >= reflection) { reflections[k] = ${
        number(work, "own + below * cols + reflection")
      }; }`;
      const pair = isLastFirst ? ["k", "j"] : ["j", "k"];
      return `  let strips = ${stripsCode};
  let matrix = workgroup / strips;
  if (matrix >= batches) { return; }
${turnCode(work, word)}
  if (workgroup == 0u && lane == 0u) { ${work(`${turns[1 - word]}u`)} = ${work(`${word}u`)} ${next}; }
  if (turn == 0xffffffffu) { return; }
  let own = ${headCode} + matrix * (rows * cols + strips * ${strip * strip}u);
  let panel = ${panel};
  let firstCol = workgroup % strips;
  if (firstCol ${left} panel) { return; }
  let panels = own + rows * cols + panel * ${strip * strip}u;
  let first = panel * ${strip}u;
  let count = min(${strip}u, cols - first);
  let ownCol = lane % ${strip}u;
  let ownRow = lane / ${strip}u;
  let col = firstCol * ${strip}u + ownCol;
  var sum = 0.0;
  for (var begin = first; begin < rows; begin += ${tall}u) {
    for (var k = lane; k < ${tall * strip}u; k += ${threads}u) {
      ${loadReflection}
      columns[k] = 0.0;
      let beside = firstCol * ${strip}u + k % ${strip}u;
      if (below < rows && beside < cols) { columns[k] = ${number(into, `${base} + below * cols + beside`)}; }
    }
    workgroupBarrier();
    for (var k = 0u; k < ${tall}u; k++) { sum += reflections[k * ${strip}u + ownRow] * columns[k * ${strip}u + ownCol]; }
    workgroupBarrier();
  }
  taken[lane] = sum;
  workgroupBarrier();
  if (lane < ${strip}u) {
    for (var step = 0u; step < count; step++) {
      let j = ${isLastFirst ? "count - 1u - step" : "step"};
      var w = taken[j * ${strip}u + lane];
      for (var before = 0u; before < step; before++) {
        let k = ${isLastFirst ? "count - 1u - before" : "before"};
        w -= ${number(work, `panels + ${pair[0]} * ${strip}u + ${pair[1]}`)} * taken[k * ${strip}u + lane];
      }
      taken[j * ${strip}u + lane] = w * ${number(work, `panels + j * ${strip + 1}u`)};
    }
  }
  workgroupBarrier();
  for (var begin = first; begin < rows; begin += ${tall}u) {
    for (var k = lane; k < ${tall * strip}u; k += ${threads}u) {
      ${loadReflection}
    }
    workgroupBarrier();
    for (var k = ownRow; k < ${tall}u; k += ${threads / strip}u) {
      if (begin + k >= rows || col >= cols) { break; }
      let at = ${base} + (begin + k) * cols + col;
      var x = ${number(into, "at")};
      for (var e = 0u; e < ${strip}u; e++) { x -= reflections[k * ${strip}u + e] * taken[e * ${strip}u + ownCol]; }
      ${store(into, "at", "x")}
    }
    workgroupBarrier();
  }`;
    },
  };
}

/** Q of A = Q R. */
export const qrCode: RoutineSequence = {
  passes: [
    largestPass(false),
    beginPass(({ x, z, work }) =>
      `    ${work(`${headCode} + matrix * (size + (${stripsCode}) * ${strip * strip}u) + own`)} = bitcast<u32>(${number(x, "i")} * scale);
    ${z("i")} = select(0x7fc00000u, select(0u, 0x3f800000u, row == col), isFinite);`
    ),
    panelPass,
    applyPass("reflect what is left", turns[1], { panel: "turn", left: "<=", next: "+ 1u", isLastFirst: false, target: "work" }),
    // Column j of Q is H0 H1 … applied to column j of the identity, which only those up to j change.
    ...turns.map((word) =>
      applyPass("reflect the identity", word, { panel: "turn - 1u", left: "<", next: "- 1u", isLastFirst: true, target: "z" })
    ),
  ],
  order(extent) {
    const panels = Array.from({ length: stripsOf(extent) }, (_, k) => k);
    return [0, 1, ...panels.flatMap(() => [2, 3]), ...panels.map((k) => 4 + k % 2)];
  },
  workWords: (extent) => headWords(extent) + extent.batch * ownWords(extent),
};

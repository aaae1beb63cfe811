/**
 * Eigenvectors of a symmetric matrix as WGSL, by Jacobi's method over blocks: a workgroup makes a square of 32 diagonal, made of two blocks' rows and columns, as
 * many workgroups at a time as there are pairs of blocks, and then the whole matrix is turned by what they found.
 *
 * Golub & Van Loan, "Matrix Computations", 8.5. The other backends go by a tridiagonal matrix, whose iteration is one long sequence of numbers in float64, which a
 * device has not. Vectors are as near to orthogonal as theirs, and turned by as little (`bench/factors.ts`): rotations are kept as what they are beside the
 * identity, since with a cosine that is rounded each of them makes vectors longer (tried: 2e-4 at a side of 200, and growing with it).
 *
 * @module
 */
import { number, type RoutineExtent, type RoutinePass, type RoutineSequence, store } from "./routine_pass.ts";
import { beginPass, countWord, headCode, headShared, headWords, largestPass, scaleWord, turnCode, turns } from "./scale_code.ts";
import { threads } from "./sums_code.ts";

// Rows of a block, and of a pair of them.
const block = 16;
const pair = 2 * block;
const inPair = pair * pair;

/** Rounds over all pairs of blocks; a matrix is left alone after one in which nothing was turned. */
const mostSweeps = 16;
// A number beside the diagonal counts as 0 where it is so small beside the larger one of its neighbours on it, and half as small beside the largest of all:
// without that, what a matrix without full rank has of rounding errors alone was turned for half of the time.
const negligible = 2 ** -24;

const pairsOf = ({ cols }: RoutineExtent): number => Math.max(1, Math.ceil(cols / pair));
const roundsOf = (extent: RoutineExtent): number => 2 * pairsOf(extent) - 1;

/**
 * The routine's memory for each matrix: vectors, the place of each of them among those of lesser eigenvalues, what turns each pair, and whether it does, and the
 * largest number of the diagonal so far. The matrix itself becomes diagonal where the result comes to lie.
 */
const ownWords = (extent: RoutineExtent): number => extent.cols * (extent.cols + 1) + pairsOf(extent) * (inPair + 1) + 1;
const placesCode = `let pairs = max(1u, (cols + ${pair - 1}u) / ${pair}u);
  let vectors = ${headCode} + matrix * (cols * (cols + 1u) + pairs * ${inPair + 1}u + 1u);
  let order = vectors + cols * cols;
  let turned = order + cols;
  let basis = turned + pairs;
  let largest = basis + pairs * ${inPair}u;`;

// Who meets whom, as in a tournament where everybody but the last one moves on by a place.
const meeting = `fn meeting(pair: u32, round: u32, all: u32) -> vec2<u32> {
  if (pair == 0u) { return vec2<u32>(round, all - 1u); }
  return vec2<u32>((round + pair) % (all - 1u), (round + all - 1u - pair) % (all - 1u));
}`;
/** The row of the matrix that is one of a pair's. */
const rowCode = (pairName: string, of: string): string =>
  `select(${pairName}.x, ${pairName}.y, ${of} >= ${block}u) * ${block}u + ${of} % ${block}u`;

/** Makes a pair's square as good as diagonal. A workgroup for each pair. */
const solvePass: RoutinePass = {
  title: "turn pairs",
  shared: `${headShared}
var<workgroup> square: array<f32, ${inPair}>;
var<workgroup> own: array<f32, ${inPair}>;
var<workgroup> sines: array<f32, ${block}>;
var<workgroup> halves: array<f32, ${block}>;
var<workgroup> tangents: array<f32, ${block}>;
var<workgroup> hits: array<u32, ${block}>;
${meeting}`,
  workgroups: (extent) => extent.batch * pairsOf(extent),
  body: ({ z, work }) =>
    `  let half = lane / ${block}u;
  let other = lane % ${block}u;
  let matrix = workgroup / max(1u, (cols + ${pair - 1}u) / ${pair}u);
  if (matrix >= batches) { return; }
  ${placesCode}
  let mine = workgroup % pairs;
${turnCode(work, turns[0])}
  if (workgroup == 0u && lane == 0u) { ${work(`${turns[1]}u`)} = ${work(`${turns[0]}u`)}; }
  // Nothing was turned for a whole sweep.
  if (lane == 0u) { head = select(0u, 1u, turn == 0xffffffffu || turn >= ${work(`${countWord}u`)} + 2u * pairs - 1u); }
  let isDone = workgroupUniformLoad(&head);
  if (isDone == 1u) {
    if (lane == 0u) { ${work("turned + mine")} = 0u; }
    return;
  }
  let blocks = meeting(mine, turn % (2u * pairs - 1u), 2u * pairs);
  for (var k = lane; k < ${inPair}u; k += ${threads}u) {
    let row = ${rowCode("blocks", `(k / ${pair}u)`)};
    let col = ${rowCode("blocks", `(k % ${pair}u)`)};
    square[k] = 0.0;
    if (row < cols && col < cols) { square[k] = ${number(z, "(matrix * cols + row) * cols + col")}; }
    own[k] = 0.0;
  }
  // One that is the whole matrix has all sweeps here. (Others had two each time: as many rounds over pairs, each of them longer.)
  let sweeps = select(1u, ${mostSweeps}u, pairs == 1u);
  let least = ${negligible / 2} * ${number(work, "largest")};
  var isTurned = 0u;
  for (var sweep = 0u; sweep < sweeps; sweep++) {
    if (lane < ${block}u) { hits[lane] = 0u; }
    for (var round = 0u; round < ${pair - 1}u; round++) {
      workgroupBarrier();
      if (lane < ${block}u) {
        let at = meeting(lane, round, ${pair}u);
        let beside = square[at.x * ${pair}u + at.y];
        let above = square[at.x * ${pair + 1}u];
        let below = square[at.y * ${pair + 1}u];
        var sine = 0.0;
        var halved = 0.0;
        var tangent = 0.0;
        if (abs(beside) > max(least, ${negligible} * max(abs(above), abs(below)))) {
          let ratio = (below - above) / (2.0 * beside);
          tangent = select(1.0, -1.0, ratio < 0.0) / (abs(ratio) + sqrt(1.0 + ratio * ratio));
          let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
          sine = tangent * cosine;
          halved = sine / (1.0 + cosine);
          hits[lane] = 1u;
        }
        sines[lane] = sine;
        halves[lane] = halved;
        tangents[lane] = tangent;
      }
      workgroupBarrier();
      let s = sines[half];
      let h = halves[half];
      let p = meeting(half, round, ${pair}u);
      if (half == other) {
        let taken = tangents[half] * square[p.x * ${pair}u + p.y];
        square[p.x * ${pair + 1}u] -= taken;
        square[p.y * ${pair + 1}u] += taken;
        if (tangents[half] != 0.0) {
          square[p.x * ${pair}u + p.y] = 0.0;
          square[p.y * ${pair}u + p.x] = 0.0;
        }
      } else if (half < other) {
        let q = meeting(other, round, ${pair}u);
        let sq = sines[other];
        let hq = halves[other];
        let a = square[p.x * ${pair}u + q.x];
        let b = square[p.x * ${pair}u + q.y];
        let d = square[p.y * ${pair}u + q.x];
        let e = square[p.y * ${pair}u + q.y];
        let x = a - s * (d + h * a);
        let y = b - s * (e + h * b);
        let v = d + s * (a - h * d);
        let w = e + s * (b - h * e);
        // Both halves from one computation: so the matrix stays symmetric to the last bit.
        let xx = x - sq * (y + hq * x);
        let xy = y + sq * (x - hq * y);
        let yx = v - sq * (w + hq * v);
        let yy = w + sq * (v - hq * w);
        square[p.x * ${pair}u + q.x] = xx;
        square[q.x * ${pair}u + p.x] = xx;
        square[p.x * ${pair}u + q.y] = xy;
        square[q.y * ${pair}u + p.x] = xy;
        square[p.y * ${pair}u + q.x] = yx;
        square[q.x * ${pair}u + p.y] = yx;
        square[p.y * ${pair}u + q.y] = yy;
        square[q.y * ${pair}u + p.y] = yy;
      }
      for (var row = other; row < ${pair}u; row += ${block}u) {
        let a = own[row * ${pair}u + p.x] + select(0.0, 1.0, row == p.x);
        let b = own[row * ${pair}u + p.y] + select(0.0, 1.0, row == p.y);
        own[row * ${pair}u + p.x] -= s * (b + h * a);
        own[row * ${pair}u + p.y] += s * (a - h * b);
      }
    }
    if (lane == 0u) {
      head = 0u;
      for (var k = 0u; k < ${block}u; k++) { head |= hits[k]; }
    }
    let isHit = workgroupUniformLoad(&head);
    if (isHit == 0u) { break; }
    isTurned = 1u;
  }
  workgroupBarrier();
  if (lane == 0u) { ${work("turned + mine")} = isTurned; }
  for (var k = lane; k < ${inPair}u; k += ${threads}u) {
    let row = ${rowCode("blocks", `(k / ${pair}u)`)};
    let col = ${rowCode("blocks", `(k % ${pair}u)`)};
    if (row < cols && col < cols) { ${store(z, "(matrix * cols + row) * cols + col", "square[k]")} }
    ${store(work, `basis + mine * ${inPair}u + k`, "own[k]")}
  }`,
};

/** Turns the rest of the matrix, and the vectors: a workgroup for each square of two pairs, and of a pair's vectors. */
const turnPass: RoutinePass = {
  title: "turn the rest",
  shared: `${headShared}
var<workgroup> left: array<f32, ${inPair}>;
var<workgroup> square: array<f32, ${inPair}>;
${meeting}`,
  workgroups: (extent) => extent.batch * 2 * pairsOf(extent) ** 2,
  body: ({ z, work }) => {
    const load = (from: string): string =>
      `for (var k = lane; k < ${inPair}u; k += ${threads}u) { left[k] = ${number(work, `basis + ${from} * ${inPair}u + k`)}; }`;
    return `  let squares = max(1u, (cols + ${pair - 1}u) / ${pair}u) * max(1u, (cols + ${pair - 1}u) / ${pair}u);
  let matrix = workgroup / (2u * squares);
  if (matrix >= batches) { return; }
  ${placesCode}
  if (lane == 0u) { head = ${work(`${turns[1]}u`)}; }
  let turn = workgroupUniformLoad(&head);
  if (workgroup == 0u && lane == 0u) {
    ${work(`${turns[0]}u`)} = turn + 1u;
    for (var k = 0u; k < batches; k++) {
      for (var i = 0u; i < pairs; i++) {
        if (${work(`turned + k * (cols * (cols + 1u) + pairs * ${inPair + 1}u + 1u) + i`)} == 1u) { ${work(`${countWord}u`)} = turn + 1u; }
      }
    }
  }
  if (workgroup % (2u * squares) == 0u) {
    var most = 0.0;
    for (var k = lane; k < cols; k += ${threads}u) { most = max(most, abs(${number(z, "matrix * cols * cols + k * (cols + 1u)")})); }
    left[lane] = most;
    workgroupBarrier();
    for (var h = ${threads >> 1}u; h > 0u; h >>= 1u) {
      if (lane < h) { left[lane] = max(left[lane], left[lane + h]); }
      workgroupBarrier();
    }
    if (lane == 0u) { ${store(work, "largest", "left[0]")} }
  }
  let isOfVectors = workgroup % (2u * squares) >= squares;
  let mine = workgroup % squares / pairs;
  let other = workgroup % pairs;
  if (!isOfVectors && mine >= other) { return; }
  if (lane == 0u) { head = ${work("turned + other")}; if (!isOfVectors) { head |= ${work("turned + mine")}; } }
  let isTurned = workgroupUniformLoad(&head);
  if (isTurned == 0u) { return; }
  let round = turn % (2u * pairs - 1u);
  let down = meeting(mine, round, 2u * pairs);
  let across = meeting(other, round, 2u * pairs);
  for (var k = lane; k < ${inPair}u; k += ${threads}u) {
    let row = select(${rowCode("down", `(k / ${pair}u)`)}, mine * ${pair}u + k / ${pair}u, isOfVectors);
    let col = ${rowCode("across", `(k % ${pair}u)`)};
    square[k] = 0.0;
    if (row < cols && col < cols) {
      if (isOfVectors) { square[k] = ${number(work, "vectors + row * cols + col")}; }
      else { square[k] = ${number(z, "(matrix * cols + row) * cols + col")}; }
    }
  }
  let r = lane / 8u;
  let first = lane % 8u * 4u;
  if (!isOfVectors) {
    ${load("mine")}
    workgroupBarrier();
    var half: array<f32, 4>;
    for (var c = 0u; c < 4u; c++) { half[c] = square[r * ${pair}u + first + c]; }
    for (var k = 0u; k < ${pair}u; k++) {
      for (var c = 0u; c < 4u; c++) { half[c] += left[k * ${pair}u + r] * square[k * ${pair}u + first + c]; }
    }
    workgroupBarrier();
    for (var c = 0u; c < 4u; c++) { square[r * ${pair}u + first + c] = half[c]; }
  }
  ${load("other")}
  workgroupBarrier();
  var sums: array<f32, 4>;
  for (var c = 0u; c < 4u; c++) { sums[c] = square[r * ${pair}u + first + c]; }
  for (var k = 0u; k < ${pair}u; k++) {
    for (var c = 0u; c < 4u; c++) { sums[c] += square[r * ${pair}u + k] * left[k * ${pair}u + first + c]; }
  }
  let row = select(${rowCode("down", "r")}, mine * ${pair}u + r, isOfVectors);
  for (var c = 0u; c < 4u; c++) {
    let beside = first + c;
    let col = ${rowCode("across", "beside")};
    if (row >= cols || col >= cols) { continue; }
    if (isOfVectors) { ${store(work, "vectors + row * cols + col", "sums[c]")} }
    else {
      ${store(z, "(matrix * cols + row) * cols + col", "sums[c]")}
      ${store(z, "(matrix * cols + col) * cols + row", "sums[c]")}
    }
  }`;
  },
};

const own = `  let i = workgroup * ${threads}u + lane;
  if (i >= batches * rows * cols) { return; }`;

/** The place of each eigenvalue, equal ones in their order, and then each vector to its place. */
const orderPasses: readonly RoutinePass[] = [{
  title: "order",
  workgroups: ({ batch, cols }) => Math.ceil(batch * cols / threads),
  body: ({ z, work }) =>
    `  let i = workgroup * ${threads}u + lane;
  if (i >= batches * cols) { return; }
  let matrix = i / cols;
  ${placesCode}
  let first = matrix * cols * cols;
  let value = ${number(z, "first + i % cols * (cols + 1u)")};
  var place = 0u;
  for (var k = 0u; k < cols; k++) {
    let other = ${number(z, "first + k * (cols + 1u)")};
    if (other < value || (other == value && k < i % cols)) { place++; }
  }
  ${work("order + i % cols")} = place;`,
}, {
  title: "vectors",
  workgroups: ({ batch, rows, cols }) => Math.ceil(batch * rows * cols / threads),
  body: ({ z, work }) =>
    `${own}
  let matrix = i / (cols * cols);
  ${placesCode}
  if (${scaleWord(work)} == 0u) { return; }
  let row = i / cols % cols;
  ${z(`(matrix * cols + row) * cols + ${work("order + i % cols")}`)} = ${work("vectors + i % (cols * cols)")};`,
}];

/** Eigenvectors, those of the least eigenvalues first. */
export const eighCode: RoutineSequence = {
  passes: [
    largestPass(true),
    beginPass(({ x, z, work }) =>
      `    ${placesCode.replaceAll("\n", "\n  ")}
    if (own == 0u) { ${work("largest")} = 0u; }
    ${work("vectors + own")} = select(0u, 0x3f800000u, row == col);
    ${z("i")} = select(0x7fc00000u, bitcast<u32>(${number(x, "matrix * size + max(row, col) * cols + min(row, col)")} * scale), isFinite);`
    ),
    solvePass,
    turnPass,
    ...orderPasses,
  ],
  order(extent) {
    const rounds = roundsOf(extent);
    const turned = Array.from({ length: rounds === 1 ? 1 : mostSweeps * rounds }, () => [2, 3]).flat();
    return [0, 1, ...turned, 4, 5];
  },
  workWords: (extent) => headWords(extent) + extent.batch * ownWords(extent),
};

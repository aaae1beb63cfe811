/**
 * What factorizations begin with, as WGSL: the largest number of each matrix, and the matrix times a power of two, so that its largest number is about 1 and
 * neither squares nor sums leave float32. A number that is not finite makes the whole result NaN.
 *
 * @module
 */
import type { RoutineExtent, RoutinePass, Words } from "./routine_pass.ts";
import { threads } from "./sums_code.ts";

/** Words of a routine's memory that say which turn it is: passes read one and write the other, so that nobody reads what is being written. */
export const turns = [0, 1] as const;
/** The word for what else a routine counts. */
export const countWord = 2;

const mostParts = 64;
const partElements = 4096;
const begunByThread = 4;

/** The word with a matrix' scale: 0 where a number is not finite. */
export const scaleWord = (work: Words): string => work("4u + matrix");
/** That with the largest number of a part of it. */
const partWord = (work: Words): string => work(`4u + batches + matrix * ${mostParts}u + part`);

/** Words before a routine's own matrices, as a number and as an expression. */
export const headWords = ({ batch }: RoutineExtent): number => 4 + (1 + mostParts) * batch;
export const headCode: string = `(4u + ${1 + mostParts}u * batches)`;

const partsOf = (size: number): number => Math.max(1, Math.min(mostParts, Math.ceil(size / partElements)));
const partsCode = `clamp((rows * cols + ${partElements - 1}u) / ${partElements}u, 1u, ${mostParts}u)`;

/** Finds the largest number of each part of a matrix: of its lower triangle alone where `lower`. Numbers without signs are ordered as their bits are. */
export const largestPass = (lower: boolean): RoutinePass => ({
  title: "largest number",
  shared: `var<workgroup> greatest: array<u32, ${threads}>;`,
  workgroups: ({ batch, rows, cols }) => batch * partsOf(rows * cols),
  body: ({ x, work }) =>
    `  let parts = ${partsCode};
  let matrix = workgroup / parts;
  if (matrix >= batches) { return; }
  let part = workgroup % parts;
  var most = 0u;
  for (var i = part * ${threads}u + lane; i < rows * cols; i += parts * ${threads}u) {
    ${lower ? "if (i % cols > i / cols) { continue; }\n    " : ""}most = max(most, ${x("matrix * rows * cols + i")} & 0x7fffffffu);
  }
  greatest[lane] = most;
  workgroupBarrier();
  for (var h = ${threads >> 1}u; h > 0u; h >>= 1u) {
    if (lane < h) { greatest[lane] = max(greatest[lane], greatest[lane + h]); }
    workgroupBarrier();
  }
  if (lane == 0u) { ${partWord(work)} = greatest[0]; }`,
});

/**
 * Goes through a result's elements with `scale`, `isFinite`, `matrix`, `row`, `col` and `i`, an element's place among those of all matrices, and sets the head
 * of the routine's memory.
 */
export const beginPass = (lines: RoutinePass["body"]): RoutinePass => ({
  title: "begin",
  workgroups: ({ batch, rows, cols }) => batch * Math.ceil(rows * cols / (begunByThread * threads)),
  body: (memory) =>
    `  let parts = ${partsCode};
  let size = rows * cols;
  let groups = (size + ${begunByThread * threads - 1}u) / ${begunByThread * threads}u;
  let matrix = workgroup / groups;
  if (matrix >= batches) { return; }
  var most = 0u;
  for (var part = 0u; part < parts; part++) { most = max(most, ${partWord(memory.work)}); }
  let isFinite = most < 0x7f800000u;
  let scale = bitcast<f32>(select(clamp(254u - (most >> 23u), 1u, 254u), 127u, most == 0u) << 23u);
  if (workgroup % groups == 0u && lane == 0u) {
    ${scaleWord(memory.work)} = select(0u, bitcast<u32>(scale), isFinite);
    if (matrix == 0u) {
      for (var k = 0u; k < 4u; k++) { ${memory.work("k")} = 0u; }
    }
  }
  for (var turn = 0u; turn < ${begunByThread}u; turn++) {
    let own = (workgroup % groups * ${begunByThread}u + turn) * ${threads}u + lane;
    if (own >= size) { break; }
    let row = own / cols;
    let col = own % cols;
    let i = matrix * size + own;
${lines(memory)}
  }`,
});

/** Lines that set `turn`, the same for a whole workgroup, from one of {@linkcode turns}, or leave where the matrix has no factors. */
export const turnCode = (work: Words, word: number): string =>
  `  if (lane == 0u) { head = select(${work(`${word}u`)}, 0xffffffffu, ${scaleWord(work)} == 0u); }
  let turn = workgroupUniformLoad(&head);`;

/** What {@linkcode turnCode} needs. */
export const headShared = "var<workgroup> head: u32;";

/**
 * Routines as WGSL, of float32 matrices: one pass for most, a sequence of them for factorizations.
 *
 * @module
 */
import type { RoutineCall } from "../../language/kernel.ts";
import type { RoutineName, Side } from "../../routines/table.ts";
import { type MatrixClass, shapeOf, type VectorClass } from "../../tables/classes.ts";
import { functionsFor, zeroCode } from "./expressions.ts";
import type { Module, Reach } from "./kernel_code.ts";
import { eighCode } from "./eigh_code.ts";
import { qrCode } from "./qr_code.ts";
import { type RecordLayout, recordWord, recordWords, workKey } from "./records.ts";
import type { RoutineExtent, RoutinePass, RoutineSequence, Words } from "./routine_pass.ts";
import { threads } from "./sums_code.ts";

const each = ({ batch, rows, cols }: RoutineExtent): number => Math.ceil(batch * rows * cols / threads);

// A workgroup's tile of the product, and how much of a sum is in shared memory at a time. A thread has four rows and four columns of it.
const tile = 64;
const deep = 16;

const routineCode: Readonly<Record<RoutineName, RoutinePass | RoutineSequence>> = {
  // As everywhere: products are added one by one along the sum, from zero. A device may join a product and its sum into one operation that rounds once: it is a
  // sum, whose bits are the device's, and keeping the two apart would cost three operations where the device has one.
  matmul: {
    shared: `var<workgroup> left: array<f32, ${tile * deep}>;\nvar<workgroup> right: array<f32, ${tile * deep}>;`,
    workgroups: ({ batch, rows, cols }) => batch * Math.ceil(rows / tile) * Math.ceil(cols / tile),
    body: ({ x, y, z }) =>
      `  let across = (cols + ${tile - 1}u) / ${tile}u;
  let upright = (rows + ${tile - 1}u) / ${tile}u;
  let matrix = workgroup / (across * upright);
  if (matrix >= batches) { return; }
  let firstRow = (workgroup / across) % upright * ${tile}u;
  let firstCol = workgroup % across * ${tile}u;
  let ownRow = lane / 16u * 4u;
  let ownCol = lane % 16u * 4u;
  var sums: array<f32, 16>;
  for (var done = 0u; done < inner; done += ${deep}u) {
    for (var k = lane; k < ${tile * deep}u; k += ${threads}u) {
      let row = firstRow + k / ${deep}u;
      let along = done + k % ${deep}u;
      left[k] = 0.0;
      if (row < rows && along < inner) { left[k] = bitcast<f32>(${x("(matrix * rows + row) * inner + along")}); }
      let down = done + k / ${tile}u;
      let col = firstCol + k % ${tile}u;
      right[k] = 0.0;
      if (down < inner && col < cols) { right[k] = bitcast<f32>(${y("(matrix * inner + down) * cols + col")}); }
    }
    workgroupBarrier();
    let here = min(${deep}u, inner - done);
    for (var k = 0u; k < here; k++) {
      for (var r = 0u; r < 4u; r++) {
        let a = left[(ownRow + r) * ${deep}u + k];
        for (var c = 0u; c < 4u; c++) {
          sums[r * 4u + c] += a * right[k * ${tile}u + ownCol + c];
        }
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let row = firstRow + ownRow + r;
      let col = firstCol + ownCol + c;
      if (row < rows && col < cols) { ${z("(matrix * rows + row) * cols + col")} = bitcast<u32>(sums[r * 4u + c]); }
    }
  }`,
  },
  transpose: {
    workgroups: each,
    body: ({ x, z }) =>
      `  let i = workgroup * ${threads}u + lane;
  if (i >= batches * rows * cols) { return; }
  let matrix = i / (rows * cols);
  let row = i / cols % rows;
  ${z("i")} = ${x("(matrix * cols + i % cols) * rows + row")};`,
  },
  qr: qrCode,
  eigh: eighCode,
  // How many numbers come before one is its place: those that are less, of equal ones those before it, and NaN after all others.
  argsort: {
    workgroups: each,
    body: ({ x, z }) =>
      `  let i = workgroup * ${threads}u + lane;
  if (i >= batches * cols) { return; }
  let first = i / cols * cols;
  let own = bitcast<f32>(${x("i")});
  var place = 0u;
  for (var k = first; k < first + cols; k++) {
    let other = bitcast<f32>(${x("k")});
    let isSame = isEqual(other, own) || (isNaN(other) && isNaN(own));
    if (isLess(other, own) || (isNaN(own) && !isNaN(other)) || (isSame && k < i)) { place++; }
  }
  ${z("first + place")} = bitcast<u32>(f32(i - first));`,
  },
  gather: {
    workgroups: each,
    body: ({ x, y, z }) =>
      `  let i = workgroup * ${threads}u + lane;
  if (i >= batches * rows * cols) { return; }
  let row = i / cols;
  let place = bitcast<f32>(${y("row / rows * cols + i % cols")});
  if (place >= 0.0 && place < f32(inner) && place == floor(place) && !isNaN(place)) { ${z("i")} = ${x("row * inner + u32(place)")}; }
  else { ${z("i")} = 0x7fc00000u; }`,
  },
};

const sideCode: Readonly<Record<Side, string>> = { rows: recordWord(recordWords.rows), cols: recordWord(recordWords.cols) };

/** Rows and columns of what lies in memory, as expressions; a vector is one row. */
function sidesOf(cls: MatrixClass | VectorClass): readonly [rows: string, cols: string] {
  const [height, width] = shapeOf(cls);
  return width === undefined ? ["1u", sideCode[height]] : [sideCode[height], sideCode[width]];
}

const sequenceOf = (routine: RoutineName): RoutineSequence => {
  const code = routineCode[routine];
  return "passes" in code ? code : { passes: [code], order: () => [0], workWords: () => 0 };
};

/** Words of its own memory that a call needs, over a result of this extent. */
export const workWords = ({ routine }: RoutineCall, extent: RoutineExtent): number => sequenceOf(routine).workWords(extent);

/** The modules of a call over a result of this extent, and the order in which they run. */
export function routineModules(
  call: RoutineCall,
  layout: RecordLayout,
  extent: RoutineExtent,
): { readonly modules: readonly ((reach: Reach) => Module)[]; readonly order: readonly number[] } {
  const { passes, order } = sequenceOf(call.routine);
  return { modules: passes.map((pass) => (reach) => routineModule(call, pass, layout, extent, reach)), order: order(extent) };
}

function routineModule(
  { routine, args, into }: RoutineCall,
  { body, workgroups, shared, title }: RoutinePass,
  layout: RecordLayout,
  extent: RoutineExtent,
  reach: Reach,
): Module {
  const words = (key: string, writes: boolean): Words => (at) => `${reach(key, writes)}[${recordWord(layout.begins.get(key)!)} + ${at}]`;
  const [rows, cols] = sidesOf(into.cls);
  const [, inner] = sidesOf(args[0].cls);
  const x = words(args[0].key, false);
  const y = args.length > 1 ? words(args[1].key, false) : x;
  const lines = body({ x, y, z: words(into.key, true), work: words(workKey, true) });
  const main = `@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
  if (${recordWord(recordWords.live)} == 0u) { return; }
${zeroCode(lines, recordWord(recordWords.live))}  let workgroup = id.y * all.x + id.x;
  let batches = ${recordWord(recordWords.batch)};
  let rows = ${rows};
  let cols = ${cols};
  let inner = ${inner};
${lines}
}`;
  const functions = functionsFor(main);
  return {
    title: title === undefined ? routine : `${routine}, ${title}`,
    code: `${shared === undefined ? "" : `${shared}\n`}${functions}${functions === "" ? "" : "\n"}${main}\n`,
    workgroups: workgroups(extent),
  };
}

/**
 * Sums along rows and along columns as WGSL, in one reading: a workgroup goes through a tile of the matrix and leaves the sums of the tile's rows and of its
 * columns, which another module joins where a row or a column spans several tiles. Totals are summed and elements stored on the way.
 *
 * How a matrix is cut follows from its shape alone, and so does the order of every sum.
 *
 * @module
 */
import type { Kernel } from "../../language/kernel.ts";
import { entry, type Extent, type Frame, memoryOf, type Module, moduleOf, nodeLines, type Reductions } from "./loop_code.ts";
import { recordWord } from "./records.ts";
import { joinLanes, sumCode, threads } from "./sums_code.ts";

// A workgroup's threads stand beside each other along `across` columns and down the rows. A thread has so many columns of a tile, and so many rows of a chunk.
// Shared memory bounds both, of which every device has 16 KiB: a word a thread for each row of the chunk. Sums of columns stay with their threads until the end: with
// shared words for them that each element was added to, a pass over 1 Mi elements took 11.2 ms on Mesa's lavapipe in place of 8.8 (a total beside them; its
// rows, columns and total one after the other: 12.1).
const mostAcross = 32;
const mostColumns = 4;
const rowsOfThread = 8;
// Bands that the rows of a matrix are cut into: a tile is so many chunks high that there are no more.
const mostBands = 64;

/** How a matrix is cut. */
interface Cut {
  readonly across: number;
  /** Columns of a thread. */
  readonly columns: number;
  /** Columns of a tile. */
  readonly width: number;
  /** Rows of a chunk. */
  readonly height: number;
  readonly strips: number;
  readonly bands: number;
}

function cutOf({ rows, cols }: Extent): Cut {
  let across = 1;
  while (across < cols && across < mostAcross) across *= 2;
  const columns = cols > across ? mostColumns : 1;
  const width = across * columns;
  const height = threads / across * rowsOfThread;
  const chunks = Math.ceil(rows / (height * mostBands));
  return { across, columns, width, height, strips: Math.ceil(cols / width), bands: Math.ceil(rows / (height * chunks)) };
}

/** Whether a kernel sums rows and columns in one reading. More than one sum of either would not fit into shared memory, and no rule here has them. */
export function isTiled({ reductions }: Kernel, { batch, rows, cols }: Extent): boolean {
  const count = (axis: "row" | "col"): number => reductions.filter((one) => one.axis === axis).length;
  return count("row") === 1 && count("col") === 1 && batch * rows * cols > 0;
}

/** Workgroups, each of which leaves a partial sum for each total. */
export function tilesOf(extent: Extent): number {
  const { strips, bands } = cutOf(extent);
  return extent.batch * strips * bands;
}

/** Words that partial sums of columns take, and behind them those of rows. */
function partWords(extent: Extent): { readonly columns: number; readonly rows: number } {
  const { batch, rows, cols } = extent;
  const { strips, bands } = cutOf(extent);
  return { columns: bands > 1 ? batch * bands * cols : 0, rows: strips > 1 ? strips * batch * rows : 0 };
}

/** Words of a kernel's memory for partial sums of rows and columns. */
export function tileWords(extent: Extent): number {
  const { columns, rows } = partWords(extent);
  return columns + rows;
}

/** The modules, in order; `inside`: totals and stores that come with it. `totalsKey` and `partsKey` are memory for partial sums. */
export function tileModules(extent: Extent, inside: Inside, totalsKey: string, partsKey: string): readonly ((frame: Frame) => Module)[] {
  const modules = [(frame: Frame) => tileModule(frame, inside, extent, totalsKey, partsKey)];
  if (tileWords(extent) > 0) modules.push((frame) => joinModule(frame, extent, partsKey));
  return modules;
}

/** What is done with elements besides. */
interface Inside extends Pick<Kernel, "stores"> {
  readonly totals: Reductions;
}

/** Lines that say how the matrix is cut: the same as `cutOf`, so that one module is for many shapes. */
const cutLines = ({ width, height }: Cut): string =>
  `  let strips = (cols + ${width - 1}u) / ${width}u;
  let chunks = (rows + ${height * mostBands - 1}u) / ${height * mostBands}u;
  let bands = (rows + ${height}u * chunks - 1u) / (${height}u * chunks);`;

const sumsOf = ({ kernel: { reductions } }: Frame): { readonly row: Reductions[number]; readonly col: Reductions[number] } => ({
  row: reductions.find(({ axis }) => axis === "row")!,
  col: reductions.find(({ axis }) => axis === "col")!,
});

// A word is left out after 32 of them, so that threads which read rows do not wait for one bank of shared memory.
const padded = threads * rowsOfThread * 33 / 32;
const slot = (at: string): string => `(${at}) + ((${at}) >> 5u)`;

function tileModule(
  frame: Frame,
  { stores, totals }: Inside,
  extent: Extent,
  totalsKey: string,
  partsKey: string,
): Module {
  const { layout, reach } = frame;
  const { row, col } = sumsOf(frame);
  const cut = cutOf(extent);
  const { across, columns, width, height, strips, bands } = cut;
  const down = threads / across;
  const partsBegin = recordWord(layout.begins.get(partsKey)!);
  const store = ({ f, pointer }: Reductions[number], isWhole: boolean, sum: string, n: string, at: string, partAt: string): string => {
    if (!isWhole) return `${reach(partsKey, true)}[${partsBegin} + ${partAt}] = bitcast<u32>(${sum});`;
    const { name, begin } = memoryOf(frame, pointer);
    return `${name}[${begin} + ${at}] = bitcast<u32>(${sumCode[f].finish(sum, n)});`;
  };
  const each = (line: (k: number) => string): string => Array.from({ length: columns }, (_, k) => line(k)).join("\n");
  const rowParts = bands > 1 ? "batches * bands * cols + " : "";
  const add = ({ f, node }: Reductions[number], into: string): string =>
    `${into} = ${sumCode[f].join(into, sumCode[f].element(`n${node}`))};`;
  const main = entry(
    frame,
    `${cutLines(cut)}
  let band = workgroup % bands;
  let strip = workgroup / bands % strips;
  let batch = workgroup / bands / strips;
  if (batch >= batches) { return; }
  let across = lane & ${across - 1}u;
  let down = lane / ${across}u;
  let firstCol = strip * ${width}u + across;
${totals.map(({ f }, k) => `  var sum${k} = ${sumCode[f].identity};`).join("\n")}
${each((k) => `  var columnSum${k} = ${sumCode[col.f].identity};`)}
  for (var chunk = 0u; chunk < chunks; chunk++) {
    let firstRow = (band * chunks + chunk) * ${height}u;
${totals.map(({ f }, k) => `    var part${k} = ${sumCode[f].identity};`).join("\n")}
${each((k) => `    var columnPart${k} = ${sumCode[col.f].identity};`)}
    for (var turn = 0u; turn < ${rowsOfThread}u; turn++) {
      let matrixRow = firstRow + turn * ${down}u + down;
      if (matrixRow >= rows) { break; }
      let row = batch * rows + matrixRow;
      var rowSum = ${sumCode[row.f].identity};
${
      each((k) =>
        `      if (firstCol + ${k * across}u < cols) {
        let col = firstCol + ${k * across}u;
        let matrixCol = batch * cols + col;
        let i = row * cols + col;
${nodeLines(frame, [row, col, ...totals, ...stores].map(({ node }) => node), "        ")}
        ${add(row, "rowSum")}
        ${add(col, `columnPart${k}`)}
${totals.map((total, nth) => `        ${add(total, `part${nth}`)}`).join("\n")}
${
          stores.map(({ pointer, node }) => {
            const { name, begin } = memoryOf(frame, pointer);
            return `        ${name}[${begin} + i] = bitcast<u32>(n${node});`;
          }).join("\n")
        }
      }`
      )
    }
      let at = ${slot(`turn * ${threads}u + lane`)};
      sums[at] = rowSum;
    }
${each((k) => `    columnSum${k} = ${sumCode[col.f].join(`columnSum${k}`, `columnPart${k}`)};`)}
${totals.map(({ f }, k) => `    sum${k} = ${sumCode[f].join(`sum${k}`, `part${k}`)};`).join("\n")}
    workgroupBarrier();
    for (var own = lane; own < ${height}u; own += ${threads}u) {
      let matrixRow = firstRow + own;
      if (matrixRow >= rows) { break; }
      var rowSum = ${sumCode[row.f].identity};
      for (var k = 0u; k < ${across}u; k++) {
        let at = ${slot(`own * ${across}u + k`)};
        rowSum = ${sumCode[row.f].join("rowSum", "sums[at]")};
      }
      let row = batch * rows + matrixRow;
      ${store(row, strips === 1, "rowSum", "f32(cols)", "row", `${rowParts}strip * batches * rows + row`)}
    }
    workgroupBarrier();
  }
${each((k) => `  sums[${k * threads}u + lane] = columnSum${k};`)}
  workgroupBarrier();
  for (var h = ${down >> 1}u; h > 0u; h >>= 1u) {
    if (down < h) {
      for (var k = 0u; k < ${columns}u; k++) {
        let own = k * ${threads}u + lane;
        sums[own] = ${sumCode[col.f].join("sums[own]", `sums[own + h * ${across}u]`)};
      }
    }
    workgroupBarrier();
  }
  if (lane < ${width}u) {
    let col = strip * ${width}u + lane;
    let columnSum = sums[lane / ${across}u * ${threads}u + (lane & ${across - 1}u)];
    if (col < cols) {
      ${store(col, bands === 1, "columnSum", "f32(rows)", "batch * cols + col", "(batch * bands + band) * cols + col")}
    }
  }
${
      totals.map(({ f }, k) => {
        const at = `${recordWord(layout.begins.get(totalsKey)!)} + ${k}u * batches * strips * bands + workgroup`;
        return `${joinLanes(f, `sum${k}`, threads)}
  if (lane == 0u) { ${reach(totalsKey, true)}[${at}] = bitcast<u32>(lanes[0]); }
  workgroupBarrier();`;
      }).join("\n")
    }`,
  );
  const shared = `var<workgroup> sums: array<f32, ${padded}>;\n`;
  const { title, code, workgroups } = moduleOf("rows and columns", main, tilesOf(extent));
  return { title, code: shared + code, workgroups };
}

/** Joins the bands' sums of each column and the strips' sums of each row, in their order. A thread has one of either. */
function joinModule(frame: Frame, extent: Extent, key: string): Module {
  const { layout, reach } = frame;
  const { row, col } = sumsOf(frame);
  const cut = cutOf(extent);
  const begin = recordWord(layout.begins.get(key)!);
  const words = partWords(extent);
  const joinOf = ({ f, pointer }: Reductions[number], parts: string, at: string, n: string, into: string): string => {
    const memory = memoryOf(frame, pointer);
    return `    var sum = ${sumCode[f].identity};
    for (var k = 0u; k < ${parts}; k++) {
      let part = bitcast<f32>(${reach(key, false)}[${begin} + ${at}]);
      sum = ${sumCode[f].join("sum", "part")};
    }
    ${memory.name}[${memory.begin} + ${into}] = bitcast<u32>(${sumCode[f].finish("sum", n)});`;
  };
  const columnCount = words.columns > 0 ? "batches * cols" : "0u";
  const rowCount = words.rows > 0 ? "batches * rows" : "0u";
  const first = words.columns > 0 ? "batches * bands * cols + " : "";
  const main = entry(
    frame,
    `${cutLines(cut)}
  let at = workgroup * ${threads}u + lane;
  if (at < ${columnCount}) {
${words.columns > 0 ? joinOf(col, "bands", "(at / cols * bands + k) * cols + at % cols", "f32(rows)", "at") : ""}
  } else if (at < ${columnCount} + ${rowCount}) {
    let row = at - ${columnCount};
${words.rows > 0 ? joinOf(row, "strips", `${first}k * batches * rows + row`, "f32(cols)", "row") : ""}
  }`,
  );
  const { batch, rows, cols } = extent;
  const wanted = (words.columns > 0 ? batch * cols : 0) + (words.rows > 0 ? batch * rows : 0);
  return moduleOf("joins", main, Math.ceil(wanted / threads));
}

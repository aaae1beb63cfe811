/**
 * A kernel as WGSL: up to three modules, one for sums along rows, one for those along columns, and one over elements, which sums totals and stores. Those that
 * only read come first, so that what is stored is not read in its place. Rows and columns are summed in one reading where there is a sum of each (tile_code.ts).
 *
 * A tensor's memory is bound as words, with other tensors in the same buffer perhaps: where it begins there is said by its record. Elements of 16 bits are
 * halves of words; a thread that stores them computes both.
 *
 * @module
 */
import type { Kernel } from "../../language/kernel.ts";
import { halfCode } from "./expressions.ts";
import { entry, type Extent, type Frame, memoryOf, type Module, moduleOf, nodeLines, type Reach, type Reductions } from "./loop_code.ts";
import { columnsKey, type RecordLayout, recordWord, totalsKey } from "./records.ts";
import { joinLanes, sumCode, threads } from "./sums_code.ts";
import { isTiled, tileModules, tilesOf, tileWords } from "./tile_code.ts";

export type { Module, Reach };

// What a thread sums before its workgroup joins: few enough that a sum is as good as one in a tree, enough that few partial sums are left.
const summedByThread = 16;
// Where nothing is summed.
const storedByThread = 4;

/** Units of a flat loop: elements, or pairs of them. */
const isHalf = ({ stores, pointers }: Kernel): boolean => stores.some(({ pointer }) => pointers[pointer].dtype !== "float32");

const elementsPerWorkgroup = (kernel: Kernel): number =>
  threads * (isHalf(kernel) ? 2 : 1) *
  (kernel.reductions.some(({ axis }) => axis === "total") ? summedByThread : storedByThread);

/** Workgroups of the loop over elements, each of which leaves a partial sum for each total. */
export const elementGroups = (kernel: Kernel, { batch, rows, cols }: Extent): number =>
  Math.ceil(batch * rows * cols / elementsPerWorkgroup(kernel));

/** Threads that share a row, and rows of a workgroup. */
const threadsOfRow = (cols: number): number => powerUpTo(threads, cols / 4);

/** Columns of a workgroup's strip, and threads beside each other down a column. */
const stripOf = (cols: number): number => powerUpTo(64, cols);

/** The least power of two that is not below n, at most `most`. */
function powerUpTo(most: number, n: number): number {
  let power = 1;
  while (power < n && power < most) power *= 2;
  return power;
}

// Bands of a matrix, whose columns' sums are joined by another pass. At least `leastDown` rows for a thread.
const mostBands = 64;
const leastDown = 16;

/** Rows that a thread of a column sums. */
const downOf = ({ rows, cols }: Extent): number => Math.max(leastDown, Math.ceil(rows / (threads / stripOf(cols) * mostBands)));

/** Bands that a matrix's columns are cut into. */
export const bandsOf = (extent: Extent): number => Math.max(1, Math.ceil(extent.rows / (threads / stripOf(extent.cols) * downOf(extent))));

/** The modules of a kernel over a tensor, in order, each made where it is known what it reaches. */
export function kernelModules(
  kernel: Kernel,
  round: number,
  index: number,
  layout: RecordLayout,
  extent: Extent,
): readonly ((reach: Reach) => Module)[] {
  const { reductions, stores } = kernel;
  const { batch, rows, cols } = extent;
  const along = (axis: "row" | "col" | "total") => reductions.filter((reduction) => reduction.axis === axis);
  const keys = [totalsKey(round, index), columnsKey(round, index)] as const;
  if (isTiled(kernel, extent)) {
    // A thread that stores 16 bits has two elements of it, which a tile's threads have not.
    const isWhole = !isHalf(kernel);
    const inside = isWhole ? { stores, totals: along("total") } : { stores: [], totals: [] };
    const modules = tileModules(extent, inside, ...keys).map((make) => (reach: Reach) => make({ kernel, layout, reach }));
    if (isWhole) return modules;
    return [...modules, (reach) => elementModule({ kernel, layout, reach }, along("total"), extent, keys[0])];
  }
  const modules: ((reach: Reach) => Module)[] = [];
  if (along("row").length > 0 && batch * rows > 0) modules.push((reach) => rowModule({ kernel, layout, reach }, along("row"), extent));
  if (along("col").length > 0 && batch * cols > 0) {
    modules.push((reach) => columnModule({ kernel, layout, reach }, along("col"), extent, keys[1]));
    if (bandsOf(extent) > 1) modules.push((reach) => bandModule({ kernel, layout, reach }, along("col"), extent, keys[1]));
  }
  if ((stores.length > 0 || along("total").length > 0) && batch * rows * cols > 0) {
    modules.push((reach) => elementModule({ kernel, layout, reach }, along("total"), extent, keys[0]));
  }
  return modules;
}

/** Lines that say in which matrix, row and column element i is, where a node asks. Carrying the place from turn to turn in place of dividing gained nothing. */
function rolesOf({ kernel: { shape } }: Frame, indent: string): string {
  if (shape === "flat") return "";
  return `${indent}let row = i / cols;\n${indent}let col = i % cols;\n${indent}let batch = row / rows;\n${indent}let matrixCol = batch * cols + col;\n`;
}

function elementModule(frame: Frame, totals: Reductions, extent: Extent, key: string): Module {
  const { kernel, layout, reach } = frame;
  const { stores, pointers } = kernel;
  const groups = elementGroups(kernel, extent);
  const pairs = isHalf(kernel);
  const perThread = elementsPerWorkgroup(kernel) / threads / (pairs ? 2 : 1);
  const halves = stores.filter(({ pointer }) => pointers[pointer].dtype !== "float32");
  const wholes = stores.filter(({ pointer }) => pointers[pointer].dtype === "float32");
  const wanted = [...stores, ...totals].map(({ node }) => node);
  const compute = (indent: string): string =>
    [
      `${rolesOf(frame, indent)}${nodeLines(frame, wanted, indent)}`,
      ...wholes.map(({ pointer, node }) => {
        const { name, begin } = memoryOf(frame, pointer);
        return `${indent}${name}[${begin} + i] = bitcast<u32>(n${node});`;
      }),
      ...totals.map(({ f, node }, k) => `${indent}sum${k} = ${sumCode[f].join(`sum${k}`, sumCode[f].element(`n${node}`))};`),
      ...halves.map(({ pointer, node }, k) => {
        const narrowed = halfCode[pointers[pointer].dtype as "bfloat16" | "float16"].narrow(`n${node}`);
        return `${indent}half${k} |= ${narrowed} << (16u * part);`;
      }),
    ].join("\n");
  const loop = pairs
    ? `    if (unit >= (size + 1u) / 2u) { break; }
${halves.map((_, k) => `    var half${k} = 0u;`).join("\n")}
    for (var part = 0u; part < 2u; part++) {
      let i = 2u * unit + part;
      if (i >= size) {
        // What lies behind a tensor of odd length is not its own.
${
      halves.map(({ pointer }, k) => {
        const { name, begin } = memoryOf(frame, pointer);
        return `        half${k} |= ${name}[${begin} + unit] & 0xffff0000u;`;
      }).join("\n")
    }
        break;
      }
${compute("      ")}
    }
${
      halves.map(({ pointer }, k) => {
        const { name, begin } = memoryOf(frame, pointer);
        return `    ${name}[${begin} + unit] = half${k};`;
      }).join("\n")
    }`
    : `    let i = unit;
    if (i >= size) { break; }
${compute("    ")}`;
  const partial = totals.length === 0 ? "" : totals.map(({ f }, k) => {
    const at = `${recordWord(layout.begins.get(key)!)} + ${k}u * groups + workgroup`;
    return `${joinLanes(f, `sum${k}`, threads)}
  if (lane == 0u) { ${reach(key, true)}[${at}] = bitcast<u32>(lanes[0]); }
  workgroupBarrier();`;
  }).join("\n");
  const main = entry(
    frame,
    `  let size = batches * rows * cols;
  let per = ${perThread * threads}u;
  let groups = (${pairs ? "(size + 1u) / 2u" : "size"} + per - 1u) / per;
  if (workgroup >= groups) { return; }
${totals.map(({ f }, k) => `  var sum${k} = ${sumCode[f].identity};`).join("\n")}
  for (var turn = 0u; turn < ${perThread}u; turn++) {
    let unit = workgroup * per + turn * ${threads}u + lane;
${loop}
  }
${partial}`,
  );
  return moduleOf("elements", main, groups);
}

function rowModule(frame: Frame, rowSums: Reductions, { batch, rows, cols }: Extent): Module {
  const share = threadsOfRow(cols);
  const sums = rowSums.map(({ f, node }, k) => `      sum${k} = ${sumCode[f].join(`sum${k}`, sumCode[f].element(`n${node}`))};`);
  const results = rowSums.map(({ f, pointer }, k) => {
    const { name, begin } = memoryOf(frame, pointer);
    return `${joinLanes(f, `sum${k}`, share)}
  if (isRow && (lane & ${share - 1}u) == 0u) { ${name}[${begin} + row] = bitcast<u32>(${sumCode[f].finish("lanes[lane]", "f32(cols)")}); }
  workgroupBarrier();`;
  });
  const main = entry(
    frame,
    `  if (workgroup * ${threads / share}u >= batches * rows) { return; }
  let row = workgroup * ${threads / share}u + lane / ${share}u;
  let isRow = row < batches * rows;
${rowSums.map(({ f }, k) => `  var sum${k} = ${sumCode[f].identity};`).join("\n")}
  if (isRow) {
    let batch = row / rows;
    for (var col = lane & ${share - 1}u; col < cols; col += ${share}u) {
      let i = row * cols + col;
      let matrixCol = batch * cols + col;
${nodeLines(frame, rowSums.map(({ node }) => node), "      ")}
${sums.join("\n")}
    }
  }
${results.join("\n")}`,
  );
  return moduleOf("rows", main, Math.ceil(batch * rows / (threads / share)));
}

function columnModule(frame: Frame, columnSums: Reductions, extent: Extent, key: string): Module {
  const { layout, reach } = frame;
  const { batch, cols } = extent;
  const strip = stripOf(cols);
  const down = threads / strip;
  const bands = bandsOf(extent);
  const strips = Math.ceil(cols / strip);
  const partials = recordWord(layout.begins.get(key)!);
  const sums = columnSums.map(({ f, node }, k) => `      sum${k} = ${sumCode[f].join(`sum${k}`, sumCode[f].element(`n${node}`))};`);
  const results = columnSums.map(({ f, pointer }, k) => {
    const { name, begin } = bands === 1 ? memoryOf(frame, pointer) : { name: reach(key, true), begin: partials };
    const into = bands === 1
      ? `${name}[${begin} + matrixCol] = bitcast<u32>(${sumCode[f].finish("lanes[lane]", "f32(rows)")});`
      : `${name}[${begin} + ((${k}u * batches + batch) * bands + band) * cols + col] = bitcast<u32>(lanes[lane]);`;
    return `${joinLanes(f, `sum${k}`, threads, strip)}
  if (lane < ${strip}u && col < cols) { ${into} }
  workgroupBarrier();`;
  });
  const main = entry(
    frame,
    `  let strips = (cols + ${strip - 1}u) / ${strip}u;
  let down = max(${leastDown}u, (rows + ${down * mostBands - 1}u) / ${down * mostBands}u);
  let bands = max(1u, (rows + ${down}u * down - 1u) / (${down}u * down));
  let band = workgroup % bands;
  let batch = workgroup / bands / strips;
  if (batch >= batches) { return; }
  let col = (workgroup / bands) % strips * ${strip}u + (lane & ${strip - 1}u);
  let matrixCol = batch * cols + col;
${columnSums.map(({ f }, k) => `  var sum${k} = ${sumCode[f].identity};`).join("\n")}
  if (col < cols) {
    for (var turn = 0u; turn < down; turn++) {
      let matrixRow = (band * down + turn) * ${down}u + lane / ${strip}u;
      if (matrixRow >= rows) { break; }
      let row = batch * rows + matrixRow;
      let i = row * cols + col;
${nodeLines(frame, columnSums.map(({ node }) => node), "      ")}
${sums.join("\n")}
    }
  }
${results.join("\n")}`,
  );
  return moduleOf("columns", main, batch * strips * bands);
}

/** Joins the bands' sums of each column, in their order. */
function bandModule(frame: Frame, columnSums: Reductions, { batch, cols }: Extent, key: string): Module {
  const { layout, reach } = frame;
  const down = threads / stripOf(cols);
  const partials = recordWord(layout.begins.get(key)!);
  const joins = columnSums.map(({ f, pointer }, k) => {
    const { name, begin } = memoryOf(frame, pointer);
    return `  var sum${k} = ${sumCode[f].identity};
  for (var band = 0u; band < bands; band++) {
    let part = bitcast<f32>(${reach(key, false)}[${partials} + ((${k}u * batches + batch) * bands + band) * cols + col]);
    sum${k} = ${sumCode[f].join(`sum${k}`, "part")};
  }
  ${name}[${begin} + at] = bitcast<u32>(${sumCode[f].finish(`sum${k}`, "f32(rows)")});`;
  });
  const join = entry(
    frame,
    `  let at = workgroup * ${threads}u + lane;
  if (at >= batches * cols) { return; }
  let batch = at / cols;
  let col = at % cols;
  let down = max(${leastDown}u, (rows + ${down * mostBands - 1}u) / ${down * mostBands}u);
  let bands = max(1u, (rows + ${down}u * down - 1u) / (${down}u * down));
${joins.join("\n")}`,
  );
  return moduleOf("bands", join, Math.ceil(batch * cols / threads));
}

/** Words that a kernel's partial sums take: of totals, and of columns that are cut into bands, or of rows and columns that are cut into tiles. */
export function partialWords(kernel: Kernel, extent: Extent): { readonly totals: number; readonly columns: number } {
  const count = (axis: "total" | "col"): number => kernel.reductions.filter((reduction) => reduction.axis === axis).length;
  if (isTiled(kernel, extent)) {
    return { totals: count("total") * (isHalf(kernel) ? elementGroups(kernel, extent) : tilesOf(extent)), columns: tileWords(extent) };
  }
  const bands = bandsOf(extent);
  return {
    totals: count("total") * elementGroups(kernel, extent),
    columns: bands === 1 ? 0 : count("col") * extent.batch * bands * extent.cols,
  };
}

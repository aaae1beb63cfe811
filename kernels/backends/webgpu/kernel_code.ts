/**
 * A kernel as WGSL: up to three modules, one for sums along rows, one for those along columns, and one over elements, which sums totals and stores. Those that
 * only read come first, so that what is stored is not read in its place.
 *
 * A tensor's memory is bound as words, with other tensors in the same buffer perhaps: where it begins there is said by its record. Elements of 16 bits are
 * halves of words; a thread that stores them computes both.
 *
 * @module
 */
import type { Kernel, Node, Role } from "../../language/kernel.ts";
import { elementCode, functionsFor, halfCode, zeroCode } from "./expressions.ts";
import { columnsKey, domainCode, type RecordLayout, recordWord, recordWords, totalsKey } from "./records.ts";
import { joinLanes, lanes, negativeInfinity, sumCode, threads } from "./sums_code.ts";

/** How a module reaches memory: the name of what is bound for a key. It is asked once for each mention. */
export type Reach = (key: string, writes: boolean) => string;

/** A module before its bindings are known. */
export interface Module {
  /** What it does, for labels. */
  readonly title: string;
  /** Functions and the entry point; what is bound is declared by others. */
  readonly code: string;
  readonly workgroups: number;
}

/** What a kernel loops over. */
interface Extent {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
}

// What a thread sums before its workgroup joins: few enough that a sum is as good as one in a tree, enough that few partial sums are left.
const summedByThread = 16;
// Where nothing is summed.
const storedByThread = 4;

/** Units of a flat loop: elements, or pairs of them. */
const isHalf = ({ stores, pointers }: Kernel): boolean => stores.some(({ pointer }) => pointers[pointer].dtype !== "float32");

const elementsPerWorkgroup = (kernel: Kernel): number =>
  threads * (isHalf(kernel) ? 2 : 1) * (kernel.reductions.some(({ axis }) => axis === "total") ? summedByThread : storedByThread);

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
  const modules: ((reach: Reach) => Module)[] = [];
  if (along("row").length > 0 && batch * rows > 0) modules.push((reach) => rowModule({ kernel, layout, reach }, along("row"), extent));
  if (along("col").length > 0 && batch * cols > 0) {
    const key = columnsKey(round, index);
    modules.push((reach) => columnModule({ kernel, layout, reach }, along("col"), extent, key));
    if (bandsOf(extent) > 1) modules.push((reach) => bandModule({ kernel, layout, reach }, along("col"), extent, key));
  }
  if ((stores.length > 0 || along("total").length > 0) && batch * rows * cols > 0) {
    modules.push((reach) => elementModule({ kernel, layout, reach }, along("total"), extent, totalsKey(round, index)));
  }
  return modules;
}

interface Frame {
  readonly kernel: Kernel;
  readonly layout: RecordLayout;
  readonly reach: Reach;
}

type Reductions = Kernel["reductions"];

/** The head of an entry point: `lane`, `workgroup`, and the dimensions of the loop. */
function entry({ kernel: { domain } }: Frame, body: string): string {
  const { batch, rows, cols } = domainCode[domain];
  return `@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) all: vec3<u32>) {
  if (${recordWord(recordWords.live)} == 0u) { return; }
${zeroCode(body, recordWord(recordWords.live))}  let workgroup = id.y * all.x + id.x;
  let tensorBatch = ${recordWord(recordWords.batch)};
  let tensorRows = ${recordWord(recordWords.rows)};
  let tensorCols = ${recordWord(recordWords.cols)};
  let batches = ${batch};
  let rows = ${rows};
  let cols = ${cols};
${body}
}`;
}

function moduleOf(title: string, main: string, workgroups: number): Module {
  const shared = main.includes("lanes[") ? `${lanes}\n` : "";
  const infinity = main.includes("negativeInfinity(") ? `${negativeInfinity}\n` : "";
  const functions = functionsFor(main);
  return { title, code: `${shared}${infinity}${functions}${functions === "" ? "" : "\n"}${main}\n`, workgroups };
}

/** Where elements of a role are counted from. */
const placeOf: Readonly<Record<Role, string>> = { uniform: "0u", batch: "batch", row: "row", col: "matrixCol", param: "i" };

/** The lines that compute these nodes and those that they are made of, as `n0`, `n1`, … */
function nodeLines({ kernel: { nodes, pointers, scalars }, layout, reach }: Frame, wanted: readonly number[], indent: string): string {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    nodes[index].args.forEach(visit);
  };
  wanted.forEach(visit);
  const valueOf = ({ op, args, role, pointer, scalar, dtype }: Node): string => {
    if (op === "splat") return `bitcast<f32>(${recordWord(layout.numbers.get(scalars[scalar])!)})`;
    if (op === "as") return `n${args[0]}`;
    if (op !== "load") return elementCode[op](args.map((arg) => `n${arg}`), dtype);
    const { key } = pointers[pointer];
    const begin = recordWord(layout.begins.get(key)!);
    const name = reach(key, false);
    const place = placeOf[role];
    if (dtype === "float32") return `bitcast<f32>(${name}[${begin} + ${place}])`;
    return halfCode[dtype].widen(`((${name}[${begin} + (${place} >> 1u)] >> (16u * (${place} & 1u))) & 0xffffu)`);
  };
  return [...needed].sort((a, b) => a - b).map((index) => `${indent}let n${index} = ${valueOf(nodes[index])};`).join("\n");
}

/** Where a store or a result goes. */
function memoryOf({ kernel: { pointers }, layout, reach }: Frame, pointer: number): { name: string; begin: string } {
  const { key } = pointers[pointer];
  return { name: reach(key, true), begin: recordWord(layout.begins.get(key)!) };
}

/** Lines that say in which matrix, row and column element i is, where a node asks. */
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
  const per = perThread * threads;
  const main = entry(
    frame,
    `  let size = batches * rows * cols;
  let groups = (${pairs ? "(size + 1u) / 2u" : "size"} + ${per - 1}u) / ${per}u;
  if (workgroup >= groups) { return; }
${totals.map(({ f }, k) => `  var sum${k} = ${sumCode[f].identity};`).join("\n")}
  for (var turn = 0u; turn < ${perThread}u; turn++) {
    let unit = workgroup * ${per}u + turn * ${threads}u + lane;
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

/** Words that a kernel's partial sums take: of totals, and of columns that are cut into bands. */
export function partialWords(kernel: Kernel, extent: Extent): { readonly totals: number; readonly columns: number } {
  const count = (axis: "total" | "col"): number => kernel.reductions.filter((reduction) => reduction.axis === axis).length;
  const bands = bandsOf(extent);
  return {
    totals: count("total") * elementGroups(kernel, extent),
    columns: bands === 1 ? 0 : count("col") * extent.batch * bands * extent.cols,
  };
}

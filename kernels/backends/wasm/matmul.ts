/**
 * Products of matrices.
 *
 * @module
 */
import type { RoutineJob } from "../../plan/job.ts";
import { routines } from "../../routines/table.ts";
import { type Code, f32x4, i32, localGet, type Locals, localSet, loopUntil, v128, when } from "./assembler.ts";
import {
  advance,
  BEGIN,
  copyNumber,
  declared,
  END,
  LOCAL,
  MATRIX,
  moduleOf,
  noLocals,
  product,
  readJob,
  ROW_BEGIN,
  ROW_END,
  stepLoop,
  sumInto,
} from "./instructions.ts";

// The inner loop, of 3 rows and 12 columns: nine sums, three numbers of y, one of x and one product, in 16 registers. What it costs is instructions:
// V8 compares every address with the memory's size where its host has no handler for faults, as Deno has none, and JavaScriptCore loads a number into
// all lanes by one instruction only without an offset; hence an address for each row. On an AMD EPYC, in cache, GFLOP/s in Deno and Bun: this 36 and
// 37 to 42; 4 x 8 with offsets 34 and 27, without them 33 and 32; 5 x 8 with them 36 and 25, without 35 and 32; 2 x 16 34 and 35; 4 x 12 and 6 x 8 26
// in Deno, which then keeps sums in memory; x packed 37 and 37 before its packing; four numbers of x by one load and then shuffled 33 and 29. Compiled
// C takes 4 x 8 at 50.
/** Columns that the inner loop computes side by side: three vectors. */
const panelCols = 12;
const vectorsOfPanel = [0, 1, 2];
/** Rows that it computes side by side. */
const panelRows = 3;
// Products of a row that follow each other without a look at the counter. Four: 34 instead of 35 in Deno, 38 to 40 instead of 41 in Bun.
const unrolled = 8;
/** Rows of x that stay in the cache while all panels of a unit pass: of 512 columns, 66 KiB. */
const blockRows = 33;
/** Bytes beside the panels: a tile of the result whose columns are no full panel. */
const edgeBytes = 4 * panelRows * panelCols;

/** Bytes of a thread's own memory: the panels of a unit. */
export const matmulBytes = ({ inner, cols }: RoutineJob): number =>
  edgeBytes + 4 * inner * panelCols * Math.ceil(Math.min(cols, routines.matmul.tile[1]) / panelCols);

/** Twelve columns of y, one row after the other: what the inner loop reads lies side by side. Columns that are not there are zeros. */
function packPanel(locals: Locals, { y, inner, cols, col, panel }: Record<"y" | "inner" | "cols" | "col" | "panel", number>): Code {
  const [from, to, k, left, source, target] = declared(locals, "i32", 6);
  const rowStep = [localGet(cols), i32.const(2), i32.shl];
  const whole = vectorsOfPanel.map((u) => [localGet(to), localGet(from), v128.load(16 * u), v128.store(16 * u)]);
  const part = [
    vectorsOfPanel.map((u) => [localGet(to), v128.splat(0), v128.store(16 * u)]),
    [localGet(from), localSet(source), localGet(to), localSet(target)],
    stepLoop(left, localGet(col), localGet(END), 1, [
      copyNumber(target, source),
      advance(source, i32.const(4)),
      advance(target, i32.const(4)),
    ]),
  ];
  const rows = (body: Code): Code =>
    stepLoop(k, i32.const(0), localGet(inner), 1, [body, advance(from, rowStep), advance(to, i32.const(4 * panelCols))]);
  const isWhole = [localGet(END), localGet(col), i32.sub, i32.const(panelCols), i32.atLeastUnsigned];
  return [
    sumInto(from, localGet(y), [localGet(col), i32.const(2), i32.shl]),
    [localGet(panel), localSet(to)],
    [isWhole, when(rows(whole))],
    [isWhole, i32.isZero, when(rows(part))],
  ];
}

/** So many rows of x by a panel of y: their sums stay in locals from the first product to the last. */
function multiplyPanel(
  locals: Locals,
  { z, inner, cols, x, panel, row, col, edge }: Record<"z" | "inner" | "cols" | "x" | "panel" | "row" | "col" | "edge", number>,
  height: number,
): Code {
  const rows = Array.from({ length: height }, (_, r) => r);
  const a = declared(locals, "i32", height);
  const [b, left, to, source, target, column] = declared(locals, "i32", 6);
  const sums = rows.map(() => declared(locals, "v128", vectorsOfPanel.length));
  const ys = declared(locals, "v128", vectorsOfPanel.length);
  const [factor] = declared(locals, "v128", 1);
  const products = (k: number): Code => [
    vectorsOfPanel.map((u) => [localGet(b), v128.load(4 * panelCols * k + 16 * u), localSet(ys[u])]),
    rows.map((r) => [
      [localGet(a[r]), v128.load32Splat(0), localSet(factor), advance(a[r], i32.const(4))],
      vectorsOfPanel.map((u) => [localGet(sums[r][u]), localGet(factor), localGet(ys[u]), f32x4.mul, f32x4.add, localSet(sums[r][u])]),
    ]),
  ];
  const step = (count: number): Code =>
    loopUntil([localGet(left), i32.const(count), i32.lessUnsigned], [
      Array.from({ length: count }, (_, k) => products(k)),
      advance(b, i32.const(4 * panelCols * count)),
      advance(left, i32.const(-count)),
    ]);
  const rowStep = [localGet(cols), i32.const(2), i32.shl];
  const isWhole = [localGet(END), localGet(col), i32.sub, i32.const(panelCols), i32.atLeastUnsigned];
  return [
    rows.map((r) => sumInto(a[r], localGet(x), product([localGet(row), i32.const(r), i32.add], localGet(inner), i32.const(4)))),
    sums.map((row) => row.map((sum) => [v128.splat(0), localSet(sum)])),
    [localGet(panel), localSet(b), localGet(inner), localSet(left)],
    [step(unrolled), step(1)],
    sumInto(to, localGet(z), product([product(localGet(row), localGet(cols)), localGet(col), i32.add], i32.const(4))),
    [
      isWhole,
      when(rows.map((r) => [vectorsOfPanel.map((u) => [localGet(to), localGet(sums[r][u]), v128.store(16 * u)]), advance(to, rowStep)])),
    ],
    [
      isWhole,
      i32.isZero,
      when(rows.map((r) => [
        vectorsOfPanel.map((u) => [localGet(edge), localGet(sums[r][u]), v128.store(16 * u)]),
        [localGet(edge), localSet(source), localGet(to), localSet(target)],
        stepLoop(column, localGet(col), localGet(END), 1, [
          [copyNumber(target, source), advance(source, i32.const(4)), advance(target, i32.const(4))],
        ]),
        advance(to, rowStep),
      ])),
    ],
  ];
}

/**
 * The module.
 *
 * Panels of y are packed into the thread's memory, twelve columns each; then three rows of x at a time go along each of them.
 *
 * Packing x as well, or packing y once for all threads, saves nothing that is worth a second dispatch: x is read along its rows anyway.
 */
export function matmulModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
  const [x, y, z, rows, cols, inner, col, panel, panelBytes, block, blockEnd, row, edge] = declared(locals, "i32", 13);
  const pack = packPanel(locals, { y, inner, cols, col, panel });
  const names = { z, inner, cols, x, panel, row, col, edge };
  const three = multiplyPanel(locals, names, panelRows);
  const single = multiplyPanel(locals, names, 1);
  const matrixStep = (local: number, height: number, width: number): Code =>
    advance(local, product(localGet(MATRIX), localGet(height), localGet(width), i32.const(4)));
  const eachPanel = (body: Code): Code => [
    [localGet(LOCAL), i32.const(edgeBytes), i32.add, localSet(panel)],
    stepLoop(col, localGet(BEGIN), localGet(END), panelCols, [body, advance(panel, localGet(panelBytes))]),
  ];
  const rowsLeft = [localGet(blockEnd), localGet(row), i32.sub];
  return moduleOf(locals, [
    readJob([x, y, z, rows, cols, inner]),
    [matrixStep(x, rows, inner), matrixStep(y, inner, cols), matrixStep(z, rows, cols)],
    [localGet(LOCAL), localSet(edge)],
    [product(localGet(inner), i32.const(4 * panelCols)), localSet(panelBytes)],
    eachPanel(pack),
    stepLoop(block, localGet(ROW_BEGIN), localGet(ROW_END), blockRows, [
      [localGet(ROW_END), localSet(blockEnd)],
      [localGet(ROW_END), localGet(block), i32.sub, i32.const(blockRows), i32.atLeastUnsigned],
      when(sumInto(blockEnd, localGet(block), i32.const(blockRows))),
      eachPanel([
        [localGet(block), localSet(row)],
        loopUntil([rowsLeft, i32.const(panelRows), i32.lessUnsigned], [three, advance(row, i32.const(panelRows))]),
        loopUntil([rowsLeft, i32.isZero], [single, advance(row, i32.const(1))]),
      ]),
    ]),
  ]);
}

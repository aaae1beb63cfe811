/**
 * Routines as WASM modules with one function each, SIMD128 without relaxed operations.
 *
 * ```text
 * k(job, begin, end, rowBegin, rowEnd, matrix, unused, local)
 * job:  the addresses of what it reads and of the result, then rows and columns of the result and `inner`, 32 bits each
 * ```
 *
 * A kernel's function has as many parameters, so that workers need not know which of both they run.
 *
 * @module
 */
import type { RoutineJob } from "../../plan/job.ts";
import { type RoutineName, routines } from "../../routines/table.ts";
import {
  assembleModule,
  type Code,
  declare,
  f32x4,
  i32,
  localGet,
  type Locals,
  localSet,
  loopUntil,
  v128,
  type ValueType,
  when,
} from "./assembler.ts";

/** A routine's module, and what it needs of a thread's memory. */
export interface RoutineLowering {
  /** Equal for equal modules, and like no kernel's. */
  readonly signature: string;
  /** null: it runs in JavaScript, on the calling thread. */
  readonly module: (() => Uint8Array<ArrayBuffer>) | null;
  /** Bytes of a thread's own memory for a call. */
  localBytes(job: RoutineJob): number;
}

const parameters: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"];
const [JOB, BEGIN, END, ROW_BEGIN, ROW_END, MATRIX, , LOCAL] = [0, 1, 2, 3, 4, 5, 6, 7];

/** Columns that the inner loop computes side by side: two vectors. */
const panelCols = 8;
const vectorsOfPanel = [0, 1];
/** Rows that it computes side by side. */
const panelRows = 4;
// Products of a row that follow each other without a look at the counter.
const unrolled = 4;
/** Rows of x that stay in the cache while all panels of a unit pass: of 512 columns, 64 KiB. */
const blockRows = 32;
/** Bytes beside the panels: a tile of the result whose columns are no full panel. */
const edgeBytes = 4 * panelRows * panelCols;

// ---- instructions that several routines use

const declared = (locals: Locals, type: ValueType, count: number): number[] => Array.from({ length: count }, () => declare(locals, type));

const advance = (local: number, step: Code): Code => [localGet(local), step, i32.add, localSet(local)];

/** Sets a local to a sum. */
const sumInto = (local: number, a: Code, b: Code): Code => [a, b, i32.add, localSet(local)];

/** A product on the stack. */
const product = (...factors: readonly Code[]): Code => factors.map((factor, k) => k === 0 ? factor : [factor, i32.mul]);

/** Runs a body with a local from `begin` on while it is below `end`. */
const stepLoop = (local: number, begin: Code, end: Code, step: number, body: Code): Code => [
  [begin, localSet(local)],
  loopUntil([localGet(local), end, i32.atLeastUnsigned], [body, advance(local, i32.const(step))]),
];

/** Copies one number. */
const copyNumber = (to: number, from: number): Code => [localGet(to), localGet(from), v128.load32Zero(0), v128.store32Lane(0, 0)];

/** Loads the job's words into locals. */
const readJob = (words: readonly number[]): Code => words.map((local, k) => [localGet(JOB), i32.load(4 * k), localSet(local)]);

const moduleOf = (locals: Locals, body: Code): Uint8Array<ArrayBuffer> => assembleModule({ name: "k", parameters, locals, body });

// ---- matmul

/** Eight columns of y, one row after the other: what the inner loop reads lies side by side. Columns that are not there are zeros. */
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
      [localGet(a[r]), v128.load32Splat(4 * k), localSet(factor)],
      vectorsOfPanel.map((u) => [localGet(sums[r][u]), localGet(factor), localGet(ys[u]), f32x4.mul, f32x4.add, localSet(sums[r][u])]),
    ]),
  ];
  const step = (count: number): Code =>
    loopUntil([localGet(left), i32.const(count), i32.lessUnsigned], [
      Array.from({ length: count }, (_, k) => products(k)),
      a.map((local) => advance(local, i32.const(4 * count))),
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
 * Panels of y are packed into the thread's memory, eight columns each; then four rows of x at a time go along each of them.
 *
 * Packing x as well, or packing y once for all threads, saves nothing that is worth a second dispatch: x is read along its rows anyway.
 */
function matmulModule(): Uint8Array<ArrayBuffer> {
  const locals: Locals = { parameters: parameters.length, types: [] };
  const [x, y, z, rows, cols, inner, col, panel, panelBytes, block, blockEnd, row, edge] = declared(locals, "i32", 13);
  const pack = packPanel(locals, { y, inner, cols, col, panel });
  const names = { z, inner, cols, x, panel, row, col, edge };
  const four = multiplyPanel(locals, names, panelRows);
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
        loopUntil([rowsLeft, i32.const(panelRows), i32.lessUnsigned], [four, advance(row, i32.const(panelRows))]),
        loopUntil([rowsLeft, i32.isZero], [single, advance(row, i32.const(1))]),
      ]),
    ]),
  ]);
}

// ---- transpose

/** Lanes of two vectors by number, as the bytes of a shuffle. */
const lanes = (...numbers: readonly number[]): Code => v128.shuffle(numbers.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)));

/** Four rows and columns at a time, and what is left number by number. */
function transposeModule(): Uint8Array<ArrayBuffer> {
  const locals: Locals = { parameters: parameters.length, types: [] };
  const [x, z, rows, cols, inner, row, col, from, to, rowsAtOnce, colsAtOnce, fromStep, toStep] = declared(locals, "i32", 13);
  const v = declared(locals, "v128", 4);
  const t = declared(locals, "v128", 4);
  const four = [0, 1, 2, 3];
  const pair = (into: number, a: number, b: number, order: Code): Code => [localGet(a), localGet(b), order, localSet(into)];
  const start = [
    sumInto(from, localGet(x), product([product(localGet(col), localGet(rows)), localGet(row), i32.add], i32.const(4))),
    sumInto(to, localGet(z), product([product(localGet(row), localGet(cols)), localGet(col), i32.add], i32.const(4))),
  ];
  const square = [
    start,
    four.map((k) => [[localGet(from), v128.load(0), localSet(v[k])], advance(from, localGet(fromStep))]),
    [pair(t[0], v[0], v[1], lanes(0, 4, 1, 5)), pair(t[1], v[2], v[3], lanes(0, 4, 1, 5))],
    [pair(t[2], v[0], v[1], lanes(2, 6, 3, 7)), pair(t[3], v[2], v[3], lanes(2, 6, 3, 7))],
    [pair(v[0], t[0], t[1], lanes(0, 1, 4, 5)), pair(v[1], t[0], t[1], lanes(2, 3, 6, 7))],
    [pair(v[2], t[2], t[3], lanes(0, 1, 4, 5)), pair(v[3], t[2], t[3], lanes(2, 3, 6, 7))],
    four.map((k) => [[localGet(to), localGet(v[k]), v128.store(0)], advance(to, localGet(toStep))]),
  ];
  const one = [start, copyNumber(to, from)];
  /** `begin` and as many fours as there are up to `end`. */
  const fours = (begin: number, end: number): Code => [
    localGet(begin),
    [localGet(end), localGet(begin), i32.sub, i32.const(-4), i32.and],
    i32.add,
  ];
  const bytes = product(localGet(MATRIX), localGet(rows), localGet(cols), i32.const(4));
  return moduleOf(locals, [
    readJob([x, z, rows, cols, inner]),
    [advance(x, bytes), advance(z, bytes)],
    [localGet(rows), i32.const(2), i32.shl, localSet(fromStep), localGet(cols), i32.const(2), i32.shl, localSet(toStep)],
    [fours(ROW_BEGIN, ROW_END), localSet(rowsAtOnce), fours(BEGIN, END), localSet(colsAtOnce)],
    stepLoop(row, localGet(ROW_BEGIN), localGet(rowsAtOnce), 4, [
      stepLoop(col, localGet(BEGIN), localGet(colsAtOnce), 4, square),
    ]),
    // the rows below the fours, and right of them the columns
    stepLoop(row, localGet(ROW_BEGIN), localGet(rowsAtOnce), 1, stepLoop(col, localGet(colsAtOnce), localGet(END), 1, one)),
    stepLoop(row, localGet(rowsAtOnce), localGet(ROW_END), 1, stepLoop(col, localGet(BEGIN), localGet(END), 1, one)),
  ]);
}

/** Routines by name. Nothing here is called before a routine is compiled. */
export const routineLowerings: Readonly<Record<RoutineName, RoutineLowering>> = {
  matmul: {
    signature: "routine matmul",
    module: matmulModule,
    localBytes: ({ inner, cols }) => edgeBytes + 4 * inner * panelCols * Math.ceil(Math.min(cols, routines.matmul.tile[1]) / panelCols),
  },
  transpose: { signature: "routine transpose", module: transposeModule, localBytes: () => 0 },
  qr: { signature: "routine qr", module: null, localBytes: () => 0 },
  eigh: { signature: "routine eigh", module: null, localBytes: () => 0 },
  argsort: { signature: "routine argsort", module: null, localBytes: () => 0 },
  gather: { signature: "routine gather", module: null, localBytes: () => 0 },
};

/**
 * Transposes of matrices.
 *
 * @module
 */
import { type Code, i32, localGet, localSet, v128 } from "./assembler.ts";
import {
  advance,
  BEGIN,
  copyNumber,
  declared,
  END,
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

/** Lanes of two vectors by number, as the bytes of a shuffle. */
const lanes = (...numbers: readonly number[]): Code => v128.shuffle(numbers.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)));

/** Four rows and columns at a time, and what is left number by number. */
export function transposeModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
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

/**
 * Q of a matrix, as `backends/js/qr.ts` has it: the same operations in the same order.
 *
 * @module
 */
import type { RoutineJob } from "../../plan/job.ts";
import { padded, rowsAtOnce } from "../../routines/padded.ts";
import { type Code, f32, f64, i32, localGet, localSet, select, when } from "./assembler.ts";
import { fillNaN, fillZeros, number, reflect, reflection, rowBytes, scaleInto } from "./householder.ts";
import {
  addressOf,
  advance,
  bytes,
  copyNumber,
  declared,
  lesser,
  LOCAL,
  MATRIX,
  moduleOf,
  noLocals,
  product,
  readJob,
  stepDown,
  stepLoop,
  sumInto,
} from "./instructions.ts";

/** Bytes of a thread's own memory: columns as rows, some columns of Q, and tau of each reflection. */
export const qrBytes = ({ rows, cols }: RoutineJob): number => 4 * padded(rows) * (cols + rowsAtOnce) + 8 * (cols + cols % 2);

/** The module. */
export function qrModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
  const [x, z, rows, cols, inner, width, columns, q, taus, first, end, i, j, k, row, from, to, source, index, least, rowEnd] = declared(
    locals,
    "i32",
    21,
  );
  const [largest, scale, beta] = declared(locals, "f64", 3);
  const get = localGet;
  const size = product(get(rows), get(cols));
  /** The row of so many. */
  const rowAt = (local: number, base: number, index: Code): Code => sumInto(local, get(base), product(index, get(width)));
  const column = (k: number): Code => rowAt(from, columns, get(k));
  const apply = reflect(locals, { row, end: rowEnd, v: from, at: k, width, taus, k });
  const applyTo = (base: number, begin: Code, end: Code): Code => [rowAt(row, base, begin), rowAt(rowEnd, base, end), apply];
  const eachBlock = (body: Code): Code =>
    stepLoop(first, i32.const(0), get(cols), rowsAtOnce, [
      [lesser(get(cols), [get(first), i32.const(rowsAtOnce), i32.add]), localSet(end)],
      body,
    ]);
  const decompose = eachBlock([
    stepLoop(k, i32.const(0), get(first), 1, [
      column(k),
      applyTo(columns, get(first), get(end)),
    ]),
    stepLoop(j, get(first), get(end), 1, [
      stepLoop(k, get(first), get(j), 1, [column(k), applyTo(columns, get(j), [get(j), i32.const(1), i32.add])]),
      [get(j), localSet(index)],
      rowAt(row, columns, get(j)),
      reflection(locals, { row, at: index, end: rows, taus, k: index, beta }),
    ]),
  ]);
  const inBlock: Code = [get(j), get(first), i32.sub];
  const multiply = eachBlock([
    fillZeros(locals, q, product(get(width), i32.const(rowsAtOnce))),
    stepLoop(j, get(first), get(end), 1, [
      rowAt(row, q, inBlock),
      [addressOf(row, get(j), 4), f64.const(1), f32.demote, f32.store(0)],
    ]),
    stepDown(k, i32.const(0), get(end), [
      column(k),
      [get(k), get(first), get(k), get(first), i32.atLeastUnsigned, select, localSet(least)],
      applyTo(q, [get(least), get(first), i32.sub], [get(end), get(first), i32.sub]),
    ]),
    stepLoop(j, get(first), get(end), 1, [
      rowAt(source, q, inBlock),
      sumInto(to, get(z), bytes(get(j), 4)),
      stepLoop(i, i32.const(0), get(rows), 1, [copyNumber(to, source), advance(source, i32.const(4)), advance(to, bytes(get(cols), 4))]),
    ]),
  ]);
  return moduleOf(locals, [
    readJob([x, z, rows, cols, inner]),
    [x, z].map((local) => advance(local, product(get(MATRIX), size, i32.const(4)))),
    [rowBytes(rows), localSet(width)],
    [get(LOCAL), localSet(columns)],
    sumInto(q, get(columns), product(get(cols), get(width))),
    sumInto(taus, get(q), product(get(width), i32.const(rowsAtOnce))),
    [f64.const(0), localSet(largest)],
    stepLoop(i, i32.const(0), size, 1, [get(largest), number(addressOf(x, get(i), 4)), f64.abs, f64.max, localSet(largest)]),
    scaleInto(locals, scale, largest),
    [get(scale), f64.const(0), f64.eq, when(fillNaN(locals, z, size))],
    [get(scale), f64.const(0), f64.eq, i32.isZero],
    when([
      fillZeros(locals, columns, product(get(cols), get(width))),
      [get(x), localSet(source)],
      stepLoop(i, i32.const(0), get(rows), 1, [
        sumInto(to, get(columns), bytes(get(i), 4)),
        stepLoop(j, i32.const(0), get(cols), 1, [
          [get(to), number(get(source)), get(scale), f64.mul, f32.demote, f32.store(0)],
          [advance(source, i32.const(4)), advance(to, get(width))],
        ]),
      ]),
      decompose,
      multiply,
    ]),
  ]);
}

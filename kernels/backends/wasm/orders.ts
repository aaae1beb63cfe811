/**
 * Orders: the places of a vector's numbers from the least to the greatest, and the columns of a matrix in an order.
 *
 * @module
 */
import { f32, i32, localGet, localSet, when } from "./assembler.ts";
import {
  addressOf,
  advance,
  BEGIN,
  bytes,
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
  unless,
} from "./instructions.ts";

/**
 * How many numbers come before one is its place: those that are less, of equal ones those before it, and NaN after all others. Quadratic, and no
 * comparison waits for another: 10,000 numbers take a tenth of a second.
 */
export function argsortModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
  const [x, z, rows, cols, inner, i, j, place, own, other, isBefore] = declared(locals, "i32", 11);
  const get = localGet;
  const value = (local: number) => [get(local), f32.load(0)];
  const isNaN = (local: number) => [value(local), value(local), f32.ne];
  const isEqual = [[value(other), value(own), f32.eq], [isNaN(own), isNaN(other), i32.and], i32.or];
  return moduleOf(locals, [
    readJob([x, z, rows, cols, inner]),
    [x, z].map((local) => advance(local, product(get(MATRIX), get(cols), i32.const(4)))),
    stepLoop(i, i32.const(0), get(cols), 1, [
      [addressOf(x, get(i), 4), localSet(own), i32.const(0), localSet(place)],
      [get(x), localSet(other)],
      stepLoop(j, i32.const(0), get(cols), 1, [
        [[value(other), value(own), f32.lt], [isNaN(own), isNaN(other), i32.isZero, i32.and], i32.or],
        [isEqual, [get(j), get(i), i32.lessUnsigned], i32.and, i32.or, localSet(isBefore)],
        advance(place, get(isBefore)),
        advance(other, i32.const(4)),
      ]),
      [addressOf(z, get(place), 4), get(i), f32.fromUnsigned, f32.store(0)],
    ]),
  ]);
}

/** Element i, j is x[i][order[j]], or NaN. */
export function gatherModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
  const [x, order, z, rows, cols, inner, row, col, place, from, to, source, wanted, isPlace] = declared(locals, "i32", 14);
  const get = localGet;
  return moduleOf(locals, [
    readJob([x, order, z, rows, cols, inner]),
    [x, z].map((local) => advance(local, product(get(MATRIX), get(rows), get(cols), i32.const(4)))),
    advance(order, product(get(MATRIX), get(cols), i32.const(4))),
    stepLoop(col, get(BEGIN), get(END), 1, [
      [addressOf(order, get(col), 4), localSet(wanted)],
      [get(wanted), f32.load(0), f32.truncate, localSet(place)],
      [
        [get(place), f32.fromUnsigned, get(wanted), f32.load(0), f32.eq],
        [get(place), get(cols), i32.lessUnsigned],
        i32.and,
        localSet(isPlace),
      ],
      sumInto(from, get(x), bytes([product(get(ROW_BEGIN), get(cols)), get(place), i32.add], 4)),
      sumInto(to, get(z), bytes([product(get(ROW_BEGIN), get(cols)), get(col), i32.add], 4)),
      stepLoop(row, get(ROW_BEGIN), get(ROW_END), 1, [
        [get(isPlace), when([[get(from), localSet(source)], copyNumber(to, source)])],
        unless(get(isPlace), [get(to), i32.const(0x7fc00000), i32.store(0)]),
        [from, to].map((local) => advance(local, bytes(get(cols), 4))),
      ]),
    ]),
  ]);
}

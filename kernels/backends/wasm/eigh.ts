/**
 * Eigenvectors, as `backends/js/eigh.ts` has them: the same operations in the same order.
 *
 * @module
 */
import type { RoutineJob } from "../../plan/job.ts";
import { mostIterations, negligible, rotationsAtOnce } from "../../routines/eigen.ts";
import { block, padded, rowsAtOnce } from "../../routines/padded.ts";
import { type Code, f32, f32x4, f64, i32, localGet, type Locals, localSet, loopUntil, select, v128, when } from "./assembler.ts";
import { blockOf, dot, fillNaN, fillZeros, number, reflect, reflection, rowBytes, scaleInto, splatInto, subtract } from "./householder.ts";
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
  unless,
} from "./instructions.ts";

const get = localGet;

/** Bytes of a thread's own memory: the matrix, the vectors, one row more, three numbers and a place for each row, and the rotations that wait. */
export const eighBytes = ({ rows }: RoutineJob): number => {
  const width = padded(rows);
  return 4 * width * (2 * rows + 1) + 3 * 8 * width + 4 * width + 3 * 4 * rotationsAtOnce;
};

/** Where everything lies: addresses in locals. */
type Places = Readonly<
  Record<"n" | "width" | "w" | "vectors" | "p" | "diagonal" | "beside" | "taus" | "order" | "rows" | "cosines" | "sines" | "count", number>
>;

const float = (base: number, index: Code): Code => [addressOf(base, index, 8), f64.load(0)];
const setFloat = (base: number, index: Code, value: Code): Code => [addressOf(base, index, 8), value, f64.store(0)];
const plusOne = (local: number): Code => [get(local), i32.const(1), i32.add];

/** Row k of w becomes the reflection that makes row and column k tridiagonal. */
function tridiagonal(locals: Locals, { n, width, w, p, diagonal, beside, taus }: Places): Code {
  const [k, at, i, j, row, from, first, length, v, x, y] = declared(locals, "i32", 11);
  const [beta, tau] = declared(locals, "f64", 2);
  const [half, a, b] = declared(locals, "v128", 3);
  const rowOf = (local: number, index: number): Code => sumInto(local, get(w), product(get(index), get(width)));
  const atFirst = (local: number, base: number): Code => sumInto(local, get(base), get(first));
  const term = (factor: number, base: number, offset: number): Code => [
    [get(factor), get(base), get(j), i32.add, v128.load(offset)],
    f32x4.mul,
  ];
  const step = (offset: number): Code => [
    [get(x), get(j), i32.add],
    [get(x), get(j), i32.add, v128.load(offset)],
    [term(a, y, offset), term(b, v, offset), f32x4.add, f32x4.sub, v128.store(offset)],
  ];
  const splatOf = (vector: number, base: number): Code => [addressOf(base, get(i), 4), v128.load32Splat(0), localSet(vector)];
  return stepLoop(k, i32.const(0), get(n), 1, [
    rowOf(row, k),
    setFloat(diagonal, get(k), number(addressOf(row, get(k), 4))),
    [plusOne(k), localSet(at)],
    [get(at), get(n), i32.lessUnsigned],
    when([
      reflection(locals, { row, at, end: n, taus, k, beta }),
      setFloat(beside, get(k), get(beta)),
      [float(taus, get(k)), localSet(tau)],
      [get(tau), f64.const(0), f64.eq, i32.isZero],
      when([
        [blockOf(at), localSet(first), get(width), get(first), i32.sub, localSet(length)],
        [atFirst(v, row), atFirst(y, p)],
        fillZeros(locals, y, get(length)),
        stepLoop(i, get(at), get(n), 1, [
          rowOf(from, i),
          atFirst(x, from),
          [addressOf(p, get(i), 4), get(tau), dot(locals, x, v, length), f64.mul, f32.demote, f32.store(0)],
        ]),
        [get(tau), f64.const(2), f64.div, dot(locals, y, v, length), f64.mul, splatInto(half)],
        subtract(locals, y, half, v, length),
        stepLoop(i, get(at), get(n), 1, [
          rowOf(from, i),
          atFirst(x, from),
          [splatOf(a, row), splatOf(b, p)],
          stepLoop(j, i32.const(0), get(length), 4 * block, [step(0), step(16)]),
        ]),
      ]),
    ]),
  ]);
}

/** The reflections' product; its columns as rows. */
function basis(locals: Locals, { n, width, w, vectors, taus }: Places): Code {
  const [first, end, k, j, at, row, rowEnd, from] = declared(locals, "i32", 8);
  const rowOf = (local: number, base: number, index: number): Code => sumInto(local, get(base), product(get(index), get(width)));
  return [
    fillZeros(locals, vectors, product(get(n), get(width))),
    stepLoop(j, i32.const(0), get(n), 1, [
      rowOf(row, vectors, j),
      [addressOf(row, get(j), 4), f64.const(1), f32.demote, f32.store(0)],
    ]),
    stepLoop(first, i32.const(0), get(n), rowsAtOnce, [
      [lesser(get(n), [get(first), i32.const(rowsAtOnce), i32.add]), localSet(end)],
      stepDown(k, i32.const(0), [get(end), i32.const(1), i32.sub], [
        [float(taus, get(k)), f64.const(0), f64.eq, i32.isZero],
        when([
          [plusOne(k), localSet(at)],
          rowOf(from, w, k),
          [get(at), get(first), get(at), get(first), i32.atLeastUnsigned, select, localSet(j)],
          [rowOf(row, vectors, j), rowOf(rowEnd, vectors, end), reflect(locals, { row, end: rowEnd, v: from, at, width, taus, k })],
        ]),
      ]),
    ]),
  ];
}

/**
 * Applies the rotations that wait, to a strip of columns after the other. Where a rotation's second row is the first of the one before, as within a sweep, it
 * stays in locals between them: each row is loaded and stored once (a fifth of the time of all at a side of 1,024).
 */
function rotate(locals: Locals, { width, vectors, rows, cosines, sines, count }: Places): Code {
  const [strip, k, row, held, first, second] = declared(locals, "i32", 6);
  const [c, s] = declared(locals, "v128", 2);
  const splatOf = (vector: number, of: number): Code => [addressOf(of, get(k), 4), v128.load32Splat(0), localSet(vector)];
  const times = (factor: number, value: number): Code => [get(factor), get(value), f32x4.mul];
  const strips = (parts: number): Code => {
    const b = declared(locals, "v128", parts);
    const [a] = declared(locals, "v128", 1);
    const store = b.map((part, u) => [get(held), get(part), v128.store(16 * u)]);
    return loopUntil([get(width), get(strip), i32.sub, i32.const(16 * parts), i32.lessUnsigned], [
      [i32.const(0), localSet(held)],
      stepLoop(k, i32.const(0), get(count), 1, [
        [addressOf(rows, get(k), 4), i32.load(0), localSet(row)],
        sumInto(first, [get(vectors), get(strip), i32.add], product(get(row), get(width))),
        sumInto(second, get(first), get(width)),
        unless([get(held), get(second), i32.eq], [
          [get(held), when(store)],
          b.map((part, u) => [get(second), v128.load(16 * u), localSet(part)]),
        ]),
        [splatOf(c, cosines), splatOf(s, sines)],
        b.map((part, u) => [
          [get(first), v128.load(16 * u), localSet(a)],
          [get(second), times(s, a), times(c, part), f32x4.add, v128.store(16 * u)],
          [times(c, a), times(s, part), f32x4.sub, localSet(part)],
        ]),
        [get(first), localSet(held)],
      ]),
      [get(held), when(store)],
      advance(strip, i32.const(16 * parts)),
    ]);
  };
  return [
    [i32.const(0), localSet(strip)],
    [strips(6), strips(2)],
    [i32.const(0), localSet(count)],
  ];
}

/** Rotates rows of the vectors until the tridiagonal matrix is diagonal; `failed` is 1 where that does not end. */
function diagonalise(locals: Locals, places: Places, failed: number): Code {
  const { n, diagonal: d, beside: e, rows, cosines, sines, count } = places;
  const [l, m, i, iterations, isDone, isBroken] = declared(locals, "i32", 6);
  const [ratio, root, g, s, c, p, f, b, r, q] = declared(locals, "f64", 10);
  const set = (local: number, value: Code): Code => [value, localSet(local)];
  const sum = (x: Code, y: Code): Code => [x, y, f64.add];
  const less = (x: Code, y: Code): Code => [x, y, f64.sub];
  const times = (x: Code, y: Code): Code => [x, y, f64.mul];
  const over = (x: Code, y: Code): Code => [x, y, f64.div];
  const D = (index: Code): Code => float(d, index);
  const E = (index: Code): Code => float(e, index);
  const last: Code = [get(n), i32.const(1), i32.sub];
  const isSmall: Code = [
    [E(get(m)), f64.abs],
    [f64.const(negligible), sum([D(get(m)), f64.abs], [D(plusOne(m)), f64.abs]), f64.mul],
    f64.le,
  ];
  const push = (base: number, value: Code): Code => [addressOf(base, get(count), 4), value, f32.demote, f32.store(0)];
  const iterate: Code = [
    set(ratio, over(less(D(plusOne(l)), D(get(l))), times(f64.const(2), E(get(l))))),
    set(root, [sum(times(get(ratio), get(ratio)), f64.const(1)), f64.sqrt]),
    [get(ratio), f64.const(0), f64.lt, when(set(root, [get(root), f64.neg]))],
    set(g, sum(less(D(get(m)), D(get(l))), over(E(get(l)), sum(get(ratio), get(root))))),
    [set(s, f64.const(1)), set(c, f64.const(1)), set(p, f64.const(0)), i32.const(0), localSet(isBroken)],
    [get(m), localSet(i)],
    loopUntil([[get(i), get(l), i32.eq], get(isBroken), i32.or], [
      advance(i, i32.const(-1)),
      [set(f, times(get(s), E(get(i)))), set(b, times(get(c), E(get(i))))],
      set(r, [sum(times(get(f), get(f)), times(get(g), get(g))), f64.sqrt]),
      setFloat(e, plusOne(i), get(r)),
      [get(r), f64.const(0), f64.eq, localSet(isBroken)],
      [get(isBroken), when([setFloat(d, plusOne(i), less(D(plusOne(i)), get(p))), setFloat(e, get(m), f64.const(0))])],
      unless(get(isBroken), [
        [set(s, over(get(f), get(r))), set(c, over(get(g), get(r)))],
        set(g, less(D(plusOne(i)), get(p))),
        set(q, sum(times(less(D(get(i)), get(g)), get(s)), times(times(f64.const(2), get(c)), get(b)))),
        set(p, times(get(s), get(q))),
        setFloat(d, plusOne(i), sum(get(g), get(p))),
        set(g, less(times(get(c), get(q)), get(b))),
        [addressOf(rows, get(count), 4), get(i), i32.store(0)],
        [push(cosines, get(c)), push(sines, get(s)), advance(count, i32.const(1))],
      ]),
    ]),
    unless(get(isBroken), [
      [setFloat(d, get(l), less(D(get(l)), get(p))), setFloat(e, get(l), get(g)), setFloat(e, get(m), f64.const(0))],
    ]),
  ];
  return [
    [i32.const(0), localSet(count), i32.const(0), localSet(failed)],
    stepLoop(l, i32.const(0), get(n), 1, [
      [i32.const(0), localSet(iterations), i32.const(0), localSet(isDone)],
      loopUntil([get(isDone), get(failed), i32.or], [
        [get(l), localSet(m)],
        loopUntil([[get(m), last, i32.atLeastUnsigned], isSmall, i32.or], advance(m, i32.const(1))),
        [get(m), get(l), i32.eq, localSet(isDone)],
        unless(get(isDone), [
          [get(iterations), i32.const(mostIterations), i32.eq, localSet(failed)],
          unless(get(failed), [
            advance(iterations, i32.const(1)),
            [
              [get(count), get(m), get(l), i32.sub, i32.add],
              i32.const(rotationsAtOnce + 1),
              i32.atLeastUnsigned,
              when(rotate(locals, places)),
            ],
            iterate,
          ]),
        ]),
      ]),
    ]),
    rotate(locals, places),
  ];
}

/** The places of the diagonal's numbers, the least first. */
function ascending(locals: Locals, { n, diagonal, order }: Places): Code {
  const [i, at, isSmaller] = declared(locals, "i32", 3);
  const before: Code = [addressOf(order, [get(at), i32.const(1), i32.sub], 4), i32.load(0)];
  const look: Code = [
    [i32.const(0), localSet(isSmaller)],
    [get(at), when([float(diagonal, get(i)), float(diagonal, before), f64.lt, localSet(isSmaller)])],
  ];
  return stepLoop(i, i32.const(0), get(n), 1, [
    [get(i), localSet(at), look],
    loopUntil([get(isSmaller), i32.isZero], [
      [addressOf(order, get(at), 4), before, i32.store(0)],
      [advance(at, i32.const(-1)), look],
    ]),
    [addressOf(order, get(at), 4), get(i), i32.store(0)],
  ]);
}

/** The module. */
export function eighModule(): Uint8Array<ArrayBuffer> {
  const locals = noLocals();
  const [x, z, n, cols, inner, width, w, vectors, p, diagonal, beside, taus, order, rows, cosines, sines, count] = declared(
    locals,
    "i32",
    17,
  );
  const [i, j, from, to, across, failed] = declared(locals, "i32", 6);
  const [largest, scale] = declared(locals, "f64", 2);
  const places: Places = { n, width, w, vectors, p, diagonal, beside, taus, order, rows, cosines, sines, count };
  const size = product(get(n), get(n));
  const lower = (body: Code): Code =>
    stepLoop(i, i32.const(0), get(n), 1, [
      sumInto(from, get(x), bytes(product(get(i), get(n)), 4)),
      [sumInto(to, get(w), product(get(i), get(width))), sumInto(across, get(w), bytes(get(i), 4))],
      stepLoop(j, i32.const(0), plusOne(i), 1, [
        body,
        [advance(from, i32.const(4)), advance(to, i32.const(4)), advance(across, get(width))],
      ]),
    ]);
  const scaled: Code = [number(get(from)), get(scale), f64.mul, f32.demote, f32.store(0)];
  return moduleOf(locals, [
    readJob([x, z, n, cols, inner]),
    [x, z].map((local) => advance(local, product(get(MATRIX), size, i32.const(4)))),
    [rowBytes(n), localSet(width)],
    [get(LOCAL), localSet(w)],
    sumInto(vectors, get(w), product(get(n), get(width))),
    sumInto(p, get(vectors), product(get(n), get(width))),
    sumInto(diagonal, get(p), get(width)),
    [sumInto(beside, get(diagonal), [get(width), i32.const(1), i32.shl]), sumInto(taus, get(beside), [get(width), i32.const(1), i32.shl])],
    [sumInto(order, get(taus), [get(width), i32.const(1), i32.shl]), sumInto(rows, get(order), get(width))],
    [sumInto(cosines, get(rows), i32.const(4 * rotationsAtOnce)), sumInto(sines, get(cosines), i32.const(4 * rotationsAtOnce))],
    [f64.const(0), localSet(largest)],
    lower([get(largest), number(get(from)), f64.abs, f64.max, localSet(largest)]),
    scaleInto(locals, scale, largest),
    [get(scale), f64.const(0), f64.eq, localSet(failed)],
    unless(get(failed), [
      fillZeros(locals, w, product(get(n), get(width))),
      lower([[get(to), scaled], [get(across), scaled]]),
      fillZeros(locals, diagonal, product(get(width), i32.const(6))), // of both others, too
      tridiagonal(locals, places),
      basis(locals, places),
      diagonalise(locals, places, failed),
    ]),
    [get(failed), when(fillNaN(locals, z, size))],
    unless(get(failed), [
      ascending(locals, places),
      stepLoop(j, i32.const(0), get(n), 1, [
        sumInto(from, get(vectors), product([addressOf(order, get(j), 4), i32.load(0)], get(width))),
        sumInto(to, get(z), bytes(get(j), 4)),
        stepLoop(i, i32.const(0), get(n), 1, [copyNumber(to, from), advance(from, i32.const(4)), advance(to, bytes(get(n), 4))]),
      ]),
    ]),
  ]);
}

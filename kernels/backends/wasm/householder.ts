/**
 * Reflections I - tau v vᵀ as `backends/js/householder.ts` has them: the same operations in the same order, two vectors at a time.
 *
 * @module
 */
import { block } from "../../routines/padded.ts";
import { type Code, f32, f32x4, f64, f64x2, i32, localGet, type Locals, localSet, loopUntil, v128, when } from "./assembler.ts";
import { addressOf, advance, bytes, declared, product, stepLoop, sumInto } from "./instructions.ts";

/** A number of float32 at an address, as float64. */
export const number = (address: Code): Code => [address, f32.load(0), f64.promote];

/** Bytes of a row of so many numbers, up to whole blocks. */
export const rowBytes = (length: number): Code =>
  bytes([localGet(length), i32.const(block - 1), i32.add, i32.const(-block), i32.and, i32.const(block), i32.or], 4);

/** Where the block begins that a place of a row is in, in bytes. */
export const blockOf = (at: number): Code => bytes([localGet(at), i32.const(-block), i32.and], 4);

/** The sum of products of so many bytes from two addresses, in float64 on the stack. */
export function dot(locals: Locals, x: number, y: number, length: number): Code {
  const sums = dots(locals, [x], y, length);
  return [sums.code, sums.results[0]];
}

/**
 * The same of several rows with one y. A row's sums wait for each other: four rows at once, each in its own order, take half as long as one after the
 * other.
 */
export function dots(
  locals: Locals,
  xs: readonly number[],
  y: number,
  length: number,
): { readonly code: Code; readonly results: readonly Code[] } {
  const halves = xs.map(() => declared(locals, "v128", 2));
  const ys = declared(locals, "v128", 2);
  const [i] = declared(locals, "i32", 1);
  const upper = v128.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
  const at = (base: number, offset: number): Code => [localGet(base), localGet(i), i32.add, v128.load(offset)];
  const half = (sum: number, lanes: Code): Code => [localGet(sum), lanes, f64x2.promoteLow];
  const step = ys.map((part, u) => [
    [at(y, 16 * u), localSet(part)],
    xs.map((x, r) => [localGet(halves[r][u]), at(x, 16 * u), localGet(part), f32x4.mul, f32x4.add, localSet(halves[r][u])]),
  ]);
  return {
    code: [
      halves.flat().map((sum) => [v128.splat(0), localSet(sum)]),
      stepLoop(i, i32.const(0), localGet(length), 4 * block, step),
    ],
    results: halves.map(([low, high]) => {
      const pair = (lanes: (sum: number) => Code): Code => [half(low, lanes(low)), half(high, lanes(high)), f64x2.add];
      return [
        [pair(() => []), pair((sum) => [localGet(sum), upper]), f64x2.add, localSet(low)],
        [localGet(low), f64x2.lane(0), localGet(low), f64x2.lane(1), f64.add],
      ];
    }),
  };
}

/** x -= w*y over so many bytes; w is a vector's local. */
export const subtract = (locals: Locals, x: number, w: number, y: number, length: number): Code => subtracts(locals, [x], [w], y, length);

/** The same of several rows with one y, each with its w. */
function subtracts(locals: Locals, xs: readonly number[], ws: readonly number[], y: number, length: number): Code {
  const [i] = declared(locals, "i32", 1);
  const [part] = declared(locals, "v128", 1);
  const at = (base: number): Code => [localGet(base), localGet(i), i32.add];
  const step = (offset: number): Code => [
    [at(y), v128.load(offset), localSet(part)],
    xs.map((x, r) => [at(x), [at(x), v128.load(offset)], [localGet(ws[r]), localGet(part), f32x4.mul], f32x4.sub, v128.store(offset)]),
  ];
  return stepLoop(i, i32.const(0), localGet(length), 4 * block, [step(0), step(16)]);
}

/** A number of float64 on the stack, rounded and in all lanes of a local. */
export const splatInto = (vector: number): Code => [f32.demote, f32x4.splat, localSet(vector)];

/** Rows that a reflection is applied to at the same time. */
const together = 4;

/** Applies a reflection, whose v begins at the address `v` and has zeros before the place `at`, to the rows from the address `row` to the address `end`. */
export function reflect(
  locals: Locals,
  { row, end, v, at, width, taus, k }: Record<"row" | "end" | "v" | "at" | "width" | "taus" | "k", number>,
): Code {
  const [y, length, skipped] = declared(locals, "i32", 3);
  const rows = (count: number): Code => {
    const xs = declared(locals, "i32", count);
    const ws = declared(locals, "v128", count);
    const sums = dots(locals, xs, y, length);
    return loopUntil([localGet(row), product(localGet(width), i32.const(count)), i32.add, localGet(end), i32.greaterUnsigned], [
      xs.map((x, r) => sumInto(x, localGet(row), [product(localGet(width), i32.const(r)), localGet(skipped), i32.add])),
      sums.code,
      ws.map((w, r) => [[addressOf(taus, localGet(k), 8), f64.load(0)], sums.results[r], f64.mul, splatInto(w)]),
      subtracts(locals, xs, ws, y, length),
      advance(row, product(localGet(width), i32.const(count))),
    ]);
  };
  return [
    [blockOf(at), localSet(skipped)],
    sumInto(y, localGet(v), localGet(skipped)),
    [localGet(width), localGet(skipped), i32.sub, localSet(length)],
    [rows(together), rows(1)],
  ];
}

/** Makes the reflection of the places `at` to `end` of the row at an address, and leaves beta in a local of float64. */
export function reflection(
  locals: Locals,
  { row, at, end, taus, k, beta }: Record<"row" | "at" | "end" | "taus" | "k" | "beta", number>,
): Code {
  const [i] = declared(locals, "i32", 1);
  const [alpha, sum, x, square] = declared(locals, "f64", 4);
  const place = addressOf(row, localGet(i), 4);
  const after = (body: Code): Code => stepLoop(i, [localGet(at), i32.const(1), i32.add], localGet(end), 1, body);
  const tau = addressOf(taus, localGet(k), 8);
  const squareOf = (local: number): Code => [localGet(local), localGet(local), f64.mul];
  return [
    [number(addressOf(row, localGet(at), 4)), localSet(alpha), localGet(alpha), localSet(beta)],
    [f64.const(0), localSet(sum)],
    after([number(place), localSet(x), localGet(sum), squareOf(x), f64.add, localSet(sum)]),
    [tau, f64.const(0), f64.store(0)],
    [localGet(sum), f64.const(0), f64.eq, i32.isZero],
    when([
      [squareOf(alpha), localGet(sum), f64.add, f64.sqrt, localSet(beta)],
      [localGet(alpha), f64.const(0), f64.lt, i32.isZero, when([localGet(beta), f64.neg, localSet(beta)])],
      [f64.const(1), localSet(square)],
      after([
        [place, number(place), localGet(alpha), localGet(beta), f64.sub, f64.div, f32.demote, f32.store(0)],
        [number(place), localSet(x), localGet(square), squareOf(x), f64.add, localSet(square)],
      ]),
      [tau, f64.const(2), localGet(square), f64.div, f64.store(0)],
    ]),
    stepLoop(i, [localGet(at), i32.const(-block), i32.and], localGet(at), 1, [place, i32.const(0), i32.store(0)]),
    [addressOf(row, localGet(at), 4), f64.const(1), f32.demote, f32.store(0)],
  ];
}

/** `routines/padded.ts`'s `scaleOf` of a local, into another. */
export function scaleInto(locals: Locals, scale: number, largest: number): Code {
  const [x] = declared(locals, "f64", 1);
  const get = localGet;
  const times = (local: number, factor: number): Code => [get(local), f64.const(factor), f64.mul, localSet(local)];
  return [
    [f64.const(1), localSet(scale), get(largest), localSet(x)],
    loopWhile([get(x), f64.const(2), f64.ge, get(x), f64.const(Infinity), f64.lt, i32.and], [times(scale, 0.5), times(x, 0.5)]),
    loopWhile([f64.const(0), get(x), f64.lt, get(x), f64.const(1), f64.lt, i32.and], [times(scale, 2), times(x, 2)]),
    [get(largest), f64.const(3.5e38), f64.le, i32.isZero, when([f64.const(0), localSet(scale)])],
  ];
}

/** Fills so many numbers from an address on with NaN. */
export function fillNaN(locals: Locals, from: number, count: Code): Code {
  const [i] = declared(locals, "i32", 1);
  return stepLoop(i, i32.const(0), count, 1, [addressOf(from, localGet(i), 4), i32.const(0x7fc00000), i32.store(0)]);
}

/** Fills so many bytes, whole vectors, with zeros. */
export function fillZeros(locals: Locals, from: number, length: Code): Code {
  const [i] = declared(locals, "i32", 1);
  return stepLoop(i, i32.const(0), length, 16, [localGet(from), localGet(i), i32.add, v128.splat(0), v128.store(0)]);
}

/** Runs a body while a condition holds. */
const loopWhile = (condition: Code, body: Code): Code => loopUntil([condition, i32.isZero], body);

/**
 * bfloat16 and float16 against a slow definition: the table of all 65,536 values, made by arithmetic, and the nearest entry in it.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { narrowArray, roundBfloat16, roundFloat16, widenArray, widenBfloat16, widenFloat16 } from "../../kernels/half.ts";
import { roundTo } from "../../kernels/tables/dtypes.ts";

interface Format {
  readonly dtype: "bfloat16" | "float16";
  /** Bits of the fraction. */
  readonly fraction: number;
  /** What is taken off the exponent. */
  readonly bias: number;
  /** The pattern of infinity. */
  readonly infinity: number;
  readonly widen: (bits: number) => number;
  readonly round: (x: number) => number;
}

const formats: readonly Format[] = [
  { dtype: "bfloat16", fraction: 7, bias: 127, infinity: 0x7f80, widen: widenBfloat16, round: roundBfloat16 },
  { dtype: "float16", fraction: 10, bias: 15, infinity: 0x7c00, widen: widenFloat16, round: roundFloat16 },
];

const patterns = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** What a pattern without its sign is worth by the book: 1.fraction * 2^(exponent - bias), or 0.fraction where the exponent is zero. */
function worth(size: number, { fraction, bias }: Format): number {
  const exponent = size >> fraction;
  const digits = size & (2 ** fraction - 1);
  return (exponent ? 2 ** fraction + digits : digits) * 2 ** (Math.max(exponent, 1) - bias - fraction);
}

/** The value of a pattern. */
function valueOf(bits: number, format: Format): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const size = bits & 0x7fff;
  if (size < format.infinity) return sign * worth(size, format);
  return size === format.infinity ? sign * Infinity : NaN;
}

/** The pattern nearest to a float32 by search, of two equally near ones the even; infinity counts as the number that its pattern would be worth. */
function nearest(x: number, format: Format): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  let below = 0, above = format.infinity;
  if (size >= worth(above, format)) return sign | above;
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (worth(middle, format) <= size) below = middle;
    else above = middle;
  }
  const under = size - worth(below, format), over = worth(above, format) - size; // Exact in float64.
  return sign | (under < over || under === over && below % 2 === 0 ? below : above);
}

/** Float32 numbers worth rounding: all values of the format, the points halfway between them, the neighbours of both, and random bits. */
function* samples(format: Format): Generator<number> {
  const float = new Float32Array(1);
  const word = new Int32Array(float.buffer);
  for (let bits = 0; bits < format.infinity; bits++) {
    const value = worth(bits, format);
    for (const x of [value, (value + worth(bits + 1, format)) / 2]) {
      for (let step = -1; step <= 1; step++) {
        if (x === 0 && step < 0) continue;
        float[0] = x;
        word[0] += step;
        yield float[0];
        yield -float[0];
      }
    }
  }
  let state = 7;
  for (let i = 0; i < 100000; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    word[0] = state;
    if (float[0] === float[0]) yield float[0];
  }
}

/** A NaN's pattern made quiet with nothing but its sign; other patterns as they are. */
function quiet(bits: number, { infinity, fraction }: Format): number {
  return (bits & 0x7fff) > infinity ? (bits & 0x8000) | infinity | 1 << (fraction - 1) : bits;
}

for (const format of formats) {
  const { dtype, widen, round } = format;

  test(`${dtype} patterns widen to their values, all 65,536, one by one and as an array`, () => {
    const wide = new Float32Array(65536);
    widenArray(dtype, patterns, wide);
    for (const bits of patterns) {
      const value = valueOf(bits, format);
      assert(
        Object.is(widen(bits), value) && Object.is(wide[bits], value),
        `pattern ${bits}: ${widen(bits)} and ${wide[bits]}, not ${value}`,
      );
    }
  });

  test(`${dtype} patterns come back from float32, NaNs quiet and with their sign`, () => {
    const wide = new Float32Array(65536), back = new Uint16Array(65536);
    widenArray(dtype, patterns, wide);
    narrowArray(dtype, wide, back);
    assertEquals(back, patterns.map((bits) => quiet(bits, format)));
    const words = new Int32Array(wide.buffer);
    for (const bits of patterns) {
      const isNaN = (bits & 0x7fff) > format.infinity;
      // A NaN that was a number in between may have lost its sign: JavaScript does not keep it.
      assertEquals(round(widen(bits)) & (isNaN ? 0x7fff : 0xffff), quiet(bits, format) & (isNaN ? 0x7fff : 0xffff), `pattern ${bits}`);
      if (isNaN) assertEquals([words[bits] >>> 31, words[bits] & 0x400000], [bits >>> 15, 0x400000], `pattern ${bits}`);
    }
  });

  test(`${dtype} rounding takes the nearest pattern, of two the even one`, () => {
    const xs = Float32Array.from(samples(format));
    const rounded = new Uint16Array(xs.length);
    narrowArray(dtype, xs, rounded);
    xs.forEach((x, i) => {
      const bits = nearest(x, format);
      if (round(x) !== bits || rounded[i] !== bits) throw new Error(`${x} rounds to ${round(x)} and ${rounded[i]}, not ${bits}`);
      if (!Object.is(roundTo(dtype, x), valueOf(bits, format))) {
        throw new Error(`${x} rounds to ${roundTo(dtype, x)}, not ${valueOf(bits, format)}`);
      }
    });
  });

  test(`${dtype} rounding of float32 NaNs gives quiet NaNs with their sign`, () => {
    const words = Int32Array.of(0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff);
    const into = new Uint16Array(6);
    narrowArray(dtype, new Float32Array(words.buffer), into);
    const positive = quiet(0x7fff, format);
    assertEquals(Array.from(into), [positive, positive, positive, positive | 0x8000, positive | 0x8000, positive | 0x8000]);
    assertEquals(round(NaN) & 0x7fff, positive);
  });

  test(`${dtype} arrays work as views into larger memory, shared memory too`, () => {
    for (const buffer of [new ArrayBuffer(64), new SharedArrayBuffer(64)]) {
      const from = new Float32Array(buffer, 4, 3), into = new Uint16Array(buffer, 34, 3), back = new Float32Array(buffer, 48, 3);
      from.set([1, -2.5, 1e9]);
      narrowArray(dtype, from, into);
      widenArray(dtype, into, back);
      assertEquals(Array.from(back), Array.from(from, (x) => roundTo(dtype, x)));
      assertEquals(Array.from(new Uint16Array(buffer, 32, 5)), [0, ...into, 0]);
    }
  });

  test(`${dtype} arrays of unequal length are refused before anything changes`, () => {
    const wide = Float32Array.of(1, 2), narrow = Uint16Array.of(3, 4, 5);
    assertThrows(() => narrowArray(dtype, wide, narrow), RangeError, "the source has 2 elements and the target 3");
    assertThrows(() => widenArray(dtype, narrow, wide), RangeError, "the source has 3 elements and the target 2");
    assertEquals([Array.from(wide), Array.from(narrow)], [[1, 2], [3, 4, 5]]);
  });
}

test("doubles round by way of float32", () => {
  // Halfway between two neighbours and a little more, which float32 does not see: straight rounding would go up.
  assertEquals(roundTo("bfloat16", 1 + 2 ** -8 + 2 ** -40), 1);
  assertEquals(roundTo("float16", 1 + 2 ** -11 + 2 ** -40), 1);
  assertEquals(roundTo("float32", 1 + 2 ** -11 + 2 ** -40), 1 + 2 ** -11);
  assert(Object.is(roundTo("float32", -1e-60), -0));
});

const f16round = (Math as { f16round?: (x: number) => number }).f16round;

test("float16 rounding agrees with Math.f16round", { skip: f16round ? false : "this runtime has no Math.f16round" }, () => {
  for (const x of samples(formats[1])) {
    if (!Object.is(roundTo("float16", x), f16round!(x))) throw new Error(`${x} rounds to ${roundTo("float16", x)}, not ${f16round!(x)}`);
  }
});

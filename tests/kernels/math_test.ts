/**
 * pow, exp, log and cos against the truth of math_truth.json, which math_truth.py wrote with mpmath.
 *
 * Largest distances measured there: pow 0.52, exp 0.51, log 0.51, cos 0.70 ulp; over 770,000 other points of the same kinds
 * (`math_truth.py --many 200 99`): pow 0.66, exp 0.55, log 0.51, cos 0.76 ulp.
 *
 * @module
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { test } from "node:test";
import type { Maths } from "../../core/plugin/contract.ts";
import { cos, exp, log, maths, pow } from "../../kernels/math.ts";
import truth from "./math_truth.json" with { type: "json" };

const given: Maths = maths; // As plugins are given them.

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const leastNormal = 2.2250738585072014e-308;

/** The weight of x's last bit. */
function ulp(x: number): number {
  if (Math.abs(x) < leastNormal) return Number.MIN_VALUE;
  double[0] = x;
  words[0] = 0;
  words[1] &= 0x7ff00000;
  return double[0] * Number.EPSILON;
}

/** The next of a sequence of 32-bit numbers (Marsaglia, "Xorshift RNGs", 2003). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A positive double with random bits and an exponent from least to most. */
function pattern(random: () => number, least: number, most: number): number {
  words[0] = random();
  words[1] = ((1023 + least + random() % (most - least + 1)) << 20) | (random() >>> 12);
  return double[0];
}

for (const [name, rows] of Object.entries(truth as Record<string, number[][]>)) {
  test(`${name}() lies within 1 ulp of the truth at ${rows.length} points`, () => {
    const f = given[name as keyof Maths] as (...args: number[]) => number;
    for (const row of rows) {
      const [result, off] = row.slice(-2);
      const args = row.slice(0, -2);
      const distance = Math.abs((f(...args) - result) / ulp(result) - off);
      assertLessOrEqual(distance, 1, `${name}(${args.join(", ")}) = ${f(...args)}, not ${result}`);
    }
  });
}

const special = [0, 1, 0.5, 2, 3, 1 / 3, 5e-324, 1.5e308, 9007199254740991, 9007199254740992, 1e22, Infinity].flatMap((x) => [x, -x]);

test("pow() has the special values of Math.pow", () => {
  for (const x of [...special, NaN]) {
    for (const y of [...special, NaN]) {
      const asked = Math.pow(x, y);
      // What ECMAScript leaves to the engine is compared by sign alone.
      const seen = Number.isFinite(asked) ? Math.sign : Number;
      assert(Object.is(seen(pow(x, y)), seen(asked)), `pow(${x}, ${y}) = ${pow(x, y)}, not ${asked}`);
    }
  }
});

for (
  const { name, at } of [
    { name: "exp", at: [0, -0, Infinity, -Infinity, NaN] },
    { name: "log", at: [0, -0, 1, -1, -5e-324, Infinity, -Infinity, NaN] },
    { name: "cos", at: [0, -0, 5e-324, Infinity, -Infinity, NaN] },
  ] as const
) {
  test(`${name}() has the special values of Math.${name}`, () => {
    for (const x of at) assert(Object.is(maths[name](x), Math[name](x)), `${name}(${x}) = ${maths[name](x)}, not ${Math[name](x)}`);
  });
}

test("exp() overflows and underflows at the right doubles", () => {
  assert(exp(709.782712893384) < Infinity);
  assertEquals([709.7827128933841, 1e308, -745.1332191019411, -745.1332191019412, -1e308].map(exp), [Infinity, Infinity, 5e-324, 0, 0]);
});

test("pow() gives every power of two exactly", () => {
  let up = 1, down = 1;
  for (let n = 0; n <= 1075; n++, up *= 2, down /= 2) {
    assertEquals([pow(2, n), pow(0.5, n), pow(2, -n), pow(0.5, -n)], [up, down, down, up], `n = ${n}`);
    assertEquals(pow(-2, n), n % 2 ? -up : up, `n = ${n}`);
  }
});

test("pow() gives x^1, x^2, 1^y, whole powers below 2^53 and roots of squares exactly", () => {
  const random = createRandom(1);
  for (let i = 0; i < 20000; i++) {
    const x = pattern(random, -1023, 1023);
    assertEquals([pow(x, 1), pow(-x, 1), pow(x, 2), pow(-x, 2), pow(1, x)], [x, -x, x * x, x * x, 1]);
  }
  for (let x = 3; x < 1000; x++) {
    for (let n = 0, power = 1; power <= Number.MAX_SAFE_INTEGER; n++, power *= x) {
      assertEquals([pow(x, n), pow(-x, n)], [power, n % 2 ? -power : power], `${x}^${n}`);
    }
    assertEquals(pow(x * x, 0.5), x);
  }
});

test("pow() of a negative base is NaN unless the exponent is whole", () => {
  assertEquals([pow(-8, 1 / 3), pow(-8, 3), pow(-8, -2)], [NaN, -512, 1 / 64]);
});

test("cos() is even and hits 1 and -1 at the doubles nearest to multiples of pi", () => {
  for (let n = 0; n < 1000; n++) {
    assertEquals(cos(n * Math.PI), n % 2 ? -1 : 1, `n = ${n}`);
    assert(Object.is(cos(-n / 7), cos(n / 7)));
    // Beside such a double too: there the cosine is 1 to far more digits than a double has.
    for (const near of [1 - 2 ** -52, 1 + 2 ** -52]) assertEquals(cos(n * Math.PI * near), n % 2 ? -1 : 1, `beside n = ${n}`);
  }
});

/** What the golden hash is made of: arguments all over the ranges, made by exact operations only. */
function results(): Float64Array<ArrayBuffer> {
  const random = createRandom(2);
  const unit = () => random() / 4294967296;
  const found = new Float64Array(100000);
  for (let i = 0; i < found.length;) {
    found[i++] = pow(1 - unit() / 64, Math.floor(unit() * 100000));
    found[i++] = pow(pattern(random, -30, 20), unit() * 60 - 30);
    found[i++] = exp(unit() * 1460 - 750);
    found[i++] = exp(unit() - 0.5);
    found[i++] = log(pattern(random, -1023, 1023));
    found[i++] = log(unit() + 0.5);
    found[i++] = cos(pattern(random, -10, 31));
    found[i++] = cos(pattern(random, 31, 1023));
  }
  return found;
}

test("pow(), exp(), log() and cos() agree in every engine: the hash of 100,000 results is the committed one", async () => {
  const found = results();
  assert(found.every((x) => x === x));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", found));
  const text = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(text, "83bfd07a316bdb2117e8bd10ac3ac02d1ba2bb8f9eebe4ef5c2fbf59110ed222");
});

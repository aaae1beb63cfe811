/**
 * pow, exp, log and cos with the same bits in every engine.
 *
 * ECMAScript leaves the last bits of `Math.pow` and its like to the engine, and they differ between V8 and JavaScriptCore. Here all is made of
 * `+ - * /`, `Math.floor` and the bits of doubles, which IEEE 754 fixes. Largest error found: pow 0.66, exp 0.55, log 0.51, cos 0.76 ulp
 * (tests/kernels/math_test.ts says over what). Special values are ECMAScript's.
 *
 * A value is often a pair high + low of doubles whose sum has some 100 bits (Dekker, "A floating-point technique for extending the available
 * precision", 1971). The series are Taylor's: after the reductions below their coefficients stay legible and lose nothing against minimax ones.
 * Tables and split constants come from tests/kernels/math_truth.py.
 *
 * @module
 */

const LEAST_NORMAL = 2.2250738585072014e-308; // 2^-1022. No ** anywhere: it is the engine's pow.
const BASE = 0x1000000; // 2^24
const LN2_HIGH = 0.6931471805598903; // A multiple of 2^-42: k times it is exact.
const LN2_LOW = 5.497923018708371e-14;
const SIXTEENTH_HIGH = 0.04332169878489367; // ln 2 / 16 in 38 bits: n times it is exact.
const SIXTEENTH_LOW = 1.0291218489310676e-13;
const SIXTEENTHS = 23.083120654223414; // 16 / ln 2
const TWO_OVER_PI_ROUNDED = 0.6366197723675814;
const HALF_PI_1 = 1.5707963267341256; // pi / 2 in 33 bits, 33 more, and the rest: n times the first two is exact for n below 2^20.
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_3 = 2.0222662487959506e-21;
const HALF_PI_HIGH = 1.5707963267948966;
const HALF_PI_LOW = 6.123233995736766e-17;

/** log(i / 16) for i from 11 to 22, high and low; the high parts are multiples of 2^-42. */
// deno-fmt-ignore
const LOGS: readonly number[] = [
  -0.3746934494413381, -7.260466149925637e-14, -0.28768207245184385, 6.292357389008195e-14, -0.20763936477828793, 4.3425422595242564e-14,
  -0.13353139262449076, -3.1859736349078334e-14, -0.0645385211375924, 2.1225608044809997e-14, 0, 0,
  0.06062462181648698, -5.213620639136504e-14, 0.11778303565643, -4.654729747598445e-14, 0.17185025692674571, -8.649239607212071e-14,
  0.22314355131425145, -4.169796584527195e-14, 0.2719337154835557, 8.604306772808733e-14, 0.31845373111855224, -1.7625431312172662e-14,
];

/** 2^(j / 16) for j from 0 to 15, high and low. */
// deno-fmt-ignore
const POWERS: readonly number[] = [
  1, 0, 1.0442737824274138, 8.551889705537965e-17, 1.0905077326652577, -3.046782079812471e-17,
  1.1387886347566916, 8.912812676025408e-17, 1.189207115002721, 3.982015231465646e-17, 1.241857812073484, 4.658027591836937e-17,
  1.2968395546510096, 2.5382502794888315e-17, 1.3542555469368927, 7.70094837980299e-17, 1.4142135623730951, -9.667293313452913e-17,
  1.4768261459394993, -3.483994556892796e-17, 1.5422108254079407, 7.949834809697621e-17, 1.6104903319492543, 2.4707192569797888e-17,
  1.681792830507429, 8.199010020581497e-17, 1.7562521603732995, 2.960140695448873e-17, 1.8340080864093424, 3.283107224245627e-17,
  1.9152065613971474, -1.0619946056195963e-16,
];

/** 2 / pi in base 2^24, after four zeros. */
// deno-fmt-ignore
const TWO_OVER_PI: readonly number[] = [
  0, 0, 0, 0,
  0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb, 0xc561b7, 0x246e3a, 0x424dd2, 0xe00649,
  0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41, 0x3991d6, 0x398353, 0x39f49c, 0x845f8b,
  0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f, 0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d, 0x7527ba, 0xc7ebe5,
  0xf17b3d, 0x0739f7, 0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08, 0x560330,
];

// One double and its two words, least first: WebAssembly, too, knows only little-endian hosts. Marked pure so that a bundler can drop them.
const memory: ArrayBuffer = /* @__PURE__ */ new ArrayBuffer(8);
const double: Float64Array = /* @__PURE__ */ new Float64Array(memory);
const words: Int32Array = /* @__PURE__ */ new Int32Array(memory);
/** The low part of the pair whose high part a function returned. */
const lowPart: Float64Array = /* @__PURE__ */ new Float64Array(1);
/** The base of the last power, and the two parts of its logarithm. */
const powerBase: Float64Array = /* @__PURE__ */ new Float64Array(3);
/** Digits of a product in base 2^24. */
const digits: Float64Array = /* @__PURE__ */ new Float64Array(8);

/** 2^j for j from 0 to 63, then 2^(64 i) for i from -16 to 15. */
const TWOS: Float64Array = /* @__PURE__ */ powersOfTwo();

function powersOfTwo(): Float64Array {
  const table = new Float64Array(96);
  const two64 = 0x100000000 * 0x100000000;
  table[0] = table[80] = 1;
  for (let j = 1; j < 64; j++) table[j] = 2 * table[j - 1];
  for (let i = 1; i < 16; i++) table[80 + i] = table[79 + i] * two64;
  for (let i = 1; i <= 16; i++) table[80 - i] = table[81 - i] / two64;
  return table;
}

/** 2^k for k from -1024 to 1023: a product of two, exactly. Written as the two words of a double, it kept a processor waiting for them to be one. */
function powerOfTwo(k: number): number {
  return TWOS[k & 63] * TWOS[80 + (k >> 6)];
}

/** a*b - product, exactly, where product is a*b rounded. Halves by Veltkamp: JavaScript has no fused multiply-add. */
function rest(a: number, b: number, product: number): number {
  const a27 = 134217729 * a, a1 = a27 - (a27 - a), a2 = a - a1;
  const b27 = 134217729 * b, b1 = b27 - (b27 - b), b2 = b - b1;
  return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
}

/**
 * log x for finite x > 0, as a pair within 2^-64 of itself.
 *
 * x = 2^k m with m near c = i / 16, and log m = log c + 2 artanh s with s = (m - c) / (m + c), |s| < 2^-5.4.
 */
function logarithm(x: number): number {
  const subnormal = x < LEAST_NORMAL;
  double[0] = subnormal ? x * 0x40000000000000 : x;
  const exponent = (words[1] - 0x3fe60000) >> 20;
  const k = subnormal ? exponent - 54 : exponent;
  const m = double[0] * powerOfTwo(-exponent); // From 11/16 to 22/16, so that numbers on both sides of 1 have k = 0 and c = 1.
  const i = Math.floor(16 * m + 0.5);
  const c = i / 16;

  const a = m - c, b = m + c;
  const over = 1 / b;
  const s = a * over;
  const sb = s * b;
  const sLow = ((a - sb) - rest(s, b, sb) - s * (m - (b - c))) * over;
  const z = s * s;
  const series = s * z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9 + z * (2 / 11 + z * (2 / 13))))));

  const base = k * LN2_HIGH + LOGS[2 * i - 22];
  const sum = base + 2 * s;
  const tail = ((base - sum) + 2 * s) + (2 * sLow + (series + (k * LN2_LOW + LOGS[2 * i - 21])));
  const high = sum + tail;
  lowPart[0] = (sum - high) + tail;
  return high;
}

/**
 * e^(high + low), for |low| < 2^-40.
 *
 * high + low = (16 k + j) ln 2 / 16 + r with |r| < 2^-5.5, so it is 2^k 2^(j/16) e^r.
 */
function exponential(high: number, low: number): number {
  if (high > 710) return Infinity;
  if (high < -746) return 0;
  const n = Math.floor(high * SIXTEENTHS + 0.5);
  const j = n & 15;
  const k = n >> 4;
  const rHigh = high - n * SIXTEENTH_HIGH;
  const rLow = low - n * SIXTEENTH_LOW;
  const r = rHigh + rLow;
  const series = r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * (1 / 40320)))))));
  const power = POWERS[2 * j];
  const tail = POWERS[2 * j + 1] + power * (rHigh + (rLow + series));

  if (k > -1022 && k < 1023) return (power + tail) * powerOfTwo(k);
  const result = (power + tail) * powerOfTwo(k >> 1) * powerOfTwo(k - (k >> 1));
  if (result >= LEAST_NORMAL) return result;
  // A subnormal is rounded once, at its own last bit, by adding a number that has the same last bit.
  const one = powerOfTwo(-1022 - k);
  const sum = one + power;
  return ((sum + ((one - sum) + power + tail)) - one) / one * LEAST_NORMAL;
}

/** cos of high + low, |high| < 0.79. */
function cosine(high: number, low: number): number {
  const z = high * high;
  const zLow = rest(high, high, z) + 2 * high * low;
  const far = 1 / 3628800 - z * (1 / 479001600 - z * (1 / 87178291200 - z * (1 / 20922789888000 - z * (1 / 6402373705728000))));
  const series = z * z * (1 / 24 - z * (1 / 720 - z * (1 / 40320 - z * far)));
  const head = 1 - z / 2;
  return head + (((1 - head) - z / 2) + (series - zLow / 2));
}

/** sin of high + low, |high| < 0.79. */
function sine(high: number, low: number): number {
  const z = high * high;
  const far = 1 / 362880 - z * (1 / 39916800 - z * (1 / 6227020800 - z * (1 / 1307674368000 - z * (1 / 355687428096000))));
  const series = high * z * (1 / 6 - z * (1 / 120 - z * (1 / 5040 - z * far)));
  return high + (low * (1 - z / 2) - series);
}

/** x to the power y. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (x !== x || y !== y) return NaN;
  if (y === 1) return x;
  if (y === 2) return x * x;
  // Most bases: nothing below is for them, and the next questions need not wait for it.
  if (x > 0 && x < Infinity && x !== 1 && y > -Infinity && y < Infinity) return power(x, y);
  const size = Math.abs(x);
  if (Math.abs(y) === Infinity) return size === 1 ? NaN : (size > 1) === (y > 0) ? Infinity : 0;

  const whole = Math.floor(y) === y;
  const odd = whole && Math.floor(y / 2) !== y / 2;
  const sign = odd && (x < 0 || Object.is(x, -0)) ? -1 : 1;
  if (size === 0) return y > 0 ? sign * 0 : sign * Infinity;
  if (size === Infinity) return y > 0 ? sign * Infinity : sign * 0;
  if (x < 0 && !whole) return NaN;
  if (size === 1) return sign;

  return sign * power(size, y);
}

/**
 * The same of a finite base above 0, not 1, and a finite exponent.
 *
 * A power of another base each time takes some 85 ns, of the same base 38 (AMD EPYC): a chain of some 250 cycles, in which each operation waits for the
 * one before: two series by Horner's scheme, a division, two exact products. Shorter orders of the same operations have other last bits, and so have
 * powers by multiplication and by square roots. Tried and lost: the place in the table by `| 0` in place of `Math.floor`, 3 ns slower in V8.
 */
function power(size: number, y: number): number {
  // A schedule asks for powers of one base: its logarithm, the dearer half, is kept.
  if (size !== powerBase[0]) {
    powerBase[1] = logarithm(size);
    powerBase[2] = lowPart[0];
    powerBase[0] = size;
  }
  const log = powerBase[1];
  const product = y * log;
  // Where the result overflows or is zero in any case, the parts below might overflow first.
  if (Math.abs(product) > 800) return product > 0 ? Infinity : 0;
  return exponential(product, rest(y, log, product) + y * powerBase[2]);
}

/** e to the power x. */
export function exp(x: number): number {
  return exponential(x, 0);
}

/** Natural logarithm of x. */
export function log(x: number): number {
  if (x > 0 && x < Infinity) return logarithm(x);
  return x === 0 ? -Infinity : x > 0 ? x : NaN;
}

/**
 * Cosine of x radians.
 *
 * Near 0, x less the nearest multiple of pi / 2 is exact but for the last of three parts (Cody and Waite, "Software Manual for the Elementary
 * Functions", 1980): four times as fast. Farther out, and where x is so close to a multiple that this part's own rounding would show,
 * x = (4 m + n + f) pi / 2 with |f| <= 1/2: n and f are digits of x * 2/pi, of which only those that matter are computed (Payne and Hanek,
 * "Radian reduction for trigonometric functions", 1983). So arguments up to 2^1023 are as exact as small ones.
 */
export function cos(x: number): number {
  const size = Math.abs(x);
  if (size < 0.785) return cosine(size, 0);
  if (!(size < Infinity)) return NaN;

  if (size < 262144) {
    const n = Math.floor(size * TWO_OVER_PI_ROUNDED + 0.5);
    const t = size - n * HALF_PI_1;
    const w = n * HALF_PI_2;
    const difference = t - w, back = difference - t;
    const left = ((t - (difference - back)) - (w + back)) - n * HALF_PI_3;
    const r = difference + left;
    if (Math.abs(r) > 1e-12) return turned(n & 3, r, (difference - r) + left);
    // The end of a wave: 1 less r * r / 2 is 1, whatever r is exactly. Without this line it is the dearest place of all.
    if ((n & 1) === 0) return (n & 2) === 0 ? 1 : -1;
  }

  // x = (x0 + x1 2^-24 + x2 2^-48 + x3 2^-72) 2^(24 q), all digits whole.
  double[0] = size;
  const q = Math.max(0, Math.floor(((words[1] >> 20) - 1023) / 24));
  const scaled = size * powerOfTwo(-24 * q);
  const x0 = Math.floor(scaled);
  const scaled1 = (scaled - x0) * BASE, x1 = Math.floor(scaled1);
  const scaled2 = (scaled1 - x1) * BASE, x2 = Math.floor(scaled2);
  const x3 = (scaled2 - x2) * BASE;

  // Digit w weighs 2^(-24 w); those before w = 0 are multiples of 4, those after w = 7 below 2^-140, where f may be as small as 2^-62.
  let carry = 0;
  for (let w = 7; w >= 0; w--) {
    const j = q + w + 3;
    const sum = carry + x0 * TWO_OVER_PI[j] + x1 * TWO_OVER_PI[j - 1] + x2 * TWO_OVER_PI[j - 2] + x3 * TWO_OVER_PI[j - 3];
    carry = Math.floor(sum / BASE);
    digits[w] = sum - carry * BASE;
  }
  const up = digits[1] >= BASE / 2 ? 1 : 0;
  const n = (digits[0] + up) & 3;
  const first = digits[1] - up * BASE + digits[2] / BASE;
  const second = (digits[3] + digits[4] / BASE) / (BASE * BASE);
  const third = (digits[5] + digits[6] / BASE) / (BASE * BASE) / (BASE * BASE);
  const sum = first + second;
  const f = sum / BASE;
  const fLow = ((first - sum) + second + third) / BASE;

  const r = f * HALF_PI_HIGH;
  const rLow = rest(f, HALF_PI_HIGH, r) + (f * HALF_PI_LOW + fLow * HALF_PI_HIGH);
  return turned(n, r, rLow);
}

/** cos of high + low and n right angles. */
function turned(n: number, high: number, low: number): number {
  if (n === 0) return cosine(high, low);
  if (n === 1) return -sine(high, low);
  if (n === 2) return -cosine(high, low);
  return sine(high, low);
}

/** All four, as plugins take them. */
export const maths: {
  pow(x: number, y: number): number;
  exp(x: number): number;
  log(x: number): number;
  cos(x: number): number;
} = { pow, exp, log, cos };

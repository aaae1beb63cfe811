/**
 * bfloat16 and float16 as patterns of 16 bits: widened to float32, and rounded from it to nearest even.
 *
 * A double is rounded to float32 first, as in PyTorch's c10, so that a number takes the same way as an element of a float32 tensor. A NaN stays one:
 * quiet, its sign kept in arrays; in a single number JavaScript has one NaN only. Nothing here asks for `Float16Array` or `Math.f16round`: Node 20
 * has neither.
 *
 * @module
 */
// A float32 and its bits.
const memory: ArrayBuffer = /* @__PURE__ */ new ArrayBuffer(4);
const float: Float32Array = /* @__PURE__ */ new Float32Array(memory);
const word: Int32Array = /* @__PURE__ */ new Int32Array(memory);

/** The bits of the float32 that a bfloat16 is: its upper half. */
function wordOfBfloat16(bits: number): number {
  const quiet = (bits & 0x7fff) > 0x7f80 ? 0x0040 : 0;
  return (bits | quiet) << 16;
}

/** The bits of the float32 that a float16 is: 5 bits of exponent about 15 become 8 about 127, 10 bits of fraction become 23. */
function wordOfFloat16(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const size = bits & 0x7fff;
  if (size > 0x7c00) return sign | 0x7fc00000 | (size << 13);
  if (size === 0x7c00) return sign | 0x7f800000;
  if (size >= 0x0400) return sign | ((size << 13) + ((127 - 15) << 23));
  if (size === 0) return sign;
  // size * 2^-24: the leading one moves up to bit 23, and every place that it moves counts one off the exponent.
  const shift = Math.clz32(size) - 8;
  return sign | ((size << shift) + ((127 - 2 - shift) << 23));
}

/** The upper half, one more where the lower half is over a half, or is just that and the upper half is odd. */
function bfloat16OfWord(word: number): number {
  if ((word & 0x7fffffff) > 0x7f800000) return ((word >>> 16) & 0x8000) | 0x7fc0;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** The same with 13 bits less; below 2^-14 the last bit weighs 2^-24 whatever the exponent. */
function float16OfWord(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size >= 0x47800000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00); // 2^16; below it, rounding carries into infinity by itself.
  if (size >= 0x38800000) return sign | ((size - ((127 - 15) << 23) + 0xfff + ((size >>> 13) & 1)) >>> 13);
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const fraction = (size & 0x7fffff) | 0x800000;
  return sign | ((fraction + (1 << (shift - 1)) - 1 + ((fraction >>> shift) & 1)) >>> shift);
}

/** The number that a pattern stands for. */
export function widenBfloat16(bits: number): number {
  word[0] = wordOfBfloat16(bits);
  return float[0];
}

/** The number that a pattern stands for. */
export function widenFloat16(bits: number): number {
  word[0] = wordOfFloat16(bits);
  return float[0];
}

/** The pattern nearest to x. */
export function roundBfloat16(x: number): number {
  float[0] = x;
  return bfloat16OfWord(word[0]);
}

/** The pattern nearest to x. */
export function roundFloat16(x: number): number {
  float[0] = x;
  return float16OfWord(word[0]);
}

function checkLengths(action: string, from: ArrayLike<number>, into: ArrayLike<number>): void {
  if (from.length !== into.length) {
    throw new RangeError(`Cannot ${action}: the source has ${from.length} elements and the target ${into.length}`);
  }
}

/** Patterns to numbers, element by element. */
export function widenArray(dtype: "bfloat16" | "float16", from: Uint16Array, into: Float32Array): void {
  checkLengths(`widen ${dtype}`, from, into);
  const words = new Int32Array(into.buffer, into.byteOffset, into.length);
  if (dtype === "bfloat16") {
    for (let i = 0; i < words.length; i++) words[i] = wordOfBfloat16(from[i]);
    return;
  }
  for (let i = 0; i < words.length; i++) words[i] = wordOfFloat16(from[i]);
}

/** Numbers to the nearest patterns, element by element. */
export function narrowArray(dtype: "bfloat16" | "float16", from: Float32Array, into: Uint16Array): void {
  checkLengths(`round to ${dtype}`, from, into);
  const words = new Int32Array(from.buffer, from.byteOffset, from.length);
  if (dtype === "bfloat16") {
    for (let i = 0; i < words.length; i++) into[i] = bfloat16OfWord(words[i]);
    return;
  }
  for (let i = 0; i < words.length; i++) into[i] = float16OfWord(words[i]);
}

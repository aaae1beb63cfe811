/**
 * Operations as WGSL expressions over float32, and the functions that they call.
 *
 * WGSL lets a compiler assume that no number is NaN or infinite, and evaluates constants before anything runs. So tests for NaN look at bits, signs are
 * changed in bits, and no constant of a text stands in the code: all come as uniforms, so that nothing can be folded or refused.
 *
 * It also lets a compiler join a product and a sum into one operation that rounds once, and reorder: Mesa turns (a + b) - a into b, a - a into 0, also for NaN, and
 * a + c*(b - a) into a*(1 - c) + b*c. So products and roots, and what is taken off or divided by, are hidden from it by a word that is always 0, which it cannot know.
 *
 * @module
 */
import type { ElementOp, NumberOp } from "../../tables/ops.ts";
import type { DType } from "../../types.ts";

/** An operation as an expression of its arguments' names. */
type Lowering = (args: readonly string[], dtype: DType) => string;

/** Operations on elements, and on numbers that the device computes. */
export const elementCode: Readonly<Record<ElementOp, Lowering>> = {
  "+": ([a, b]) => `${a} + ${b}`,
  "-": ([a, b]) => `${a} - hidden(${b})`,
  "*": ([a, b]) => `hidden(${a} * ${b})`,
  "/": ([a, b]) => `${a} / hidden(${b})`,
  neg: ([a]) => `negated(${a})`,
  "<": ([a, b]) => `truth(isLess(${a}, ${b}))`,
  "<=": ([a, b]) => `truth(isLess(${a}, ${b}) || isEqual(${a}, ${b}))`,
  ">": ([a, b]) => `truth(isLess(${b}, ${a}))`,
  ">=": ([a, b]) => `truth(isLess(${b}, ${a}) || isEqual(${a}, ${b}))`,
  "==": ([a, b]) => `truth(isEqual(${a}, ${b}))`,
  "!=": ([a, b]) => `truth(isLess(${a}, ${b}) || isLess(${b}, ${a}))`,
  abs: ([a]) => `absolute(${a})`,
  sqrt: ([a]) => `hidden(sqrt(${a}))`,
  sign: ([a]) => `signOf(${a})`,
  min: ([a, b]) => `least(${a}, ${b})`,
  max: ([a, b]) => `greatest(${a}, ${b})`,
  clamp: ([a, low, high]) => `least(greatest(${a}, ${low}), ${high})`,
  fma: ([a, b, c]) => `fused(${a}, ${b}, ${c})`,
  where: ([condition, a, b]) => `select(${b}, ${a}, isTrue(${condition}))`,
  round: ([a], dtype) => roundCode[dtype](a),
};

/** Operations on numbers alone. */
export const numberCode: Readonly<Record<NumberOp, Lowering>> = {
  "%": ([a, b]) => `remainderOf(${a}, ${b})`,
  pow: ([a, b]) => `powerOf(${a}, ${b})`,
  exp: ([a]) => `exponentialOf(${a})`,
  log: ([a]) => `logarithmOf(${a})`,
  cos: ([a]) => `cosineOf(${a})`,
  floor: ([a]) => `floor(${a})`,
};

const roundCode: Readonly<Record<DType, (a: string) => string>> = {
  float32: (a) => a,
  bfloat16: (a) => `widenBfloat16(narrowBfloat16(${a}))`,
  float16: (a) => `widenFloat16(narrowFloat16(${a}))`,
};

/** Sets what `hidden` needs, from a word that is 1. */
export const zeroCode = (code: string, one: string): string => /\b(hidden|fused)\(/.test(code) ? `  zero = ${one} - 1u;\n` : "";

/** A pattern of 16 bits as a number, and back. */
export const halfCode: Readonly<Record<"bfloat16" | "float16", { widen: (bits: string) => string; narrow: (x: string) => string }>> = {
  bfloat16: { widen: (bits) => `widenBfloat16(${bits})`, narrow: (x) => `narrowBfloat16(${x})` },
  float16: { widen: (bits) => `widenFloat16(${bits})`, narrow: (x) => `narrowFloat16(${x})` },
};

/** Functions by name, each after those that it calls. The patterns of 16 bits are those of `kernels/half.ts`. */
const functions: Readonly<Record<string, string>> = {
  hidden: "fn hidden(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }",
  isNaN: "fn isNaN(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }",
  truth: "fn truth(is: bool) -> f32 { return select(0.0, 1.0, is); }",
  isLess: "fn isLess(a: f32, b: f32) -> bool { return a < b && !isNaN(a) && !isNaN(b); }",
  isEqual: "fn isEqual(a: f32, b: f32) -> bool { return a == b && !isNaN(a) && !isNaN(b); }",
  isTrue: "fn isTrue(x: f32) -> bool { let size = bitcast<u32>(x) & 0x7fffffffu; return size != 0u && size <= 0x7f800000u; }",
  negated: "fn negated(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }",
  absolute: "fn absolute(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }",
  signOf: "fn signOf(x: f32) -> f32 { return select(select(x, -1.0, isLess(x, 0.0)), 1.0, isLess(0.0, x)); }",
  // Zeros are equal, and the least of them is -0; what is equal and no zero has the same bits.
  least: `fn least(a: f32, b: f32) -> f32 {
  if (isNaN(a)) { return a; }
  if (isNaN(b)) { return b; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b)); }
  return select(b, a, a < b);
}`,
  greatest: `fn greatest(a: f32, b: f32) -> f32 {
  if (isNaN(a)) { return a; }
  if (isNaN(b)) { return b; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b)); }
  return select(a, b, a < b);
}`,
  // Not WGSL's fma, which may round the product. The product's error is exact (Dekker's product with Veltkamp's splitting), and so is the sum's (Knuth's), where
  // none of it leaves float32's range; elsewhere the error counts for nothing.
  upperHalf: "fn upperHalf(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }",
  fused: `fn fused(a: f32, b: f32, c: f32) -> f32 {
  let product = hidden(a * b);
  let sum = hidden(product + c);
  let size = absolute(product);
  if (!(size < 1e36 && size > 1e-28 && absolute(c) < 1e36 && absolute(a) < 1e18 && absolute(b) < 1e18)) { return sum; }
  let ah = upperHalf(a);
  let al = hidden(a - ah);
  let bh = upperHalf(b);
  let bl = hidden(b - bh);
  let low = ((hidden(ah * bh) - product) + hidden(ah * bl) + hidden(al * bh)) + hidden(al * bl);
  let back = hidden(sum - product);
  let lost = hidden(product - hidden(sum - back)) + hidden(c - back);
  return sum + (lost + low);
}`,
  widenBfloat16:
    `fn widenBfloat16(bits: u32) -> f32 { return bitcast<f32>((bits | select(0u, 0x40u, (bits & 0x7fffu) > 0x7f80u)) << 16u); }`,
  narrowBfloat16: `fn narrowBfloat16(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  if ((word & 0x7fffffffu) > 0x7f800000u) { return ((word >> 16u) & 0x8000u) | 0x7fc0u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}`,
  widenFloat16: `fn widenFloat16(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let size = bits & 0x7fffu;
  if (size > 0x7c00u) { return bitcast<f32>(sign | 0x7fc00000u | (size << 13u)); }
  if (size == 0x7c00u) { return bitcast<f32>(sign | 0x7f800000u); }
  if (size >= 0x400u) { return bitcast<f32>(sign | ((size << 13u) + (112u << 23u))); }
  if (size == 0u) { return bitcast<f32>(sign); }
  let shift = countLeadingZeros(size) - 8u;
  return bitcast<f32>(sign | ((size << shift) + ((125u - shift) << 23u)));
}`,
  narrowFloat16: `fn narrowFloat16(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  let sign = (word >> 16u) & 0x8000u;
  let size = word & 0x7fffffffu;
  if (size >= 0x47800000u) { return sign | select(0x7c00u, 0x7e00u, size > 0x7f800000u); }
  if (size >= 0x38800000u) { return sign | ((size - (112u << 23u) + 0xfffu + ((size >> 13u) & 1u)) >> 13u); }
  let shift = 126u - (size >> 23u);
  if (shift > 24u) { return sign; }
  let fraction = (size & 0x7fffffu) | 0x800000u;
  return sign | ((fraction + (1u << (shift - 1u)) - 1u + ((fraction >> shift) & 1u)) >> shift);
}`,
  // Where a division rounds as it likes, the quotient may be one too few or too many.
  remainderOf: `fn remainderOf(a: f32, b: f32) -> f32 {
  let rest = a - b * floor(a / b);
  if (b > 0.0) { return select(select(rest, rest + b, rest < 0.0), rest - b, rest >= b); }
  return select(select(rest, rest + b, rest > 0.0), rest - b, rest <= b);
}`,
  noNumber: "fn noNumber() -> f32 { var bits = 0x7fc00000u; return bitcast<f32>(bits); }",
  isInfinite: "fn isInfinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }",
  // What WGSL's own functions give for NaN, and outside of their domain, is nobody's promise.
  exponentialOf: "fn exponentialOf(x: f32) -> f32 { if (isNaN(x)) { return x; } return exp(x); }",
  logarithmOf: `fn logarithmOf(x: f32) -> f32 {
  if (isNaN(x)) { return x; }
  if (x < 0.0) { return noNumber(); }
  if (x == 0.0) { return negated(1.0 / absolute(x)); }
  if (isInfinite(x)) { return x; }
  return log(x);
}`,
  cosineOf: "fn cosineOf(x: f32) -> f32 { if (isNaN(x) || isInfinite(x)) { return noNumber(); } return cos(x); }",
  // Small whole powers by products, which round less than logarithms do.
  powerOf: `fn powerOf(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return 1.0; }
  if (isNaN(a)) { return a; }
  if (isNaN(b)) { return b; }
  if (b == floor(b) && absolute(b) <= 64.0) {
    var power = 1.0;
    var square = a;
    for (var left = u32(absolute(b)); left > 0u; left >>= 1u) {
      if ((left & 1u) == 1u) { power *= square; }
      square *= square;
    }
    return select(power, 1.0 / power, b < 0.0);
  }
  if (a == 0.0) { return select(0.0, 1.0 / absolute(a), b < 0.0); }
  if (a < 0.0) { return noNumber(); }
  if (isInfinite(a)) { return select(a, 0.0, b < 0.0); }
  return exp2(b * log2(a));
}`,
};

/** The functions that a code calls, directly and through each other. Who calls `hidden` sets `zero` first, by {@linkcode zeroCode}. */
export function functionsFor(code: string): string {
  const names = Object.keys(functions);
  const wanted = new Set<string>();
  const look = (text: string): void => {
    for (const name of names) {
      if (wanted.has(name) || !text.includes(`${name}(`)) continue;
      wanted.add(name);
      look(functions[name]);
    }
  };
  look(code);
  const zero = wanted.has("hidden") ? ["var<private> zero: u32;"] : [];
  return [...zero, ...names.filter((name) => wanted.has(name)).map((name) => functions[name])].join("\n");
}

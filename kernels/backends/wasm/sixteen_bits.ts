/**
 * bfloat16 and float16 in vectors: how numbers are rounded to them, and how patterns of 16 bits are widened and narrowed, as instructions.
 *
 * No select where a masked add will do (engines make three instructions of one), and no subnormal float32 on the way, which costs a hundred cycles.
 * Select-based texts with one branch a kind of number took 1.1 instead of 0.4 ns an element and rounding. The meaning is `half.ts`'s, bit by bit.
 *
 * @module
 */
import { type Code, f32x4, i32, i32x4, localGet, localSet, v128 } from "./assembler.ts";

/** What the instructions use beside the vector on the stack. */
export interface Registers {
  /** A vector of four equal lanes, by its bits. */
  vector(bits: number): Code;
  /** Locals that nothing else uses meanwhile. */
  readonly temporaries: readonly [number, number, number];
}

/** Each takes a vector from the stack and leaves one there. */
export interface SixteenBits {
  /** Numbers to the nearest that the type has. */
  round(registers: Registers): Code;
  /** Patterns in 32-bit lanes to numbers. */
  widen(registers: Registers): Code;
  /** Numbers that the type has to patterns in 32-bit lanes. */
  narrow(registers: Registers): Code;
}

const sign = 0x80000000;
/** The exponent's bits of a float32: infinity. */
const infinity = 0x7f800000;
/** 2^-14 in float32, the least number of float16 that is not subnormal. */
const leastNormal = 0x38800000;
/** What float32's exponent is more than float16's, in its place. */
const bias = 112 << 23;
/** One in the exponent's place. */
const oneExponent = 1 << 23;

/** The upper half of a float32. */
export const bfloat16: SixteenBits = {
  round: ({ vector, temporaries: [x] }) => [
    localSet(x),
    // to even at bit 16; what was NaN stays NaN, whatever the carry made of it
    [localGet(x), i32.const(16), i32x4.shrUnsigned, vector(1), v128.and],
    [localGet(x), i32x4.add, vector(0x7fff), i32x4.add, vector(0xffff0000), v128.and],
    [localGet(x), localGet(x), f32x4.ne, vector(0x7fc00000), v128.and, v128.or],
  ],
  widen: () => [i32.const(16), i32x4.shl],
  narrow: () => [i32.const(16), i32x4.shrUnsigned],
};

/** 5 bits of exponent about 15, 10 of fraction. */
export const float16: SixteenBits = {
  round: ({ vector, temporaries: [x, size, step] }) => [
    localSet(x),
    // beyond the range: 65536, which the last two factors turn into infinity; NaN is not less than anything and stays
    [localGet(x), f32x4.abs, vector(0x47800000), f32x4.pmin, localSet(size)],
    // adding 2^13 times the number's power of two, at least 2^-1, leaves 11 bits, or steps of 2^-24 below 2^-14
    [localGet(size), vector(infinity), v128.and, vector(leastNormal), i32x4.maxUnsigned, vector(13 << 23), i32x4.add, localSet(step)],
    [localGet(size), localGet(step), f32x4.add, localGet(step), f32x4.sub],
    [vector(0x77800000), f32x4.mul, vector(0x07800000), f32x4.mul],
    [localGet(x), vector(sign), v128.and, v128.or],
  ],
  widen: ({ vector, temporaries: [pattern, size, subnormal] }) => [
    localSet(pattern),
    [localGet(pattern), vector(0x7fff), v128.and, localSet(size)],
    // a subnormal gets the exponent of 2^-14, and then 2^-14 less
    [vector(0x400), localGet(size), i32x4.greater, localSet(subnormal)],
    [localGet(size), i32.const(13), i32x4.shl, vector(bias), i32x4.add],
    [localGet(subnormal), vector(oneExponent), v128.and, i32x4.add],
    [localGet(subnormal), vector(leastNormal), v128.and, f32x4.sub],
    // infinity and NaN get the highest exponent
    [localGet(size), vector(0x7bff), i32x4.greater, vector(infinity), v128.and, v128.or],
    [localGet(pattern), localGet(size), v128.xor, i32.const(16), i32x4.shl, v128.or],
  ],
  narrow: ({ vector, temporaries: [x, size, subnormal] }) => [
    localSet(x),
    [localGet(x), f32x4.abs, localSet(size)],
    // a subnormal gets 2^-14 more, so that its bits lie in the fraction, and then the exponent that this gave it less
    [vector(leastNormal), localGet(size), i32x4.greater, localSet(subnormal)],
    [localGet(size), localGet(subnormal), vector(leastNormal), v128.and, f32x4.add],
    [localGet(subnormal), vector(oneExponent), v128.and, i32x4.sub, vector(bias), i32x4.sub],
    // infinity and NaN: float32's highest exponent to float16's
    [localGet(size), vector(0x7f7fffff), i32x4.greater, vector(bias), v128.and, i32x4.sub],
    [i32.const(13), i32x4.shrUnsigned],
    [localGet(x), i32.const(16), i32x4.shrUnsigned, vector(0x8000), v128.and, v128.or],
  ],
};

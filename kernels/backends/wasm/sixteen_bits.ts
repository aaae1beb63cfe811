/**
 * bfloat16 and float16 in vectors: how numbers are rounded to them, and how patterns of 16 bits are widened and narrowed, as instructions.
 *
 * No select where a masked add will do (engines make three instructions of one), and no subnormal float32 on the way, which costs a hundred cycles.
 * Select-based texts with one branch a kind of number took 1.1 instead of 0.4 ns an element and rounding. The meaning is `half.ts`'s, bit by bit, but for
 * the sign and the fraction of NaN.
 *
 * @module
 */
import { type Code, f32x4, i32x4, localGet, localSet, v128 } from "./assembler.ts";

/** What the instructions use beside the vector on the stack. */
export interface Registers {
  /** A vector of four equal lanes, by its bits. */
  vector(bits: number): Code;
  /** Locals that nothing else uses meanwhile. */
  readonly temporaries: readonly [number, number, number];
  /**
   * True where numbers may be NaN with any fraction, as float32 in memory may. Where all that is read has 16 bits, the lower half of a NaN is zeros: the
   * operand's that it is from, or the processor's own, and rounding cannot carry it into the sign.
   */
  readonly anyNaN: boolean;
}

/** Each takes a vector from the stack or from locals, and leaves one on the stack. */
export interface SixteenBits {
  /** Numbers to the nearest that the type has. */
  round(registers: Registers): Code;
  /** The first or the last four of eight lanes of patterns to numbers. */
  widen(registers: Registers, patterns: number, half: Half): Code;
  /** Two vectors of any numbers to eight lanes of the nearest patterns. */
  narrow(registers: Registers, a: number, b: number): Code;
  /** Two vectors of numbers that the type has to eight lanes of patterns. */
  narrowRounded(registers: Registers, a: number, b: number): Code;
}

/** Which four of eight lanes. */
export type Half = "low" | "high";

const sign = 0x80000000;
/** The exponent's bits of a float32: infinity. */
const infinity = 0x7f800000;
/** 2^-14 in float32, the least number of float16 that is not subnormal. */
const leastNormal = 0x38800000;
/** 2^16 in float32, too large for float16. */
const most = 0x47800000;

/**
 * The upper half of each lane, with its sign: as a product, for which JavaScriptCore needs one instruction and V8 one more register, where a shift takes
 * JavaScriptCore four.
 */
const upperHalf = ({ vector }: Registers, x: Code): Code => [x, vector(0x00010000), i32x4.dot];

/** A bfloat16's bits, rounded to nearest even, above what is left of the others. */
function carried(registers: Registers, x: number): Code {
  const { vector, anyNaN } = registers;
  return [
    [upperHalf(registers, localGet(x)), vector(1), v128.and],
    [localGet(x), i32x4.add, vector(0x7fff), i32x4.add],
    // what was NaN is all ones, whatever the carry made of it
    anyNaN ? [localGet(x), localGet(x), f32x4.ne, v128.or] : [],
  ];
}

/** Of zeros and eight lanes of 16 bits: four of these in the upper halves of four lanes. */
const aboveZeros: Readonly<Record<Half, () => Code>> = {
  low: () => v128.shuffle([0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23]),
  high: () => v128.shuffle([8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31]),
};

/**
 * Of eight lanes of 16 bits four, each twice, where one of the two is multiplied away: one instruction in both engines, where to extend the upper four is
 * two.
 */
const twice: Readonly<Record<Half, () => Code>> = {
  low: () => v128.shuffle([0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7]),
  high: () => v128.shuffle([8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 15, 14, 15]),
};

/** The upper half of a float32. */
export const bfloat16: SixteenBits = {
  round: (registers) => {
    const { vector, temporaries: [x] } = registers;
    return [localSet(x), carried(registers, x), vector(0xffff0000), v128.and];
  },
  widen: ({ vector }, patterns, half) => [vector(0), localGet(patterns), aboveZeros[half]()],
  narrow: (registers, a, b) => [[a, b].map((x) => upperHalf(registers, carried(registers, x))), i32x4.narrowSigned],
  narrowRounded: (registers, a, b) => [[a, b].map((x) => upperHalf(registers, localGet(x))), i32x4.narrowSigned],
};

/**
 * A number that rounds another when it is added and taken off again: once and a half 2^13 times its power of two, so that the sum has the same power whatever
 * the sign, and 11 bits are left; steps of 2^-24 below 2^-14. From 2^16 on it does not grow, so that it stays finite.
 */
const roundingOf = ({ vector }: Registers, x: number): Code => [
  [localGet(x), vector(infinity), v128.and, vector(leastNormal), i32x4.maxUnsigned, vector(most), i32x4.minUnsigned],
  [vector((13 << 23) + (1 << 22)), i32x4.add],
];

/** The size of a number, at most 65536, into `size`; on the stack the step that rounds it when it is added: NaN is not less than anything and stays. */
const stepOf = ({ vector }: Registers, x: number, size: number): Code => [
  [localGet(x), vector(0x7fffffff), v128.and, vector(most), f32x4.pmin, localSet(size)],
  // 2^13 times the number's power of two, at least 2^-1: it leaves 11 bits, or steps of 2^-24 below 2^-14
  [localGet(size), vector(infinity), v128.and, vector(leastNormal), i32x4.maxUnsigned, vector(13 << 23), i32x4.add],
];

/**
 * The size of a float16's pattern. Of the sum with the step, the lower half counts the steps that the number has, and the upper half is 8 times less
 * than what the number's exponent adds to them; 65536 becomes infinity by itself, and NaN too large for 16 bits.
 */
const patternOf = (registers: Registers, x: number): Code => {
  const { vector, temporaries: [, size] } = registers;
  return [
    [stepOf(registers, x, size), localGet(size), f32x4.add],
    [vector(0x00080001), i32x4.dot, vector(126 << 10), i32x4.sub],
  ];
};

/** Cut to 16 bits with their sign, NaN's size is 0x7fff, and a number's bits are negative where it is. */
const narrowFloat16 = (registers: Registers, a: number, b: number): Code => [
  [patternOf(registers, a), patternOf(registers, b), i32x4.narrowSigned],
  [localGet(a), localGet(b), i32x4.narrowSigned, registers.vector(0x80008000), v128.and, v128.or],
];

/** 5 bits of exponent about 15, 10 of fraction. */
export const float16: SixteenBits = {
  round: (registers) => {
    const { vector, temporaries: [x, , step] } = registers;
    return [
      [localSet(x), roundingOf(registers, x), localSet(step)],
      [localGet(x), localGet(step), f32x4.add, localGet(step), f32x4.sub],
      // What has 65536 and more becomes infinity; what becomes 0 has its sign again.
      [vector(0x77800000), f32x4.mul, vector(0x07800000), f32x4.mul],
      [localGet(x), vector(sign), v128.and, v128.or],
    ];
  },
  widen: ({ vector, temporaries: [bits, size] }, patterns, half) => [
    [localGet(patterns), localGet(patterns), twice[half](), vector(1 << 13), i32x4.dot, localSet(bits)],
    // 2^112 times too large, so that infinity and NaN have their exponent
    [localGet(bits), vector(0x7fff << 13), v128.and, vector(224 << 23), i32x4.add, localSet(size)],
    // a subnormal s has the size of 2^-15 + s/2: what this is less than 2^-14 is taken off once more
    [vector(0), localGet(size), vector(225 << 23), f32x4.sub, f32x4.pmin],
    [localGet(size), f32x4.add, vector(15 << 23), f32x4.mul],
    [localGet(bits), vector(sign), v128.and, v128.or],
  ],
  narrow: narrowFloat16,
  narrowRounded: narrowFloat16,
};

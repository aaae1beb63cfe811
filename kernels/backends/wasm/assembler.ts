/**
 * WebAssembly's binary format: instructions under their names, structured control flow, locals, and modules of one function. It knows no kernels.
 *
 * Code is nested arrays of bytes, in the order of the stack: `[localGet(a), localGet(b), f32x4.add]`.
 *
 * @module
 */

/** Instructions, encoded. */
export type Code = readonly (number | Code)[];

/** Types of locals and parameters. */
export type ValueType = "i32" | "f64" | "v128";

const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f64: 0x7c, v128: 0x7b };

// ---- numbers

/** LEB128, for counts, indices and offsets. */
function unsigned(n: number): number[] {
  const bytes: number[] = [];
  do {
    const low = n & 127;
    n >>>= 7;
    bytes.push(n === 0 ? low : low | 128);
  } while (n !== 0);
  return bytes;
}

/** LEB128 in two's complement, for constants. */
function signed(n: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = n & 127;
    n >>= 7;
    if ((n === 0 && (low & 64) === 0) || (n === -1 && (low & 64) !== 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const littleEndian = (bits: number): number[] => [bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, (bits >>> 24) & 255];

// ---- locals

/** A function's locals; its parameters have the first numbers. */
export interface Locals {
  readonly parameters: number;
  readonly types: ValueType[];
}

/** One more local: its number. */
export const declare = ({ parameters, types }: Locals, type: ValueType): number => parameters + types.push(type) - 1;

/** Pushes a local. */
export const localGet = (local: number): Code => [0x20, ...unsigned(local)];
/** Pops into a local. */
export const localSet = (local: number): Code => [0x21, ...unsigned(local)];
/** Copies the top of the stack into a local. */
export const localTee = (local: number): Code => [0x22, ...unsigned(local)];

// ---- control flow

const untyped = 0x40;
const end = 0x0b;

/** Runs `body` where the number on the stack is not 0. */
export const when = (body: Code): Code => [0x04, untyped, body, end];

/** Runs `body` again and again, until `done` leaves a number that is not 0. */
export const loopUntil = (done: Code, body: Code): Code => [
  [0x02, untyped], // block
  [0x03, untyped], // loop
  [done, 0x0d, 1], // br_if out of the block
  body,
  [0x0c, 0], // br to the start of the loop
  end,
  end,
];

/** Of two values and a number: the first where the number is not 0. */
export const select: Code = [0x1b];

// ---- instructions, SIMD's after the prefix 0xfd; an offset is added to the address on the stack, and nothing is said of alignment

const access = (offset: number): Code => [0, ...unsigned(offset)];

/** Integers of 32 bits, and addresses. */
export const i32 = {
  const: (n: number): Code => [0x41, ...signed(n | 0)],
  load: (offset: number): Code => [0x28, access(offset)],
  store: (offset: number): Code => [0x36, access(offset)],
  isZero: [0x45],
  eq: [0x46],
  lessUnsigned: [0x49],
  greaterUnsigned: [0x4b],
  atLeastUnsigned: [0x4f],
  add: [0x6a],
  sub: [0x6b],
  mul: [0x6c],
  and: [0x71],
  or: [0x72],
  shl: [0x74],
} as const;

/** Single numbers of float32 on their way to and from float64. */
export const f32 = {
  load: (offset: number): Code => [0x2a, access(offset)],
  store: (offset: number): Code => [0x38, access(offset)],
  /** To the integer below, as an unsigned one; what is none is 0 or the largest. */
  truncate: [0xfc, 0x01],
  fromUnsigned: [0xb3],
  eq: [0x5b],
  ne: [0x5c],
  lt: [0x5d],
  demote: [0xb6],
} as const;

/** Numbers of float64. */
export const f64 = {
  const: (x: number): Code => [0x44, [...new Uint8Array(new Float64Array([x]).buffer)]],
  load: (offset: number): Code => [0x2b, access(offset)],
  store: (offset: number): Code => [0x39, access(offset)],
  eq: [0x61],
  lt: [0x63],
  le: [0x65],
  ge: [0x66],
  abs: [0x99],
  neg: [0x9a],
  sqrt: [0x9f],
  add: [0xa0],
  sub: [0xa1],
  mul: [0xa2],
  div: [0xa3],
  max: [0xa5],
  fromUnsigned: [0xb8],
  promote: [0xbb],
} as const;

/** Vectors of 128 bits, whatever lies in them. */
export const v128 = {
  load: (offset: number): Code => [0xfd, 0x00, access(offset)],
  load16Splat: (offset: number): Code => [0xfd, 0x08, access(offset)],
  load32Splat: (offset: number): Code => [0xfd, 0x09, access(offset)],
  /** One number of 16 bits into a lane of the vector on the stack. */
  load16Lane: (offset: number, lane: number): Code => [0xfd, 0x55, access(offset), lane],
  /** 32 bits into the first lane, zeros into the others. */
  load32Zero: (offset: number): Code => [0xfd, 0x5c, access(offset)],
  store: (offset: number): Code => [0xfd, 0x0b, access(offset)],
  store16Lane: (offset: number, lane: number): Code => [0xfd, 0x59, access(offset), lane],
  store32Lane: (offset: number, lane: number): Code => [0xfd, 0x5a, access(offset), lane],
  /** Four lanes of the same 32 bits. */
  splat: (bits: number): Code => [0xfd, 0x0c, [1, 2, 3, 4].map(() => littleEndian(bits))],
  /** 16 bytes of the two vectors on the stack, by number. */
  shuffle: (bytes: readonly number[]): Code => [0xfd, 0x0d, bytes],
  and: [0xfd, 0x4e],
  or: [0xfd, 0x50],
  xor: [0xfd, 0x51],
  /** Of two vectors and a mask: bits of the first where the mask has ones. */
  select: [0xfd, 0x52],
} as const;

/** Four lanes of integers. */
export const i32x4 = {
  splat: [0xfd, 0x11],
  add: [0xfd, 0xae, 0x01],
  sub: [0xfd, 0xb1, 0x01],
  minUnsigned: [0xfd, 0xb7, 0x01],
  maxUnsigned: [0xfd, 0xb9, 0x01],
  /** Of two vectors of eight lanes of 16 bits with signs: the sum of two products in each lane. */
  dot: [0xfd, 0xba, 0x01],
  /** Two vectors to eight lanes of 16 bits; what does not fit is cut to -32,768 and 32,767. */
  narrowSigned: [0xfd, 0x85, 0x01],
} as const;

/** Four lanes of float32; comparisons leave ones or zeros in a lane. */
export const f32x4 = {
  splat: [0xfd, 0x13],
  first: [0xfd, 0x1f, 0],
  eq: [0xfd, 0x41],
  ne: [0xfd, 0x42],
  lt: [0xfd, 0x43],
  gt: [0xfd, 0x44],
  le: [0xfd, 0x45],
  ge: [0xfd, 0x46],
  abs: [0xfd, 0xe0, 0x01],
  neg: [0xfd, 0xe1, 0x01],
  sqrt: [0xfd, 0xe3, 0x01],
  add: [0xfd, 0xe4, 0x01],
  sub: [0xfd, 0xe5, 0x01],
  mul: [0xfd, 0xe6, 0x01],
  div: [0xfd, 0xe7, 0x01],
  min: [0xfd, 0xe8, 0x01],
  max: [0xfd, 0xe9, 0x01],
  /** `b < a ? b : a`: one instruction where `min` is several. */
  pmin: [0xfd, 0xea, 0x01],
  /** Two lanes of float64 to the first two, zeros after them. */
  demote: [0xfd, 0x5e],
} as const;

/** Two lanes of float64. */
export const f64x2 = {
  splat: [0xfd, 0x14],
  lane: (lane: 0 | 1): Code => [0xfd, 0x21, lane],
  /** Of a vector and a number: the vector with the number in that lane. */
  withLane: (lane: 0 | 1): Code => [0xfd, 0x22, lane],
  add: [0xfd, 0xf0, 0x01],
  mul: [0xfd, 0xf2, 0x01],
  max: [0xfd, 0xf5, 0x01],
  /** The first two lanes of float32. */
  promoteLow: [0xfd, 0x5f],
} as const;

// ---- modules

/** A function that a module exports. */
export interface ExportedFunction {
  readonly name: string;
  /** Types of the parameters; it gives nothing back. */
  readonly parameters: readonly ValueType[];
  readonly locals: Locals;
  readonly body: Code;
}

/** Pages that an imported memory may have at most: all that there are. */
const mostPages = 65_536;

/**
 * The bytes of a module that exports one function and imports a shared memory, `env.memory`.
 *
 * Of one page at least, which every arena has: where V8 compares addresses with the memory's size it then does so once a load, and not twice where there
 * is an offset (products 15 % faster in Deno).
 */
export function assembleModule({ name, parameters, locals, body }: ExportedFunction): Uint8Array<ArrayBuffer> {
  const code = flatten([unsigned(locals.types.length), locals.types.map((type) => [1, typeCodes[type]]), body, end]);
  return Uint8Array.from(flatten([
    [0, 97, 115, 109, 1, 0, 0, 0], // "\0asm", version 1
    section(1, [1, 0x60, parameters.length, parameters.map((type) => typeCodes[type]), 0]), // types
    section(2, [1, text("env"), text("memory"), 2, 3, 1, unsigned(mostPages)]), // imports: a memory, shared, from 1 page
    section(3, [1, 0]), // functions: one of type 0
    section(7, [1, text(name), 0, 0]), // exports: function 0
    section(10, [1, unsigned(code.length), code]),
  ]));
}

function section(id: number, content: Code): Code {
  const bytes = flatten([content]);
  return [id, unsigned(bytes.length), bytes];
}

const text = (ascii: string): Code => [ascii.length, [...ascii].map((c) => c.charCodeAt(0))];

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  const walk = (part: Code): void => {
    for (const item of part) typeof item === "number" ? bytes.push(item) : walk(item);
  };
  walk(code);
  return bytes;
}

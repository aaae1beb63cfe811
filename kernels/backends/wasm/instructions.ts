/**
 * Instructions that several routines use: loops, sums of addresses, single numbers.
 *
 * A routine's function is
 *
 * ```text
 * k(job, begin, end, rowBegin, rowEnd, matrix, unused, local)
 * job:  the addresses of what it reads and of the result, then rows and columns of the result and `inner`, 32 bits each
 * ```
 *
 * A kernel's function has as many parameters, so that workers need not know which of both they run.
 *
 * @module
 */
import {
  assembleModule,
  type Code,
  declare,
  i32,
  localGet,
  type Locals,
  localSet,
  loopUntil,
  select,
  v128,
  type ValueType,
  when,
} from "./assembler.ts";

/** Types of the parameters. */
export const parameters: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"];
/** The parameter with the job's address. */
export const JOB = 0;
/** The parameter with the first column. */
export const BEGIN = 1;
/** The parameter with the column after the last one. */
export const END = 2;
/** The parameter with the first row. */
export const ROW_BEGIN = 3;
/** The parameter with the row after the last one. */
export const ROW_END = 4;
/** The parameter with the number of the matrix. */
export const MATRIX = 5;
/** The parameter with the address of the thread's own memory. */
export const LOCAL = 7;

/** No locals yet. */
export const noLocals = (): Locals => ({ parameters: parameters.length, types: [] });

/** So many locals of a type: their numbers. */
export const declared = (locals: Locals, type: ValueType, count: number): number[] =>
  Array.from({ length: count }, () => declare(locals, type));

/** Adds to a local. */
export const advance = (local: number, step: Code): Code => [localGet(local), step, i32.add, localSet(local)];

/** Sets a local to a sum. */
export const sumInto = (local: number, a: Code, b: Code): Code => [a, b, i32.add, localSet(local)];

/** A product on the stack. */
export const product = (...factors: readonly Code[]): Code => factors.map((factor, k) => k === 0 ? factor : [factor, i32.mul]);

/** Runs a body with a local from `begin` on while it is below `end`. */
export const stepLoop = (local: number, begin: Code, end: Code, step: number, body: Code): Code => [
  [begin, localSet(local)],
  loopUntil([localGet(local), end, i32.atLeastUnsigned], [body, advance(local, i32.const(step))]),
];

/** Bytes of so many numbers. */
export const bytes = (count: Code, of: 4 | 8): Code => [count, i32.const(of === 4 ? 2 : 3), i32.shl];

/** The address of a number by its index. */
export const addressOf = (base: number, index: Code, of: 4 | 8): Code => [localGet(base), bytes(index, of), i32.add];

/** Runs a body with a local from `end - 1` down to `begin`. */
export const stepDown = (local: number, begin: Code, end: Code, body: Code): Code => [
  [end, localSet(local)],
  loopUntil([begin, localGet(local), i32.atLeastUnsigned], [advance(local, i32.const(-1)), body]),
];

/** Runs a body where the number on the stack is 0. */
export const unless = (condition: Code, body: Code): Code => [condition, i32.isZero, when(body)];

/** The lesser of two on the stack, without a sign. */
export const lesser = (a: Code, b: Code): Code => [a, b, a, b, i32.lessUnsigned, select];

/** Copies one number. */
export const copyNumber = (to: number, from: number): Code => [localGet(to), localGet(from), v128.load32Zero(0), v128.store32Lane(0, 0)];

/** Loads the job's words into locals. */
export const readJob = (words: readonly number[]): Code => words.map((local, k) => [localGet(JOB), i32.load(4 * k), localSet(local)]);

/** A routine's module. */
export const moduleOf = (locals: Locals, body: Code): Uint8Array<ArrayBuffer> => assembleModule({ name: "k", parameters, locals, body });

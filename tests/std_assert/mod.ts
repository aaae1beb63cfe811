/**
 * The part of `jsr:@std/assert` that the tests use, over `node:util`, for machines that do not reach JSR. Same names, same signatures.
 *
 * One difference, on the strict side: `assertEquals` tells 0 from -0 and a null prototype from Object's, which the original does not.
 * So what passes here passes there (`assertNotEquals` the other way round). CONTRIBUTING.md says how the original takes its place.
 *
 * @module
 */
import { inspect, isDeepStrictEqual } from "node:util";

/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  /** An error with a message and, perhaps, a cause. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class of errors, as `instanceof` takes it. */
export type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Fails unless `expr` is truthy; narrows its type. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg || "Expected a truthy value");
}

/** Fails unless `expr` is falsy. */
export function assertFalse(
  expr: unknown,
  msg = "",
): asserts expr is false | 0 | "" | null | undefined {
  if (expr) throw new AssertionError(msg || "Expected a falsy value");
}

/** Fails unless both are deeply equal: same types, same structure, same values; NaN equals NaN. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    refuse(`Values are not equal${difference(actual, expected)}`, msg);
  }
}

/** Fails if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) {
    refuse(`Expected another value than ${show(actual)}`, msg);
  }
}

/** Fails unless both are the same value by `Object.is`; narrows the type. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    refuse(
      `Values are not strictly equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
      msg,
    );
  }
}

/** Fails if both are the same value by `Object.is`. */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (Object.is(actual, expected)) {
    refuse(`Expected another value than ${show(actual)}`, msg);
  }
}

/** Fails unless the numbers differ by at most the tolerance; default |expected| * 1e-7. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected) * 1e-7 : 1e-7);
  const delta = Math.abs(expected - actual);
  if (!(delta <= allowed)) {
    refuse(
      `Expected ${actual} to be within ${allowed} of ${expected}; it is ${delta} away`,
      msg,
    );
  }
}

/** Fails unless `actual` is greater. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) {
    refuse(`Expected ${show(actual)} > ${show(expected)}`, msg);
  }
}

/** Fails unless `actual` is greater or equal. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual >= expected)) {
    refuse(`Expected ${show(actual)} >= ${show(expected)}`, msg);
  }
}

/** Fails unless `actual` is less. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) {
    refuse(`Expected ${show(actual)} < ${show(expected)}`, msg);
  }
}

/** Fails unless `actual` is less or equal. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!(actual <= expected)) {
    refuse(`Expected ${show(actual)} <= ${show(expected)}`, msg);
  }
}

/** Fails if the value is null or undefined; narrows its type. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) {
    refuse(`Expected a value, not ${actual}`, msg);
  }
}

/** Fails unless the value is an instance of the class; narrows its type. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: never[]) => T,
  msg = "",
): asserts actual is T {
  if (!(actual instanceof expectedType)) {
    refuse(
      `Expected an instance of ${expectedType.name}, not ${show(actual)}`,
      msg,
    );
  }
}

/** Fails unless the string contains the other. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (!actual.includes(expected)) {
    refuse(`Expected ${show(actual)} to contain ${show(expected)}`, msg);
  }
}

/** Fails unless the array-like contains every expected value, by deep equality. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((value) => !all.some((other) => isDeepStrictEqual(value, other)));
  if (missing.length > 0) {
    refuse(`Expected ${show(actual)} to include ${show(missing)}`, msg);
  }
}

/** Fails unless the string matches. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) {
    refuse(`Expected ${show(actual)} to match ${expected}`, msg);
  }
}

/** Fails if the string matches. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) {
    refuse(`Expected ${show(actual)} not to match ${expected}`, msg);
  }
}

/** Fails unless `fn` throws; gives what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless `fn` throws an error of this class whose message contains `msgIncludes`; gives the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
/** Both of the above. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const [expected, text] = typeof classOrMsg === "string" ? [undefined, classOrMsg] : [classOrMsg, msg];
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    checkError(error, expected, msgIncludes, text);
    return error;
  }
  refuse("Expected function to throw", text);
  return thrown;
}

/** Fails unless the promise that `fn` gives rejects; gives the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Fails unless the promise rejects with an error of this class whose message contains `msgIncludes`; gives the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
/** Both of the above. */
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const [expected, text] = typeof classOrMsg === "string" ? [undefined, classOrMsg] : [classOrMsg, msg];
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(
      "Function throws when expected to reject" + suffix(text),
      { cause: error },
    );
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, expected, msgIncludes, text);
    return error;
  }
  return refuse("Expected function to reject", text);
}

/** Fails. */
export function fail(msg?: string): never {
  return refuse("Failed assertion", msg);
}

/** Fails: this line should never run. */
export function unreachable(msg?: string): never {
  return refuse("Unreachable", msg);
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : "";
}

function refuse(what: string, msg: string | undefined): never {
  throw new AssertionError(what + suffix(msg));
}

function checkError<E extends Error>(
  error: unknown,
  expected: ErrorClass<E> | undefined,
  includes: string | undefined,
  msg: string | undefined,
): void {
  if (expected === undefined) return;
  const cause = { cause: error };
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `A non-Error object was thrown: ${show(error)}${suffix(msg)}`,
      cause,
    );
  }
  if (!(error instanceof expected)) {
    throw new AssertionError(
      `Expected error to be ${expected.name}, it is ${error.constructor.name}: ${error.message}${suffix(msg)}`,
      cause,
    );
  }
  if (includes !== undefined && !error.message.includes(includes)) {
    throw new AssertionError(
      `Expected error message to contain ${show(includes)}, it is ${show(error.message)}${suffix(msg)}`,
      cause,
    );
  }
}

function show(value: unknown): string {
  return inspect(value, {
    depth: 6,
    maxArrayLength: 40,
    maxStringLength: 2000,
    breakLength: 140,
    sorted: true,
  });
}

// A tensor of a million elements must not print as a million lines: number arrays tell where they part.
function difference(actual: unknown, expected: unknown): string {
  if (
    isNumbers(actual) && isNumbers(expected) &&
    actual.constructor === expected.constructor
  ) {
    if (actual.length !== expected.length) {
      return `: length ${actual.length}, expected ${expected.length}`;
    }
    const at: number[] = [];
    for (let i = 0; i < actual.length; i++) {
      if (!Object.is(actual[i], expected[i])) at.push(i);
    }
    const lines = at.slice(0, 8).map((i) => `  [${i}] ${show(actual[i])}, expected ${show(expected[i])}`);
    return `: ${at.length} of ${actual.length} elements differ\n${lines.join("\n")}${at.length > 8 ? "\n  …" : ""}`;
  }
  return `\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`;
}

function isNumbers(
  value: unknown,
): value is ArrayLike<unknown> & { readonly constructor: unknown } {
  if (ArrayBuffer.isView(value)) return !(value instanceof DataView);
  return Array.isArray(value) && value.length > 40 &&
    value.every((x) => typeof x === "number");
}

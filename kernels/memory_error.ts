/**
 * Memory that is not there, as an error of its own kind.
 *
 * @module
 */

/** A RangeError that says that memory ran out: by its field, so that a service can answer "later" where it would say "wrong" of other RangeErrors. */
export interface MemoryError extends RangeError {
  readonly memory: true;
}

/** An error of memory; `cause` is what the runtime said. */
export function memoryError(message: string, cause?: unknown): MemoryError {
  return Object.assign(new RangeError(message, cause === undefined ? undefined : { cause }), { memory: true as const });
}

/** True for an error of memory, also one of another copy of the library. */
export const isMemoryError = (error: unknown): error is MemoryError =>
  error instanceof RangeError && (error as Partial<MemoryError>).memory === true;

/** Memory of so many bytes from the runtime, which throws errors of its own where it has none. */
export function granted<T>(bytes: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw memoryError(`Cannot allocate ${showBytes(bytes)}: this runtime grants no array of them`, error);
  }
}

/** Bytes as an error shows them. */
export const showBytes = (bytes: number): string => bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${bytes} bytes`;

/**
 * Python's exceptions as JavaScript's: ValueError, KeyError and ZeroDivisionError are a RangeError, TypeError and AttributeError a TypeError,
 * RuntimeError an Error. TensorFlow's InvalidArgumentError is about shapes and dtypes: a RangeError.
 *
 * @module
 */
import type { Fault } from "./compare.ts";
import type { Json } from "./golden.ts";

/** An exception as the data files hold it. */
export interface PythonError {
  readonly type: string;
  readonly message: string;
  /** Which step raised it; 0: the constructor. */
  readonly at?: number;
}

const CLASSES: Readonly<Record<string, ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor>> = {
  ValueError: RangeError,
  KeyError: RangeError,
  ZeroDivisionError: RangeError,
  InvalidArgumentError: RangeError,
  TypeError: TypeError,
  AttributeError: TypeError,
  RuntimeError: Error,
};

/** What `action` throws, or nothing. */
export function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error ?? new Error("threw nothing");
  }
}

/** Whether what was thrown is what the reference raised; null: it raised nothing. */
export function errorFault(thrown: unknown, want: Json): Fault {
  const expected = want as PythonError | null;
  if (expected === null) return thrown === undefined ? undefined : `threw ${thrown}, the reference accepts it`;
  if (thrown === undefined) return `threw nothing, the reference raises ${expected.type}: ${expected.message}`;
  const wanted = CLASSES[expected.type];
  if (wanted === undefined) return `threw ${thrown}; ${expected.type} has no class here`;
  if (!(thrown instanceof wanted)) return `threw ${thrown}, not the ${wanted.name} that stands for ${expected.type}`;
}

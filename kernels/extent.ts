/**
 * A shape as the rule language sees it: a batch of matrices.
 *
 * @module
 */
import { dtypes } from "./tables/dtype_names.ts";
import type { DType, Extent } from "./types.ts";

/** The last two dimensions are rows and columns, the rest is batch; a vector is one row. `matrix` cuts otherwise. */
export function extentOf(shape: readonly number[], matrix?: readonly [batch: number, rows: number, cols: number]): Extent {
  const size = shape.reduce((n, length) => n * length, 1);
  const [batch, rows, cols] = matrix ?? [
    shape.slice(0, -2).reduce((n, length) => n * length, 1),
    shape.length > 1 ? shape[shape.length - 2] : 1,
    shape.length > 0 ? shape[shape.length - 1] : 1,
  ];
  if (batch * rows * cols !== size) {
    throw new RangeError(`Cannot cut shape [${shape}] into ${batch} matrices of ${rows} x ${cols}: it has ${size} elements`);
  }
  return { size, batch, rows, cols };
}

/** Dimensions as given to `allocate`, checked; `what` is for the error. */
export function checkedShape(shape: number | readonly number[], what = "allocate"): readonly number[] {
  const dims = typeof shape === "number" ? [shape] : Array.isArray(shape) ? [...shape] : null;
  if (dims === null || dims.some((n) => typeof n !== "number")) {
    throw new TypeError(`Cannot ${what} shape ${JSON.stringify(shape)}: it must be a number or an array of numbers`);
  }
  if (!dims.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot ${what} shape [${dims}]: lengths are integers from 0`);
  }
  return dims;
}

/** A dtype as given to `allocate`, checked. */
export function checkedDType(dtype: DType): DType {
  if (!dtypes.includes(dtype)) {
    throw new RangeError(`Cannot allocate dtype ${JSON.stringify(dtype)}: known are ${dtypes.join(", ")}`);
  }
  return dtype;
}

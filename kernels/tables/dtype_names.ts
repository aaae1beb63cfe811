/**
 * Names of element types, and of the arrays that hold them. They stand apart from what element types are (`dtypes.ts`), so that code that only checks a name, as a service does before
 * it computes anything, loads no arithmetic.
 *
 * @module
 */
import type { DType } from "../types.ts";

/** Kinds of arrays that hold elements in a user's hands, by tag: not every runtime has `Float16Array`. */
export const arraysOf: Readonly<Record<DType, readonly string[]>> = {
  float32: ["Float32Array"],
  bfloat16: ["Uint16Array"],
  float16: ["Uint16Array", "Float16Array"],
};

/** The names, in the order in which errors list them. */
export const dtypes: readonly DType[] = /* @__PURE__ */ Object.keys(arraysOf) as DType[];

/**
 * Names of element types. They stand apart from what element types are (`dtypes.ts`), so that code that only checks a name, as a service does before
 * it computes anything, loads no arithmetic.
 *
 * @module
 */
import type { DType } from "../types.ts";

// A record, so that a missing name does not compile.
const names: Readonly<Record<DType, true>> = { float32: true, bfloat16: true, float16: true };

/** The names, in the order in which errors list them. */
export const dtypes: readonly DType[] = /* @__PURE__ */ Object.keys(names) as DType[];

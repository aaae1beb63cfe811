/**
 * The arrays in which a state holds its tensors, by element type: one list for files, bodies and their description.
 *
 * @module
 */
import type { StateDict } from "../../core/types.ts";

/** Element types of a state's tensors: those of the kernels, and float64 for counts. */
export type StateDType = StateDict["tensors"][string]["dtype"];

/** Array constructors by element type; 16-bit elements are their bits. */
export const elementArrays: Readonly<
  Record<StateDType, Float32ArrayConstructor | Float64ArrayConstructor | Uint16ArrayConstructor>
> = { float32: Float32Array, float64: Float64Array, bfloat16: Uint16Array, float16: Uint16Array };

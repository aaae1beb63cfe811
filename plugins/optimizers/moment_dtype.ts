/**
 * The element type of AdamW's moments.
 *
 * The references keep moments in the parameter's dtype. In bfloat16 that loses digits and no more. In float16 `eps` and the squares of small gradients
 * are 0: a gradient of 1e-3 then moves 1 to -Infinity in the first step of PyTorch's, and a gradient of 0 makes it NaN. So float16 parameters have
 * float32 moments, unless the reference's are asked for.
 *
 * @module
 */
import type { DType, OptionSpec } from "../../core/plugin/contract.ts";

/** What `stateDtype` may be. */
export type StateDtype = "param" | "float32" | null;

/** The option. */
export const stateDtypeSpec: OptionSpec<StateDtype> = {
  default: null,
  type: ["string", "null"],
  enum: [null, "param", "float32"],
  description: "Element type of the moments: the parameter's, as the reference's, or float32; null: float32 for float16 parameters alone",
};

/** The moments' dtype, as a slot has it, of a parameter of this one. */
export function momentDtype(stateDtype: StateDtype, dtype: DType): "param" | "float32" {
  return stateDtype ?? (dtype === "float16" ? "float32" : "param");
}

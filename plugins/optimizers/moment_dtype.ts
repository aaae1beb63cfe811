/**
 * The element type of moments, and the slots of those that are as Adam's.
 *
 * The references keep moments in the parameter's dtype. In bfloat16 that loses digits and no more. In float16 `eps` and the squares of small gradients
 * are 0: a gradient of 1e-3 then moves 1 to -Infinity in the first step of PyTorch's, and a gradient of 0 makes it NaN. So float16 parameters have
 * float32 moments, unless the reference's are asked for.
 *
 * Specs of `betas` and `maximize` that all share were tried too: more lines in all, and an optimizer's defaults out of its sight.
 *
 * @module
 */
import type { DType, OptionSpec, Slot } from "../../core/plugin/contract.ts";

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

/** Adam's two moments, under PyTorch's names. */
export function adamMoments(stateDtype: StateDtype, dtype: DType): { readonly m: Slot; readonly v: Slot } {
  const moments = momentDtype(stateDtype, dtype);
  return { m: { shape: "param", key: "exp_avg", dtype: moments }, v: { shape: "param", key: "exp_avg_sq", dtype: moments } };
}

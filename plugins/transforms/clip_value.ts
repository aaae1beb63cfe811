/**
 * Clips each number of the gradient.
 *
 * As `torch.nn.utils.clip_grad_value_`. A NaN stays a NaN.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode clipValue}. */
export interface ClipValueOptions {
  /** Largest size of a gradient's number. */
  value: number;
}

/**
 * Clips each number of the gradient to [-value, value].
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "clip_value", options: { value: 1 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "adamw" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) }); // stepped by the clipped gradient
 * ```
 */
export const clipValue: TransformPlugin<"clip_value", ClipValueOptions> = {
  kind: "transform",
  name: "clip_value",
  description: "Clips each number of the gradient to [-value, value]",
  source: "torch.nn.utils.clip_grad_value_",
  options: {
    value: {
      type: "number",
      exclusiveMinimum: 0,
      description: "Largest size of a gradient's number; to clip nothing, leave the transform out",
    },
  },
  check: ({ value }) => checkBound("value", value),
  rule: () => ({ before: "g = clamp(g, -value, value)" }),
  scalars: ({ value }) => ({ value }),
};

/**
 * Clips each number of the gradient.
 *
 * As `torch.nn.utils.clip_grad_value_`. A NaN stays a NaN.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin.ts";

/** Options of {@linkcode clipValue}. */
export interface ClipValueOptions {
  /** Largest size of a gradient's number. */
  value: number;
}

/** Clips each number of the gradient to [-value, value]. */
export const clipValue: TransformPlugin<"clip_value", ClipValueOptions> = {
  kind: "transform",
  name: "clip_value",
  description: "Clips each number of the gradient to [-value, value]",
  options: {
    value: { type: "number", minimum: 0, description: "Largest size of a gradient's number" },
  },
  rule: () => ({ before: "g = clamp(g, -value, value)" }),
  scalars: ({ value }) => ({ value }),
};

/**
 * Holds back steps whose gradients are not all finite.
 *
 * As optax' `apply_if_finite` and what `torch.amp.GradScaler` does beside its scale. A step with a NaN or an infinity in any gradient changes nothing:
 * no parameter, no moment, no step count, no schedule. Whether there is one is seen by the norm of all gradients, whose float64 no finite
 * gradients exceed; in one reading with other sums over them, as that of `clip_global_norm` behind it. Stand first: what comes before may make
 * gradients finite, as `clip_value`, or not.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode skipNonfinite}. */
export interface SkipNonfiniteOptions {
  /** So many steps in a row are held back in silence, and each one after them is an error too; default null: any number. */
  maxConsecutive?: number | null;
}

/**
 * Leaves steps with NaN or infinite gradients out.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([1]);
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 1 }, { transforms: [{ name: "skip_nonfinite" }] });
 * console.log(optimizer.step({ w: [NaN] }).skipped, w[0]); // skip_nonfinite 1
 * ```
 */
export const skipNonfinite: TransformPlugin<"skip_nonfinite", SkipNonfiniteOptions> = {
  kind: "transform",
  name: "skip_nonfinite",
  description: "Leaves steps with NaN or infinite gradients out",
  source: "apply_if_finite of optax 0.2; torch.amp.GradScaler",
  options: {
    maxConsecutive: {
      default: null,
      type: ["integer", "null"],
      minimum: 0,
      unit: "count",
      description: "Steps in a row that are left out before that is an error; null: any number",
    },
  },
  rule: () => ({
    slots: {
      inARow: { shape: "group", key: "skipped_in_a_row" },
      total: { shape: "group", key: "skipped" },
    },
    before: `
      n      = allnorm(g)
      bad    = 1 - (n - n == 0)
      inARow = where(bad, inARow + 1, 0)
      total += bad
    `,
    hold: "bad",
  }),
  reading: (_, { inARow, total }) => ({ inARow, total }),
  held({ maxConsecutive }, { inARow }) {
    if (maxConsecutive === null || inARow <= maxConsecutive) return;
    throw new Error(
      `Cannot step: ${inARow} steps in a row had gradients that are not finite, more than maxConsecutive = ${maxConsecutive}`,
    );
  },
};

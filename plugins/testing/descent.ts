/**
 * Gradient descent: the optimizer before which transforms are tried.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";

/** p -= lr*g, with a name for the direction, so that every transform fits in. */
export const descent: OptimizerPlugin<"descent", { lr?: number }> = {
  kind: "optimizer",
  name: "descent",
  description: "Gradient descent, for trying transforms; own work",
  options: { lr: { default: 1, minimum: 0, unit: "rate", description: "Learning rate" } },
  rule: () => ({ slots: {}, update: "u = g\np -= lr*u" }),
  scalars: ({ lr }) => ({ lr }),
};

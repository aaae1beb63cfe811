/**
 * REX: nearly straight at first, steep at the end.
 *
 * Chen, Wolfe & Kyrillidis, "REX: Revisiting Budgeted Training with an Improved Schedule", 2021, https://arxiv.org/abs/2107.04197:
 * `(1 - z) / (1/2 + 1/2*(1 - z))` with `z = step / totalSteps`, here above `minLrRate`. Behind `totalSteps` it stays where it is.
 *
 * ![rex, step by step](../../examples/pictures/rex.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode rex}. */
export interface RexOptions {
  /** Step at which it ends. */
  totalSteps: number;
  /** Factor at the end. */
  minLrRate?: number;
}

/**
 * Nearly straight at first, steep at the end.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("rex", { totalSteps: 90 });
 * schedule(60); // 0.5
 * ```
 */
export const rex: SchedulePlugin<"rex", RexOptions, Schedule> = {
  kind: "schedule",
  name: "rex",
  description: "REX: nearly straight at first, steep at the end",
  source: "https://arxiv.org/abs/2107.04197",
  returns: "factor",
  options: {
    totalSteps: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Step at which it ends" },
    minLrRate: { default: 0, description: "Factor at the end" },
  },
  create({ totalSteps, minLrRate }) {
    return inStretches((step) => {
      checkStep("rex", step);
      const rest = 1 - Math.min(step, totalSteps) / totalSteps;
      return rest / (0.5 + 0.5 * rest) * (1 - minLrRate) + minLrRate;
    }, [stretch(0, "smooth"), stretch(totalSteps, "constant")]);
  },
};

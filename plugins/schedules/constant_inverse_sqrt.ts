/**
 * T5's: constant at first, then one over the square root of the step.
 *
 * Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2020, https://arxiv.org/abs/1910.10683,
 * section 3.1.2: `1 / sqrt(max(step, numConstantSteps))`, 0.01 for the first ten thousand steps. It gives values; `factor` scales them.
 * `inverse_sqrt` rises at first, and gives factors.
 *
 * ![constant_inverse_sqrt, step by step](../../examples/pictures/constant_inverse_sqrt.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { stretch } from "./stretches.ts";

/** Options of {@linkcode constantInverseSqrt}. */
export interface ConstantInverseSqrtOptions {
  /** Steps at the first value, T5's k. */
  numConstantSteps?: number;
  /** What all values are multiplied by. */
  factor?: number;
}

/**
 * Constant at first, then one over the square root of the step.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("constant_inverse_sqrt", { numConstantSteps: 4 });
 * schedule(0); // 0.5: a value, not a factor
 * schedule(16); // 0.25
 * ```
 */
export const constantInverseSqrt: SchedulePlugin<"constant_inverse_sqrt", ConstantInverseSqrtOptions, Schedule> = {
  kind: "schedule",
  name: "constant_inverse_sqrt",
  description: "T5's: constant at first, then one over the square root of the step",
  source: "https://arxiv.org/abs/1910.10683, section 3.1.2",
  returns: "value",
  options: {
    numConstantSteps: { default: 10_000, exclusiveMinimum: 0, unit: "steps", description: "Steps at the first value" },
    factor: { default: 1, description: "What all values are multiplied by" },
  },
  // Its values are one over a root of the step, and are as high as before.
  rebase({ numConstantSteps, factor }, { period }) {
    const steps = period(numConstantSteps);
    return { numConstantSteps: steps, factor: factor * Math.sqrt(steps / numConstantSteps) };
  },
  create({ numConstantSteps, factor }) {
    return Object.assign((step: number) => {
      checkStep("constant_inverse_sqrt", step);
      return factor / Math.sqrt(Math.max(step, numConstantSteps));
    }, { returns: "value" as const, perGroup: false, stretches: () => [stretch(0, "constant"), stretch(numConstantSteps, "smooth")] });
  },
};

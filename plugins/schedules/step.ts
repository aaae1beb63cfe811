/**
 * A cut every so many steps.
 *
 * `torch.optim.lr_scheduler.StepLR` of torch 2.7: `gamma` to the power of the number of whole `stepSize` behind. torch multiplies the last
 * value, so that its rounding adds up; here every step is computed for itself.
 *
 * ![step, step by step](../../examples/pictures/step.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode step}. */
export interface StepOptions {
  /** Steps between two cuts. */
  stepSize: number;
  /** What a cut multiplies the value by. */
  gamma?: number;
}

/**
 * A cut every so many steps.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("step", { stepSize: 30, gamma: 0.5 });
 * schedule(60); // 0.25
 * ```
 */
export const step: SchedulePlugin<"step", StepOptions, Schedule> = {
  kind: "schedule",
  name: "step",
  description: "A cut every so many steps",
  source: "torch.optim.lr_scheduler.StepLR 2.7",
  returns: "factor",
  options: {
    stepSize: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps between two cuts" },
    gamma: { default: 0.1, minimum: 0, description: "What a cut multiplies the value by" },
  },
  rebase: ({ stepSize }, { period }) => ({ stepSize: period(stepSize) }),
  create({ stepSize, gamma }, { pow }) {
    return inStretches((step) => {
      checkStep("step", step);
      return pow(gamma, Math.floor(step / stepSize));
    }, function* (from) {
      // A product that is rounded may lie on the other side of a step.
      if (!Number.isInteger(stepSize)) return yield stretch(0, "any");
      for (let stair = Math.floor(from / stepSize);; stair++) yield stretch(stair * stepSize, "constant");
    });
  },
};

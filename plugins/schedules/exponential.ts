/**
 * A cut at every step.
 *
 * `torch.optim.lr_scheduler.ExponentialLR` of torch 2.7: `gamma` to the power of the step. torch multiplies the last value, so that its
 * rounding adds up; here every step is computed for itself. `exponential_decay` is Keras', over a number of steps and in float32.
 *
 * ![exponential, step by step](../../examples/pictures/exponential.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches } from "./stretches.ts";

/** Options of {@linkcode exponential}. */
export interface ExponentialOptions {
  /** What each step multiplies the value by. */
  gamma: number;
}

/**
 * A cut at every step.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("exponential", { gamma: 0.5 });
 * schedule(3); // 0.125
 * ```
 */
export const exponential: SchedulePlugin<"exponential", ExponentialOptions, Schedule> = {
  kind: "schedule",
  name: "exponential",
  description: "A cut at every step",
  source: "torch.optim.lr_scheduler.ExponentialLR 2.7",
  returns: "factor",
  options: { gamma: { type: "number", minimum: 0, description: "What each step multiplies the value by" } },
  // The same distance by other steps.
  rebase: ({ gamma }, { ratio, maths }) => ({ gamma: maths.pow(gamma, 1 / ratio) }),
  create({ gamma }, { pow }) {
    return inStretches((step) => {
      checkStep("exponential", step);
      return pow(gamma, step);
    }, [{ from: 0, law: "geometric", about: 0, ratio: gamma }]);
  },
};

/**
 * A cut at each milestone.
 *
 * `torch.optim.lr_scheduler.MultiStepLR` of torch 2.7: `gamma` to the power of the number of milestones that are reached; one that stands
 * there twice cuts twice. torch multiplies the last value, so that its rounding adds up; here every step is computed for itself.
 *
 * ![multistep, step by step](../../examples/pictures/multistep.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode multistep}. */
export interface MultistepOptions {
  /** Steps at which it cuts, in any order. */
  milestones: readonly number[];
  /** What a cut multiplies the value by. */
  gamma?: number;
}

/**
 * A cut at each milestone.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("multistep", { milestones: [30, 80], gamma: 0.5 });
 * schedule(30); // 0.5
 * schedule(80); // 0.25
 * ```
 */
export const multistep: SchedulePlugin<"multistep", MultistepOptions, Schedule> = {
  kind: "schedule",
  name: "multistep",
  description: "A cut at each milestone",
  source: "torch.optim.lr_scheduler.MultiStepLR 2.7",
  returns: "factor",
  options: {
    milestones: { type: "array", unit: "steps", description: "Steps at which it cuts, in any order" },
    gamma: { default: 0.1, minimum: 0, description: "What a cut multiplies the value by" },
  },
  check({ milestones }) {
    const wrong = milestones.findIndex((milestone) => typeof milestone !== "number");
    if (wrong < 0) return;
    const message = `Cannot use milestones[${wrong}] = ${JSON.stringify(milestones[wrong])}: it must be a number`;
    throw Object.assign(new TypeError(message), { option: `milestones[${wrong}]` });
  },
  create({ milestones, gamma }, { pow }) {
    const sorted = Float64Array.from(milestones).sort();
    return inStretches((step) => {
      checkStep("multistep", step);
      // Bisection: the number of milestones up to the step.
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle] <= step) low = middle + 1;
        else high = middle;
      }
      return pow(gamma, low);
    }, [stretch(0, "constant"), ...Array.from(sorted, (milestone) => stretch(milestone, "constant"))]);
  },
};

/**
 * Half cosine waves that start again at the top, after a linear warmup.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `get_cosine_with_hard_restarts_schedule_with_warmup` of transformers 4.37.2: `max(0, 0.5*(1 + cos(pi*(numCycles*progress mod 1))))`,
 * and 0 from `numTrainingSteps` on. The order of these operations is kept: at some exact boundaries `numCycles*progress` is a hair
 * under a whole number and the restart comes a step later, here as there.
 *
 * ![cosine_with_restarts, step by step](../../examples/pictures/cosine_with_restarts.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch, waves } from "./stretches.ts";

/** Options of {@linkcode cosineWithRestarts}. */
export interface CosineWithRestartsOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Step from which on the factor is 0. */
  numTrainingSteps: number;
  /** Waves between warmup and end. */
  numCycles?: number;
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then cosine waves with hard restarts.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_with_restarts", { numWarmupSteps: 100, numTrainingSteps: 1000, numCycles: 3 });
 * schedule(400); // 1
 * ```
 */
export const cosineWithRestarts: SchedulePlugin<"cosine_with_restarts", CosineWithRestartsOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_with_restarts",
  description: "Linear warmup, then cosine waves that start again at the top",
  source: "https://arxiv.org/abs/1608.03983; get_cosine_with_hard_restarts_schedule_with_warmup of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Step from which on the factor is 0" },
    numCycles: { default: 1, description: "Waves between warmup and end" },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  rebase({ warmupOffset }, { note }) {
    keepOffset(warmupOffset, note);
    return {};
  },
  create({ numWarmupSteps, numTrainingSteps, numCycles, warmupOffset }, { cos }) {
    return inStretches((step) => {
      checkStep("cosine_with_restarts", step);
      if (step < numWarmupSteps) return Math.min(1, (step + warmupOffset) / Math.max(1, numWarmupSteps));
      const progress = (step - numWarmupSteps) / Math.max(1, numTrainingSteps - numWarmupSteps);
      if (progress >= 1) return 0;
      const cycles = numCycles * progress;
      // A floored remainder, as Python's: JavaScript's takes the sign of the dividend.
      return Math.max(0, 0.5 * (1 + cos(Math.PI * (cycles - Math.floor(cycles)))));
    }, function* (from) {
      yield stretch(0, "linear");
      if (!(numCycles > 0)) yield stretch(numWarmupSteps, "any");
      const length = Math.max(1, numTrainingSteps - numWarmupSteps);
      const cyclesAt = (step: number): number => numCycles * ((step - numWarmupSteps) / length);
      for (let cycle = Math.max(0, Math.floor(cyclesAt(from)) - 1); cycle < numCycles; cycle++) {
        // Where a wave begins, as the rounded progress has it: its first whole step.
        let start = Math.ceil(numWarmupSteps + cycle * (length / numCycles));
        while (start > numWarmupSteps && cyclesAt(start - 1) >= cycle) start--;
        while (cyclesAt(start) < cycle) start++;
        yield waves(start, 1, 0, length / numCycles, Math.PI * (cyclesAt(start) - cycle));
      }
      yield stretch(Math.max(numWarmupSteps, numWarmupSteps + length), "constant");
    });
  },
};

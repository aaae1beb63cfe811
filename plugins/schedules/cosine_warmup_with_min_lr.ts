/**
 * A warmup that begins above 0, then a cosine wave down to a least value.
 *
 * `get_cosine_with_min_lr_schedule_with_warmup_lr_rate` of transformers 5. It counts the step that is being taken: the warmup is at
 * `(step + 1) / numWarmupSteps`, or on the line from `warmupLrRate` at step 0 to 1 at the warmup's last step, and the wave has done its cycles
 * at step `numTrainingSteps - 1`. As there it rises again after it, which `end: "hold"` prevents, and `minLr` is measured against the
 * optimizer's own value.
 *
 * ![cosine_warmup_with_min_lr, step by step](../../examples/pictures/cosine_warmup_with_min_lr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { held, inStretches, stretch, waves } from "./stretches.ts";
import { checkLeast, leastRate } from "./least_rate.ts";

/** Options of {@linkcode cosineWarmupWithMinLr}. */
export interface CosineWarmupWithMinLrOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Steps altogether: at the last of them the wave has done its cycles. */
  numTrainingSteps: number;
  /** Waves between warmup and end: a half goes from 1 to the least value once. */
  numCycles?: number;
  /** Least value, for the optimizer's own base value; or `minLrRate`. */
  minLr?: number | null;
  /** Least value as a share of the base value; or `minLr`. */
  minLrRate?: number | null;
  /** Factor at step 0; null: `1 / numWarmupSteps`. */
  warmupLrRate?: number | null;
  /** After the last training step: `"continue"` the wave, as transformers does, or `"hold"` the value that it has there. */
  end?: "continue" | "hold";
}

/**
 * Linear warmup from above 0, then a cosine wave down to a least value.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_warmup_with_min_lr", { numWarmupSteps: 4, numTrainingSteps: 10, minLrRate: 0.5 });
 * schedule(0); // 0.25
 * schedule(9); // 0.5
 * ```
 */
export const cosineWarmupWithMinLr: SchedulePlugin<"cosine_warmup_with_min_lr", CosineWarmupWithMinLrOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_warmup_with_min_lr",
  description: "Linear warmup from above 0, then a cosine wave down to a least value",
  source: "get_cosine_with_min_lr_schedule_with_warmup_lr_rate of transformers 5",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Steps altogether: at the last the wave has done its cycles" },
    numCycles: { default: 0.5, description: "Waves between warmup and end: a half goes down once" },
    minLr: { default: null, type: ["number", "null"], unit: "rate", description: "Least value, for the optimizer's own; or minLrRate" },
    minLrRate: { default: null, type: ["number", "null"], description: "Least value as a share of the base value; or minLr" },
    warmupLrRate: { default: null, type: ["number", "null"], description: "Factor at step 0; null: one over the warmup's steps" },
    end: {
      default: "continue",
      enum: ["continue", "hold"],
      description: "After the last training step: continue the wave, or hold its value",
    },
  },
  check: checkLeast,
  create({ numWarmupSteps, numTrainingSteps, numCycles, warmupLrRate, end, ...least }, { cos }, base) {
    const rate = leastRate(least, base);
    const last = end === "hold" ? Math.max(0, numTrainingSteps - 1) : Infinity;
    const half = Math.max(1, numTrainingSteps - numWarmupSteps) / (2 * numCycles);
    return inStretches((step) => {
      checkStep("cosine_warmup_with_min_lr", step);
      const s = Math.min(step, last);
      if (s < numWarmupSteps) {
        if (warmupLrRate === null) return (s + 1) / Math.max(1, numWarmupSteps);
        return warmupLrRate + (1 - warmupLrRate) * s / Math.max(1, numWarmupSteps - 1);
      }
      const progress = (s - numWarmupSteps + 1) / Math.max(1, numTrainingSteps - numWarmupSteps);
      return Math.max(0, 0.5 * (1 + cos(Math.PI * numCycles * 2 * progress)) * (1 - rate) + rate);
    }, held([stretch(0, "linear"), waves(numWarmupSteps, 1, rate, half, Math.PI / half)], last));
  },
};

/**
 * A cosine wave down to a least value, after a linear warmup.
 *
 * `get_cosine_with_min_lr_schedule_with_warmup` of transformers 5: `max(0, wave*(1 - minLrRate) + minLrRate)`, with the wave of `cosine`.
 * As there, the warmup begins at 0, and the wave does not end at `numTrainingSteps`: the rate rises again after it. `end: "hold"` keeps the
 * value that it has there. As there, `minLr` is measured against the optimizer's own value: a group with another one ends at its value times
 * `minLr / lr`.
 *
 * ![cosine_with_min_lr, step by step](../../examples/pictures/cosine_with_min_lr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { held, inStretches, stretch, waves } from "./stretches.ts";
import { checkLeast, leastRate } from "./least_rate.ts";

/** Options of {@linkcode cosineWithMinLr}. */
export interface CosineWithMinLrOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Step at which the wave has done its cycles. */
  numTrainingSteps: number;
  /** Waves between warmup and end: a half goes from 1 to the least value once. */
  numCycles?: number;
  /** Least value, for the optimizer's own base value; or `minLrRate`. */
  minLr?: number | null;
  /** Least value as a share of the base value; or `minLr`. */
  minLrRate?: number | null;
  /** After `numTrainingSteps`: `"continue"` the wave, as transformers does, or `"hold"` the value that it has there. */
  end?: "continue" | "hold";
}

/**
 * Linear warmup, then a cosine wave down to a least value.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_with_min_lr", { numWarmupSteps: 100, numTrainingSteps: 1000, minLrRate: 0.5 });
 * schedule(550); // 0.75
 * ```
 */
export const cosineWithMinLr: SchedulePlugin<"cosine_with_min_lr", CosineWithMinLrOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_with_min_lr",
  description: "Linear warmup, then a cosine wave down to a least value",
  source: "get_cosine_with_min_lr_schedule_with_warmup of transformers 5",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Step at which the wave has done its cycles" },
    numCycles: { default: 0.5, description: "Waves between warmup and end: a half goes down once" },
    minLr: { default: null, type: ["number", "null"], unit: "rate", description: "Least value, for the optimizer's own; or minLrRate" },
    minLrRate: { default: null, type: ["number", "null"], description: "Least value as a share of the base value; or minLr" },
    end: {
      default: "continue",
      enum: ["continue", "hold"],
      description: "After the last training step: continue the wave, or hold its value",
    },
  },
  check: checkLeast,
  create({ numWarmupSteps, numTrainingSteps, numCycles, end, ...least }, { cos }, base) {
    const rate = leastRate(least, base);
    const last = end === "hold" ? numTrainingSteps : Infinity;
    return inStretches(
      (step) => {
        checkStep("cosine_with_min_lr", step);
        const s = Math.min(step, last);
        if (s < numWarmupSteps) return s / Math.max(1, numWarmupSteps);
        const progress = (s - numWarmupSteps) / Math.max(1, numTrainingSteps - numWarmupSteps);
        return Math.max(0, 0.5 * (1 + cos(Math.PI * numCycles * 2 * progress)) * (1 - rate) + rate);
      },
      held([
        stretch(0, "linear"),
        waves(numWarmupSteps, 1, rate, Math.max(1, numTrainingSteps - numWarmupSteps) / (2 * numCycles)),
      ], last),
    );
  },
};

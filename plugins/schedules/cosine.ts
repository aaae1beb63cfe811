/**
 * A cosine wave, after a linear warmup.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `get_cosine_schedule_with_warmup` of transformers 4.37.2: `max(0, 0.5*(1 + cos(pi*numCycles*2*progress)))`.
 * As there, the wave does not end at `numTrainingSteps`: the rate rises again after it. `end: "hold"` keeps the value that it has there.
 *
 * ![cosine, step by step](../../examples/pictures/cosine.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { keepOffset } from "./keep_offset.ts";
import { checkStep } from "./check_step.ts";
import { held, inStretches, stretch, waves } from "./stretches.ts";

/** Options of {@linkcode cosine}. */
export interface CosineOptions {
  /** Steps of the linear warmup; a fraction is accepted, 0 means none. */
  numWarmupSteps: number;
  /** Step at which the wave has done its cycles. */
  numTrainingSteps: number;
  /** Waves between warmup and end: a half goes from 1 to 0 once. */
  numCycles?: number;
  /** After `numTrainingSteps`: `"continue"` the wave, as transformers does, or `"hold"` the value that it has there. */
  end?: "continue" | "hold";
  /** Steps that the warmup is ahead: 1 leaves out the step at 0. */
  warmupOffset?: number;
}

/**
 * Linear warmup, then a cosine wave.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine", { numWarmupSteps: 100, numTrainingSteps: 1000, end: "hold" });
 * schedule(550); // 0.5
 * ```
 */
export const cosine: SchedulePlugin<"cosine", CosineOptions, Schedule> = {
  kind: "schedule",
  name: "cosine",
  description: "Linear warmup, then a cosine wave, by default half of one down to 0",
  source: "https://arxiv.org/abs/1608.03983; get_cosine_schedule_with_warmup of transformers 4.37.2",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the linear warmup" },
    numTrainingSteps: { type: "number", unit: "steps", description: "Step at which the wave has done its cycles" },
    numCycles: { default: 0.5, description: "Waves between warmup and end: a half goes from 1 to 0 once" },
    end: {
      default: "continue",
      enum: ["continue", "hold"],
      description: "After the last training step: continue the wave, or hold its value",
    },
    warmupOffset: { default: 0, minimum: 0, unit: "count", description: "Steps that the warmup is ahead: 1 leaves out the step at 0" },
  },
  rebase({ warmupOffset }, { note }) {
    keepOffset(warmupOffset, note);
    return {};
  },
  create({ numWarmupSteps, numTrainingSteps, numCycles, end, warmupOffset }, { cos }) {
    const last = end === "hold" ? numTrainingSteps : Infinity;
    return inStretches(
      (step) => {
        checkStep("cosine", step);
        const s = Math.min(step, last);
        if (s < numWarmupSteps) return Math.min(1, (s + warmupOffset) / Math.max(1, numWarmupSteps));
        const progress = (s - numWarmupSteps) / Math.max(1, numTrainingSteps - numWarmupSteps);
        return Math.max(0, 0.5 * (1 + cos(Math.PI * numCycles * 2 * progress)));
      },
      held([
        stretch(0, "linear"),
        waves(numWarmupSteps, 1, 0, Math.max(1, numTrainingSteps - numWarmupSteps) / (2 * numCycles)),
      ], last),
    );
  },
};

/**
 * DeepSpeed's warmup, by the logarithm, and straight decay.
 *
 * `WarmupDecayLR` of DeepSpeed: `warmupMinLr + (warmupMaxLr - warmupMinLr) * gamma`, where `gamma` is `log(step + 1) / log(warmupNumSteps)`, or
 * `step / warmupNumSteps`, and then falls to 0 at `totalNumSteps`. It gives values. As there, the warmup has two steps at least. Step `i` here is
 * DeepSpeed's `last_batch_iteration` `i`.
 *
 * ![warmup_decay, step by step](../../examples/pictures/warmup_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { byGroup } from "./by_group.ts";
import { stretch } from "./stretches.ts";
import { valuesByGroup } from "./values_by_group.ts";

/** Options of {@linkcode warmupDecay}. */
export interface WarmupDecayOptions {
  /** Step at which the decay ends. */
  totalNumSteps: number;
  /** Value where the warmup begins and the decay ends: one for all groups, or one for each. */
  warmupMinLr?: number | readonly number[];
  /** Value between them: one for all groups, or one for each. */
  warmupMaxLr?: number | readonly number[];
  /** Steps of the warmup, two at least. */
  warmupNumSteps?: number;
  /** How it rises: by the logarithm, steep at first, or straight. */
  warmupType?: "log" | "linear";
}

/**
 * A warmup by the logarithm, then a straight line.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("warmup_decay", { totalNumSteps: 1000, warmupNumSteps: 100, warmupMaxLr: 0.5 });
 * schedule(9); // 0.25: log(10) is half of log(100)
 * schedule(550); // 0.25
 * ```
 */
export const warmupDecay: SchedulePlugin<"warmup_decay", WarmupDecayOptions, Schedule> = {
  kind: "schedule",
  name: "warmup_decay",
  description: "DeepSpeed's warmup, by the logarithm, and straight decay",
  source: "WarmupDecayLR of DeepSpeed",
  returns: "value",
  options: {
    totalNumSteps: { type: "number", unit: "steps", description: "Step at which the decay ends" },
    warmupMinLr: { default: 0, type: ["number", "array"], unit: "rate", description: "Value where the warmup begins and the decay ends" },
    warmupMaxLr: { default: 1e-3, type: ["number", "array"], unit: "rate", description: "Value between them" },
    warmupNumSteps: { default: 1000, minimum: 0, unit: "steps", description: "Steps of the warmup, two at least" },
    warmupType: { default: "log", enum: ["log", "linear"], description: "How it rises: by the logarithm, or straight" },
  },
  rebase({ warmupNumSteps, warmupType }, { steps, note }) {
    const warmup = steps(warmupNumSteps);
    if (warmupType === "log" && warmup !== warmupNumSteps) {
      note("warmupType", "A warmup by the logarithm has another shape over another number of steps: the shorter, the straighter");
    }
    return { warmupNumSteps: warmup };
  },
  create({ totalNumSteps, warmupMinLr, warmupMaxLr, warmupNumSteps, warmupType }, { log }, base) {
    const least = byGroup("warmupMinLr", warmupMinLr, base);
    const most = byGroup("warmupMaxLr", warmupMaxLr, base);
    const warmup = Math.max(2, warmupNumSteps);
    const overLog = 1 / log(warmup);
    const gamma = (step: number): number => {
      if (step < warmup) return warmupType === "log" ? overLog * log(step + 1) : step / warmup;
      return Math.max(0, (totalNumSteps - step) / Math.max(1, totalNumSteps - warmup));
    };
    const curves = least.map((low, group) => (step: number): number => low + (most[group] - low) * gamma(step));
    return valuesByGroup("warmup_decay", curves, typeof warmupMinLr === "number" && typeof warmupMaxLr === "number", [
      stretch(0, warmupType === "log" ? "smooth" : "linear"),
      stretch(warmup, "linear"),
      stretch(Math.max(warmup, totalNumSteps), "constant"),
    ]);
  },
};

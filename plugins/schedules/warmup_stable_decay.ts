/**
 * A warmup, a plateau, and a decay: WSD.
 *
 * Hu et al., "MiniCPM: Unveiling the Potential of Small Language Models with Scalable Training Strategies", 2024,
 * https://arxiv.org/abs/2404.06395; the shape `1-sqrt` is of Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
 * Durations", 2024, https://arxiv.org/abs/2405.18392. `get_wsd_schedule` of transformers 5: warmup and decay run between `minLrRatio` and 1;
 * behind the decay it is `minLrRatio`. As there, `numStableSteps` counts where both lengths are given, and a warmup and decay that are longer
 * than the training leave no plateau and cut the decay's beginning off.
 *
 * ![warmup_stable_decay, step by step](../../examples/pictures/warmup_stable_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin, Stretch } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch, waves } from "./stretches.ts";

/** How it rises or falls: straight, as half a cosine wave, or as 1 minus a square root, steep at first where it falls. */
export type WarmupStableDecayShape = "linear" | "cosine" | "1-sqrt";

/** Options of {@linkcode warmupStableDecay}. */
export interface WarmupStableDecayOptions {
  /** Steps of the warmup; 0 means none. */
  numWarmupSteps: number;
  /** Steps of the decay. */
  numDecaySteps: number;
  /** Steps altogether, of which the plateau has what the two others leave; or `numStableSteps`. */
  numTrainingSteps?: number | null;
  /** Steps of the plateau; or `numTrainingSteps`. */
  numStableSteps?: number | null;
  /** Shape of the warmup. */
  warmupType?: WarmupStableDecayShape;
  /** Shape of the decay. */
  decayType?: WarmupStableDecayShape;
  /** Factor where the warmup begins and the decay ends. */
  minLrRatio?: number;
  /** Waves of a cosine decay: a half goes down once. */
  numCycles?: number;
}

/**
 * A warmup, then 1, then a decay.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("warmup_stable_decay", {
 *   numWarmupSteps: 100,
 *   numDecaySteps: 200,
 *   numTrainingSteps: 1000,
 *   decayType: "linear",
 * });
 * schedule(500); // 1
 * schedule(900); // 0.5
 * ```
 */
export const warmupStableDecay: SchedulePlugin<"warmup_stable_decay", WarmupStableDecayOptions, Schedule> = {
  kind: "schedule",
  name: "warmup_stable_decay",
  description: "A warmup, a plateau, and a decay (WSD)",
  source: "https://arxiv.org/abs/2404.06395; https://arxiv.org/abs/2405.18392; get_wsd_schedule of transformers 5",
  returns: "factor",
  options: {
    numWarmupSteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the warmup" },
    numDecaySteps: { type: "number", minimum: 0, unit: "steps", description: "Steps of the decay" },
    numTrainingSteps: {
      default: null,
      type: ["number", "null"],
      unit: "steps",
      description: "Steps altogether, of which the plateau has the rest; or numStableSteps",
    },
    numStableSteps: {
      default: null,
      type: ["number", "null"],
      unit: "steps",
      description: "Steps of the plateau; or numTrainingSteps",
    },
    warmupType: { default: "linear", enum: ["linear", "cosine", "1-sqrt"], description: "Shape of the warmup" },
    decayType: { default: "cosine", enum: ["linear", "cosine", "1-sqrt"], description: "Shape of the decay" },
    minLrRatio: { default: 0, description: "Factor where the warmup begins and the decay ends" },
    numCycles: { default: 0.5, description: "Waves of a cosine decay: a half goes down once" },
  },
  check({ numTrainingSteps, numStableSteps }) {
    if (numTrainingSteps !== null || numStableSteps !== null) return;
    const message = "Cannot do without numTrainingSteps and numStableSteps: give one of them";
    throw Object.assign(new RangeError(message), { option: "numTrainingSteps" });
  },
  rebase({ numWarmupSteps, numDecaySteps, numTrainingSteps, numStableSteps }, { steps }) {
    if (numTrainingSteps !== null) return { numDecaySteps: steps(numDecaySteps, numTrainingSteps - numDecaySteps) };
    const stable = numStableSteps ?? 0;
    return { numStableSteps: steps(stable, numWarmupSteps), numDecaySteps: steps(numDecaySteps, numWarmupSteps + stable) };
  },
  create(options, { cos }) {
    const { numWarmupSteps, numDecaySteps, numTrainingSteps, warmupType, decayType, minLrRatio, numCycles } = options;
    const stableEnd = numWarmupSteps + (options.numStableSteps ?? numTrainingSteps! - numWarmupSteps - numDecaySteps);
    const end = stableEnd + numDecaySteps;
    const between = (factor: number): number => Math.max(0, factor * (1 - minLrRatio) + minLrRatio);
    const up: Readonly<Record<WarmupStableDecayShape, (progress: number) => number>> = {
      linear: (progress) => progress,
      cosine: (progress) => 0.5 * (1 - cos(Math.PI * progress)),
      "1-sqrt": (progress) => 1 - Math.sqrt(1 - progress),
    };
    const down: typeof up = {
      linear: (progress) => 1 - progress,
      cosine: (progress) => 0.5 * (1 + cos(Math.PI * numCycles * 2 * progress)),
      "1-sqrt": (progress) => 1 - Math.sqrt(progress),
    };
    const [rise, fall] = [up[warmupType], down[decayType]];
    const rising = (shape: WarmupStableDecayShape): Stretch =>
      shape === "cosine" ? waves(0, minLrRatio, 1, Math.max(1, numWarmupSteps)) : stretch(0, shape === "linear" ? "linear" : "smooth");
    const falling = (shape: WarmupStableDecayShape): Stretch =>
      shape === "cosine"
        ? waves(stableEnd, 1, minLrRatio, Math.max(1, numDecaySteps) / (2 * numCycles))
        : stretch(stableEnd, shape === "linear" ? "linear" : "smooth");
    return inStretches((step) => {
      checkStep("warmup_stable_decay", step);
      if (step < numWarmupSteps) return between(rise(step / Math.max(1, numWarmupSteps)));
      if (step < stableEnd) return 1;
      if (step < end) return between(fall((step - stableEnd) / Math.max(1, numDecaySteps)));
      return minLrRatio;
    }, [
      rising(warmupType),
      stretch(numWarmupSteps, "constant"),
      falling(decayType),
      stretch(end, "constant"),
    ]);
  },
};

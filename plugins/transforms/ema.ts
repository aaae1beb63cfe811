/**
 * An exponential moving average of the parameters, beside training: the point `"ema"`.
 *
 * Polyak & Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992. As `ModelEmaV3` of timm 1.0, updated with the step's number: after
 * step 1 it is the parameter itself, then it follows by 1 - decay; `useWarmup` lets the decay rise as 1 - (1 + step/gamma)^-power. Differences:
 * the average is in float32 whatever the parameter's dtype (in 16 bits a decay of 0.9999 would stand still), and a tensor without a gradient
 * stands still with its average.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode ema}. */
export interface EmaOptions {
  /** What is kept of the average at a step; default 0.9999. */
  decay?: number;
  /** Least decay during the warmup; default 0. */
  minDecay?: number;
  /** The average is the parameter itself up to the step after this one; default 0. */
  updateAfterStep?: number;
  /** Whether the decay rises from 0; default false. */
  useWarmup?: boolean;
  /** Scale of the warmup, in steps; default 1. */
  warmupGamma?: number;
  /** How fast the warmup ends; default 2/3, for a million steps; 3/4 for fewer. */
  warmupPower?: number;
}

/**
 * Keeps an average of the parameters, for evaluation.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([4]);
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 1 }, { transforms: [{ name: "ema", options: { decay: 0.5 } }] });
 * for (let step = 0; step < 2; step++) optimizer.step({ w: [2] });
 * console.log(w[0], optimizer.point("ema").w.data[0]); // 0 1
 * ```
 */
export const ema: TransformPlugin<"ema", EmaOptions> = {
  kind: "transform",
  name: "ema",
  description: 'A moving average of the parameters, at point "ema"',
  source: "ModelEmaV3 of timm 1.0",
  options: {
    decay: { default: 0.9999, minimum: 0, maximum: 1, description: "What is kept of the average at a step" },
    minDecay: { default: 0, minimum: 0, maximum: 1, description: "Least decay during the warmup" },
    updateAfterStep: {
      default: 0,
      type: "integer",
      minimum: 0,
      unit: "steps",
      description: "The average is the parameter itself up to the step after this one",
    },
    useWarmup: { default: false, description: "Whether the decay rises from 0" },
    warmupGamma: { default: 1, exclusiveMinimum: 0, unit: "steps", description: "Scale of the warmup" },
    warmupPower: { default: 2 / 3, minimum: 0, description: "How fast the warmup ends" },
  },
  rule: () => ({
    slots: { e: { shape: "param", key: "ema", init: "p" } },
    // As torch's lerp: from the nearer end, so that a weight of 1 gives the parameter's bits.
    last: "e = where(w < 0.5, e + w*(p - e), p - (p - e)*(1 - w))",
    points: { ema: "e" },
  }),
  scalars({ decay, minDecay, updateAfterStep, useWarmup, warmupGamma, warmupPower }, t, { pow }) {
    const step = t - updateAfterStep - 1;
    if (step <= 0) return { w: 1 };
    if (!useWarmup) return { w: 1 - decay };
    return { w: 1 - Math.max(Math.min(1 - pow(1 + step / warmupGamma, -warmupPower), decay), minDecay) };
  },
};

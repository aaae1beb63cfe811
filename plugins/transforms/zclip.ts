/**
 * ZClip: clips all gradients when their common norm is out of line with those before.
 *
 * Kumar et al., "ZClip: Adaptive Spike Mitigation for LLM Pre-Training", 2025, https://arxiv.org/abs/2504.02507. As `ZClip` of the authors' package
 * zclip 1.0: during `warmupSteps` norms are only gathered, and clipped to `maxGradNorm`; then a norm whose z-score over a moving mean and variance
 * exceeds `zThresh` is brought down, and the moments go on from what is left of it. Difference: a norm that is not finite leaves them alone, where
 * it would make them NaN for good.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode zclip}. */
export interface ZClipOptions {
  /** What is kept of the mean and the variance at a step; default 0.97. */
  alpha?: number;
  /** How many standard deviations above the mean a norm may be; default 2.5. */
  zThresh?: number;
  /** A bound beside; default 1, null: none. */
  maxGradNorm?: number | null;
  /** Added to the standard deviation; default 1e-6. */
  eps?: number;
  /** Steps over which the first mean and variance are taken; default 25. */
  warmupSteps?: number;
  /** Default `"zscore"`; `"percentile"` clips to the mean and zThresh deviations, which `clipOption` and `clipFactor` do not touch. */
  mode?: "zscore" | "percentile";
  /** To what a spike is clipped; default `"adaptive_scaling"`: the mean and fewer deviations the higher it is; or the mean. */
  clipOption?: "adaptive_scaling" | "mean";
  /** A factor of that bound, with `"adaptive_scaling"`; default 1. */
  clipFactor?: number;
  /** Whether a spike leaves the mean and variance as they are; default false. */
  skipUpdateOnSpike?: boolean;
}

/**
 * Clips spikes of the global norm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "zclip", options: { warmupSteps: 100 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array(2) }, { optimizer: { name: "adamw" }, transforms });
 * trainer.add({ w: new Float32Array([3, 4]) });
 * console.log(trainer.optimizer.transforms[0].readings().norm); // 5
 * ```
 */
export const zclip: TransformPlugin<"zclip", ZClipOptions> = {
  kind: "transform",
  name: "zclip",
  description: "Clips all gradients when their common norm is out of line with those before",
  source: "https://arxiv.org/abs/2504.02507; ZClip of zclip 1.0",
  options: {
    alpha: { default: 0.97, minimum: 0, maximum: 1, description: "What is kept of the mean and the variance at a step" },
    zThresh: { default: 2.5, exclusiveMinimum: 0, description: "Standard deviations that a norm may be above the mean" },
    maxGradNorm: { default: 1, type: ["number", "null"], exclusiveMinimum: 0, description: "A bound beside; null: none" },
    eps: { default: 1e-6, minimum: 0, description: "Added to the standard deviation" },
    warmupSteps: {
      default: 25,
      type: "integer",
      minimum: 1,
      unit: "steps",
      description: "Steps over which the first mean and variance are taken",
    },
    mode: { default: "zscore", enum: ["zscore", "percentile"], description: "What makes a spike, and to what it is clipped" },
    clipOption: {
      default: "adaptive_scaling",
      enum: ["adaptive_scaling", "mean"],
      description: "To what a spike is clipped by its z-score",
    },
    clipFactor: { default: 1, exclusiveMinimum: 0, description: "A factor of that bound, with adaptive_scaling" },
    skipUpdateOnSpike: { default: false, description: "Whether a spike leaves the mean and variance as they are" },
  },
  rule: ({ mode, clipOption, maxGradNorm, skipUpdateOnSpike }) => {
    const level = "mu + zThresh*sigma";
    const spike = mode === "percentile" ? `n > ${level}` : "z > zThresh";
    const bound = mode === "percentile" ? level : clipOption === "mean" ? "mu" : "(mu + zThresh*sigma/(z/zThresh))*clipFactor";
    const least = (x: string): string => maxGradNorm === null ? x : `min(${x}, maxGradNorm)`;
    return {
      slots: {
        mu: { shape: "group", key: "zclip_mean" },
        v: { shape: "group", key: "zclip_var" },
        seen: { shape: "group", key: "zclip_steps" },
        norm: { shape: "group", key: null, init: NaN },
      },
      // Until the warmup is over, v is the sum of squared deviations (Welford).
      before: `
        n     = allnorm(g)
        norm  = n
        calm  = n - n == 0
        warm  = seen < warmupSteps
        sigma = sqrt(v)
        z     = (n - mu)/(sigma + eps)
        high  = where(warm, 0, ${spike})
        to    = where(high, ${bound}, n)
        k     = ${least("to")}
        g    *= where(warm, ${maxGradNorm === null ? "1" : "min(1, maxGradNorm/(n + 1e-6))"}, where(n > k, min(1, k/(n + 1e-6)), 1))
        seen += calm
        d     = n - mu
        first = mu + d/max(seen, 1)
        sum   = v + d*(n - first)
        next  = alpha*mu + (1 - alpha)*to
        moves = ${skipUpdateOnSpike ? "where(high, 0, calm)" : "calm"}
        v     = where(moves, where(warm, where(seen == warmupSteps, sum/warmupSteps, sum), alpha*v + (1 - alpha)*(to - next)*(to - next)), v)
        mu    = where(moves, where(warm, first, next), mu)
      `,
    };
  },
  scalars: ({ alpha, zThresh, maxGradNorm, eps, warmupSteps, clipFactor }) => ({
    alpha,
    zThresh,
    maxGradNorm: maxGradNorm ?? 0,
    eps,
    warmupSteps,
    clipFactor,
  }),
  reading: (_, { norm, mu }) => ({ norm, mean: mu }),
};

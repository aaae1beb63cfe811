/**
 * Lookahead: k steps of any rule ahead, then part of the way from where they began.
 *
 * Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back", 2019, https://arxiv.org/abs/1907.08610. As `Lookahead` of pytorch_optimizer 4.1.0
 * without `pullback_momentum`, whose slow weights start at the parameters. timm's start where the first k steps lead, so that its first
 * synchronization moves nothing: `start: "first_sync"` (and k is 6 there). Steps are counted for the optimizer, as in both.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode lookahead}. */
export interface LookaheadOptions {
  /** Steps ahead; default 5. */
  k?: number;
  /** How far the slow weights follow; default 0.5. */
  alpha?: number;
  /** Where the slow weights start; default `"params"`, as in the paper. `"first_sync"`: as in timm. */
  start?: "params" | "first_sync";
}

/**
 * Every k steps, goes back to alpha of the way that they led.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([0]);
 * const transforms = [{ name: "lookahead", options: { k: 2, alpha: 0.5 } }];
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 1 }, { transforms });
 * for (let step = 0; step < 2; step++) optimizer.step({ w: [-1] });
 * console.log(w[0]); // 1: half of the two steps' way
 * ```
 */
export const lookahead: TransformPlugin<"lookahead", LookaheadOptions> = {
  kind: "transform",
  name: "lookahead",
  description: "Every k steps, goes back to alpha of the way that they led",
  source: "https://arxiv.org/abs/1907.08610; Lookahead of pytorch_optimizer 4.1.0, and of timm 1.0",
  options: {
    k: { default: 5, type: "integer", minimum: 1, unit: "count", description: "Steps ahead" },
    alpha: { default: 0.5, minimum: 0, maximum: 1, description: "How far the slow weights follow" },
    start: { default: "params", enum: ["params", "first_sync"], description: "Where the slow weights start; first_sync: as in timm" },
  },
  rule: ({ start }) => ({
    slots: {
      s: { shape: "param", key: "slow_params", init: "p", dtype: "param" },
      count: { shape: "group", key: "lookahead_step" },
      ...start === "first_sync" && { started: { shape: "scalar" as const, key: "slow_started" } },
    },
    last: `
      count += 1
      sync = count % k == 0
      ${start === "first_sync" ? "s = where(started == 0, where(sync, p, s), s)\nstarted = where(sync, 1, started)" : ""}
      s = where(sync, s + alpha*(p - s), s)
      p = where(sync, s, p)
    `,
  }),
  scalars: ({ k, alpha }) => ({ k, alpha }),
};

/**
 * Schedule-free AdamW: an average of the iterates in place of a schedule. The parameters are where gradients are taken; point `"eval"` is the average.
 *
 * Defazio et al., "The Road Less Scheduled", 2024, https://arxiv.org/abs/2405.15682.
 * Follows schedulefree 1.4.1's `AdamWScheduleFree`; there `train()` and `eval()` move the parameters, here `optimizer.point("eval")` leaves them.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode scheduleFreeAdamw}. */
export interface ScheduleFreeAdamWOptions {
  /** Learning rate. */
  lr?: number;
  /** Interpolation between iterate and average, and decay of the second moment. */
  betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. */
  eps?: number;
  /** Decay, at the point where gradients are taken. */
  weightDecay?: number;
  /** Steps of a linear warmup. */
  warmupSteps?: number;
  /** Exponent of the step count in the average's weights. */
  r?: number;
  /** Exponent of the greatest learning rate so far in the average's weights. */
  weightLrPower?: number;
  /**
   * Element type of the moments: `"param"`, the parameter's, as there, or `"float32"`; null, the default: float32 for float16 parameters, which have no
   * room for them, and the parameter's for others.
   */
  stateDtype?: "param" | "float32" | null;
}

/**
 * AdamW with an average in place of a schedule, as in schedulefree.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("schedule_free_adamw", { w }, { lr: 2.5e-3, warmupSteps: 100 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const scheduleFreeAdamw: OptimizerPlugin<"schedule_free_adamw", ScheduleFreeAdamWOptions> = {
  kind: "optimizer",
  name: "schedule_free_adamw",
  description: "AdamW with an average in place of a schedule, as in schedulefree",
  source: "https://arxiv.org/abs/2405.15682; AdamWScheduleFree of schedulefree 1.4.1",
  counts: "group",
  options: {
    lr: { default: 2.5e-3, minimum: 0, unit: "rate", description: "Learning rate" },
    betas: {
      default: [0.9, 0.999],
      minimum: 0,
      exclusiveMaximum: 1,
      description: "Interpolation between iterate and average, and decay of the second moment",
    },
    eps: { default: 1e-8, minimum: 0, description: "Added to the corrected root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, at the point where gradients are taken" },
    warmupSteps: { default: 0, minimum: 0, unit: "steps", description: "Steps of a linear warmup" },
    r: { default: 0, description: "Exponent of the step count in the average's weights" },
    weightLrPower: { default: 2, description: "Exponent of the greatest learning rate so far in the average's weights" },
    stateDtype: stateDtypeSpec,
  },
  check({ betas: [beta1] }) {
    if (beta1 === 0) throw new RangeError(`Cannot use betas[0] = ${beta1}: point "eval" divides by it`);
  },
  rule({ stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        z: { shape: "param", key: "z", init: "p", dtype: moments },
        v: { shape: "param", key: "exp_avg_sq", dtype: moments },
        L: { shape: "group", key: "lr_max", init: -1 },
        W: { shape: "group", key: "weight_sum" },
      },
      update: `
        L  = max(L, lrt)
        w  = pow(t, r)*pow(L, power)
        W += w
        c  = where(W > 0, w/W, 0)
        v  = beta2*v + (1 - beta2)*g*g
        u  = g / (sqrt(v/c2) + eps) + weightDecay*p
        p += c*(z - p) - lrt*(1 - beta1*(1 - c))*u
        z -= lrt*u
      `,
      points: { eval: "p + (1 - 1/beta1)*(z - p)" },
    };
  },
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, warmupSteps, r, weightLrPower }, t, { pow }) {
    const lrt = t < warmupSteps ? lr * (t / warmupSteps) : lr;
    return { lrt, beta1, beta2, eps, weightDecay, r, power: weightLrPower, c2: 1 - pow(beta2, t) };
  },
};

/**
 * Schedule-free AdamW: an average of the iterates in place of a schedule. The parameters are where gradients are taken; point `eval` is the average.
 *
 * Defazio et al., "The Road Less Scheduled", 2024, https://arxiv.org/abs/2405.15682; follows schedulefree 1.4.1.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../../core/plugin/contract.ts";

/** Options of {@linkcode scheduleFreeAdamw}. */
export interface ScheduleFreeAdamWOptions {
  /** Learning rate. */
  lr?: number;
  /** Interpolation between iterate and average, and decay of the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Decay, at the point where gradients are taken. */
  weightDecay?: number;
  /** Steps of a linear warmup. */
  warmupSteps?: number;
  /** Exponent of the step count in the average's weights. */
  r?: number;
  /** Exponent of the greatest learning rate so far in the average's weights. */
  weightLrPower?: number;
}

/** AdamW with an average in place of a schedule. */
export const scheduleFreeAdamw: OptimizerPlugin<"schedule_free_adamw", ScheduleFreeAdamWOptions> = {
  kind: "optimizer",
  name: "schedule_free_adamw",
  description: "AdamW with an average in place of a schedule, as in schedulefree 1.4.1",
  counts: "group",
  options: {
    lr: { default: 2.5e-3, minimum: 0, description: "Learning rate" },
    betas: { default: [0.9, 0.999], minimum: 0, exclusiveMaximum: 1, description: "Interpolation, and decay of the second moment" },
    eps: { default: 1e-8, minimum: 0, description: "Added to the root of the second moment" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, at the point where gradients are taken" },
    warmupSteps: { default: 0, minimum: 0, description: "Steps of a linear warmup" },
    r: { default: 0, description: "Exponent of the step count in the average's weights" },
    weightLrPower: { default: 2, description: "Exponent of the greatest learning rate in the average's weights" },
  },
  check({ betas: [beta1] }) {
    if (beta1 === 0) throw new RangeError(`Cannot use betas[0] = ${beta1}: point "eval" divides by it`);
  },
  rule: () => ({
    slots: {
      z: { shape: "param", key: "z", init: "p" },
      v: { shape: "param", key: "exp_avg_sq" },
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
  }),
  scalars({ lr, betas: [beta1, beta2], eps, weightDecay, warmupSteps, r, weightLrPower }, t, { pow }) {
    const lrt = t < warmupSteps ? lr * (t / warmupSteps) : lr;
    return { lrt, beta1, beta2, eps, weightDecay, r, power: weightLrPower, c2: 1 - pow(beta2, t) };
  },
};

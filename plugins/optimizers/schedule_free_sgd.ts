/**
 * Schedule-free gradient descent: an average of the iterates in place of a schedule. The parameters are where gradients are taken; point `"eval"` is the
 * average.
 *
 * Defazio et al., "The Road Less Scheduled", 2024, https://arxiv.org/abs/2405.15682.
 * Follows schedulefree 1.4.1's `SGDScheduleFree`; there `train()` and `eval()` move the parameters, here `optimizer.point("eval")` leaves them.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { momentDtype, stateDtypeSpec } from "./moment_dtype.ts";

/** Options of {@linkcode scheduleFreeSgd}. */
export interface ScheduleFreeSGDOptions {
  /** Learning rate. */
  lr?: number;
  /** Interpolation between iterate and average. */
  momentum?: number;
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
 * Gradient descent with an average in place of a schedule, as in schedulefree.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("schedule_free_sgd", { w }, { lr: 0.5, warmupSteps: 100 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const scheduleFreeSgd: OptimizerPlugin<"schedule_free_sgd", ScheduleFreeSGDOptions> = {
  kind: "optimizer",
  name: "schedule_free_sgd",
  description: "Gradient descent with an average in place of a schedule, as in schedulefree",
  source: "https://arxiv.org/abs/2405.15682; SGDScheduleFree of schedulefree 1.4.1",
  counts: "group",
  options: {
    lr: { default: 1, minimum: 0, unit: "rate", description: "Learning rate" },
    momentum: { default: 0.9, exclusiveMinimum: 0, exclusiveMaximum: 1, description: "Interpolation between iterate and average" },
    weightDecay: { default: 0, minimum: 0, description: "Decay, at the point where gradients are taken" },
    warmupSteps: { default: 0, minimum: 0, unit: "steps", description: "Steps of a linear warmup" },
    r: { default: 0, description: "Exponent of the step count in the average's weights" },
    weightLrPower: { default: 2, description: "Exponent of the greatest learning rate so far in the average's weights" },
    stateDtype: stateDtypeSpec,
  },
  rule({ stateDtype }, { dtype }) {
    const moments = momentDtype(stateDtype, dtype);
    return {
      slots: {
        z: { shape: "param", key: "z", init: "p", dtype: moments },
        L: { shape: "group", key: "lr_max", init: -1 },
        W: { shape: "group", key: "weight_sum" },
      },
      update: `
        L  = max(L, lrt)
        w  = pow(t, r)*pow(L, power)
        W += w
        c  = where(W > 0, w/W, 0)
        u  = g + weightDecay*p
        p += c*(z - p) - lrt*(1 - momentum*(1 - c))*u
        z -= lrt*u
      `,
      points: { eval: "p + (1 - 1/momentum)*(z - p)" },
    };
  },
  scalars({ lr, momentum, weightDecay, warmupSteps, r, weightLrPower }, t) {
    const lrt = t < warmupSteps ? lr * (t / warmupSteps) : lr;
    return { lrt, momentum, weightDecay, r, power: weightLrPower };
  },
};

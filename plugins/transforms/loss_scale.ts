/**
 * A dynamic loss scale: gradients of a loss that was multiplied by it, for training in float16.
 *
 * Micikevicius et al., "Mixed Precision Training", 2018, https://arxiv.org/abs/1710.03740. As `torch.amp.GradScaler`, with its options: gradients are
 * divided by the scale; a step in which one is not finite is held back and multiplies the scale by backoffFactor; growthInterval steps in a row
 * without one multiply it by growthFactor, unless that is infinite in float32. The scale is the reading `scale`, and is saved. Stand first, so
 * that what clips sees gradients of the loss itself.
 *
 * What was gathered over micro-batches for a step that is held back is dropped, as by PyTorch's `zero_grad` after `scaler.step`. Multiply the losses of
 * all its micro-batches by one scale: it moves at steps alone.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";

/** Options of {@linkcode lossScale}. */
export interface LossScaleOptions {
  /** The first scale; default 65536. */
  initScale?: number;
  /** A factor above 1 after growthInterval steps; default 2. */
  growthFactor?: number;
  /** A factor below 1 after a step that was held back; default 0.5. */
  backoffFactor?: number;
  /** Steps in a row without an infinity or NaN; default 2000. */
  growthInterval?: number;
}

/**
 * Divides gradients by a scale that finds itself.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([1]);
 * using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 1 }, { transforms: [{ name: "loss_scale" }] });
 * const { scale } = optimizer.transforms[0].readings(); // multiply the loss by it
 * optimizer.step({ w: [0.25 * scale!] });
 * console.log(w[0]); // 0.75
 * ```
 */
export const lossScale: TransformPlugin<"loss_scale", LossScaleOptions> = {
  kind: "transform",
  name: "loss_scale",
  description: "Divides gradients by a loss scale, which falls when one is not finite and else rises",
  source: "https://arxiv.org/abs/1710.03740; torch.amp.GradScaler",
  options: {
    initScale: { default: 65536, exclusiveMinimum: 0, description: "The first scale" },
    growthFactor: { default: 2, exclusiveMinimum: 1, description: "What the scale is multiplied by after growthInterval good steps" },
    backoffFactor: {
      default: 0.5,
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: "What the scale is multiplied by after a step with an infinity or NaN",
    },
    growthInterval: {
      default: 2000,
      type: "integer",
      minimum: 1,
      unit: "steps",
      description: "Good steps in a row that let the scale rise",
    },
  },
  rule: ({ initScale }) => ({
    slots: {
      scale: { shape: "group", key: "loss_scale", init: initScale },
      good: { shape: "group", key: "growth_tracker" },
    },
    before: `
      n     = allnorm(g)
      bad   = 1 - (n - n == 0)
      g    *= 1/scale
      good  = where(bad, 0, good + 1)
      grown = where(scale*growthFactor < 3.4028235677973366e38, scale*growthFactor, scale)
      scale = where(bad, scale*backoffFactor, where(good == growthInterval, grown, scale))
      good  = where(good == growthInterval, 0, good)
    `,
    hold: "bad",
  }),
  scalars: ({ growthFactor, backoffFactor, growthInterval }) => ({ growthFactor, backoffFactor, growthInterval }),
  reading: (_, { scale }) => ({ scale }),
};

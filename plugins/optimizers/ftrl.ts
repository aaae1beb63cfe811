/**
 * FTRL: the point that was best for all gradients so far, with parameters that are exactly 0 where L1 holds them there.
 *
 * McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013, https://research.google/pubs/pub41159.
 * Follows `tf.keras.optimizers.Ftrl` 2.15, with numbers in float32 as there. `learningRatePower`, any number from 0 down there, is a multiple of 1/8
 * here, of which roots are made. The parameters' first values do not count: after one step each is what its sums say, 0 where nothing moved it.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { checkClipping, clipnormSpec, clippingScalars, clipvalueSpec, firstClip, globalClipnormSpec } from "./keras_clipping.ts";

/** Options of {@linkcode ftrl}. */
export interface FtrlOptions {
  /** Learning rate. */
  lr?: number;
  /** How the learning rate falls with the sum of the squared gradients: -0.5 is a root, 0 a fixed rate; a multiple of 1/8 from -1 to 0. */
  learningRatePower?: number;
  /** What the sums of squares start at. */
  initialAccumulatorValue?: number;
  /** Weight of the parameters' sizes: makes some of them 0. */
  l1RegularizationStrength?: number;
  /** Weight of the parameters' squares, which keeps them small. */
  l2RegularizationStrength?: number;
  /** Weight of the parameters' squares in the gradients alone, which shrinks those that gradients move. */
  l2ShrinkageRegularizationStrength?: number;
  /** Added to the root of the sums, as in the paper. */
  beta?: number;
  /** Decoupled decay, before the step. */
  weightDecay?: number;
  /** Greatest norm of each gradient; null: any. */
  clipnorm?: number | null;
  /** Greatest absolute value in a gradient, unless a norm is set; null: any. */
  clipvalue?: number | null;
  /** Greatest norm of all gradients together; null: any. */
  globalClipnorm?: number | null;
}

/**
 * FTRL-Proximal, as in Keras.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
 * using optimizer = builtins.createOptimizer("ftrl", { w }, { lr: 0.05, l1RegularizationStrength: 0.01 });
 * optimizer.step({ w: new Float32Array(12).fill(0.1) }); // w.data has moved
 * ```
 */
export const ftrl: OptimizerPlugin<"ftrl", FtrlOptions> = {
  kind: "optimizer",
  name: "ftrl",
  description: "Follow the regularized leader, as in Keras",
  source: "https://research.google/pubs/pub41159; tf.keras.optimizers.Ftrl 2.15",
  options: {
    lr: { default: 1e-3, exclusiveMinimum: 0, unit: "rate", description: "Learning rate" },
    learningRatePower: {
      default: -0.5,
      minimum: -1,
      maximum: 0,
      description: "How the learning rate falls with the sum of the squared gradients; a multiple of 1/8",
    },
    initialAccumulatorValue: { default: 0.1, minimum: 0, description: "What the sums of squares start at" },
    l1RegularizationStrength: { default: 0, minimum: 0, description: "Weight of the parameters' sizes: makes some of them 0" },
    l2RegularizationStrength: { default: 0, minimum: 0, description: "Weight of the parameters' squares, which keeps them small" },
    l2ShrinkageRegularizationStrength: {
      default: 0,
      minimum: 0,
      description: "Weight of the parameters' squares in the gradients alone, which shrinks those that gradients move",
    },
    beta: { default: 0, minimum: 0, description: "Added to the root of the sums, as in the paper" },
    weightDecay: { default: 0, minimum: 0, description: "Decoupled decay, before the step" },
    clipnorm: clipnormSpec,
    clipvalue: clipvalueSpec,
    globalClipnorm: globalClipnormSpec,
  },
  check(options) {
    checkClipping(options);
    const { learningRatePower } = options;
    if (Number.isInteger(8 * learningRatePower)) return;
    const message = `Cannot use learningRatePower = ${learningRatePower}: it must be a multiple of 1/8, such as -0.5`;
    throw Object.assign(new RangeError(message), { option: "learningRatePower" });
  },
  rule(options) {
    const { learningRatePower, initialAccumulatorValue, l2ShrinkageRegularizationStrength, weightDecay } = options;
    const eighths = -8 * learningRatePower;
    return {
      // Not n, as in the paper: the clipping's norms are called so.
      slots: {
        s: { shape: "param", key: "accumulator", init: initialAccumulatorValue },
        z: { shape: "param", key: "linear" },
      },
      update: `
        ${firstClip(options)}
        ${weightDecay > 0 ? "p -= p*weightDecay*lr" : ""}
        a  = ${power("s", eighths)}
        s += g*g
        b  = ${power("s", eighths)}
        z += ${l2ShrinkageRegularizationStrength > 0 ? "g + 2*shrinkage*p" : "g"} - (b - a)/lr*p
        p  = (clamp(z, -l1, l1) - z) / (b/lr + 2*l2)
      `,
    };
  },
  scalars(options) {
    const { lr, l1RegularizationStrength, l2RegularizationStrength, l2ShrinkageRegularizationStrength, beta, weightDecay } = options;
    const f = Math.fround;
    const rate = f(lr);
    return {
      lr: rate,
      l1: f(l1RegularizationStrength),
      l2: f(l2RegularizationStrength + beta / (2 * rate)),
      shrinkage: f(l2ShrinkageRegularizationStrength),
      weightDecay: f(weightDecay),
      ...clippingScalars(options),
    };
  },
};

/** The text of x to the power of so many eighths, from 0 to 8: the factors are roots of roots. */
function power(x: string, eighths: number): string {
  if (eighths === 8) return x;
  const roots = [`sqrt(${x})`, `sqrt(sqrt(${x}))`, `sqrt(sqrt(sqrt(${x})))`].filter((_, i) => eighths & (4 >> i));
  return roots.length === 0 ? "1" : roots.join("*");
}

/**
 * Adam as Keras 2.15 has it: what TensorFlow's `create_optimizer` picks without weight decay.
 *
 * Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, https://arxiv.org/abs/1412.6980.
 * Follows `tf.keras.optimizers.Adam` 2.15: the powers of the betas are float32 while `1 - beta` is rounded once, one step count serves all tensors,
 * and only the first that is set of `clipnorm`, `globalClipnorm` and `clipvalue` acts; 0 is not set.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { checkClipping, clipnormSpec, clippingScalars, clipvalueSpec, firstClip, globalClipnormSpec } from "./keras_clipping.ts";

/** Options of {@linkcode adamKeras}. */
export interface AdamKerasOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment. */
  eps?: number;
  /** Divide by the greatest second moment so far. */
  amsgrad?: boolean;
  /** Greatest norm of each gradient; null: any. */
  clipnorm?: number | null;
  /** Greatest absolute value in a gradient, unless a norm is set; null: any. */
  clipvalue?: number | null;
  /** Greatest norm of all gradients together; null: any. */
  globalClipnorm?: number | null;
}

/**
 * Adam in Keras' arithmetic.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * using optimizer = builtins.createOptimizer("adam_keras", { w: new Float32Array(2) }, { lr: 1e-3, clipnorm: 1 });
 * optimizer.step({ w: new Float32Array([3, 4]) });
 * ```
 */
export const adamKeras: OptimizerPlugin<"adam_keras", AdamKerasOptions> = {
  kind: "optimizer",
  name: "adam_keras",
  description: "Adam as in Keras 2.15, which create_optimizer picks without weight decay",
  source: "https://arxiv.org/abs/1412.6980; tf.keras.optimizers.Adam 2.15",
  counts: "optimizer",
  options: {
    lr: { default: 1e-3, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], description: "Decay of the first and the second moment" },
    eps: { default: 1e-7, description: "Added to the root of the second moment" },
    amsgrad: { default: false, description: "Divide by the greatest second moment so far" },
    clipnorm: clipnormSpec,
    clipvalue: clipvalueSpec,
    globalClipnorm: globalClipnormSpec,
  },
  check: checkClipping,
  rule(options) {
    const { amsgrad } = options;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg" },
        v: { shape: "param", key: "exp_avg_sq" },
        ...(amsgrad ? { h: { shape: "param", key: "max_exp_avg_sq" } } : {}),
      },
      update: `
        ${firstClip(options)}
        m += (g - m)*k1
        v += (g*g - v)*k2
        ${
        amsgrad
          ? `h = max(h, v)
        u = m*alpha/(sqrt(h) + eps)`
          : "u = m*alpha/(sqrt(v) + eps)"
      }
        p -= u
      `,
    };
  },
  scalars(options, t, { pow }) {
    const { lr, betas: [beta1, beta2], eps } = options;
    const f = Math.fround;
    const alpha = f(f(f(lr) * f(Math.sqrt(f(1 - f(pow(f(beta2), t)))))) / f(1 - f(pow(f(beta1), t))));
    return { alpha, k1: f(1 - beta1), k2: f(1 - beta2), eps: f(eps), ...clippingScalars(options) };
  },
};

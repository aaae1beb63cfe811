/**
 * Optimizers of this library for TensorFlow.js: {@linkcode bind} over variables, and {@linkcode tfOptimizer} for `model.compile` and `minimize`.
 *
 * Nothing of tfjs is imported, so that any version and build of it will do (tried: 4.22, on its backends cpu, wasm, webgpu and webgl). Parameters,
 * gradients and moments are float32.
 *
 * @example Usage
 * ```ts ignore
 * import * as tf from "@tensorflow/tfjs";
 * import { tfOptimizer } from "@glissade/optim/adapters/tfjs";
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
 * model.compile({ optimizer: tfOptimizer(tf, "adamw", { lr: 1e-3, weightDecay: 0.01 }), loss: "meanSquaredError" });
 * ```
 *
 * @module
 */
export type { BindSettings } from "../bound.ts";
export { bind, type Bound } from "./bind.ts";
export { registerTfOptimizer, tfOptimizer, type TfOptimizerSettings, type WithBound } from "./optimizer.ts";
export type * from "./types.ts";
export type { TfNamedTensor } from "./weights.ts";

/**
 * The digits' network in tfjs: what the example, its test and bench/tfjs.ts train.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import type { Batch } from "../digits/data.ts";

/** A network of 64, 256 and 10 units that `optimizer` trains, with the same weights each time. */
export function createModel(optimizer: tf.Optimizer): layers.Sequential {
  const dense = (units: number, seed: number, more: object) =>
    layers.layers.dense({ units, kernelInitializer: layers.initializers.glorotUniform({ seed }), ...more });
  const model = layers.sequential({
    layers: [dense(256, 1, { inputShape: [64], activation: "tanh" }), dense(10, 2, { activation: "softmax" })],
  });
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

/** One update; its loss before it. */
export async function update(model: layers.Sequential, { pixels, labels, count }: Batch): Promise<number> {
  const x = tf.tensor2d(pixels, [count, 64]);
  const y = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), 10), "float32"));
  const [loss] = await model.trainOnBatch(x, y) as number[];
  tf.dispose([x, y]);
  return loss;
}

/** Share of images that the network takes for what they are. */
export function accuracyOf(model: layers.Sequential, { pixels, labels, count }: Batch): number {
  return tf.tidy(() => {
    const found = tf.argMax(model.predict(tf.tensor2d(pixels, [count, 64])) as tf.Tensor2D, 1).dataSync();
    return labels.reduce((right, label, i) => right + (found[i] === label ? 1 : 0), 0) / count;
  });
}

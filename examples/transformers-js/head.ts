/**
 * A classifier's head over embeddings that stay as they are: one linear layer, softmax cross-entropy, its gradient in a few lines, and AdamW.
 *
 * @module
 */
import { builtins } from "../../mod.ts";

/** Embeddings with the numbers of their labels. */
export interface Labelled {
  readonly embeddings: readonly Float32Array[];
  readonly labels: readonly number[];
}

/** What the head says of an embedding: a probability for each label. */
export type Head = (embedding: Float32Array) => number[];

/** Trains a head over all examples at once, for so many updates; `told` hears each update's loss. */
export function trainHead(
  { embeddings, labels }: Labelled,
  classes: number,
  updates: number,
  told: (update: number, loss: number) => void = () => {},
): Head {
  const width = embeddings[0].length;
  const weight = new Float32Array(classes * width);
  const bias = new Float32Array(classes);
  const head: Head = (embedding) => {
    const logits = Array.from(bias, (b, k) => embedding.reduce((sum, x, i) => sum + x * weight[k * width + i], b));
    const largest = Math.max(...logits);
    const exps = logits.map((logit) => Math.exp(logit - largest));
    const sum = exps.reduce((a, b) => a + b);
    return exps.map((e) => e / sum);
  };

  const optimizer = builtins.createOptimizer("adamw_torch", { weight: { data: weight, shape: [classes, width] }, bias }, {
    lr: 0.05,
    weightDecay: 0.01,
  }, {
    groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
    schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: updates } } },
  });
  for (let update = 1; update <= updates; update++) {
    const grads = { weight: new Float32Array(weight.length), bias: new Float32Array(classes) };
    let loss = 0;
    embeddings.forEach((embedding, n) => {
      const probabilities = head(embedding);
      loss -= Math.log(probabilities[labels[n]]) / labels.length;
      probabilities.forEach((probability, k) => {
        const d = (probability - Number(k === labels[n])) / labels.length;
        grads.bias[k] += d;
        embedding.forEach((x, i) => grads.weight[k * width + i] += d * x);
      });
    });
    optimizer.step(grads);
    told(update, loss);
  }
  optimizer.dispose();
  return head;
}

/** The label that a head finds most likely. */
export function most(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/**
 * A network of fully connected layers with tanh between them, softmax cross entropy at the end, and its gradients, in plain TypeScript.
 *
 * All arithmetic is float32: numbers live in `Float32Array`s and every sum is rounded as it grows.
 *
 * @module
 */
import type { Tensor } from "../../mod.ts";
import type { Batch } from "./data.ts";
import type { Generator } from "./generator.ts";

/** Parameters, their gradients, and how they come about. */
export interface Network {
  /** `layer1.weight` of shape [outputs, inputs], `layer1.bias`, `layer2.weight`…: PyTorch's names and shapes. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** Gradients of the mean loss under the same names, as the last {@linkcode Network.backward} left them. */
  readonly grads: Readonly<Record<string, Tensor>>;
  /** How well the network does. */
  forward(batch: Batch): Result;
  /** The same, and it fills {@linkcode Network.grads}. */
  backward(batch: Batch): Result;
}

/** How well a network does on a batch. */
export interface Result {
  /** Mean cross entropy. */
  readonly loss: number;
  /** How many images it takes for what they are. */
  readonly correct: number;
}

/** One layer: y = x Wᵀ + b. */
interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly weightGrad: Float32Array;
  readonly biasGrad: Float32Array;
}

const { fround } = Math;

/** A network with `sizes[0]` inputs and `sizes.at(-1)` classes. Weights are uniform within Glorot's bound, biases zero. */
export function createNetwork(sizes: readonly number[], generator: Generator): Network {
  const layers = sizes.slice(1).map((outputs, i) => createLayer(sizes[i], outputs, generator));

  const classes = sizes[sizes.length - 1];
  // y[0] is the input, y[l] what layer l gives, after its tanh; the last one holds logits.
  const run = ({ pixels, labels, count }: Batch): { y: Float32Array[]; result: Result; dLogits: Float32Array } => {
    const y = [pixels];
    layers.forEach((layer, l) => {
      y.push(linear(layer, y[l], count));
      if (l < layers.length - 1) tanh(y[l + 1]);
    });
    return { y, ...crossEntropy(y[layers.length], labels, classes) };
  };

  return {
    params: named(layers, "weight", "bias"),
    grads: named(layers, "weightGrad", "biasGrad"),
    forward: (batch) => run(batch).result,
    backward: (batch) => {
      const { y, result, dLogits } = run(batch);
      let dy = dLogits;
      for (let l = layers.length - 1; l >= 0; l--) {
        parameterGradients(layers[l], y[l], dy, batch.count);
        if (l === 0) break;
        dy = inputGradient(layers[l], dy, batch.count);
        tanhBackward(y[l], dy);
      }
      return result;
    },
  };
}

function createLayer(inputs: number, outputs: number, generator: Generator): Layer {
  const bound = Math.sqrt(6 / (inputs + outputs));
  return {
    inputs,
    outputs,
    weight: Float32Array.from({ length: outputs * inputs }, () => generator.within(bound)),
    bias: new Float32Array(outputs),
    weightGrad: new Float32Array(outputs * inputs),
    biasGrad: new Float32Array(outputs),
  };
}

function named(layers: readonly Layer[], weight: "weight" | "weightGrad", bias: "bias" | "biasGrad"): Record<string, Tensor> {
  return Object.fromEntries(layers.flatMap((layer, l) => [
    [`layer${l + 1}.weight`, { data: layer[weight], shape: [layer.outputs, layer.inputs] }],
    [`layer${l + 1}.bias`, { data: layer[bias], shape: [layer.outputs] }],
  ]));
}

/** y = x Wᵀ + b. */
function linear({ inputs, outputs, weight, bias }: Layer, x: Float32Array, count: number): Float32Array {
  const y = new Float32Array(count * outputs);
  for (let n = 0; n < count; n++) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum = fround(sum + fround(x[n * inputs + i] * weight[o * inputs + i]));
      y[n * outputs + o] = sum + bias[o];
    }
  }
  return y;
}

/** dW = dyᵀ x, db = the column sums of dy. */
function parameterGradients({ inputs, outputs, weightGrad, biasGrad }: Layer, x: Float32Array, dy: Float32Array, count: number): void {
  weightGrad.fill(0);
  biasGrad.fill(0);
  for (let n = 0; n < count; n++) {
    for (let o = 0; o < outputs; o++) {
      const d = dy[n * outputs + o];
      biasGrad[o] += d;
      for (let i = 0; i < inputs; i++) weightGrad[o * inputs + i] += fround(d * x[n * inputs + i]);
    }
  }
}

/** dx = dy W. */
function inputGradient({ inputs, outputs, weight }: Layer, dy: Float32Array, count: number): Float32Array {
  const dx = new Float32Array(count * inputs);
  for (let n = 0; n < count; n++) {
    for (let o = 0; o < outputs; o++) {
      const d = dy[n * outputs + o];
      for (let i = 0; i < inputs; i++) dx[n * inputs + i] += fround(d * weight[o * inputs + i]);
    }
  }
  return dx;
}

/** In place. */
function tanh(y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = Math.tanh(y[i]);
}

/** dx = dy (1 - y²), in place; y is what tanh gave. */
function tanhBackward(y: Float32Array, dy: Float32Array): void {
  for (let i = 0; i < y.length; i++) dy[i] *= fround(1 - fround(y[i] * y[i]));
}

/** -log softmax(logits)[label], its mean over the batch, and that mean's gradient: (softmax - onehot) / count. */
function crossEntropy(logits: Float32Array, labels: Uint8Array, classes: number): { result: Result; dLogits: Float32Array } {
  const count = labels.length;
  const dLogits = new Float32Array(logits.length);
  let loss = 0;
  let correct = 0;
  for (let n = 0; n < count; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const label = labels[n];
    const largest = Math.max(...row);
    if (row[label] === largest) correct++;
    let sum = 0;
    for (const logit of row) sum = fround(sum + fround(Math.exp(fround(logit - largest))));
    const logSum = fround(Math.log(sum));
    loss += logSum - fround(row[label] - largest);
    for (let c = 0; c < classes; c++) {
      const softmax = fround(Math.exp(fround(fround(row[c] - largest) - logSum)));
      dLogits[n * classes + c] = fround(softmax - (c === label ? 1 : 0)) / count;
    }
  }
  return { result: { loss: loss / count, correct }, dLogits };
}

/**
 * The digits' network in jax-js, which computes loss and gradients; the steps are Glissade's, or those of an Adam that is written in jax-js itself, after
 * optax' formula (its own package of optimizers is not on npm). main.ts runs both and compares losses and times.
 *
 * @module
 */
import type { WebGpuBackend } from "../../core/webgpu.ts";
import { bind, type JaxArray } from "../../plugins/adapters/jax_js.ts";
import { type Batch, type Digits, shuffledBatches } from "../digits/data.ts";
import type { Generator } from "../digits/generator.ts";

/** Arrays with what is used of their methods. Each use of an array takes it; `ref` keeps it for one more. */
export interface Numbers extends JaxArray {
  add(other: Numbers | number): Numbers;
  sub(other: Numbers | number): Numbers;
  mul(other: Numbers | number): Numbers;
  div(other: Numbers | number): Numbers;
  sum(): Numbers;
  neg(): Numbers;
}

/** What is used of jax-js. */
export interface Jax {
  readonly numpy: {
    array(values: Float32Array | Int32Array, options?: { shape?: number[] }): Numbers;
    dot(a: Numbers, b: Numbers): Numbers;
    tanh(x: Numbers): Numbers;
    sqrt(x: Numbers): Numbers;
    argmax(x: Numbers, axis: number): Numbers;
  };
  readonly nn: { logSoftmax(x: Numbers, axis: number): Numbers; oneHot(x: Numbers, classes: number): Numbers };
  readonly tree: { ref<T>(tree: T): T; dispose(tree: unknown): void };
  jit<F>(f: F): F;
  getWebGPUDevice(): GPUDevice;
  valueAndGrad<T>(f: (params: T, x: Numbers, y: Numbers) => Numbers): (params: T, x: Numbers, y: Numbers) => [Numbers, T];
}

type Layer = { weight: Numbers; bias: Numbers };
/** The network's parameters. */
export type Params = { layer1: Layer; layer2: Layer };

/** What steps: from parameters and gradients, which it takes over, to the parameters of the next run, of which it keeps a reference. */
export interface Stepper {
  readonly params: Params;
  step(grads: Params): void;
  dispose(): void;
}

/** Weights are uniform within Glorot's bound, biases zero. */
export function startParameters({ numpy: np }: Jax, generator: Generator): Params {
  const layer = (inputs: number, outputs: number): Layer => {
    const bound = Math.sqrt(6 / (inputs + outputs));
    const weight = Float32Array.from({ length: inputs * outputs }, () => generator.within(bound));
    return { weight: np.array(weight, { shape: [inputs, outputs] }), bias: np.array(new Float32Array(outputs)) };
  };
  return { layer1: layer(64, 256), layer2: layer(256, 10) };
}

const lr = 2e-3;

/** Glissade's; on a GPU with a backend on the device of jax-js. */
export const byGlissade = (jax: Jax, params: Params, backend?: WebGpuBackend): Stepper => bind(params, "adam", { lr }, { jax, backend });

/** Adam in jax-js: a jitted function per tensor, since one over all tensors is slower where there are many. */
export function byJax(jax: Jax, params: Params): Stepper {
  const { numpy: np, tree } = jax;
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  const move = jax.jit((p: Numbers, m: Numbers, v: Numbers, g: Numbers, correction1: Numbers, correction2: Numbers): Numbers[] => {
    const m1 = m.mul(beta1).add(g.ref.mul(1 - beta1));
    const v1 = v.mul(beta2).add(g.ref.mul(g).mul(1 - beta2));
    return [p.sub(m1.ref.mul(correction1).div(np.sqrt(v1.ref.mul(correction2)).add(eps)).mul(lr)), m1, v1];
  });
  const tensors = ({ layer1, layer2 }: Params): Numbers[] => [layer1.weight, layer1.bias, layer2.weight, layer2.bias];
  const zeros = ({ shape }: Numbers): Numbers => np.array(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape: [...shape] });
  let moved = tensors(params).map((p) => [p, zeros(p), zeros(p)]);
  let t = 0;
  return {
    get params() {
      const [[w1], [b1], [w2], [b2]] = moved;
      return { layer1: { weight: w1, bias: b1 }, layer2: { weight: w2, bias: b2 } };
    },
    step(grads) {
      t++;
      const number = (x: number): Numbers => np.array(new Float32Array([x]), { shape: [] });
      const [correction1, correction2] = [number(1 / (1 - beta1 ** t)), number(1 / (1 - beta2 ** t))];
      moved = tensors(grads).map((g, i) => {
        const [p, m, v] = moved[i];
        return move(p, m, v, g, correction1.ref, correction2.ref);
      });
      tree.dispose([correction1, correction2]);
    },
    dispose: () => tree.dispose(moved),
  };
}

/** What a training gave. */
export interface Trained {
  /** The loss of each update. */
  readonly losses: readonly number[];
  /** The share of the held-out digits that it reads right. */
  readonly right: number;
  /** Milliseconds of an update, its gradients included: jax-js computes late, so that the two cannot be timed apart. */
  readonly ms: number;
}

/** Trains for so many updates. */
export async function train(
  jax: Jax,
  digits: Digits,
  generator: Generator,
  by: (jax: Jax, params: Params) => Stepper,
  updates: number,
): Promise<Trained> {
  const { numpy: np, nn, tree } = jax;
  const forward = ({ layer1, layer2 }: Params, x: Numbers): Numbers => {
    const hidden = np.tanh(np.dot(x, layer1.weight).add(layer1.bias));
    return np.dot(hidden, layer2.weight).add(layer2.bias);
  };
  const loss = (params: Params, x: Numbers, y: Numbers): Numbers => {
    const count = x.shape[0];
    return nn.logSoftmax(forward(params, x), 1).mul(nn.oneHot(y, 10)).sum().neg().div(count);
  };
  const lossAndGrads = jax.jit(jax.valueAndGrad(loss));
  // What is read at once jax-js computes on this thread; a GPU must be waited for.
  const read = (array: Numbers): unknown => array.device === "webgpu" ? array.data() : array.dataSync();
  const pixels = ({ pixels, count }: Batch): Numbers => np.array(pixels, { shape: [count, 64] });

  const stepper = by(jax, startParameters(jax, generator));
  const losses: number[] = [];
  const start = performance.now();
  for (const batch of shuffledBatches(digits.training, 32, generator)) {
    const [value, grads] = lossAndGrads(tree.ref(stepper.params), pixels(batch), np.array(Int32Array.from(batch.labels)));
    losses.push((await read(value) as Float32Array)[0]);
    stepper.step(grads);
    if (losses.length === updates) break;
  }
  const ms = (performance.now() - start) / updates;
  const { heldOut } = digits;
  const answers = await read(np.argmax(forward(tree.ref(stepper.params), pixels(heldOut)), 1)) as Int32Array;
  stepper.dispose();
  return { losses, right: answers.filter((answer, i) => answer === heldOut.labels[i]).length / heldOut.count, ms };
}

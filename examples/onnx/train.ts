/**
 * Trains a model of export.py on handwritten digits: onnxruntime computes loss and gradients, Glissade steps. Nothing here knows the model's layers,
 * and it runs wherever onnxruntime does; main.ts is the command for Deno, Bun and Node, page.ts the page.
 *
 * @module
 */
import type * as onnxruntime from "onnxruntime-web";
import { bind, createParameters } from "../../plugins/adapters/onnxruntime.ts";
import type { WebGpuBackend } from "../../core/webgpu.ts";
import { type Batch, type Digits, shuffledBatches } from "../digits/data.ts";
import type { Generator } from "../digits/generator.ts";

/** Onnxruntime, of whichever package. */
export type Ort = typeof onnxruntime;

/** Trains for so many updates, `told` hears each one's loss, and gives the share of the held-out digits that are read right. With a backend, on its GPU. */
export async function train(
  ort: Ort,
  session: onnxruntime.InferenceSession,
  { training, heldOut }: Digits,
  generator: Generator,
  updates: number,
  told: (update: number, loss: number) => unknown = () => {},
  backend?: WebGpuBackend,
): Promise<number> {
  const feed = ({ count, pixels, labels }: Batch) => ({
    x: new ort.Tensor("float32", pixels, [count, 64]),
    y: new ort.Tensor("int32", Int32Array.from(labels), [count]),
  });
  // Weights are uniform within Glorot's bound, biases zero.
  const params = createParameters(ort, session, (_, [outputs, inputs = 0]) => {
    const bound = inputs && Math.sqrt(6 / (inputs + outputs));
    return Float32Array.from({ length: outputs * (inputs || 1) }, () => generator.within(bound));
  }, { backend });
  const bound = bind(params, "adamw_torch", { lr: 5e-3, weightDecay: 0.01 }, {
    groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
    schedules: { lr: { name: "cosine", options: { numWarmupSteps: 20, numTrainingSteps: updates } } },
    backend,
  });
  for (const batch of shuffledBatches(training, 32, generator)) {
    const { step, outputs: { loss } } = await bound.update(session, feed(batch), ["loss"]); // moves params
    await told(step, Number((await loss.getData(true))[0]));
    if (step === updates) break;
  }
  bound.dispose();
  const { said } = await session.run({ ...feed(heldOut), ...params }, ["said"]);
  const scores = await said.getData(true) as Float32Array;
  const answers = Array.from(heldOut.labels, (_, i) => scores.subarray(10 * i, 10 * i + 10)).map((of) => of.indexOf(Math.max(...of)));
  return answers.filter((answer, i) => answer === heldOut.labels[i]).length / heldOut.count;
}

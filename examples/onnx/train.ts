/**
 * Trains a model of export.py on handwritten digits: onnxruntime computes loss and gradients, Glissade steps. Nothing here knows the model's layers,
 * and it runs wherever onnxruntime does; main.ts is the command for Deno, Bun and Node, page.ts the page.
 *
 * @module
 */
import { bind, type OnnxSession, type OnnxTensor, parameterShapes } from "../../plugins/adapters/onnxruntime.ts";
import { type Batch, type Digits, shuffledBatches } from "../digits/data.ts";
import type { Generator } from "../digits/generator.ts";

/** What is used of onnxruntime, of whichever package. */
export interface Onnxruntime {
  readonly Tensor: new (type: "float32" | "int32", data: Float32Array | Int32Array, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: { create(model: Uint8Array): Promise<Session> };
}

/** A model that is ready to run. */
export interface Session extends OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Record<string, OnnxTensor & { readonly data: Float32Array }>>;
}

/** Weights are uniform within Glorot's bound, biases zero. */
export function startParameters(ort: Onnxruntime, session: Session, generator: Generator): Record<string, OnnxTensor> {
  return Object.fromEntries(
    Object.entries(parameterShapes(session)).map(([name, [outputs, inputs = 0]]) => {
      const bound = Math.sqrt(6 / (inputs + outputs));
      const data = Float32Array.from({ length: outputs * (inputs || 1) }, () => inputs && generator.within(bound));
      return [name, new ort.Tensor("float32", data, inputs ? [outputs, inputs] : [outputs])];
    }),
  );
}

/** What a session is fed beside the parameters. */
export function feed(ort: Onnxruntime, { count, pixels, labels }: Batch): Record<string, OnnxTensor> {
  return { x: new ort.Tensor("float32", pixels, [count, 64]), y: new ort.Tensor("int32", Int32Array.from(labels), [count]) };
}

/** What a training gave. */
export interface Trained {
  /** The share of the held-out digits that it reads right. */
  readonly right: number;
  /** Milliseconds of an update: of the session's run, and of the step. */
  readonly ms: { readonly run: number; readonly step: number };
}

/** Trains for so many updates. `told` hears each update's loss. */
export async function train(
  ort: Onnxruntime,
  session: Session,
  digits: Digits,
  generator: Generator,
  updates: number,
  told: (update: number, loss: number) => void | Promise<void> = () => {},
): Promise<Trained> {
  const params = startParameters(ort, session, generator);
  const bound = bind(params, "adamw_torch", { lr: 5e-3, weightDecay: 0.01 }, {
    groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }],
    schedules: { lr: { name: "cosine", options: { numWarmupSteps: 20, numTrainingSteps: updates } } },
  });
  const ms = { run: 0, step: 0 };
  for (const batch of shuffledBatches(digits.training, 32, generator)) {
    const start = performance.now();
    const outputs = await session.run({ ...feed(ort, batch), ...params });
    const between = performance.now();
    const { step } = bound.step(outputs); // the tensors in params have moved
    ms.run += (between - start) / updates;
    ms.step += (performance.now() - between) / updates;
    await told(step, outputs.loss.data[0]);
    if (step === updates) break;
  }
  bound.dispose();

  const { heldOut } = digits;
  const { said } = await session.run({ ...feed(ort, heldOut), ...params });
  const answers = Array.from(heldOut.labels, (_, i) => {
    const of = said.data.subarray(10 * i, 10 * i + 10);
    return of.indexOf(Math.max(...of));
  });
  return { right: answers.filter((answer, i) => answer === heldOut.labels[i]).length / heldOut.count, ms };
}

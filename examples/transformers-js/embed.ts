/**
 * Embeddings of sentences by transformers.js: the mean over the tokens of what a frozen encoder says, made as long as 1.
 *
 * @module
 */

/** What is used of `@huggingface/transformers`. */
export interface Transformers {
  readonly env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    readonly backends: { readonly onnx: { readonly wasm?: { wasmPaths?: unknown; numThreads?: number } } };
  };
  pipeline(task: "feature-extraction", model: string, options: { dtype: "fp32" }): Promise<Encoder>;
}

/** A pipeline of transformers.js. */
export type Encoder = (
  sentences: readonly string[],
  options: { pooling: "mean"; normalize: true },
) => Promise<{ readonly data: ArrayLike<number>; readonly dims: readonly number[] }>;

/** An encoder from a folder of models: files of our own, nothing from anywhere else. */
export async function openEncoder({ env, pipeline }: Transformers, models: string, name: string): Promise<Encoder> {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = models;
  return await pipeline("feature-extraction", name, { dtype: "fp32" });
}

/** An embedding for each sentence. */
export async function embed(encoder: Encoder, sentences: readonly string[]): Promise<Float32Array[]> {
  const { data, dims: [, width] } = await encoder(sentences, { pooling: "mean", normalize: true });
  return sentences.map((_, i) => Float32Array.from({ length: width }, (_, j) => data[i * width + j]));
}

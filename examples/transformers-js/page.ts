/// <reference lib="dom" />
/**
 * The page's program: embeds the sentences with transformers.js, trains a head over them, and says what a sentence of yours is about.
 *
 * @module
 */
import { embed, openEncoder, type Transformers } from "./embed.ts";
import { most, trainHead } from "./head.ts";
import sentences from "./sentences.json" with { type: "json" };

const show = (text: string) => document.querySelector("output")!.textContent = text;
const texts = (rows: readonly (readonly (string | number)[])[]): string[] => rows.map(([text]) => text as string);
const labels = (rows: readonly (readonly (string | number)[])[]): number[] => rows.map(([, label]) => label as number);

try {
  const transformers: Transformers = await import(`${location.origin}/transformers.js`);
  transformers.env.backends.onnx.wasm!.wasmPaths = `${location.origin}/onnxruntime/`;
  transformers.env.backends.onnx.wasm!.numThreads = 1; // more need a cross-origin isolated page
  const encoder = await openEncoder(transformers, "/models/", "encoder");
  show("embedding the sentences");
  const { training, heldOut, labels: names } = sentences;
  const embeddings = await embed(encoder, texts(training));
  const head = trainHead(
    { embeddings, labels: labels(training) },
    names.length,
    100,
    (update, loss) => show(`update ${update}: loss ${loss}`),
  );
  const answers = (await embed(encoder, texts(heldOut))).map((embedding) => most(head(embedding)));
  const right = answers.filter((answer, i) => answer === labels(heldOut)[i]).length;
  show(`${right} of ${heldOut.length} sentences that it has not seen right`);

  const input = document.querySelector("input")!;
  input.disabled = false;
  input.addEventListener("change", async () => {
    const [embedding] = await embed(encoder, [input.value]);
    const probabilities = head(embedding);
    const best = most(probabilities);
    show(`${names[best]}, at ${(100 * probabilities[best]).toFixed(0)} %`);
  });
} catch (error) {
  show(`failed: ${error}`);
  throw error;
}

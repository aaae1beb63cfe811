/// <reference lib="dom" />
/**
 * The page's program: trains with onnxruntime-web, and shows the loss. It takes the number of updates and the device from the address:
 * `?updates=200&device=webgpu` trains on a GPU.
 *
 * @module
 */
import { createWebGpuBackend } from "../../core/webgpu.ts";
import { readDigits } from "../digits/data.ts";
import { createGenerator } from "../digits/generator.ts";
import { type Ort, train } from "./train.ts";

const asked = new URLSearchParams(location.search);
const onGpu = asked.get("device") === "webgpu";
// The package's module, which finds its WebAssembly beside itself. A bundler takes `import * as ort from "onnxruntime-web/wasm"` as well.
const ort: Ort = await import(`${location.origin}/onnxruntime/ort.${onGpu ? "webgpu" : "wasm"}.min.mjs`);

const show = (text: string) => document.querySelector("output")!.textContent = text;
const get = async (path: string): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await fetch(path)).arrayBuffer());

try {
  const digits = await readDigits(await get("/digits.csv.gz"));
  const session = await ort.InferenceSession.create(
    await get("/digits.onnx"),
    onGpu ? { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" } : {},
  );
  const backend = onGpu ? await createWebGpuBackend({ device: await ort.env.webgpu.device }) : undefined;
  const updates = Number(asked.get("updates") ?? 600);
  const right = await train(ort, session, digits, createGenerator(1), updates, async (update, loss) => {
    if (update % 20 > 0) return;
    show(`update ${update}: loss ${loss.toFixed(4)}`);
    await new Promise((done) => setTimeout(done)); // lets the page draw
  }, backend);
  show(`${(100 * right).toFixed(1)} % of the held-out digits right`);
} catch (error) {
  show(`failed: ${error}`);
  throw error;
}

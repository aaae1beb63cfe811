/**
 * What a page computes with jax-js, and the tests' own runtime too, to compare.
 *
 * @module
 */
import type { WebGpuBackend } from "../../../core/types.ts";
import { type Digits, readDigits } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import { byGlissade, type Jax, train } from "../../../examples/jax-js/train.ts";

/** The namespace, with what readies it. */
export type JaxModule = Jax & { init(device: string): Promise<unknown>; defaultDevice(device: string): unknown };

/** Readies a backend of jax-js; that in WebAssembly on the calling thread: its workers would keep the runtimes' tests from ending. */
export async function ready(jax: JaxModule, device: "wasm" | "webgpu" = "wasm"): Promise<void> {
  const { Worker } = globalThis;
  // jax-js asks on a GPU for the browser's name, which Node 20 has not.
  const { navigator } = globalThis as { navigator?: { readonly gpu?: object; userAgent?: string } };
  if (navigator?.gpu !== undefined) navigator.userAgent ??= "Node.js";
  Object.defineProperty(globalThis, "Worker", { value: undefined, configurable: true, writable: true });
  try {
    await jax.init(device);
    jax.defaultDevice(device);
  } finally {
    Object.defineProperty(globalThis, "Worker", { value: Worker, configurable: true, writable: true });
  }
}

/** The losses of some updates, on a GPU with a backend. */
export async function losses(jax: Jax, digits: Digits, updates = 40, backend?: WebGpuBackend): Promise<readonly number[]> {
  return (await train(jax, digits, createGenerator(1), (jax, params) => byGlissade(jax, params, backend), updates)).losses;
}

/** In a page: the losses, as its text. Its address says how many, and on which device: `?device=webgpu&updates=3`. */
export async function inPage(jax: JaxModule): Promise<void> {
  const { location, document } = globalThis as unknown as {
    readonly location: { readonly search: string };
    readonly document: { readonly body: { textContent: string } };
  };
  const asked = new URLSearchParams(location.search);
  const onGpu = asked.get("device") === "webgpu";
  await ready(jax, onGpu ? "webgpu" : "wasm");
  const backend = onGpu ? await createWebGpuBackend({ device: jax.getWebGPUDevice() }) : undefined;
  const digits = await readDigits(new Uint8Array(await (await fetch("/digits.csv.gz")).arrayBuffer()));
  document.body.textContent = JSON.stringify(await losses(jax, digits, Number(asked.get("updates")), backend));
}

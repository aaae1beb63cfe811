/**
 * What a page computes with jax-js, and the tests' own runtime too, to compare.
 *
 * @module
 */
import { type Digits, readDigits } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { byGlissade, type Jax, train } from "../../../examples/jax-js/train.ts";

/** The namespace, with what readies it. */
export type JaxModule = Jax & { init(device: string): Promise<unknown>; defaultDevice(device: string): unknown };

/** Readies the backend in WebAssembly, on the calling thread: jax-js' workers would keep the runtimes' tests from ending. */
export async function ready(jax: JaxModule): Promise<void> {
  const { Worker } = globalThis;
  Object.defineProperty(globalThis, "Worker", { value: undefined, configurable: true, writable: true });
  try {
    await jax.init("wasm");
    jax.defaultDevice("wasm");
  } finally {
    Object.defineProperty(globalThis, "Worker", { value: Worker, configurable: true, writable: true });
  }
}

/** The losses of some updates. */
export function losses(jax: Jax, digits: Digits): readonly number[] {
  return train(jax, digits, createGenerator(1), byGlissade, 40).losses;
}

/** In a page: the losses, as its text. */
export async function inPage(jax: JaxModule): Promise<void> {
  await ready(jax);
  const digits = await readDigits(new Uint8Array(await (await fetch("/digits.csv.gz")).arrayBuffer()));
  (globalThis as unknown as { document: { body: { textContent: string } } }).document.body.textContent = JSON.stringify(
    losses(jax, digits),
  );
}

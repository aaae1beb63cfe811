/**
 * WebGPU for tests: a backend for each, and what becomes of the tests where no adapter computes.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { createWebGpuBackend } from "../core/webgpu.ts";
import type { WebGpuBackend } from "../core/types.ts";

async function look(): Promise<string | undefined> {
  try {
    (await createWebGpuBackend()).dispose();
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why tests on WebGPU are skipped; undefined where they run. A test of this name says it, since not every runner's report has a place for reasons. */
export const missing: string | undefined = await look();

const use = async (run: (backend: WebGpuBackend) => unknown): Promise<void> => {
  const backend = await createWebGpuBackend();
  const said: string[] = [];
  const device = backend.device as unknown as EventTarget;
  // What the device says of mistakes that nobody asked about.
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    said.push((event as unknown as { readonly error: Error }).error.message);
  });
  try {
    await run(backend);
  } finally {
    backend.dispose();
  }
  assertEquals(said, []);
};

/** `test` where there is a device; elsewhere its tests are skipped. Called in the test's own file, which reports name by where that is. */
export const gpuTest: typeof test | typeof test.skip = missing === undefined ? test : test.skip;

/** A test's body with a backend of its own. The device's validation errors fail it. */
export const onGpu = (run: (backend: WebGpuBackend) => unknown): () => Promise<void> => () => use(run);

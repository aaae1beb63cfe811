/**
 * WebGPU for tests: a backend for each, and what becomes of the tests where no adapter computes.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { createWebGpuBackend } from "../core/webgpu.ts";
import type { WebGpuBackend } from "../core/types.ts";
import { advice } from "./dawn.ts";

async function look(): Promise<string | undefined> {
  try {
    using backend = await createWebGpuBackend();
    const { vendor, architecture, device, description } = (backend.device as GPUDevice).adapterInfo;
    // On stderr: of Node's tests this alone comes to tests/all.ts, which shows the line.
    console.error(`WebGPU: ${[vendor, architecture, device, description].filter(Boolean).join(", ")}`);
  } catch (error) {
    return (error as Error).message + advice;
  }
}

/** Why tests on WebGPU are skipped; undefined where they run. A test of this name says it, since not every runner's report has a place for reasons. */
export const missing: string | undefined = await look();

/** Runs a test with a backend on a device of its own or on this one. What the device says of mistakes that nobody asked about fails it. */
export async function withBackend(run: (backend: WebGpuBackend) => unknown, given?: GPUDevice): Promise<void> {
  const backend = await createWebGpuBackend(given === undefined ? {} : { device: given });
  const said: string[] = [];
  const device = backend.device as unknown as GPUDevice & EventTarget;
  const hear = (event: Event): void => {
    event.preventDefault();
    said.push((event as unknown as { readonly error: Error }).error.message);
  };
  device.addEventListener("uncapturederror", hear as never);
  try {
    await run(backend);
    // Some say it only when they come to it.
    await Promise.race([device.queue.onSubmittedWorkDone().catch(() => {}), device.lost]);
  } finally {
    device.removeEventListener("uncapturederror", hear as never);
    backend.dispose();
  }
  assertEquals(said, []);
}

/** Runs something, and counts how often anything is read from a GPU meanwhile. */
export async function reads(run: () => unknown): Promise<number> {
  const { prototype } = GPUBuffer;
  const { mapAsync } = prototype;
  let count = 0;
  prototype.mapAsync = function (...of) {
    count++;
    return mapAsync.apply(this, of);
  };
  try {
    await run();
  } finally {
    prototype.mapAsync = mapAsync;
  }
  return count;
}

/** `test` where there is a device; elsewhere its tests are skipped. Called in the test's own file, which reports name by where that is. */
export const gpuTest: typeof test | typeof test.skip = missing === undefined ? test : test.skip;

/** A test's body with a backend of its own. The device's validation errors fail it. */
export const onGpu = (run: (backend: WebGpuBackend) => unknown): () => Promise<void> => () => withBackend(run);

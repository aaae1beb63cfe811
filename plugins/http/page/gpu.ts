/// <reference lib="dom" />
/**
 * The GPU of this browser, where it has one: looked for when the page opens, opened when a run begins on it.
 *
 * @module
 */
import { createWebGpuBackend } from "../../../core/webgpu.ts";
import type { WebGpuBackend } from "../../../core/types.ts";
import { messageOf } from "./message.ts";

/** A GPU that the browser has, by the name that it tells, and whether the processor only feigns it; or why there is none. */
export type FoundGpu = { readonly name: string; readonly isFeigned: boolean } | { readonly missing: string };

/** Milliseconds that a browser has to answer: with a broken driver it may never do so. */
const patience = 10_000;

/** Asks the browser for its GPU. No device is opened, for a visitor who may have come for the schedules alone. */
export async function findGpu(): Promise<FoundGpu> {
  const { gpu } = navigator;
  if (gpu === undefined) return { missing: isSecureContext ? "this browser has no WebGPU" : "WebGPU is for pages over https alone" };
  try {
    const adapter = await inTime(gpu.requestAdapter());
    if (adapter === null) return { missing: "this browser has WebGPU, but no GPU for it" };
    // What a browser keeps to itself is empty, and older ones have no info.
    const { description = "", vendor = "", architecture = "", isFallbackAdapter = false } = adapter.info ?? {};
    return { name: description || `${vendor} ${architecture}`.trim(), isFeigned: isFallbackAdapter };
  } catch (error) {
    return { missing: whyNot(error) };
  }
}

/** Opens it, for both runs. Rejects where it computes nothing. */
export function openGpu(): Promise<WebGpuBackend> {
  const opening = createWebGpuBackend();
  return inTime(opening).catch((error) => {
    // One that comes too late is not kept.
    opening.then((backend) => backend.dispose(), () => {});
    throw error;
  });
}

/** What is wrong, without what the library was asked for: the page says that in its own words. */
export function whyNot(error: unknown): string {
  return messageOf(error).replace(/^Cannot (?:create|use|run .*? on) backend "webgpu": /, "");
}

function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`the browser did not answer within ${patience / 1000} seconds`)), patience);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/**
 * Backends for those who may not import kernels/, as a service that keeps one for all of its requests, and backends that are given.
 *
 * @module
 */
import type { DeviceSide, KernelBackend } from "../kernels/backend.ts";
import type { Backend } from "../kernels/types.ts";
import { show } from "./names.ts";

export { createBackend } from "../kernels/backends/create.ts";

/** A backend as a caller gave it; TypeError where it is none, or disposed. */
export function takeBackend(given: unknown): KernelBackend {
  const { plan, owns, disposed } = (given ?? {}) as Partial<KernelBackend>;
  if (typeof plan !== "function" || typeof owns !== "function") {
    throw new TypeError(`Cannot use ${show(given)} as backend: make one with createBackend`);
  }
  if (disposed) throw new TypeError(`Cannot use backend "${(given as Backend).name}": it is disposed`);
  return given as KernelBackend;
}

/** What a backend has besides whose memory is a device's; undefined for any other, and for what is none. */
export const deviceSideOf = (given: unknown): DeviceSide | undefined => (given as Partial<KernelBackend> | null | undefined)?.deviceSide;

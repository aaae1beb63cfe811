/**
 * Which backends this runtime really allows, found by trying: some hosts have every name and forbid its use.
 *
 * @module
 */
import type { BackendName } from "./types.ts";

/** A module of one function that uses a SIMD instruction: `(func (drop (v128.const 0)))`. */
const simd = [
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  96,
  0,
  0,
  3,
  2,
  1,
  0,
  10,
  23,
  1,
  21,
  0,
  253,
  12,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  26,
  11,
];

const works = (attempt: () => unknown): boolean => {
  try {
    return attempt() !== false;
  } catch {
    return false;
  }
};

/** What is used of `node:worker_threads`; written out, since its types would come along with every import of the library. */
export interface WorkerThreads {
  readonly Worker: new (
    source: string,
    options: { eval: true },
  ) => { postMessage(message: unknown): void; terminate(): unknown; unref(): void };
}

/** Node's module of worker threads, in Deno, Bun and Node; asked for only here, so that bundles for browsers and the edge stay clean. */
export function workerThreads(): WorkerThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  try {
    return process?.getBuiltinModule?.("node:worker_threads") as WorkerThreads | undefined;
  } catch {
    return undefined;
  }
}

/** True where workers can be started and can share memory. */
function threads(): boolean {
  const { crossOriginIsolated, navigator, URL, Worker } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { userAgent?: string };
    URL?: { createObjectURL?: unknown };
    Worker?: unknown;
  };
  // workerd with Node's compatibility names worker threads and has none.
  if (navigator?.userAgent === "Cloudflare-Workers") return false;
  if (workerThreads()?.Worker !== undefined) return true;
  return crossOriginIsolated === true && typeof Worker === "function" && typeof URL?.createObjectURL === "function";
}

let found: readonly BackendName[] | undefined;

/** The backends that work here, fastest first. */
export function available(): readonly BackendName[] {
  // The answer cannot change while a process lives.
  return found ??= [
    ...(works(wasm) && works(() => new SharedArrayBuffer(8)) && works(threads) ? ["threads" as const] : []),
    ...(works(wasm) ? ["wasm" as const] : []),
    "js",
  ];
}

function wasm(): void {
  new WebAssembly.Module(Uint8Array.from(simd));
  new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true });
}

/**
 * Which backends this runtime really allows, found by trying: some hosts have every name and forbid its use.
 *
 * @module
 */
import { assembleModule, f32x4, f64x2, localGet, v128 } from "./backends/wasm/assembler.ts";
import type { BackendName } from "./types.ts";

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
  return found ??= detect();
}

function detect(): readonly BackendName[] {
  if (!works(simd)) return ["js"];
  return works(() => new SharedArrayBuffer(8)) && works(threads) ? ["threads", "wasm", "js"] : ["wasm", "js"];
}

/** Compiles a function of SIMD over a shared memory, runs it, and looks whether it computes: a host may compile what it cannot run. */
function simd(): boolean {
  // Numbers whose results must be rounded, one that is subnormal, one that overflows.
  const [x, y] = [[1 / 3, -2.5, 1e-40, 3e38], [0.1, 7, 0.5, 10]].map((numbers) => numbers.map(Math.fround));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const numbers = new Float32Array(memory.buffer);
  numbers.set([...x, ...y]);
  const [loadX, loadY] = [0, 16].map((offset) => [localGet(0), v128.load(offset)]);
  const body = [
    [localGet(0), loadX, loadY, f32x4.mul, loadY, f32x4.add, v128.store(32)],
    [localGet(0), loadX, f32x4.abs, f32x4.sqrt, v128.store(48)],
    [localGet(0), loadX, f64x2.promoteLow, loadY, f64x2.promoteLow, f64x2.mul, f32x4.demote, v128.store(64)],
  ];
  const module = new WebAssembly.Module(
    assembleModule({ name: "compute", parameters: ["i32"], locals: { parameters: 1, types: [] }, body }),
  );
  (new WebAssembly.Instance(module, { env: { memory } }).exports.compute as (address: number) => void)(0);
  return x.every((a, i) =>
    numbers[8 + i] === Math.fround(Math.fround(a * y[i]) + y[i]) &&
    numbers[12 + i] === Math.fround(Math.sqrt(Math.abs(a))) &&
    numbers[16 + i] === (i < 2 ? Math.fround(a * y[i]) : 0)
  );
}

/**
 * Backends by name.
 *
 * @module
 */
import { available } from "../detect.ts";
import { createJs } from "./js/js.ts";
import { createThreads } from "./threads/threads.ts";
import type { Backend, BackendName, BackendOptions } from "../types.ts";
import { createWasm } from "./wasm/wasm.ts";

// A worker costs megabytes: more than any machine's cores are a slip.
const mostThreads = 256;

/**
 * Makes a backend: memory and kernels that many optimizers may share.
 *
 * Without a name it is the fastest that this runtime really allows, found by trying. Nothing is started here: workers come with the first step
 * that is large enough for them. An unknown name or option, one of a wrong type, and a backend that this runtime does not allow are a TypeError;
 * numbers out of range are a RangeError.
 *
 * @example Usage
 * ```ts
 * import { createBackend } from "@glissade/optim";
 *
 * using backend = createBackend();
 * const x = backend.allocate([2, 3]);
 * backend.run("x = x + one", { x }, { one: 1 });
 * ```
 */
export function createBackend(name?: BackendName, options: BackendOptions = {}): Backend {
  if (Object.prototype.toString.call(options) !== "[object Object]") { // null, arrays, maps
    throw new TypeError(`Cannot create a backend with ${String(options)}: options are an object`);
  }
  const known = ["threads", "arenaBytes", "modules"];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`Cannot create a backend with ${JSON.stringify(unknown)}: known are ${known.join(", ")}`);
  const { threads, arenaBytes } = options;
  for (const [key, value] of Object.entries({ threads, arenaBytes })) {
    if (value !== undefined && typeof value !== "number") throw new TypeError(`Cannot use ${key} = ${String(value)}: it must be a number`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads)) {
    throw new RangeError(`Cannot use ${threads} threads: it must be an integer from 1 to ${mostThreads}`);
  }
  if (arenaBytes !== undefined && !(Number.isSafeInteger(arenaBytes) && arenaBytes >= 65_536)) {
    throw new RangeError(`Cannot use arenas of ${arenaBytes} bytes: the least is 65536`);
  }
  const names = available();
  if (name !== undefined && !["js", "wasm", "threads"].includes(name)) {
    throw new TypeError(
      `Cannot create backend ${JSON.stringify(name)}: known are js, wasm, threads; this runtime allows ${names.join(", ")}`,
    );
  }
  const chosen = name ?? names[0];
  if (!names.includes(chosen) && !(chosen === "wasm" && options.modules)) {
    throw new TypeError(`Cannot create backend "${chosen}": this runtime allows ${names.join(", ")}`);
  }
  return chosen === "js" ? createJs() : chosen === "wasm" ? createWasm(options) : createThreads(options);
}

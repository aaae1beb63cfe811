/**
 * Backends by name.
 *
 * @module
 */
import { available } from "../detect.ts";
import { createJs } from "./js/js.ts";
import { backendNames } from "../tables/backend_names.ts";
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
 * numbers out of range are a RangeError. So is memory that the runtime does not grant, here and later, with an own field `memory: true`; without a
 * name, the next backend is taken instead.
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
  if (name !== undefined && !backendNames.includes(name)) {
    throw new TypeError(
      `Cannot create backend ${JSON.stringify(name)}: known are ${backendNames.join(", ")}; this runtime allows ${names.join(", ")}`,
    );
  }
  if (name === undefined) return createFastest(names, options);
  if (!names.includes(name) && !(name === "wasm" && options.modules)) {
    throw new TypeError(`Cannot create backend "${name}": this runtime allows ${names.join(", ")}`);
  }
  return makers[name](options);
}

const makers: Readonly<Record<BackendName, (options: BackendOptions) => Backend>> = {
  js: () => createJs(),
  wasm: createWasm,
  threads: (options) => createThreads(options),
};

/** The first that gets its memory: where addresses are few, as under `ulimit -v` or in a small process, WASM may get none. */
function createFastest([name, ...slower]: readonly BackendName[], options: BackendOptions): Backend {
  try {
    return makers[name](options);
  } catch (error) {
    if (slower.length === 0 || !(error instanceof RangeError)) throw error;
    return createFastest(slower, options);
  }
}

/**
 * Kernels: what runs rule texts over tensors, with the same bits on every backend.
 *
 * @example Usage
 * ```ts
 * import { createBackend } from "@glissade/optim/kernels";
 *
 * using backend = createBackend("js");
 * const x = backend.allocate(4);
 * backend.run("x = sqrt(x + two)", { x }, { two: 2 });
 * ```
 *
 * @module
 */
export { compileAhead } from "./backends/wasm/ahead.ts";
export { createBackend } from "./backends/create.ts";
export { available } from "./detect.ts";
export { maths } from "./math.ts";
export type { Bytes, Disposable, Float16Array, WasmModule } from "./globals.ts";
export type { Backend, BackendName, BackendOptions, DType, Scalars, Tensor, TensorLike, Tensors } from "./types.ts";

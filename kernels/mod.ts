/**
 * Kernels: what runs the texts of rules over arrays, with the same bits on every backend.
 *
 * {@linkcode createBackend} takes the fastest backend that the host allows: WASM SIMD on all cores, WASM SIMD on one, or plain JavaScript;
 * {@linkcode available} says which there are. A {@linkcode Backend} has memory, `allocate`, and runs a text over tensors of equal shape, `run`. What a
 * text may say stands in the docs of `Rule`, in `./core`.
 *
 * {@linkcode compileAhead} makes the kernels as files, for hosts that forbid compiling at run time. {@linkcode maths} are the functions that give the same
 * bits in every engine.
 *
 * @example Usage
 * ```ts
 * import { createBackend } from "@glissade/optim/kernels";
 *
 * using backend = createBackend("js");
 * const x = backend.allocate(4);
 * backend.run("x = sqrt(x + two)", { x }, { two: 2 });
 * console.log(x.data[0]); // 1.4142135381698608
 * ```
 *
 * @module
 */
export { compileAhead } from "./backends/wasm/ahead.ts";
export { createBackend } from "./backends/create.ts";
export { available } from "./detect.ts";
export { maths } from "./math.ts";
export type { Bytes, Disposable, Float16Array, GpuBuffer, GpuDevice, WasmModule } from "./globals.ts";
export type { Backend, BackendName, BackendOptions, DeviceTensor, DType, Scalars, Tensor, TensorLike, Tensors } from "./types.ts";

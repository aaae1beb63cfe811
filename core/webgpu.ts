/**
 * Optimizers on a GPU: the same rule texts, as WGSL.
 *
 * {@linkcode createWebGpuBackend} makes a backend over a device of the caller's or its own; `createOptimizer` takes it among its settings. Parameters,
 * gradients and slots stay in the GPU's memory, as {@linkcode DeviceTensor}s in buffers of the caller's; a step is one command buffer.
 *
 * @example Parameters and gradients in buffers
 * ```ts
 * import { createOptimizer } from "@glissade/optim/core";
 * import { adamw } from "@glissade/optim/optimizers/adamw";
 * import { createWebGpuBackend } from "@glissade/optim/webgpu";
 *
 * try {
 *   using backend = await createWebGpuBackend();
 *   const w = backend.allocate([64, 32]); // { buffer, offset, shape, dtype }: any GPUBuffer of the same device will do
 *   const g = backend.allocate([64, 32]);
 *   // … a model's kernels read w.buffer and write g.buffer …
 *   using optimizer = createOptimizer(adamw, { w }, { lr: 0.1 }, { backend });
 *   optimizer.step({ w: g });
 *   const state = await optimizer.saveStateAsync();
 *   console.log(Object.keys(state.tensors)); // w, w.exp_avg, w.exp_avg_sq, w.step
 * } catch (error) {
 *   console.log((error as Error).message); // where there is no adapter: Cannot create backend "webgpu": …
 * }
 * ```
 *
 * @module
 */
export { createWebGpuBackend, type WebGpuOptions } from "../kernels/backends/webgpu/webgpu.ts";
export type { Arithmetic, Backend, DeviceTensor, DType, Scalars, Tensor, TensorLike, Tensors, WebGpuBackend } from "../kernels/types.ts";
export type { Disposable, Float16Array, GpuBuffer, GpuDevice } from "../kernels/globals.ts";

/**
 * Optimizers on a GPU: the same rule texts, as WGSL.
 *
 * {@linkcode createWebGpuBackend} makes a backend over a device of the caller's or its own; `createOptimizer` takes it among its settings. Parameters,
 * gradients and slots stay in the GPU's memory, as {@linkcode DeviceTensor}s in buffers of the caller's; a step is one command buffer. {@linkcode emitWgsl}
 * gives the passes of a step as text, for trainers that own their encoder.
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
import type { KernelBackend } from "../kernels/backend.ts";
import { createDeviceBackend, type WebGpuOptions } from "../kernels/backends/webgpu/webgpu.ts";
import type { WebGpuBackend } from "../kernels/types.ts";
import { workOnDevice } from "./optimizer/on_device.ts";

export type { Arithmetic, Backend, DeviceTensor, DType, Scalars, Tensor, TensorLike, Tensors, WebGpuBackend } from "../kernels/types.ts";
export type { Disposable, Float16Array, GpuBuffer, GpuDevice, Words } from "../kernels/globals.ts";
export { emitWgsl } from "./emit_wgsl.ts";
export type { EmitOptions, EmittedWgsl, WgslBinding, WgslBuffer, WgslPass } from "./emit_wgsl.ts";
export type { DeviceLimits } from "../kernels/backends/webgpu/passes.ts";
export type { WebGpuOptions } from "../kernels/backends/webgpu/webgpu.ts";

/**
 * Makes a backend over a GPU, after a test whether the device computes, and how: {@linkcode Arithmetic}.
 *
 * Parameters and gradients are {@linkcode DeviceTensor}s, in buffers of the caller's or of `allocate`, or arrays. Arrays are copied to the device, and
 * `await optimizer.sync()` brings parameters back to them. A step is one command buffer, and nothing is read back. States are saved by
 * `await optimizer.saveStateAsync()`.
 *
 * Results are those of a device: texts without sums give the bits of backend `"js"` where `arithmetic` says that all is rounded as there; sums are
 * float32, in an order that is fixed by the shape, so that the same device always gives the same bits.
 *
 * Rejects with a TypeError for unknown options, and with an Error where there is no WebGPU, no adapter, or a device that computes nothing.
 *
 * @example Usage
 * ```ts
 * import { createWebGpuBackend } from "@glissade/optim/webgpu";
 *
 * try {
 *   using backend = await createWebGpuBackend();
 *   const x = backend.allocate([1024]); // { buffer, offset, shape, dtype }
 *   backend.run("x = x + one", { x }, { one: 1 });
 *   console.log(backend.arithmetic.roundsDivision);
 * } catch (error) {
 *   console.log((error as Error).message); // where there is none: Cannot create backend "webgpu": …
 * }
 * ```
 */
export async function createWebGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const backend = await createDeviceBackend(options);
  (backend as unknown as KernelBackend).deviceSide!.work = workOnDevice;
  return backend;
}

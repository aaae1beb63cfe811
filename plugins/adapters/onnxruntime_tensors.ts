/**
 * Tensors of onnxruntime as an optimizer takes them, over the same memory, on this host or on a GPU.
 *
 * @module
 */
import { about } from "../../core/errors.ts";
import { known, show } from "../../core/names.ts";
import type { DeviceTensor, Tensor } from "../../core/types.ts";
import { type Buffer, bufferOf, type Device, usage } from "./device.ts";

/** What is asked of a tensor of onnxruntime. */
export interface OnnxTensor {
  /** Element type: `"float32"` or `"float16"`. */
  readonly type: string;
  /** Lengths of the dimensions. */
  readonly dims: readonly number[];
  /** The elements of one on the CPU: a `Float32Array`, or a `Uint16Array` or `Float16Array` of float16. */
  readonly data: unknown;
  /** Where it lies: `"cpu"`, `"cpu-pinned"`, or nothing said, and with backend `"webgpu"` `"gpu-buffer"`; no other place can be used. */
  readonly location?: string;
  /** The `GPUBuffer` of one on a GPU. */
  readonly gpuBuffer?: unknown;
  /** Lets its memory go. */
  dispose?(): void;
}

/** A tensor of onnxruntime says dims; what is none goes on to core, which takes arrays, and refuses what is nothing. */
export const isOnnxTensor = (given: unknown): given is OnnxTensor => typeof given === "object" && given !== null && "dims" in given;

/** True for a tensor in a buffer of a GPU. */
export const isOnGpu = ({ location }: OnnxTensor): boolean => location === "gpu-buffer";

/** True for a tensor of ours in a GPU's memory. (A typed array has a buffer too.) */
export const isDeviceTensor = (value: unknown): value is DeviceTensor =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && "buffer" in value;

/** What to do where an optimizer on this host meets a tensor on a GPU. */
const onThisHost =
  'an optimizer on this host does not reach it; give the setting backend, createWebGpuBackend({ device: await ort.env.webgpu.device }), or make the session with preferredOutputLocation "cpu"';

/** A tensor of onnxruntime as one of ours over the same memory; `onDevice` says whether the optimizer's memory is a GPU's. */
export function tensorOf(what: string, name: string, given: OnnxTensor, onDevice: boolean): Tensor | DeviceTensor {
  const refuse = (why: string): never => {
    throw about(new TypeError(`Cannot use ${what}: ${why}`), { tensor: name });
  };
  if (!isOnnxTensor(given)) return refuse(`${show(given)} is no tensor of onnxruntime`);
  const { type, dims, location = "cpu" } = given;
  if (location === "none") return refuse("it is disposed");
  if (!["cpu", "cpu-pinned", "gpu-buffer"].includes(location)) return refuse(`it lies in ${show(location)}, where no backend reaches it`);
  if (type !== "float32" && type !== "float16") return refuse(`its type is ${show(type)}; ${known(["float32", "float16"], type)}`);
  if (!isOnGpu(given)) return { data: given.data as Tensor["data"], shape: dims, dtype: type };
  if (!onDevice) return refuse(`it lies in ${show(location)}, and ${onThisHost}`);
  return { buffer: given.gpuBuffer as DeviceTensor["buffer"], shape: dims, dtype: type };
}

/**
 * Rejects where tensors on a GPU lie on another device than this one. No buffer says whose it is, but a command of another device's is a validation
 * error, and this one is never submitted.
 */
export async function checkDevice(device: Device, tensors: readonly (Tensor | DeviceTensor | null)[]): Promise<void> {
  const buffers = tensors.flatMap((tensor) => isDeviceTensor(tensor) ? [bufferOf(tensor)] : []);
  device.pushErrorScope("validation");
  const into = device.createBuffer({ size: 4, usage: usage.copyDst });
  const encoder = device.createCommandEncoder();
  for (const buffer of buffers) if ((buffer.usage & usage.copySrc) !== 0) encoder.copyBufferToBuffer(buffer, 0, into, 0, 4);
  encoder.finish();
  const error = await device.popErrorScope();
  into.destroy();
  if (error === null) return;
  throw new TypeError(
    "Cannot step over tensors of several devices: the backend must be on onnxruntime's, createWebGpuBackend({ device: await ort.env.webgpu.device }), " +
      "and parameters in buffers of that device",
  );
}

/**
 * A tensor over a buffer of its own, which ends with it. It has no `download`, with which `getData` would make it one on the CPU, and the next run would be
 * fed what it held then.
 */
export function onGpu<T>(make: (buffer: Buffer, more: object) => T, device: Device, name: string, data: ArrayBufferView): T {
  // onnxruntime asks for whole 16 bytes.
  const whole = new Uint8Array(Math.max(16, Math.ceil(data.byteLength / 16) * 16));
  whole.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const buffer = device.createBuffer({ size: whole.length, usage: usage.storage | usage.copySrc | usage.copyDst, label: name });
  device.queue.writeBuffer(buffer, 0, whole);
  return make(buffer, { dispose: () => buffer.destroy() });
}

/**
 * A WebGPU device, as far as the adapters use it, with types of our own: the global ones are not in every TypeScript library.
 *
 * @module
 */
import type { takeBackend } from "../../core/backend.ts";
import type { DeviceTensor } from "../../core/types.ts";

/** A `GPUBuffer`. */
export interface Buffer {
  readonly size: number;
  readonly usage: number;
  destroy(): void;
}

/** A `GPUDevice`. */
export interface Device {
  readonly queue: { submit(commands: readonly object[]): void; writeBuffer(into: Buffer, at: number, data: ArrayBufferView): void };
  createBuffer(descriptor: { size: number; usage: number; label?: string }): Buffer;
  createCommandEncoder(): { copyBufferToBuffer(from: Buffer, at: number, into: Buffer, to: number, bytes: number): void; finish(): object };
  pushErrorScope(filter: "validation"): void;
  popErrorScope(): Promise<object | null>;
}

/** `GPUBufferUsage`, which not every runtime has as a global. */
export const usage = { copySrc: 4, copyDst: 8, storage: 128 } as const;

/** A copy from the beginning of a buffer to that of another. */
export interface Copy {
  readonly from: Buffer;
  readonly into: Buffer;
  readonly bytes: number;
}

/** A device tensor's buffer: the public type of one is the global's, which not every TypeScript library has. */
export const bufferOf = (tensor: DeviceTensor): Buffer => tensor.buffer as unknown as Buffer;

/** The device of a backend that works on one. */
export const deviceOf = (backend: ReturnType<typeof takeBackend>): Device => (backend as unknown as { readonly device: Device }).device;

/** Copies after what was submitted so far, in one command buffer. */
export function copyOnDevice(device: Device, copies: readonly Copy[]): void {
  const encoder = device.createCommandEncoder();
  for (const { from, into, bytes } of copies) encoder.copyBufferToBuffer(from, 0, into, 0, bytes);
  device.queue.submit([encoder.finish()]);
}

/**
 * What is used of WebGPU, as types of our own: the global ones are not in every TypeScript library.
 *
 * @module
 */

/** A `GPUBuffer`. */
export interface Buffer {
  readonly size: number;
  readonly usage: number;
  readonly mapState?: string;
  mapAsync(mode: number): Promise<unknown>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** A `GPUComputePipeline`, a `GPUBindGroup`, a layout, a module: handed from one call to the next. */
export type Handle = object;

/** A `GPUCommandEncoder`. */
export interface Encoder {
  copyBufferToBuffer(from: Buffer, fromOffset: number, into: Buffer, intoOffset: number, bytes: number): void;
  beginComputePass(descriptor?: { label?: string }): {
    setPipeline(pipeline: Handle): void;
    setBindGroup(index: number, group: Handle): void;
    dispatchWorkgroups(x: number, y: number): void;
    end(): void;
  };
  finish(): Handle;
}

/** What a binding is bound to, and how a layout calls it. */
export type BindingType = "uniform" | "storage" | "read-only-storage";

/** A `GPUDevice`. */
export interface Device {
  readonly limits: Readonly<Record<string, number>>;
  readonly queue: {
    writeBuffer(into: Buffer, offset: number, data: ArrayBufferView): void;
    submit(commands: readonly Handle[]): void;
    onSubmittedWorkDone(): Promise<unknown>;
  };
  readonly lost: Promise<{ readonly reason?: string; readonly message?: string }>;
  createBuffer(descriptor: { size: number; usage: number; label?: string }): Buffer;
  createShaderModule(descriptor: { code: string; label?: string }): Handle;
  createBindGroupLayout(descriptor: { entries: readonly { binding: number; visibility: number; buffer: { type: BindingType } }[] }): Handle;
  createPipelineLayout(descriptor: { bindGroupLayouts: readonly Handle[] }): Handle;
  createComputePipeline(
    descriptor: { layout: Handle | "auto"; compute: { module: Handle; entryPoint: string }; label?: string },
  ): Handle & { getBindGroupLayout(index: number): Handle };
  createBindGroup(
    descriptor: {
      layout: Handle;
      entries: readonly { binding: number; resource: { buffer: Buffer; offset?: number; size?: number } }[];
      label?: string;
    },
  ): Handle;
  createCommandEncoder(): Encoder;
  pushErrorScope(filter: "validation" | "out-of-memory"): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  destroy(): void;
}

/** An adapter, and what gives one: `navigator.gpu`. */
export interface Gpu {
  requestAdapter(options?: { powerPreference?: string }): Promise<Adapter | null>;
}

/** A `GPUAdapter`. */
export interface Adapter {
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: { requiredLimits: Record<string, number>; label?: string }): Promise<Device>;
}

/** `GPUBufferUsage`, which not every runtime has as a global. */
export const usage = { mapRead: 1, copySrc: 4, copyDst: 8, uniform: 64, storage: 128 } as const;

/** `GPUMapMode.READ` and `GPUShaderStage.COMPUTE`. */
export const mapRead = 1;
export const computeStage = 4;

/**
 * Elements on a GPU, on the device that tfjs' backend `"webgpu"` works on: nothing is copied, and nothing waits.
 *
 * A variable is a tensor over the buffer that kernels update, and gets a new one over the same buffer at each step: tfjs keeps what was read of a
 * tensor, and would give that again. A clone made since shares the buffer; before it is written, what the clone has becomes a copy. Gradients are
 * read where tfjs has them, once what it was going to compute is handed to the device. (`dataToGPU`, which is meant for that, copies.)
 *
 * @module
 */
import type { takeBackend } from "../../../core/backend.ts";
import { sizeOf } from "../../../core/tensors.ts";
import type { DeviceTensor, Tensor } from "../../../core/types.ts";
import { type Buffer as Copied, bufferOf as bufferIn, copyOnDevice, deviceOf } from "../device.ts";
import { type Cell, checkLiving, type Memory } from "./memory.ts";
import type { TfBackends, TfTensor } from "./types.ts";

type Buffer = DeviceTensor["buffer"];

/** What tfjs' backend `"webgpu"` has. */
interface Gpu {
  readonly device: object;
  /** Where tensors are. */
  readonly tensorMap: { has(dataId: object): boolean; get(dataId: object): { resource: Buffer | null; external?: boolean } };
  /** Gives a tensor its buffer, if it has none yet. */
  uploadToGPU(dataId: object): void;
  /** How many tensors share a buffer. */
  refCount(dataId: object): number;
  /** Hands what it was going to compute to the device: three calls, as tfjs makes them. */
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** `tf.tensor` over a buffer. */
type TensorOver = (from: { readonly buffer: Buffer; readonly zeroCopy: boolean }, shape: readonly number[], dtype: string) => TfTensor;

/** The memory of a backend over tfjs' device; TypeError where it has another. */
export function deviceMemory(tf: TfBackends | undefined, backend: ReturnType<typeof takeBackend>): Memory {
  const { tensor } = (tf ?? {}) as { readonly tensor?: TensorOver };
  if (tf === undefined || typeof tensor !== "function") {
    throw new TypeError('Cannot bind variables with backend "webgpu" without the setting tf: give the namespace of tfjs');
  }
  const device = deviceOf(backend);
  gpuOf(tf, device);

  const allocate = backend.allocate as unknown as (shape: readonly number[]) => DeviceTensor;
  /** Which tensors are over the buffer of a cell. */
  const lent = new WeakMap<Cell, object>();
  const flush = (gpu: Gpu): void => {
    gpu.ensureCommandEncoderReady();
    gpu.endComputePassEncoder();
    gpu.submitQueue();
  };
  const bufferOf = (gpu: Gpu, { dataId }: TfTensor): Buffer => {
    gpu.uploadToGPU(dataId);
    return gpu.tensorMap.get(dataId).resource!;
  };
  const over = (cell: Cell, { buffer }: DeviceTensor, zeroCopy: boolean): void => {
    const { variable } = cell;
    const made = tensor({ buffer, zeroCopy }, variable.shape, "float32");
    variable.assign(made);
    made.dispose();
    cell.dataId = variable.dataId;
  };
  /** Gives tensors that share a cell's buffer a copy of it. */
  const part = (gpu: Gpu, cell: Cell, least: number): void => {
    const dataId = lent.get(cell);
    if (dataId === undefined || !gpu.tensorMap.has(dataId) || gpu.refCount(dataId) < least) return;
    const copy = tensor({ buffer: (cell.param as DeviceTensor).buffer, zeroCopy: false }, cell.variable.shape, "float32");
    const [theirs, mine] = [gpu.tensorMap.get(dataId), gpu.tensorMap.get(copy.dataId)];
    Object.assign(theirs, { resource: mine.resource, external: false });
    mine.resource = null;
    copy.dispose();
    lent.delete(cell);
  };

  return {
    take: (variable, name) => ({ variable, name, param: allocate(variable.shape), buffer: null, dataId: null }),
    read(cells) {
      checkLiving(cells);
      const gpu = gpuOf(tf, device);
      for (const cell of cells) part(gpu, cell, 2);
      const changed = cells.filter(({ variable, dataId }) => variable.dataId !== dataId);
      const from = changed.map(({ variable }) => bufferOf(gpu, variable));
      if (changed.length === 0) return;
      flush(gpu);
      copyOnDevice(
        device,
        changed.map(({ param, variable }, i) => ({
          ...{ from: from[i] as unknown as Copied, into: bufferIn(param as DeviceTensor) },
          bytes: 4 * sizeOf(variable.shape),
        })),
      );
      for (const cell of changed) cell.dataId = cell.variable.dataId;
    },
    gradients(tensors) {
      const gpu = gpuOf(tf, device);
      const buffers = tensors.map((one) => one === null ? null : { buffer: bufferOf(gpu, one), shape: one.shape });
      flush(gpu);
      return buffers;
    },
    write(cells) {
      for (const cell of cells) {
        over(cell, cell.param as DeviceTensor, true);
        lent.set(cell, cell.variable.dataId);
      }
    },
    show(cells, elements) {
      for (const cell of cells) {
        const there = elements[cell.name] as DeviceTensor;
        over(cell, there, false);
        backend.release(there as unknown as Tensor);
      }
    },
    release(cells) {
      const gpu = gpuOf(tf, device);
      for (const cell of cells) {
        part(gpu, cell, 1);
        backend.release(cell.param as unknown as Tensor);
      }
    },
  };
}

/** tfjs' backend; TypeError where it is another one, or works on another device. */
function gpuOf(tf: TfBackends, device: object): Gpu {
  const gpu = tf.backend() as Gpu;
  if (gpu.device === device && typeof gpu.uploadToGPU === "function") return gpu;
  throw new TypeError(
    "Cannot use variables of tfjs on this device: make the backend on that of tfjs, createWebGpuBackend({ device: tf.backend().device })",
  );
}

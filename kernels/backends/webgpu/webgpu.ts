/**
 * Backend "webgpu": kernels on a GPU, where parameters, gradients and slots stay.
 *
 * @module
 */
import type { DeviceSide, KernelBackend } from "../../backend.ts";
import { disposeSymbol } from "../../dispose.ts";
import type { GpuDevice } from "../../globals.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import type { Raw, Tensor, WebGpuBackend } from "../../types.ts";
import { createRun } from "../run.ts";
import { knownCell } from "./cells.ts";
import type { Adapter, Device, Gpu } from "./device.ts";
import {
  allocateOne,
  checkCopied,
  claim,
  type DeviceData,
  endMemory,
  type OnDevice,
  onDevice,
  overlapTest,
  releaseOne,
  reserveOne,
  upload,
} from "./device_memory.ts";
import { createDevicePlan } from "./device_plan.ts";
import { fetchFrom } from "./fetch.ts";
import { checkAlive, createMachine, lossOf, type Machine, watched } from "./machine.ts";
import { testDevice } from "./self_test.ts";
import type { Windows } from "./windows.ts";

/** Settings of `createWebGpuBackend`. */
export interface WebGpuOptions {
  /** A device to work on, which stays the caller's; without it, one of its own with the adapter's largest buffers. */
  readonly device?: GpuDevice;
  /** Which adapter to take where there are several. */
  readonly powerPreference?: "low-power" | "high-performance";
}

/** A backend over a GPU; `core/webgpu.ts` says the rest. */
export async function createDeviceBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { device: given, powerPreference } = checkedOptions(options);
  const device = given ?? await ownDevice(powerPreference);
  const end = (): void => {
    if (given === undefined) device.destroy();
  };
  try {
    const arithmetic = await testDevice(device).catch(async (error) => {
      const loss = await lossOf(device);
      throw loss === undefined ? error : refusal(loss, error);
    });
    if (arithmetic === null) throw refusal("the device computes nothing, or wrong numbers, and reports no error");
    return showBackend(createMachine(device), arithmetic, end);
  } catch (error) {
    end();
    if ((error as Error).message.startsWith(refuse)) throw error;
    throw refusal(`the device failed its test: ${(error as Error).message}`, error);
  }
}

const refuse = 'Cannot create backend "webgpu": ';
const refusal = (why: string, cause?: unknown): Error => new Error(refuse + why, cause === undefined ? undefined : { cause });

function checkedOptions(options: unknown): { readonly device?: Device; readonly powerPreference?: string } {
  if (Object.prototype.toString.call(options) !== "[object Object]") throw new TypeError(`${refuse}options are an object`);
  const known = ["device", "powerPreference"];
  const unknown = Object.keys(options as object).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`${refuse}it has no option ${JSON.stringify(unknown)}; known are ${known.join(", ")}`);
  const { device, powerPreference } = options as { readonly device?: Partial<Device>; readonly powerPreference?: unknown };
  if (device !== undefined && typeof device?.createBuffer !== "function") throw new TypeError(`${refuse}its device is no GPUDevice`);
  if (powerPreference !== undefined && powerPreference !== "low-power" && powerPreference !== "high-performance") {
    throw new TypeError(`${refuse}powerPreference is "low-power" or "high-performance"`);
  }
  if (device !== undefined && powerPreference !== undefined) {
    throw new TypeError(`${refuse}a device has its adapter; give no powerPreference`);
  }
  return { ...device !== undefined && { device: device as Device }, ...powerPreference !== undefined && { powerPreference } };
}

/** A device with what the adapter allows of that which bounds tensors and kernels. */
async function ownDevice(powerPreference: string | undefined): Promise<Device> {
  const { gpu } = (globalThis as { navigator?: { gpu?: Gpu } }).navigator ?? {};
  if (gpu === undefined) throw refusal("this runtime has no navigator.gpu");
  const adapter: Adapter | null = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
  if (adapter === null) throw refusal("there is no adapter");
  const wanted = ["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"];
  const requiredLimits = Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]));
  try {
    return await adapter.requestDevice({ requiredLimits, label: "glissade" });
  } catch (error) {
    throw refusal(`the adapter gives no device: ${(error as Error).message}`, error);
  }
}

function showBackend(machine: Machine, arithmetic: WebGpuBackend["arithmetic"], end: () => void): WebGpuBackend {
  const { memory } = machine;
  const windows: Windows = { byOwner: new WeakMap(), ofRun: new WeakMap(), last: new WeakMap() };
  const views = new WeakMap<object, Tensor>();
  const asTensor = (tensor: OnDevice): Required<Tensor> => tensor as unknown as Required<Tensor>;
  const owns = (tensor: Tensor): boolean => memory.ours.has(tensor.data);
  const shown = (tensor: Tensor): Tensor => {
    if (!owns(tensor)) return tensor;
    const { data, shape, dtype } = onDevice(tensor);
    let view = views.get(tensor);
    if (view === undefined) {
      views.set(tensor, view = Object.freeze({ buffer: data.buffer, offset: data.byteOffset, shape, dtype }) as unknown as Tensor);
    }
    return view;
  };
  const claimTensor: DeviceSide["claim"] = (what, like) => {
    const tensor = claim(memory, what, like);
    return tensor === null ? null : asTensor(tensor);
  };
  const release = (tensor: Tensor): void => {
    const data = onDevice(tensor).data ?? onDevice(claimTensor("a tensor", tensor)!).data;
    forget(data);
    releaseOne(memory, data);
  };
  // What is asked for alone, such as a point, is perhaps shown to who takes whole buffers.
  const reserve: KernelBackend["reserve"] = (_near, wanted) =>
    wanted.map(({ shape, dtype }) => asTensor(reserveOne(memory, shape, dtype, wanted.length > 1)));
  const uploadTo: KernelBackend["upload"] = (into, from) => {
    const run = (): void => upload(memory, onDevice(into), from as Raw | DeviceData);
    // What waits, and buffers of the caller's, the device may refuse.
    const isWatched = ArrayBuffer.isView(from) && (memory.waiting.length > 0 || !memory.made.has(onDevice(into).data));
    if (isWatched) watched(machine, run);
    else run();
  };
  const download: KernelBackend["download"] = (from, into) => {
    if (ArrayBuffer.isView(into as unknown)) {
      throw new TypeError("Cannot read from a device at once: sync() and saveStateAsync() wait for it");
    }
    memory.waiting.push({ from: onDevice(from).data, into: into as unknown as DeviceData });
  };
  const plan: KernelBackend["plan"] = (items) => createDevicePlan(machine, windows, items);
  const { run, forget } = createRun({
    ...{ owns, reserve, release, plan, download, claim: claimTensor, upload: uploadTo },
    together: () => true,
    lasts: owns,
    memoryOf: (tensor) => onDevice(tensor).data.buffer,
  });
  const dispose = (): void => {
    if (machine.disposed) return;
    machine.disposed = true;
    forget();
    endMemory(memory);
    machine.cells.buffer.destroy();
    end();
  };
  const deviceSide: DeviceSide = {
    claim: claimTensor,
    checkCopied: (what, tensor, needed, why) => checkCopied(memory, what, onDevice(tensor), needed, why),
    shown,
    fetch: (tensors, numbers, runs) => fetchFrom(machine, windows, tensors, numbers, runs),
    set(slots, key) {
      const cell = knownCell(machine.cells, slots, key);
      if (cell !== undefined) cell.known = undefined;
    },
    lost: () => machine.lost,
  };
  const backend: Omit<KernelBackend, "allocate" | "name"> & Pick<WebGpuBackend, "name" | "device" | "arithmetic" | "allocate"> = {
    name: "webgpu",
    agrees: "rounding",
    device: machine.device as unknown as GpuDevice,
    arithmetic: Object.freeze(arithmetic),
    allocate(shape, dtype) {
      checkAlive(machine);
      return shown(asTensor(allocateOne(memory, shape, dtype))) as unknown as ReturnType<WebGpuBackend["allocate"]>;
    },
    run(text, tensors, scalars) {
      checkAlive(machine);
      run(text, tensors, scalars);
    },
    ...{ owns, plan, reserve, download, release, deviceSide, dispose, upload: uploadTo },
    scatter(into, indices, values) {
      const { data: { length } } = onDevice(into);
      const row = indices.length === 0 ? 0 : values.length / indices.length;
      const whole = new Float32Array(length);
      for (let i = 0; i < indices.length; i++) for (let j = 0; j < row; j++) whole[indices[i] * row + j] += values[i * row + j];
      uploadTo(into, whole);
    },
    fill(tensor, value) {
      const { data: { length }, dtype } = onDevice(tensor);
      const { make, narrow } = elementTypes[dtype];
      uploadTo(tensor, make(length).fill(narrow(value)));
    },
    length: (tensor) => onDevice(tensor).data.length,
    same: (a, b) => a.dtype === b.dtype && a.data === b.data,
    overlapping(tensors) {
      const test = overlapTest(memory, tensors.map(onDevice));
      return (tensor) => test(onDevice(tensor));
    },
    together: () => true,
    usage: () => ({ allocated: memory.allocated, scratch: 0 }),
    get disposed() {
      return machine.disposed;
    },
    [disposeSymbol]: dispose,
  };
  return backend as unknown as WebGpuBackend;
}

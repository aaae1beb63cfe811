/**
 * A device at work: its memory, its pipelines, what it was handed and what it has refused.
 *
 * @module
 */
import { type BindingType, computeStage, type Device, type Encoder, type Handle } from "./device.ts";
import { type Cells, createCells } from "./cells.ts";
import { createDeviceMemory, type DeviceMemory, encodeWaiting } from "./device_memory.ts";

/** A device at work. */
export interface Machine {
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly cells: Cells;
  readonly layouts: Map<string, Handle>;
  /** By types and code, that which was asked for last at the end. */
  readonly pipelines: Map<string, Pipeline>;
  /** What it has refused and nobody was told of. */
  readonly faults: string[];
  /** Answers that are not there yet. */
  readonly asked: Set<Promise<void>>;
  lost: string | undefined;
  disposed: boolean;
}

/** Code that is ready to run, and what it takes. */
export interface Pipeline {
  readonly pipeline: Handle;
  readonly layout: Handle;
}

/** A device, not yet at work. */
export function createMachine(device: Device): Machine {
  const memory = createDeviceMemory(device);
  const machine: Machine = {
    device,
    memory,
    cells: createCells(device),
    layouts: new Map(),
    pipelines: new Map(),
    faults: [],
    asked: new Set(),
    lost: undefined,
    disposed: false,
  };
  device.lost.then((loss) => {
    // A device of the backend's own goes with it, which is no loss.
    if (!machine.disposed) machine.lost = sayLoss(loss);
  });
  return machine;
}

/** Deno's own message says no more than that it was lost. */
function sayLoss({ message, reason }: Awaited<Device["lost"]>): string {
  const why = [message, reason].find((word) => word && !/^(the )?device was lost\.?$/i.test(word) && word !== "unknown");
  return `the device was lost${why === undefined ? "" : ` (${why})`}`;
}

// Deno says up to 15 ms after the first refusal that the device is lost.
const mostUntilLoss = 500;

/** Why a device is lost that has just refused something; undefined where it is not. */
export async function lossOf({ lost }: Pick<Device, "lost">): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), mostUntilLoss));
  const loss = await Promise.race([lost, pause]);
  clearTimeout(timer);
  return loss && sayLoss(loss);
}

/** Refuses what a disposed backend or a lost device cannot do. */
export function checkAlive({ disposed, lost }: Machine): void {
  if (disposed) throw new TypeError(`Cannot use backend "webgpu": it is disposed`);
  if (lost !== undefined) throw new Error(`Cannot use backend "webgpu": ${lost}`);
}

// Whoever uses ever other texts on one device would fill its memory with code; plans hold those that they run.
const mostPipelines = 512;

/** Code with its bindings' types, compiled once as long as not many others were asked for since. */
export function pipelineOf({ device, layouts, pipelines }: Machine, code: string, types: readonly BindingType[]): Pipeline {
  const key = types.join();
  const known = pipelines.get(key + code);
  if (known !== undefined) {
    pipelines.delete(key + code);
    pipelines.set(key + code, known);
    return known;
  }
  let layout = layouts.get(key);
  if (layout === undefined) {
    const entries = types.map((type, binding) => ({ binding, visibility: computeStage, buffer: { type } }));
    layouts.set(key, layout = device.createBindGroupLayout({ entries }));
  }
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main" },
  });
  const made = { pipeline, layout };
  if (pipelines.size >= mostPipelines) pipelines.delete(pipelines.keys().next().value!);
  pipelines.set(key + code, made);
  return made;
}

/** Asks what the device says of this; `told` hears whether it refused, beside whoever waits for the device next. */
export function watched<T>({ device, faults, asked }: Machine, run: () => T, told?: (isRefused: boolean) => void): T {
  device.pushErrorScope("validation");
  try {
    return run();
  } finally {
    const answer = device.popErrorScope().then((fault) => {
      if (fault !== null) faults.push(fault.message);
      told?.(fault !== null);
    }, () => {}).finally(() => void asked.delete(answer)); // rejects where the device is lost, which is told otherwise
    asked.add(answer);
  }
}

/** One command buffer, with the copies that wait at its beginning. */
export function submit(machine: Machine, encode: (encoder: Encoder) => void, told?: (isRefused: boolean) => void): void {
  watched(machine, () => {
    const encoder = machine.device.createCommandEncoder();
    encodeWaiting(machine.memory, encoder);
    encode(encoder);
    machine.device.queue.submit([encoder.finish()]);
  }, told);
}

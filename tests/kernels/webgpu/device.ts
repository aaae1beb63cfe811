/**
 * A WebGPU device for tests, and the least that runs passes on it: no part of the backend.
 *
 * @module
 */
import type { Item } from "../../../kernels/plan/item.ts";
import { lowerPlan } from "../../../kernels/backends/webgpu/lower.ts";
import {
  type Binding,
  type DeviceLimits,
  guaranteedLimits,
  type LoweredPlan,
  type Place,
} from "../../../kernels/backends/webgpu/passes.ts";
import type { NumberSlotClass } from "../../../kernels/tables/classes.ts";
import type { Raw, Scalars, WebGpuBackend } from "../../../kernels/types.ts";
import { advice } from "../../dawn.ts";

/** Why there is no device where there is none. */
export const missing: string = `there is no WebGPU adapter (Debian: mesa-vulkan-drivers, for Node and Bun chromium)${advice}`;

/** A device, or null where this runtime has none. */
export async function testDevice(): Promise<GPUDevice | null> {
  const gpu = (globalThis.navigator as Navigator & { gpu?: GPU } | undefined)?.gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null) ?? null;
  if (adapter === null) return null;
  const device = await adapter.requestDevice();
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    said.push((event as GPUUncapturedErrorEvent).error.message);
  });
  return device;
}

const said: string[] = [];

/** A test's body with the device, whose mistakes that nobody asked about fail it. (Deno's `node:test` passes over what a listener throws.) */
export const checked = (device: GPUDevice, run: (device: GPUDevice) => Promise<void> | void) => async (): Promise<void> => {
  await run(device);
  await device.queue.onSubmittedWorkDone();
  if (said.length > 0) throw new Error(said.splice(0).join("\n"));
};

/** What the items' memory and slots hold. */
export interface Content {
  /** By item, then key. */
  readonly tensors: readonly ReadonlyMap<string, Raw>[];
  readonly scalarSlots: readonly ReadonlyMap<string, number>[];
  readonly groupSlots: readonly ReadonlyMap<string, number>[];
}

/** Copies of what items hold now. */
export function contentOf(items: readonly Item[]): Content {
  return {
    tensors: items.map(({ tensors }) => new Map(Object.entries(tensors).map(([key, { data }]) => [key, (data as Raw).slice()]))),
    scalarSlots: items.map(({ scalarSlots }) => new Map(scalarSlots)),
    groupSlots: items.map(({ groupSlots, program }) => {
      const keys = [...program.values.filter(({ op, cls }) => op === "slot" && cls === "group"), ...allStores(program)].map(({ key }) =>
        key
      );
      return new Map(keys.flatMap((key) => groupSlots.get(key) === undefined ? [] : [[key, groupSlots.get(key)!]]));
    }),
  };
}

const allStores = ({ numberStores, holds }: Item["program"]) => [...numberStores, ...holds.flatMap(({ stores }) => stores)];

/** How the items' tensors lie in GPU memory. */
export type Lying = "apart" | "together";

/** One run of a plan on a device, from this content; gives the content afterwards, and the scopes that held it back. */
export async function runOnDevice(
  device: GPUDevice,
  items: readonly Item[],
  before: Content,
  values: readonly Scalars[],
  lying: Lying = "apart",
  limits: Partial<DeviceLimits> = {},
): Promise<{ readonly after: Content; readonly held: readonly string[]; readonly plan: LoweredPlan<GPUBuffer> }> {
  const groups = groupsOf(items, before);
  const copies = items.map((item, i): Item => ({
    ...item,
    scalarSlots: new Map(before.scalarSlots[i]),
    groupSlots: groups[i],
  }));
  const memory = layTensors(device, items, before, lying);
  const cells = new Map<object, Map<string, number>>();
  const firsts: number[] = [];
  const ownerOf = (item: Item, key: string, cls: NumberSlotClass): object =>
    cls === "scalar" ? item.scalarSlots : commonOf(copies, key) ?? item.groupSlots;
  const plan = lowerPlan<GPUBuffer>(copies, {
    limits: { ...limitsOf(device), ...limits },
    place: (item, key) => memory.places[copies.indexOf(item)].get(key)!,
    hasCell: (item, key, cls) => cells.get(ownerOf(item, key, cls))?.has(key) ?? false,
    cell(item, key, cls) {
      const owner = ownerOf(item, key, cls);
      let own = cells.get(owner);
      if (own === undefined) cells.set(owner, own = new Map());
      let cell = own.get(key);
      if (cell === undefined) {
        own.set(key, cell = firsts.length);
        firsts.push((cls === "scalar" ? item.scalarSlots : item.groupSlots).get(key)!);
      }
      return cell;
    },
  });
  const row = new Uint32Array(plan.recordBytes / 4);
  plan.fill(values, row);
  const { STORAGE, UNIFORM, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const own = (bytes: number, usage = 0): GPUBuffer =>
    device.createBuffer({ size: Math.max(16, bytes), usage: STORAGE | COPY_DST | COPY_SRC | usage });
  const buffers = {
    records: own(plan.recordBytes, UNIFORM),
    scratch: own(plan.scratchBytes),
    tables: own(plan.tables.byteLength),
    rows: own(plan.recordBytes),
    progress: own(16),
    cells: own(4 * firsts.length),
  };
  // Deno 2.9 ends where nothing is written from an empty array.
  const write = (buffer: GPUBuffer, from: ArrayBufferView<ArrayBuffer>): void => {
    if (from.byteLength > 0) device.queue.writeBuffer(buffer, 0, from);
  };
  write(plan.holds.length > 0 ? buffers.rows : buffers.records, row);
  write(buffers.tables, plan.tables as Uint32Array<ArrayBuffer>);
  write(buffers.cells, Float32Array.from(firsts));
  const bufferOf = ({ of }: Binding<GPUBuffer>): GPUBuffer => typeof of === "string" ? buffers[of] : of;
  // Whatever is left in scratch must not count.
  write(buffers.scratch, new Uint8Array(Math.max(16, plan.scratchBytes)).fill(0x7f));

  device.pushErrorScope("validation");
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { code, bindings, workgroups } of plan.passes) {
    const pipeline = pipelineOf(device, code);
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map((binding, k) => ({
          binding: k,
          resource: { buffer: bufferOf(binding), offset: binding.offset, ...binding.bytes === null ? {} : { size: binding.bytes } },
        })),
      }),
    );
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(error.message);

  const tensors = await memory.read();
  const progress = new Uint32Array(await read(device, buffers.progress));
  const values32 = new Float32Array(await read(device, buffers.cells));
  const held = plan.holds.filter((_, bit) => (progress[2] >> bit & 1) === 1);
  if (held.length === 0) plan.advance();
  for (const { item, key, cls, cell } of plan.cells) (cls === "scalar" ? item.scalarSlots : item.groupSlots).set(key, values32[cell]);
  const after = contentOf(copies);
  for (const buffer of [...Object.values(buffers), ...memory.buffers]) buffer.destroy();
  return { after: { ...after, tensors }, held, plan };
}

/** Group slots that all groups have in common are those of transforms, whose scopes begin with a number. */
const isCommon = (key: string): boolean => /^\d/.test(key);
const commonOf = (items: readonly Item[], key: string): object | undefined => isCommon(key) ? items : undefined;

/** Maps for the items' groups: one for each object that there was. */
function groupsOf(items: readonly Item[], before: Content): Item["groupSlots"][] {
  const made = new Map<object, Map<string, number>>();
  return items.map(({ groupSlots }, i) => {
    let map = made.get(groupSlots);
    if (map === undefined) made.set(groupSlots, map = new Map());
    for (const [key, value] of before.groupSlots[i]) map.set(key, value);
    return map;
  });
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

function pipelineOf(device: GPUDevice, code: string): GPUComputePipeline {
  let made = pipelines.get(device);
  if (made === undefined) pipelines.set(device, made = new Map());
  let pipeline = made.get(code);
  if (pipeline === undefined) {
    pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
    });
    made.set(code, pipeline);
  }
  return pipeline;
}

/** What the device allows. Its limits are an instance of a class, which no spread copies. */
const limitsOf = ({ limits }: GPUDevice): DeviceLimits =>
  Object.fromEntries(
    Object.keys(guaranteedLimits).map((name) => [name, limits[name as keyof DeviceLimits]]),
  ) as unknown as DeviceLimits;

/** Puts tensors into buffers: each into its own, or all of them one after the other, with four bytes between, so that most begin where no binding may. */
function layTensors(device: GPUDevice, items: readonly Item[], { tensors }: Content, lying: Lying) {
  const size = (raw: Raw): number => Math.max(4, Math.ceil(raw.byteLength / 4) * 4);
  const make = (bytes: number): GPUBuffer =>
    device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  const buffers: GPUBuffer[] = [];
  const byData = new Map<unknown, Place<GPUBuffer>>();
  let end = 4;
  const all = tensors.flatMap((map) => [...map.values()]);
  const common = lying === "together" ? make(all.reduce((sum, raw) => sum + size(raw) + 4, 4)) : null;
  if (common !== null) buffers.push(common);
  const places = tensors.map((map, i) =>
    new Map([...map].map(([key, raw]): [string, Place<GPUBuffer>] => {
      // The same array in two places is the same memory, as a gradient of two groups would be.
      const { data } = items[i].tensors[key];
      const known = byData.get(data);
      if (known !== undefined) return [key, known];
      const buffer = common ?? make(size(raw));
      if (common === null) buffers.push(buffer);
      const place: Place<GPUBuffer> = { buffer, offset: common === null ? 0 : end, bytes: raw.byteLength };
      if (common !== null) end += size(raw) + 4;
      const words = new Uint8Array(size(raw));
      // Behind an odd length lies what must stay.
      words.fill(0xa5);
      words.set(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));
      device.queue.writeBuffer(buffer, place.offset, words);
      byData.set(data, place);
      return [key, place];
    }))
  );
  const readAll = async (): Promise<ReadonlyMap<string, Raw>[]> => {
    const contents = new Map(await Promise.all(buffers.map(async (buffer) => [buffer, await read(device, buffer)] as const)));
    return tensors.map((map, i) =>
      new Map([...map].map(([key, raw]): [string, Raw] => {
        const { buffer, offset } = places[i].get(key)!;
        const bytes = contents.get(buffer)!;
        if (raw.byteLength % 4 !== 0) {
          const behind = new Uint16Array(bytes, offset + raw.byteLength, 1)[0];
          if (behind !== 0xa5a5) throw new Error(`What lies behind ${key} was written: ${behind.toString(16)}`);
        }
        return [
          key,
          raw instanceof Float32Array ? new Float32Array(bytes, offset, raw.length) : new Uint16Array(bytes, offset, raw.length),
        ];
      }))
    );
  };
  return { places, buffers, read: readAll };
}

/** What a buffer holds once the device has done what it was told. */
export async function read(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}

/** What a routine gives of a matrix, or of several, on a backend's device. */
export async function factorOnDevice(
  backend: WebGpuBackend,
  f: "qr" | "eigh",
  a: Float32Array,
  shape: readonly number[],
): Promise<Float32Array<ArrayBuffer>> {
  const device = backend.device as GPUDevice;
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const [x, z] = [0, 1].map(() => device.createBuffer({ size: a.byteLength, usage: STORAGE | COPY_SRC | COPY_DST }));
  device.queue.writeBuffer(x, 0, a as Float32Array<ArrayBuffer>);
  backend.run(`Q = ${f}(x)\nz = Q`, { x: { buffer: x, shape }, z: { buffer: z, shape } } as never);
  const made = new Float32Array(await read(device, z));
  x.destroy();
  z.destroy();
  return made;
}

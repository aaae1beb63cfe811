/**
 * Memory on a device, beside what is computed in it: buffers that small tensors share, and whose memory is whose.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Buffer, Device } from "../../../kernels/backends/webgpu/device.ts";
import {
  allocateOne,
  claim,
  createDeviceMemory,
  type DeviceMemory,
  type OnDevice,
  overlapTest,
  releaseOne,
  reserveOne,
} from "../../../kernels/backends/webgpu/device_memory.ts";

/** A device of which buffers alone are there; `zeroed` are ranges that were written. */
function fakeMemory(): { readonly memory: DeviceMemory; readonly buffers: Set<Buffer>; readonly zeroed: (readonly [number, number])[] } {
  const buffers = new Set<Buffer>();
  const zeroed: (readonly [number, number])[] = [];
  const device = {
    limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 },
    queue: {
      writeBuffer: (_into: Buffer, offset: number, data: Uint8Array) => {
        assert(data.every((byte) => byte === 0));
        zeroed.push([offset, data.byteLength]);
      },
    },
    createBuffer({ size, usage }: { size: number; usage: number }) {
      const buffer = { size, usage, destroy: () => void buffers.delete(buffer) } as unknown as Buffer;
      buffers.add(buffer);
      return buffer;
    },
  } as unknown as Device;
  return { memory: createDeviceMemory(device), buffers, zeroed };
}

const placed = ({ data: { buffer, byteOffset } }: OnDevice): readonly [Buffer, number] => [buffer, byteOffset];

test("Small tensors share a buffer, large ones and those that callers allocate have their own", () => {
  const { memory, buffers } = fakeMemory();
  const small = [100, 3, 7].map((length) => reserveOne(memory, [length], "float32"));
  assertEquals(buffers.size, 0, "nothing is taken before it is used");
  const places = small.map(placed);
  assertEquals(new Set(places.map(([buffer]) => buffer)).size, 1);
  assertEquals(places.map(([, offset]) => offset), [0, 400, 416]);
  placed(reserveOne(memory, [2 ** 22], "float32"));
  const allocated = allocateOne(memory, [3]);
  assertEquals([placed(allocated)[1], buffers.size], [0, 3]);
  assertEquals(placed(allocated)[0].size, 12, "who takes it as a whole takes no more than the tensor");
  assertEquals(memory.allocated, 4 * (100 + 3 + 7 + 2 ** 22 + 3));
  for (const { data } of small) releaseOne(memory, data);
  assertEquals([buffers.size, memory.blocks.length], [2, 0], "the last one takes the buffer with it");
});

test("What was given back is taken again, and is zero", () => {
  const { memory, buffers, zeroed } = fakeMemory();
  const take = (length: number): OnDevice => {
    const tensor = reserveOne(memory, [length], "float32");
    placed(tensor);
    return tensor;
  };
  const [a, b, c, d] = [4, 8, 12, 4].map(take);
  // Neighbours become one range, in whatever order they go.
  for (const { data } of [a, c, b]) releaseOne(memory, data);
  assertEquals(memory.blocks[0].free, [{ at: 0, size: 96 }]);
  assertEquals([placed(take(16))[1], placed(take(8))[1], placed(take(4))[1]], [0, 64, 112]);
  assertEquals(zeroed, [[0, 64], [64, 32]]);
  releaseOne(memory, d.data);
  assertEquals(memory.blocks[0].free, [{ at: 96, size: 16 }]);
  assertEquals(buffers.size, 1);
});

test("Tensors of many that share memory with one are found, wherever they lie", () => {
  const { memory } = fakeMemory();
  const buffer = memory.device.createBuffer({ size: 4096, usage: 0x80 });
  const at = (offset: number, length: number): OnDevice => claim(memory, "a tensor", { buffer, offset, shape: [length] })!;
  const late = reserveOne(memory, [4], "float32");
  const overlaps = overlapTest(memory, [at(400, 10), at(0, 50), at(100, 2), at(600, 100), at(620, 1), at(1000, 1), late]);
  const cases: readonly (readonly [offset: number, length: number, is: boolean])[] = [
    [196, 1, true],
    [200, 50, false],
    [200, 51, true],
    [440, 40, false],
    [440, 41, true],
    [700, 1, true],
    [1004, 1, false],
    [0, 1000, true],
  ];
  for (const [offset, length, is] of cases) assertEquals(overlaps(at(offset, length)), is, `${offset}, ${length}`);
  // What has no buffer yet shares with nobody; once it has one it may.
  assertEquals(overlaps(reserveOne(memory, [1], "float32")), false);
  const [block, begin] = placed(late);
  assertEquals(overlaps(claim(memory, "a tensor", { buffer: block, offset: begin + 4, shape: [1] })!), true);
});

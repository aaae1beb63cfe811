/**
 * What is brought back from a device: copied to memory that can be mapped, in the order of the queue, and read when the device has come so far.
 *
 * @module
 */
import type { DeviceSide } from "../../backend.ts";
import { knownCell } from "./cells.ts";
import { type Buffer, mapRead, usage } from "./device.ts";
import { type DeviceData, onDevice, wordBytes } from "./device_memory.ts";
import { checkAlive, lossOf, type Machine, submit } from "./machine.ts";
import { progressBytes, told, type Windows } from "./windows.ts";

/** A range to copy, and what becomes of its words. */
interface Wanted {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly bytes: number;
  take(words: ArrayBuffer): void;
}

// Staging memory is mapped as a whole, and a device may have little of it.
const mostStaged = 2 ** 28;

/** Copies, waits, and gives the function that hands out what was copied. */
export async function fetchFrom(
  machine: Machine,
  windows: Windows,
  ...[tensors, numbers, runs]: Parameters<DeviceSide["fetch"]>
): Promise<() => void> {
  checkAlive(machine);
  const { cells } = machine;
  const wanted: Wanted[] = tensors.map(({ from, into }) =>
    rangeOf(onDevice(from).data, (words) => {
      new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(new Uint8Array(words, 0, into.byteLength));
    })
  );
  const before = new Map<object, number>();
  for (const { slots, key, take } of numbers) {
    const cell = knownCell(cells, slots, key);
    if (cell === undefined || cell.known === undefined) continue;
    const { known } = cell;
    before.set(cell, known);
    wanted.push({
      ...{ buffer: cells.buffer, offset: 4 * cell.index, bytes: 4 },
      take(words) {
        const [value] = new Float32Array(words);
        take(value);
        // Unless it was set here meanwhile.
        if (!Object.is(cell.known, known) || !Object.is(slots.get(key), known)) return;
        slots.set(key, value);
        cell.known = value;
      },
    });
  }
  const lists = new Set(runs);
  for (const window of new Set(runs.flatMap((list) => windows.ofRun.get(list) ?? []))) {
    const unknown = window.unknown.filter(({ list }) => lists.has(list));
    const { progress: buffer, epoch } = window;
    wanted.push({
      ...{ buffer, offset: 0, bytes: progressBytes },
      take(words) {
        if (window.epoch === epoch) told(window, unknown, new Uint32Array(words));
      },
    });
  }
  const read = await copied(machine, wanted);
  await Promise.all(machine.asked);
  return () => {
    wanted.forEach(({ take }, i) => take(read[i]));
    const [fault, ...more] = machine.faults.splice(0);
    if (fault === undefined) return;
    throw new Error(`The device refused a command${more.length > 0 ? `, and ${more.length} more` : ""}: ${fault}`);
  };
}

const rangeOf = ({ buffer, byteOffset, byteLength }: DeviceData, take: Wanted["take"]): Wanted => ({
  ...{ buffer, offset: byteOffset, bytes: wordBytes(byteLength) },
  take,
});

/** The words of each range, as they are when the device comes to them. */
async function copied(machine: Machine, wanted: readonly Wanted[]): Promise<ArrayBuffer[]> {
  const { device } = machine;
  const read: ArrayBuffer[] = wanted.map(() => new ArrayBuffer(0));
  const most = Math.min(mostStaged, device.limits.maxBufferSize);
  const batches: { bytes: number; readonly ranges: { readonly index: number; readonly at: number }[] }[] = [];
  wanted.forEach(({ bytes }, index) => {
    if (bytes === 0) return;
    let batch = batches.at(-1);
    if (batch === undefined || batch.bytes + bytes > most) batches.push(batch = { bytes: 0, ranges: [] });
    batch.ranges.push({ index, at: batch.bytes });
    batch.bytes += bytes;
  });
  const staged = batches.map(({ bytes, ranges }) => {
    const buffer = device.createBuffer({ size: bytes, usage: usage.copyDst | usage.mapRead, label: "glissade: what is brought back" });
    submit(machine, (encoder) => {
      for (const { index, at } of ranges) {
        const { buffer: from, offset, bytes } = wanted[index];
        encoder.copyBufferToBuffer(from, offset, buffer, at, bytes);
      }
    });
    return { buffer, ranges, mapped: buffer.mapAsync(mapRead) };
  });
  // With nothing to read it is the queue that is waited for.
  if (staged.length === 0) await device.queue.onSubmittedWorkDone();
  const outcomes = await Promise.allSettled(staged.map(({ mapped }) => mapped));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) {
    for (const { buffer, ranges } of staged) {
      const words = buffer.getMappedRange();
      for (const { index, at } of ranges) read[index] = words.slice(at, at + wanted[index].bytes);
    }
  }
  for (const { buffer } of staged) buffer.destroy();
  if (failed === undefined) return read;
  await lossOf(device);
  checkAlive(machine);
  throw new Error("Cannot read from the device", { cause: (failed as PromiseRejectedResult).reason });
}

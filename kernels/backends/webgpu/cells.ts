/**
 * Numbers of slots that live on the device, in one buffer of all plans: those that follow from sums, which this host does not see.
 *
 * The slots themselves keep the last number that is known here. Whoever sets one, as a load does, sets the device's too: with the next run.
 *
 * @module
 */
import type { Item, NumberSlots } from "../../plan/item.ts";
import { type Buffer, type Device, type Encoder, usage } from "./device.ts";

/** A number on the device. */
export interface Cell {
  readonly index: number;
  /** What the device was told, or has told, last. */
  known: number | undefined;
}

/** Cells of a device. */
export interface Cells {
  readonly device: Device;
  /** By whose they are, then by key. */
  readonly owners: WeakMap<object, Map<string, Cell>>;
  buffer: Buffer;
  count: number;
}

const bufferOf = (device: Device, count: number): Buffer =>
  device.createBuffer({ size: 4 * count, usage: usage.storage | usage.copySrc | usage.copyDst, label: "glissade: numbers of slots" });

const leastCells = 64;

/** None yet. */
export function createCells(device: Device): Cells {
  return { device, owners: new WeakMap(), buffer: bufferOf(device, leastCells), count: 0 };
}

/** An item's slots of a class. */
export const slotsOf = ({ scalarSlots, groupSlots }: Item, cls: "scalar" | "group" | string): NumberSlots =>
  cls === "scalar" ? scalarSlots : groupSlots;

/** The cell of a slot, a new one where it has none; undefined where none is asked for and there is none. */
export function cellOf(cells: Cells, slots: NumberSlots, key: string): Cell {
  const owner = slots.ownerOf?.(key) ?? slots;
  let own = cells.owners.get(owner);
  if (own === undefined) cells.owners.set(owner, own = new Map());
  let cell = own.get(key);
  if (cell === undefined) own.set(key, cell = { index: cells.count++, known: undefined });
  return cell;
}

/** The cell that a slot has, if it has one. */
export const knownCell = ({ owners }: Cells, slots: NumberSlots, key: string): Cell | undefined =>
  owners.get(slots.ownerOf?.(key) ?? slots)?.get(key);

/** A larger buffer where there are more cells than it holds; true then: what was bound to the old one must be bound anew. */
export function fit(cells: Cells, encode: (run: (encoder: Encoder) => void) => void): boolean {
  const { buffer, count, device } = cells;
  if (4 * count <= buffer.size) return false;
  cells.buffer = bufferOf(device, 2 ** Math.ceil(Math.log2(count)));
  encode((encoder) => encoder.copyBufferToBuffer(buffer, 0, cells.buffer, 0, buffer.size));
  return true;
}

/** Tells the device of a slot's number where it has another. */
export function tell({ device, buffer }: Cells, cell: Cell, slots: NumberSlots, key: string): void {
  const value = slots.get(key)!;
  if (Object.is(cell.known, value)) return;
  device.queue.writeBuffer(buffer, 4 * cell.index, Float32Array.of(value));
  cell.known = value;
}

/**
 * Runs that may be held back on the device, in the order in which they were handed to it: how many were applied is known there alone, until it is asked.
 *
 * A window begins with a run before which all was known. Row k of its plans has the numbers of the run that follows k applied ones.
 *
 * @module
 */
import type { Item } from "../../plan/item.ts";
import type { Scalars } from "../../types.ts";
import { type Buffer, type Device, usage } from "./device.ts";

/** A window, of one optimizer. */
export interface Window {
  /** `progress` of passes.ts. */
  readonly progress: Buffer;
  /** By row: what its numbers follow from. */
  readonly rows: Row[];
  /** Runs that nobody has asked about, the oldest first: the list of each. */
  unknown: Unknown[];
  /** How many were known to be held back when it was asked last. */
  held: number;
  /** Which window it is: plans' rows are of one. */
  epoch: number;
}

/** Windows: by the group slots of a plan's first item, and by the list of each of their runs. */
export interface Windows {
  readonly byOwner: WeakMap<object, Window>;
  readonly ofRun: WeakMap<object, Window>;
  /** By the same slots: the last run outside of windows. */
  readonly last: WeakMap<object, HostNumbers>;
}

/** A run that the device may refuse, and the slots that stay with the host as they were before it. */
export interface HostNumbers {
  /** The run before it; undefined where this one is known to be taken. */
  before: HostNumbers | undefined;
  putBack(): void;
  isRefused: boolean;
}

/** The numbers that come with a run, and how the slots that stay with the host are put back to where they were before it. */
export interface Row {
  readonly values: readonly Scalars[];
  putBack(): void;
}

/** A run that may have been held back. */
export interface Unknown {
  readonly list: string[];
  /** The scopes in the order of their bits. */
  readonly holds: readonly string[];
}

/** Runs that a window may have: as many rows has each plan. */
export const mostRows = 256;

/** The words of `progress`. */
export const progressBytes = 16;

/** The window that a plan of these items goes on with: another one where all is known. */
export function windowOf(device: Device, { byOwner }: Windows, [{ groupSlots }]: readonly Item[], isKnown: boolean): Window {
  let window = byOwner.get(groupSlots);
  if (window === undefined) {
    const progress = device.createBuffer({
      size: progressBytes,
      usage: usage.storage | usage.copySrc | usage.copyDst,
      label: "glissade: progress",
    });
    byOwner.set(groupSlots, window = { progress, rows: [], unknown: [], held: 0, epoch: 0 });
  } else if (isKnown) {
    device.queue.writeBuffer(window.progress, 0, new Uint32Array(progressBytes / 4));
    Object.assign(window, { unknown: [], held: 0, epoch: window.epoch + 1 });
    window.rows.length = 0;
  }
  return window;
}

/** What the device told: fills the lists, and brings the window to the runs that are left. */
export function told(window: Window, asked: readonly Unknown[], [applied, held, bits]: Uint32Array): void {
  const known = asked.filter((run) => window.unknown.includes(run));
  // Which of several runs it was that was held back nobody asks: they count alike. Of the last one it is known by whom.
  let left = held - window.held;
  const last = known.at(-1);
  if (last !== undefined && bits !== 0 && last.list.length === 0) {
    last.list.push(...last.holds.filter((_, i) => (bits >>> i & 1) === 1));
    left--;
  }
  for (const { list, holds } of known) {
    if (left <= 0) break;
    if (list.length > 0) continue;
    list.push(...holds);
    left--;
  }
  window.held = held;
  window.unknown = window.unknown.filter((run) => !known.includes(run));
  const rows = applied + window.unknown.length;
  if (rows >= window.rows.length) return;
  window.rows[rows].putBack();
  window.rows.length = rows;
}

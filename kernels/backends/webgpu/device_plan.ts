/**
 * A lowered plan on a device: its buffers, its bind groups, and one command buffer a run.
 *
 * @module
 */
import type { Item, Plan } from "../../plan/item.ts";
import type { Scalars } from "../../types.ts";
import { cellOf, fit, knownCell, slotsOf, tell } from "./cells.ts";
import { type Buffer, type Handle, usage } from "./device.ts";
import { onDevice, wordBytes } from "./device_memory.ts";
import { lowerPlan } from "./lower.ts";
import { checkAlive, type Machine, type Pipeline, pipelineOf, submit, watched } from "./machine.ts";
import { eachOnce, type LoweredPlan, type OwnMemory } from "./passes.ts";
import { type HostNumbers, mostRows, type Window, windowOf, type Windows } from "./windows.ts";

/** A plan, laid out. */
interface Laid {
  readonly lowered: LoweredPlan<Buffer>;
  readonly memory: Readonly<Partial<Record<OwnMemory, Buffer>>>;
  /** As many fit into `rows`. */
  readonly rows: number;
  readonly row: Uint32Array<ArrayBuffer>;
  readonly pipelines: readonly Pipeline[];
  /** What was bound last: bind groups hold for that. */
  bound: { readonly cells: Buffer; readonly progress: Buffer | undefined; readonly groups: readonly Handle[] } | null;
  /** Rows that lie in `rows`, and of which window. */
  filled: number;
  epoch: number;
}

/** Lays items out. What cannot be lowered throws, and nothing is taken. */
export function createDevicePlan(machine: Machine, windows: Windows, items: readonly Item[]): Plan {
  checkAlive(machine);
  let laid = layOut(machine, items);
  return {
    run(values, before = []) {
      checkAlive(machine);
      // A slot that another plan has moved to the device since is read there.
      if (laid.lowered.mapSlots.some(({ item, key, cls }) => knownCell(machine.cells, slotsOf(item, cls), key) !== undefined)) {
        free(laid);
        laid = layOut(machine, items);
      }
      return run(machine, windows, items, laid, values, before);
    },
    dispose: () => free(laid),
  };
}

function layOut(machine: Machine, items: readonly Item[]): Laid {
  const { device, cells } = machine;
  const lowered = lowerPlan<Buffer>(items, {
    limits: device.limits as unknown as Parameters<typeof lowerPlan>[1]["limits"],
    place(item, key) {
      const { buffer, byteOffset, byteLength } = onDevice(item.tensors[key]).data;
      return { buffer, offset: byteOffset, bytes: byteLength };
    },
    hasCell: (item, key, cls) => knownCell(cells, slotsOf(item, cls), key) !== undefined,
    cell: (item, key, cls) => cellOf(cells, slotsOf(item, cls), key).index,
  });
  const { recordBytes, scratchBytes, tables, holds, passes } = lowered;
  const open = (size: number, uses: number): Buffer =>
    device.createBuffer({ size: Math.max(16, wordBytes(size)), usage: uses | usage.copyDst, label: "glissade: a plan" });
  return watched(machine, () => {
    const memory: Partial<Record<OwnMemory, Buffer>> = { records: open(recordBytes, usage.storage | usage.uniform) };
    if (scratchBytes > 0) memory.scratch = open(scratchBytes, usage.storage);
    if (tables.length > 0) {
      memory.tables = open(tables.byteLength, usage.storage);
      device.queue.writeBuffer(memory.tables, 0, tables);
    }
    const rows = rowsOf(machine, recordBytes);
    if (holds.length > 0) memory.rows = open(rows * recordBytes, usage.storage);
    const pipelines = eachOnce(passes, ({ code, bindings }) => pipelineOf(machine, code, bindings.map(({ type }) => type)));
    return { lowered, memory, rows, row: new Uint32Array(recordBytes / 4), pipelines, bound: null, filled: 0, epoch: -1 };
  });
}

// Of thousands of tensors a row has half a MiB, and the least that a device binds at once is 128.
const rowsOf = ({ device: { limits } }: Machine, recordBytes: number): number =>
  Math.max(1, Math.min(mostRows, Math.floor(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) / recordBytes)));

function free({ memory }: Laid): void {
  for (const buffer of Object.values(memory)) buffer.destroy();
}

function run(
  machine: Machine,
  windows: Windows,
  items: readonly Item[],
  laid: Laid,
  values: readonly Scalars[],
  before: readonly (readonly string[])[],
): readonly string[] {
  const { device, cells } = machine;
  const { lowered, memory, row } = laid;
  const { holds } = lowered;
  const window = holds.length > 0 ? windowOf(device, windows, items, before.length === 0) : undefined;
  if (window !== undefined && window.rows.length >= laid.rows) {
    throw new Error(`Cannot run more than ${laid.rows} times before it is known what was held back: await sync() in between`);
  }
  if (fit(cells, (encode) => submit(machine, encode))) laid.bound = null;
  for (const { item, key, cls } of lowered.cells) {
    const slots = slotsOf(item, cls);
    tell(cells, knownCell(cells, slots, key)!, slots, key);
  }
  const list: string[] = [];
  if (window === undefined) {
    lowered.fill(values, row);
    device.queue.writeBuffer(memory.records!, 0, row);
  } else fillRows(machine, laid, window, values);
  bind(machine, laid, window);
  const kept = window === undefined ? keepNumbers(windows, items, lowered) : undefined;
  submit(machine, (encoder) => {
    const pass = encoder.beginComputePass();
    let last: Pipeline | undefined;
    lowered.passes.forEach(({ workgroups: [x, y] }, i) => {
      const one = laid.pipelines[i];
      if (one !== last) pass.setPipeline((last = one).pipeline);
      pass.setBindGroup(0, laid.bound!.groups[i]);
      pass.dispatchWorkgroups(x, y);
    });
    pass.end();
  }, (isRefused) => {
    if (isRefused) list.push("");
    kept?.told(isRefused);
  });
  lowered.advance();
  kept?.advanced();
  if (window !== undefined) {
    window.unknown.push({ list, holds });
    windows.ofRun.set(list, window);
  }
  return list;
}

/**
 * Puts the slots that stay with the host back to where they were before a run, should the device refuse it: unless a later run has gone on from them, but
 * such as were refused too, or somebody has set them since, as a load does. (A window does it by its rows.)
 */
function keepNumbers(
  { last }: Windows,
  [{ groupSlots }]: readonly Item[],
  { mapSlots, keep }: LoweredPlan<Buffer>,
): { advanced(): void; told(isRefused: boolean): void } | undefined {
  if (mapSlots.length === 0) return undefined;
  const read = (): number[] => mapSlots.map(({ item, key, cls }) => slotsOf(item, cls).get(key)!);
  const run: HostNumbers = { before: last.get(groupSlots), putBack: keep(), isRefused: false };
  last.set(groupSlots, run);
  let after: readonly number[] = [];
  return {
    advanced() {
      after = read();
    },
    told(isRefused) {
      run.isRefused = isRefused;
      if (!isRefused) run.before = undefined;
      else if (read().every((value, i) => Object.is(value, after[i]))) {
        for (let one: HostNumbers | undefined = run; one?.isRefused; one = one.before) one.putBack();
      }
    },
  };
}

/** The rows of this window that the plan does not have yet, the coming run's last. */
function fillRows({ device }: Machine, laid: Laid, window: Window, values: readonly Scalars[]): void {
  const { lowered, memory, row } = laid;
  const fill = (at: number, values: readonly Scalars[]): void => {
    lowered.fill(values, row);
    device.queue.writeBuffer(memory.rows!, at * row.byteLength, row);
  };
  if (laid.epoch !== window.epoch) Object.assign(laid, { epoch: window.epoch, filled: 0 });
  const next = window.rows.length;
  const putBack = lowered.keep();
  for (let at = Math.min(laid.filled, next); at < next; at++) {
    window.rows[at].putBack();
    fill(at, window.rows[at].values);
  }
  putBack();
  fill(next, values);
  laid.filled = next + 1;
  window.rows.push({ values, putBack });
}

function bind(machine: Machine, laid: Laid, window: Window | undefined): void {
  const { device, cells } = machine;
  const { lowered, memory, pipelines, bound } = laid;
  const progress = window?.progress;
  if (bound !== null && bound.cells === cells.buffer && bound.progress === progress) return;
  const own: Partial<Record<OwnMemory, Buffer>> = { ...memory, cells: cells.buffer, progress };
  const groups = watched(machine, () =>
    eachOnce(lowered.passes, ({ bindings, label }, i) =>
      device.createBindGroup({
        label,
        layout: pipelines[i].layout,
        entries: bindings.map(({ of, offset, bytes }, binding) => ({
          binding,
          resource: { buffer: typeof of === "string" ? own[of]! : of, offset, ...bytes !== null && { size: bytes } },
        })),
      })));
  laid.bound = { cells: cells.buffer, progress, groups };
}

/**
 * What an optimizer does on a device: states are brought back from it, to save them and to bring arrays up to date.
 *
 * @module
 */
import type { DeviceSide } from "../../kernels/backend.ts";
import type { NumberSlots } from "../../kernels/plan/item.ts";
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import type { Raw, Tensor } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import { sizeOf } from "../tensors.ts";
import type { StateDict, StepReport } from "../types.ts";
import type { DeviceWork } from "./device_work.ts";
import { checkAlive, type OptimizerState } from "./optimizer_state.ts";
import { saveEntries } from "./saved_state.ts";
import { count } from "./step.ts";
import { refuseUnknown, submit } from "./submitted.ts";
import { report, tellHeld } from "./view.ts";
import type { SubmittedRun } from "./plans.ts";

/** A state of a device, and the runs that it then knew of. */
interface BroughtBack {
  readonly saved: StateDict;
  readonly runs: readonly SubmittedRun[];
}

/**
 * The state as it is now, once the device has told of it. Runs that were held back are uncounted, numbers of slots are brought to this host, and arrays
 * of the caller's hold their parameters afterwards.
 */
async function bringBack(state: OptimizerState, device: DeviceSide): Promise<BroughtBack> {
  const { moves, backend, params } = state;
  const runs = [...state.submitted];
  const tensors: { from: Tensor; into: Raw }[] = [];
  const numbers = new Map<NumberSlots, Map<string, Float64Array | null>>();
  for (const { slots, scalarSlots, group } of params) {
    // Also those that no state has, such as a norm that can be read.
    for (const { key, tensor, slot } of slots) {
      if (tensor !== null) continue;
      const of = slot.shape === "scalar" ? scalarSlots : group.slots;
      numbers.set(of, (numbers.get(of) ?? new Map()).set(key, null));
    }
  }
  let saved = saveEntries(state, (entry) => {
    if (entry.dtype === "float64") {
      const data = Float64Array.of(entry.read());
      if (entry.slot !== undefined) numbers.get(entry.slot[0])!.set(entry.slot[1], data);
      return data;
    }
    const from = entry.lying();
    if (!backend.owns(from)) return entry.read();
    const into = elementTypes[entry.dtype].make(sizeOf(entry.shape));
    tensors.push({ from, into });
    return into;
  });
  try {
    const all = [...numbers].flatMap(([slots, keys]) =>
      [...keys].map(([key, data]) => ({ slots, key, take: (value: number) => void data?.fill(value) }))
    );
    (await device.fetch(tensors, all, runs.map(({ held }) => held)))();
  } finally {
    settle(state, runs);
  }
  const isLatest = state.moves === moves;
  if (runs.some(({ held }) => held.length > 0)) {
    // What the host counts was a guess then. Where more has been submitted since, only another look can tell.
    if (!isLatest) return bringBack(state, device);
    const { tensors } = saved;
    saved = saveEntries(state, (entry) => entry.dtype === "float64" ? Float64Array.of(entry.read()) : tensors[entry.key].data);
  }
  for (const param of params) {
    if (param.ahead) param.elements.set(saved.tensors[param.info.name].data as Raw);
    if (isLatest) param.ahead = false;
  }
  state.synced = saved;
  return { saved, runs };
}

/** Takes back what was counted of runs that were held back or refused, and forgets those that are known now. */
function settle(state: OptimizerState, runs: readonly SubmittedRun[]): void {
  const known = new Set(runs);
  for (const run of state.submitted) if (known.has(run) && run.held.length > 0) count(state, run.kept, -1);
  state.submitted = state.submitted.filter((run) => !known.has(run));
}

async function sync(state: OptimizerState): Promise<StepReport> {
  const { runs } = await bringBack(state, state.backend.deviceSide!);
  const last = runs.at(-1);
  if (last === undefined) return state.report;
  const held = new Set(runs.flatMap(({ held }) => held));
  const said = report(state, last.held.length === 0, last.held);
  return tellHeld(state, { report: said.report, held: state.transforms.filter(({ scope }) => held.has(scope)) });
}

/** The state as the device has it now, or where it was lost as it was brought back last. */
async function saveState(state: OptimizerState): Promise<StateDict> {
  checkAlive(state, "save");
  const { title, plugin, backend } = state;
  const device = backend.deviceSide!;
  if (device.lost() === undefined) {
    try {
      return (await bringBack(state, device)).saved;
    } catch (error) {
      // It may be lost meanwhile.
      if (device.lost() === undefined) throw error;
    }
  }
  if (state.synced !== null) return structuredClone(state.synced);
  throw about(new Error(`Cannot save ${title}: ${device.lost()}, and nothing was brought back before`), { plugin: plugin.name });
}

/** What optimizers do on a device. */
export const workOnDevice: DeviceWork = { submit, refuseUnknown, sync, saveState };

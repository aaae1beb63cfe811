/**
 * States as they are saved: what of an optimizer is kept, under which keys, and how it is read and written. loaded_state.ts loads them.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import type { DType, Raw } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import type { NumberSlots } from "../../kernels/plan/item.ts";
import type { GroupState } from "./groups.ts";
import { copyTensor } from "./memory.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { checkReachable, contentOf, type ParamState, uploadParam } from "./param_state.ts";
import { metricSchedules, statefulSchedules, stateKeyOf } from "./schedules.ts";
import { type FullTensor, put, sizeOf } from "../tensors.ts";
import type { StateDict } from "../types.ts";

/** One key of a saved state: elements of a dtype, or a number in float64. */
export type SavedEntry = SavedElements | SavedNumber;

/** A parameter or a slot with memory. */
export interface SavedElements {
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Where its elements lie now. */
  lying(): FullTensor;
  /** A copy. */
  read(): Raw;
  /** Takes over as many elements. */
  write(elements: Raw): void;
}

/** A scalar or group slot, or a step count. */
export interface SavedNumber {
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: "float64";
  readonly isCount?: true;
  /** The slots that it is one of, and its key there; none of a count. */
  readonly slot?: readonly [slots: NumberSlots, key: string];
  read(): number;
  write(value: number): void;
}

/** The format that is written. A number goes up when a state says something that readers of the one before would pass over. */
const format = "glissade.2";

/** Formats that are read: before 2 there were no trainers' states. */
export const formats: readonly string[] = ["glissade.1", format];

/** Every number that the next step depends on, in the order of the parameters. */
export function savedEntries(backend: KernelBackend, params: readonly ParamState[], groups: readonly GroupState[]): SavedEntry[] {
  const entries = [
    ...params.flatMap((param) => paramEntries(backend, param)),
    ...groups.flatMap((group) => groupEntries(group, params.filter((param) => param.group === group))),
  ];
  const keys = new Set<string>();
  for (const { key } of entries) {
    if (keys.has(key)) {
      const message = `Cannot keep two states under the key "${key}": a parameter and a slot, or two slots, share it`;
      throw about(new TypeError(message), { tensor: key });
    }
    keys.add(key);
  }
  return entries;
}

function paramEntries(backend: KernelBackend, param: ParamState): SavedEntry[] {
  const { info: { name }, lying, slots, scalarSlots } = param;
  const kept = slots.filter(({ slot }) => slot.key !== null && slot.shape !== "group").map(({ key, slot, shape, tensor }): SavedEntry => {
    const saved = `${name}.${slot.key}`;
    return tensor === null ? { key: saved, shape, ...numberIn(scalarSlots, key) } : { key: saved, ...elementsIn(backend, tensor) };
  });
  return [
    {
      key: name,
      ...elementsIn(backend, lying, () => contentOf(param)),
      write: (data: Raw) => {
        copyTensor(backend, { ...lying, data }, lying);
        param.ahead = false;
      },
    },
    ...kept,
    {
      key: `${name}.step`,
      shape: [],
      dtype: "float64",
      isCount: true,
      read: () => param.count,
      write: (value) => {
        param.count = value;
      },
    },
  ];
}

function groupEntries({ index, slots }: GroupState, params: readonly ParamState[]): SavedEntry[] {
  const keys = new Map(
    params.flatMap(({ slots }) => slots).filter(({ slot }) => slot.shape === "group").map(({ key, slot }) => [key, slot.key]),
  );
  return [...keys].filter(([, name]) => name !== null).map(([key, name]) => ({
    key: `group.${index}.${name}`,
    shape: [],
    ...numberIn(slots, key),
  }));
}

const numberIn = (numbers: NumberSlots, key: string): Pick<SavedNumber, "dtype" | "slot" | "read" | "write"> => ({
  dtype: "float64",
  slot: [numbers, key],
  read: () => numbers.get(key)!,
  write: (value) => {
    numbers.set(key, value);
  },
});

const elementsIn = (backend: KernelBackend, tensor: FullTensor, lying = () => tensor): Omit<SavedElements, "key"> => {
  const { shape, dtype } = tensor;
  return {
    shape,
    dtype,
    lying,
    read: () => {
      const data = elementTypes[dtype].make(sizeOf(shape));
      copyTensor(backend, tensor, { data, shape, dtype });
      return data;
    },
    write: (data) => copyTensor(backend, { data, shape, dtype }, tensor),
  };
};

/** An entry's numbers, as a state has them. */
export type ReadEntry = (entry: SavedEntry) => StateDict["tensors"][string]["data"];

const readNow: ReadEntry = (entry) => entry.dtype === "float64" ? Float64Array.of(entry.read()) : entry.read();

/** A state, in copies on plain buffers: views of shared memory cannot be sent or stored everywhere. */
export function saveEntries(state: OptimizerState, read: ReadEntry = readNow): StateDict {
  const { backend, params, groups } = state;
  params.forEach(checkReachable);
  for (const param of params) if (!param.primed) uploadParam(backend, param);
  const tensors: Record<string, StateDict["tensors"][string]> = {};
  for (const entry of savedEntries(backend, params, groups)) {
    const { key, shape, dtype } = entry;
    put(tensors, key, { data: read(entry), shape, dtype });
  }
  return { tensors, metadata: savedMetadata(state) };
}

/** What a state says beside its tensors. */
export function savedMetadata({ plugin, groups, scheduled, steps }: OptimizerState): Record<string, string> {
  const metadata: Record<string, string> = { format, optimizer: plugin.name, steps: String(steps) };
  for (const one of statefulSchedules(scheduled)) metadata[stateKeyOf(one)] = JSON.stringify(one.schedule.state);
  for (const { index, count } of countingGroups(groups)) metadata[`group.${index}.step`] = String(count);
  return metadata;
}

/**
 * True where a whole saved state says all that the next step depends on: an optimizer that takes one in is then as good as a new one. It is not so where a slot
 * is kept to itself or written by the caller, and where a schedule has a state, which need not stand in a saved one.
 */
export function isWhollySaved({ params, scheduled }: OptimizerState): boolean {
  if (statefulSchedules(scheduled).length > 0 || metricSchedules(scheduled).length > 0) return false;
  return params.every(({ slots }) => slots.every(({ slot }) => slot.key !== null && slot.input !== true));
}

/** Groups with a step count of their own. */
export function countingGroups(groups: readonly GroupState[]): readonly GroupState[] {
  return groups.filter(({ plugin }) => plugin.counts === "group");
}

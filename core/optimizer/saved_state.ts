/**
 * States as they are saved and loaded: slots to named tensors and back. Everything is checked before the first number changes.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { DType, Raw } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import type { GroupState } from "./groups.ts";
import { isRecord, known, show, tagOf } from "../names.ts";
import type { ParamState } from "./param_state.ts";
import type { StatefulSchedule } from "./schedules.ts";
import { type FullTensor, put, rawOf, sameShape, sizeOf } from "../tensors.ts";
import type { StateDict } from "../types.ts";

/** One key of a saved state: elements of a dtype, or a number in float64. */
export type SavedEntry = SavedElements | SavedNumber;

/** A parameter or a slot with memory. */
export interface SavedElements {
  readonly key: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
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
  read(): number;
  write(value: number): void;
}

/** What a saved state says beside its tensors. */
export interface SavedFacts {
  /** The algorithm's name. */
  readonly optimizer: string;
  /** Updates applied. */
  readonly steps: number;
  readonly schedules: readonly StatefulSchedule[];
  /** Groups with a step count of their own. */
  readonly groups: readonly Pick<GroupState, "index" | "names" | "count">[];
}

const format = "glissade.1";

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
  const { info: { name }, given: { shape, dtype }, elements, slots, scalarSlots } = param;
  const kept = slots.filter(({ slot }) => slot.key !== null && slot.shape !== "group").map(({ key, slot, shape, tensor }): SavedEntry => {
    const saved = { key: `${name}.${slot.key}`, shape };
    return tensor === null ? { ...saved, ...numberIn(scalarSlots, key) } : { ...saved, ...elementsOf(backend, tensor) };
  });
  return [
    // A copy by slice is six times as fast from shared memory as a constructor that takes an array.
    { key: name, shape, dtype, read: () => elements.slice(), write: (from) => elements.set(from) },
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

const numberIn = (numbers: Map<string, number>, key: string): Pick<SavedNumber, "dtype" | "read" | "write"> => ({
  dtype: "float64",
  read: () => numbers.get(key)!,
  write: (value) => {
    numbers.set(key, value);
  },
});

const elementsOf = (backend: KernelBackend, tensor: FullTensor): Pick<SavedElements, "dtype" | "read" | "write"> => ({
  dtype: tensor.dtype,
  read: () => {
    const size = sizeOf(tensor.shape);
    const elements = tensor.dtype === "float32" ? new Float32Array(size) : new Uint16Array(size);
    backend.download(tensor, elements);
    return elements;
  },
  write: (elements) => backend.upload(tensor, elements),
});

/** A state, in copies on plain buffers: views of shared memory cannot be sent or stored everywhere. */
export function saveEntries(entries: readonly SavedEntry[], { optimizer, steps, schedules, groups }: SavedFacts): StateDict {
  const tensors: Record<string, StateDict["tensors"][string]> = {};
  for (const entry of entries) {
    const { key, shape, dtype } = entry;
    const data = dtype === "float64" ? Float64Array.of(entry.read()) : entry.read();
    put(tensors, key, { data, shape, dtype });
  }
  const metadata: Record<string, string> = { format, optimizer, steps: String(steps) };
  for (const { option, schedule } of schedules) metadata[`schedule.${option}`] = JSON.stringify(schedule.state);
  for (const { index, count } of groups) metadata[`group.${index}.step`] = String(count);
  return { tensors, metadata };
}

/** Takes a state in; gives the number of updates applied. */
export function loadEntries(
  title: string,
  entries: readonly SavedEntry[],
  state: unknown,
  { optimizer, schedules, groups }: Omit<SavedFacts, "steps">,
): number {
  const refuse = `Cannot load a state into ${title}`;
  const { tensors, metadata = {} } = isRecord(state) ? state as Partial<StateDict> : {};
  if (!isRecord(tensors) || !isRecord(metadata)) throw new TypeError(`${refuse}: it must be { tensors, metadata }, not ${show(state)}`);
  if (metadata.format !== undefined && metadata.format !== format) {
    throw new RangeError(`${refuse}: its format is ${show(metadata.format)}, and this library reads "${format}"`);
  }
  if (metadata.optimizer !== undefined && metadata.optimizer !== optimizer) {
    throw new TypeError(`${refuse}: it is one of ${show(metadata.optimizer)}`);
  }
  const keys = entries.map(({ key }) => key);
  const all = new Set(keys);
  for (const key of Object.keys(tensors)) {
    if (!all.has(key)) throw about(new TypeError(`${refuse}: it has a tensor ${show(key)}; ${known(keys, key)}`), { tensor: key });
  }
  const checked = entries.map((entry) => {
    const { key } = entry;
    if (!Object.hasOwn(tensors, key)) throw about(new TypeError(`${refuse}: it has no tensor "${key}"`), { tensor: key });
    return { entry, data: allAbout({ tensor: key }, () => checkTensor(refuse, entry, tensors[key])) };
  });
  const counts = checked.flatMap(({ entry, data }) => entry.dtype === "float64" && entry.isCount ? [data[0]] : []);
  const steps = readCount(`${refuse}: its number of steps`, metadata.steps) ?? Math.max(...counts);
  // Without metadata the tensor with the most steps says how many there were.
  const groupSteps = groups.map(({ index, names }) =>
    allAbout({ group: index }, () => readCount(`${refuse}: the number of steps of group ${index}`, metadata[`group.${index}.step`])) ??
      Math.max(0, ...names.map((name) => tensors[`${name}.step`].data[0]))
  );
  loadSchedules(refuse, metadata, schedules);
  groups.forEach((group, i) => group.count = groupSteps[i]);
  for (const { entry, data } of checked) {
    if (entry.dtype === "float64") entry.write(data[0]);
    else entry.write(data as Raw);
  }
  return steps;
}

function checkTensor(refuse: string, entry: SavedEntry, given: unknown): Raw | Float64Array {
  const { key, dtype, shape } = entry;
  const { data, ...tensor } = isRecord(given) ? given as Partial<StateDict["tensors"][string]> : {};
  if (!ArrayBuffer.isView(data)) throw new TypeError(`${refuse}: "${key}" is ${show(given)}, not { data, shape, dtype }`);
  if (tensor.dtype !== dtype) throw new RangeError(`${refuse}: "${key}" is ${show(tensor.dtype)}, not ${dtype}`);
  if (!Array.isArray(tensor.shape) || !sameShape(tensor.shape, shape)) {
    throw new RangeError(`${refuse}: "${key}" has shape ${show(tensor.shape)}, not ${show(shape)}`);
  }
  const raw = tagOf(data) === "Float16Array" ? rawOf(data as unknown as Float16Array) : data;
  const fits = dtype === "float64"
    ? raw instanceof Float64Array
    : dtype === "float32"
    ? raw instanceof Float32Array
    : raw instanceof Uint16Array;
  const length = sizeOf(shape);
  if (!fits || raw.length !== length) {
    throw new RangeError(
      `${refuse}: "${key}" needs ${length} elements of ${dtype}, and ${show(data)} of ${data.length} does not hold them`,
    );
  }
  if (entry.dtype === "float64" && entry.isCount && !(Number.isSafeInteger(raw[0]) && raw[0] >= 0)) {
    throw new RangeError(`${refuse}: "${key}" is ${raw[0]}, not a number of steps`);
  }
  return raw;
}

/** A number of steps as metadata have it; undefined where they do not. */
function readCount(what: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text !== "string") throw new TypeError(`${what} is ${show(text)}, not a string of digits`);
  if (!/^(?:0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new RangeError(`${what} is ${show(text)}, not a whole number`);
  }
  return Number(text);
}

/** All schedules, or none: one that refuses its state leaves the others as they were. */
function loadSchedules(refuse: string, metadata: Readonly<Record<string, unknown>>, schedules: readonly StatefulSchedule[]): void {
  const saved = schedules.filter(({ option }) => Object.hasOwn(metadata, `schedule.${option}`));
  const states = saved.map(({ option }) => {
    const text = metadata[`schedule.${option}`];
    if (typeof text !== "string") {
      throw about(new TypeError(`${refuse}: the state of the schedule of "${option}" is ${show(text)}, not a string of JSON`), { option });
    }
    try {
      return JSON.parse(text);
    } catch {
      throw about(new RangeError(`${refuse}: the state of the schedule of "${option}" is no JSON`), { option });
    }
  });
  const before = saved.map(({ schedule }) => schedule.state);
  try {
    saved.forEach(({ option, schedule }, i) => allAbout({ option }, () => schedule.state = states[i]));
  } catch (error) {
    saved.forEach(({ schedule }, i) => schedule.state = before[i]);
    throw error;
  }
}

/**
 * States: slots to named tensors and back. Everything is checked before the first number changes.
 *
 * @module
 */
import type { DType } from "../../kernels/types.ts";
import type { Cell } from "./param_state.ts";
import type { GroupAtWork } from "./group.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, show, tagOf } from "../names.ts";
import { put, type Raw, rawOf, sameShape } from "../tensors.ts";
import type { MetricSchedule, StateDict } from "../types.ts";

/** One key of a state: memory, or a number in float64. */
export type Entry =
  & { readonly key: string; readonly shape: readonly number[] }
  & (
    | { readonly dtype: DType; readonly data: Raw }
    | { readonly dtype: "float64"; readonly counts?: true; get(): number; set(value: number): void }
  );

/** A metric schedule whose state can be read and put back. */
export interface StatefulSchedule {
  readonly option: string;
  readonly schedule: MetricSchedule & { state: unknown };
}

/** What a state says beside its tensors. */
export interface About {
  /** The algorithm's name. */
  readonly optimizer: string;
  /** Updates applied. */
  readonly steps: number;
  readonly schedules: readonly StatefulSchedule[];
  /** Groups with a step count of their own. */
  readonly groups: readonly CountingGroup[];
}

/** A group whose algorithm counts the group's steps. */
export interface CountingGroup {
  readonly index: number;
  readonly names: readonly string[];
  count: number;
}

const format = "glissade.1";

/** Every number that the next step depends on, in the order of the parameters. */
export function entriesOf(cells: readonly Cell[], groups: readonly GroupAtWork[]): Entry[] {
  const entries: Entry[] = [];
  for (const cell of cells) {
    const { info, raw, param, slots, scalarSlots } = cell;
    entries.push({ key: info.name, shape: param.shape, dtype: param.dtype, data: raw });
    for (const { key, slot, shape, tensor } of slots) {
      if (slot.key === null || slot.shape === "group") continue;
      const name = `${info.name}.${slot.key}`;
      if (tensor !== null) entries.push({ key: name, shape, dtype: tensor.dtype, data: tensor.data as Raw });
      else {entries.push({
          key: name,
          shape,
          dtype: "float64",
          get: () => scalarSlots.get(key)!,
          set: (value) => scalarSlots.set(key, value),
        });}
    }
    entries.push({
      key: `${info.name}.step`,
      shape: [],
      dtype: "float64",
      counts: true,
      get: () => cell.count,
      set: (value) => cell.count = value,
    });
  }
  for (const { index, slots } of groups) {
    const keys = new Map(
      cells.filter(({ group }) => group === index).flatMap(({ slots }) => slots).filter(({ slot }) => slot.shape === "group")
        .map(({ key, slot }) => [key, slot.key]),
    );
    for (const [key, name] of keys) {
      if (name !== null) {
        entries.push({
          key: `group.${index}.${name}`,
          shape: [],
          dtype: "float64",
          get: () => slots.get(key)!,
          set: (value) => slots.set(key, value),
        });
      }
    }
  }
  const keys = new Set<string>();
  for (const { key } of entries) {
    if (!keys.has(key)) {
      keys.add(key);
      continue;
    }
    const message = `Cannot keep two states under the key "${key}": a parameter and a slot, or two slots, share it`;
    throw about(new TypeError(message), { tensor: key });
  }
  return entries;
}

/** A state, in copies on plain buffers: views of shared memory cannot be sent or stored everywhere. */
export function saveEntries(entries: readonly Entry[], { optimizer, steps, schedules, groups }: About): StateDict {
  const tensors: Record<string, StateDict["tensors"][string]> = {};
  for (const entry of entries) {
    const { key, shape } = entry;
    if (entry.dtype === "float64") put(tensors, key, { data: Float64Array.of(entry.get()), shape: [], dtype: "float64" });
    else {put(tensors, key, {
        data: entry.data.slice(), // six times as fast from shared memory as a constructor that takes an array
        shape,
        dtype: entry.dtype,
      });}
  }
  const metadata: Record<string, string> = { format, optimizer, steps: String(steps) };
  for (const { option, schedule } of schedules) metadata[`schedule.${option}`] = JSON.stringify(schedule.state);
  for (const { index, count } of groups) metadata[`group.${index}.step`] = String(count);
  return { tensors, metadata };
}

/** Takes a state in; gives the number of updates applied. */
export function loadEntries(
  title: string,
  entries: readonly Entry[],
  state: unknown,
  { optimizer, schedules, groups }: Omit<About, "steps">,
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
  const counts = checked.flatMap(({ entry, data }) => entry.dtype === "float64" && entry.counts ? [data[0]] : []);
  const steps = readCount(`${refuse}: its number of steps`, metadata.steps) ?? Math.max(...counts);
  // Without metadata the tensor with the most steps says how many there were.
  const groupSteps = groups.map(({ index, names }) =>
    allAbout({ group: index }, () => readCount(`${refuse}: the number of steps of group ${index}`, metadata[`group.${index}.step`])) ??
      Math.max(0, ...names.map((name) => tensors[`${name}.step`].data[0]))
  );
  loadSchedules(refuse, metadata, schedules);
  groups.forEach((group, i) => group.count = groupSteps[i]);
  for (const { entry, data } of checked) {
    if (entry.dtype === "float64") entry.set(data[0]);
    else entry.data.set(data);
  }
  return steps;
}

function checkTensor(refuse: string, entry: Entry, given: unknown): Raw | Float64Array {
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
  const length = entry.dtype === "float64" ? 1 : entry.data.length;
  if (!fits || raw.length !== length) {
    throw new RangeError(
      `${refuse}: "${key}" needs ${length} elements of ${dtype}, and ${show(data)} of ${data.length} does not hold them`,
    );
  }
  if (entry.dtype === "float64" && entry.counts && !(Number.isSafeInteger(raw[0]) && raw[0] >= 0)) {
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

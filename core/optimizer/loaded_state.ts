/**
 * States as they are loaded: everything is checked, and all that is wrong is said at once, before the first number changes.
 *
 * @module
 */
import { elementTypes } from "../../kernels/tables/dtypes.ts";
import type { Raw } from "../../kernels/types.ts";
import { about, aboutOf, allAbout } from "../errors.ts";
import { isRecord, known, refuseUnknownKeys, show, tagOf } from "../names.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { checkReachable, uploadParam } from "./param_state.ts";
import { readCountTensor } from "./saved_count.ts";
import { countingGroups, formats, type SavedElements, savedEntries, type SavedEntry, type SavedNumber } from "./saved_state.ts";
import { type StatefulSchedule, statefulSchedules, stateKeyOf } from "./schedules.ts";
import { rawOf, sameShape, sizeOf } from "../tensors.ts";
import type { LoadReport, StateDict } from "../types.ts";

/** A state whose form alone was looked at. */
export interface GivenState {
  readonly tensors: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A state that is ready to be taken in, unless it has faults. */
export interface PreparedLoad {
  /** All that is wrong with it, as the rest of a sentence. */
  readonly faults: readonly Error[];
  readonly report: LoadReport;
  readonly taken: readonly Taken[];
  /** Updates applied. */
  readonly steps: number;
  /** Steps of the groups that count them. */
  readonly groupSteps: ReadonlyMap<number, number>;
  readonly schedules: readonly (StatefulSchedule & { readonly state: unknown })[];
}

type Taken =
  | { readonly entry: SavedElements; readonly data: Raw }
  | { readonly entry: SavedNumber; readonly data: number };

/** How a refusal begins. */
export const refusalOf = ({ title }: OptimizerState): string => `Cannot load a state into ${title}`;

/** Keys of an optimizer's state. */
export const keysOf = ({ backend, params, groups }: OptimizerState): ReadonlySet<string> =>
  new Set(savedEntries(backend, params, groups).map(({ key }) => key));

/** The form of a state. */
export function givenState(refuse: string, state: unknown): GivenState {
  const { tensors, metadata = {} } = isRecord(state) ? state as Partial<StateDict> : {};
  if (!isRecord(tensors) || !isRecord(metadata)) throw new TypeError(`${refuse}: it must be { tensors, metadata }, not ${show(state)}`);
  return { tensors, metadata };
}

/** Whether a load may be partial. */
export function isPartial(options: { readonly partial?: boolean } = {}): boolean {
  refuseUnknownKeys("the options of loadState", options, ["partial"]);
  const { partial = false } = options;
  if (typeof partial !== "boolean") throw new TypeError(`Cannot load a state with partial = ${show(partial)}: it must be true or false`);
  return partial;
}

/** Everything that can be wrong with a state, before anything is written. What says that it is something else is thrown at once. */
export function prepareLoad(
  of: OptimizerState,
  { tensors, metadata }: GivenState,
  partial: boolean,
): PreparedLoad {
  const refuse = refusalOf(of);
  of.params.forEach(checkReachable);
  const entries = savedEntries(of.backend, of.params, of.groups);
  refuseForeign(refuse, metadata, of.plugin.name);
  const faults: Error[] = [];
  const attempt = <T>(run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      faults.push(error);
    }
  };
  const keys = entries.map(({ key }) => key);
  const all = new Set(keys);
  const ignored = Object.keys(tensors).filter((key) => !all.has(key));
  const missing = keys.filter((key) => !Object.hasOwn(tensors, key));
  if (!partial) {
    // A tensor of integers beside a state (PyTorch's num_batches_tracked) is no part of one, under whatever name: it is passed over, and listed.
    ignored.filter((key) => !isForeign(tensors[key])).forEach((key, i) => {
      // What there is instead is said once.
      const more = i === 0 ? `; ${known(keys, key)}` : "";
      faults.push(about(new TypeError(`it has a tensor ${show(key)}${more}`), { tensor: key }));
    });
    for (const key of missing) faults.push(about(new TypeError(`it has no tensor "${key}"`), { tensor: key }));
  }
  const counts = new Map<string, number>();
  const taken: Taken[] = [];
  for (const entry of entries) {
    const { key } = entry;
    if (!Object.hasOwn(tensors, key)) continue;
    const one = attempt(() =>
      allAbout({ tensor: key }, () => {
        if (entry.dtype !== "float64") {
          of.backend.deviceSide?.checkCopied(`parameter "${key}"`, entry.lying(), "COPY_DST", "which loading needs");
        }
        return take(entry, tensors[key]);
      })
    );
    if (one === undefined) continue;
    taken.push(one);
    if (one.entry.dtype === "float64" && one.entry.isCount) counts.set(key, one.data as number);
  }
  const { steps, groupSteps } = stepsOf(of, metadata, counts, attempt);
  const schedules = statefulSchedules(of.scheduled).flatMap((one) => {
    const { option, group } = one;
    const text = metadata[stateKeyOf(one)];
    if (text === undefined) return [];
    const what = { option, ...group !== undefined && { group } };
    return attempt(() => allAbout(what, () => [{ ...one, state: readJson(`the state of the schedule of "${option}"`, text) }])) ?? [];
  });
  return { faults, report: { taken: taken.map(({ entry }) => entry.key), ignored, missing }, taken, steps, groupSteps, schedules };
}

/** Steps of all, and of the groups that count them. */
export type Steps = Pick<PreparedLoad, "steps" | "groupSteps">;

/** What a state says of its steps: its metadata, and without them the tensor with the most; `counts` by key. */
export function stepsOf(
  of: OptimizerState,
  metadata: GivenState["metadata"],
  counts: ReadonlyMap<string, number>,
  attempt: <T>(run: () => T) => T | undefined = (run) => run(),
): Steps {
  const steps = attempt(() => readCount("its number of steps", metadata.steps)) ??
    (counts.size === 0 ? of.steps : Math.max(...counts.values()));
  const groupSteps = new Map<number, number>();
  for (const { index, names, count } of countingGroups(of.groups)) {
    const what = `the number of steps of group ${index}`;
    const saved = attempt(() => allAbout({ group: index }, () => readCount(what, metadata[`group.${index}.step`])));
    const own = names.flatMap((name) => counts.get(`${name}.step`) ?? []);
    groupSteps.set(index, saved ?? (own.length === 0 ? count : Math.max(...own)));
  }
  return { steps, groupSteps };
}

/** Goes on from these steps. */
export function goOnFrom(of: OptimizerState, { steps, groupSteps }: Steps): void {
  of.submitted = [];
  of.moves++;
  of.steps = steps;
  for (const group of of.groups) group.count = groupSteps.get(group.index) ?? group.count;
}

/** Takes the state in. A schedule that refuses its own leaves everything as it was. */
export function executeLoad(of: OptimizerState, { taken, schedules, ...steps }: PreparedLoad): void {
  assignSchedules(schedules);
  goOnFrom(of, steps);
  const names = new Set(of.params.map(({ info }) => info.name));
  const isParam = ({ entry }: Taken): boolean => names.has(entry.key);
  for (const one of taken) if (isParam(one)) write(one);
  // Slots that start as a copy of the parameter, and are not in a partial state, are one of the parameter that was.
  for (const param of of.params) {
    if (!param.primed) uploadParam(of.backend, param);
    param.primed = true;
  }
  for (const one of taken) {
    if (isParam(one)) continue;
    write(one);
    if (one.entry.dtype === "float64" && one.entry.slot !== undefined) of.backend.deviceSide?.set(...one.entry.slot);
  }
}

/** One error that says all faults. */
export function throwFaults(refuse: string, faults: readonly Error[]): void {
  if (faults.length === 0) return;
  const Wrong = faults.some((fault) => fault instanceof TypeError) ? TypeError : RangeError;
  const many = faults.length === 1 ? "" : ` ${faults.length} things are wrong with it:`;
  throw about(new Wrong(`${refuse}:${many} ${faults.map(({ message }) => message).join("; ")}`), aboutOf(faults[0]));
}

/** What a text in JSON holds. */
export function readJson(what: string, text: unknown): unknown {
  if (typeof text !== "string") throw new TypeError(`${what} is ${show(text)}, not a string of JSON`);
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError(`${what} is no JSON`);
  }
}

function refuseForeign(refuse: string, { format, optimizer }: GivenState["metadata"], name: string): void {
  // "pt" is what PyTorch's users call a file of tensors in rows, whatever is in it: it says nothing of the rest, as no metadata do.
  if (format !== undefined && format !== "pt" && !formats.includes(format as string)) {
    const read = formats.map((one) => `"${one}"`).join(" and ");
    throw new RangeError(`${refuse}: its format is ${show(format)}, and this library reads ${read}`);
  }
  if (optimizer !== undefined && optimizer !== name) throw new TypeError(`${refuse}: it is one of ${show(optimizer)}`);
}

/** True for a tensor of an element type that no entry of a state has. */
function isForeign(given: unknown): boolean {
  const { data, dtype } = isRecord(given) ? given : {};
  return ArrayBuffer.isView(data) && typeof dtype === "string" && dtype !== "float64" && !Object.hasOwn(elementTypes, dtype);
}

function write(one: Taken): void {
  if (one.entry.dtype === "float64") one.entry.write(one.data as number);
  else one.entry.write(one.data as Raw);
}

function take(entry: SavedEntry, given: unknown): Taken {
  const { key, dtype, shape } = entry;
  if (dtype === "float64" && entry.isCount) return { entry, data: readCountTensor(key, given) };
  const { data, ...tensor } = isRecord(given) ? given as Partial<StateDict["tensors"][string]> : {};
  if (!ArrayBuffer.isView(data)) throw new TypeError(`"${key}" is ${show(given)}, not { data, shape, dtype }`);
  if (tensor.dtype !== dtype) throw new RangeError(`"${key}" is ${show(tensor.dtype)}, not ${dtype}`);
  if (!Array.isArray(tensor.shape) || !sameShape(tensor.shape, shape)) {
    throw new RangeError(`"${key}" has shape ${show(tensor.shape)}, not ${show(shape)}`);
  }
  const raw = tagOf(data) === "Float16Array" ? rawOf(data as unknown as Float16Array) : data;
  const fits = dtype === "float64"
    ? raw instanceof Float64Array
    : dtype === "float32"
    ? raw instanceof Float32Array
    : raw instanceof Uint16Array;
  const length = sizeOf(shape);
  if (!fits || raw.length !== length) {
    throw new RangeError(`"${key}" needs ${length} elements of ${dtype}, and ${show(data)} of ${data.length} does not hold them`);
  }
  return entry.dtype === "float64" ? { entry, data: raw[0] } : { entry, data: raw as Raw };
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
function assignSchedules(schedules: PreparedLoad["schedules"]): void {
  const before = schedules.map(({ schedule }) => schedule.state);
  try {
    for (const { option, group, schedule, state } of schedules) {
      allAbout({ option, ...group !== undefined && { group } }, () => schedule.state = state);
    }
  } catch (error) {
    schedules.forEach(({ schedule }, i) => schedule.state = before[i]);
    throw error;
  }
}

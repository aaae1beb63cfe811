/**
 * Parameters that come later: into one of the groups, or as a group of their own.
 *
 * @module
 */
import { allAbout } from "../errors.ts";
import { isRecord, known, refuseUnknownKeys, show } from "../names.ts";
import type { AnySpecs } from "../plugin/options.ts";
import { checkOptions } from "../plugin/options.ts";
import { isMetric } from "../plugin/schedules.ts";
import { ask } from "../plugin/use.ts";
import type { FullTensor } from "../tensors.ts";
import type { Tensors } from "../types.ts";
import { refuseOverlap } from "../overlap.ts";
import { checkParams, createParams, inNameOrder, settle } from "./create_state.ts";
import { type GroupState, type PlainGroup, startGroup } from "./groups.ts";
import { inputsOf } from "./inputs.ts";
import { backTo } from "./memory.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { refresh } from "./refresh.ts";
import { savedEntries } from "./saved_state.ts";
import { refuseClashes, scheduledOf } from "./schedules.ts";

/** Adds parameters. An error leaves everything as it was. */
export function addParams(state: OptimizerState, params: Tensors, to: unknown = {}): void {
  const refuse = `Cannot add parameters to ${state.title}`;
  refuseUnknownKeys("where parameters are added", to, ["group", "options"]);
  const { group: index, options } = to as { readonly group?: unknown; readonly options?: unknown };
  if (index !== undefined && options !== undefined) throw new TypeError(`${refuse}: give a group or options, not both`);
  const tensors = checkNew(refuse, state, params);
  refresh(state);
  const isNew = options !== undefined;
  const group = isNew ? newGroup(state, Object.freeze([...tensors.keys()]), options) : groupAt(refuse, state, index);
  const groups = isNew ? [...state.groups, group] : state.groups;
  const before = { taken: state.memory.taken.length, lent: state.memory.lent.length };
  try {
    const made = createParams(state.memory, () => group, tensors, state.params);
    const all = [...state.params, ...made];
    savedEntries(state.backend, all, groups); // refuses keys that clash
    const inputs = inputsOf(state.backend, all);
    Object.assign(state, { params: all, ordered: inNameOrder(all), inputs, groups });
    if (!isNew) group.names = Object.freeze([...group.names, ...tensors.keys()]);
  } catch (error) {
    backTo(state.memory, before);
    throw error;
  }
}

function checkNew(refuse: string, { params, backend }: OptimizerState, given: unknown): Map<string, FullTensor> {
  const tensors = checkParams(given, backend.deviceSide);
  for (const { info: { name } } of params) {
    if (tensors.has(name)) throw allAbout({ tensor: name }, () => new TypeError(`${refuse}: there is a parameter "${name}" already`));
  }
  refuseOverlap("parameters", [
    ...params.map(({ info, elements }) => [info.name, elements] as const),
    ...[...tensors].map(([name, { data }]) => [name, data] as const),
  ]);
  return tensors;
}

function groupAt(refuse: string, { groups }: OptimizerState, index: unknown = groups.length - 1): GroupState {
  if (typeof index !== "number") throw new TypeError(`${refuse} of group ${show(index)}: a group is its index`);
  const group = groups[index];
  if (group === undefined) throw new RangeError(`${refuse} of group ${index}: there are ${groups.length}, from 0`);
  return group;
}

/** A group at the end, with options that differ from the optimizer's, and schedules as the others have. */
function newGroup(state: OptimizerState, names: readonly string[], options: unknown): GroupState {
  const { plugin, title, groups, transforms, common, base, scheduled, makeScheduled, steps, version } = state;
  const index = groups.length;
  return allAbout({ group: index }, () => {
    if (!isRecord(options)) throw new TypeError(`Cannot use options ${show(options)} for a group of ${title}: they are an object`);
    const specs = plugin.options as AnySpecs;
    const own = ask(plugin, () => checkOptions(title, specs, options));
    const set = new Set(Object.keys(own));
    const plain: PlainGroup = { index, names, plugin, title, specs, own: new Map(Object.entries(own)), set, scale: new Map() };
    const metric = scheduled.find(({ schedule, group }) => isMetric(schedule) && group === undefined);
    if (metric !== undefined) {
      throw new TypeError(
        `Cannot add a group to ${title}: the schedule of "${metric.option}" follows a metric, for the ${index} groups that there are; ` +
          `add the parameters to one of them, ${known(groups.map((_, i) => String(i)))}`,
      );
    }
    const all = makeScheduled([...groups, plain]);
    refuseClashes(all, [plain], base);
    return settle(startGroup(plain, scheduledOf(plain, all), transforms, common), base, steps, version);
  });
}

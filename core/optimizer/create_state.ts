/**
 * An optimizer's state from what a caller gives: everything is looked at, every rule asked, then all memory taken.
 *
 * @module
 */
import type { DeviceSide, KernelBackend } from "../../kernels/backend.ts";
import { createBackend, deviceSideOf, takeBackend } from "../backend.ts";
import { about, allAbout } from "../errors.ts";
import { baseOf, currentOptions } from "./current.ts";
import { type GroupState, splitGroups, startGroup } from "./groups.ts";
import { inputsOf } from "./inputs.ts";
import { emptyMemory, giveBack, type Memory } from "./memory.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import { scalarNames } from "./numbers.ts";
import { createParam, type ParamState } from "./param_state.ts";
import { partsOf } from "./parts.ts";
import type { TensorInfo } from "../plugin/contract.ts";
import { ask, type Find, optionsOf, takePlugin, titleOf } from "../plugin/use.ts";
import { textOf } from "./programs.ts";
import { makeSchedules, refuseClashes, scheduledOf } from "./schedules.ts";
import { savedEntries } from "./saved_state.ts";
import { type FullTensor, givenTensor } from "../tensors.ts";
import { refuseOverlap } from "../overlap.ts";
import { makeTransforms } from "./transforms.ts";
import type { Settings, Tensors } from "../types.ts";
import type { OptimizerState } from "./optimizer_state.ts";

/** Looks at everything, asks every rule, then takes all memory. An error takes none. */
export function createState(
  find: Find,
  named: unknown,
  params: Tensors,
  options: unknown,
  settings: Settings<unknown> = {},
): OptimizerState {
  const plugin = takePlugin(find, "optimizer", named);
  refuseUnknownKeys("the settings", settings, ["backend", "threads", "groups", "transforms", "schedules"]);
  const tensors = checkParams(params, deviceSideOf(settings.backend));
  const base = optionsOf(plugin, options as object | undefined);
  const transforms = makeTransforms(find, settings.transforms);
  const plain = splitGroups(find, plugin, new Map([...tensors].map(([name, { shape }]) => [name, shape])), settings.groups);
  const scheduled = makeSchedules(find, settings, plugin, base, plain);
  refuseClashes(scheduled, plain, base);
  ask(plugin, () => plugin.check?.(Object.freeze({ ...base })));
  const common = new Map<string, number>();
  const groups = plain.map((group) => settle(startGroup(group, scheduledOf(group, scheduled), transforms, common), base));
  const { backend, ownsBackend } = makeOrTake(settings);
  const memory = emptyMemory(backend);
  try {
    const groupOf = new Map(groups.flatMap((group) => group.names.map((name) => [name, group])));
    const params = createParams(memory, (name) => groupOf.get(name)!, tensors, []);
    savedEntries(backend, params, groups); // refuses keys that clash
    const inputs = inputsOf(backend, params);
    return {
      plugin,
      title: titleOf(plugin),
      backend,
      ownsBackend,
      memory,
      groups,
      common,
      makeScheduled: (groups) => makeSchedules(find, { schedules: settings.schedules }, plugin, base, groups),
      transforms,
      scheduled,
      params,
      ordered: inNameOrder(params),
      inputs,
      plans: new Map(),
      base,
      version: 0,
      givesGradients: false,
      steps: 0,
      report: { applied: false, step: 0 },
      submitted: [],
      moves: 0,
      synced: null,
      disposed: false,
    };
  } catch (error) {
    if (ownsBackend) backend.dispose();
    else giveBack(memory);
    throw error;
  }
}

/** Parameters as they are given, by name. */
export function checkParams(params: unknown, device: DeviceSide | undefined): Map<string, FullTensor> {
  if (!isRecord(params)) {
    throw new TypeError(`Cannot optimize ${show(params)}: parameters are an object, name to tensor`);
  }
  const tensors = new Map<string, FullTensor>();
  for (const [name, like] of Object.entries(params)) {
    if (name === "") {
      throw about(new RangeError(`Cannot use a parameter named "": the name is its identity everywhere`), { tensor: name });
    }
    const what = `parameter "${name}"`;
    allAbout({ tensor: name }, () => {
      const tensor = givenTensor(what, like, device);
      device?.checkCopied(what, tensor, "COPY_SRC", "without which nothing can be brought back");
      tensors.set(name, tensor);
    });
  }
  if (tensors.size === 0) throw new RangeError("Cannot optimize an empty list of parameters");
  refuseOverlap("parameters", [...tensors].map(([name, { data }]) => [name, data] as const));
  return tensors;
}

/** The group with its options at the coming step, made from this version of the optimizer's. */
export function settle(group: GroupState, base: OptimizerState["base"], steps = 0, version = 0): GroupState {
  const { plugin, index } = group;
  group.base = baseOf(group, base);
  group.version = version;
  allAbout({ plugin: plugin.name, group: index }, () => plugin.check?.(group.base));
  group.current = currentOptions(group, group.base, steps);
  group.scalars = scalarNames(group, group.current);
  return group;
}

function makeOrTake({ backend, threads }: Settings<unknown>): Pick<OptimizerState, "backend" | "ownsBackend"> {
  if (backend === undefined || typeof backend === "string") {
    return { backend: createBackend(backend, threads === undefined ? {} : { threads }) as KernelBackend, ownsBackend: true };
  }
  if (threads !== undefined) throw new TypeError("Cannot use threads together with a backend: the backend has its threads");
  return { backend: takeBackend(backend), ownsBackend: false };
}

/** Parameters of these groups, beside others that there are. */
export function createParams(
  memory: Memory,
  groupOf: (name: string) => GroupState,
  tensors: ReadonlyMap<string, FullTensor>,
  others: readonly ParamState[],
): ParamState[] {
  const plans = [...tensors].map(([name, given]) => {
    const info: TensorInfo = Object.freeze({ name, shape: given.shape, dtype: given.dtype });
    const group = groupOf(name);
    const parts = partsOf(group, group.current, group.scalars, info);
    const text = allAbout({ tensor: name, group: group.index }, () => textOf(memory.backend, parts, given.dtype));
    return { given, info, group, parts, text };
  });
  refuseHalfHeld([...others, ...plans.map(({ info, parts }) => ({ info, transforms: parts.slice(1) }))]);
  return plans.map((plan) => allAbout({ tensor: plan.info.name, group: plan.group.index }, () => createParam(memory, plan)));
}

/** Refuses a transform that may hold back steps of some tensors and not of others: a step is one for all. */
function refuseHalfHeld(params: readonly Pick<ParamState, "info" | "transforms">[]): void {
  const [first, ...others] = params;
  for (const { info, transforms } of others) {
    transforms.forEach(({ title, plugin, rule: { hold } }, i) => {
      const other = first.transforms[i].rule.hold;
      if (hold === other) return;
      const [holding, not] = other === undefined ? [info, first.info] : [first.info, info];
      const message = `Cannot use ${title}: it holds back steps of "${holding.name}" and not, or not so, of "${not.name}"`;
      throw about(new TypeError(message), { plugin, tensor: info.name });
    });
  }
}

// Code units, as strings are compared: the same order in every runtime and locale.
export const inNameOrder = (params: readonly ParamState[]): ParamState[] =>
  [...params].sort(({ info: { name: a } }, { info: { name: b } }) => a < b ? -1 : a > b ? 1 : 0);

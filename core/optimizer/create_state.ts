/**
 * An optimizer's state from what a caller gives: everything is looked at, every rule asked, then all memory taken.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend, takeBackend } from "../backend.ts";
import { about, allAbout } from "../errors.ts";
import { baseOf, currentOptions } from "./current.ts";
import { type GroupState, splitGroups, startGroup } from "./groups.ts";
import { inputsOf } from "./inputs.ts";
import { emptyMemory, giveBack, type Memory } from "./memory.ts";
import { isRecord, refuseUnknownKeys, show } from "../names.ts";
import { scalarNames } from "./numbers.ts";
import { createParam, type ParamPlan, type ParamState } from "./param_state.ts";
import { partsOf } from "./parts.ts";
import type { TensorInfo } from "../plugin/contract.ts";
import { ask, type Find, optionsOf, takePlugin, titleOf } from "../plugin/use.ts";
import { textOf } from "./programs.ts";
import { makeSchedules, refuseClashes, scheduledOf } from "./schedules.ts";
import { savedEntries } from "./saved_state.ts";
import { type FullTensor, fullTensor } from "../tensors.ts";
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
  const tensors = checkParams(params);
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
    const params = createParams(memory, groups, tensors);
    savedEntries(backend, params, groups); // refuses keys that clash
    const inputs = inputsOf(params);
    return {
      plugin,
      title: titleOf(plugin),
      backend,
      ownsBackend,
      memory,
      groups,
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
      disposed: false,
    };
  } catch (error) {
    if (ownsBackend) backend.dispose();
    else giveBack(memory);
    throw error;
  }
}

function checkParams(params: unknown): Map<string, FullTensor> {
  if (!isRecord(params)) {
    throw new TypeError(`Cannot optimize ${show(params)}: parameters are an object, name to tensor`);
  }
  const tensors = new Map<string, FullTensor>();
  for (const [name, like] of Object.entries(params)) {
    if (name === "") {
      throw about(new RangeError(`Cannot use a parameter named "": the name is its identity everywhere`), { tensor: name });
    }
    tensors.set(name, allAbout({ tensor: name }, () => fullTensor(`parameter "${name}"`, like)));
  }
  if (tensors.size === 0) throw new RangeError("Cannot optimize an empty list of parameters");
  refuseOverlap("parameters", [...tensors].map(([name, { data }]) => [name, data] as const));
  return tensors;
}

/** The group with its options at the first step. */
function settle(group: GroupState, base: OptimizerState["base"]): GroupState {
  const { plugin, index } = group;
  group.base = baseOf(group, base);
  group.version = 0;
  allAbout({ plugin: plugin.name, group: index }, () => plugin.check?.(group.base));
  group.current = currentOptions(group, group.base, 0);
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

function createParams(memory: Memory, groups: readonly GroupState[], tensors: ReadonlyMap<string, FullTensor>): ParamState[] {
  const groupOf = new Map(groups.flatMap((group) => group.names.map((name) => [name, group])));
  const plans = [...tensors].map(([name, given]) => {
    const info: TensorInfo = Object.freeze({ name, shape: given.shape, dtype: given.dtype });
    const group = groupOf.get(name)!;
    const parts = partsOf(group, group.current, group.scalars, info);
    const text = allAbout({ tensor: name, group: group.index }, () => textOf(memory.backend, parts, given.dtype));
    return { given, info, group, parts, text };
  });
  refuseHalfHeld(plans);
  return plans.map((plan) => allAbout({ tensor: plan.info.name, group: plan.group.index }, () => createParam(memory, plan)));
}

/** Refuses a transform that may hold back steps of some tensors and not of others: a step is one for all. */
function refuseHalfHeld(plans: readonly Pick<ParamPlan, "info" | "parts">[]): void {
  const [first, ...others] = plans.map(({ info, parts }) => ({ info, holds: new Map(parts.map(({ scope, rule }) => [scope, rule.hold])) }));
  for (const { info, holds } of others) {
    for (const { scope, title, plugin } of plans[0].parts) {
      if (first.holds.get(scope) === holds.get(scope)) continue;
      const [holding, other] = first.holds.get(scope) === undefined ? [info, first.info] : [first.info, info];
      const message = `Cannot use ${title}: it holds back steps of "${holding.name}" and not of "${other.name}", or otherwise`;
      throw about(new TypeError(message), { plugin, tensor: info.name });
    }
  }
}

// Code units, as strings are compared: the same order in every runtime and locale.
const inNameOrder = (params: readonly ParamState[]): ParamState[] =>
  [...params].sort(({ info: { name: a } }, { info: { name: b } }) => a < b ? -1 : a > b ? 1 : 0);

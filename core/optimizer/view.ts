/**
 * An optimizer as its caller sees it.
 *
 * @module
 */
import { disposeSymbol } from "../../kernels/dispose.ts";
import { allAbout } from "../errors.ts";
import { baseValue, currentValue } from "./current.ts";
import { gradientMemory } from "./gradients.ts";
import type { GroupState } from "./groups.ts";
import { known, show } from "../names.ts";
import { checkAlive, checkReachable, disposeState, type OptimizerState } from "./optimizer_state.ts";
import { optionsView } from "./options_view.ts";
import { type ParamState, uploadParam } from "./param_state.ts";
import { pointOf } from "./points.ts";
import { readingOf } from "./readings.ts";
import { loadEntries, savedEntries, saveEntries } from "./saved_state.ts";
import { metricSchedules, refuseReplaced, statefulSchedules } from "./schedules.ts";
import { count, execute, prepare, type PreparedStep } from "./step.ts";
import { put } from "../tensors.ts";
import type { Grads, GroupView, Optimizer, StateDict, StepReport } from "../types.ts";

/** The public object over an optimizer's state. */
export function showOptimizer(state: OptimizerState): Optimizer<unknown> {
  const { plugin, backend, groups, params, base } = state;
  return {
    name: plugin.name,
    backend,
    options: optionsView(plugin, (name) => base[name], (name, value) => {
      refuseReplaced(state.replaced, plugin, name);
      base[name] = value;
      state.version++;
    }),
    groups: Object.freeze(groups.map((group) => groupView(state, group))),
    params: record(params, ({ given }) => given),
    grads: lazily(params, (param) => {
      checkAlive(state, "give the gradients of");
      const { data, shape, dtype } = gradientMemory(param, param.given.dtype, state.memory);
      return { data, shape, dtype };
    }),
    get inputs() {
      checkAlive(state, "give the inputs of");
      return state.inputs;
    },
    get steps() {
      return state.steps;
    },
    step(grads?: Grads): StepReport {
      checkAlive(state, "step");
      return apply(state, prepare(state, "update", grads));
    },
    run: (entry, grads) => run(state, entry, grads),
    point(name, into) {
      checkAlive(state, "compute a point of");
      return pointOf(state, name, into);
    },
    update: (metric) => update(state, metric),
    readings() {
      checkAlive(state, "read");
      return groups.map((group) => readingOf(state, group));
    },
    saveState: () => saveState(state),
    loadState: (saved) => loadState(state, saved),
    [disposeSymbol]() {
      if (!state.disposed) disposeState(state);
    },
  };
}

/** Executes a prepared step and counts it. */
export function apply(state: OptimizerState, prepared: PreparedStep | null): StepReport {
  if (prepared === null) return { applied: false, step: state.steps };
  execute(state, prepared);
  count(state, prepared);
  return { applied: true, step: state.steps };
}

function run(state: OptimizerState, entry: string, grads: Grads | undefined): void {
  checkAlive(state, "run");
  const entries = new Set(state.params.flatMap(({ text }) => [...text.splice.also.keys()]));
  if (!entries.has(entry)) throw new TypeError(`Cannot run ${show(entry)} of ${state.title}: ${known([...entries], entry)}`);
  const prepared = prepare(state, `also ${entry}`, grads);
  if (prepared !== null) execute(state, prepared);
}

function update(state: OptimizerState, metric: number): void {
  checkAlive(state, "update");
  if (typeof metric !== "number") throw new TypeError(`Cannot update ${state.title} with ${show(metric)}: a metric is a number`);
  for (const { option, schedule } of metricSchedules(state.scheduled)) allAbout({ option }, () => schedule.update(metric));
}

function saveState(state: OptimizerState): StateDict {
  checkAlive(state, "save");
  const { backend, params, groups, steps } = state;
  params.forEach(checkReachable);
  for (const param of params) if (!param.primed) uploadParam(backend, param);
  return saveEntries(savedEntries(backend, params, groups), { ...savedFacts(state), steps });
}

function loadState(state: OptimizerState, saved: StateDict): void {
  checkAlive(state, "load");
  const { backend, title, params, groups } = state;
  params.forEach(checkReachable);
  state.steps = loadEntries(title, savedEntries(backend, params, groups), saved, savedFacts(state));
  for (const param of params) param.primed = true;
}

const savedFacts = ({ plugin, scheduled, groups }: OptimizerState) => ({
  optimizer: plugin.name,
  schedules: statefulSchedules(scheduled),
  groups: groups.filter(({ plugin }) => plugin.counts === "group"),
});

function groupView(state: OptimizerState, group: GroupState): GroupView<unknown> {
  const { plugin, names, own } = group;
  const read = (name: string): unknown => baseValue(group, state.base, name);
  return Object.freeze({
    names: Object.freeze([...names]),
    options: optionsView(plugin, read, (name, value) => {
      refuseReplaced(state.replaced, plugin, name);
      own.set(name, value);
      state.version++;
    }),
    current: optionsView(plugin, (name) => currentValue(group, name, read(name), state.steps)),
  });
}

function record<T>(params: readonly ParamState[], of: (param: ParamState) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const param of params) put(made, param.info.name, of(param));
  return made;
}

function lazily<T>(params: readonly ParamState[], of: (param: ParamState) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const param of params) Object.defineProperty(made, param.info.name, { enumerable: true, get: () => of(param) });
  return Object.preventExtensions(made);
}

/**
 * An optimizer as its caller sees it.
 *
 * @module
 */
import { disposeSymbol } from "../../kernels/dispose.ts";
import type { Tensor } from "../../kernels/types.ts";
import { about, allAbout } from "../errors.ts";
import { fixed } from "../fixed.ts";
import { baseValue, currentValue } from "./current.ts";
import { deviceWork } from "./device_work.ts";
import type { GroupState } from "./groups.ts";
import { showsValues } from "../inspect.ts";
import { known, show } from "../names.ts";
import { checkAlive, disposeState, type OptimizerState } from "./optimizer_state.ts";
import { optionsView } from "./options_view.ts";
import type { ParamState } from "./param_state.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { ask } from "../plugin/use.ts";
import type { TransformState } from "./transforms.ts";
import { addParams } from "./add.ts";
import { pointOf } from "./points.ts";
import { groupSlotsOf, readingOf, transformReadingOf } from "./readings.ts";
import { executeLoad, givenState, isPartial, prepareLoad, refusalOf, throwFaults } from "./loaded_state.ts";
import { saveEntries } from "./saved_state.ts";
import { metricSchedules, refuseReplaced, refuseReplacedByAll } from "./schedules.ts";
import { count, execute, prepare, type PreparedStep } from "./step.ts";
import { put } from "../tensors.ts";
import type { Grads, GroupView, LoadReport, Optimizer, StateDict, StepReport } from "../types.ts";

/** The public object over an optimizer's state. */
export function showOptimizer(state: OptimizerState): Optimizer<unknown> {
  const { plugin, backend, base } = state;
  let groups: readonly GroupView<unknown>[] = [];
  let tensors = tensorsOf(state);
  const shown = (): typeof tensors => tensors.of === state.params ? tensors : tensors = tensorsOf(state);
  const dispose = (): void => {
    if (!state.disposed) disposeState(state);
  };
  const optimizer: Optimizer<unknown> = {
    name: plugin.name,
    backend,
    options: optionsView(plugin, (name) => base[name], (name, checked) => {
      refuseReplacedByAll(state, name);
      base[name] = checked();
      state.version++;
    }),
    get groups() {
      if (groups.length < state.groups.length) {
        groups = Object.freeze([...groups, ...state.groups.slice(groups.length).map((group) => groupView(state, group))]);
      }
      return groups;
    },
    get params() {
      return shown().params;
    },
    get grads() {
      state.givesGradients = true;
      return shown().grads;
    },
    get inputs() {
      checkAlive(state, "give the inputs of");
      return state.inputs;
    },
    get steps() {
      return state.steps;
    },
    step(grads?: Grads): StepReport {
      checkAlive(state, "step");
      return tellHeld(state, apply(state, prepare(state, "update", grads)));
    },
    run: (entry, grads) => run(state, entry, grads),
    point(name, into) {
      checkAlive(state, "compute a point of");
      return pointOf(state, name, into);
    },
    update: (metric) => update(state, metric),
    readings() {
      checkAlive(state, "read");
      return state.groups.map((group) => readingOf(state, group));
    },
    transforms: Object.freeze(state.transforms.map((transform) =>
      Object.freeze({
        name: transform.plugin.name,
        readings() {
          checkAlive(state, "read");
          return transformReadingOf(state, transform);
        },
      })
    )),
    add(params, to) {
      checkAlive(state, "add parameters to");
      allAbout({ plugin: plugin.name }, () => addParams(state, params, to));
    },
    saveState: () => saveState(state),
    loadState: (saved, options) => allAbout({ plugin: plugin.name }, () => loadState(state, saved, options)),
    // A host's backend has done all of it when a step returns.
    async sync() {
      checkAlive(state, "wait for");
      return await deviceWork(backend)?.sync(state) ?? state.report;
    },
    saveStateAsync: async () => await deviceWork(backend)?.saveState(state) ?? saveState(state),
    dispose,
    [disposeSymbol]: dispose,
  };
  // Asking for the gradients says that they are going to be written, which one who lists the fields, as JSON does, must not say by that.
  Object.defineProperty(optimizer, "grads", { enumerable: false });
  return fixed(showsValues(optimizer, ["name", "steps", "options", "groups", "params"]), (name) => refuseField(plugin, name));
}

/** What is shown of these parameters. */
function tensorsOf(state: OptimizerState): {
  readonly of: OptimizerState["params"];
  readonly params: Record<string, Tensor>;
  readonly grads: Record<string, Tensor>;
} {
  const { params, backend: { deviceSide } } = state;
  const shown = (tensor: Tensor): Tensor => deviceSide?.shown(tensor) ?? tensor;
  const grads = lazily(params, (param) => {
    checkAlive(state, "give the gradients of");
    return shown(param.gradients.own);
  });
  return { of: params, params: record(params, ({ given }) => shown(given)), grads };
}

/** What is said to one who assigns to an optimizer: options have a place of their own. */
function refuseField({ name, options }: OptimizerPlugin, field: string): TypeError {
  const names = Object.keys(options);
  if (Object.hasOwn(options, field)) {
    const message = `Cannot assign "${field}" to optimizer "${name}" itself: its options are in optimizer.options.${field}`;
    return about(new TypeError(message), { plugin: name, option: field });
  }
  const why = field === "options"
    ? "options are assigned one by one, as optimizer.options.lr = 0.1"
    : `it has no such field to assign; its options are in optimizer.options, ${known(names, field)}`;
  return about(new TypeError(`Cannot assign ${show(field)} to optimizer "${name}": ${why}`), { plugin: name });
}

/** The same of a group, and of the values of its next step. */
function refuseGroupField({ plugin: { name, options }, index }: GroupState, what: string, field: string): TypeError {
  const names = Object.keys(options);
  const message = `Cannot assign ${show(field)} to ${what} of optimizer "${name}": options are assigned one by one in ` +
    `optimizer.groups[${index}].options, ${known(names, field)}`;
  return about(new TypeError(message), { plugin: name, ...names.includes(field) && { option: field }, group: index });
}

/** What a step did, and the transforms that held it back. */
export interface Applied {
  readonly report: StepReport;
  readonly held: readonly TransformState[];
}

/** Executes a prepared step and counts it, unless it was held back. */
export function apply(state: OptimizerState, prepared: PreparedStep | null): Applied {
  const held = prepared === null ? [] : execute(state, prepared);
  const applied = prepared !== null && held.length === 0;
  if (applied) {
    count(state, prepared.kept);
    deviceWork(state.backend)?.submit(state, prepared.kept, held);
  }
  return report(state, applied, held);
}

/** What is said of a step, and to whom, that these scopes held back. */
export function report(state: OptimizerState, applied: boolean, scopes: readonly string[]): Applied {
  const { steps: step, transforms } = state;
  const held = transforms.filter(({ scope }) => scopes.includes(scope));
  state.report = held.length === 0 ? { applied, step } : { applied, step, skipped: held[0].plugin.name };
  return { report: state.report, held };
}

/** Lets transforms that held a step back throw. */
export function tellHeld(state: OptimizerState, { held, report }: Applied): StepReport {
  for (const transform of held) ask(transform.plugin, () => transform.plugin.held?.(transform.options, groupSlotsOf(state, transform)));
  return report;
}

function run(state: OptimizerState, entry: string, grads: Grads | undefined): void {
  checkAlive(state, "run");
  const entries = new Set(state.params.flatMap(({ text }) => [...text.splice.also.keys()]));
  if (!entries.has(entry)) {
    const message = `Cannot run ${show(entry)} of ${state.title}: ${known([...entries], entry)}`;
    throw about(new TypeError(message), { plugin: state.plugin.name });
  }
  const prepared = prepare(state, `also ${entry}`, grads);
  if (prepared !== null) execute(state, prepared);
}

function update(state: OptimizerState, metric: number): void {
  checkAlive(state, "update");
  if (typeof metric !== "number") {
    const message = `Cannot update ${state.title} with ${show(metric)}: a metric is a number`;
    throw about(new TypeError(message), { plugin: state.plugin.name });
  }
  const metrics = metricSchedules(state.scheduled);
  if (metrics.length === 0) {
    const message = `Cannot update ${state.title} with a metric: none of its schedules follows one`;
    throw about(new TypeError(message), { plugin: state.plugin.name });
  }
  // A schedule that stands in two places hears each metric once.
  state.version++; // another value of an option, as one that is assigned
  metrics.forEach(({ option, group, schedule }, i) => {
    if (metrics.findIndex((one) => one.schedule === schedule) < i) return;
    allAbout({ option, ...group !== undefined && { group } }, () => schedule.update(metric, state.steps));
  });
}

function saveState(state: OptimizerState): StateDict {
  checkAlive(state, "save");
  if (state.backend.deviceSide !== undefined) {
    const message = `Cannot save ${state.title} at once: its numbers lie on a device, which saveStateAsync() waits for`;
    throw about(new TypeError(message), { plugin: state.plugin.name });
  }
  return saveEntries(state);
}

function loadState(state: OptimizerState, saved: unknown, options?: { readonly partial?: boolean }): LoadReport {
  checkAlive(state, "load");
  const refuse = refusalOf(state);
  const prepared = prepareLoad(state, givenState(refuse, saved), isPartial(options));
  throwFaults(refuse, prepared.faults);
  executeLoad(state, prepared);
  return prepared.report;
}

function groupView(state: OptimizerState, group: GroupState): GroupView<unknown> {
  const { plugin, own, scale, index } = group;
  const read = (name: string): unknown => baseValue(group, state.base, name);
  const options = optionsView(plugin, read, (name, checked) => {
    refuseReplaced(group, name);
    own.set(name, checked());
    scale.delete(name);
    state.version++;
  }, { group: index });
  const current = optionsView(plugin, (name) => currentValue(group, name, read(name), state.steps), (name) => {
    throw refuseGroupField(group, "the current values of a group", name);
  });
  const shown = ["names", "options", "current"];
  return fixed(
    showsValues({
      get names() {
        return group.names;
      },
      options,
      current,
    }, shown),
    (name) => refuseGroupField(group, "a group", name),
  );
}

function record<T>(params: readonly ParamState[], of: (param: ParamState) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const param of params) put(made, param.info.name, of(param));
  return Object.freeze(made);
}

function lazily<T>(params: readonly ParamState[], of: (param: ParamState) => T): Record<string, T> {
  const made: Record<string, T> = {};
  for (const param of params) Object.defineProperty(made, param.info.name, { enumerable: true, get: () => of(param) });
  return Object.preventExtensions(showsValues(made));
}

/**
 * A step: first everything that can fail, as a value; then the run, which changes things.
 *
 * @module
 */
import type { Scalars } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import { deviceWork } from "./device_work.ts";
import { takeGradient, type TakenGradient, uploadGradient } from "./gradients.ts";
import { isRecord, known, show } from "../names.ts";
import { comingNumbers, type OptimizerState } from "./optimizer_state.ts";
import { checkReachable, downloadParam, type ParamState, uploadParam } from "./param_state.ts";
import { type KeptPlan, planFor } from "./plans.ts";
import { hasEntry, programOf } from "./programs.ts";
import { refresh } from "./refresh.ts";
import type { Grads } from "../types.ts";

/** A step that is ready to be run. Nothing of it is kept anywhere else. */
export interface PreparedStep {
  /** The parameters' gradients, in name order. */
  readonly taken: readonly TakenGradient[];
  /** Each parameter's numbers. */
  readonly numbers: readonly Scalars[];
  readonly kept: KeptPlan;
}

/** Parameters that were looked at for the coming step, beside their gradients. */
export type CheckedParams = ReadonlySet<ParamState>;

/** Everything that can fail of a step over parameters of these names, whatever their gradients. */
export function checkStep(state: OptimizerState, names: ReadonlySet<string>): CheckedParams {
  refresh(state);
  const params = state.ordered.filter(({ info }) => names.has(info.name));
  for (const param of params) checkParam(state, param);
  return new Set(params);
}

/** Everything that can fail, before anything is written. Null: there is nothing to do. */
export function prepare(state: OptimizerState, entry: string, grads: Grads | undefined): PreparedStep | null {
  refresh(state);
  return prepareChecked(state, entry, grads);
}

/** The same for options that are brought up to date, and parameters that were partly looked at. */
export function prepareChecked(
  state: OptimizerState,
  entry: string,
  grads: Grads | undefined,
  checked?: CheckedParams,
): PreparedStep | null {
  const taken = grads === undefined ? takeOwn(state, entry) : takeGiven(state, entry, grads);
  if (taken.length === 0) return null;
  const { plans, backend } = state;
  for (const { param, memory } of taken) {
    if (checked === undefined || !checked.has(param)) checkReachable(param);
    if (memory !== null && backend.length(memory) !== param.size) throw unreachable(param, backend.length(memory));
  }
  const numbers: Scalars[] = [];
  for (const { param } of taken) numbers.push(comingNumbers(state, param));
  const kept = planFor(plans, backend, entry, taken, numbers);
  deviceWork(backend)?.refuseUnknown(state, kept);
  return { taken, numbers, kept };
}

/** Uploads, runs, downloads. Gives the scopes that held the step back: then it has changed nothing but their group slots. */
export function execute(state: OptimizerState, { taken, numbers, kept }: PreparedStep): readonly string[] {
  const { backend } = state;
  const { plan, writesParams } = kept;
  state.moves++;
  for (const gradient of taken) {
    const { param } = gradient;
    uploadGradient(backend, gradient);
    uploadParam(backend, param);
  }
  const held = plan.run(numbers, kept.mayHold ? state.submitted.map(({ held }) => held) : undefined);
  if (held.length > 0) return held;
  for (const { param } of taken) param.primed = true;
  if (writesParams) { for (const { param } of taken) downloadParam(backend, param); }
  return held;
}

/** Counts a step that was executed; -1 takes one back that was not. */
export function count(state: OptimizerState, { params, groups }: KeptPlan, by: 1 | -1 = 1): void {
  for (const param of params) param.count += by;
  for (const group of groups) group.count += by;
  state.steps += by;
}

function checkParam(state: OptimizerState, param: ParamState): void {
  checkReachable(param);
  comingNumbers(state, param);
}

function unreachable({ info, size }: ParamState, length: number): Error {
  const message = `Cannot reach the gradient of "${info.name}": its array has ${length} elements now, not ${size}`;
  return about(new RangeError(message), { tensor: info.name });
}

/** All parameters that have the entry, each with its own gradient memory as the caller has filled it. */
function takeOwn(state: OptimizerState, entry: string): TakenGradient[] {
  const { ordered, title, plugin } = state;
  const taken: TakenGradient[] = [];
  for (const param of ordered) {
    if (!hasEntry(param.text, entry)) continue;
    const { text, gradients: { own } } = param;
    const readsIt = entry === "update" || programOf(text, entry, own.dtype).tensors.includes("g");
    taken.push({ param, memory: readsIt ? own : null, source: null });
  }
  if (!state.givesGradients && taken.some(({ memory }) => memory !== null)) {
    const message = `Cannot step ${title} without gradients: pass them, or write them into optimizer.grads, which nobody has asked for yet`;
    throw about(new TypeError(message), { plugin: plugin.name });
  }
  return taken;
}

/** The parameters that have a gradient and the entry. All gradients are checked, also those that the entry does not want. */
function takeGiven({ ordered, memory, plugin }: OptimizerState, entry: string, grads: Grads): TakenGradient[] {
  if (!isRecord(grads)) {
    const message = `Cannot use ${show(grads)} as gradients: they are an object, name to tensor`;
    throw about(new TypeError(message), { plugin: plugin.name });
  }
  const taken: TakenGradient[] = [];
  let found = 0;
  for (const param of ordered) {
    const { name } = param.info;
    if (!Object.hasOwn(grads, name)) continue;
    found++;
    const gradient = grads[name];
    if (gradient === null || gradient === undefined) continue;
    try {
      const one = takeGradient(param, gradient, memory);
      if (hasEntry(param.text, entry)) taken.push(one);
    } catch (error) {
      throw about(error as Error, { plugin: plugin.name, tensor: name });
    }
  }
  const names = Object.keys(grads);
  if (names.length !== found) {
    const all = ordered.map(({ info }) => info.name);
    const wrong = names.find((name) => !all.includes(name))!;
    const message = `Cannot use the gradient of ${show(wrong)}: there is no such parameter; ${known(all, wrong)}`;
    throw about(new TypeError(message), { plugin: plugin.name, tensor: wrong });
  }
  return taken;
}

/**
 * A step: first everything that can fail, as a value; then the run, which changes things.
 *
 * @module
 */
import type { Raw, Scalars } from "../../kernels/types.ts";
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
  const { plan, carried, writesParams } = kept;
  let isApart: ReturnType<typeof apartFromParams> | undefined;
  let held: readonly string[];
  state.moves++;
  try {
    for (let i = 0; i < taken.length; i++) {
      const { param, source } = taken[i];
      const { p, g } = carried[i];
      if (g !== null && (isApart ??= apartFromParams(taken))(source as Raw)) g.from = source as Raw;
      else uploadGradient(backend, taken[i]);
      if (p !== null && writesParams) p.into = param.elements;
      if (p !== null && param.primed) p.from = param.elements;
      else uploadParam(backend, param);
    }
    held = plan.run(numbers, kept.mayHold ? state.submitted.map(({ held }) => held) : undefined);
  } finally {
    for (const { p, g } of carried) {
      // An array of the caller's may go before the next step.
      if (g !== null) g.from = null;
      if (p !== null) p.from = p.into = null;
    }
  }
  if (held.length > 0) return held;
  for (const { param } of taken) param.primed = true;
  if (writesParams) {
    for (let i = 0; i < taken.length; i++) if (carried[i].p === null) downloadParam(backend, taken[i].param);
  }
  return held;
}

/**
 * A test for gradients that lie in no memory of a parameter's: a run that carries arrays itself writes parameters before it has read all gradients, and
 * others must be uploaded before.
 */
function apartFromParams(taken: readonly TakenGradient[]): (source: Raw) => boolean {
  const buffers = new Set<ArrayBufferLike>();
  for (const { param: { isCopied, elements } } of taken) if (isCopied) buffers.add(elements.buffer);
  if (buffers.size === 0) return () => true;
  // Two buffers may be one shared memory.
  const shared = [...buffers].some((buffer) => !(buffer instanceof ArrayBuffer));
  return ({ buffer }) => !buffers.has(buffer) && !(shared && !(buffer instanceof ArrayBuffer));
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

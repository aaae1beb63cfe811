/**
 * Plans that are kept for steps like those that they were made for: over the same parameters, gradients and texts.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Foreign, Item, Plan } from "../../kernels/plan/item.ts";
import type { Scalars, Tensor } from "../../kernels/types.ts";
import { isUploaded, type TakenGradient } from "./gradients.ts";
import type { GroupState } from "./groups.ts";
import type { ParamState } from "./param_state.ts";
import { leftOut, programOf, type Text } from "./programs.ts";

/** A plan, and what it holds for. */
export interface KeptPlan {
  readonly plan: Plan;
  readonly params: readonly ParamState[];
  /** Where each gradient is read. */
  readonly gradients: readonly (Tensor | null)[];
  /** Whether each gradient comes from an array of the caller's. */
  readonly uploaded: readonly boolean[];
  /** What the plan carries itself of each parameter and its gradient; null: the step does. */
  readonly carried: readonly { readonly p: Foreign | null; readonly g: Foreign | null }[];
  readonly texts: readonly Text[];
  /** The parts of each that are left out. */
  readonly left: readonly number[];
  /** The parameters' groups, each once. */
  readonly groups: readonly GroupState[];
  /** False where the parameters themselves stay, as in an entry that only fills a slot. */
  readonly writesParams: boolean;
  /** True where a transform may hold a run back. */
  readonly mayHold: boolean;
}

/** A run that counted as a step. */
export interface SubmittedRun {
  readonly kept: KeptPlan;
  /** Filled in later: the scopes that held it back, or `""` where the device refused it. */
  readonly held: readonly string[];
  /** The version of the options that it took. */
  readonly version: number;
}

/** Plans by entry, the newest last. */
export type Plans = Map<string, KeptPlan[]>;

const mostKept = 8;

/** The plan for an entry over these parameters and gradients, with their numbers: one that was kept, or a new one. */
export function planFor(
  plans: Plans,
  backend: KernelBackend,
  entry: string,
  taken: readonly TakenGradient[],
  numbers: readonly Scalars[],
): KeptPlan {
  let kept = plans.get(entry);
  if (kept === undefined) plans.set(entry, kept = []);
  const left = entry === "update" ? taken.map(({ param: { text, extent } }, i) => leftOut(text, numbers[i], extent)) : taken.map(() => 0);
  for (let i = kept.length - 1; i >= 0; i--) {
    if (!holdsFor(kept[i], taken, left)) continue;
    if (i < kept.length - 1) kept.push(...kept.splice(i, 1));
    return kept[kept.length - 1];
  }
  const made = makePlan(backend, entry, taken, left);
  if (kept.length >= mostKept) kept.shift()!.plan.dispose();
  kept.push(made);
  return made;
}

function holdsFor(kept: KeptPlan, taken: readonly TakenGradient[], left: readonly number[]): boolean {
  const { params, gradients, uploaded, texts } = kept;
  if (params.length !== taken.length) return false;
  for (let i = 0; i < taken.length; i++) {
    const { param, memory } = taken[i];
    if (params[i] !== param || gradients[i] !== memory || texts[i] !== param.text || kept.left[i] !== left[i]) return false;
    if (uploaded[i] !== isUploaded(taken[i])) return false;
  }
  return true;
}

function makePlan(backend: KernelBackend, entry: string, taken: readonly TakenGradient[], left: readonly number[]): KeptPlan {
  const programs = taken.map(({ param: { text }, memory }, i) => programOf(text, entry, memory?.dtype ?? text.p, left[i]));
  const uploaded = taken.map(isUploaded);
  const foreign = taken.map(({ param: { isCopied } }, i): Record<string, Foreign> => ({
    ...(isCopied ? { p: { from: null, into: null } } : {}),
    ...(uploaded[i] ? { g: { from: null, into: null } } : {}),
  }));
  const plan = backend.plan(taken.map(({ param, memory }, i) => ({ ...itemOf(param, programs[i], { g: memory! }), foreign: foreign[i] })));
  const carried = (one: Foreign | undefined): Foreign | null => one !== undefined && plan.carried?.has(one) ? one : null;
  return {
    plan,
    uploaded,
    carried: foreign.map(({ p, g }) => ({ p: carried(p), g: carried(g) })),
    params: taken.map(({ param }) => param),
    gradients: taken.map(({ memory }) => memory),
    texts: taken.map(({ param }) => param.text),
    left,
    groups: [...new Set(taken.map(({ param }) => param.group))],
    writesParams: programs.some(({ writes }) => writes.includes("p")),
    mayHold: programs.some(({ holds }) => holds.length > 0),
  };
}

/** A parameter as an item of a plan; `more` is memory beside its own. */
export function itemOf(param: ParamState, program: Program, more: Readonly<Record<string, Tensor>>): Item {
  const { info: { name }, extent, scalarSlots, group } = param;
  const tensors: Record<string, Tensor> = {};
  for (const key of program.tensors) tensors[key] = param.tensors[key] ?? more[key];
  return { name, program, extent, tensors, scalarSlots, groupSlots: group.slots };
}

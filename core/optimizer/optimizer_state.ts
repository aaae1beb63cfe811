/**
 * All that an optimizer keeps between steps.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Scalars, Tensor } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import type { GroupState, PlainGroup } from "./groups.ts";
import { giveBack, type Memory } from "./memory.ts";
import { numbersAt } from "./numbers.ts";
import type { ParamState } from "./param_state.ts";
import type { Plans, SubmittedRun } from "./plans.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import type { Scheduled } from "../plugin/schedules.ts";
import type { TransformState } from "./transforms.ts";
import type { StateDict, StepReport } from "../types.ts";

/** An optimizer from inside. */
export interface OptimizerState {
  readonly plugin: OptimizerPlugin;
  readonly title: string;
  readonly backend: KernelBackend;
  /** True where the backend was made for this optimizer and ends with it. */
  readonly ownsBackend: boolean;
  readonly memory: Memory;
  /** More may come, as parameters and what follows from them. */
  groups: readonly GroupState[];
  /** Numbers of transforms that all groups have in common. */
  readonly common: Map<string, number>;
  /** In their order, the same in every group. */
  readonly transforms: readonly TransformState[];
  /** All schedules: those of all groups, then groups' own. */
  readonly scheduled: readonly Scheduled[];
  /** The optimizer's schedules, made anew over these groups. */
  readonly makeScheduled: (groups: readonly PlainGroup[]) => readonly Scheduled[];
  /** In the caller's order. */
  params: readonly ParamState[];
  /** In name order, in which sums over tensors are added. */
  ordered: readonly ParamState[];
  /** Input slots: slot, then parameter. */
  inputs: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
  /** Plans that were made, for steps like those. */
  readonly plans: Plans;
  /** Base values of the options, and how often one was assigned. */
  readonly base: Record<string, unknown>;
  version: number;
  /** True once somebody asked for memory to write gradients into: before, it holds none but those of earlier steps. */
  givesGradients: boolean;
  /** Updates applied. */
  steps: number;
  /** What the last step did. */
  report: StepReport;
  /** Runs that a device has not told of yet, the oldest first; on this host's backends there are none. */
  submitted: SubmittedRun[];
  /** How often a run or a load has changed something. */
  moves: number;
  /** The last state that was brought back from a device. */
  synced: StateDict | null;
  disposed: boolean;
}

/** Ends an optimizer: its plans, its memory and, where it is its own, its backend. */
export function disposeState(state: OptimizerState): void {
  const { backend, plans, memory } = state;
  state.disposed = true;
  for (const kept of plans.values()) for (const { plan } of kept) if (!backend.disposed) plan.dispose();
  plans.clear();
  if (state.ownsBackend) backend.dispose();
  giveBack(memory);
}

/** t of a parameter's coming step. */
function timeOf(state: OptimizerState, param: ParamState): number {
  return countOf(state, param) + 1;
}

/** Steps so far, as the parameter's algorithm counts them. */
export function countOf({ steps }: OptimizerState, { group, count }: ParamState): number {
  switch (group.plugin.counts) {
    case "optimizer":
      return steps;
    case "group":
      return group.count;
    default:
      return count;
  }
}

/** A parameter's numbers at its coming step. */
export function comingNumbers(state: OptimizerState, param: ParamState): Scalars {
  return numbersAt(param.group, timeOf(state, param));
}

/** Refuses what an optimizer cannot do any more. */
export function checkAlive({ plugin, title, backend, disposed }: OptimizerState, action: string): void {
  if (!disposed && !backend.disposed) return;
  const message = `Cannot ${action} ${title}: ${disposed ? "it" : "its backend"} is disposed`;
  throw about(new TypeError(message), { plugin: plugin.name });
}

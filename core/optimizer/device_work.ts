/**
 * What an optimizer does on a device that it does not on this host. It comes with the backend, so that programs without one hold none of it.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { StateDict, StepReport } from "../types.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import type { KeptPlan } from "./plans.ts";

/** What is done otherwise on a device. */
export interface DeviceWork {
  /** Takes a run in that was counted as a step. */
  submit(state: OptimizerState, kept: KeptPlan, held: readonly string[]): void;
  /** Refuses a run whose numbers are not known. */
  refuseUnknown(state: OptimizerState, next: KeptPlan): void;
  sync(state: OptimizerState): Promise<StepReport>;
  saveState(state: OptimizerState): Promise<StateDict>;
}

/** Of an optimizer on a device; undefined on this host. */
export const deviceWork = ({ deviceSide }: Pick<KernelBackend, "deviceSide">): DeviceWork | undefined =>
  deviceSide?.work as DeviceWork | undefined;

/**
 * What a page computes on backend "webgpu", and sends to where it came from.
 *
 * @module
 */
import { builtins } from "../../mod.ts";
import { createWebGpuBackend } from "../../core/webgpu.ts";
import type { Arithmetic } from "../../core/types.ts";
import { report } from "./browser_report.ts";
import { type States, takeWebGpuSteps } from "./webgpu_steps.ts";

/** What is sent. */
export interface Computed {
  readonly arithmetic: Arithmetic;
  readonly states: States;
}

await report(async (): Promise<Computed> => {
  const backend = await createWebGpuBackend();
  (backend.device as GPUDevice).onuncapturederror = ({ error: { message } }) => console.error(message);
  const { arithmetic } = backend;
  const states = await takeWebGpuSteps(builtins, backend);
  backend.dispose();
  return { arithmetic, states };
});

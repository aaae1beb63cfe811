/**
 * What a page computes on backend "webgpu", and sends to where it came from.
 *
 * @module
 */
import { builtins } from "../../mod.ts";
import { createWebGpuBackend, emitWgsl } from "../../core/webgpu.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Arithmetic } from "../../core/types.ts";
import { report } from "./browser_report.ts";
import { type States, takeWebGpuSteps } from "./webgpu_steps.ts";

/** What is sent. */
export interface Computed {
  readonly arithmetic: Arithmetic;
  readonly states: States;
  /** What the browser's compiler says of factorizations. */
  readonly complaints: readonly string[];
}

// SwiftShader takes half a minute to make them run; what the browser has against a text it says at once.
const factors: OptimizerPlugin<"factors", object> = {
  kind: "optimizer",
  name: "factors",
  description: "All that takes several passes",
  options: {},
  rule: () => ({ slots: {}, update: "Q = qr(g)\nE = eigh(g)\np -= Q + E" }),
  scalars: () => ({}),
};

async function complaintsOf(device: GPUDevice): Promise<readonly string[]> {
  const codes = new Set(emitWgsl(factors, { shape: [40, 40] }).passes.map(({ code }) => code));
  const told = await Promise.all([...codes].map((code) => device.createShaderModule({ code }).getCompilationInfo()));
  return told.flatMap(({ messages }) => messages.map(({ message }) => message));
}

await report(async (): Promise<Computed> => {
  const backend = await createWebGpuBackend();
  (backend.device as GPUDevice).onuncapturederror = ({ error: { message } }) => console.error(message);
  const { arithmetic } = backend;
  const states = await takeWebGpuSteps(builtins, backend);
  const complaints = await complaintsOf(backend.device as GPUDevice);
  backend.dispose();
  return { arithmetic, states, complaints };
});

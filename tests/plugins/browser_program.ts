/**
 * The program of the pages that tests/plugins/browsers_test.ts serves: it computes, sends what came out, and goes where it is told.
 *
 * @module
 */
/// <reference lib="dom" />
import { createBackend } from "../../kernels/backends/create.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { available } from "../../kernels/detect.ts";
import { resumeRecorded } from "../core/recorded_run.ts";
import { bitsOf } from "../kernels/bits.ts";
import { report } from "./browser_report.ts";
import { type Steps, takeSteps } from "./browser_steps.ts";
import { scheduleBits } from "./schedule_samples.ts";

/** What a page has found. */
export interface Computed {
  readonly isolated: boolean;
  readonly steps: Steps;
  /** Hashes of kernels' results, by the name of a backend that there is; only in the isolated page, which has them all. */
  readonly kernels: Readonly<Record<string, Readonly<Record<string, string>>>> | null;
  readonly schedules: Readonly<Record<string, string>> | null;
  /** The end of a run that goes on from a recorded state. */
  readonly resumed: string;
}

function kernels(): Computed["kernels"] {
  return Object.fromEntries(
    available().map((name) => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      return [name, bitsOf(backend)];
    }),
  );
}

await report(async (): Promise<Computed> => ({
  isolated: crossOriginIsolated,
  steps: await takeSteps(),
  kernels: crossOriginIsolated ? kernels() : null,
  schedules: crossOriginIsolated ? scheduleBits() : null,
  resumed: resumeRecorded(),
}));

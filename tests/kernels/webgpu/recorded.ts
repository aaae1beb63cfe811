/**
 * Runs of backend "js", recorded: what there was before each, its numbers, and what there was afterwards.
 *
 * @module
 */
import { createBackend } from "../../../kernels/backends/create.ts";
import type { KernelBackend } from "../../../kernels/backend.ts";
import type { Item } from "../../../kernels/plan/item.ts";
import type { Scalars } from "../../../kernels/types.ts";
import { type Content, contentOf } from "./device.ts";

/** One run. */
export interface Recorded {
  readonly items: readonly Item[];
  readonly values: readonly Scalars[];
  readonly before: Content;
  readonly after: Content;
  readonly held: readonly string[];
}

/** A backend that records what it runs into the list. */
export function recordingBackend(runs: Recorded[]): KernelBackend {
  const js = createBackend("js") as KernelBackend;
  return {
    ...js,
    plan(items) {
      const plan = js.plan(items);
      return {
        dispose: plan.dispose,
        run(values) {
          const before = contentOf(items);
          const held = plan.run(values);
          runs.push({ items, values: [...values], before, after: contentOf(items), held });
          return held;
        },
      };
    },
  };
}

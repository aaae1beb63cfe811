/**
 * A run that does nothing but save, for tests that kill it.
 *
 * @module
 */
import { writeSync } from "node:fs";
import { createOptimizer } from "../../../core/optimizer/optimizer.ts";
import type { Optimizer } from "../../../core/types.ts";
import { loadLatest, saveCheckpoint } from "../../../plugins/formats/checkpoints.ts";
import { descent } from "../../core/plugins.ts";

/** Elements of its one parameter, each of which is the number of steps. */
export const size = 20_000;

/** Its optimizer. */
export const create = (): Optimizer<{ lr?: number }> =>
  createOptimizer(descent, { w: new Float32Array(size) }, { lr: 1 }, { backend: "js" });

/** Goes on from what is in the folder until it is killed, or has saved so often, and says what is safe. */
export async function save(folder: string, writer: string, saves: number): Promise<void> {
  using optimizer = create();
  const found = await loadLatest(folder, optimizer);
  writeSync(1, `from ${found?.steps ?? 0}\n`);
  const grads = { w: new Float32Array(size).fill(-1) };
  for (let i = 0; i < saves; i++) {
    optimizer.step(grads);
    await saveCheckpoint(folder, optimizer, { keep: 2, extra: { writer, steps: optimizer.steps } });
    writeSync(1, `safe ${optimizer.steps}\n`);
  }
}

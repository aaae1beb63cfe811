/**
 * Steps that any runtime can take on any backend: an optimizer without sums and one with, in 32 and in 16 bits, a step that is held back.
 *
 * @module
 */
import type { builtins } from "../../mod.ts";
import type { BackendName, Tensor, WebGpuBackend } from "../../core/types.ts";

/** Names of optimizers whose texts sum nothing. */
export const withoutSums: readonly string[] = ["adamw_torch", "lion"];

/** All that are run. */
export const run: readonly string[] = [...withoutSums, "adafactor", "muon"];

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >> 8) / 2 ** 22);

/** States after some steps, by optimizer: elements by key, as JSON has them. */
export type States = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Takes the steps, with all of `run`. */
export async function takeWebGpuSteps(
  makers: Pick<typeof builtins, "createOptimizer">,
  backend: BackendName | WebGpuBackend,
): Promise<States> {
  const states: Record<string, Record<string, number[]>> = {};
  for (const name of run) {
    const params: Record<string, Tensor> = {
      w: { data: numbers(24 * 18, 1), shape: [24, 18] },
      low: { data: Uint16Array.from({ length: 77 }, (_, i) => 0x3f00 + i), shape: [7, 11], dtype: "bfloat16" },
    };
    const optimizer = makers.createOptimizer(name as "lion", params, {}, { backend, transforms: [{ name: "skip_nonfinite" }] });
    for (let t = 1; t <= 4; t++) {
      const w = numbers(24 * 18, 10 + t);
      if (t === 2) w[5] = NaN;
      optimizer.step({ w: { data: w, shape: [24, 18] }, low: { data: numbers(77, 20 + t), shape: [7, 11] } });
    }
    await optimizer.sync();
    const { tensors } = await optimizer.saveStateAsync();
    states[name] = Object.fromEntries(Object.entries(tensors).map(([key, { data }]) => [key, [...data]]));
    optimizer.dispose();
  }
  return states;
}

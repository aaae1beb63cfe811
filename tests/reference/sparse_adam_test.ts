/**
 * sparse_adam against torch.optim.SparseAdam, over sparse gradients.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { available } from "../../kernels/detect.ts";
import { sparseAdam, type SparseAdamOptions } from "../../plugins/optimizers/sparse_adam.ts";

interface Case {
  readonly shape: readonly number[];
  readonly options: SparseAdamOptions;
  readonly init: readonly number[];
  readonly steps: readonly {
    readonly indices: readonly number[];
    readonly values: readonly number[];
    /** In float64. */
    readonly params: readonly number[];
    readonly exp_avg: readonly number[];
    readonly exp_avg_sq: readonly number[];
  }[];
}
const cases: readonly Case[] = JSON.parse(readFileSync(new URL("sparse_adam.json", import.meta.url), "utf8"));

for (const { shape, options, init, steps } of cases) {
  for (const backend of available()) {
    test(`Backend ${backend}: sparse_adam matches torch's over [${shape}], and rows that are not named keep their bits`, () => {
      const w = { data: Float32Array.from(init), shape };
      using optimizer = createOptimizer(sparseAdam, { w }, options, { backend });
      const row = init.length / shape[0];
      for (const { indices, values, params, ...state } of steps) {
        const before = {
          w: w.data.slice(),
          ...Object.fromEntries(Object.entries(optimizer.saveState().tensors).map(([key, { data }]) => [key, data])),
        };
        optimizer.step({ w: { indices: Int32Array.from(indices), values: Float32Array.from(values) } });
        const { tensors } = optimizer.saveState();
        const near = (got: ArrayLike<number>, want: readonly number[]): void =>
          want.forEach((x, i) => assert(Math.abs(got[i] - x) <= 1e-6 * Math.max(...want.map(Math.abs)) + 1e-12, `${got[i]}, not ${x}`));
        near(w.data, params);
        near(tensors["w.exp_avg"].data, state.exp_avg);
        near(tensors["w.exp_avg_sq"].data, state.exp_avg_sq);
        for (let k = 0; k < shape[0]; k++) {
          if (indices.includes(k)) continue;
          for (
            const [key, now] of [["w", w.data], ["w.exp_avg", tensors["w.exp_avg"].data], [
              "w.exp_avg_sq",
              tensors["w.exp_avg_sq"].data,
            ]] as const
          ) {
            assertEquals(now.slice(k * row, (k + 1) * row), (before as Record<string, Float32Array>)[key].slice(k * row, (k + 1) * row));
          }
        }
      }
    });
  }
}

test("sparse_adam moves a row whose gradient is NaN to NaN, and no other", () => {
  const w = { data: new Float32Array(6).fill(1), shape: [3, 2] };
  using optimizer = createOptimizer(sparseAdam, { w });
  optimizer.step({ w: { indices: Int32Array.of(1), values: Float32Array.of(NaN, 1) } });
  assertEquals([...w.data].map(Number.isNaN), [false, false, true, false, false, false]);
  assert(w.data[3] < 1);
});

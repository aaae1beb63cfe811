/**
 * Every built-in transform on backend "webgpu", beside backend "js", around an optimizer with a momentum.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../mod.ts";
import type { BackendName, Grads, Optimizer, WebGpuBackend } from "../../core/types.ts";
import { gpuTest, missing, onGpu } from "../webgpu.ts";

if (missing !== undefined) test.skip(`WebGPU is missing: ${missing}`, () => {});

/** Options with which each does something. */
const options: Readonly<Record<string, object>> = {
  agc: { clipFactor: 0.05 },
  clip_by_global_norm: { maxNorm: 1 },
  clip_global_norm: { maxNorm: 1 },
  clip_group_norm: { maxNorm: 1 },
  clip_norm: { maxNorm: 1 },
  clip_value: { value: 0.3 },
  ema: { decay: 0.9 },
  lookahead: { k: 2 },
  loss_scale: { initScale: 4, growthInterval: 2 },
  sam: { rho: 0.1 },
  zclip: { warmupSteps: 2 },
};

const shapes: Readonly<Record<string, readonly number[]>> = { a: [300], b: [17, 9], c: [2, 3, 5] };
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 0x9e3779b1) + Math.imul(seed, 0x85ebca77)) >> 8) / 2 ** 23);

const tensors = (seed: number, bad = false): Record<string, { data: Float32Array; shape: readonly number[] }> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const data = numbers(sizeOf(shape), seed + 31 * i);
      if (bad && name === "b") data[3] = NaN;
      return [name, { data, shape }];
    }),
  );

/** The parameters after some steps, one of which has a NaN where that is the transform's matter, and what the transform reads. */
async function run(
  backend: BackendName | WebGpuBackend,
  name: string,
): Promise<{ readonly params: Record<string, Float32Array>; readonly said: unknown }> {
  const params = tensors(1);
  const skips = name === "loss_scale" || name === "skip_nonfinite";
  using optimizer = builtins.createOptimizer("sgd", params, { lr: 0.1, momentum: 0.9 }, {
    backend,
    groups: [{ match: "b", options: { lr: 0.05 } }],
    transforms: [{ name, ...options[name] !== undefined && { options: options[name] } }],
  }) as Optimizer;
  for (let t = 1; t <= 5; t++) {
    if (name === "sam") optimizer.run("ascend", tensors(t + 100) as Grads);
    optimizer.step(tensors(t + 1, skips && t === 3));
    // Parts that come at certain steps, and texts of two entries, want to know.
    if (name === "lookahead") await optimizer.sync();
  }
  const { applied, step, skipped } = await optimizer.sync();
  const readings = optimizer.transforms[0].readings();
  return {
    params: Object.fromEntries(Object.entries(params).map(([key, { data }]) => [key, data])),
    said: [applied, step, skipped, readings],
  };
}

const close = (a: unknown, b: unknown): boolean =>
  typeof a === "number" && typeof b === "number"
    ? Math.abs(a - b) <= 2e-6 * Math.abs(b)
    : typeof a === "object" && typeof b === "object" && a !== null && b !== null
    ? Object.entries(b).every(([key, value]) => close((a as Record<string, unknown>)[key], value))
    : Object.is(a, b);

for (const { name } of builtins.plugins.filter(({ kind }) => kind === "transform")) {
  gpuTest(
    `${name} on the device is as on backend js, and the same bits run after run`,
    onGpu(async (backend) => {
      const got = await run(backend, name);
      const want = await run("js", name);
      assert(close(got.said, want.said), `${JSON.stringify(got.said)} instead of ${JSON.stringify(want.said)}`);
      for (const [key, data] of Object.entries(want.params)) {
        const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        data.forEach((x, i) =>
          assert(Math.abs(x - got.params[key][i]) <= 1e-6 * largest, `${key}[${i}]: ${got.params[key][i]} instead of ${x}`)
        );
      }
      assertEquals((await run(backend, name)).params, got.params);
    }),
  );
}

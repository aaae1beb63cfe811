/**
 * Optimizers whose rules compute of whole matrices, beside their reference cases: the same bits everywhere, and what they do at edges.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { explain } from "../../core/explain.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { createThreads } from "../../kernels/backends/threads/threads.ts";
import { available } from "../../kernels/detect.ts";
import { adamuon } from "../../plugins/optimizers/adamuon.ts";
import { normuon } from "../../plugins/optimizers/normuon.ts";
import { soap } from "../../plugins/optimizers/soap.ts";

/** Numbers between -1 and 1 that repeat in no short period. */
const waves = (n: number, speed: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin((i + 1) ** 2 * speed));

const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

const shapes: Readonly<Record<string, readonly number[]>> = { a: [20, 13], b: [9, 40], c: [17], d: [4, 3, 2], e: [], f: [1, 6], g: [5, 5] };

/** Parameters and state after some steps, d without a gradient in the first. */
function after(plugin: OptimizerPlugin<string, object>, options: object, backend: KernelBackend, steps: number): unknown {
  const params = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { data: waves(size(shape), 0.3), shape }]));
  using optimizer = createOptimizer(plugin, params, options, { backend });
  for (let t = 0; t < steps; t++) {
    optimizer.step(
      Object.fromEntries(
        Object.entries(shapes).map((
          [name, shape],
        ) => [name, name === "d" && t === 0 ? null : { data: waves(size(shape), 0.7 + t), shape }]),
      ),
    );
  }
  return optimizer.saveState();
}

const plugins: readonly (readonly [OptimizerPlugin<string, object>, object])[] = [
  [soap, { preconditionFrequency: 2, precondition1d: true }],
  [normuon, { updateScale: "match_rms" }],
  [adamuon, {}],
];

for (const [plugin, options] of plugins) {
  test(`${plugin.name} gives the same bits on all backends and any number of threads`, () => {
    using js = createBackend("js") as KernelBackend;
    const want = after(plugin, options, js, 6);
    for (const name of available().filter((name) => name !== "threads")) {
      using backend = createBackend(name) as KernelBackend;
      assertEquals(after(plugin, options, backend, 6), want, name);
    }
    if (!available().includes("threads")) return;
    for (const threads of [1, 2, 3]) {
      using backend = createThreads({ threads }, 0);
      assertEquals(after(plugin, options, backend, 6), want, `${threads} threads`);
    }
  });
}

test("soap resumes bit for bit, at any place between two improvements of its bases", () => {
  const shape = [6, 4];
  const run = (stop: number): unknown => {
    let w = { data: waves(24, 0.3), shape };
    let optimizer = createOptimizer(soap, { w }, { preconditionFrequency: 3 }, { backend: "js" });
    for (let t = 0; t < 9; t++) {
      if (t === stop) {
        const state = optimizer.saveState();
        optimizer.dispose();
        w = { data: new Float32Array(24), shape };
        optimizer = createOptimizer(soap, { w }, { preconditionFrequency: 3 }, { backend: "js" });
        optimizer.loadState(state);
      }
      optimizer.step({ w: { data: waves(24, 0.7 + t), shape } });
    }
    const state = optimizer.saveState();
    optimizer.dispose();
    return state;
  };
  for (const stop of [1, 3, 4, 5]) assertEquals(run(stop), run(-1), `at ${stop}`);
});

test("soap's bases are orthogonal after many improvements, and a step between two of them decomposes nothing", () => {
  const w = { data: waves(8 * 8, 0.3), shape: [8, 8] };
  using optimizer = createOptimizer(soap, { w }, { preconditionFrequency: 1 });
  for (let t = 0; t < 40; t++) optimizer.step({ w: { data: waves(64, 0.7 + t), shape: [8, 8] } });
  const q = optimizer.saveState().tensors["w.Q.0"].data;
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = i === j ? -1 : 0;
      for (let k = 0; k < 8; k++) dot += q[k * 8 + i] * q[k * 8 + j];
      assert(Math.abs(dot) < 1e-6);
    }
  }
  const parts = explain(soap, [8, 8]).split(/^with.*:$/m).slice(1);
  assertEquals(parts.map((part) => [/qr\(/.test(part), /eigh\(/.test(part)]), [
    [false, false],
    [false, true],
    [false, false],
    [true, false],
  ]);
});

test("soap takes gradients of zeros, and NaN stays in its own tensor", () => {
  const w = { data: new Float32Array(12).fill(1), shape: [4, 3] };
  const v = { data: new Float32Array(12).fill(1), shape: [4, 3] };
  using optimizer = createOptimizer(soap, { w, v }, { preconditionFrequency: 2, weightDecay: 0 });
  for (let t = 0; t < 6; t++) optimizer.step({ w: new Float32Array(12), v: new Float32Array(12).fill(NaN) });
  assertEquals([...w.data], new Array(12).fill(1));
  assert(v.data.every(Number.isNaN));
});

test("normuon and adamuon refuse Muon for what is no matrix, with the tensor's name", () => {
  for (const plugin of [normuon, adamuon] as readonly OptimizerPlugin<string, { useMuon?: boolean | null }>[]) {
    const error = assertThrows(() => createOptimizer(plugin, { w: new Float32Array(4) }, { useMuon: true }), RangeError, "two dimensions");
    assertEquals((error as { tensor?: string }).tensor, "w");
    using optimizer = createOptimizer(plugin, { w: { data: new Float32Array(12), shape: [3, 4] }, v: new Float32Array(3) }, {
      useMuon: false,
    });
    assert(Object.hasOwn(optimizer.saveState().tensors, "w.exp_avg"));
  }
});

test("normuon's rows have equal size after its first step", () => {
  const w = { data: new Float32Array(24), shape: [4, 6] };
  using optimizer = createOptimizer(normuon, { w }, { lr: 1 });
  optimizer.step({ w: { data: waves(24, 0.37), shape: [4, 6] } });
  const norms = [0, 1, 2, 3].map((i) => Math.hypot(...w.data.subarray(6 * i, 6 * i + 6)));
  for (const norm of norms) assert(Math.abs(norm - norms[0]) < 1e-5 * norms[0], `${norms}`);
});

/**
 * Muon beside its reference cases: which tensors go which way, large ones, and the same bits everywhere.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { explain } from "../../core/explain.ts";
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { createThreads } from "../../kernels/backends/threads/threads.ts";
import { available } from "../../kernels/detect.ts";
import { muon } from "../../plugins/optimizers/muon.ts";

/** Numbers between -1 and 1 that repeat in no short period. */
const waves = (n: number, speed: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin((i + 1) ** 2 * speed));

const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);

test("muon is for matrices, and for convolutions as matrices; all else goes by AdamW", () => {
  const shapes = { a: [4, 4], b: [8, 3, 3, 3], c: [7], d: [3, 9], e: [4, 513], f: [4, 512], g: [1, 8, 8], h: [8, 1, 3, 3] };
  const params = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { data: waves(size(shape), 0.3), shape }]));
  using optimizer = createOptimizer(muon, params);
  optimizer.step(Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { data: waves(size(shape), 0.7), shape }])));
  const { tensors } = optimizer.saveState();
  const byMuon = Object.keys(shapes).filter((name) => Object.hasOwn(tensors, `${name}.momentum_buffer`));
  assertEquals(byMuon, ["a", "b", "f"]);
  const byAdamW = Object.keys(shapes).filter((name) => Object.hasOwn(tensors, `${name}.exp_avg`));
  assertEquals(byAdamW, ["c", "d", "e", "g", "h"]);
});

test("a step of muon is nearly orthogonal, in whichever direction the matrix is longer", () => {
  for (const [rows, cols] of [[6, 40], [40, 6], [33, 33]]) {
    const w = { data: new Float32Array(rows * cols), shape: [rows, cols] };
    using optimizer = createOptimizer(muon, { w }, { lr: 1, adjustLrFn: null, nsSteps: 12 });
    optimizer.step({ w: { data: waves(rows * cols, 0.37), shape: [rows, cols] } });
    // Along the shorter side, rows (or columns) have length 1 and are at right angles.
    const [short, long] = [Math.min(rows, cols), Math.max(rows, cols)];
    const at = (i: number, k: number): number => w.data[rows <= cols ? i * cols + k : k * cols + i];
    for (let i = 0; i < short; i++) {
      for (let j = 0; j < short; j++) {
        let dot = 0;
        for (let k = 0; k < long; k++) dot += at(i, k) * at(j, k);
        assert(Math.abs(dot - (i === j ? 1 : 0)) < 0.3, `${rows} x ${cols}: ${i}, ${j}: ${dot}`);
      }
    }
  }
});

test("muon gives the same bits on all backends and any number of threads, in every dtype", () => {
  const shapes: Readonly<Record<string, readonly number[]>> = { a: [70, 33], b: [5, 9], c: [17], d: [33, 300], e: [8, 3, 3, 3] };
  const run = (backend: KernelBackend, dtype: "float32" | "bfloat16"): unknown => {
    const params = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const data = waves(size(shape), 0.3);
        // The upper half of a float32 is a bfloat16.
        const patterns = Uint16Array.from(new Uint32Array(data.buffer), (bits) => bits >>> 16);
        return [name, { data: dtype === "float32" ? data : patterns, shape, dtype }];
      }),
    );
    using optimizer = createOptimizer(muon, params, { nesterov: true, weightDecay: 0.1, lr: 0.1 }, { backend });
    for (let t = 1; t <= 3; t++) {
      optimizer.step(
        Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { data: waves(size(shape), 0.11 * t), shape }])),
      );
    }
    return Object.values(params).map(({ data }) => [...data]);
  };
  for (const dtype of ["float32", "bfloat16"] as const) {
    using js = createBackend("js") as KernelBackend;
    const want = run(js, dtype);
    if (available().includes("wasm")) {
      using wasm = createBackend("wasm") as KernelBackend;
      assertEquals(run(wasm, dtype), want);
    }
    for (const threads of available().includes("threads") ? [1, 2, 3] : []) {
      using backend = createThreads({ threads }, 0);
      assertEquals(run(backend, dtype), want, `${threads} threads, ${dtype}`);
    }
  }
});

test("muon explains its products, along the shorter side", () => {
  const passes = explain(muon, [8, 4], { options: { nsSteps: 1 } });
  assertStringIncludes(passes, "A = matmul(XT, X)");
  assertStringIncludes(passes, "BX = matmul(X, B)");
  assertStringIncludes(explain(muon, [4, 8], { options: { nsSteps: 1 } }), "A = matmul(X, XT)");
});

test("a rule whose matrices agree in square tensors alone is refused at the step, by the tensor's name, and nothing moves", () => {
  const gram: OptimizerPlugin<"gram", object> = {
    kind: "optimizer",
    name: "gram",
    description: "A product of p and g",
    options: {},
    rule: () => ({ slots: {}, update: "A = matmul(p, g)\np -= A" }),
    scalars: () => ({}),
  };
  const params = { a: { data: waves(9, 0.3), shape: [3, 3] }, b: { data: waves(6, 0.3), shape: [2, 3] } };
  using optimizer = createOptimizer(gram, params);
  const grads = { a: { data: waves(9, 0.5), shape: [3, 3] }, b: { data: waves(6, 0.5), shape: [2, 3] } };
  const error = assertThrows(() => optimizer.step(grads), RangeError) as RangeError & { tensor: string };
  assertStringIncludes(error.message, `Cannot run over "b" of 2 rows and 3 columns: the matrices of line 1 of`);
  assertEquals([error.tensor, optimizer.steps], ["b", 0]);
  assertEquals([params.a.data, params.b.data], [waves(9, 0.3), waves(6, 0.3)]);
  optimizer.step({ ...grads, b: null });
  assertNotEquals(params.a.data, waves(9, 0.3));
});

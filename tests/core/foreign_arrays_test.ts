/**
 * Steps over ordinary arrays of the caller's, which threads carry unit by unit while they compute: the same bits as on one thread that copies nothing, also
 * where gradients and parameters share memory.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createThreads, unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import { available } from "../../kernels/detect.ts";
import { type Backend, builtins, createBackend, type Optimizer, type TensorLike } from "../../mod.ts";

const shapes: Readonly<Record<string, readonly number[]>> = { a: [150, 500], b: [7], c: [70_003], d: [2, 50, 300], e: [1, 1] };
const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
const numbers = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => ((i * 37 + seed * 11) % 101 - 50) / 64);

type Params = Record<string, { data: Float32Array | Uint16Array; shape: readonly number[]; dtype: "float32" | "bfloat16" }>;

const paramsOf = (dtype: "float32" | "bfloat16"): Params =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const values = numbers(size(shape), i);
      const data = dtype === "float32" ? values : Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
      return [name, { data, shape, dtype }];
    }),
  );

/** A hash of an array's bits: two of them compare in no time. */
function hash(
  { buffer, byteOffset, byteLength }: { readonly buffer: ArrayBufferLike; readonly byteOffset: number; readonly byteLength: number },
): number {
  let h = 0x811c9dc5;
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

/** How a step gets its gradients, over parameters and at a step. */
const ways: Readonly<Record<string, (params: Params, t: number) => Record<string, TensorLike | null>>> = {
  "arrays of its own": (params, t) =>
    Object.fromEntries(Object.entries(params).map(([name, { shape }], i) => [name, { data: numbers(size(shape), 5 * t + i), shape }])),
  "arrays of its own for some": ({ a, c, e }, t) => ({
    a: { data: numbers(75_000, t), shape: a.shape },
    c: t === 2 ? null : numbers(c.data.length, t),
    e: { data: numbers(1, t), shape: e.shape },
  }),
  "the parameters themselves": (params) => ({ ...params }),
  "another parameter's array, and a part of it": ({ a, b, c }) => ({
    b: { data: a.data.subarray(1000, 1007), shape: b.shape, dtype: b.dtype },
    c: { data: a.data.subarray(4, 4 + c.data.length), shape: c.shape, dtype: c.dtype },
    a: { data: a.data, shape: a.shape, dtype: a.dtype },
  }),
};

const runs: readonly (readonly [name: string, options: object, transforms: readonly { name: string; options?: object }[]])[] = [
  ["adamw", { weightDecay: 0.1 }, []],
  ["adamw_torch", { amsgrad: true }, [{ name: "clip_global_norm", options: { maxNorm: 1 } }]],
  ["adafactor", {}, []],
  ["muon", {}, []],
  ["sgd", { lr: 0.1, momentum: 0.9 }, [{ name: "skip_nonfinite" }, { name: "centralize" }, { name: "lookahead", options: { k: 2 } }]],
];

function steps(backend: Backend, run: (typeof runs)[number], way: string, dtype: "float32" | "bfloat16", more: (one: Optimizer) => void) {
  const [name, options, transforms] = run;
  const params = paramsOf(dtype);
  const optimizer = builtins.createOptimizer(name as "adamw", params as Record<string, TensorLike>, options, { backend, transforms });
  for (let t = 1; t <= 3; t++) optimizer.step(ways[way](params, t));
  const kept = Object.values(params).map(({ data }) => hash(data));
  more(optimizer);
  const state = Object.entries(optimizer.saveState().tensors).map(([key, { data }]) => [key, hash(data)]);
  optimizer.dispose();
  return { kept, state };
}

if (available().includes("threads")) {
  for (const way of Object.keys(ways)) {
    test(`threads over arrays of the caller's give the bits of js, with gradients that are ${way}`, () => {
      for (const run of runs) {
        for (const dtype of ["float32", "bfloat16"] as const) {
          if (dtype === "bfloat16" && run[0] !== "adamw") continue;
          if (run[0] === "muon" && way !== "arrays of its own") continue; // it takes its time
          using js = createBackend("js");
          using threads = createThreads({ threads: 3 }, 0);
          // The optimizer's own gradients after the caller's: another plan over the same memory.
          const more = (optimizer: Optimizer): void => {
            for (const { data } of Object.values(optimizer.grads)) data.fill(dtype === "float32" ? 0.5 : 0x3f00);
            optimizer.step();
          };
          assertEquals(steps(threads, run, way, dtype, more), steps(js, run, way, dtype, more), `${run[0]} ${dtype}`);
        }
      }
    });
  }

  test("a step that is held back leaves arrays of the caller's as they are", () => {
    using backend = createThreads({ threads: 3 }, 0);
    const [w, v] = [numbers(200_000, 1), numbers(50_000, 2)];
    using optimizer = builtins.createOptimizer("adamw", { w, v }, {}, { backend, transforms: [{ name: "skip_nonfinite" }] });
    const grads = { w: numbers(200_000, 3), v: numbers(50_000, 4) };
    optimizer.step(grads);
    const before = [w.slice(), v.slice()];
    grads.v[49_999] = NaN;
    assertEquals(optimizer.step(grads).applied, false);
    assertEquals([w, v], before);
    grads.v[49_999] = 1;
    assertEquals(optimizer.step(grads).applied, true);
    assert(w.some((x, i) => x !== before[0][i]) && v.some((x, i) => x !== before[1][i]));
  });

  test("workers take part in steps over arrays of the caller's", () => {
    using backend = createThreads({ threads: 3 }, 0);
    const w = numbers(300_000, 1);
    using optimizer = builtins.createOptimizer("sgd", { w }, { lr: 1 }, { backend });
    const taken = unitsByWorkers.get(backend)!;
    let steps = 0;
    for (const until = performance.now() + 20_000; taken() === 0 && performance.now() < until; steps++) {
      optimizer.step({ w: new Float32Array(300_000).fill(1) });
    }
    assert(taken() > 0, "no worker took a unit");
    assertEquals(
      w,
      numbers(300_000, 1).map((x) => {
        for (let k = 0; k < steps; k++) x = Math.fround(x - 1);
        return x;
      }),
    );
  });
}

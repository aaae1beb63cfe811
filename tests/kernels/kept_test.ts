/**
 * What a backend keeps for the next time: kernels, plans of `run`, and memory that was given back. None of it may be taken for another.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import type { DType, Tensor } from "../../kernels/types.ts";
import { random } from "./random_text.ts";

const backendOf = (name: ReturnType<typeof available>[number], arenaBytes?: number): KernelBackend =>
  createBackend(name, name === "js" || arenaBytes === undefined ? {} : { arenaBytes }) as KernelBackend;

for (const name of available()) {
  test(`Backend ${name}: texts that differ only in the element type that they store are not taken for each other`, () => {
    using backend = backendOf(name);
    const stored = (dtype: DType): Tensor => {
      const m = backend.allocate(9, dtype);
      backend.run("m = c", { m }, { c: 1.5 });
      return m;
    };
    const patterns: readonly (readonly [DType, number])[] = [["bfloat16", 0x3fc0], ["float16", 0x3e00], ["float32", 1.5]];
    for (const [dtype, want] of [...patterns, ...patterns]) assertEquals([...stored(dtype).data], Array(9).fill(want), dtype);
  });

  test(`Backend ${name}: texts that differ only in what they reduce along, and how, are not taken for each other`, () => {
    using backend = backendOf(name);
    const x = backend.allocate([3, 3]);
    x.data.set([1, 2, 3, 4, 5, 6, 7, 8, 10]);
    const got = (f: string): number[] => {
      const y = backend.allocate([3, 3]);
      backend.run(`y = 0*x + ${f}(x)`, { x, y });
      return [y.data[0], y.data[1], y.data[3]];
    };
    const want: Readonly<Record<string, readonly number[]>> = {
      rowsum: [6, 6, 15],
      colsum: [12, 15, 12],
      sum: [46, 46, 46],
      rowmax: [3, 3, 6],
      colmax: [7, 8, 7],
      max: [10, 10, 10],
      rowmean: [2, 2, 5],
      colmean: [4, 5, 4],
    };
    for (const f of [...Object.keys(want), ...Object.keys(want)]) assertEquals(got(f), want[f], f);
  });

  test(`Backend ${name}: run() over other tensors, other numbers and other shapes is another run`, () => {
    using backend = backendOf(name);
    const [a, b, c] = [backend.allocate([2, 3]), backend.allocate([2, 3]), backend.allocate([3, 2])];
    for (const tensor of [a, b, c]) tensor.data.set([1, 2, 3, 4, 5, 6]);
    for (const by of [1, 2, 3]) for (const x of [a, b, c, b]) backend.run("x = x + by*rowsum(x)/6", { x }, { by });
    // The same by hand.
    const want = (cols: number, times: number): Float32Array => {
      const x = Float32Array.of(1, 2, 3, 4, 5, 6);
      for (const by of [1, 2, 3]) {
        for (let k = 0; k < times; k++) {
          for (let from = 0; from < 6; from += cols) {
            const row = x.subarray(from, from + cols);
            const sum = Math.fround(Math.fround(by * Math.fround(row.reduce((sum, value) => sum + value, 0))) / 6);
            row.forEach((value, i) => row[i] = value + sum);
          }
        }
      }
      return x;
    };
    assertEquals([a, b, c].map(({ data }) => [...data]), [want(3, 1), want(3, 2), want(2, 1)].map((x) => [...x]));
  });

  test(`Backend ${name}: what run() keeps for a tensor goes with it`, () => {
    using backend = backendOf(name);
    const round = (k: number): void => {
      const [x, y] = [backend.allocate(100 + k), backend.allocate(100 + k)];
      backend.run("x = x + norm(y)", { x, y });
      backend.run("y = x", { x, y });
      backend.release(k % 2 === 0 ? x : y);
      backend.release(k % 2 === 0 ? y : x);
    };
    round(0);
    const before = backend.usage();
    assertEquals(before.allocated, 0);
    for (let k = 1; k < 40; k++) round(k);
    assertEquals(backend.usage(), before);
  });

  test(`Backend ${name}: memory that is given back is found again in any order, zeroed, and belongs to one tensor at a time`, () => {
    const arenaBytes = 2 ** 20;
    using backend = backendOf(name, arenaBytes);
    const anchor = backend.allocate(16);
    const r = random(3);
    const live: { readonly tensor: Tensor; readonly mark: number }[] = [];
    let bytes = 0;
    for (let k = 0; k < 3000; k++) {
      const size = r.pick([1, 15, 16, 17, 100, 1000, 5000, 20_000]);
      // Never more than half of the arena: a hole must be found, since nothing but an arena's own pieces cuts it up.
      if (bytes + 4 * size < arenaBytes / 2 && r.chance(0.6)) {
        const [tensor] = backend.reserve([anchor], [{ shape: [size], dtype: "float32" }]);
        assert(tensor.data.every((x) => x === 0), `tensor ${k} is not zeroed`);
        tensor.data.fill(k + 1);
        live.push({ tensor, mark: k + 1 });
        bytes += 4 * size;
      } else if (live.length > 0) {
        const [{ tensor, mark }] = live.splice(r.below(live.length), 1);
        assert(tensor.data.every((x) => x === mark), `tensor ${mark} was written by another`);
        bytes -= 4 * tensor.data.length;
        backend.release(tensor);
      }
    }
    for (const { tensor } of live) backend.release(tensor);
    // All pieces are one again.
    const [whole] = backend.reserve([anchor], [{ shape: [Math.floor(arenaBytes / 4 * 0.9)], dtype: "float32" }]);
    assert(whole.data.every((x) => x === 0));
  });
}

/**
 * Arrays of the caller's that a run carries itself, unit by unit, while workers compute: which, that none is missed or comes too late, and what happens where
 * a copy fails.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { createThreads, unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { compile } from "../../kernels/language/compile.ts";
import { parse } from "../../kernels/language/parse.ts";
import { carriedBy } from "../../kernels/plan/carried.ts";
import type { Foreign, Item, Plan } from "../../kernels/plan/item.ts";

const programOf = (text: string) =>
  compile(parse(text, "r"), {
    scopes: { r: { slots: { m: { shape: "param", dtype: "float32" } }, scalars: [] } },
    p: "float32",
    g: "float32",
  });

/** An item over memory of a backend, whose p and g come from arrays, and p goes back. */
function itemOf(backend: KernelBackend, text: string, shape: readonly number[]): Item & { foreign: Record<"p" | "g", Foreign> } {
  const program = programOf(text);
  const [p, g, m] = backend.reserve([], Array.from({ length: 3 }, () => ({ shape, dtype: "float32" as const })));
  const all = { p, g, "r/m": m };
  return {
    program,
    extent: extentOf(shape),
    tensors: Object.fromEntries(program.tensors.map((key) => [key, all[key as "p"]])),
    scalarSlots: new Map(),
    groupSlots: new Map(),
    foreign: { p: { from: null, into: null }, g: { from: null, into: null } },
  };
}

const texts: readonly (readonly [text: string, shape: readonly number[], carried: string])[] = [
  ["m += g\np -= m", [100], "0: p in out, g in"],
  // The norm's pass is the first that reads g.
  ["n = norm(g)\np -= g/n", [100], "0: g in; 1: p in out"],
  ["n = norm(p)\nm += g\np -= m*n", [100], "0: p in; 1: p out, g in"],
  ["p -= g/rowmean(g)", [10, 10], "0: g in; 1: p in out"],
  // Nobody writes p.
  ["m = g + p", [100], "0: p in, g in"],
  ["m += g\nn = norm(p)\np -= rowsum(g)*n", [10, 10], "0: p in, g in; 1: p out"],
  // A routine reads the whole.
  ["u = matmul(p, g)\np -= u", [10, 10], ""],
];

for (const [text, shape, want] of texts) {
  test(`${JSON.stringify(text)} carries ${want || "nothing"}`, () => {
    using js = createBackend("js") as KernelBackend;
    const item = itemOf(js, text, shape);
    const by = carriedBy(item);
    const got = item.program.rounds.flatMap((kernels, round) => {
      const carried = kernels.flatMap((kernel) => by.get(kernel) ?? []);
      const words = carried.map(({ key, comes, goes }) => [key, comes ? "in" : "", goes ? "out" : ""].filter(Boolean).join(" "));
      return words.length === 0 ? [] : [`${round}: ${words.join(", ")}`];
    });
    assertEquals(got.join("; "), want);
  });
}

if (available().includes("threads")) {
  const numbers = (n: number, seed: number): Float32Array => Float32Array.from({ length: n }, (_, i) => (i * 7 + seed) % 23 - 11);
  const untilHelped = (backend: KernelBackend, run: () => void): void => {
    const taken = unitsByWorkers.get(backend)!;
    const before = taken();
    for (const until = performance.now() + 20_000; taken() === before && performance.now() < until;) run();
    assert(taken() > before, "no worker took a unit");
  };

  test("three hundred runs over the caller's arrays carry every unit, in time, on workers too", () => {
    using backend = createThreads({ threads: 3 }, 0);
    const items = [300_000, 5, 70_000, 1].map((size) => itemOf(backend, "m = g*2\np += m + 1", [size]));
    const plan: Plan = backend.plan(items);
    assertEquals(plan.carried, new Set(items.flatMap(({ foreign: { p, g } }) => [p, g])));
    const arrays = items.map(({ extent: { size } }, i) => ({ p: numbers(size, i), g: numbers(size, 3 * i), before: numbers(size, i) }));
    let runs = 0;
    const run = (): void => {
      items.forEach(({ foreign }, i) => {
        Object.assign(foreign.p, { from: arrays[i].p, into: arrays[i].p });
        foreign.g.from = arrays[i].g;
      });
      plan.run(items.map(() => ({ t: 1 })));
      runs++;
      for (const { p, g, before } of arrays) {
        for (let i = 0; i < p.length; i++) if (p[i] !== before[i] + 2 * g[i] + 1) throw new Error(`run ${runs}: ${i} is ${p[i]}`);
        before.set(p);
        g.fill(runs % 5 - 2);
      }
    };
    untilHelped(backend, run);
    while (runs < 300) run();
    assert(arrays.every(({ p }) => p.every(Number.isInteger)));
  });

  test("an array that cannot be copied is an error, and holds no worker up", () => {
    using backend = createThreads({ threads: 3 }, 0);
    const item = itemOf(backend, "p += g", [200_000]);
    const plan = backend.plan([item]);
    const [p, g] = [new Float32Array(200_000), new Float32Array(200_000).fill(1)];
    const run = (from: Float32Array): void => {
      Object.assign(item.foreign.p, { from: p, into: p });
      item.foreign.g.from = from;
      plan.run([{ t: 1 }]);
    };
    untilHelped(backend, () => run(g));
    const [first] = p;
    // The units before it are at work by then.
    const broken = { subarray: (from: number, to: number) => from > 120_000 ? new Float32Array(100_000) : g.subarray(from, to) };
    for (let i = 0; i < 50; i++) assertThrows(() => run(broken as unknown as Float32Array), RangeError);
    p.fill(first);
    run(g);
    assert(p.every((x) => x === first + 1));
  });
}

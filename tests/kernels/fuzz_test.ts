/**
 * Random texts over random tensors: equal bits on all backends, and what the naive evaluator gives.
 *
 * `GLISSADE_FUZZ=60` looks for a minute instead of a moment, from a seed that the clock chooses; `GLISSADE_FUZZ_SEED=7` runs the case of one seed.
 *
 * @module
 */
import process from "node:process";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { createThreads } from "../../kernels/backends/threads/threads.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { caseOf, type Left, runKernels, runNaive } from "./random_run.ts";
import { type Case, randomCase } from "./random_text.ts";

const same = (a: number, b: number): boolean => Object.is(a, b) || a !== a && b !== b;

/** Where two results part; `near` says which numbers count as equal. */
function difference(got: Left, want: Left, near: (a: number, b: number, largest: number) => boolean): string | undefined {
  for (const [key, expected] of want) {
    const actual = got.get(key);
    if (typeof expected === "number") {
      if (!near(actual as number, expected, Math.abs(expected))) return `${key} is ${actual}, not ${expected}`;
      continue;
    }
    let largest = 0;
    for (const x of expected) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
    for (let i = 0; i < expected.length; i++) {
      const a = (actual as Float32Array)[i];
      if (!near(a, expected[i], largest)) return `${key}[${i}] is ${a}, not ${expected[i]}`;
    }
  }
}

const describe = (seed: number, { groups, tensors, g, scalars, steps }: Case): string =>
  [
    `seed ${seed}: ${steps} steps, g ${g}, scalars ${JSON.stringify(scalars)}`,
    `tensors ${tensors.map(({ shape, group }) => `[${shape}] in group ${group}`).join(", ")}`,
    ...groups.flatMap(({ text, source }, k) => [
      `group ${k}: p ${text.p}, slots ${JSON.stringify(text.slots)}`,
      ...source.map(({ scope, text }) => `  ${scope}\n${text.replace(/^/gm, "    ")}`),
    ]),
  ].join("\n");

/** Backends to hold against "js", made once: what one case releases the next one gets. */
function* others(): Generator<[string, KernelBackend]> {
  const names = available();
  if (names.includes("wasm")) yield ["wasm", createBackend("wasm") as KernelBackend];
  if (names.includes("threads")) { for (const threads of [1, 2, 3]) yield [`${threads} threads`, createThreads({ threads }, 0)]; }
}

function compare(seed: number, backends: readonly [string, KernelBackend][], sample: Case = randomCase(seed)): void {
  const fail = (why: string): never => {
    throw new Error(`${why}\n${describe(seed, sample)}`);
  };
  const attempt = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      return fail(`${what}: ${(error as Error).stack}`);
    }
  };
  const js = createBackend("js") as KernelBackend;
  const want = attempt("js", () => runKernels(js, sample, seed));
  for (const [name, backend] of backends) {
    const why = difference(attempt(name, () => runKernels(backend, sample, seed)), want, same);
    if (why !== undefined) fail(`${name} disagrees with js: ${why}`);
  }
  // Sums in another order part by float64's roundings; what a rounding to 16 bits makes of them is a bit of 16.
  const narrow = JSON.stringify(sample).includes("float16");
  const tolerance = narrow ? 2e-2 : 1e-5;
  const near = (a: number, b: number, largest: number): boolean => same(a, b) || Math.abs(a - b) <= tolerance * largest;
  const why = difference(want, attempt("naive", () => runNaive(sample, seed)), sample.exact ? same : near);
  if (why !== undefined) fail(`the kernels part from the naive evaluator: ${why}`);
}

test("every reduction over tensors of several units gives equal bits on all backends, and what a naive evaluator gives", () => {
  const along = (what: string): string => ["sum", "mean", "norm", "rms", "max"].map((f) => `${what}${f}(g - 0.1)`).join(" + ");
  const text = [
    `row1 = ${along("row")}`,
    `col1 = ${along("col")}`,
    `scalar1 = ${along("")}`,
    "batch1 = colmean(row1) + rowmax(col1)",
    "a = allnorm(g)\nb = allmax(p)\nc = allmean(row1)\nd = allsum(col1)",
    "p = g*row1 - col1/(1 + abs(batch1)) + a + b + c + d",
  ].join("\n");
  const slots = Object.fromEntries(
    (["row", "col", "batch", "scalar"] as const).map((shape) => [`${shape}1`, { shape, dtype: "float32" as const }]),
  );
  const backends = [...others()];
  try {
    compare(
      1,
      backends,
      caseOf(text, slots, [[70_001], [260, 300], [2, 130, 515], [500, 3, 50], [9000, 9], [3, 40_000]], "float32", "float32"),
    );
  } finally {
    for (const [, backend] of backends) backend[Symbol.dispose]();
  }
});

test("random texts give equal bits on all backends, and what a naive evaluator gives", () => {
  const { GLISSADE_FUZZ, GLISSADE_FUZZ_SEED } = process.env;
  const backends = [...others()];
  try {
    if (GLISSADE_FUZZ_SEED !== undefined) return compare(Number(GLISSADE_FUZZ_SEED), backends);
    const seconds = Number(GLISSADE_FUZZ ?? 0);
    const until = performance.now() + 1000 * seconds;
    const from = seconds > 0 ? Date.now() % 1e9 : 0;
    let seed = from;
    // A fixed number of cases where no time is given: a test must not depend on how busy the machine is.
    for (; seconds > 0 ? performance.now() < until : seed < 60; seed++) compare(seed, backends);
    if (seconds > 0) console.log(`${seed - from} cases from seed ${from}`);
  } finally {
    for (const [, backend] of backends) backend[Symbol.dispose]();
  }
});

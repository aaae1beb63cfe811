/**
 * Matrices of several bands and tensors of several waves, against the naive evaluator, which knows neither.
 *
 * A kernel that reduces columns cuts a large matrix into bands of rows; each leaves partial sums of the columns, which are joined afterwards. Numbers that
 * rise with the row make each band count: one that is lost, counted twice or weighed wrongly moves every column far beyond the tolerance.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { BackendName, Extent, SlotType } from "../../kernels/types.ts";
import { count, ruleScope, step } from "./naive.ts";
import { caseOf } from "./random_run.ts";

type Shapes = readonly (readonly number[])[];
type Left = ReadonlyMap<string, Float32Array | number>;

/** Numbers that differ from row to row as well as from column to column, none of them 0. */
function rising({ size, rows, cols }: Extent, phase: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const row = Math.floor(i / cols) % rows;
    return (0.25 + row / rows) * (1 + (i * 7 + phase) % 13 / 16) * ((i + row + phase) % 5 === 0 ? -1 : 1);
  });
}

interface Rule {
  readonly text: string;
  readonly slots: Readonly<Record<string, SlotType>>;
}

const keysOf = ({ slots }: Rule, extent: Extent) => [
  { key: "p", size: extent.size },
  { key: "g", size: extent.size },
  ...Object.entries(slots).filter(([, { shape }]) => shape !== "scalar").map(([name, { shape }]) => ({
    key: `${ruleScope}/${name}`,
    size: count(shape as "param", extent),
  })),
];

const start = (key: string, size: number, extent: Extent): Float32Array =>
  key === "p" ? rising(extent, 1) : key === "g" ? rising(extent, 4) : new Float32Array(size);

/** What tensor i leaves behind, by key. */
const left = (
  i: number,
  scalars: ReadonlyMap<string, number>,
  tensors: readonly (readonly [string, Float32Array])[],
): [string, Float32Array | number][] => [...scalars, ...tensors].map(([key, value]) => [`${i} ${key}`, value]);

function naive(rule: Rule, shapes: Shapes): Left {
  const { groups, tensors } = caseOf(rule.text, rule.slots, shapes, "float32", "float32");
  const groupSlots = new Map<string, number>();
  const scalars = (): Map<string, number> => new Map(Object.keys(rule.slots).map((name) => [`${ruleScope}/${name}`, 0]));
  const subjects = tensors.map(({ extent }) => ({
    text: groups[0].text,
    extent,
    tensors: Object.fromEntries(keysOf(rule, extent).map(({ key, size }) => [key, start(key, size, extent)])),
    scalarSlots: scalars(),
    groupSlots,
  }));
  step(subjects, subjects.map(() => ({ t: 1 })));
  return new Map(subjects.flatMap((subject, i) => left(i, subject.scalarSlots, Object.entries(subject.tensors))));
}

function kernels(name: BackendName, threads: number, rule: Rule, shapes: Shapes): Left {
  using backend = createBackend(name, name === "threads" ? { threads } : {}) as KernelBackend;
  const program = compile(parse(rule.text, ruleScope), {
    scopes: { [ruleScope]: { slots: rule.slots, scalars: [] } },
    p: "float32",
    g: "float32",
  });
  const groupSlots = new Map<string, number>();
  const items = shapes.map((shape) => {
    const extent = extentOf(shape);
    const keys = keysOf(rule, extent);
    const memory = backend.reserve([], keys.map(({ size }) => ({ shape: [size], dtype: "float32" as const })));
    keys.forEach(({ key, size }, i) => (memory[i].data as Float32Array).set(start(key, size, extent)));
    return {
      program,
      extent,
      tensors: Object.fromEntries(keys.map(({ key }, i) => [key, memory[i]])),
      scalarSlots: new Map(Object.keys(rule.slots).map((name) => [`${ruleScope}/${name}`, 0])),
      groupSlots,
    };
  });
  const plan = backend.plan(items);
  plan.run(items.map(() => ({ t: 1 })));
  plan.dispose();
  return new Map(
    items.flatMap(({ tensors, scalarSlots }, i) =>
      left(i, scalarSlots, Object.entries(tensors).map(([key, { data }]) => [key, (data as Float32Array).slice()] as const))
    ),
  );
}

/** Float32's rounding of another order of sums, and no more. */
function assertNear(got: Left, want: Left, what: string): void {
  assertEquals([...got.keys()], [...want.keys()]);
  for (const [key, expected] of want) {
    const [actual, wanted] = [got.get(key)!, expected].map((value) => typeof value === "number" ? [value] : value);
    for (let i = 0; i < wanted.length; i++) {
      const near = Math.abs(actual[i] - wanted[i]) <= 1e-6 * Math.abs(wanted[i]) + 1e-7;
      assert(near, `${what}: ${key}[${i}] is ${actual[i]}, not ${wanted[i]}`);
    }
  }
}

const backends: readonly (readonly [BackendName, number])[] = ([["js", 1], ["wasm", 1], ["threads", 3]] as const).filter(
  ([name]) => available().includes(name),
);

function compare(rule: Rule, shapes: Shapes, on = backends): void {
  const want = naive(rule, shapes);
  for (const [name, threads] of on) assertNear(kernels(name, threads, rule, shapes), want, `${name}, ${threads} threads`);
}

const column = { shape: "col", dtype: "float32" } as const;
const row = { shape: "row", dtype: "float32" } as const;

// Bands hold as many rows as an equal share of all needs, so that the last one is shorter.
const uneven: Readonly<Record<string, Shapes>> = {
  "three bands": [[401, 420]],
  "four bands of a matrix of many columns": [[257, 1003]],
  "five bands in each of two matrices": [[2, 321, 900]],
  "as many bands as there may be": [[1039, 1100]],
};

for (const [what, shapes] of Object.entries(uneven)) {
  for (const f of ["sum", "mean", "norm", "rms", "max"]) {
    if (f !== "mean" && shapes[0].length < 3) continue; // of the others one shape is enough
    test(`col${f} over ${what} is what a naive evaluator gives`, () => compare({ text: `c = col${f}(g)`, slots: { c: column } }, shapes));
  }
}

test("several reductions of one kernel over several bands each keep to their own partial sums", () => {
  compare({
    text: [
      "a = colsum(g)\nb = colmean(p*g)\nc = colmax(p)\nd = colnorm(g - p)\ne = colrms(p)",
      "r = rowmean(g)\ns = rowmax(p)",
      "p = (g - b)*(1 + abs(r)) + a/rows - 0.1*c + d*0.01 - e + s",
    ].join("\n"),
    slots: { a: column, b: column, c: column, d: column, e: column, r: row, s: row },
  }, [[401, 420], [2, 201, 701], [5, 7], [45_001, 3]]);
});

test("factored moments over several bands are what a naive evaluator gives", () => {
  compare({
    text:
      "s = g*g + 0.001\nr = 0.5*r + 0.5*rowmean(s)\nc = 0.5*c + 0.5*colmean(s)\nu = g/sqrt(r/colmean(r))/sqrt(c)\nu /= max(1, rms(u))\np -= u",
    slots: { r: row, c: column },
  }, [[523, 300], [2, 201, 701]]);
});

test("sums of long vectors and of many matrices are what a naive evaluator gives, and the same in float64 on all backends", () => {
  const slots = Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [name, { shape: "scalar", dtype: "float32" } as const]));
  const rule = { text: "a = sum(g)\nb = mean(g*p)\nc = norm(p)\nd = rms(g - p)\ne = max(-abs(g))", slots };
  const shapes = [[200_003], [65_537], [65_536], [7], [900, 301], [3000, 7, 9]];
  const [first, ...others] = backends.map(([name, threads]) => kernels(name, threads, rule, shapes));
  assertNear(first, naive(rule, shapes), "js");
  for (const other of others) assertEquals(other, first);
});

// ---- waves

/** More elements than a wave holds, so that rounds which wait for no sum over tensors take some tensors at a time. */
const manyTensors: Shapes = [[400, 512], [300, 700], [77], [200_003], [600, 400], [2, 3, 50_000], [500, 401], [1], [180, 999]];

const overAll: Readonly<Record<string, string>> = {
  "in the second round": "n = norm(g)\nh = g/n\nk = allnorm(h)\np -= h/k",
  "in the second round, of another kind, twice": "n = norm(g)\nh = g/n\nk = allsum(abs(h))\nl = allmax(h)\np -= h/k + l*p",
  "in the third round": "n = norm(g)\nh = g/n\nx = rms(h*p)\nk = allmean(h*h/x)\np -= h/k",
  "in the first round, and again in a later one": "a = allnorm(g)\nh = g/a\nn = max(abs(h))\nk = allsum(h*h/n)\np -= h/k",
};

for (const [when, text] of Object.entries(overAll)) {
  test(`A sum over more tensors than a wave holds, ${when}, counts them all`, () => {
    assert(manyTensors.reduce((sum, shape) => sum + extentOf(shape).size, 0) > 1.2 * 2 ** 20);
    // How sums over tensors are gathered is the same code for all backends.
    compare({ text, slots: {} }, manyTensors, backends.slice(-1));
  });
}

/**
 * 16-bit tensors on every backend: all 65,536 patterns in, all kinds of numbers out, rounding at each assignment. What the patterns mean is
 * half_test.ts's business; here kernels are held against half.ts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { narrowArray, widenArray } from "../../kernels/half.ts";
import { roundTo } from "../../kernels/tables/dtypes.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { BackendName, DType, SlotType, Tensor } from "../../kernels/types.ts";
import { random } from "./random_text.ts";

type Narrow = "bfloat16" | "float16";
const narrow: readonly Narrow[] = ["bfloat16", "float16"];
const patterns = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

const isNaNPattern = (dtype: Narrow, bits: number): boolean => (bits & 0x7fff) > (dtype === "bfloat16" ? 0x7f80 : 0x7c00);

/** Fails where two lists of patterns differ; any NaN equals any NaN. */
function assertPatterns(dtype: Narrow, actual: Uint16Array, expected: Uint16Array): void {
  const at = actual.findIndex((bits, i) => bits !== expected[i] && !(isNaNPattern(dtype, bits) && isNaNPattern(dtype, expected[i])));
  assert(at < 0, `[${at}] is ${actual[at]}, not ${expected[at]}`);
  assertEquals(actual.length, expected.length);
}

function assertNumbers(actual: Float32Array, expected: Float32Array): void {
  const at = actual.findIndex((x, i) => !Object.is(x, expected[i]) && !(x !== x && expected[i] !== expected[i]));
  assert(at < 0, `[${at}] is ${actual[at]}, not ${expected[at]}`);
  assertEquals(actual.length, expected.length);
}

const widened = (dtype: Narrow, bits: Uint16Array): Float32Array => {
  const numbers = new Float32Array(bits.length);
  widenArray(dtype, bits, numbers);
  return numbers;
};

const narrowed = (dtype: Narrow, numbers: Float32Array): Uint16Array => {
  const bits = new Uint16Array(numbers.length);
  narrowArray(dtype, numbers, bits);
  return bits;
};

/** Numbers that are hard to round: every pattern's value, its neighbours, the halves between two, and any bits at all. */
function hard(dtype: Narrow): Float32Array {
  const values = widened(dtype, patterns);
  const words = new Int32Array(values.buffer);
  const drop = dtype === "bfloat16" ? 16 : 13;
  const r = random(3);
  const out = new Int32Array(5 * values.length + 50_000);
  words.forEach((word, i) =>
    out.set([word, word - 1, word + 1, word + (1 << (drop - 1)), word + (1 << (drop - 1)) - 1 + r.below(3)], 5 * i)
  );
  for (let i = 5 * values.length; i < out.length; i++) out[i] = r.below(65_536) << 16 | r.below(65_536);
  // Steps among float16's subnormal numbers are wider than a float32's bits suggest.
  for (let i = 0; i < 20_000; i++) {
    out[5 * values.length + i] = 0x33000000 - 0x01000000 + r.below(0x07000000) | (r.chance(0.5) ? 0x80000000 : 0);
  }
  return new Float32Array(out.buffer);
}

/** Runs one text over tensors given by key, with slots of these types; returns the tensors. */
function runOnce(
  backend: KernelBackend,
  text: string,
  shape: readonly number[],
  slots: Readonly<Record<string, SlotType>>,
  given: Readonly<Record<string, { readonly dtype: DType; readonly data: Float32Array | Uint16Array }>>,
  t = 1,
): Record<string, Tensor> {
  const keys = Object.keys(given);
  const memory = backend.reserve([], keys.map((key) => ({ shape: [given[key].data.length], dtype: given[key].dtype })));
  keys.forEach((key, i) => memory[i].data.set(given[key].data));
  const tensors = Object.fromEntries(keys.map((key, i) => [key, memory[i]]));
  const program = compile(parse(text, "r"), { scopes: { r: { slots, scalars: [] } }, p: given.p?.dtype, g: given.g?.dtype });
  const plan = backend.plan([{ program, extent: extentOf(shape), tensors, scalarSlots: new Map(), groupSlots: new Map() }]);
  plan.run([{ t }]);
  plan.dispose();
  return tensors;
}

const names: readonly BackendName[] = ["js", "wasm", "threads"];

for (const name of names.filter((name) => available().includes(name))) {
  for (const dtype of narrow) {
    test(`${name} loads all 65,536 patterns of ${dtype} as elements, rows, columns and matrices`, () => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      const values = widened(dtype, patterns);
      const zeros = (n: number) => ({ dtype: "float32" as const, data: new Float32Array(n) });
      const of = (shape: SlotType["shape"]): Readonly<Record<string, SlotType>> => ({ s: { shape, dtype } });
      const given = (n: number) => ({ p: zeros(n), "r/s": { dtype, data: patterns } });
      assertNumbers(runOnce(backend, "p = s", [65_536], of("param"), given(65_536)).p.data as Float32Array, values);
      // Three columns: every number of a row stands three times, in the vector loop or in the tail.
      const three = Float32Array.from({ length: 3 * 65_536 }, (_, i) => values[Math.floor(i / 3)]);
      assertNumbers(runOnce(backend, "p = s", [65_536, 3], of("row"), given(3 * 65_536)).p.data as Float32Array, three);
      assertNumbers(runOnce(backend, "p = s", [65_536, 1, 3], of("batch"), given(3 * 65_536)).p.data as Float32Array, three);
      const twice = Float32Array.from({ length: 2 * 65_536 }, (_, i) => values[i % 65_536]);
      assertNumbers(runOnce(backend, "p = s", [2, 65_536], of("col"), given(2 * 65_536)).p.data as Float32Array, twice);
      // Rows of three have no whole vector: elements and columns go one by one.
      const more = Uint16Array.from({ length: 3 * 21_846 }, (_, i) => i);
      const tails = { p: zeros(more.length), "r/s": { dtype, data: more }, "r/z": zeros(21_846) };
      const slots = (shape: SlotType["shape"]) => ({ ...of(shape), z: { shape: "row", dtype: "float32" } } as const);
      const positive = widened(dtype, more).map((x) => x + 0);
      assertNumbers(runOnce(backend, "p = s + 0*z", [21_846, 3], slots("param"), tails).p.data as Float32Array, positive);
      assertNumbers(runOnce(backend, "p = s + 0*z", [21_846, 1, 3], slots("col"), tails).p.data as Float32Array, positive);
    });

    test(`${name} stores every kind of float32 as the nearest ${dtype}`, () => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      const numbers = hard(dtype);
      const expected = narrowed(dtype, numbers);
      const n = numbers.length;
      const given = { p: { dtype, data: new Uint16Array(n) }, g: { dtype: "float32" as const, data: numbers } };
      assertPatterns(dtype, runOnce(backend, "p = g", [n], {}, given).p.data as Uint16Array, expected);
      // A tail of one to seven: the same numbers in rows of seven.
      const rows = Math.floor(n / 7);
      const cut = { p: { dtype, data: new Uint16Array(7 * rows) }, g: { dtype: "float32" as const, data: numbers.subarray(0, 7 * rows) } };
      const slots = { s: { shape: "row", dtype: "float32" } } as const;
      const sevens = runOnce(backend, "p = g + 0*s", [rows, 7], slots, {
        ...cut,
        "r/s": { dtype: "float32", data: new Float32Array(rows) },
      });
      const plus = numbers.subarray(0, 7 * rows).map((x) => x + 0);
      assertPatterns(dtype, sevens.p.data as Uint16Array, narrowed(dtype, plus));
    });

    test(`${name} gives every pattern of ${dtype} back that it only passes on`, () => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      const given = { p: { dtype, data: new Uint16Array(65_536) }, g: { dtype, data: patterns } };
      assertPatterns(dtype, runOnce(backend, "p = g", [65_536], {}, given).p.data as Uint16Array, patterns);
    });

    test(`${name} rounds to ${dtype} at each assignment to p or a slot, and not between`, () => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      const n = 1003;
      const r = random(5);
      const numbers = (scale: number) => Float32Array.from({ length: n }, () => (r.unit() - 0.5) * scale);
      const p = narrowed(dtype, numbers(2));
      const g = numbers(1);
      const m = narrowed(dtype, numbers(1));
      const slots = { m: { shape: "param", dtype }, v: { shape: "param", dtype: "float32" } } as const;
      const made = runOnce(backend, "m = m + g/7\nv = m*3\nu = g/7\nv += u\np -= 0.01*u\np -= m/9\nn = norm(p)\nv += p/n", [n], slots, {
        p: { dtype, data: p },
        g: { dtype: "float32", data: g },
        "r/m": { dtype, data: m },
        "r/v": { dtype: "float32", data: new Float32Array(n) },
      });
      const f = Math.fround;
      const to = (x: number): number => roundTo(dtype, f(x));
      const before = widened(dtype, p);
      const m1 = widened(dtype, m).map((m, i) => to(m + f(g[i] / 7)));
      const p1 = before.map((p, i) => to(to(p - f(f(0.01) * f(g[i] / 7))) - f(m1[i] / 9)));
      const norm = f(Math.sqrt(p1.reduce((a, x) => a + x * x, 0)));
      assertNumbers(widened(dtype, made["r/m"].data as Uint16Array), m1);
      assertNumbers(widened(dtype, made.p.data as Uint16Array), p1);
      assertNumbers(made["r/v"].data as Float32Array, m1.map((m, i) => f(f(f(m * 3) + f(g[i] / 7)) + f(p1[i] / norm))));
    });

    test(`${name} rounds numbers and elements to ${dtype} by round()`, () => {
      using backend = createBackend(name, { threads: 2 }) as KernelBackend;
      const g = hard(dtype).subarray(0, 4099);
      const made = runOnce(backend, "v = round(g)\nw = round(t/3)", [g.length], {
        v: { shape: "param", dtype: "float32" },
        w: { shape: "param", dtype: "float32" },
      }, {
        p: { dtype, data: new Uint16Array(g.length) },
        g: { dtype: "float32", data: g },
        "r/v": { dtype: "float32", data: new Float32Array(g.length) },
        "r/w": { dtype: "float32", data: new Float32Array(g.length) },
      }, 2);
      assertNumbers(made["r/v"].data as Float32Array, g.map((x) => roundTo(dtype, x)));
      assertNumbers(made["r/w"].data as Float32Array, g.map(() => roundTo(dtype, Math.fround(2 / 3))));
    });
  }
}

/** What crosses from one pass over a block to the next, by what is the matter with it. */
const crossing: readonly (readonly [what: string, text: string])[] = [
  ["a comparison that several passes ask", "c = g < v\nm = m + g\nd = round(m/3)\np = where(c, d, p)\nv = where(c, m, 3*v)"],
  ["a number that only fma asks for", "m = m + g\np = fma(p, 3 - t, t)\nv = fma(m, g, v)"],
  ["a slot that is stored early and read late", "d = v\nv = 3*g\nm = round(round(m + g)/3)\np = m + d"],
  [
    "a sum of what is rounded, and one of what is not",
    "m = m + g\nu = m/3\np = round(round(u) + 1)/2\nn = sum(u)\nk = sum(p)\nv = n*g + k",
  ],
  ["a number that is left for two passes", "d = g/3\nm = m + d\np = round(p*m) + d\nv = v + d"],
];

for (const name of names.filter((name) => name !== "js" && available().includes(name))) {
  for (const dtype of narrow) {
    for (const [what, text] of crossing) {
      test(`${name} passes on ${what}, over blocks and a tail, in ${dtype}`, () => {
        const n = 2 * 256 + 15;
        const r = random(7);
        const numbers = () => Float32Array.from({ length: n }, () => (r.unit() - 0.5) * 4);
        const given = {
          p: { dtype, data: narrowed(dtype, numbers()) },
          g: { dtype, data: narrowed(dtype, numbers()) },
          "r/m": { dtype, data: narrowed(dtype, numbers()) },
          "r/v": { dtype: "float32" as const, data: numbers() },
        };
        const slots = { m: { shape: "param", dtype }, v: { shape: "param", dtype: "float32" } } as const;
        const on = (name: BackendName) => {
          using backend = createBackend(name, { threads: 2 }) as KernelBackend;
          const made = runOnce(backend, text, [n], slots, given, 2);
          return ["p", "r/m", "r/v"].map((key) => made[key].data.slice());
        };
        assertEquals(on(name), on("js"));
      });
    }
  }
}

for (const dtype of narrow) {
  test(`${dtype}(x) in a text rounds elements and numbers to ${dtype}, whatever the tensors are`, () => {
    const numbers = hard(dtype);
    const want = Float32Array.from(numbers, (x) => roundTo(dtype, x));
    for (const name of available()) {
      using backend = createBackend(name) as KernelBackend;
      const x = backend.allocate(numbers.length);
      x.data.set(numbers);
      backend.run(`x = ${dtype}(x)`, { x });
      assertNumbers(x.data, want);
      const n = backend.allocate(1);
      backend.run(`n = ${dtype}(a) - a`, { n }, { a: 1 + 2 ** -12 });
      assertEquals(n.data[0], -(2 ** -12), name);
    }
  });
}

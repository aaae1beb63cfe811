/**
 * Matrix lines: products and transposes of whole matrices, on every backend and any number of threads with the same bits.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createThreads, unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import { compileAhead } from "../../kernels/backends/wasm/ahead.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { compile } from "../../kernels/language/compile.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Backend, DType, SlotType } from "../../kernels/types.ts";
import { caseOf, type Left, runKernels, runNaive } from "./random_run.ts";
import { type Random, random } from "./random_text.ts";

/** Every way to run: each backend, and threads that always share. */
const runners: readonly (readonly [name: string, make: () => KernelBackend])[] = [
  ...available().filter((name) => name !== "threads").map((name) => [name, () => createBackend(name) as KernelBackend] as const),
  ...(available().includes("threads") ? [1, 2, 3] : []).map((threads) =>
    [`${threads} threads`, () => createThreads({ threads }, 0)] as const
  ),
];

// ---- against loops

/** Numbers of every size, also such whose products and sums are rounded. */
function numbers(n: number, seed: number): Float32Array {
  const r = random(seed);
  return Float32Array.from({ length: n }, (_, i) => i % 23 === 7 ? 0 : (r.unit() - 0.5) * (i % 31 === 3 ? 1e4 : i % 29 === 11 ? 1e-39 : 2));
}

/** z = x y for `batch` matrices of m x k and k x n. */
function product(x: Float32Array, y: Float32Array, [batch, m, k, n]: readonly [number, number, number, number]): Float32Array {
  const z = new Float32Array(batch * m * n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum = Math.fround(sum + Math.fround(x[(b * m + i) * k + l] * y[(b * k + l) * n + j]));
        z[(b * m + i) * n + j] = sum;
      }
    }
  }
  return z;
}

function transposed(x: Float32Array, [batch, m, n]: readonly [number, number, number]): Float32Array {
  const z = new Float32Array(x.length);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) z[(b * n + j) * m + i] = x[(b * m + i) * n + j];
  }
  return z;
}

// Sides about the widths of vectors (4), panels (3 rows, 12 columns) and tiles (258, 48; 256); without elements; batches.
const shapes: readonly (readonly [batch: number, rows: number, cols: number])[] = [
  ...[[1, 1, 1], [1, 1, 9], [1, 7, 1], [1, 3, 5], [1, 3, 12], [1, 5, 11], [1, 12, 4], [1, 47, 49], [1, 66, 37], [1, 257, 9]],
  ...[[1, 13, 261], [1, 260, 36], [3, 5, 6], [5, 1, 3], [2, 33, 17], [0, 3, 4], [2, 0, 5], [2, 5, 0]],
] as [number, number, number][];

for (const [name, make] of runners) {
  test(`${name}: products and transposes have the bits of three loops, for all sides`, () => {
    using backend = make();
    for (const shape of shapes) {
      const [batch, rows, cols] = shape;
      const size = batch * rows * cols;
      const [x, left, right, back] = Array.from({ length: 4 }, () => backend.allocate(shape));
      const from = numbers(size, rows + cols);
      x.data.set(from);
      for (const one of [left, right, back]) one.data.fill(7);
      const text = [
        "y = transpose(x)",
        "A = matmul(x, y)", // rows x rows
        "left = matmul(A, x)",
        "B = matmul(y, x)", // cols x cols
        "right = matmul(x, B)",
        "back = transpose(y)",
      ].join("\n");
      // Twice: what a plan keeps in its memory must not reach the next run.
      for (let run = 0; run < 2; run++) backend.run(text, { x, left, right, back });
      const y = transposed(from, shape);
      const a = product(from, y, [batch, rows, cols, rows]);
      const b = product(y, from, [batch, cols, rows, cols]);
      assertEquals(left.data, product(a, from, [batch, rows, rows, cols]), `A x of [${shape}]`);
      assertEquals(right.data, product(from, b, [batch, rows, cols, cols]), `x B of [${shape}]`);
      assertEquals(back.data, from, `[${shape}]`);
      for (const one of [x, left, right, back]) backend.release(one);
    }
  });
}

test("NaN and infinity spread along their rows and columns and no farther, also beside columns that fill no panel", () => {
  for (const [name, make] of runners) {
    using backend = make();
    const [x, z] = [backend.allocate([9, 11]), backend.allocate([9, 11])];
    x.data.set(numbers(99, 1));
    x.data[4 * 11 + 10] = Infinity;
    x.data[2 * 11 + 3] = NaN;
    backend.run("y = transpose(x)\nA = matmul(x, y)\nz = matmul(A, x)", { x, z });
    const y = transposed(x.data, [1, 9, 11]);
    // Any NaN equals any NaN.
    assertEquals([...z.data], [...product(product(x.data, y, [1, 9, 11, 9]), x.data, [1, 9, 9, 11])], name);
  }
});

test("threads share the tiles of one product, and the workers really work", () => {
  if (!available().includes("threads")) return;
  using backend = createThreads({ threads: 3 }, 0);
  using js = createBackend("js");
  const results = [js, backend].map((one) => {
    const x = one.allocate([300, 200]);
    x.data.set(numbers(60_000, 3));
    for (let k = 0; k < 30; k++) one.run("y = transpose(x)\nA = matmul(x, y)\nB = matmul(A, x)\nx = B/max(B)", { x });
    return x.data;
  });
  assertEquals(results[1], results[0]);
  assert(unitsByWorkers.get(backend)!() > 0);
});

// ---- against the naive evaluator

const quintic = (steps: number): string =>
  Array.from(
    { length: steps },
    () => "XT = transpose(X)\nA = matmul(X, XT)\nA2 = matmul(A, A)\nB = -4.775*A + 2.0315*A2\nBX = matmul(B, X)\nX = 3.4445*X + BX",
  ).join("\n");

const newtonSchulz = (steps: number): string =>
  `o = 0.9*m + 0.1*g\nm = o\nX = o/(1 + max(abs(o)))*0.2\n${quintic(steps)}\np -= 0.01*X + 0.001*p\nm = m + 0*max(X)`;

/** Texts by what they try; `square`: for square tensors alone. */
const texts: readonly (readonly [what: string, text: string, square?: boolean])[] = [
  ["steps of Newton-Schulz", newtonSchulz(2)],
  [
    "a gradient and a parameter that a routine reads, which are rebound and stored",
    "g = g*2\nx = transpose(g)\nA = matmul(p, x)\np = matmul(A, p)",
  ],
  [
    "a routine that reads p and m before they are stored",
    "A = transpose(p)\nB = transpose(m)\nC = matmul(B, p)\nm = matmul(p, C)\np = m - p",
  ],
  ["a result that is stored twice and read once more", "A = transpose(g)\nB = transpose(A)\np = B\nm = B\np = p + B"],
  [
    "a matrix that rows and columns go into",
    "r = rowmax(g)\nc = colmax(p)\nx = g*r - c\ny = transpose(x)\nA = matmul(y, x)\nz = matmul(x, A)\np = z*r + c",
  ],
  [
    "a maximum of a made matrix, and numbers",
    "x = transpose(p)\nA = matmul(p, x)\nk = max(abs(A))\nA = A/(1 + k)\nz = matmul(A, g)\np = z - k*t",
  ],
  [
    "sides that agree where the tensor is square",
    "A = matmul(p, g)\nx = transpose(A)\nB = x + m - A\nm = x\np = matmul(B, g)\nk = max(B)\np = p + k",
    true,
  ],
  ["a parameter that is stored without waiting for the routine that reads it", "A = matmul(p, g)\ns = max(A)\np = g*0.5", true],
  ["one matrix on both sides", "A = matmul(g, g)\np = matmul(A, A)\nm = A", true],
  [
    "reductions along rows and columns of made matrices, which sort them and the tensor's",
    [
      "x = transpose(g)",
      "A = matmul(g, x)",
      "B = matmul(x, p)",
      "r = rowsum(A)",
      "c = colmax(B)",
      "d = -rowrms(x)",
      "e = colmean(x)",
      ...["ro = argsort(r)", "co = argsort(c)", "do = argsort(d)", "eo = argsort(e)"],
      ...["A = gather(A, ro)", "x = gather(x, eo)", "g = gather(g, co)", "p = gather(p, do)"],
      ...["y = matmul(A, p)", "x = transpose(x)", "p = y + x*0.5 + c*0.1 - r*0.1", "m = g"],
    ].join("\n"),
  ],
  [
    "orthogonal matrices and eigenvectors",
    "x = transpose(g)\nA = matmul(g, x)\nQ = qr(A)\nE = eigh(A)\nB = Q + E\np = matmul(B, p)\nm = matmul(Q, g)",
  ],
  ["what is no place in an order", "r = colsum(g)*3\ng = gather(g, r)\np = where(g < 5, g, 1)"],
];

const slots: Readonly<Record<string, SlotType>> = { m: { shape: "param", dtype: "float32" }, s: { shape: "scalar", dtype: "float32" } };
const small: readonly (readonly number[])[] = [[3, 5], [5, 3], [9], [2, 4, 3], [33, 34]];
const squares: readonly (readonly number[])[] = [[5, 5], [3, 2, 2], [37, 37]];

/** Arrays as lists of numbers: any NaN equals any NaN. */
const listed = (left: Left): [string, number | number[]][] => [...left].map(([key, x]) => [key, typeof x === "number" ? x : [...x]]);

for (const [name, make] of runners) {
  test(`${name}: matrix lines agree with the naive evaluator`, () => {
    using backend = make();
    for (const [what, text, square = false] of texts) {
      for (const [p, g] of [["float32", "float32"], ["bfloat16", "bfloat16"], ["float16", "float32"]] as [DType, DType][]) {
        const own = p === "bfloat16" ? { ...slots, m: { shape: "param", dtype: p } } as const : slots;
        const sample = caseOf(text, own, square ? squares : small, p, g);
        assertEquals(listed(runKernels(backend, sample, 3)), listed(runNaive(sample, 3)), `${what}, ${p}`);
      }
    }
  });
}

/** Lines at random: products, transposes and what lies between, over matrices whose sides fit. In square tensors all do. */
function randomLines(r: Random, square: boolean): string {
  const sides = new Map([["p", "rc"], ["g", "rc"], ["m", "rc"]]);
  const lines: string[] = [];
  const pick = (fits: (sides: string) => boolean): string | undefined => {
    const names = [...sides].filter(([, own]) => fits(own)).map(([name]) => name);
    return names.length === 0 ? undefined : r.pick(names);
  };
  for (let k = 0; k < 12; k++) {
    const a = pick(() => true)!;
    const own = sides.get(a)!;
    const kind = r.pick(["matmul", "matmul", "transpose", "mix", "mix", "max", "store", "whole", "sort"]);
    const target = r.pick(["A", "B", "C", "D", "E"]);
    if (kind === "matmul") {
      const b = pick((other) => square || other[0] === own[1]);
      if (b === undefined) continue;
      const made = own[0] + sides.get(b)![1];
      lines.push(`${target} = matmul(${a}, ${b})`, `${target} = ${target}*0.25`);
      sides.set(target, made);
    } else if (kind === "transpose") {
      lines.push(`${target} = transpose(${a})`);
      sides.set(target, own[1] + own[0]);
    } else if (kind === "mix") {
      lines.push(`${target} = 0.5*${a} - ${pick((other) => square || other === own)!}*0.75`);
      sides.set(target, own);
    } else if (kind === "whole") {
      if (!square && own[0] !== own[1]) continue;
      lines.push(`${target} = ${r.pick(["qr", "eigh"])}(${a})`);
      sides.set(target, own);
    } else if (kind === "sort") {
      lines.push(`o = ${r.pick(["rowsum", "colmax", "colrms"])}(${a})`, "o = argsort(o)");
      const along = lines.at(-2)!.includes("row") ? own[0] : own[1];
      if (!square && along !== own[1]) continue;
      lines.push(`${target} = gather(${a}, o)`);
      sides.set(target, own);
    } else if (kind === "max") {
      lines.push(`k = max(${a})`, `${a} = ${a}/(1 + abs(k))`);
    } else {
      const stored = pick((other) => square || other === "rc")!;
      lines.push(`${r.pick(["p", "m", "g"])} = ${stored}*0.5`);
    }
  }
  return lines.join("\n");
}

for (const [name, make] of runners) {
  test(`${name}: random matrix lines agree with the naive evaluator`, () => {
    using backend = make();
    for (let seed = 1; seed <= 60; seed++) {
      const r = random(seed);
      const square = r.chance(0.3);
      const text = randomLines(r, square);
      const [p, g] = r.pick([["float32", "float32"], ["bfloat16", "bfloat16"], ["float16", "float32"]] as [DType, DType][]);
      const sample = caseOf(text, slots, square ? [[5, 5], [2, 4, 4]] : [[3, 5], [2, 7, 4]], p, g);
      assertEquals(listed(runKernels(backend, sample, seed)), listed(runNaive(sample, seed)), `seed ${seed}, ${p}:\n${text}`);
    }
  });
}

// ---- how it is laid out

const programOf = (text: string, p: DType = "float32"): Program =>
  compile(parse(text, "r"), { scopes: { r: { slots, scalars: ["lr"] } }, p, g: p });

test("explain shows routines, and what is copied for them", () => {
  const text = "x = g*2\ny = transpose(x)\nA = matmul(x, y)\nB = lr*A\nz = matmul(B, g)\np -= z";
  assertEquals(
    programOf(text).explain(),
    [
      "pass 1: read g, write x",
      "pass 2: y = transpose(x)",
      "pass 3: A = matmul(x, y)",
      "pass 4: read A, write B",
      "pass 5: z = matmul(B, g)",
      "pass 6: read p z, write p",
    ].join("\n"),
  );
  // What has 16 bits is copied, and a tensor of float32 is read where it lies.
  assertEquals(programOf("y = transpose(g)\nz = transpose(y)\np -= z", "bfloat16").explain().split("\n")[0], "pass 1: read g, write g");
  assertEquals(programOf("y = transpose(g)\nz = transpose(y)\np -= z").explain().split("\n")[0], "pass 1: y = transpose(g)");
});

test("more steps of the same lines need no more memory", () => {
  assertEquals(programOf(newtonSchulz(6)).buffers, programOf(newtonSchulz(2)).buffers);
});

/** What is left of scratch when all plans are gone: the code of kernels, for workers. */
const codeBytes = 16_384;

/** A plan of one text over some tensors, with what it needs beside them. */
function planned(backend: KernelBackend, text: string, shape: readonly number[], count: number) {
  const program = compile(parse(text, "r"), { scopes: { r: { slots: {}, scalars: [] } }, p: "float32", g: "float32" });
  const tensors = Array.from({ length: count }, () => ({ p: backend.allocate(shape), g: backend.allocate(shape) }));
  const items = tensors.map((tensors) => ({ program, extent: extentOf(shape), tensors, scalarSlots: new Map(), groupSlots: new Map() }));
  const plan = backend.plan(items);
  return { tensors, plan, scratch: backend.usage().scratch };
}

test("matrices of tensors that follow each other lie in the same memory, and no tensor reads another's", () => {
  const shape = [1024, 1024]; // a wave each
  for (const [name, make] of runners.filter(([name]) => name !== "1 threads" && name !== "3 threads")) {
    using backend = make();
    const text = "y = transpose(g)\nz = 2*y\nw = transpose(z)\np -= w";
    const { tensors, plan, scratch } = planned(backend, text, shape, 3);
    const size = 1024 * 1024;
    if (backend.name !== "js") assert(scratch < 4 * 4 * size, `${name}: ${scratch} bytes`);
    tensors.forEach(({ g }, k) => g.data.forEach((_, i) => g.data[i] = (i + k) % 1000));
    plan.run(tensors.map(() => ({ t: 1 })));
    tensors.forEach(({ p }, k) => assert(p.data.every((x, i) => x === -2 * ((i + k) % 1000)), `${name}: tensor ${k}`));
    plan.dispose();
    assert(backend.usage().scratch < codeBytes);
  }
});

test("matrices that are read after a sum over all tensors are still there", () => {
  const shape = [1024, 1024];
  for (const [name, make] of runners.slice(0, 1)) {
    using backend = make();
    const text = "y = transpose(g)\nn = allmax(y)\nw = transpose(y)\np -= w/n";
    const { tensors, plan } = planned(backend, text, shape, 3);
    tensors.forEach(({ g }, k) => g.data.forEach((_, i) => g.data[i] = (i + k) % 1000 - 998 * k));
    plan.run(tensors.map(() => ({ t: 1 })));
    tensors.forEach(({ p, g }, k) =>
      assert(p.data.every((x, i) => x === Math.fround(-Math.fround(g.data[i] / 999))), `${name}: tensor ${k}`)
    );
    plan.dispose();
  }
});

test("what routines need of a thread's own memory is there once, however often they are called", () => {
  if (!available().includes("wasm")) return;
  for (const [, make] of runners.filter(([name]) => name !== "js")) {
    using backend = make();
    const once = planned(backend, "A = qr(g)\np -= A", [120, 100], 2);
    once.plan.dispose();
    const often = planned(backend, "A = qr(g)\nB = qr(A)\nC = qr(B)\nD = qr(C)\np -= D", [120, 100], 2);
    // One matrix more for each tensor, and the records of three calls more.
    assert(often.scratch - once.scratch < 2 * 4 * 120 * 100 + 4096, `${once.scratch}, then ${often.scratch}`);
    often.plan.dispose();
    assert(backend.usage().scratch < codeBytes);
  }
});

test("routines can be compiled ahead", () => {
  if (!available().includes("wasm")) return;
  const use = (size: number) => (backend: Backend): Float32Array => {
    const x = numbers(size * size, 1);
    backend.run("y = transpose(x)\nx = matmul(x, y)", { x: { data: x, shape: [size, size] } });
    return x;
  };
  const found = compileAhead(use(2));
  const asked = new Set<string>();
  const modules = Object.fromEntries([...found].map(([name, bytes]) => [name, new WebAssembly.Module(bytes)]));
  using backend = createBackend("wasm", {
    modules: new Proxy(modules, { get: (target, name) => (asked.add(String(name)), Reflect.get(target, name)) }),
  });
  using js = createBackend("js");
  assertEquals(use(40)(backend), use(40)(js));
  assertEquals([...asked].sort(), [...found.keys()].sort());
});

test("a routine that cannot be compiled runs in JavaScript over the same memory", () => {
  if (!available().includes("wasm")) return;
  const text = "y = transpose(x)\nA = matmul(x, y)\nx = matmul(A, x)";
  const results = ["js", "wasm"].map((name) => {
    using backend = createBackend(name as "js", name === "wasm" ? { modules: {} } : {});
    const x = backend.allocate([2, 9, 5]);
    x.data.set(numbers(90, 4));
    const { Module } = WebAssembly;
    try {
      WebAssembly.Module = function () {
        throw new WebAssembly.CompileError("forbidden");
      } as unknown as typeof WebAssembly.Module;
      backend.run(text, { x });
    } finally {
      WebAssembly.Module = Module;
    }
    return x.data;
  });
  assertEquals(results[1], results[0]);
});

// ---- mistakes

const mistakes: readonly (readonly [text: string, name: string, message: string])[] = [
  ["p = g + matmul(p, g)", "matmul", "matmul must stand on a line of its own, as name = matmul(…)"],
  ["A = matmul(g, transpose(g))", "matmul", "matmul takes names"],
  ["A = matmul(g, 2*g)", "matmul", "matmul takes names"],
  ["p += matmul(p, g)", "matmul", "matmul must stand on a line of its own"],
  ["A = transpose(lr)", "lr", `transpose takes matrices, and "lr" is a number`],
  ["r = rowsum(g)\nA = transpose(r)", "r", `transpose takes matrices, and "r" is a value per row`],
  ["A = transpose(q)", "q", `"q" has no value here`],
  ["A = matmul(g)", "matmul", "matmul takes 2 argument(s), not 1"],
  ["A = transpose(g)\nr = rowsum(g)\nB = A + r", "B", "a matrix of cols x rows does not go with a value per row"],
  ["r = rowsum(g)\nA = gather(g, g)", "g", `gather has a value per row or column as its order, and "g" is a matrix`],
  ["r = rowsum(g)\nA = gather(r, r)", "r", `gather takes matrices, and "r" is a value per row`],
  ["o = argsort(g)", "g", `argsort has a value per row or column as its numbers, and "g" is a matrix`],
  ["b = mean(g)\no = argsort(b)", "b", `argsort has a value per row or column as its numbers, and "b" is a number`],
  ["p -= qr(g)", "qr", "qr must stand on a line of its own, as name = qr(…)"],
  ["A = eigh(g + g)", "eigh", "eigh takes names"],
  ["A = transpose(g)\nk = pow(A, 2)", "pow", "pow takes numbers, not a value per element"],
  ["p = g % 2", "%", "% takes numbers, not a value per element"],
];

for (const [text, name, message] of mistakes) {
  test(`${JSON.stringify(text)} is refused: ${message}`, () => {
    const error = assertThrows(() => programOf(text), SyntaxError) as SyntaxError & { line: number };
    assertStringIncludes(error.message, message);
    assertEquals([error.name, error.line], [name, text.split("\n").length]);
  });
}

test("a text whose matrices agree in square tensors alone is refused for others when it is laid out, before anything is written", () => {
  for (const text of ["x = matmul(x, x)", "y = transpose(x)\nx = y", "y = transpose(x)\nz = x + y\nx = 2*x"]) {
    for (const [, make] of runners) {
      using backend = make();
      const x = new Float32Array([1, 2, 3, 4, 5, 6]);
      const error = assertThrows(() => backend.run(text, { x: { data: x, shape: [2, 3] } }), RangeError);
      assertStringIncludes(error.message, `2 rows and 3 columns`);
      assertEquals([...x], [1, 2, 3, 4, 5, 6]);
      backend.run(text, { x: { data: x.slice(0, 4), shape: [2, 2] } });
      assertEquals(backend.usage(), { ...backend.usage(), allocated: 0 });
    }
  }
});

test("% is what is left of a number, with the sign of the divisor", () => {
  using backend = createBackend("js");
  const cases = [[10, 10, 0], [11, 10, 1], [-1, 10, 9], [1, -10, -9], [-1, -10, -1], [7.5, 2, 1.5], [-0, 3, 0], [5, Infinity, 5], [
    -5,
    Infinity,
    Infinity,
  ]];
  for (const [a, b, rest] of cases) {
    const x = new Float32Array(1);
    backend.run("x = a % b", { x }, { a, b });
    assertEquals(x[0], rest, `${a} % ${b}`);
  }
  for (const [a, b] of [[1, 0], [Infinity, 2], [NaN, 2]]) {
    const x = new Float32Array(1);
    backend.run("x = a % b", { x }, { a, b });
    assertEquals(x[0], NaN);
  }
});

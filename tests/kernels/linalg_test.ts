/**
 * qr and eigh against numpy: what they give, that it is orthogonal, and matrices that have no rank, equal eigenvalues, or no finite numbers.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { eigen, largest, skew, truth } from "./factors.ts";
import { random } from "./random_text.ts";

/** What a routine gives of a matrix, on each backend: the same bits. */
function result(f: "qr" | "eigh", a: Float32Array, shape: readonly number[]): Float32Array {
  const results = available().map((name) => {
    using backend = createBackend(name);
    const z = { data: new Float32Array(a.length), shape };
    backend.run(`Q = ${f}(x)\nz = Q`, { x: { data: a.slice(), shape }, z });
    return z.data;
  });
  for (const other of results) assertEquals([...other], [...results[0]]);
  return results[0];
}

for (const { name, shape, a, q } of truth.qr) {
  test(`qr of a matrix that is ${name} matches numpy's, signs as well`, () => {
    const made = result("qr", Float32Array.from(a), shape);
    assert(largest(made.map((x, i) => x - q[i])) < 3e-6, `${[...made]}`);
    assert(skew(made, ...shape) < 1e-6);
  });
}

for (const { name, n, a, values } of truth.eigh) {
  test(`eigh of a matrix that is ${name} gives eigenvectors of numpy's eigenvalues, the least first`, () => {
    const matrix = Float32Array.from(a);
    const made = result("eigh", matrix, [n, n]);
    const found = eigen(matrix, made, n);
    const size = largest(values);
    assert(skew(made, n, n) < 2e-6);
    assert(found.residual <= 2e-6 * size, `${found.residual} of ${size}`);
    found.values.forEach((value, i) => assert(Math.abs(value - values[i]) <= 2e-6 * size, `${value}, not ${values[i]}`));
  });
}

test("qr of a matrix without full rank is orthogonal all the same, and spans its columns", () => {
  const r = random(4);
  const [rows, cols] = [12, 7];
  const factors = Array.from({ length: 2 }, () => Float32Array.from({ length: 12 * 2 }, () => r.unit() - 0.5));
  const a = Float32Array.from(
    { length: rows * cols },
    (_, at) =>
      factors[0][2 * Math.floor(at / cols)] * factors[1][2 * (at % cols)] +
      factors[0][2 * Math.floor(at / cols) + 1] * factors[1][2 * (at % cols) + 1],
  );
  const q = result("qr", a, [rows, cols]);
  assert(skew(q, rows, cols) < 1e-6);
  for (let j = 0; j < cols; j++) {
    const parts = Array.from({ length: cols }, (_, k) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += q[i * cols + k] * a[i * cols + j];
      return sum;
    });
    for (let i = 0; i < rows; i++) {
      const back = parts.reduce((sum, part, k) => sum + part * q[i * cols + k], 0);
      assert(Math.abs(back - a[i * cols + j]) < 1e-6);
    }
  }
});

test("matrices of zeros have the identity", () => {
  const identity = (rows: number, cols: number): number[] =>
    Array.from({ length: rows * cols }, (_, at) => Math.floor(at / cols) === at % cols ? 1 : 0);
  assertEquals([...result("qr", new Float32Array(15), [5, 3])], identity(5, 3));
  assertEquals([...result("eigh", new Float32Array(16), [4, 4])], identity(4, 4));
});

test("a number that is not finite makes its matrix NaN, and no other matrix of the batch", () => {
  for (const f of ["qr", "eigh"] as const) {
    for (const wrong of [NaN, Infinity, -Infinity]) {
      const a = Float32Array.from({ length: 18 }, (_, i) => Math.sin(i));
      const q = result(f, a, [2, 3, 3]);
      a[9 + 3] = wrong;
      const made = result(f, a, [2, 3, 3]);
      assertEquals([...made.subarray(0, 9)], [...q.subarray(0, 9)]);
      assert(made.subarray(9).every(Number.isNaN), f);
    }
  }
});

test("eigh reads the lower triangle alone", () => {
  const a = Float32Array.from({ length: 16 }, (_, i) => Math.cos(3 * i));
  const b = a.map((x, at) => at % 4 > Math.floor(at / 4) ? NaN : x);
  assertEquals(result("eigh", b, [4, 4]), result("eigh", a, [4, 4]));
});

test("batches, empty matrices and larger sides", () => {
  assertEquals(result("qr", new Float32Array(0), [0, 3, 3]).length, 0);
  assertEquals(result("eigh", new Float32Array(0), [2, 0, 0]).length, 0);
  const n = 70;
  const r = random(9);
  const a = Float32Array.from({ length: 2 * n * n }, () => r.unit() - 0.5);
  const each = result("qr", a, [2, n, n]);
  for (const k of [0, 1]) {
    const alone = result("qr", a.slice(k * n * n, (k + 1) * n * n), [n, n]);
    assertEquals(each.slice(k * n * n, (k + 1) * n * n), alone);
    assert(skew(alone, n, n) < 2e-6);
  }
  const s = Float32Array.from({ length: n * n }, (_, at) => a[at] + a[(at % n) * n + Math.floor(at / n)]);
  const q = result("eigh", s, [n, n]);
  const { values, residual } = eigen(s, q, n);
  assert(skew(q, n, n) < 4e-6 && residual < 4e-6 * largest(values), `${skew(q, n, n)} ${residual}`);
  assertEquals(values, [...values].sort((x, y) => x - y));
});

test("qr of a matrix with more columns than rows is refused before anything is written, with the line", () => {
  using backend = createBackend("js");
  const x = new Float32Array(6).fill(2);
  const error = assertThrows(() => backend.run("x = 2*x\nQ = qr(x)\nx = Q", { x: { data: x, shape: [2, 3] } }), RangeError);
  assertStringIncludes(error.message, "qr on line 2 takes a matrix with at least as many rows as columns");
  assertEquals([...x], [2, 2, 2, 2, 2, 2]);
  backend.run("y = transpose(x)\nQ = qr(y)\nx = transpose(Q)", { x: { data: x, shape: [2, 3] } });
});

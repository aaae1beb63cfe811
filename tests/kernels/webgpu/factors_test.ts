/**
 * qr and eigh on backend "webgpu", against numpy and backend "js": of any sides, of several matrices, without full rank, of zeros, not finite, and twice.
 *
 * @module
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createBackend } from "../../../kernels/backends/create.ts";
import { isDawn } from "../../dawn.ts";
import { gpuTest, missing, onGpu } from "../../webgpu.ts";
import { eigen, largest, skew, truth } from "../factors.ts";
import { random } from "../random_text.ts";
import { factorOnDevice as onDevice } from "./device.ts";

if (missing !== undefined) test.skip(`WebGPU is missing: ${missing}`, () => {});

// SwiftShader compiles them for a minute; in Node builtins_test.ts has them as `soap`.
const factorTest = isDawn ? test.skip : gpuTest;

function onHost(f: "qr" | "eigh", a: Float32Array, shape: readonly number[]): Float32Array {
  using backend = createBackend("js");
  const z = { data: new Float32Array(a.length), shape };
  backend.run(`Q = ${f}(x)\nz = Q`, { x: { data: a.slice(), shape }, z });
  return z.data;
}

const numbers = (length: number, seed: number): Float32Array => {
  const r = random(seed);
  return Float32Array.from({ length }, () => r.unit() - 0.5);
};

/** x xᵀ of a matrix of `rank` columns. */
function gram(n: number, rank: number, seed: number): Float32Array {
  const x = numbers(n * rank, seed);
  return Float32Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += x[Math.max(i, j) * rank + k] * x[Math.min(i, j) * rank + k];
    return sum;
  });
}

factorTest(
  "qr on the device matches numpy's and backend js', signs as well, at sides about those of panels and tiles",
  onGpu(async (backend) => {
    for (const { name, shape, a, q } of truth.qr) {
      const made = await onDevice(backend, "qr", Float32Array.from(a), shape);
      assert(largest(made.map((x, i) => x - q[i])) < 3e-6, name);
    }
    for (const [rows, cols] of [[1, 1], [5, 1], [300, 1], [15, 15], [17, 16], [65, 17], [70, 33], [290, 40]]) {
      const a = numbers(rows * cols, rows);
      const made = await onDevice(backend, "qr", a, [rows, cols]);
      const expected = onHost("qr", a, [rows, cols]);
      assert(largest(made.map((x, i) => x - expected[i])) < 4e-6, `${rows} x ${cols}`);
      assert(skew(made, rows, cols) < 2e-6, `${rows} x ${cols}`);
    }
  }),
);

factorTest(
  "eigh on the device gives eigenvectors of numpy's eigenvalues, the least first, with equal ones and without full rank",
  onGpu(async (backend) => {
    for (const { name, n, a, values } of truth.eigh) {
      const matrix = Float32Array.from(a);
      const made = await onDevice(backend, "eigh", matrix, [n, n]);
      const found = eigen(matrix, made, n);
      const size = largest(values);
      assert(skew(made, n, n) < 2e-6 && found.residual <= 2e-6 * size, `${name}: ${skew(made, n, n)}, ${found.residual} of ${size}`);
      found.values.forEach((value, i) => assert(Math.abs(value - values[i]) <= 2e-6 * size, `${name}: ${value}, not ${values[i]}`));
    }
    for (const [n, rank] of [[1, 1], [2, 1], [17, 17], [32, 3], [33, 33], [50, 7], [70, 70]]) {
      const a = gram(n, rank, n);
      const made = await onDevice(backend, "eigh", a, [n, n]);
      const { values, residual } = eigen(a, made, n);
      const size = largest(values);
      assert(skew(made, n, n) < 3e-6 && residual < 2e-6 * size, `${n} of rank ${rank}: ${skew(made, n, n)}, ${residual} of ${size}`);
      values.forEach((value, i) => assert(i === 0 || value >= values[i - 1] - 1e-6 * size, `${n} of rank ${rank}`));
    }
  }),
);

factorTest(
  "Columns on the device that depend on each other, or differ by 1e26 in size, get orthogonal ones that span them",
  onGpu(async (backend) => {
    const [rows, cols] = [40, 20];
    const two = numbers(rows * 2, 4);
    const low = Float32Array.from({ length: rows * cols }, (_, at) => {
      const [i, j] = [Math.floor(at / cols), at % cols];
      return two[2 * i] * Math.cos(j) + two[2 * i + 1] * Math.sin(j);
    });
    const uneven = numbers(rows * cols, 5).map((x, at) => x * (at % cols % 2 === 0 ? 1e13 : 1e-13));
    for (const a of [low, uneven]) {
      const q = await onDevice(backend, "qr", a, [rows, cols]);
      assert(skew(q, rows, cols) < 2e-6);
      // What is left of a column when its parts along Q's columns are taken off.
      for (let j = 0; j < cols; j++) {
        const column = Array.from({ length: rows }, (_, i) => a[i * cols + j]);
        const left = [...column];
        for (let k = 0; k < cols; k++) {
          const part = column.reduce((sum, x, i) => sum + x * q[i * cols + k], 0);
          for (let i = 0; i < rows; i++) left[i] -= part * q[i * cols + k];
        }
        assert(largest(left) < 3e-6 * largest(column), `column ${j}: ${largest(left)} of ${largest(column)}`);
      }
    }
  }),
);

factorTest(
  "Matrices of zeros have the identity on the device, and one that is not finite is NaN, whatever is beside it",
  onGpu(async (backend) => {
    for (const f of ["qr", "eigh"] as const) {
      const [rows, cols] = f === "qr" ? [37, 18] : [35, 35];
      const size = rows * cols;
      const each = [new Float32Array(size), numbers(size, 3), numbers(size, 4).fill(1e38, 0, 5), numbers(size, 6).map((x) => x * 1e-38)];
      const alone: Float32Array[] = [];
      for (const a of each) alone.push(await onDevice(backend, f, a, [rows, cols]));
      assertEquals([...alone[0]], Array.from({ length: size }, (_, at) => Math.floor(at / cols) === at % cols ? 1 : 0));
      for (const q of alone) assert(skew(q, rows, cols) < 3e-6, f);
      for (const wrong of [NaN, Infinity, -Infinity]) {
        const bad = numbers(size, 7);
        bad[(rows - 1) * cols] = wrong;
        const all = Float32Array.from([...each.slice(0, 2), bad, ...each.slice(2)].flatMap((a) => [...a]));
        const made = await onDevice(backend, f, all, [5, rows, cols]);
        [0, 1, 3, 4].forEach((k, i) => assertEquals(made.slice(k * size, (k + 1) * size), alone[i], `${f}, matrix ${k}`));
        assert(made.subarray(2 * size, 3 * size).every(Number.isNaN), f);
      }
    }
  }),
);

factorTest(
  "eigh on the device reads the lower triangle alone, and both factors have the same bits each time",
  onGpu(async (backend) => {
    const n = 40;
    const a = numbers(n * n, 8);
    const b = a.map((x, at) => at % n > Math.floor(at / n) ? NaN : x);
    const once = await onDevice(backend, "eigh", a, [n, n]);
    assertEquals(await onDevice(backend, "eigh", b, [n, n]), once);
    assertEquals(await onDevice(backend, "eigh", a, [n, n]), once);
    assertEquals(await onDevice(backend, "qr", a, [n, n]), await onDevice(backend, "qr", a, [n, n]));
  }),
);

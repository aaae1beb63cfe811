/**
 * An operation means the same wherever it stands: between numbers, which a plan computes in float64, and between elements, which kernels compute.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { caseOf, runKernels, runNaive } from "./random_run.ts";

const expressions: readonly string[] = [
  ...["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="].map((op) => `x ${op} y`),
  ...["abs", "sqrt", "sign"].map((f) => `${f}(x)`),
  "-x",
  "min(x, y)",
  "max(x, y)",
  "clamp(x, y, 2)",
  "clamp(x, -1, y)",
  "where(x, y, 3)",
  "where(y, x, -x)",
  "round(x)",
  "round(x*y)",
];
const numbers = [0, -0, 1, -1, 0.5, -2.25, 3, 1e-45, -1e-40, 3e38, Infinity, -Infinity, NaN];
const pairs = numbers.flatMap((x) => numbers.map((y) => [x, y] as const));

for (const name of available()) {
  test(`Backend ${name}: every operation gives of numbers what it gives of elements that hold them`, () => {
    using backend = createBackend(name) as KernelBackend;
    const [x, y, z, one] = [pairs.length, pairs.length, pairs.length, 1].map((size) => backend.allocate(size));
    pairs.forEach(([a, b], i) => (x.data[i] = a, y.data[i] = b));
    for (const expression of expressions) {
      backend.run(`z = ${expression}`, { x, y, z });
      const ofElements = [...z.data];
      const ofNumbers = pairs.map(([a, b]) => {
        backend.run(`one = ${expression}`, { one }, { x: Math.fround(a), y: Math.fround(b) });
        return one.data[0];
      });
      // Any NaN equals any NaN; a product of float32 numbers that is rounded twice is rounded once here, and so is a quotient.
      for (const [i, [a, b]] of pairs.entries()) {
        assertEquals(ofNumbers[i], ofElements[i], `${expression} with x = ${a}, y = ${b}`);
      }
    }
  });
}

for (const name of available()) {
  test(`Backend ${name}: a small slot of 16 bits that is filled with one number is read as it was stored`, () => {
    using backend = createBackend(name) as KernelBackend;
    for (const dtype of ["bfloat16", "float16"] as const) {
      for (const shape of ["row", "col"] as const) {
        const slots = { r: { shape, dtype }, x: { shape: "scalar", dtype: "float32" } } as const;
        const sample = caseOf("x = 0.1\nr = x\np = p - r*g", slots, [[3, 5], [2, 4, 3]], "float32", "float32");
        assertEquals(runKernels(backend, sample, 1), runNaive(sample, 1), `${dtype} ${shape}`);
      }
    }
  });
}

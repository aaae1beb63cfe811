/**
 * Elements in and out of a backend's tensors.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { DType, Raw } from "../../kernels/types.ts";

const arrayOf = (dtype: DType, numbers: readonly number[]): Raw =>
  dtype === "float32" ? Float32Array.from(numbers) : Uint16Array.from(numbers);
/** 1 and -0.1, to nearest even. */
const filled: Readonly<Record<DType, readonly [number, number]>> = {
  float32: [1, Math.fround(-0.1)],
  bfloat16: [0x3f80, 0xbdcd],
  float16: [0x3c00, 0xae66],
};

for (const name of available()) {
  for (const dtype of ["float32", "bfloat16", "float16"] as const) {
    test(`${name}: what is uploaded in ${dtype} is downloaded, and nothing beside it changes`, () => {
      using backend = createBackend(name) as KernelBackend;
      const [before, tensor, after] = [backend.allocate(16, dtype), backend.allocate([4, 4], dtype), backend.allocate(16, dtype)];
      const numbers = Array.from({ length: 16 }, (_, i) => 3 * i + 1);
      backend.upload(tensor, arrayOf(dtype, numbers));
      const into = arrayOf(dtype, Array<number>(16).fill(7));
      backend.download(tensor, into);
      assertEquals([...into], numbers);
      for (const other of [before, after]) {
        backend.download(other, into);
        assertEquals([...into], Array<number>(16).fill(0));
      }
    });

    test(`${name}: a tensor of ${dtype} is filled with a number rounded to it`, () => {
      using backend = createBackend(name) as KernelBackend;
      const tensor = backend.allocate(5, dtype);
      const into = arrayOf(dtype, Array<number>(5).fill(7));
      [1, -0.1].forEach((value, i) => {
        backend.fill(tensor, value);
        backend.download(tensor, into);
        assertEquals([...into], Array<number>(5).fill(filled[dtype][i]));
      });
    });
  }

  test(`${name}: arrays of other lengths or widths are refused before anything is written`, () => {
    using backend = createBackend(name) as KernelBackend;
    const tensor = backend.allocate(3);
    for (const wrong of [Float32Array.of(1, 2), Float32Array.of(1, 2, 3, 4), Uint16Array.of(1, 2, 3)]) {
      assertThrows(() => backend.upload(tensor, wrong), RangeError, "Cannot upload to a tensor of 3 elements");
      const before = [...wrong];
      assertThrows(() => backend.download(tensor, wrong), RangeError, "Cannot download a tensor of 3 elements");
      assertEquals([...wrong], before);
    }
    assertEquals([...tensor.data], [0, 0, 0]);
  });
}

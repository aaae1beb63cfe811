/**
 * The parameters and gradients that plugins are tried with: a tensor for each thing that may go wrong, numbers that are the same in each run.
 *
 * @module
 */
import type { DType, Grads, Tensor } from "../../core/plugin/contract.ts";
import { narrowArray, widenArray } from "../../kernels/half.ts";
import { sizeOf } from "../../core/tensors.ts";

/** Parameters by name, and their shapes. */
export const shapes: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  vector: [7],
  matrix: [6, 5],
  "rank 4": [2, 3, 2, 5],
  row: [1, 9],
  empty: [0],
  "no rows": [0, 3],
  "zero gradient": [4],
  "no gradient": [3, 2],
  "sparse gradient": [5, 3],
};

/** A number in [-1, 1) that follows from a seed: never 0, with few digits, so that 16 bits hold it well. */
function numberAt(seed: number): number {
  let x = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  x = Math.imul(x ^ x >>> 15, 0x85ebca6b) >>> 0;
  return ((x >>> 25) - 63.5) / 64;
}

function numbers(size: number, seed: number, scale: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => scale * numberAt(seed + i));
}

/** A tensor of these numbers. */
export function tensorOf(data: Float32Array, shape: readonly number[], dtype: DType): Tensor {
  if (dtype === "float32") return { data, shape };
  const bits = new Uint16Array(data.length);
  narrowArray(dtype, data, bits);
  return { data: bits, shape, dtype };
}

/** Its numbers. */
export function numbersOf({ data, dtype }: { readonly data: ArrayLike<number>; readonly dtype?: string }): Float32Array | Float64Array {
  if (data instanceof Uint16Array && (dtype === "bfloat16" || dtype === "float16")) {
    const wide = new Float32Array(data.length);
    widenArray(dtype, data, wide);
    return wide;
  }
  return Float64Array.from(data);
}

/** New parameters of these shapes, by name. */
export function paramsOf(of: Readonly<Record<string, readonly number[]>>, dtype: DType): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(of).map(([name, shape], i) => [name, tensorOf(numbers(sizeOf(shape), 1000 * i, 1), shape, dtype)]),
  );
}

/** The gradients of a step, from 1: dense ones of all tensors but for those whose name says something else. */
export function gradientsAt(of: Readonly<Record<string, readonly number[]>>, step: number): Record<string, NonNullable<Grads[string]>> {
  const grads: Record<string, NonNullable<Grads[string]>> = {};
  for (const [i, [name, shape]] of Object.entries(of).entries()) {
    if (name === "no gradient" || (name === "vector" && step === 3)) continue;
    const seed = 7919 * step + 1000 * i;
    if (name === "sparse gradient") {
      const width = sizeOf(shape.slice(1));
      grads[name] = { indices: Int32Array.of(3, step % 3, 3), values: numbers(3 * width, seed, 0.5) };
    } else grads[name] = name === "zero gradient" ? new Float32Array(sizeOf(shape)) : numbers(sizeOf(shape), seed, 0.5);
  }
  return grads;
}

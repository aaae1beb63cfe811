/**
 * Fresh gradients for every step, cheaply: a pool of prepared values that is copied in at a new offset each time.
 * Gradients that stay zero would make the moments subnormal, and those cost forty times as much.
 *
 * @module
 */
import type { DType, Tensor } from "../kernels/types.ts";

/** Copied at once; small enough to stay in a core's own cache, so that a refill brings no memory but the gradient's into the caches. */
const CHUNK = 65536;

/** How far the pool reaches beyond a chunk: offsets rotate within it. */
const SLACK = 4096;

/** Prepared values in a dtype: a `Uint16Array` of patterns for the 16-bit ones. */
export type Pool = Float32Array | Uint16Array;

/** Values of both signs, 0.5 to 1.5 in size, none near zero. */
export function gradientPool(dtype: DType = "float32"): Pool {
  const values = new Float32Array(CHUNK + SLACK);
  let state = 1;
  for (let i = 0; i < values.length; i++) {
    // The generator of Numerical Recipes; its low bits are poor, so the sign comes from the top.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const magnitude = 0.5 + ((state & 0x7fffffff) / 0x80000000);
    values[i] = state >>> 31 ? -magnitude : magnitude;
  }
  if (dtype === "float32") return values;
  if (dtype === "float16") return new Uint16Array(new Float16Array(values).buffer);
  // The upper half of a float32 is a bfloat16; cutting off instead of rounding is good enough for a made-up gradient.
  const bits = new Uint32Array(values.buffer);
  return Uint16Array.from(bits, (pattern) => pattern >>> 16);
}

/** Fills an array with the pool's values for step `k`. */
export function refill(target: Tensor["data"], pool: Pool, k: number): void {
  let offset = (k * 97) % SLACK;
  for (let begin = 0; begin < target.length; begin += CHUNK) {
    target.set(pool.subarray(offset, offset + Math.min(CHUNK, target.length - begin)), begin);
    offset = (offset + 31) % SLACK;
  }
}

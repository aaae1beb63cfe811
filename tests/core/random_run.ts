/**
 * What is fed to a trainer in the tests of resumed runs, drawn at random from a seed: everything without Node.
 *
 * @module
 */
import type { Grads, Tensor, Trainer } from "../../core/types.ts";

/** Micro-batches of a run. */
export const microBatches: number = 7;

/** Numbers in [0, 1), and what is drawn by them. */
export interface Random {
  (): number;
  below(n: number): number;
  of<T>(list: readonly T[]): T;
}

/** Numbers from a seed (mulberry32), the same everywhere. */
export function randomOf(seed: number): Random {
  const next = (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return Object.assign(next, { below, of: <T>(list: readonly T[]): T => list[below(list.length)] });
}

/** As many numbers between -0.4 and 0.6. */
export const wave = (random: Random, size: number): Float32Array => Float32Array.from({ length: size }, () => random() - 0.4);
const shapes: Readonly<Record<string, readonly number[]>> = { w: [3, 4], low: [2, 3], half: [5], bias: [4] };
const sizeOf = (name: string): number => shapes[name].reduce((a, b) => a * b);

/** Parameters of three dtypes; null: of zeros. */
export function paramsOf(random: Random | null): Record<string, Tensor> {
  const wide = (name: string): Tensor => ({
    data: random === null ? new Float32Array(sizeOf(name)) : wave(random, sizeOf(name)),
    shape: shapes[name],
  });
  const narrow = (name: string, dtype: "bfloat16" | "float16", from: number): Tensor => ({
    data: Uint16Array.from({ length: sizeOf(name) }, () => random === null ? 0 : from + random.below(200)),
    shape: shapes[name],
    dtype,
  });
  return { w: wide("w"), low: narrow("low", "bfloat16", 0x3f00), half: narrow("half", "float16", 0x3800), bias: wide("bias") };
}

/** What happens at one micro-batch. */
export interface Event {
  readonly grads: Grads;
  readonly weight: number | undefined;
  readonly metric: number | null;
  readonly flushes: boolean;
}

/** Gradients dense, in rows and missing, weights, metrics and flushes. */
export function eventsOf(random: Random): Event[] {
  return Array.from({ length: microBatches }, (_, i) => ({
    grads: {
      w: random() < 0.2
        ? { indices: Int32Array.of(2, 0, 2), values: wave(random, 12) }
        : { data: wave(random, sizeOf("w")), shape: shapes.w },
      low: random() < 0.3 ? null : { data: wave(random, sizeOf("low")), shape: shapes.low },
      half: i > 3 || random() < 0.3 ? null : wave(random, sizeOf("half")),
      ...random() < 0.7 && { bias: wave(random, sizeOf("bias")) },
    },
    weight: random.of([undefined, 1, 0.3, 7]),
    metric: random() < 0.5 ? random() : null,
    flushes: random() < 0.2,
  }));
}

/** Plays one of them. */
export function play(trainer: Trainer, { grads, weight, metric, flushes }: Event, follows: boolean): void {
  trainer.add(grads, weight);
  if (flushes) trainer.flush();
  if (metric !== null && follows) trainer.update(metric);
}

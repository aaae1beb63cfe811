/**
 * The bits of kernels' results, as hashes; without anything of Node's, for browsers compute them too.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { maths } from "../../kernels/math.ts";
import { runKernels } from "./random_run.ts";
import { type Case, random, randomCase } from "./random_text.ts";

const seeds = 60;
const perLine = 10;

/** A running hash (FNV-1a) of numbers' bits; any NaN counts as the same. */
function hasher(): { add(x: number): void; text(): string } {
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  let [a, b] = [0x811c9dc5, 0x2f0b4c47];
  return {
    add(x) {
      double[0] = x;
      const [low, high] = x === x ? words : [0, 0x7ff80000];
      a = Math.imul(a ^ low, 0x01000193) ^ high >>> 7;
      b = Math.imul(b ^ high, 0x01000193) + low | 0;
    },
    text: () => [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join(""),
  };
}

/**
 * The case of a seed, as it was recorded. When the record was made, a root mean square of one number per tensor left the numbers unsquared; the one
 * random text that asks for it says here in other words what was computed then, so that the record holds as it is.
 */
function recordedCase(seed: number): Case {
  const sample = randomCase(seed);
  const asRecorded = (text: string): string => text.replace("a = allrms(floor(size))\n", "a = allmean(floor(size))\na = sqrt(a)\n");
  return {
    ...sample,
    groups: sample.groups.map((group) => ({
      ...group,
      source: group.source.map(({ scope, text }) => ({ scope, text: asRecorded(text) })),
    })),
  };
}

/** Hashes of ten cases each. */
function hashes(backend: KernelBackend): Record<string, string> {
  const lines: Record<string, string> = {};
  for (let from = 0; from < seeds; from += perLine) {
    const { add, text } = hasher();
    for (let seed = from; seed < from + perLine; seed++) {
      for (const [, left] of runKernels(backend, recordedCase(seed), seed)) {
        if (typeof left === "number") add(left);
        else left.forEach(add);
      }
    }
    lines[`random texts ${from} to ${from + perLine - 1}`] = text();
  }
  return lines;
}

/** Hashes of the functions that rules' numbers go through. */
function mathHashes(): Record<string, string> {
  const r = random(9);
  // No power of ten is computed: engines differ in that too.
  const numbers = Array.from({ length: 2000 }, () => (r.unit() - 0.3) * r.pick([1e-6, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e5]));
  const functions: Readonly<Record<string, (x: number, i: number) => number>> = {
    pow: (x, i) => maths.pow(Math.abs(x), numbers[(i * 7) % numbers.length]),
    exp: maths.exp,
    log: maths.log,
    cos: maths.cos,
  };
  return Object.fromEntries(
    Object.entries(functions).map(([name, f]) => {
      const { add, text } = hasher();
      numbers.forEach((x, i) => add(f(x, i)));
      return [name, text()];
    }),
  );
}

/** All hashes that stand on record: those of a backend, and those of the functions, which are the runtime's. */
export const bitsOf = (backend: KernelBackend): Record<string, string> => ({ ...hashes(backend), ...mathHashes() });

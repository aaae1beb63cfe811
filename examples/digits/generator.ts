/**
 * The written random generator: the same numbers here and in tests/reference/digits_record.py, so that both train the same network on the
 * same data in the same order.
 *
 * The n-th number (n from 1) is `mix(seed + n * 0x9e3779b9)`, all of it modulo 2^32, where `mix(x)` is
 *
 * ```text
 * x = x xor (x >> 16)
 * x = x * 0x85ebca6b
 * x = x xor (x >> 13)
 * x = x * 0xc2b2ae35
 * x = x xor (x >> 16)
 * ```
 *
 * The steps of the counter are 2^32 over the golden ratio; the mixer is the one that ends MurmurHash3.
 *
 * @module
 */

/** A stream of random numbers. */
export interface Generator {
  /** Where it is: `createGenerator(state)` goes on with the numbers that come next here. */
  readonly state: number;
  /** An integer in [0, 2^32). */
  next(): number;
  /** An integer in [0, n): `floor(next() * n / 2^32)`. */
  below(n: number): number;
  /** A number in [-bound, bound): `(next() / 2^32 * 2 - 1) * bound`, in float64. */
  within(bound: number): number;
}

/** A stream that starts at `seed`, or goes on from a {@linkcode Generator.state}. */
export function createGenerator(seed: number): Generator {
  let counter = seed >>> 0;
  const next = (): number => {
    counter = (counter + 0x9e3779b9) >>> 0;
    let x = counter;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  };
  return {
    get state() {
      return counter;
    },
    next,
    // For n below 2^21 the product is exact in float64.
    below: (n) => Math.floor(next() * n / 2 ** 32),
    within: (bound) => (next() / 2 ** 32 * 2 - 1) * bound,
  };
}

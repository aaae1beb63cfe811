/**
 * Where an arena puts tensors that a kernel reads in step: apart from each other, at little waste, and as before where there is no room for that.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { apart } from "../../kernels/backends/wasm/placement.ts";
import { available } from "../../kernels/detect.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Tensor } from "../../kernels/types.ts";

const addressOf = ({ data }: Tensor): number => data.byteOffset;

/** The shorter way from one address to the other round a ring of so many bytes. */
function around(a: Tensor, b: Tensor, ring: number): number {
  const one = Math.abs(addressOf(a) - addressOf(b)) % ring;
  return Math.min(one, ring - one);
}

/** Every two of these. */
const pairs = (tensors: readonly Tensor[]): [Tensor, Tensor][] =>
  tensors.flatMap((a, i) => tensors.slice(i + 1).map((b): [Tensor, Tensor] => [a, b]));

/** Bytes between the first and the last of these, less their own. */
function between(tensors: readonly Tensor[]): number {
  const begin = Math.min(...tensors.map(addressOf));
  const end = Math.max(...tensors.map((tensor) => addressOf(tensor) + tensor.data.byteLength));
  return end - begin - tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
}

const like = (n: number, size: number) => Array.from({ length: n }, () => ({ shape: [size], dtype: "float32" as const }));
const sizes = [1024, 4096, 5000, 2 ** 16, 2 ** 18, 1e6, 2 ** 20, 2 ** 20 + 32768, 2 ** 22, 5e6, 2 ** 24, 2 ** 26];

/** A parameter's tensors that a step reads, and all that there are for it. */
interface Made {
  readonly read: readonly Tensor[];
  readonly all: readonly Tensor[];
}

const allRead = (all: readonly Tensor[]): Made => ({ read: all, all });

const ways: Readonly<Record<string, (backend: KernelBackend, size: number) => Made>> = {
  "a parameter of allocate, with its gradient and slots": (backend, size) => {
    const p = backend.allocate(size);
    return allRead([p, ...backend.reserve([p], like(4, size))]);
  },
  "parameters and gradients of allocate": (backend, size) => allRead(Array.from({ length: 4 }, () => backend.allocate(size))),
  "a parameter and a gradient of allocate, with slots": (backend, size) => {
    const [p, g] = [backend.allocate(size), backend.allocate(size)];
    const [own, m, v] = backend.reserve([p], like(3, size));
    return { read: [p, g, m, v], all: [p, g, own, m, v] };
  },
  "copies, with slots": (backend, size) => allRead(backend.reserve([], like(5, size))),
};

for (const name of available().filter((name) => name !== "js")) {
  for (const [title, make] of Object.entries(ways)) {
    test(`${name}: ${title} lie apart, for at most 1 % of memory or 4 KiB each`, () => {
      for (const size of sizes) {
        using backend = createBackend(name, { arenaBytes: 2 ** 32 }) as KernelBackend;
        backend.allocate(3); // so that the first one begins anywhere
        const { read, all } = make(backend, size);
        const apart = size < 2 ** 20 ? 0 : size < 2e6 ? 2 ** 15 : 2 ** 16;
        for (const [a, b] of pairs(read)) {
          assert(around(a, b, 4096) >= 512, `${size}: ${[a, b].map(addressOf)} are at one place of 4 KiB`);
          assert(around(a, b, 2 ** 20) >= apart, `${size}: ${[a, b].map(addressOf)} are among the same banks`);
        }
        if (!all.every((tensor) => backend.together(tensor, all[0]))) continue;
        const most = all.length * Math.max(4096, 0.01 * 4 * size);
        assert(between(all) <= most, `${size}: ${between(all)} bytes are left out`);
      }
    });
  }

  test(`${name}: what is left out before a tensor is taken by smaller ones, and all of it comes back`, () => {
    using backend = createBackend(name, { arenaBytes: 2 ** 26 }) as KernelBackend;
    const p = backend.allocate(2 ** 20);
    const [g, m] = backend.reserve([p], like(2, 2 ** 20));
    const { allocated } = backend.usage();
    assertEquals(allocated, 3 * 2 ** 22);
    const [small] = backend.reserve([p], like(1, 100));
    assert(addressOf(small) < addressOf(m), "a small tensor lies behind all others");
    assert((small.data as Float32Array).every((x) => x === 0));
    small.data.fill(1);
    for (const tensor of [p, g, m]) assert((tensor.data as Float32Array).every((x) => x === 0));
    for (const tensor of [g, small, p, m]) backend.release(tensor);
    assertEquals(backend.usage().allocated, 0);
    // Nothing is left of it: a tensor that takes all but the share for scratch fits, and is zeros.
    const all = backend.reserve([], like(1, (2 ** 26 - 64 - 2 ** 20) / 4))[0];
    assertEquals(addressOf(all), 64);
    assert((all.data as Float32Array).every((x) => x === 0));
  });

  test(`${name}: tensors that fill an arena lie one behind the other, as many as there is room for`, () => {
    const n = 2 ** 20;
    using backend = createBackend(name, { arenaBytes: 4 * 4 * n + 64 + 2 ** 20 }) as KernelBackend;
    const tensors = backend.reserve([], like(4, n));
    assertEquals(between(tensors), 0);
    for (const tensor of tensors) backend.release(tensor);
    assert(between(backend.reserve([], like(3, n))) > 0);
  });

  test(`${name}: small tensors lie one behind the other`, () => {
    using backend = createBackend(name, { arenaBytes: 2 ** 20 }) as KernelBackend;
    const p = backend.allocate(512);
    assertEquals(between([p, ...backend.reserve([p], like(4, 512)), backend.allocate(512)]), 0);
  });
}

test("A place that is apart from many others is looked for no farther than 1 % of the tensor", () => {
  const bytes = 2 ** 22;
  const others = Array.from({ length: 6 }, (_, k) => k * 2 ** 16 / 4);
  // Behind all of them, 32 KiB from the last, would be too far: only the place in 4 KiB is another one.
  assertEquals(apart(0, bytes, others), 512);
  assertEquals(apart(0, 4 * bytes, others), 5 * 2 ** 14 + 2 ** 16 + 512);
  // All eight places of 4 KiB are taken.
  assertEquals(apart(64, bytes, Array.from({ length: 8 }, (_, k) => 512 * k)), 64);
  assertEquals([apart(64, bytes, []), apart(64, 4095, [64])], [64, 64]);
});

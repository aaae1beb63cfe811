/**
 * Addresses that a process does not get: arenas that are smaller, backends that need none, and errors that say so. And how many memories are made.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { existsSync } from "node:fs";
import { test } from "node:test";
import type { KernelBackend } from "../../kernels/backend.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { threshold } from "../../kernels/backends/wasm/executor.ts";
import { available } from "../../kernels/detect.ts";
import { builtins } from "../../mod.ts";
import { runScript } from "./script.ts";
import { memories } from "./memories.ts";

const here = available().includes("wasm");

/** A step over two numbers and one over many, on the default backend; what it gives is told. */
const steps = `
  const numbers = (n: number) => Float32Array.from({ length: n }, (_, i) => i % 7 - 3);
  const step = (n: number) => {
    const w = numbers(n);
    using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 });
    for (let i = 0; i < 3; i++) optimizer.step({ w: numbers(n) });
    return { backend: optimizer.backend.name, sum: w.reduce((sum, x) => sum + x, 0), first: w[0], last: w[n - 1] };
  };
`;

/** A host that grants no memory of more pages than these. */
const granting = (pages: number): string => `
  const { Memory } = WebAssembly;
  const asked: number[] = [];
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args) {
      asked.push(args[0].maximum);
      if (args[0].maximum > ${pages}) throw new RangeError("Out of memory");
      return Reflect.construct(target, args);
    },
  });
  const { builtins, createBackend } = await import("../../mod.ts");
  ${steps}
`;

/** The same on backend "js". */
function step(n: number): { sum: number; first: number; last: number } {
  const numbers = (): Float32Array => Float32Array.from({ length: n }, (_, i) => i % 7 - 3);
  const w = numbers();
  using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 }, { backend: "js" });
  for (let i = 0; i < 3; i++) optimizer.step({ w: numbers() });
  return { sum: w.reduce((sum, x) => sum + x, 0), first: w[0], last: w[n - 1] };
}

const want = [step(2), step(300_000)];

if (here) {
  for (const pages of [40_000, 5_000, 600]) {
    test(`a host that grants ${pages} pages gets arenas of that size, and the fastest backend`, () => {
      const { code, output, last } = runScript(`
        ${granting(pages)}
        console.log(JSON.stringify({ got: [step(2), step(300_000)], asked, at: Date.now() }));
      `);
      assertEquals(code, 0, output);
      assertEquals(last.got, want.map((result) => ({ backend: available()[0], ...result })), output);
      // Half as many each time, and no more often than that takes.
      assert(last.asked.length < 24, `${last.asked}`);
    });
  }

  test("what no arena is granted for lies in ordinary arrays, with the same bits", () => {
    const { code, output, last } = runScript(`
      ${granting(260)}
      const backend = createBackend();
      const [x, y, small] = [backend.allocate(4_300_000), backend.allocate(4_300_000), backend.allocate(10)];
      y.data.fill(2);
      backend.run("x = y*y + 1\\ny = y + x", { x, y });
      backend.run("small = small + 1", { small });
      const { allocated } = (backend as any).usage();
      let thrown = "";
      try {
        backend.run("x = y", { x, y: x });
      } catch (error) {
        thrown = String(error);
      }
      backend.run("x = x + y", { x, y });
      (backend as any).release(x);
      (backend as any).release(y);
      const left = (backend as any).usage().allocated;
      console.log(JSON.stringify({ name: backend.name, ends: [x.data[0], y.data[4_299_999], small.data[9]], allocated, left, thrown, at: Date.now() }));
    `);
    assertEquals(code, 0, output);
    assertEquals(last.name, available()[0]);
    assertEquals([last.ends, last.allocated, last.left], [[12, 7, 1], 2 * 17_200_000 + 64, 64]);
    assertEquals(last.thrown, `RangeError: Cannot run over "x" and "y": they lie in the same memory`);
  });

  test("where WASM gets no memory the default backend is one that needs none, and the others say that it is memory", () => {
    const { code, output, last } = runScript(`
      ${granting(1)}
      const refused = ["wasm", "threads"].map((name) => {
        try {
          createBackend(name as "wasm");
        } catch (error) {
          return [error instanceof RangeError, (error as any).memory, (error as Error).message];
        }
      });
      console.log(JSON.stringify({ got: [step(2), step(300_000)], refused, at: Date.now() }));
    `);
    assertEquals(code, 0, output);
    assertEquals(last.got, want.map((result) => ({ backend: "js", ...result })), output);
    const message = "Cannot allocate 0 bytes: this runtime grants no memory of 16777216 bytes";
    assertEquals(last.refused, [[true, true, message], [true, true, message]]);
  });

  test("a host that compiles SIMD and computes it wrongly gets JavaScript", () => {
    const { code, output, last } = runScript(`
      const { Instance } = WebAssembly;
      WebAssembly.Instance = new Proxy(Instance, { construct: () => ({ exports: { compute: () => {} } }) });
      const { available } = await import("../../kernels/mod.ts");
      console.log(JSON.stringify({ names: available(), at: Date.now() }));
    `);
    assertEquals([code, last?.names], [0, ["js"]], output);
  });
}

// What the runtime takes alone, and a gigabyte and a half; what is more than an arena's wish is eaten before.
// Node 20 grants no shared memory at all where addresses are limited so: its engine wants ten gigabytes of them for each, and goes on in JavaScript.
const grantsSome = "Deno" in globalThis || "Bun" in globalThis;
if (here && grantsSome && existsSync("/proc/self/status")) {
  test("a process of few addresses steps on the fastest backend, over much and over little", () => {
    const { last: { peak } } = runScript(
      `
      import { builtins, createBackend } from "../../mod.ts";
      builtins.createOptimizer("adamw", { w: new Float32Array(2) }, {}, { backend: createBackend("js") });
      const { readFileSync } = process.getBuiltinModule("node:fs");
      console.log(JSON.stringify({ peak: Number(/VmPeak:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]), at: Date.now() }));
    `,
      { permissions: ["--allow-all"] },
    );
    const { code, output, last } = runScript(
      `
      import { builtins } from "../../mod.ts";
      ${steps}
      const { Memory } = WebAssembly;
      const eaten: WebAssembly.Memory[] = [];
      try {
        for (;;) {
          eaten.push(new Memory({ initial: 1, maximum: 65_535, shared: true }));
          eaten.at(-1)!.grow(1);
        }
      } catch { /* what is left is less than 4 GiB */ }
      let refused = 0;
      WebAssembly.Memory = new Proxy(Memory, {
        construct(target, args) {
          refused++;
          const made = Reflect.construct(target, args);
          refused--;
          return made;
        },
      });
      console.log(JSON.stringify({ got: [step(2), step(300_000)], refused, at: Date.now() }));
    `,
      { addresses: peak + 1_500_000 },
    );
    assertEquals(code, 0, output);
    assertEquals(last.got, want.map((result) => ({ backend: available()[0], ...result })), output);
    assert(last.refused > 0, "the process had addresses enough");
  });
}

for (const name of available()) {
  test(`${name}: memory that is not there is an error with an own field`, () => {
    using backend = createBackend(name);
    for (const size of [2 ** 40, 2 ** 52]) {
      const error = assertThrows(() => backend.allocate(size), RangeError) as RangeError & { memory?: boolean };
      assertEquals([error.memory, Object.hasOwn(error, "memory")], [true, true], error.message);
      assertMatch(error.message, /^Cannot allocate /);
    }
    // Others have none.
    assert(!("memory" in assertThrows(() => backend.allocate(-1), RangeError)));
  });
}

test("two hundred optimizers with backends of their own make hardly any memories, and do not disturb each other", () => {
  const optimizers: ReturnType<typeof first>[] = [];
  const first = (i: number) => {
    const w = Float32Array.of(i, -i, 1);
    const optimizer = builtins.createOptimizer("adamw", { w }, { lr: 0.1 });
    optimizer.step({ w: Float32Array.of(1, i, -1) });
    return { w, optimizer };
  };
  const made = memories(() => {
    for (let i = 0; i < 200; i++) optimizers.push(first(i));
    optimizers.forEach(({ optimizer }, i) => optimizer.step({ w: Float32Array.of(-1, 1, i) }));
  });
  // In JavaScriptCore each costs a collection of the whole heap.
  assert(made <= 2, `${made} memories`);
  using js = createBackend("js");
  optimizers.forEach(({ w, optimizer }, i) => {
    const alone = Float32Array.of(i, -i, 1);
    const other = builtins.createOptimizer("adamw", { w: alone }, { lr: 0.1 }, { backend: js });
    other.step({ w: Float32Array.of(1, i, -1) });
    other.step({ w: Float32Array.of(-1, 1, i) });
    assertEquals([...w], [...alone], `${i}`);
    optimizer.dispose();
  });
});

for (const name of available().filter((name) => name !== "js")) {
  test(`${name}: what a backend has given out stays as it is when the backend ends and others follow`, () => {
    const first = createBackend(name);
    const kept = Array.from({ length: 20 }, (_, i) => first.allocate(1000 + i));
    kept.forEach(({ data }, i) => data.fill(i));
    first.run("x = x + 1", { x: kept[3] });
    first.dispose();
    for (let k = 0; k < 10; k++) {
      using other = createBackend(name);
      for (let i = 0; i < 20; i++) other.allocate(1000).data.fill(-1);
      other.run("x = x - 1", { x: other.allocate(500) });
    }
    kept.forEach(({ data }, i) => assert(data.every((x) => x === (i === 3 ? 4 : i)), `${i}`));
  });

  test(`${name}: a large tensor lies in an arena of the backend's own, where it can be freed alone`, () => {
    using a = createBackend(name) as KernelBackend;
    using b = createBackend(name) as KernelBackend;
    const [small, large] = [a.allocate(10), a.allocate(2_000_000)];
    const [otherSmall, otherLarge] = [b.allocate(10), b.allocate(2_000_000)];
    assert(a.together(small, a.allocate(10)));
    assert(!a.together(small, large));
    // Small ones share an arena, whoever has them; large ones do not.
    assert(b.owns(small) && b.together(small, otherSmall));
    assert(!b.owns(large) && !a.owns(otherLarge));
    // A backend with arenas of its own size shares none.
    using own = createBackend(name, { arenaBytes: 2 ** 20 }) as KernelBackend;
    assert(!own.owns(small) && !b.owns(own.allocate(10)));
  });
}

if (here) {
  test("a host without WeakRef gives each backend an arena of its own", () => {
    const { code, output, last } = runScript(`
      delete (globalThis as any).WeakRef;
      const { builtins, createBackend } = await import("../../mod.ts");
      ${steps}
      const [a, b] = [createBackend("wasm"), createBackend("wasm")] as any[];
      console.log(JSON.stringify({ got: step(2), shared: a.owns(b.allocate(1)), at: Date.now() }));
    `);
    assertEquals([code, last?.got, last?.shared], [0, { backend: available()[0], ...want[0] }, false], output);
  });
}

/** Counts calls of kernels. */
function calls(name: "wasm" | "threads", size: number, text: string): number {
  const { Instance } = WebAssembly;
  let called = 0;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, args) {
      const { k } = Reflect.construct(target, args).exports;
      return { exports: { k: (...numbers: number[]) => (called++, k(...numbers)) } };
    },
  });
  try {
    using backend = createBackend(name, { threads: 4 });
    const x = backend.allocate(size);
    backend.run(text, { x });
    assertEquals([...new Set(x.data)], [1]);
  } finally {
    WebAssembly.Instance = Instance;
  }
  return called;
}

if (available().includes("threads")) {
  for (const size of [1000, 65_536, threshold]) {
    test(`threads, where it works alone over ${size} elements, makes as few calls as wasm`, () => {
      const counts = ["x = x + 1", "x = x + 1 + 0*norm(x)"].map((text) => [calls("wasm", size, text), calls("threads", size, text)]);
      assertEquals(counts[0], [1, 1]);
      // One for the norm of each 65,536 elements, whose sums make the bits, and then the same as above.
      const units = Math.ceil(size / 65_536);
      assertEquals(counts[1], [units + 1, units + 1]);
    });
  }
}

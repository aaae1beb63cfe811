/**
 * Workers: when they start, that they work, that they end, and that no unit is lost or done twice.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { claim, closed, COUNT, DONE, GENERATION, NEXT, unitBits } from "../../kernels/backends/threads/control_block.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import { createThreads, unitsByWorkers } from "../../kernels/backends/threads/threads.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Item, Plan } from "../../kernels/plan/item.ts";
import { threshold } from "../../kernels/backends/wasm/executor.ts";
import { runScript, runtime } from "./script.ts";

const here = available().includes("threads");

const taken = (backend: KernelBackend): number => unitsByWorkers.get(backend)!();

/** Items of a text over p and the scalar slot s. */
function items(backend: KernelBackend, text: string, sizes: readonly number[]): Item[] {
  const program = compile(parse(text, "r"), {
    scopes: { r: { slots: { s: { shape: "scalar", dtype: "float32" } }, scalars: [] } },
    p: "float32",
  });
  return sizes.map((size) => ({
    program,
    extent: extentOf([size]),
    tensors: { p: backend.allocate(size) },
    scalarSlots: new Map([["r/s", 0]]),
    groupSlots: new Map(),
  }));
}

const once = (plan: Plan, list: readonly Item[]): readonly string[] => plan.run(list.map(() => ({ t: 1 })));

/** Runs until workers have taken units, since starting takes them a while. */
function untilHelped(backend: KernelBackend, plan: Plan, list: readonly Item[]): number {
  const before = taken(backend);
  const until = performance.now() + 20_000;
  let runs = 0;
  for (; taken(backend) === before && performance.now() < until; runs++) once(plan, list);
  return runs;
}

if (here) {
  test("workers take units above the threshold and none up to it", () => {
    using backend = createBackend("threads", { threads: 3 }) as KernelBackend;
    const small = items(backend, "p += 1", [threshold - 5, 5]);
    const few = backend.plan(small);
    for (let i = 0; i < 200; i++) once(few, small);
    assertEquals(taken(backend), 0);
    const large = items(backend, "p += 1", [threshold - 5, 6]);
    const many = backend.plan(large);
    const runs = untilHelped(backend, many, large);
    assert(taken(backend) > 0, "no worker took a unit");
    assert((large[0].tensors.p.data as Float32Array).every((x) => x === runs));
    assert((small[0].tensors.p.data as Float32Array).every((x) => x === 200));
    // Many tiny ones are run sooner than they are shared out.
    const tiny = items(backend, "p += 1", Array<number>(threshold / 64 + 1).fill(64));
    const before = taken(backend);
    const plan = backend.plan(tiny);
    for (let i = 0; i < 100; i++) once(plan, tiny);
    assertEquals([taken(backend) - before, tiny[0].tensors.p.data[63]], [0, 100]);
  });

  test("one thread is the calling one, and starts no worker", () => {
    using backend = createThreads({ threads: 1 }, 0);
    const list = items(backend, "p += 1", [100_000, 100_000]);
    const plan = backend.plan(list);
    for (let i = 0; i < 50; i++) once(plan, list);
    assertEquals([taken(backend), list[1].tensors.p.data[99_999]], [0, 50]);
  });

  test("threads outside of 1, 2, 3 … are refused", () => {
    for (const threads of [0, -1, 1.5, NaN, Infinity]) {
      assertThrows(() => createBackend("threads", { threads }), RangeError, `Cannot use ${threads} threads`);
    }
  });

  test("ten thousand dispatches in a row lose no unit and do none twice", () => {
    using backend = createThreads({ threads: 3 }, 0);
    // Two units, some, many; the last with two passes and partial sums.
    const lists = [
      items(backend, "p += 1", [8, 9]),
      items(backend, "p += 1", Array<number>(7).fill(33)),
      items(backend, "s = sum(p)\np += 1 + 0*s", Array<number>(40).fill(5)),
    ];
    const plans = lists.map((list) => backend.plan(list));
    // First until workers take part: a busy machine may give them no time before this thread has done all of it.
    const runs = [0, untilHelped(backend, plans[1], lists[1]), 0];
    for (let i = 0; i < 10_000; i++) {
      const k = i % 7 < 3 ? 0 : i % 7 < 6 ? 1 : 2;
      once(plans[k], lists[k]);
      runs[k]++;
      if (k === 2) {
        for (const { scalarSlots } of lists[2]) {
          if (scalarSlots.get("r/s") !== 5 * (runs[2] - 1)) throw new Error(`run ${runs[2]}: ${scalarSlots.get("r/s")}`);
        }
      }
    }
    lists.forEach((list, k) => {
      for (const { tensors: { p } } of list) {
        assert((p.data as Float32Array).every((x) => x === runs[k]), `${k}: ${p.data[0]}, not ${runs[k]}`);
      }
    });
    assert(taken(backend) > 0, "no worker took a unit");
  });

  test("workers see memory that has grown since they started", () => {
    using backend = createThreads({ threads: 3 }, 0);
    const first = items(backend, "p += 1", [70_000, 70_000]);
    untilHelped(backend, backend.plan(first), first);
    const before = taken(backend);
    // Each plan lies beyond all that the workers have seen so far, with its table and its kernel.
    for (let i = 0; i < 150; i++) {
      const list = items(backend, `p += ${i % 3 === 0 ? "1" : i % 3 === 1 ? "abs(p) + 1" : "1 - p"}`, [40_000, 40_000, 7]);
      const plan = backend.plan(list);
      once(plan, list);
      for (const { tensors: { p } } of list) assert((p.data as Float32Array).every((x) => x === 1), `${i}`);
    }
    assert(taken(backend) > before, "no worker took a unit");
  });

  test("workers see memory that grows while they start", () => {
    // V8 tells a worker nothing of a grow that falls into the moment when it takes the memory over: one in ten backends showed it.
    for (let i = 0; i < 12; i++) {
      using backend = createThreads({ threads: 3 }, 0);
      const until = performance.now() + 60;
      for (let k = 0; performance.now() < until; k++) {
        const x = backend.allocate(100_000);
        for (let run = 0; run < 4; run++) backend.run("x = x + 1", { x });
        assert((x.data as Float32Array).every((x) => x === 4));
      }
    }
  });

  test("workers of a new arena take the place of the old ones", () => {
    using backend = createThreads({ threads: 2, arenaBytes: 65_536 * 8 }, 0);
    const all: Item[] = [];
    for (let arena = 0; arena < 4; arena++) {
      const before = taken(backend);
      all.push(...items(backend, "s = sum(p)\np += 1", [100_000]));
      const plan = backend.plan(all);
      const marks = all.map(({ tensors: { p } }) => p.data[0]);
      const runs = untilHelped(backend, plan, all);
      assert(taken(backend) > before, `arena ${arena}: no worker took a unit`);
      all.forEach(({ tensors: { p } }, i) => assert((p.data as Float32Array).every((x) => x === marks[i] + runs), `arena ${arena}, ${i}`));
      plan.dispose();
    }
    assert(!backend.together(all[0].tensors.p, all[3].tensors.p));
  });

  test("dispose ends a backend at once, while its workers still look for work", () => {
    for (let i = 0; i < 8; i++) {
      const backend = createThreads({ threads: 3 }, 0);
      const list = items(backend, "p += 1", [40_000, 40_000, 40_000]);
      const plan = backend.plan(list);
      for (let k = 0; k <= i; k++) once(plan, list);
      backend[Symbol.dispose]();
      assertThrows(() => once(plan, list), TypeError, "disposed");
      assertThrows(() => backend.plan(list), TypeError, "disposed");
      assert((list[2].tensors.p.data as Float32Array).every((x) => x === i + 1));
    }
  });

  test("kernels beyond the workers' directory run on the calling thread", () => {
    using backend = createThreads({ threads: 2 }, 0);
    const sum = (n: number): string => `p = ${Array.from({ length: 11 }, (_, bit) => n >> bit & 1 ? "abs(p)" : "p").join(" + ")}`;
    for (let n = 0; n < 2010; n++) {
      const list = items(backend, sum(n), [3, 4]);
      list[1].tensors.p.data.fill(1);
      const plan = backend.plan(list);
      once(plan, list);
      plan.dispose();
      for (const { tensors: { p } } of list) backend.release(p);
      assertEquals(list[1].tensors.p.data.length, 4);
    }
    const list = items(backend, "p += 1 - 2*p", [100, 100]);
    once(backend.plan(list), list);
    assertEquals(list[1].tensors.p.data[99], 1);
  });
}

test("a claim gives each unit of a table once, and nothing where the table is closed or used up", () => {
  const control = new Int32Array(new SharedArrayBuffer(256));
  assertEquals(claim(control), -1);
  for (const generation of [1, 2, 4095, 4096, 5000, 2 ** 31 - 1]) {
    const open = generation << unitBits;
    Atomics.store(control, NEXT, open | closed);
    Atomics.store(control, COUNT, 3);
    assertEquals(claim(control), -1, "closed");
    Atomics.store(control, NEXT, open);
    assertEquals([claim(control), claim(control), claim(control), claim(control), claim(control)], [0, 1, 2, -1, -1]);
    assertEquals([control[GENERATION], control[DONE]], [0, 0]);
  }
});

// ----------------------------------------------------------------------------------------------------------------------------- processes

/** Counts threads that kernels start, whatever the runtime starts for itself. */
const counting = `
  const counts: Record<string, number> = {};
  const count = (name: string) => counts[name] = (counts[name] ?? 0) + 1;
  const threads = process.getBuiltinModule("node:worker_threads");
  const { getBuiltinModule } = process;
  class Worker extends threads.Worker {
    constructor(source: string, options: object) {
      super(source, options);
      count("workers");
      this.once("exit", () => count("ended"));
    }
  }
  process.getBuiltinModule = ((name: string) => name === "node:worker_threads" ? { ...threads, Worker } : getBuiltinModule.call(process, name)) as never;
`;

const large = `
  const big = (backend: any, n: number) => {
    const x = backend.allocate(n);
    for (let i = 0; i < 20; i++) backend.run("x = x + 1", { x });
    return x;
  };
`;

if (here) {
  test("importing the kernels does nothing: no timer, no thread, no memory, no module", () => {
    const { code, last } = runScript(`
      ${counting}
      const watch = (owner: any, name: string) => {
        const original = owner[name];
        if (typeof original !== "function") return;
        owner[name] = new Proxy(original, {
          apply: (target, self, args) => (count(name), Reflect.apply(target, self, args)),
          construct: (target, args, self) => (count(name), Reflect.construct(target, args, self)),
        });
      };
      for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch", "Worker", "SharedArrayBuffer", "MessageChannel", "eval", "Function",
        "FinalizationRegistry", "requestAnimationFrame"]) watch(globalThis, name);
      for (const name of ["Module", "Instance", "Memory", "validate", "compile", "instantiate"]) watch(WebAssembly, name);
      for (const name of ["random"]) watch(Math, name);
      for (const name of ["now"]) watch(Date, name), watch(performance, name);
      for (const name of ["wait", "notify"]) watch(Atomics, name);
      await import("../../kernels/mod.ts");
      const imported = { ...counts };
      const { createBackend } = await import("../../kernels/mod.ts");
      createBackend("js")[Symbol.dispose]();
      console.log(JSON.stringify({ imported, js: counts }));
    `);
    assertEquals([code, last.imported], [0, {}]);
    assertEquals(last.js.workers, undefined);
  });

  test("workers start with the first dispatch that is large enough, and end with dispose", () => {
    const { code, last } = runScript(`
      ${counting}${large}
      import { createBackend } from "../../kernels/mod.ts";
      const backend = createBackend("threads", { threads: 3 });
      const seen: unknown[] = [counts.workers];
      big(backend, ${threshold});
      seen.push(counts.workers);
      big(backend, ${threshold} + 1);
      seen.push(counts.workers);
      big(backend, 2 * ${threshold});
      seen.push(counts.workers);
      backend[Symbol.dispose]();
      for (let i = 0; i < 300 && counts.ended !== 2; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      console.log(JSON.stringify({ seen, counts, at: Date.now() }));
    `);
    assertEquals([code, last.seen, last.counts], [0, [null, null, 2, 2], { workers: 2, ended: 2 }]);
  });

  const endings: Readonly<Record<string, string>> = {
    "with workers at work a moment ago": "",
    "with workers that sleep": "await new Promise((resolve) => setTimeout(resolve, 300));",
    "after dispose": "backend[Symbol.dispose]();",
    "with two backends forgotten": `big(createBackend("threads", { threads: 2 }), 2 * ${threshold});`,
  };
  for (const [how, line] of Object.entries(endings)) {
    test(`a process ends by itself ${how}`, () => {
      const { code, output, lingered } = runScript(`
        ${large}
        import { createBackend } from "../../kernels/mod.ts";
        const backend = createBackend("threads", { threads: 3 });
        big(backend, 2 * ${threshold});
        ${line}
        console.log(JSON.stringify({ at: Date.now() }));
      `);
      assertEquals(code, 0, output);
      assert(lingered < 3_000, `it took ${lingered} ms to end`);
    });
  }

  test("the workers of a backend that nobody holds end with it", () => {
    const { code, last } = runScript(
      `
      ${counting}${large}
      import { createBackend } from "../../kernels/mod.ts";
      const collect = (globalThis as any).gc ?? (() => (globalThis as any).Bun.gc(true));
      const use = () => void big(createBackend("threads", { threads: 2 }), 2 * ${threshold});
      for (let i = 0; i < 6; i++) use();
      for (let i = 0; i < 300 && !(counts.ended >= 5); i++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(JSON.stringify({ counts, at: Date.now() }));
    `,
      { flags: ["--expose-gc"] },
    );
    assertEquals([code, last.counts.workers], [0, 6]);
    // One may be on the stack still, where a collector is conservative.
    assert(last.counts.ended >= 4, `${last.counts.ended} of 6 have ended`);
  });

  test("a host that starts no worker, though it has the name, shares the units among fewer", () => {
    const { code, last } = runScript(`
      ${counting}${large}
      import { createBackend } from "../../kernels/mod.ts";
      process.getBuiltinModule = ((name: string) => name === "node:worker_threads" ? { ...threads, Worker: class { constructor() { count("tried"); throw new Error("no"); } } } : undefined) as never;
      const backend = createBackend("threads", { threads: 4 });
      const x = big(backend, 2 * ${threshold});
      console.log(JSON.stringify({ counts, right: x.data.every((v: number) => v === 20), at: Date.now() }));
    `);
    assertEquals([code, last.counts, last.right], [0, { tried: 1 }, true]);
  });

  test(`${runtime} asks for no permission`, () => {
    const { code, last } = runScript(`
      ${large}
      import { available, createBackend } from "../../kernels/mod.ts";
      const x = big(createBackend("threads", { threads: 2 }), 2 * ${threshold});
      console.log(JSON.stringify({ names: available(), x: x.data[5], at: Date.now() }));
    `);
    assertEquals([code, last.names, last.x], [0, ["threads", "wasm", "js"], 20]);
  });
}

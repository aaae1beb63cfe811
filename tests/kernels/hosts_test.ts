/**
 * Hosts that forbid things: no WASM, no workers, no eval, no compiling at run time. Each in a process of its own, robbed before the import.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import { runKernels } from "./random_run.ts";
import { randomCase } from "./random_text.ts";
import { runScript } from "./script.ts";

// Cases of several passes, dtypes and groups.
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

/** What the cases leave behind, as text. */
const results = (backend: KernelBackend): string =>
  JSON.stringify(
    seeds.map((seed) =>
      [...runKernels(backend, randomCase(seed), seed)].map(([key, x]) => [key, typeof x === "number" ? String(x) : Array.from(x, String)])
    ),
  );

const shared = `
  import { available, createBackend } from "../../kernels/mod.ts";
  import { runKernels } from "./random_run.ts";
  import { randomCase } from "./random_text.ts";
  const results = (backend: any) =>
    JSON.stringify(${
  JSON.stringify(seeds)
}.map((seed: number) => [...runKernels(backend, randomCase(seed), seed)].map(([key, x]) => [key, typeof x === "number" ? String(x) : Array.from(x as Float32Array, String)])));
  const refuses = (use: () => unknown) => { try { use(); return null; } catch (error) { return [(error as Error).name, (error as Error).message]; } };
`;

/** Imports are hoisted, so what robs the host is a module of its own, ahead of them: esbuild keeps the order. */
const robbed = (robbery: string): string => `import ${JSON.stringify(`data:text/javascript,${encodeURIComponent(robbery)}`)};\n${shared}`;

test("backend js runs where WebAssembly, workers, shared memory and eval are gone, with the same bits", () => {
  const { code, last } = runScript(
    `${
      robbed(`
        for (const name of ["WebAssembly", "Worker", "SharedArrayBuffer", "Atomics"]) delete globalThis[name];
        globalThis.eval = () => { throw new EvalError("eval"); };
        globalThis.Function = () => { throw new EvalError("Function"); };
      `)
    }
    const names = available();
    const wasm = refuses(() => createBackend("wasm")), threads = refuses(() => createBackend("threads"));
    const fallback = createBackend();
    console.log(JSON.stringify({ gone: typeof WebAssembly, names, wasm, threads, fallback: fallback.name, results: results(fallback) }));
  `,
    // V8 can forbid eval in earnest.
    { flags: ["--disallow-code-generation-from-strings"] },
  );
  using js = createBackend("js") as KernelBackend;
  assertEquals([code, last.gone, last.names, last.fallback], [0, "undefined", ["js"], "js"]);
  assertEquals(last.wasm, ["TypeError", 'Cannot create backend "wasm": this runtime allows js']);
  assertEquals(last.threads, ["TypeError", 'Cannot create backend "threads": this runtime allows js']);
  assertEquals(last.results, results(js));
});

test("a host without workers is offered wasm", () => {
  const { code, last } = runScript(`
    ${robbed(`delete globalThis.Worker; if (globalThis.process) process.getBuiltinModule = () => undefined;`)}
    const backend = createBackend();
    console.log(JSON.stringify({ names: available(), name: backend.name, results: results(backend) }));
  `);
  using js = createBackend("js") as KernelBackend;
  assertEquals([code, last.names, last.name], [0, ["wasm", "js"], "wasm"]);
  assertEquals(last.results, results(js));
});

test("a host without shared memory is offered js alone", () => {
  const { code, last } = runScript(`
    ${
    robbed(`
      const { Memory } = WebAssembly;
      WebAssembly.Memory = class { constructor(how) { if (how.shared) throw new TypeError("shared"); return new Memory(how); } };
    `)
  }
    console.log(JSON.stringify({ names: available(), name: createBackend().name }));
  `);
  assertEquals([code, last.names, last.name], [0, ["js"], "js"]);
});

// Like workerd: every name is there, and compiling throws.
const forbidden = `
  globalThis.Allowed = WebAssembly.Module;
  globalThis.compiled = 0;
  const forbid = () => { throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder"); };
  WebAssembly.Module = class { constructor() { forbid(); } };
  WebAssembly.compile = WebAssembly.instantiate = async () => forbid();
  const { Instance } = WebAssembly;
  globalThis.instances = 0;
  WebAssembly.Instance = class extends Instance { constructor(...args) { super(...args); globalThis.instances++; } };
`;

test("a host that forbids compiling is not offered wasm, and gets it for kernels compiled ahead", () => {
  const { code, last } = runScript(`
    ${robbed(forbidden)}
    import { parse } from "../../kernels/language/parse.ts";
    import { compile } from "../../kernels/language/compile.ts";
    import { kernelName } from "../../kernels/backends/wasm/kernels.ts";
    import { wasmModule } from "../../kernels/backends/wasm/codegen.ts";
    const { Allowed } = globalThis as any;
    const all: Record<string, WebAssembly.Module> = {};
    for (const seed of ${JSON.stringify(seeds)}) {
      const { groups, g, scalars } = randomCase(seed);
      for (const { text, source } of groups) {
        const scopes = Object.fromEntries(Object.keys(text.slots).map((scope) => [scope, { slots: text.slots[scope], scalars: scalars[scope] }]));
        const { rounds } = compile(source.flatMap(({ scope, text }) => parse(text, scope)), { scopes, p: text.p, g, point: text.point !== undefined });
        for (const kernel of rounds.flat()) all[kernelName(kernel)] = new Allowed(wasmModule(kernel));
      }
    }
    const names = available();
    const refused = [refuses(() => createBackend("wasm")), refuses(() => createBackend("threads", { modules: all }))];
    const run = (modules: Record<string, WebAssembly.Module>) => {
      (globalThis as any).instances = 0;
      const backend = createBackend("wasm", { modules });
      return { results: results(backend), instances: (globalThis as any).instances };
    };
    const half = Object.fromEntries(Object.entries(all).filter((_, i) => i % 2 === 0));
    console.log(JSON.stringify({ names, refused, count: Object.keys(all).length, whole: run(all), half: run(half), none: run({}), first: createBackend().name }));
  `);
  using js = createBackend("js") as KernelBackend;
  assertEquals([code, last.names, last.first], [0, ["js"], "js"]);
  assertEquals(last.refused.map(([name]: string[]) => name), ["TypeError", "TypeError"]);
  const want = results(js);
  for (const how of ["whole", "half", "none"]) assertEquals(last[how].results, want, how);
  assertEquals([last.whole.instances, last.half.instances, last.none.instances], [last.count, Math.ceil(last.count / 2), 0]);
  assert(last.count > seeds.length);
});

test("modules are of use where compiling is allowed too, and those that are missing are compiled", () => {
  using js = createBackend("js") as KernelBackend;
  using wasm = createBackend("wasm", { modules: {} }) as KernelBackend;
  assertEquals(results(wasm), results(js));
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { buildWorker } from "../../../examples/cloudflare/build.ts";
import { compileKernels } from "../../../examples/cloudflare/compile.ts";
import { plugins } from "../../../examples/cloudflare/plugins.ts";
import { builtins, createBackend, type Plugin, type Registry } from "../../../mod.ts";

/** Files that a module imports at once, itself included. */
function startedWith(folder: string, file: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(folder, file), "utf8");
  for (const [, other] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) startedWith(folder, other, seen);
  return seen;
}

test("the worker serves all built-ins", async () => {
  assertEquals(await plugins.plugins(), builtins.plugins);
  const schedules = builtins.plugins.filter(({ kind }) => kind === "schedule");
  assertEquals(Object.keys(plugins.schedules), schedules.map(({ name }) => name));
  for (const schedule of schedules) assert(await plugins.schedules[schedule.name]() as unknown === schedule, schedule.name);
});

test("what the worker starts with stays under 40 kB without page and OpenAPI text", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glissade-size-"));
  try {
    const withoutText = {
      name: "without page and OpenAPI text",
      setup({ onLoad }: Parameters<NonNullable<NonNullable<Parameters<typeof buildWorker>[1]>["plugins"]>[number]["setup"]>[0]) {
        onLoad({ filter: /routes[\\/]openapi\.ts$/ }, () => ({ contents: "export const openApi = () => ({});" }));
        onLoad({ filter: /http[\\/]page\.ts$/ }, () => ({ contents: `export const page = "";` }));
      },
    };
    await buildWorker(folder, { plugins: [withoutText] });
    const started = startedWith(folder, "worker.js");
    const sizes = Object.fromEntries([...started].map((file) => [file, gzipSync(readFileSync(join(folder, file)), { level: 9 }).length]));
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    assert(total < 40_000, `${total} bytes: ${JSON.stringify(sizes)}`);
    // Kernels are there, and come later.
    assert(readdirSync(folder).some((file) => file.endsWith(".wasm")));
    assert(![...started].some((file) => /^(kernels|steps)/.test(file)), `${[...started]}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("kernels that were compiled ahead are used instead of compiling", async () => {
  const modules = Object.fromEntries(
    [...compileKernels(await plugins.plugins())].map(([name, bytes]) => [name, new WebAssembly.Module(bytes)]),
  );
  const { Module } = WebAssembly;
  let compiled = 0;
  WebAssembly.Module = new Proxy(Module, {
    construct(target, args) {
      compiled++;
      return Reflect.construct(target, args);
    },
  });
  try {
    const backend = createBackend("wasm", { modules });
    const before = compiled; // finding out what the runtime allows compiles too
    // By no name in particular: TypeScript tells a name of many from each of them up to 25.
    const registry: Registry<readonly Plugin[]> = builtins;
    for (const { kind, name } of registry.plugins) {
      if (kind !== "optimizer") continue;
      const w = { data: new Float32Array(6).fill(1), shape: [2, 3] };
      const recipe = { optimizer: { name }, transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }] };
      const trainer = registry.createTrainer({ w, b: new Float32Array(3) }, recipe, { backend });
      trainer.add({ w: new Float32Array(6).fill(0.5), b: new Float32Array(3).fill(1) });
      trainer[Symbol.dispose]();
    }
    assertEquals(compiled - before, 0);
    backend.run("x = x*x + y", { x: new Float32Array(1), y: new Float32Array(1) });
    assertEquals(compiled - before, 1);
    backend[Symbol.dispose]();
  } finally {
    WebAssembly.Module = Module;
  }
});

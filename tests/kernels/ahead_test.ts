import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createOptimizer } from "../../core/optimizer/optimizer.ts";
import { compileAhead } from "../../kernels/backends/wasm/ahead.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import type { Backend } from "../../kernels/types.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";

test("compileAhead gives the kernels that a backend asks for, of any tensors' lengths", () => {
  if (!available().includes("wasm")) return;
  const use = (size: number) => (backend: Backend): Float32Array[] => {
    const x = new Float32Array(size).fill(4), w = new Float32Array(size).fill(1);
    backend.run("x = sqrt(x)*two", { x }, { two: 2 });
    using optimizer = createOptimizer(adamw, { w }, {}, { backend });
    optimizer.step({ w: x });
    return [x, w];
  };
  const found = compileAhead(use(3));
  const modules = Object.fromEntries([...found].map(([name, bytes]) => [name, new WebAssembly.Module(bytes)]));
  const asked = new Set<string>();
  using backend = createBackend("wasm", {
    modules: new Proxy(modules, { get: (target, name) => (asked.add(String(name)), Reflect.get(target, name)) }),
  });
  const [x, w] = use(1000)(backend);
  assert(asked.size >= 2);
  assertEquals([...asked].sort(), [...found.keys()].sort());
  using plain = createBackend("wasm");
  assertEquals([x, w], use(1000)(plain));
});

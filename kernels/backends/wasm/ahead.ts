/**
 * Kernels compiled ahead, for hosts that forbid compiling at run time.
 *
 * @module
 */
import { createJs } from "../js/js.ts";
import { createRun } from "../run.ts";
import type { Bytes } from "../../globals.ts";
import type { KernelBackend } from "../../backend.ts";
import type { Item } from "../../plan/item.ts";
import type { Backend } from "../../types.ts";
import { kernelName } from "./kernels.ts";
import { wasmModule } from "./codegen.ts";
import { routineLowerings } from "./routines.ts";

/**
 * The kernels that `use` runs, as WASM by name: compiled where the host allows it, they are {@linkcode BackendOptions.modules} elsewhere.
 *
 * A kernel depends on a text and on dtypes, not on lengths, so that small tensors do.
 *
 * @example Usage
 * ```ts
 * import { compileAhead } from "@glissade/optim/kernels";
 *
 * const kernels = compileAhead((backend) => backend.run("x = sqrt(x)", { x: new Float32Array(3) }));
 * for (const [name, bytes] of kernels) console.log(name, bytes.length);
 * ```
 */
export function compileAhead(use: (backend: Backend) => void): Map<string, Bytes> {
  const found = new Map<string, Bytes>();
  // Not `using`: the packed library runs in Node 20 as it stands.
  const js = createJs();
  const plan = (items: readonly Item[]): ReturnType<KernelBackend["plan"]> => {
    for (const { program: { rounds, routines } } of items) {
      const kernels = rounds.flat().map((kernel) => ({ signature: kernel.signature, module: () => wasmModule(kernel) }));
      for (const source of [...kernels, ...routines.flat().map(({ routine }) => routineLowerings[routine])]) {
        const name = kernelName(source);
        if (source.module !== null && !found.has(name)) found.set(name, source.module());
      }
    }
    return js.plan(items);
  };
  const { run } = createRun({ ...js, plan, lasts: () => false, memoryOf: ({ data }) => data.buffer });
  const recording: KernelBackend = Object.create(js, { plan: { value: plan }, run: { value: run } });
  try {
    use(recording);
  } finally {
    js.dispose();
  }
  return found;
}

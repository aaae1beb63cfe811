/**
 * Backend "wasm": kernels as WASM SIMD, in arenas. Backend "threads" is the same with workers.
 *
 * @module
 */
import type { KernelBackend } from "../../backend.ts";
import { disposeSymbol } from "../../dispose.ts";
import { createPlan } from "../../plan/plan.ts";
import type { Item, Plan } from "../../plan/item.ts";
import type { BackendOptions, DType, Tensor } from "../../types.ts";
import { hostMemory } from "../host_memory.ts";
import { overlapTest } from "../overlap.ts";
import { createRun } from "../run.ts";
import { createExecutor, type Dispatcher } from "./executor.ts";
import type { CompiledKernels } from "./kernels.ts";
import { allocate, arenaOf, createMemory, endMemory, type Memory, memoryOf, release, reserve, takeScratch, type Wanted } from "./memory.ts";

/** Makes backend "wasm". */
export function createWasm(options: BackendOptions): KernelBackend {
  return createArenaBackend("wasm", options, null);
}

/** A backend over arenas, with or without workers. RangeError of memory where the runtime grants no arena. */
export function createArenaBackend(
  name: "wasm" | "threads",
  { arenaBytes, modules }: BackendOptions,
  dispatcher: Dispatcher | null,
): KernelBackend {
  const memory = createMemory(arenaBytes, (arena) => dispatcher?.arena(arena));
  const kernels: CompiledKernels = {
    ahead: modules,
    bySignature: new Map(),
    compiled: (id, bytes) => dispatcher !== null && placeForWorkers(memory, dispatcher, id, bytes),
  };
  const executor = createExecutor({ memory, kernels, dispatcher });
  let disposed = false;
  const alive = (): void => {
    if (disposed) throw new TypeError(`Cannot use backend "${name}": it is disposed`);
  };

  const together = (a: Tensor, b: Tensor): boolean => {
    const arena = arenaOf(memory, a);
    return arena !== undefined && arena === arenaOf(memory, b);
  };

  const backend = {
    ...hostMemory,
    allocate(shape: number | readonly number[], dtype: DType = "float32"): Tensor {
      alive();
      return allocate(memory, shape, dtype);
    },
    reserve(near: readonly Tensor[], wanted: readonly Wanted[]): Tensor[] {
      alive();
      return reserve(memory, near, wanted);
    },
    owns: (tensor: Tensor): boolean => arenaOf(memory, tensor) !== undefined,
    together,
    overlapping: (tensors: readonly Tensor[]) => overlapTest(tensors, together),
    release(tensor: Tensor): void {
      forget(tensor.data);
      release(memory, tensor);
    },
    plan(items: readonly Item[]): Plan {
      alive();
      checkArenas(memory, items);
      const { run, dispose, carried } = createPlan(items, executor);
      return { run: (values) => (alive(), run(values)), dispose, carried };
    },
  };
  const { run, forget } = createRun({
    ...backend,
    lasts: backend.owns,
    memoryOf: (tensor) => memoryOf(memory, tensor),
  });
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    dispatcher?.dispose();
    endMemory(memory);
    kernels.bySignature.clear();
  };
  return {
    name,
    agrees: "bits",
    ...backend,
    allocate: backend.allocate as KernelBackend["allocate"], // whose overloads know that float32 is a Float32Array
    run: (text, tensors, scalars) => (alive(), run(text, tensors, scalars)),
    usage: () => ({ allocated: memory.allocated, scratch: memory.scratched }),
    get disposed() {
      return disposed;
    },
    dispose,
    [disposeSymbol]: dispose,
  };
}

/** A kernel's function reaches one memory. */
function checkArenas(memory: Memory, items: readonly Item[]): void {
  for (const { tensors } of items) {
    const homes = new Set(Object.values(tensors).map((tensor) => arenaOf(memory, tensor)));
    if (homes.size > 1 || homes.has(undefined)) {
      throw new RangeError("Cannot run over tensors that do not lie in one arena: allocate them together");
    }
  }
}

/** Puts a kernel's bytes where workers find them; they stay there as long as the backend. */
function placeForWorkers(memory: Memory, dispatcher: Dispatcher, id: number, bytes: Uint8Array<ArrayBuffer>): void {
  if (id >= dispatcher.mostKernels) return;
  const { block, buffer, byteOffset } = takeScratch(memory, memory.arenas[0], bytes.length);
  new Uint8Array(buffer, byteOffset, bytes.length).set(bytes);
  dispatcher.kernel(id, block, bytes.length);
}

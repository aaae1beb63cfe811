/**
 * Backend "js": kernels in plain JavaScript, a block at a time. No eval and no WASM: it runs on every host, and is what the others are held against.
 *
 * A node is one loop over a block of a few hundred float32 numbers (`loops.ts`), so that the cost of choosing the operation is paid once a block.
 *
 * @module
 */
import { disposeSymbol } from "../../dispose.ts";
import { checkedDType, checkedShape } from "../../extent.ts";
import { type Executor, unitFields } from "../../plan/job.ts";
import { granted } from "../../memory_error.ts";
import { createPlan } from "../../plan/plan.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import type { KernelBackend } from "../../backend.ts";
import type { Item, Plan } from "../../plan/item.ts";
import type { DType, Tensor } from "../../types.ts";
import { hostMemory } from "../host_memory.ts";
import { overlapTest } from "../overlap.ts";
import { createRun } from "../run.ts";
import { bindJs } from "./bind.ts";
import { bindRoutine } from "./routines.ts";

/** The executor of backend "js": everything lies in ordinary arrays. */
const jsExecutor: Executor = {
  threads: 1,
  scratch: (_item, bytes) => ({ buffer: granted(bytes, () => new ArrayBuffer(bytes)), byteOffset: 0, byteLength: bytes }),
  reaches: () => true,
  release() {},
  stage(jobs, routines) {
    const bound = [
      ...jobs.map((job) => ({ run: bindJs(job), units: job.units.length / unitFields })),
      ...routines.map((job) => ({ run: bindRoutine(job), units: job.units.length / unitFields })),
    ];
    return {
      run() {
        for (const { run, units } of bound) for (let unit = 0; unit < units; unit++) run(unit);
      },
      dispose() {},
    };
  },
};

/** Makes backend "js". */
export function createJs(): KernelBackend {
  let disposed = false;
  let allocated = 0;
  const alive = (): void => {
    if (disposed) throw new TypeError(`Cannot use backend "js": it is disposed`);
  };
  const sizes = new WeakMap<object, number>();
  const backend = {
    allocate(shape: number | readonly number[], dtype: DType = "float32"): Tensor {
      alive();
      const dims = checkedShape(shape);
      const size = dims.reduce((n, length) => n * length, 1);
      const { bytes, make } = elementTypes[checkedDType(dtype)];
      const data = granted(bytes * size, () => make(size));
      sizes.set(data, data.byteLength);
      allocated += data.byteLength;
      return { data, shape: dims, dtype };
    },
    reserve(_near: readonly Tensor[], wanted: readonly { readonly shape: readonly number[]; readonly dtype: DType }[]): Tensor[] {
      const made: Tensor[] = [];
      try {
        for (const { shape, dtype } of wanted) made.push(backend.allocate(shape, dtype));
      } catch (error) {
        made.forEach(backend.release);
        throw error;
      }
      return made;
    },
    // Every array is reached without a copy.
    owns: () => true,
    together: () => true,
    overlapping: (tensors: readonly Tensor[]) => overlapTest(tensors, () => true),
    release({ data }: Tensor): void {
      forget(data);
      allocated -= sizes.get(data) ?? 0;
      sizes.delete(data);
    },
    plan(items: readonly Item[]): Plan {
      alive();
      const { run, dispose } = createPlan(items, jsExecutor);
      return { run: (values) => (alive(), run(values)), dispose };
    },
  };
  // Who passes arrays of their own passes others at the next step: a kept plan would only keep them alive.
  const { run, forget } = createRun({
    ...backend,
    ...hostMemory,
    lasts: ({ data }) => sizes.has(data),
    memoryOf: ({ data }) => data.buffer,
  });
  const dispose = (): void => {
    disposed = true;
    forget();
  };
  return {
    name: "js",
    agrees: "bits",
    ...backend,
    allocate: backend.allocate as KernelBackend["allocate"], // whose overloads know that float32 is a Float32Array
    ...hostMemory,
    run: (text, tensors, scalars) => (alive(), run(text, tensors, scalars)),
    usage: () => ({ allocated, scratch: 0 }),
    get disposed() {
      return disposed;
    },
    dispose,
    [disposeSymbol]: dispose,
  };
}

/**
 * Backend "wasm": kernels as WASM SIMD, in arenas. Also the ground that backend "threads" stands on.
 *
 * @module
 */
import { type Arena, type Block, cost, createArena, give, isEmpty, mostArenaBytes, mostTensorBytes, room, spare, take } from "./arena.ts";
import { checkedDType, checkedShape } from "../../extent.ts";
import { bindJs } from "../js/bind.ts";
import type { Kernel } from "../../language/kernel.ts";
import { type Executor, type Job, type Region, unitFields } from "../../plan/job.ts";
import { createPlan } from "../../plan/plan.ts";
import { disposeSymbol } from "../../dispose.ts";
import { hostMemory } from "../host_memory.ts";
import { overlapTest } from "../overlap.ts";
import { createRun } from "../run.ts";
import type { KernelBackend } from "../../backend.ts";
import type { Item, Plan } from "../../plan/item.ts";
import type { BackendOptions, DType, Tensor } from "../../types.ts";
import { localBytes, wasmModule } from "./codegen.ts";

/** A kernel's function: job, begin, end, row begin, row end, totals, columns, local. */
type Run = (
  job: number,
  begin: number,
  end: number,
  rowBegin: number,
  rowEnd: number,
  totals: number,
  columns: number,
  local: number,
) => void;

/** Numbers in a unit's record of a table: kernel, arena, the function's first seven arguments, local memory and its size per thread. */
export const recordFields = 11;

/** Where kernels' bytes lie for workers, and how units are shared out. */
export interface Dispatcher {
  /** Threads, the calling one included. */
  readonly threads: number;
  /** Runs the units of a table; `own` runs one here. */
  run(table: Block, units: number, own: (unit: number) => void): void;
  /** How many kernels workers can know; further ones run on the calling thread alone. */
  readonly mostKernels: number;
  /** A compiled kernel: workers compile the bytes for themselves. */
  kernel(id: number, bytes: Block, length: number): void;
  /** A new memory. */
  arena(arena: Arena): void;
  dispose(): void;
}

/** Elements up to which the calling thread works alone: waking workers costs more than they save (bench/dispatch.ts). */
export const threshold: number = 512 * 1024;

/** The share of an arena that tensors of `allocate` may take; the rest is for gradients and slots beside them. */
const shareForParameters = 1 / 8;

/** A short name of a kernel's text, for modules that are compiled ahead of time. */
export function kernelName({ signature }: Kernel): string {
  // Two FNV-1a hashes with different seeds; a name is looked up, never trusted with memory.
  const hash = (seed: number): string => {
    let h = seed;
    for (let i = 0; i < signature.length; i++) h = Math.imul(h ^ signature.charCodeAt(i), 0x01000193);
    return (h >>> 0).toString(16).padStart(8, "0");
  };
  return `k${hash(0x811c9dc5)}${hash(0x2f0b4c47)}`;
}

/** Makes backend "wasm". */
export function createWasm(options: BackendOptions): KernelBackend {
  return createArenas("wasm", options, null);
}

/** A backend over arenas, with or without workers. */
export function createArenas(
  name: "wasm" | "threads",
  { arenaBytes = mostArenaBytes, modules }: BackendOptions,
  dispatcher: Dispatcher | null,
  alone: number = threshold,
): KernelBackend {
  const limit = Math.min(arenaBytes, mostArenaBytes);
  const arenas: Arena[] = [];
  const blocks = new Map<object, Block>(); // by the tensor's data
  const kernels = new Map<string, { id: number; module: WebAssembly.Module | null }>();
  const functions: Run[][] = []; // by arena, by kernel
  let allocated = 0;
  let scratched = 0;
  let disposed = false;
  const alive = (): void => {
    if (disposed) throw new TypeError(`Cannot use backend "${name}": it is disposed`);
  };
  const gigabytes = (bytes: number): string => bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${bytes} bytes`;

  const addArena = (): Arena => {
    const arena = createArena(arenas.length, limit);
    arenas.push(arena);
    functions.push([]);
    dispatcher?.arena(arena);
    return arena;
  };
  const arenaOf = ({ data: { buffer } }: Tensor): Arena | undefined => arenas.find(({ buffers }) => buffers.has(buffer));
  const together = (a: Tensor, b: Tensor): boolean => arenaOf(a) !== undefined && arenaOf(a) === arenaOf(b);
  const refuse = (bytes: number): never => {
    const why = bytes > mostTensorBytes(limit)
      ? `an arena holds ${gigabytes(limit)}, and a tensor lies in one with its gradient and slots`
      : "no more memory is free there";
    throw new RangeError(`Cannot allocate ${gigabytes(bytes)}: ${why}`);
  };
  const bytesOf = (shape: readonly number[], dtype: DType): number => shape.reduce((n, length) => n * length, dtype === "float32" ? 4 : 2);
  const tensor = (block: Block, shape: readonly number[], dtype: DType): Tensor => {
    const { buffer } = block.arena;
    const size = shape.reduce((n, length) => n * length, 1);
    const data = dtype === "float32" ? new Float32Array(buffer, block.address, size) : new Uint16Array(buffer, block.address, size);
    blocks.set(data, block);
    allocated += block.bytes;
    return { data, shape, dtype };
  };
  const place = (bytes: number): Block => {
    const needed = cost(bytes);
    if (!(needed <= mostTensorBytes(limit))) refuse(bytes);
    const open = arenas.find((arena) => isEmpty(arena) || arena.top + needed <= arena.limit * shareForParameters && room(arena) >= needed);
    return take(open ?? addArena(), bytes, spare(limit)) ?? refuse(bytes);
  };

  const backend = {
    allocate(shape: number | readonly number[], dtype: DType = "float32"): Tensor {
      alive();
      const dims = checkedShape(shape);
      return tensor(place(bytesOf(dims, checkedDType(dtype))), dims, dtype);
    },
    reserve(near: readonly Tensor[], wanted: readonly { readonly shape: readonly number[]; readonly dtype: DType }[]): Tensor[] {
      alive();
      const sizes = wanted.map(({ shape, dtype }) => bytesOf(shape, dtype));
      const sum = sizes.reduce((n, bytes) => n + cost(bytes), 0);
      const home = near.length > 0 ? arenaOf(near[0]) : arenas.find((arena) => room(arena) >= sum);
      if (home === undefined && !(sum <= mostTensorBytes(limit))) refuse(sum);
      const arena = home ?? addArena();
      const taken: Block[] = [];
      for (const bytes of sizes) {
        const block = take(arena, bytes, spare(limit));
        if (block === undefined) {
          taken.forEach(give);
          refuse(sum);
        } else taken.push(block);
      }
      return taken.map((block, i) => tensor(block, wanted[i].shape, wanted[i].dtype));
    },
    owns: (one: Tensor): boolean => arenaOf(one) !== undefined,
    together,
    overlapping: (tensors: readonly Tensor[]) => overlapTest(tensors, together),
    release({ data }: Tensor): void {
      const block = blocks.get(data);
      if (block === undefined) return;
      forget(data);
      blocks.delete(data);
      allocated -= block.bytes;
      give(block);
    },
    plan(items: readonly Item[]): Plan {
      alive();
      for (const item of items) {
        const homes = new Set(Object.values(item.tensors).map(arenaOf));
        if (homes.size > 1 || homes.has(undefined)) {
          throw new RangeError("Cannot run over tensors that do not lie in one arena: allocate them together");
        }
      }
      const { run, dispose } = createPlan(items, executor);
      return { run: (values) => (alive(), run(values)), dispose };
    },
  };

  const scratchBlocks = new Map<string, Block>();
  const scratchIn = (arena: Arena, bytes: number): Region & { readonly block: Block } => {
    const block = take(arena, bytes);
    if (block === undefined) throw new RangeError(`Cannot allocate ${bytes} bytes of scratch: the arena is full`);
    scratched += block.bytes;
    scratchBlocks.set(`${arena.index} ${block.address}`, block);
    return { buffer: arena.buffer, byteOffset: block.address, byteLength: bytes, block };
  };
  const releaseScratch = ({ buffer, byteOffset }: Region): void => {
    const arena = arenas.find(({ buffers }) => buffers.has(buffer))!;
    const block = scratchBlocks.get(`${arena.index} ${byteOffset}`)!;
    scratchBlocks.delete(`${arena.index} ${byteOffset}`);
    scratched -= block.bytes;
    give(block);
  };

  const compiled = (kernel: Kernel): { id: number; module: WebAssembly.Module | null } => {
    let known = kernels.get(kernel.signature);
    if (known === undefined) {
      const ahead = modules?.[kernelName(kernel)];
      const bytes = wasmModule(kernel);
      let module: WebAssembly.Module | null = ahead ?? null;
      try {
        module ??= new WebAssembly.Module(bytes);
      } catch (error) {
        // A host that forbids compiling runs this kernel in JavaScript over the same memory, with the same bits. Elsewhere it is our mistake.
        if (modules === undefined) throw error;
      }
      known = { id: kernels.size, module };
      kernels.set(kernel.signature, known);
      if (dispatcher !== null && module !== null && known.id < dispatcher.mostKernels) {
        const { block, buffer, byteOffset } = scratchIn(arenas[0] ?? addArena(), bytes.length);
        new Uint8Array(buffer, byteOffset, bytes.length).set(bytes);
        dispatcher.kernel(known.id, block, bytes.length);
      }
    }
    return known;
  };

  const executor: Executor = {
    threads: dispatcher?.threads ?? 1,
    scratch: (item, bytes) => scratchIn(arenaOf(Object.values(item.tensors)[0] as Tensor) ?? arenas[0] ?? addArena(), bytes),
    release: releaseScratch,
    stage(jobs: readonly Job[]) {
      const regions: Region[] = [];
      try {
        return lay(jobs, regions);
      } catch (error) {
        regions.forEach(releaseScratch);
        throw error;
      }
    },
  };

  /** Writes jobs' records into memory; the regions that this takes are the caller's to release. */
  const lay = (jobs: readonly Job[], regions: Region[]): { run(): void; dispose(): void } => {
    const hold = <R extends Region>(region: R): R => (regions.push(region), region);
    const threads = dispatcher?.threads ?? 1;
    const records: number[] = [];
    const runs: ((unit: number) => void)[] = []; // what a unit does where it is not a compiled kernel
    let elements = 0;
    let largest = 0; // kernel
    const locals = new Map<Arena, number>();
    const homeOf = (job: Job): Arena => arenas.find(({ buffers }) => buffers.has(job.scalars.buffer))!;
    for (const job of jobs) locals.set(homeOf(job), Math.max(locals.get(homeOf(job)) ?? 0, localBytes(job.kernel, job.cols)));
    const localOf = new Map(
      [...locals].filter(([, bytes]) => bytes > 0).map(([arena, bytes]) => [arena, hold(scratchIn(arena, bytes * threads)).byteOffset]),
    );
    for (const job of jobs) {
      const { kernel, memory, rows, cols, scalars, units, totals, columns } = job;
      const { id, module } = compiled(kernel);
      largest = Math.max(largest, id);
      const arena = homeOf(job);
      const count = units.length / unitFields;
      const perUnit = kernel.reductions.filter(({ axis }) => axis === "total").length;
      const own = module === null ? bindJs(job) : null;
      if (module !== null) {
        functions[arena.index][id] ??= new WebAssembly.Instance(module, { env: { memory: arena.memory } }).exports.k as Run;
      }
      const head = hold(scratchIn(arena, 4 * (memory.length + 4)));
      const words = new Int32Array(head.buffer, head.byteOffset, memory.length + 4);
      memory.forEach(({ byteOffset }, k) => words[k] = byteOffset);
      words.set([rows, cols, 8 * cols * count, scalars.byteOffset], memory.length);
      for (let unit = 0; unit < count; unit++) {
        const [begin, end, rowBegin, rowEnd, region] = units.subarray(unit * unitFields, (unit + 1) * unitFields);
        if (own !== null) runs[records.length / recordFields] = () => own(unit);
        records.push(
          ...[id, arena.index, words.byteOffset, begin, end, rowBegin, rowEnd],
          ...[totals.byteOffset + 8 * perUnit * unit, region >= 0 ? columns!.byteOffset + 8 * cols * region : 0],
          ...[localOf.get(arena) ?? 0, locals.get(arena) ?? 0],
        );
        elements += kernel.shape === "flat" ? end - begin : (end - begin) * (rowEnd - rowBegin) * cols;
      }
    }
    const count = records.length / recordFields;
    const table = dispatcher !== null && count > 1 && elements > alone && largest < dispatcher.mostKernels && runs.length === 0
      ? hold(scratchIn(arenas[0], 4 * records.length))
      : null;
    const words = table === null ? Int32Array.from(records) : new Int32Array(table.buffer, table.byteOffset, records.length);
    words.set(records);
    const one = (unit: number): void => {
      const other = runs[unit];
      if (other !== undefined) return other(unit);
      const r = unit * recordFields;
      functions[words[r + 1]][words[r]](
        words[r + 2],
        words[r + 3],
        words[r + 4],
        words[r + 5],
        words[r + 6],
        words[r + 7],
        words[r + 8],
        words[r + 9],
      );
    };
    return {
      run() {
        if (table !== null) dispatcher!.run(table.block, count, one);
        else for (let unit = 0; unit < count; unit++) one(unit);
      },
      dispose: () => regions.splice(0).forEach(releaseScratch),
    };
  };

  const { run, forget } = createRun({ ...backend, lasts: backend.owns, memoryOf: (one) => arenaOf(one) ?? one.data.buffer });
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    dispatcher?.dispose();
    blocks.clear();
    functions.length = 0;
    kernels.clear();
  };
  return {
    name,
    agrees: "bits",
    ...backend,
    allocate: backend.allocate as KernelBackend["allocate"], // whose overloads know that float32 is a Float32Array
    ...hostMemory,
    run: (text, tensors, scalars) => (alive(), run(text, tensors, scalars)),
    usage: () => ({ allocated, scratch: scratched }),
    get disposed() {
      return disposed;
    },
    dispose,
    [disposeSymbol]: dispose,
  };
}

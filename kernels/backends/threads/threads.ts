/**
 * Backend "threads": the kernels of "wasm", on all cores.
 *
 * Workers start at the first dispatch that is large enough, sleep in `Atomics.wait`, and are told of work by one store and one notify. The calling
 * thread works too and never waits for a worker that has not claimed anything, so a worker that is still starting costs no time.
 *
 * @module
 */
import type { Arena, Block } from "../wasm/arena.ts";
import {
  claim,
  closed,
  controlWords,
  DIRECTORY,
  failed,
  finish,
  mostKernels,
  openTable,
  stop as stopWorkers,
  TAKEN,
  untilFinished,
} from "./control_block.ts";
import { workerThreads } from "../../detect.ts";
import type { KernelBackend } from "../../backend.ts";
import type { BackendOptions } from "../../types.ts";
import { createArenas, type Dispatcher, recordFields } from "../wasm/wasm.ts";
import type { Start } from "./worker.ts";
import { workerSource } from "./worker_source.ts";

/** A started worker, whichever kind the runtime has. */
interface Started {
  postMessage(start: Start): void;
  terminate(): unknown;
}

/** What outlives a backend that nobody holds any more. */
interface Held {
  control: Int32Array;
  readonly started: Started[];
}

// Made when first used: not every host has it, and nothing may happen at import.
let registry: FinalizationRegistry<Held> | undefined;
const forgotten = (): FinalizationRegistry<Held> => registry ??= new FinalizationRegistry(stop);

function stop({ control, started }: Held): void {
  stopWorkers(control);
  for (const worker of started.splice(0)) worker.terminate();
}

function start(): Started {
  const node = workerThreads();
  if (node !== undefined) {
    const worker = new node.Worker(workerSource, { eval: true });
    worker.unref();
    return worker;
  }
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
}

/** Cores of this machine. */
function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 2;
}

/** Units that a backend's workers have run. For tests and benches: results do not depend on it. */
export const unitsByWorkers: WeakMap<object, () => number> = new WeakMap();

/** Makes backend "threads". Up to `alone` elements the calling thread works alone: tests set it to nothing. */
export function createThreads(options: BackendOptions, alone?: number): KernelBackend {
  const threads = options.threads ?? cores();
  const arenas: Arena[] = [];
  const held: Held = { control: new Int32Array(new SharedArrayBuffer(4 * controlWords)), started: [] };
  const { started } = held;
  let pages: Int32Array = new Int32Array(0);
  let refused = false;

  const dispatcher: Dispatcher = {
    threads,
    mostKernels,
    arena(arena: Arena): void {
      arenas.push(arena);
      if (started.length === 0) return;
      // Workers know the memories they were started with: after a new one, others start, at a control block of their own. The old ones end at
      // theirs, where no unit is left, so that none can be stopped with a unit in its hands.
      stop(held);
      const control = new Int32Array(new SharedArrayBuffer(4 * controlWords));
      control.set(held.control.subarray(DIRECTORY), DIRECTORY);
      control[TAKEN] = held.control[TAKEN];
      held.control = control;
    },
    kernel(id: number, { address }: Block, length: number): void {
      held.control.set([address, length], DIRECTORY + 2 * id);
    },
    run({ address }: Block, units: number, own: (unit: number) => void): void {
      if (units >= closed) throw new RangeError(`Cannot share out ${units} units in one dispatch`);
      const { control } = held;
      if (started.length === 0) {
        const memories = arenas.map(({ memory }) => memory);
        pages = new Int32Array(new SharedArrayBuffer(4 * arenas.length));
        for (let index = 1; index < threads && !refused; index++) {
          try {
            const worker = start();
            worker.postMessage({ memories, control, pages, index, fields: recordFields });
            started.push(worker);
          } catch {
            // A host may have the name and forbid its use, or have no room for more: then the units are shared among fewer.
            refused = true;
          }
        }
      }
      for (let i = 0; i < arenas.length; i++) pages[i] = arenas[i].buffer.byteLength / 65_536;
      openTable(control, address, units);
      let thrown: { error: unknown } | undefined;
      for (let unit = claim(control); unit >= 0; unit = claim(control)) {
        // A unit that throws counts as done: the workers must be at rest before anybody hears of it, or their units would count for the next table.
        try {
          own(unit);
        } catch (error) {
          thrown = { error };
        }
        finish(control);
      }
      untilFinished(control, units);
      const trapped = failed(control);
      if (thrown !== undefined) throw thrown.error;
      if (trapped) throw new Error("Cannot finish the dispatch: a kernel trapped on a worker");
    },
    dispose(): void {
      stop(held);
      forgotten().unregister(held);
    },
  };

  const backend = createArenas("threads", options, dispatcher, alone);
  forgotten().register(backend, held, held);
  unitsByWorkers.set(backend, () => Atomics.load(held.control, TAKEN));
  return backend;
}

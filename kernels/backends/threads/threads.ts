/**
 * Backend "threads": the kernels of "wasm", on all cores.
 *
 * Workers start at the first dispatch that is large enough, sleep in `Atomics.wait`, and are told of work by one store and one notify. The calling
 * thread works too and never waits for a worker that has not claimed anything, so a worker that is still starting costs no time.
 *
 * @module
 */
import type { KernelBackend } from "../../backend.ts";
import type { BackendOptions } from "../../types.ts";
import type { Arena } from "../wasm/arena.ts";
import { type Dispatcher, threshold } from "../wasm/executor.ts";
import { createArenaBackend } from "../wasm/wasm.ts";
import { type Carried, carryAlong, resetUnits } from "./carrying.ts";
import { claim, closed, DIRECTORY, failed, finish, mostKernels, openTable, TAKEN, untilFinished } from "./control_block.ts";
import { createWorkers, disposeWorkers, endWithBackend, replaceWorkers, startWorkers, type Workers } from "./workers.ts";

/** Units that a backend's workers have run. For tests and benches: results do not depend on it. */
export const unitsByWorkers: WeakMap<object, () => number> = new WeakMap();

/** Makes backend "threads". Up to `alone` elements the calling thread works alone: tests set it to nothing. */
export function createThreads(options: BackendOptions, alone: number = threshold): KernelBackend {
  const workers = createWorkers();
  const backend = createArenaBackend("threads", options, createDispatcher(workers, options.threads ?? cores(), alone));
  endWithBackend(workers, backend);
  unitsByWorkers.set(backend, () => Atomics.load(workers.control, TAKEN));
  return backend;
}

/** Cores of this machine. */
const cores = (): number => globalThis.navigator?.hardwareConcurrency ?? 2;

function createDispatcher(workers: Workers, threads: number, alone: number): Dispatcher {
  const arenas: Arena[] = [];
  return {
    threads,
    alone,
    mostKernels,
    arena(arena) {
      arenas.push(arena);
      if (workers.started.length > 0) replaceWorkers(workers); // they know the memories that they were started with
    },
    kernel(id, { address }, length) {
      workers.control.set([address, length], DIRECTORY + 2 * id);
    },
    run({ address }, units, own, carrying) {
      if (units >= closed) throw new RangeError(`Cannot share out ${units} units in one dispatch`);
      if (workers.started.length === 0) startWorkers(workers, threads - 1, arenas);
      const { control, pages } = workers;
      for (let i = 0; i < arenas.length; i++) pages[i] = arenas[i].buffer.byteLength / 65_536;
      if (carrying !== null) resetUnits(carrying, units);
      openTable(control, address, units);
      const { thrown, takeRest } = carrying === null ? workAlong(control, own) : carryAlong(control, units, carrying, own);
      untilFinished(control, units);
      const trapped = failed(control);
      if (thrown !== null) throw thrown.error;
      if (trapped) throw new Error("Cannot finish the dispatch: a kernel trapped on a worker");
      takeRest();
    },
    dispose: () => disposeWorkers(workers),
  };
}

/** Runs units until none is left to claim. */
function workAlong(control: Int32Array, run: (unit: number) => void): Carried {
  let thrown: Carried["thrown"] = null;
  for (let unit = claim(control); unit >= 0; unit = claim(control)) {
    // A unit that throws counts as done: the workers must be at rest before anybody hears of it, or their units would count for the next table.
    try {
      run(unit);
    } catch (error) {
      thrown = { error };
    }
    finish(control);
  }
  return { thrown, takeRest() {} };
}

/**
 * Workers: how they are started and ended, whichever kind the runtime has.
 *
 * @module
 */
import { workerThreads } from "../../detect.ts";
import type { Arena } from "../wasm/arena.ts";
import { recordFields } from "../wasm/executor.ts";
import { controlWords, DIRECTORY, stop, TAKEN } from "./control_block.ts";
import type { Start } from "./worker.ts";
import { workerSource } from "./worker_source.ts";

/** A started worker, whichever kind it is. */
interface Started {
  postMessage(start: Start): void;
  terminate(): unknown;
}

/** The workers of one backend: what outlives a backend that nobody holds any more. */
export interface Workers {
  /** The control block that the started ones look at. */
  control: Int32Array;
  /** Pages that each of their memories has. */
  pages: Int32Array;
  readonly started: Started[];
  /** True once the host has refused to start one. */
  refused: boolean;
}

const newControl = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * controlWords));

/** No workers yet. */
export const createWorkers = (): Workers => ({ control: newControl(), pages: new Int32Array(0), started: [], refused: false });

/** Starts as many as it can: a host may have the name and forbid its use, or have no room for more; then units are shared among fewer. */
export function startWorkers(workers: Workers, count: number, arenas: readonly Arena[]): void {
  const { control, started } = workers;
  const memories = arenas.map(({ memory }) => memory!);
  const pages = workers.pages = new Int32Array(new SharedArrayBuffer(4 * arenas.length));
  for (let index = 1; index <= count && !workers.refused; index++) {
    try {
      const worker = startWorker();
      worker.postMessage({ memories, control, pages, index, fields: recordFields });
      started.push(worker);
    } catch {
      workers.refused = true;
    }
  }
}

function startWorker(): Started {
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

/** Ends all. */
function endWorkers({ control, started }: Workers): void {
  stop(control);
  for (const worker of started.splice(0)) worker.terminate();
}

/**
 * Ends all, so that others can be started that know more memories. Those look at a control block of their own: the old ones end at theirs, where no
 * unit is left, so that none can be stopped with a unit in its hands.
 */
export function replaceWorkers(workers: Workers): void {
  const { control } = workers;
  endWorkers(workers);
  workers.control = newControl();
  workers.control.set(control.subarray(DIRECTORY), DIRECTORY);
  workers.control[TAKEN] = control[TAKEN];
}

// Made when first used: not every host has it, and nothing may happen at import.
let registry: FinalizationRegistry<Workers> | undefined;
const forgotten = (): FinalizationRegistry<Workers> => registry ??= new FinalizationRegistry(endWorkers);

/** Ends workers when nobody holds their backend any more. */
export const endWithBackend = (workers: Workers, backend: object): void => forgotten().register(backend, workers, workers);

/** Ends workers now, for good. */
export function disposeWorkers(workers: Workers): void {
  endWorkers(workers);
  forgotten().unregister(workers);
}

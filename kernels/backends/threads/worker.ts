/**
 * What a worker runs. esbuild makes a script of it (worker_source.ts), since a worker's file does not survive bundlers: `deno task build`.
 *
 * @module
 */
import { recordFinished, untilReady } from "./carrying.ts";
import { claim, DIRECTORY, fail, finish, stopped, tableOf, TAKEN, untilOpened } from "./control_block.ts";

/** What a worker is started with. */
export interface Start {
  readonly memories: readonly WebAssembly.Memory[];
  readonly control: Int32Array;
  /** How many pages each memory has by now. */
  readonly pages: Int32Array;
  /** 1 for the first worker; the calling thread is 0. */
  readonly index: number;
  /** Numbers in a record of a table. */
  readonly fields: number;
}

type Run = (...numbers: number[]) => void;

function work({ memories, control, pages, index, fields }: Start): void {
  const kernels: WebAssembly.Module[] = [];
  const functions: Run[][] = memories.map(() => []);
  /** A memory's buffer in its full length. V8 tells no worker of a grow that happens while the worker takes the memory over, until the next grow. */
  const whole = (arena: number): ArrayBufferLike => {
    const memory = memories[arena];
    while (memory.buffer.byteLength < pages[arena] * 65_536) memory.grow(0);
    return memory.buffer;
  };
  const kernel = (arena: number, id: number): Run => {
    kernels[id] ??= compile(whole(0), control[DIRECTORY + 2 * id] >>> 0, control[DIRECTORY + 2 * id + 1]);
    return functions[arena][id] ??= new WebAssembly.Instance(kernels[id], { env: { memory: memories[arena] } }).exports.k as Run;
  };
  for (let seen = untilOpened(control, 0); !stopped(control); seen = untilOpened(control, seen)) {
    for (let unit = claim(control); unit >= 0; unit = claim(control)) {
      try {
        const r = new Int32Array(whole(0), tableOf(control) + 4 * fields * unit, fields);
        untilReady(r);
        whole(r[1]);
        kernel(r[1], r[0])(r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9] + index * r[10]);
        recordFinished(r);
      } catch {
        fail(control);
      }
      Atomics.add(control, TAKEN, 1);
      finish(control);
    }
  }
}

function compile(buffer: ArrayBufferLike, address: number, length: number): WebAssembly.Module {
  // A module is not compiled from shared memory: the bytes are copied out first.
  return new WebAssembly.Module(new Uint8Array(buffer, address, length).slice());
}

const scope = globalThis as {
  process?: { getBuiltinModule?(name: string): { parentPort?: { once(event: "message", listener: (start: Start) => void): void } } };
  onmessage?: ((event: { data: Start }) => void) | null;
};
const port = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort;
if (port) port.once("message", work);
else scope.onmessage = ({ data }) => work(data);

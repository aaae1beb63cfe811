/**
 * What a step costs besides its elements: an empty dispatch, a step of a tiny tensor, the workers' wake-up.
 *
 *     deno run -A bench/dispatch.ts [--quick] [--json]        bun bench/dispatch.ts …
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { parse } from "../kernels/language/parse.ts";
import { compile } from "../kernels/language/compile.ts";
import type { KernelBackend } from "../kernels/backend.ts";
import { type BackendName, builtins, createBackend } from "../mod.ts";
import { gradientPool, refill } from "./gradients.ts";
import { machine, runtime } from "./host.ts";
import { median, quantile, table, type Timed, timeSteps } from "./measure.ts";

/** One measurement in microseconds. */
interface Result {
  readonly what: string;
  readonly backend: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } } });
const factor = values.quick ? 0.2 : 1;
const pool = gradientPool();
const nothing = () => {};

/** Just over the size from which workers take part, so that waking them weighs most. */
const SHARED = 2 ** 19 + 4096;

/** Medians of many calls after a warm-up. */
async function measure(what: string, backend: string, timed: Timed): Promise<Result> {
  const warm = await timeSteps(timed, { ms: 500 * factor, least: 10, most: Infinity }, 0);
  const times = await timeSteps(timed, { ms: 500 * factor, least: 10, most: 50_000 }, warm.length);
  const us = (q: number) => quantile(times, q) / 1e3;
  return { what, backend, median: us(0.5), low: us(0.25), high: us(0.75) };
}

/** One pass with next to no work, as a plan: what a dispatch costs the kernels. */
async function dispatch(name: BackendName, size: number, what: string, rest: () => void): Promise<Result> {
  using backend = createBackend(name, { threads: 2 }) as KernelBackend;
  const program = compile(parse("p = g", "bench"), { scopes: { bench: { slots: {}, scalars: [] } }, p: "float32", g: "float32" });
  const plan = backend.plan([{
    program,
    extent: { size, batch: 1, rows: 1, cols: size },
    tensors: { p: backend.allocate(size), g: backend.allocate(size) },
    scalarSlots: new Map(),
    groupSlots: new Map(),
  }]);
  const numbers = [{ t: 1 }];
  return await measure(what, name, { refill: rest, step: () => void plan.run(numbers) });
}

/** A whole step of AdamW on one tensor of 16 elements. */
async function tiny(name: BackendName, own: boolean): Promise<Result> {
  using backend = createBackend(name, { threads: 2 });
  const params = { w: own ? backend.allocate(16) : new Float32Array(16) };
  using optimizer = builtins.createOptimizer("adamw", params, { weightDecay: 0.01 }, { backend });
  const w = new Float32Array(16);
  const target = own ? optimizer.grads.w.data : w;
  return await measure(`one AdamW step of 16 parameters${own ? "" : ", foreign arrays"}`, name, {
    refill: (k) => refill(target, pool, k),
    step: own ? () => void optimizer.step() : () => void optimizer.step({ w }),
  });
}

/** There and back to a worker parked in `Atomics.wait`, with nothing else around it: what this runtime and machine allow at best. */
async function roundTrip(): Promise<Result> {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    const control = require("node:worker_threads").workerData;
    for (let seen = 0;;) {
      Atomics.wait(control, 0, seen);
      seen = Atomics.load(control, 0);
      Atomics.store(control, 1, seen);
      Atomics.notify(control, 1);
      if (seen < 0) break;
    }`;
  const worker = new Worker(source, { eval: true, workerData: control });
  const call = (k: number) => {
    const before = Atomics.load(control, 1);
    Atomics.store(control, 0, k);
    Atomics.notify(control, 0);
    Atomics.wait(control, 1, before);
  };
  let calls = 0;
  const result = await measure("there and back to a parked worker (plain Atomics)", "-", { refill: park, step: () => call(++calls) });
  call(-1);
  await worker.terminate();
  return result;
}

const parking = new Int32Array(new SharedArrayBuffer(4));

/** Rests long enough for workers that spin to park. */
function park(): void {
  Atomics.wait(parking, 0, 0, 1);
}

const results: Result[] = [];
for (const backend of ["js", "wasm", "threads"] as const) {
  results.push(await dispatch(backend, 1, "an empty dispatch (one pass over one element)", nothing));
  results.push(await tiny(backend, true), await tiny(backend, false));
}
results.push(await roundTrip());
const copy = `p = g over ${SHARED} elements`;
const alone = await dispatch("wasm", SHARED, copy, nothing);
const awake = await dispatch("threads", SHARED, `${copy}, called at once again`, nothing);
const parked = await dispatch("threads", SHARED, `${copy}, workers parked before`, park);
results.push(alone, awake, parked);
// Two threads would need half the time if waking the other cost nothing.
const wakeUp = { awake: awake.median - alone.median / 2, parked: parked.median - alone.median / 2 };

if (values.json) {
  console.log(JSON.stringify({ bench: "dispatch", unit: "us", runtime, machine, results, wakeUp }));
} else {
  console.log(`${runtime}, ${machine.cores} x ${machine.cpu}\n`);
  const rows = results.map(({ what, backend, median, low, high }) => [
    what,
    backend,
    median.toFixed(2),
    `${low.toFixed(2)}-${high.toFixed(2)}`,
  ]);
  console.log(table(["what", "backend", "us", "quartiles"], rows));
  console.log(
    `\nwake-up of one worker (two threads less half of one): ${wakeUp.awake.toFixed(1)} us, after a rest ${wakeUp.parked.toFixed(1)} us`,
  );
  const step = median(results.filter(({ what }) => what === "one AdamW step of 16 parameters").map(({ median }) => median));
  console.log(`one step of one tiny tensor, to reach: under 30 us; is ${step.toFixed(2)} us (median of the backends)`);
}

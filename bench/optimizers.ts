/**
 * What one AdamW step costs: nanoseconds a parameter for backend x dtype x layout, and memory.
 *
 *     deno run -A bench/optimizers.ts [--quick] [--json] [--backend js,wasm,threads] [--dtype float32,bfloat16,float16]
 *                                     [--layout 1Ki,64Ki,1Mi,4Mi,16Mi,200x4096,bert] [--arrays own,foreign] [--threads N]
 *     bun bench/optimizers.ts …
 *
 * Timed is `optimizer.step` alone; gradients are refilled before each step, outside the timing. Every case runs in a process of its own, so
 * that its peak of memory is its own and no case profits from another's compiled code.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { KernelBackend } from "../kernels/backend.ts";
import type { Tensor } from "../kernels/types.ts";
import { type BackendName, builtins, createBackend, type DType } from "../mod.ts";
import { createDisturbance } from "./disturbance.ts";
import { gradientPool, refill } from "./gradients.ts";
import { machine, runtime } from "./host.ts";
import { type Layout, layouts, parameters, size } from "./layouts.ts";
import { median, quantile, table, timeSteps } from "./measure.ts";
import { resetPeak, resident } from "./memory.ts";

/** One row to measure. */
interface Case {
  readonly backend: BackendName;
  readonly dtype: DType;
  readonly layout: string;
  /** `own`: from `allocate` and `optimizer.grads`, used where they lie. `foreign`: ordinary arrays, copied in and out at every step. */
  readonly arrays: "own" | "foreign";
  readonly threads?: number;
  readonly quick: boolean;
}

/** What came of it. Times are nanoseconds a parameter, memory is bytes. */
interface Result {
  readonly backend: BackendName;
  readonly dtype: DType;
  readonly layout: string;
  readonly arrays: "own" | "foreign";
  readonly tensors: number;
  readonly parameters: number;
  readonly steps: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Parameters, gradients and slots in the backend's memory. */
  readonly bytesPerParameter: number;
  /** What the backend holds beside them. */
  readonly scratch: number;
  /** The process' peak from just before the optimizer's tensors to the end, less what was resident before. */
  readonly growth: number;
  /** The process' peak as such. */
  readonly peak: number;
}

/** An array of a dtype in ordinary memory. */
function ordinary(shape: readonly number[], dtype: DType): Tensor {
  return { data: dtype === "float32" ? new Float32Array(size(shape)) : new Uint16Array(size(shape)), shape, dtype };
}

/** Runs the same code over a small model first: the runtime's own memory for it is not the case's. */
function practise({ backend: name, dtype }: Case): void {
  using backend = createBackend(name) as KernelBackend;
  const params = { w: backend.allocate([32, 32], dtype) };
  using optimizer = builtins.createOptimizer("adamw", params, { weightDecay: 0.01 }, { backend });
  for (let k = 0; k < 2000; k++) optimizer.step();
}

/** Measures one case in this process. */
async function measure(one: Case): Promise<Result> {
  const { backend: name, dtype, layout: key, arrays, threads, quick } = one;
  const layout: Layout = layouts[key]();
  const pool = gradientPool(dtype);
  practise(one);
  resetPeak();
  const before = resident().now;

  using backend = createBackend(name, { threads }) as KernelBackend;
  const make = (like: (shape: readonly number[]) => Tensor) =>
    Object.fromEntries(Object.entries(layout).map(([tensor, shape]) => [tensor, like(shape)]));
  const params = make(arrays === "own" ? (shape) => backend.allocate(shape, dtype) : (shape) => ordinary(shape, dtype));
  for (const { data } of Object.values(params)) refill(data, pool, 7);
  using optimizer = builtins.createOptimizer("adamw", params, { lr: 1e-3, weightDecay: 0.01 }, { backend });
  const grads = arrays === "own" ? optimizer.grads : make((shape) => ordinary(shape, dtype));
  const targets = Object.values(grads).map(({ data }) => data);

  const timed = {
    refill: (k: number) => targets.forEach((data) => refill(data, pool, k)),
    step: arrays === "own" ? () => void optimizer.step() : () => void optimizer.step(grads),
  };
  // Warm-up: V8 compiles a WASM function anew, better, after many calls, and does so beside the main thread.
  const factor = quick ? 0.25 : 1;
  const warm = await timeSteps(timed, { ms: 600 * factor, least: 2, most: Infinity }, 0);
  const times = await timeSteps(timed, { ms: 1200 * factor, least: quick ? 3 : 7, most: 20000 }, warm.length);

  const count = parameters(layout);
  const { allocated, scratch } = backend.usage();
  const { peak } = resident();
  return {
    backend: name,
    dtype,
    layout: key,
    arrays,
    tensors: targets.length,
    parameters: count,
    steps: times.length,
    median: median(times) / count,
    low: quantile(times, 0.25) / count,
    high: quantile(times, 0.75) / count,
    bytesPerParameter: allocated / count,
    scratch,
    growth: peak - before,
    peak,
  };
}

/** Measures one case in a process of its own. */
function measureApart(one: Case): Result {
  const script = fileURLToPath(import.meta.url);
  const args = [...(process.versions.deno ? ["run", "-A"] : []), script, "--case", JSON.stringify(one)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
}

/** A row of the table. */
function row(result: Result): string[] {
  const MiB = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return [
    `${result.backend} ${result.dtype} ${result.layout}${result.arrays === "foreign" ? " (foreign arrays)" : ""}`,
    result.median.toFixed(3),
    `${result.low.toFixed(3)}-${result.high.toFixed(3)}`,
    (result.median * result.parameters / 1e6).toFixed(3),
    String(result.steps),
    result.bytesPerParameter.toFixed(2),
    (result.scratch / 1024).toFixed(1),
    MiB(result.growth),
    MiB(result.peak),
  ];
}

const HEAD = ["case", "ns/param", "quartiles", "ms/step", "steps", "bytes/param", "scratch KiB", "growth MiB", "peak MiB"];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    backend: { type: "string" },
    dtype: { type: "string" },
    layout: { type: "string" },
    arrays: { type: "string" },
    threads: { type: "string" },
    case: { type: "string" },
  },
});

/** A comma-separated filter: what it names of what is known. */
function pick<T extends string>(option: string, filter: string | undefined, known: readonly T[]): readonly T[] {
  const names = filter?.split(",") ?? known;
  const unknown = names.find((name) => !(known as readonly string[]).includes(name));
  if (unknown !== undefined) throw new TypeError(`Cannot use --${option} "${unknown}": known are ${known.join(", ")}`);
  return names as readonly T[];
}

/** The cases asked for. Foreign arrays are one line each for float32 and 1 Mi, unless `--arrays` asks for more. */
function cases(): Case[] {
  const quick = values.quick;
  const backends = pick<BackendName>("backend", values.backend, ["js", "wasm", "threads"]);
  const dtypes = pick<DType>("dtype", values.dtype, ["float32", "bfloat16", "float16"]);
  const names = pick("layout", values.layout ?? (quick ? "1Ki,64Ki,1Mi,200x4096" : undefined), Object.keys(layouts));
  const arrays = pick("arrays", values.arrays, ["own", "foreign"] as const);
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  const shown = (one: Case) => one.arrays === "own" || values.arrays !== undefined || (one.dtype === "float32" && one.layout === "1Mi");
  return backends.flatMap((backend) =>
    dtypes.flatMap((dtype) =>
      names.flatMap((layout) => arrays.map((kind): Case => ({ backend, dtype, layout, arrays: kind, threads, quick })).filter(shown))
    )
  );
}

if (values.case) {
  console.log(JSON.stringify(await measure(JSON.parse(values.case))));
} else {
  const results: Result[] = [];
  const todo = cases();
  const disturbance = createDisturbance();
  for (const one of todo) {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K${results.length + 1}/${todo.length} ${one.backend} ${one.dtype} ${one.layout}`);
    }
    await disturbance.rest(50);
    results.push(measureApart(one));
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const share = disturbance.share();
  if (values.json) {
    console.log(
      JSON.stringify({ bench: "optimizers", timed: "optimizer.step", algorithm: "adamw", runtime, machine, disturbance: share, results }),
    );
  } else {
    console.log(`AdamW, optimizer.step alone, gradients refilled before each step; ${runtime}, ${machine.cores} x ${machine.cpu}`);
    if (share !== null) console.log(`other processes kept ${(share * 100).toFixed(0)} % of the machine busy between the cases`);
    console.log();
    console.log(table(HEAD, results.map(row)));
    console.log(
      "\nbytes/param and scratch: what the backend holds (parameters, gradients, slots; beside them). growth: the process' peak less what",
    );
    console.log(
      "was resident before the backend was made. foreign arrays: parameters and gradients in ordinary memory, copied in and out.",
    );
  }
}

/**
 * How fast matrices are multiplied, in GFLOP/s (two operations a product), on one thread and on two, beside PyTorch on as many:
 *
 *     deno run -A bench/products.ts [--quick] [--json] [--python PROGRAM]        bun bench/products.ts …
 *
 * A chain of products X B is timed, on both sides with the little that is beside them: a transpose, and two passes over X, a hundredth of the time. The two take
 * turns. Without `--python`, and a Python with torch in `GLISSADE_PYTHON`, in `.cache/python` or on the path, ours runs alone.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createBackend } from "../mod.ts";
import { pythonWith } from "../tests/python.ts";
import { machine, runtime } from "./host.ts";
import { median, table, timeSteps } from "./measure.ts";
import { type Running, start } from "./rivals/talk.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false }, python: { type: "string" } },
});

/** Products in a chain. */
const chain = 15;
const shapes: readonly (readonly [rows: number, cols: number])[] = [[512, 512], [2048, 512]];
const rounds = values.quick ? 2 : 5;
/** Milliseconds a turn, and milliseconds of rest before it: OpenMP's threads spin for a while after their last work. */
const turn = values.quick ? 150 : 500;
const rest = 30;

const python = values.python ?? pythonWith("torch", "numpy");

/** PyTorch on so many threads, in a process of its own that sleeps until it is asked. */
async function torch(threads: number): Promise<Running | null> {
  if (python === undefined) return null;
  const script = fileURLToPath(new URL("rivals/torch_products.py", import.meta.url));
  const env = { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  return await start({ command: python, args: [script, String(threads), String(chain)], env });
}

/** GFLOP/s of one product on so many threads. */
interface Result {
  readonly what: string;
  readonly threads: number;
  readonly gflops: number;
  readonly torch: number | null;
}

const results: Result[] = [];
let rival = "no PyTorch found";
for (const threads of [1, 2]) {
  const running = await torch(threads);
  if (running !== null) rival = running.hello;
  for (const [rows, cols] of shapes) {
    using backend = threads === 1 ? createBackend("wasm") : createBackend("threads", { threads });
    const text = ["Y = transpose(x)", "B = matmul(Y, x)", "X = 0.5*x", ...Array<string>(chain).fill("X = matmul(X, B)"), "x = x + 0*X"]
      .join("\n");
    const x = backend.allocate([rows, cols]);
    for (let i = 0; i < x.data.length; i++) x.data[i] = Math.sin(i) / 64;
    const ours = (ms: number): Promise<number[]> =>
      timeSteps({ refill: () => {}, step: () => backend.run(text, { x }) }, { ms, least: 3, most: Infinity }, 0);
    const theirs = async (ms: number): Promise<number[]> => (await running!.ask(`round ${ms} 3 100000`)).split(" ").map(Number);
    await running?.ask(`prepare chain ${rows}x${cols}`);
    await ours(turn);
    await running?.ask(`round ${turn} 3 100000`);
    const times: Record<"ours" | "theirs", number[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++) {
      for (const who of round % 2 === 0 ? ["ours", "theirs"] as const : ["theirs", "ours"] as const) {
        if (who === "theirs" && running === null) continue;
        await new Promise((resolve) => setTimeout(resolve, rest));
        times[who].push(median(await (who === "ours" ? ours : theirs)(turn)));
      }
    }
    const operations = 2 * (1 + chain) * rows * cols * cols;
    results.push({
      what: `${rows} x ${cols} by ${cols} x ${cols}`,
      threads,
      gflops: operations / median(times.ours),
      torch: running && operations / median(times.theirs),
    });
  }
  await running?.end();
}

if (values.json) {
  console.log(JSON.stringify({ bench: "products", unit: "GFLOP/s", runtime, rival, machine, results }));
} else {
  console.log(`${runtime}, ${machine.cores} x ${machine.cpu}; ${rival}\n`);
  console.log(table(
    ["product", "threads", "GFLOP/s", "PyTorch", "ratio"],
    results.map(({ what, threads, gflops, torch }) => [
      what,
      String(threads),
      gflops.toFixed(1),
      torch?.toFixed(1) ?? "",
      torch === null ? "" : (gflops / torch).toFixed(2),
    ]),
  ));
}

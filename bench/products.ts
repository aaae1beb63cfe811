/**
 * How fast matrices are multiplied, in GFLOP/s (two operations a product), on one thread and on two.
 *
 *     deno run -A bench/products.ts [--quick] [--json]        bun bench/products.ts …
 *
 * A chain of products X B is timed, with the little that is beside them: a transpose, and two passes over X. PyTorch beside it: `torch.set_num_threads(n)`, then `x @ b` of the same sides.
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Backend, createBackend } from "../mod.ts";
import { median, table, timeSteps } from "./measure.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } } });

/** Products in a chain. */
const chain = 15;
const shapes: readonly (readonly [rows: number, cols: number])[] = [[512, 512], [2048, 512]];
const backends: readonly (readonly [what: string, make: () => Backend])[] = [
  ["wasm", () => createBackend("wasm")],
  ["2 threads", () => createBackend("threads", { threads: 2 })],
];

/** The median time of a text, in ns. */
async function timeOf(backend: Backend, text: string, shape: readonly number[]): Promise<number> {
  const x = backend.allocate(shape);
  for (let i = 0; i < x.data.length; i++) x.data[i] = Math.sin(i) / 64;
  const step = (): void => backend.run(text, { x });
  const budget = { ms: values.quick ? 300 : 3000, least: 5, most: Infinity };
  const times = await timeSteps({ refill: () => {}, step }, budget, 0);
  return median(times);
}

const results: { readonly what: string; readonly backend: string; readonly gflops: number }[] = [];
for (const [rows, cols] of shapes) {
  for (const [name, make] of backends) {
    using backend = make();
    const text = ["Y = transpose(x)", "B = matmul(Y, x)", "X = 0.5*x", ...Array<string>(chain).fill("X = matmul(X, B)"), "x = x + 0*X"]
      .join("\n");
    const products = (1 + chain) * rows * cols * cols;
    results.push({
      what: `${rows} x ${cols} by ${cols} x ${cols}`,
      backend: name,
      gflops: 2 * products / await timeOf(backend, text, [rows, cols]),
    });
  }
}

const runtime = process.versions.deno
  ? `deno ${process.versions.deno}`
  : process.versions.bun
  ? `bun ${process.versions.bun}`
  : process.version;
const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
if (values.json) {
  console.log(JSON.stringify({ bench: "products", unit: "GFLOP/s", runtime, machine, results }));
} else {
  console.log(`${runtime}, ${machine.cores} x ${machine.cpu}\n`);
  console.log(table(["product", "backend", "GFLOP/s"], results.map(({ what, backend, gflops }) => [what, backend, gflops.toFixed(1)])));
}

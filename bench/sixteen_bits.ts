/**
 * What an AdamW step costs in bfloat16 and float16: nanoseconds a parameter on one thread, as multiples of our own float32 time, and beside PyTorch:
 *
 *     deno run -A bench/sixteen_bits.ts [--quick] [--json] [--only REGEX] [--size 1048576] [--python PROGRAM]        bun bench/sixteen_bits.ts …
 *
 * `adamw` and `adamw_torch` round where their references do, `fused` once a store, as PyTorch's fused kernel. The rival of each is torch's own AdamW of the
 * same dtype, `foreach=False` or `fused=True`; parameters, gradients and moments have the dtype but where float32 moments are said. `adamw` has no rival in
 * torch. Gradients are new before every step, outside the timing, and the two take turns. Without `--python`, and a Python with torch in `GLISSADE_PYTHON`, in
 * `.cache/python` or on the path, ours runs alone.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { builtins, createBackend, type DType } from "../mod.ts";
import { pythonWith } from "../tests/python.ts";
import { gradientPool, refill } from "./gradients.ts";
import { machine, runtime } from "./host.ts";
import { median, table, timeSteps } from "./measure.ts";
import { type Running, start } from "./rivals/talk.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    size: { type: "string", default: String(2 ** 20) },
    python: { type: "string" },
  },
});
const size = Number(values.size);
const only = new RegExp(values.only);
const rounds = values.quick ? 3 : 7;
/** Milliseconds a turn, and of rest before it: OpenMP's threads spin for a while after their last work. */
const turn = values.quick ? 60 : 200;
const rest = 25;
/** Milliseconds of ours before all turns: V8 compiles a function anew, better, after many calls, and does so beside the main thread. */
const warm = 800;

/** What is timed: an optimizer in a dtype, and torch's variant that does the same. */
interface Case {
  readonly name: string;
  readonly optimizer: "adamw" | "adamw_torch";
  readonly dtype: DType;
  readonly options: { readonly fused?: boolean; readonly stateDtype?: "param" | "float32" };
  readonly rival: "single" | "fused" | null;
}

const dtypes: readonly DType[] = ["float32", "bfloat16", "float16"];
const cases: readonly Case[] = dtypes.flatMap((dtype): Case[] => [
  { name: `${dtype} adamw`, optimizer: "adamw", dtype, options: { stateDtype: "param" }, rival: null },
  { name: `${dtype} adamw_torch`, optimizer: "adamw_torch", dtype, options: { stateDtype: "param" }, rival: "single" },
  { name: `${dtype} adamw_torch fused`, optimizer: "adamw_torch", dtype, options: { stateDtype: "param", fused: true }, rival: "fused" },
  ...(dtype === "float32"
    ? []
    : [{ name: `${dtype} adamw, float32 moments`, optimizer: "adamw", dtype, options: { stateDtype: "float32" }, rival: null } as const]),
]);

const python = values.python ?? pythonWith("torch", "numpy");
let torch: Running | null = null;
if (python !== undefined) {
  const script = fileURLToPath(new URL("rivals/torch_sixteen_bits.py", import.meta.url));
  torch = await start({
    command: python,
    args: [script],
    env: { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
  });
}

/** Nanoseconds a parameter. */
interface Result {
  readonly name: string;
  readonly ns: number;
  readonly torch: number | null;
}

const results: Result[] = [];
for (const { name, optimizer: algorithm, dtype, options, rival } of cases) {
  if (!only.test(name) && results.length > 0) continue; // the first is what the others are compared with
  const pool = gradientPool(dtype);
  using backend = createBackend("wasm");
  const w = backend.allocate([size], dtype);
  refill(w.data, pool, 7);
  using optimizer = builtins.createOptimizer(algorithm, { w }, { lr: 1e-3, eps: 1e-8, weightDecay: 0.01, ...options }, { backend });
  const target = optimizer.grads.w.data;
  const timed = { refill: (k: number) => refill(target, pool, k), step: () => void optimizer.step() };
  let steps = 0;
  const ours = async (ms: number): Promise<number[]> => {
    const times = await timeSteps(timed, { ms, least: 3, most: Infinity }, steps);
    steps += times.length;
    return times;
  };
  const running = rival === null ? null : torch;
  const theirs = async (ms: number): Promise<number[]> => (await running!.ask(`round ${ms} 3 100000`)).split(" ").map(Number);
  const times: Record<"ours" | "theirs", number[]> = { ours: [], theirs: [] };
  await running?.ask(`prepare ${rival}-${dtype} ${size}`);
  await ours(warm);
  if (running !== null) await theirs(turn);
  for (let round = 0; round < rounds; round++) {
    for (const who of round % 2 === 0 ? ["ours", "theirs"] as const : ["theirs", "ours"] as const) {
      if (who === "theirs" && running === null) continue;
      await new Promise((resolve) => setTimeout(resolve, rest));
      times[who].push(median(await (who === "ours" ? ours : theirs)(turn)));
    }
  }
  await running?.ask("release");
  results.push({ name, ns: median(times.ours) / size, torch: running && median(times.theirs) / size });
}
await torch?.end();

const rival = torch?.hello ?? "no PyTorch found";
if (values.json) {
  console.log(JSON.stringify({ bench: "sixteen_bits", unit: "ns/parameter", runtime, rival, machine, size, results }));
} else {
  console.log(`${runtime}, ${machine.cores} x ${machine.cpu}; ${rival}; ${size} parameters, one thread\n`);
  console.log(table(
    ["step", "ns a parameter", `x ${results[0].name}`, "PyTorch", "ratio"],
    results.map(({ name, ns, torch }) => [
      name,
      ns.toFixed(2),
      (ns / results[0].ns).toFixed(2),
      torch?.toFixed(2) ?? "",
      torch === null ? "" : (ns / torch).toFixed(2),
    ]),
  ));
}

/**
 * qr and eigh on backend "webgpu" beside backend "wasm": how far their columns are from orthogonal, how far vectors are from being turned by nothing, both in
 * float64, and milliseconds.
 *
 *     deno run -A bench/factors.ts [--sides 16,64,200] [--json]
 *
 * Matrices are random ones, and for eigh x xᵀ too, with x of a third as many columns. `skew` is the largest number of QᵀQ - I, `residual` the largest of
 * A q - (q·A q) q beside the largest eigenvalue. Times are of the second run: the first one compiles. On an adapter that computes on the processor they say no
 * more than that nothing is absurd.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { createWebGpuBackend } from "../core/webgpu.ts";
import { createBackend } from "../mod.ts";
import { eigen, largest, skew } from "../tests/kernels/factors.ts";
import { random } from "../tests/kernels/random_text.ts";
import { factorOnDevice } from "../tests/kernels/webgpu/device.ts";
import { machine, runtime } from "./host.ts";
import { table } from "./measure.ts";

const { values } = parseArgs({ options: { sides: { type: "string", default: "16,64,200" }, json: { type: "boolean", default: false } } });

/** One row. */
interface Result {
  readonly what: string;
  readonly side: number;
  /** On the device, then on "wasm". */
  readonly skew: readonly number[];
  readonly residual: readonly number[];
  readonly ms: readonly number[];
}

using backend = await createWebGpuBackend();
using wasm = createBackend("wasm");

function matrix(n: number, rank: number): Float32Array {
  const r = random(n);
  const x = Float32Array.from({ length: n * rank }, () => r.unit() - 0.5);
  const a = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += x[i * rank + k] * x[j * rank + k];
      a[i * n + j] = a[j * n + i] = rank < n ? sum : x[i * n + j];
    }
  }
  return a;
}

async function timed(run: () => Float32Array | Promise<Float32Array>): Promise<{ readonly made: Float32Array; readonly ms: number }> {
  await run();
  const begin = performance.now();
  const made = await run();
  return { made, ms: performance.now() - begin };
}

const results: Result[] = [];
for (const side of values.sides.split(",").map(Number)) {
  const full = matrix(side, side);
  const cases = [["qr", full, ""], ["eigh", full, ""], ["eigh", matrix(side, Math.ceil(side / 3)), " of a third of the rank"]] as const;
  for (const [f, a, which] of cases) {
    const shape = [side, side];
    const found = [
      await timed(() => factorOnDevice(backend, f, a, shape)),
      await timed(() => {
        const z = { data: new Float32Array(a.length), shape };
        wasm.run(`Q = ${f}(x)\nz = Q`, { x: { data: a, shape }, z });
        return z.data;
      }),
    ];
    results.push({
      what: `${f}${which}`,
      side,
      skew: found.map(({ made }) => skew(made, side, side)),
      residual: f === "qr" ? [] : found.map(({ made }) => {
        const { values, residual } = eigen(a, made, side);
        return residual / largest(values);
      }),
      ms: found.map(({ ms }) => ms),
    });
  }
}

const small = (x: number | undefined): string => x === undefined ? "" : x.toExponential(1);
if (values.json) console.log(JSON.stringify({ runtime, machine, arithmetic: backend.arithmetic, results }));
else {
  console.log(`${runtime}, ${machine.cores} x ${machine.cpu}`);
  const rows = results.map(({ what, side, skew, residual, ms }) => [
    ...[what, String(side), ...skew.map(small), small(residual[0]), small(residual[1])],
    ...ms.map((x) => x.toFixed(1)),
  ]);
  console.log(table(["", "side", "skew", "wasm", "residual", "wasm", "ms", "wasm"], rows));
}
// A device that computes on the processor keeps Deno from ending.
process.exit(0);

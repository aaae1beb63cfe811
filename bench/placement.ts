/**
 * Where tensors lie: one step over the same numbers at other distances from each other, and where ours put them.
 *
 *     deno run -A bench/placement.ts [--json] [--all] [--rounds N] [--size 64Ki,1Mi,4Mi,16Mi,1000000] [--threads 1,2]
 *         [--case adamw_torch,amsgrad,adafactor,sum]        bun bench/placement.ts …
 *
 * Arrays whose addresses differ by a multiple of a large power of two fight for the same places in caches and memory banks. So each case's tensors are laid one
 * behind the other with a gap between them, for each of a list of gaps, and run in turns with the three ways in which ours lie: a parameter from
 * `allocate` with the optimizer's own gradient and slots (`own`), the same with a gradient from `allocate` (`passed`), and copies of foreign
 * arrays (`copied`; the copying is not timed). Shown are nanoseconds a parameter, the medians of all turns, and how much slower ours are than the best gap:
 * a placement that regresses shows on any machine. `--all` shows every gap.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { KernelBackend } from "../kernels/backend.ts";
import type { Tensor } from "../kernels/types.ts";
import { builtins, createBackend } from "../mod.ts";
import { createDisturbance } from "./disturbance.ts";
import { gradientPool, refill } from "./gradients.ts";
import { machine, runtime } from "./host.ts";
import { size } from "./layouts.ts";
import { median, table } from "./measure.ts";

type Reserve = KernelBackend["reserve"];

/** Steps over tensors that lie somewhere. */
interface Lying {
  readonly where: string;
  step(): void;
}

/** What is timed: its tensors are the parameter, the gradient, then others that reserve is asked for. */
interface Case {
  /** Tensors as large as the parameter, itself and its gradient included. */
  readonly tensors: number;
  prepare(backend: KernelBackend, p: Tensor, g: Tensor | null): () => void;
}

const optimizer = (tensors: number, name: "adamw_torch" | "adafactor", options: object): Case => ({
  tensors,
  prepare(backend, p, g) {
    const made = builtins.createOptimizer(name, { p }, options, { backend });
    if (g !== null) return () => void made.step({ p: g });
    refill(made.grads.p.data, pool, 1);
    return () => void made.step();
  },
});

const cases: Readonly<Record<string, Case>> = {
  adamw_torch: optimizer(4, "adamw_torch", {}),
  amsgrad: optimizer(5, "adamw_torch", { amsgrad: true }),
  adafactor: optimizer(2, "adafactor", {}),
  sum: {
    tensors: 2,
    prepare(backend, p, g) {
      const [other] = g === null ? backend.reserve([p], [{ shape: p.shape!, dtype: "float32" }]) : [g];
      refill(other.data, pool, 1);
      return () => backend.run("s += g", { s: p, g: other });
    },
  },
};

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    rounds: { type: "string", default: "9" },
    size: { type: "string", default: "64Ki,1Mi,4Mi,16Mi,1000000,5000000" },
    threads: { type: "string", default: "1,2" },
    case: { type: "string", default: Object.keys(cases).join(",") },
    gaps: { type: "string", default: "0,64,1088,4096,8768,33344,65536,66112,131072,1048576" },
  },
});

const pool = gradientPool();
const gaps = values.gaps.split(",").map(Number);
const rounds = Number(values.rounds);

/** `16Mi`, `64Ki` or a plain number as a shape: a matrix as nearly square as can be. */
function shapeOf(text: string): number[] {
  const [, digits, unit] = /^(\d+)(Ki|Mi|)$/.exec(text)!;
  const n = Number(digits) * { "": 1, Ki: 2 ** 10, Mi: 2 ** 20 }[unit]!;
  let rows = Math.floor(Math.sqrt(n));
  while (n % rows !== 0) rows--;
  return [rows, n / rows];
}

/** All ways in which a case's tensors lie. */
function layings(one: Case, backend: KernelBackend, shape: readonly number[]): Lying[] {
  const elements = size(shape);
  const bytes = 4 * elements;
  const view = (k: number, gap: number): Tensor => {
    const data = new Float32Array(block.data.buffer, block.data.byteOffset + k * (bytes + gap), elements);
    return { data, shape, dtype: "float32" };
  };
  /** A backend that gives those tensors which are as large as the parameter from a list. */
  const giving = (list: Tensor[]): KernelBackend => {
    const reserve: Reserve = (near, wanted) =>
      wanted.map((each) => size(each.shape) === elements ? { ...list.shift()!, shape: each.shape } : backend.reserve(near, [each])[0]);
    return Object.create(backend, { reserve: { value: reserve } });
  };
  const over = (tensors: Tensor[]): () => void => {
    const [p, ...others] = tensors;
    for (const { data } of tensors) data.fill(0);
    refill(p.data, pool, 7);
    return one.prepare(giving(others), p, null);
  };
  const own = (passed: boolean): () => void => {
    const p = backend.allocate(shape);
    const g = passed ? backend.allocate(shape) : null;
    refill(p.data, pool, 7);
    if (g !== null) refill(g.data, pool, 1);
    return one.prepare(backend, p, g);
  };
  // First of all: the tensors of allocate may take an eighth of an arena.
  const [lying, passed] = [own(false), own(true)];
  const [block] = backend.reserve([], [{ shape: [one.tensors * elements + Math.max(...gaps) * one.tensors / 4], dtype: "float32" }]);
  const copies = backend.reserve([], Array.from({ length: one.tensors }, () => ({ shape, dtype: "float32" as const })));
  return [
    // All in the same memory; what one leaves there is as good as what another would.
    ...gaps.map((gap): Lying => ({ where: String(gap), step: over(Array.from({ length: one.tensors }, (_, k) => view(k, gap))) })),
    { where: "own", step: lying },
    { where: "passed", step: passed },
    { where: "copied", step: over(copies) },
  ];
}

/** One case at one size on so many threads; times are nanoseconds a parameter. */
interface Result {
  readonly name: string;
  readonly size: string;
  readonly threads: number;
  readonly times: Readonly<Record<string, number>>;
}

function measure(name: string, text: string, threads: number): Result {
  using backend = createBackend(threads === 1 ? "wasm" : "threads", { threads }) as KernelBackend;
  const shape = shapeOf(text);
  const all = layings(cases[name], backend, shape);
  const times = all.map((): number[] => []);
  for (const { step } of all) for (let k = 0; k < 3; k++) step();
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < all.length; k++) {
      const at = (k + round) % all.length;
      const { step } = all[at];
      step(); // finds the caches full of the others' numbers
      const end = performance.now() + 4;
      let n = 0;
      while (n < 2 || performance.now() < end) {
        const begin = performance.now();
        step();
        times[at].push((performance.now() - begin) * 1e6);
        n++;
      }
    }
  }
  return {
    name,
    size: text,
    threads,
    times: Object.fromEntries(all.map(({ where }, at) => [where, median(times[at]) / size(shape)])),
  };
}

const disturbance = createDisturbance();
const results: Result[] = [];
for (const name of values.case.split(",")) {
  for (const text of values.size.split(",")) {
    for (const threads of values.threads.split(",").map(Number)) {
      await disturbance.rest(30);
      results.push(measure(name, text, threads));
    }
  }
}

const share = disturbance.share();
if (values.json) {
  console.log(JSON.stringify({ bench: "placement", unit: "ns/parameter", runtime, machine, disturbance: share, rounds, results }));
} else {
  console.log(
    `${runtime}, ${machine.cores} x ${machine.cpu}${share === null ? "" : `, ${(share * 100).toFixed(0)} % busy with other things`}\n`,
  );
  const ways = ["own", "passed", "copied"];
  const shown = values.all ? gaps.map(String) : [];
  const rows = results.map(({ name, size, threads, times }) => {
    const sorted = gaps.map((gap) => [gap, times[gap]]).sort(([, a], [, b]) => a - b);
    const [best, worst] = [sorted[0], sorted.at(-1)!];
    return [
      `${name} ${size}, ${threads} thread${threads === 1 ? "" : "s"}`,
      ...shown.map((gap) => times[gap].toFixed(3)),
      ...[best, worst].map(([gap, ns]) => `${ns.toFixed(3)} (${gap})`),
      ...ways.map((way) => times[way].toFixed(3)),
      (Math.max(...ways.map((way) => times[way])) / best[1]).toFixed(2),
    ];
  });
  console.log(table(["case", ...shown, "best (gap)", "worst (gap)", ...ways, "slowest / best"], rows));
}

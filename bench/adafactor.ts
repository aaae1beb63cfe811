/**
 * Our Adafactor beside transformers' and PyTorch's: `deno run -A bench/adafactor.ts`.
 *
 *     [--json] [--quick] [--layout 1024x1024,4096x4096,200*64x64,t5-small] [--only REGEX] [--rounds N] [--ms N] [--runtime deno|bun]
 *
 * Timed is the optimizer's step alone, with default options in float32, gradients refilled with fresh values before every step, outside the
 * timing. PyTorch's Adafactor is another algorithm of the same cost (its own clipping, no relative step). "kept" tells the C library to keep freed
 * memory: by default it hands a rival's temporary tensors back to the system and takes them anew in every step, as it does in its users'
 * programs, and most of a step is page faults. Every contestant is a process of its own, a new one for each layout, that sleeps until its turn; they take turns round by round, so that a busy moment of the machine meets all alike. A ratio is theirs
 * over ours, with the same number of threads, from medians of the same round; shown is the median of all rounds' ratios: how many times as fast
 * ours is. What the rivals need is set up outside the repository (bench/rivals/setup.ts).
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readShapes, size, t5Small } from "./layouts.ts";
import { median, quantile, table } from "./measure.ts";
import type { Command } from "./rivals/contestants.ts";
import { setUpPython } from "./rivals/setup.ts";
import { type Running, start } from "./rivals/talk.ts";

const LAYOUTS: Readonly<Record<string, string>> = {
  "1024x1024": "1024x1024",
  "4096x4096": "4096x4096",
  "200*64x64": "200*64x64",
  "t5-small": t5Small,
};

/** How many times as fast as transformers' ours is to be, on two threads, in each layout. */
const WANTED = 5;

/** Milliseconds of rest before a turn: OpenMP's threads spin for up to 10 ms after their last work before they sleep. */
const REST = 40;

interface Contestant {
  readonly name: string;
  readonly variant: string;
  readonly threads: 1 | 2;
  command(): Command;
}

interface Result {
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  readonly layout: string;
  /** Milliseconds a step, with quartiles of the rounds' medians. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly steps: number;
  /** Theirs over ours; null for ours. */
  readonly ratio: number | null;
  readonly ratioLow: number | null;
  readonly ratioHigh: number | null;
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    layout: { type: "string" },
    only: { type: "string" },
    rounds: { type: "string" },
    ms: { type: "string" },
    runtime: { type: "string" },
  },
});
const runtime = values.runtime ?? (process.versions.bun ? "bun" : "deno");
if (runtime !== "deno" && runtime !== "bun") throw new TypeError(`Cannot use --runtime ${runtime}: known are deno, bun`);
const layouts = values.layout?.split(",") ?? Object.keys(LAYOUTS);
const unknown = layouts.find((name) => !Object.hasOwn(LAYOUTS, name));
if (unknown) throw new TypeError(`Cannot use --layout ${unknown}: known are ${Object.keys(LAYOUTS).join(", ")}`);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9));
const ms = Number(values.ms ?? (values.quick ? 150 : 400));
const only = new RegExp(values.only ?? "");

const file = (name: string): string => fileURLToPath(new URL(`rivals/${name}`, import.meta.url));
const say = (text: string) => void process.stderr.write(`${text}\n`);
const why = (error: unknown) => error instanceof Error ? error.message : String(error);

function contestants(): Contestant[] {
  return ([1, 2] as const).flatMap((threads) => {
    const current = process.versions.bun ? "bun" : "deno";
    const options = runtime === "deno" ? ["run", "-A", "--no-check", "--v8-flags=--expose-gc"] : [];
    const ours = {
      command: runtime === current ? process.execPath : runtime,
      args: [...options, file("glissade_adafactor.ts"), threads === 1 ? "wasm" : "threads", String(threads)],
      env: {},
    };
    const theirs = (more: Readonly<Record<string, string>> = {}) => (): Command => {
      const place = setUpPython("transformers");
      if ("reason" in place) throw new Error(place.reason);
      const env = { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads), ...more };
      return { command: place.path, args: [file("torch_adafactor.py"), String(threads)], env };
    };
    const kept = { MALLOC_MMAP_THRESHOLD_: String(2 ** 25), MALLOC_TRIM_THRESHOLD_: String(2 ** 30) };
    return [
      { name: "glissade", variant: "adafactor", threads, command: () => ours },
      { name: "transformers", variant: "transformers", threads, command: theirs() },
      { name: "transformers, kept", variant: "transformers", threads, command: theirs(kept) },
      { name: "torch foreach", variant: "foreach", threads, command: theirs() },
      { name: "torch single", variant: "single", threads, command: theirs() },
    ].filter(({ name }) => name === "glissade" || only.test(`${name} ${threads}`));
  });
}

const failures: { readonly name: string; readonly threads: number; readonly layout: string; readonly reason: string }[] = [];

/** Starts the contestants that can take part. */
async function gather(layout: string): Promise<{ readonly contestant: Contestant; readonly running: Running }[]> {
  const taking: { readonly contestant: Contestant; readonly running: Running }[] = [];
  for (const contestant of contestants()) {
    const { name, threads, variant } = contestant;
    try {
      const running = await start(contestant.command());
      await running.ask(`prepare ${variant}:${LAYOUTS[layout]} 1 1`);
      await running.ask(`round ${values.quick ? 200 : 600} 3 100000`); // warm-up: compilers, allocators, page tables
      taking.push({ contestant, running });
    } catch (error) {
      say(`${layout}: ${name}, ${threads} threads, cannot take part: ${why(error)}`);
      failures.push({ name, threads, layout, reason: why(error) });
    }
  }
  return taking;
}

/** All rounds of one layout. */
async function compete(layout: string): Promise<Result[]> {
  say(layout);
  const taking = await gather(layout);
  const medians = taking.map((): number[] => []);
  const steps = taking.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < taking.length; turn++) {
      const i = (round + turn) % taking.length;
      await new Promise((resolve) => setTimeout(resolve, REST));
      // The first step of a turn finds the caches full of the others' numbers.
      const times = (await taking[i].running.ask(`round ${ms} 3 20000`)).split(" ").map(Number).slice(1);
      medians[i].push(median(times) / 1e6);
      steps[i] += times.length;
    }
  }
  await Promise.all(taking.map(({ running }) => running.end()));
  return taking.map(({ contestant: { name, threads }, running }, i) => {
    const ours = taking.findIndex(({ contestant }) => contestant.name === "glissade" && contestant.threads === threads);
    const ratios = i === ours ? null : medians[i].map((theirs, round) => theirs / medians[ours][round]);
    return {
      name,
      version: running.hello,
      threads,
      layout,
      median: median(medians[i]),
      low: quantile(medians[i], 0.25),
      high: quantile(medians[i], 0.75),
      steps: steps[i],
      ratio: ratios && median(ratios),
      ratioLow: ratios && quantile(ratios, 0.25),
      ratioHigh: ratios && quantile(ratios, 0.75),
    };
  });
}

const results: Result[] = [];
for (const layout of layouts) results.push(...await compete(layout));

const targets = layouts.map((layout) => {
  const ratio = results.find((result) => result.layout === layout && result.name === "transformers" && result.threads === 2)?.ratio ?? null;
  return { layout, atLeast: WANTED, ratio };
});
const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
if (values.json) {
  console.log(JSON.stringify({ bench: "adafactor", unit: "ms/step", machine, rounds, ms, results, targets, failures }));
} else {
  const number = (x: number | null, digits: number) => x === null ? "" : x.toFixed(digits);
  console.log(`Adafactor, float32: the optimizer's step alone, gradients refilled before each; ${machine.cores} x ${machine.cpu}`);
  console.log(`medians of ${rounds} rounds of ${ms} ms each, with quartiles; ratio: theirs over ours, how many times as fast ours is\n`);
  for (const layout of layouts) {
    const rows = results.filter((result) => result.layout === layout).map((result) => [
      result.name,
      String(result.threads),
      number(result.median, 3),
      `${number(result.low, 3)}-${number(result.high, 3)}`,
      number(result.ratio, 1),
      result.ratio === null ? "" : `${number(result.ratioLow, 1)}-${number(result.ratioHigh, 1)}`,
      result.version,
    ]);
    const parameters = readShapes(LAYOUTS[layout]).reduce((sum, shape) => sum + size(shape), 0);
    console.log(
      table(
        [`${layout} (${(parameters / 2 ** 20).toFixed(1)} Mi)`, "threads", "ms/step", "quartiles", "ratio", "quartiles", "version"],
        rows,
      ),
    );
    console.log();
  }
  const verdicts = targets.map(({ layout, atLeast, ratio }) => [
    `transformers 2, ${layout}`,
    `>= ${atLeast}`,
    number(ratio, 1) || "-",
    ratio === null ? "not measured" : ratio >= atLeast ? "reached" : "missed",
  ]);
  console.log(table(["to reach", "ratio", "is", ""], verdicts));
}

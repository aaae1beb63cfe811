/**
 * Ours and the rivals side by side: `npm run rivals`, or `deno run -A bench/rivals/run.ts`.
 *
 *     [--json] [--quick] [--layout 64Ki,1Mi,4Mi,16Mi,200x4096] [--only REGEX] [--rounds N] [--ms N] [--runtime deno|bun]
 *
 * Timed is the optimizer's step alone: float32, lr 1e-3, betas 0.9 and 0.999, eps 1e-8, weight decay 0.01, gradients refilled with fresh
 * values before every step, outside the timing. Every contestant is a process of its own that sleeps until it is its turn; they take turns
 * round by round, so that a busy moment of the machine meets all alike. A ratio is ours over theirs, with the same number of threads, from
 * medians of the same round; shown is the median of all rounds' ratios: below 1 ours is faster.
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { createDisturbance } from "../disturbance.ts";
import { median, quantile, table } from "../measure.ts";
import { type Contestant, contestants } from "./contestants.ts";
import { type Running, start } from "./talk.ts";

/** How many tensors of how many elements. */
const LAYOUTS: Readonly<Record<string, readonly [count: number, size: number]>> = {
  "64Ki": [1, 2 ** 16],
  "1Mi": [1, 2 ** 20],
  "4Mi": [1, 2 ** 22],
  "16Mi": [1, 2 ** 24],
  "200x4096": [200, 4096],
};

/** What is to be reached: ours over a rival's, at most. */
const TARGETS: readonly { readonly rival: string; readonly layouts: readonly string[]; readonly atMost: number }[] = [
  { rival: "C loop 1", layouts: ["64Ki", "1Mi", "4Mi", "16Mi"], atMost: 1.15 },
  { rival: "torch fused 1", layouts: ["1Mi", "4Mi", "16Mi"], atMost: 1.05 },
  { rival: "torch fused 2", layouts: ["1Mi", "4Mi", "16Mi"], atMost: 1.05 },
  { rival: "torch fused 1", layouts: ["200x4096"], atMost: 0.5 },
  { rival: "torch fused 2", layouts: ["200x4096"], atMost: 0.5 },
];

/**
 * Twice so many milliseconds of rest before a turn: OpenMP's threads spin for up to 10 ms after their last work before they sleep. Making them sleep at once
 * (OMP_WAIT_POLICY=passive) would be unfair: it costs PyTorch's fused AdamW on two threads half as much again at 1 Mi, and ten times at 200 x 4096.
 */
const REST = 20;

/** One contestant in one layout; times in nanoseconds a parameter. */
interface Result {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly threads: number;
  readonly layout: string;
  readonly median: number;
  /** Quartiles of the rounds' medians. */
  readonly low: number;
  readonly high: number;
  /** Steps measured in all. */
  readonly steps: number;
  /** What it is compared with, and ours over theirs: median and quartiles over the rounds; null for ours. */
  readonly against: string | null;
  readonly ratio: number | null;
  readonly ratioLow: number | null;
  readonly ratioHigh: number | null;
}

/** A contestant that does not take part, or no further. */
interface Failure {
  readonly id: string;
  readonly layout: string | null;
  readonly reason: string;
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
const layoutNames = values.layout?.split(",") ?? Object.keys(LAYOUTS);
const unknown = layoutNames.find((name) => !(name in LAYOUTS));
if (unknown) throw new TypeError(`Cannot use --layout ${unknown}: known are ${Object.keys(LAYOUTS).join(", ")}`);
const rounds = Number(values.rounds ?? (values.quick ? 3 : 9));
const ms = Number(values.ms ?? (values.quick ? 60 : 150));
const only = new RegExp(values.only ?? "");

const say = (text: string) => void process.stderr.write(`${text}\n`);
const disturbance = createDisturbance();
const why = (error: unknown) => error instanceof Error ? error.message : String(error);

const failures: Failure[] = [];
const taking: { readonly contestant: Contestant; readonly running: Running }[] = [];
// Ours always take part: without them there is no ratio.
for (const contestant of contestants(runtime).filter(({ id, against }) => against === null || only.test(id))) {
  const command = contestant.command();
  try {
    if ("reason" in command) throw new Error(command.reason);
    const running = await start(command);
    say(`${contestant.id}: ${running.hello}`);
    taking.push({ contestant, running });
  } catch (error) {
    say(`${contestant.id}: cannot take part: ${why(error)}`);
    failures.push({ id: contestant.id, layout: null, reason: why(error) });
  }
}

const results: Result[] = [];
for (const name of layoutNames) results.push(...await compete(name, ...LAYOUTS[name]));
await Promise.all(taking.map(({ running }) => running.end()));
report();

/** All rounds of one layout. */
async function compete(layout: string, count: number, size: number): Promise<Result[]> {
  const competing: { readonly contestant: Contestant; readonly running: Running; readonly medians: number[]; steps: number }[] = [];
  const leave = (id: string, error: unknown) => {
    say(`${id}: leaves ${layout}: ${why(error)}`);
    failures.push({ id, layout, reason: why(error) });
    const at = competing.findIndex(({ contestant }) => contestant.id === id);
    if (at >= 0) competing.splice(at, 1);
  };
  for (const { contestant, running } of taking) {
    try {
      await running.ask(`prepare ${contestant.variant} ${count} ${size}`);
      await running.ask(`round ${values.quick ? 200 : 600} 3 100000`); // warm-up: compilers, allocators, page tables
      competing.push({ contestant, running, medians: [], steps: 0 });
    } catch (error) {
      leave(contestant.id, error);
    }
  }
  for (let round = 0; round < rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${layout}: round ${round + 1} of ${rounds}`);
    const first = round % competing.length;
    for (const one of [...competing.slice(first), ...competing.slice(0, first)]) {
      try {
        // The last one's threads may still spin for a while; then only others keep the machine busy.
        await new Promise((resolve) => setTimeout(resolve, REST));
        await disturbance.rest(REST);
        // The first two steps of a turn find the caches full of the others' numbers.
        const times = (await one.running.ask(`round ${ms} 5 20000`)).split(" ").map(Number).slice(2);
        one.medians.push(median(times) / (count * size));
        one.steps += times.length;
      } catch (error) {
        leave(one.contestant.id, error);
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  for (const { contestant, running } of competing) await running.ask("release").catch((error) => leave(contestant.id, error));

  return competing.map(({ contestant: { id, name, threads, against }, running, medians, steps }) => {
    const ours = against && competing.find(({ contestant }) => contestant.id === `glissade ${against} ${threads}`);
    const ratios = ours ? medians.map((theirs, round) => ours.medians[round] / theirs) : null;
    return {
      id,
      name,
      version: running.hello,
      threads,
      layout,
      median: median(medians),
      low: quantile(medians, 0.25),
      high: quantile(medians, 0.75),
      steps,
      against: ours ? ours.contestant.id : null,
      ratio: ratios && median(ratios),
      ratioLow: ratios && quantile(ratios, 0.25),
      ratioHigh: ratios && quantile(ratios, 0.75),
    };
  });
}

/** The targets with what was measured. */
function targets(): { readonly rival: string; readonly layout: string; readonly atMost: number; readonly ratio: number | null }[] {
  return TARGETS.flatMap(({ rival, layouts, atMost }) =>
    layouts.filter((layout) => layoutNames.includes(layout)).map((layout) => ({
      rival,
      layout,
      atMost,
      ratio: results.find((result) => result.id === rival && result.layout === layout)?.ratio ?? null,
    }))
  );
}

/** Prints everything. */
function report(): void {
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
  if (values.json) {
    const timed = "the optimizer's step alone, float32, gradients refilled before each step";
    console.log(
      JSON.stringify({
        bench: "rivals",
        timed,
        unit: "ns/parameter",
        machine,
        disturbance: disturbance.share(),
        rounds,
        ms,
        results,
        targets: targets(),
        failures,
      }),
    );
    return;
  }
  const number = (x: number | null, digits: number) => x === null ? "" : x.toFixed(digits);
  console.log(`AdamW, float32: the optimizer's step alone, gradients refilled before each; ${machine.cores} x ${machine.cpu}`);
  console.log(
    `medians of ${rounds} rounds of ${ms} ms each; ns a parameter with quartiles; ratio: ours over theirs, below 1 ours is faster`,
  );
  const share = disturbance.share();
  if (share !== null) console.log(`other processes kept ${(share * 100).toFixed(0)} % of the machine busy meanwhile`);
  console.log();
  for (const layout of layoutNames) {
    const rows = results.filter((result) => result.layout === layout).map((result) => [
      result.name,
      String(result.threads),
      number(result.median, 3),
      `${number(result.low, 3)}-${number(result.high, 3)}`,
      number(result.ratio, 2),
      result.ratio === null ? "" : `${number(result.ratioLow, 2)}-${number(result.ratioHigh, 2)}`,
      result.version,
    ]);
    console.log(table([layout, "threads", "ns/param", "quartiles", "ratio", "quartiles", "version"], rows));
    console.log();
  }
  const verdicts = targets().map(({ rival, layout, atMost, ratio }) => [
    `${rival}, ${layout}`,
    `<= ${atMost}`,
    number(ratio, 2) || "-",
    ratio === null ? "not measured" : ratio <= atMost ? "reached" : `missed by ${((ratio / atMost - 1) * 100).toFixed(0)} %`,
  ]);
  console.log(table(["to reach", "ratio", "is", ""], verdicts));
  if (failures.length > 0) console.log("\nnot taking part:");
  for (const { id, layout, reason } of failures) console.log(`  ${id}${layout ? ` in ${layout}` : ""}: ${reason}`);
}

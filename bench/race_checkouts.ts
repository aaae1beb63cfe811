/**
 * Two checkouts against each other: is the one no slower than the other?
 *
 *     deno run -A bench/race_checkouts.ts CHECKOUT_A CHECKOUT_B
 *         [--rounds 21] [--ms 60] [--only REGEX] [--most 1.03] [--runtime deno|bun] [--json]
 *
 * A checkout is a folder with the repository in it (`git worktree add ../before main~1`). Timed is the optimizer's step alone, in float32, gradients refilled
 * before every step, outside the timing. Each checkout runs in a process of its own that sleeps until it is told to run a round; the two take turns, and who
 * begins changes from round to round, so that a busy moment of the machine meets both. A ratio is B's median over A's of the same round, the result the
 * median of all rounds' ratios: above 1, B is slower. With `--most` the exit code is 1 where a result is greater.
 *
 * Where the system puts a process' memory moves its times by a few percent for as long as it lives: so processes are made anew every seven rounds. The
 * same folder twice shows what is left of that.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import type { BackendName } from "../mod.ts";
import { createDisturbance } from "./disturbance.ts";
import { machine } from "./host.ts";
import { median, quantile, table } from "./measure.ts";
import { type Runtime, script } from "./rivals/commands.ts";
import { type Running, start } from "./rivals/talk.ts";

/** What is timed. */
interface Case {
  readonly name: string;
  readonly variant: "adamw" | "adafactor";
  /** As `readShapes` of layouts.ts reads them. */
  readonly shapes: string;
}

/** One case on one backend; times in microseconds. */
interface Result {
  readonly name: string;
  readonly backend: string;
  readonly a: number;
  readonly b: number;
  /** Median and quartiles of the rounds' ratios. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

const cases: readonly Case[] = [
  { name: "adamw, one tensor of 16", variant: "adamw", shapes: "16" },
  { name: "adamw, 400 tensors of 64", variant: "adamw", shapes: "400*64" },
  { name: "adamw, 64 Ki", variant: "adamw", shapes: "65536" },
  { name: "adamw, 1 Mi", variant: "adamw", shapes: "1048576" },
  { name: "adamw, 4 Mi", variant: "adamw", shapes: "4194304" },
  { name: "adafactor, 1024 x 1024", variant: "adafactor", shapes: "1024x1024" },
];

const backends: readonly { readonly name: string; readonly backend: BackendName; readonly threads: number }[] = [
  { name: "js", backend: "js", threads: 1 },
  { name: "one thread", backend: "wasm", threads: 1 },
  { name: "two threads", backend: "threads", threads: 2 },
];

/** Rounds that a pair of processes lives for. */
const roundsOfLife = 7;
/** Steps of a round at least; the first finds the caches full of the other's numbers and does not count. */
const least = 4;
const cold = 1;
/** Milliseconds of rest before a turn, in which the machine should be idle. */
const rest = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "21" },
    ms: { type: "string", default: "60" },
    only: { type: "string", default: "" },
    most: { type: "string" },
    runtime: { type: "string", default: process.versions.bun ? "bun" : "deno" },
    json: { type: "boolean", default: false },
  },
});
const checkouts = positionals.map((folder) => resolve(folder));
if (checkouts.length !== 2) throw new TypeError("Cannot race: give two folders, each with a checkout in it");
const missing = checkouts.find((folder) => !existsSync(join(folder, "mod.ts")));
if (missing !== undefined) throw new TypeError(`Cannot race ${missing}: it has no mod.ts`);
const { runtime } = values;
if (runtime !== "deno" && runtime !== "bun") throw new TypeError(`Cannot use --runtime ${runtime}: known are deno, bun`);
const [rounds, ms, most] = [Number(values.rounds), Number(values.ms), Number(values.most ?? Infinity)];
if (!(rounds >= 1 && ms > 0 && most > 0)) throw new RangeError("Cannot race: --rounds, --ms and --most are numbers above 0");
const only = new RegExp(values.only);

const disturbance = createDisturbance();
/** Medians of each round, of A and of B, by case and backend. */
const measured = new Map<string, { readonly of: Case; readonly backend: string; readonly rounds: (readonly [a: number, b: number])[] }>();

/** A turn: the median of its steps in microseconds. */
async function turn(running: Running): Promise<number> {
  await disturbance.rest(rest);
  const times = (await running.ask(`round ${ms} ${least} 20000`)).split(" ").map(Number);
  return median(times.slice(cold)) / 1e3;
}

/** So many rounds of every case on one backend, in new processes. */
async function race({ name, backend, threads }: (typeof backends)[number], from: number, to: number, runtime: Runtime): Promise<void> {
  const chosen = cases.filter((one) => only.test(`${one.name}, ${name}`));
  if (chosen.length === 0) return;
  const pair = await Promise.all(checkouts.map((folder) => start(script(runtime, "glissade.ts", backend, String(threads), folder))));
  try {
    for (const one of chosen) {
      for (const running of pair) {
        await running.ask(`prepare ${one.variant} ${one.shapes}`);
        await running.ask(`round ${Math.max(200, 2 * ms)} ${least} 20000`); // compilers, allocators, page tables
      }
      for (let round = from; round < to; round++) {
        if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${one.name}, ${name}: round ${round + 1} of ${rounds}`);
        const first = round % 2;
        const earlier = await turn(pair[first]);
        const later = await turn(pair[1 - first]);
        const key = `${one.name}, ${name}`;
        if (!measured.has(key)) measured.set(key, { of: one, backend: name, rounds: [] });
        measured.get(key)!.rounds.push(first === 0 ? [earlier, later] : [later, earlier]);
      }
      for (const running of pair) await running.ask("release");
    }
  } finally {
    await Promise.all(pair.map((running) => running.end()));
  }
}

for (let from = 0; from < rounds; from += roundsOfLife) {
  for (const backend of backends) await race(backend, from, Math.min(rounds, from + roundsOfLife), runtime);
}
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");

const results = backends.flatMap(({ name: backend }) =>
  cases.flatMap(({ name }): Result[] => {
    const found = measured.get(`${name}, ${backend}`);
    if (found === undefined) return [];
    const ratios = found.rounds.map(([a, b]) => b / a);
    return [{
      name,
      backend,
      a: median(found.rounds.map(([a]) => a)),
      b: median(found.rounds.map(([, b]) => b)),
      ratio: median(ratios),
      low: quantile(ratios, 0.25),
      high: quantile(ratios, 0.75),
    }];
  })
);
const busy = disturbance.share();
if (values.json) {
  console.log(
    JSON.stringify({ bench: "race_checkouts", runtime, machine, busy, rounds, a: checkouts[0], b: checkouts[1], unit: "us", results }),
  );
} else {
  console.log(
    `${runtime}, ${machine.cores} x ${machine.cpu}${busy === null ? "" : `, ${(busy * 100).toFixed(0)} % busy with other things`}`,
  );
  console.log(`A ${checkouts[0]}\nB ${checkouts[1]}\n`);
  const time = (us: number): string => us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${us.toFixed(1)} us`;
  const rows = results.map(({ name, backend, a, b, ratio, low, high }) => [
    name,
    backend,
    time(a),
    time(b),
    ratio.toFixed(3),
    `${low.toFixed(3)}-${high.toFixed(3)}`,
    ratio > most ? "slower" : "",
  ]);
  console.log(table(["step", "backend", "A", "B", "B / A", "quartiles", ""], rows));
}
process.exitCode = results.some(({ ratio }) => ratio > most) ? 1 : 0;

/**
 * A race between ours and rivals. What is particular to one race is data, a {@linkcode Race}; here is how every race is run and printed.
 *
 *     [--json] [--quick] [--layout NAME,NAME] [--only REGEX] [--rounds N] [--ms N] [--processes N] [--runtime deno|bun]
 *
 * Timed is the optimizer's step alone, in float32, gradients refilled with fresh values before every step, outside the timing. Every
 * contestant is a process of its own that sleeps until it is its turn; they take turns round by round, so that a busy moment of the machine
 * meets all alike. A ratio is between two with the same number of threads, from medians of the same round; shown is the median of all
 * rounds' ratios. Where the system puts a process' memory moves its times for as long as it lives: `--processes` starts everybody anew so often, and
 * the medians are over all rounds of all of them. What the rivals need is set up outside the repository (setup.ts).
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { createDisturbance } from "../disturbance.ts";
import { machine } from "../host.ts";
import { readShapes, size } from "../layouts.ts";
import { median, quantile, table } from "../measure.ts";
import type { Command, Runtime } from "./commands.ts";
import { compete, type Finished } from "./compete.ts";
import { type Running, start } from "./talk.ts";

/** One that takes part; its id is its name with its threads, as `torch fused 2`. */
export interface Contestant {
  readonly name: string;
  readonly threads: 1 | 2;
  /** What is asked of its process at `prepare`. */
  readonly variant: string;
  /** The name of ours that it is compared with; `null`: it is ours. */
  readonly against: string | null;
  /** How to start it; asked when it is needed, and throws when it cannot be set up. */
  command(): Command;
}

/** What is to be reached: the ratio of the rival with this id, in each of the layouts. */
export interface Target {
  readonly rival: string;
  readonly layouts: readonly string[];
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** What makes one race another than the next. */
export interface Race {
  readonly bench: string;
  readonly algorithm: string;
  /** By name, as `readShapes` reads them. */
  readonly layouts: Readonly<Record<string, string>>;
  /** What a process lives for. */
  readonly processesFor: "all layouts" | "one layout";
  contestants(runtime: Runtime): readonly Contestant[];
  /** So many milliseconds a turn, and `least` steps; its `cold` first ones find the caches full of the others' numbers and do not count. */
  readonly turn: { readonly ms: number; readonly quickMs: number; readonly least: number; readonly cold: number };
  readonly unit: { readonly name: string; of(ns: number, parameters: number): number };
  readonly ratio: { readonly words: string; of(ours: number, theirs: number): number };
  readonly targets: readonly Target[];
}

/** One contestant in one layout; times in the race's unit. */
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
  /** What it is compared with, and the ratio: median and quartiles over the rounds; null for ours. */
  readonly against: string | null;
  readonly ratio: number | null;
  readonly ratioLow: number | null;
  readonly ratioHigh: number | null;
}

/** A contestant that does not take part, or no further; in no layout where it is null. */
interface Failure {
  readonly id: string;
  readonly name: string;
  readonly threads: number;
  readonly layout: string | null;
  readonly reason: string;
}

/** Runs a race with the command line's options, and prints what came of it. */
export async function run(race: Race): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      layout: { type: "string" },
      only: { type: "string" },
      rounds: { type: "string" },
      ms: { type: "string" },
      processes: { type: "string", default: "1" },
      runtime: { type: "string" },
    },
  });
  const runtime = values.runtime ?? (process.versions.bun ? "bun" : "deno");
  if (runtime !== "deno" && runtime !== "bun") throw new TypeError(`Cannot use --runtime ${runtime}: known are deno, bun`);
  const layouts = values.layout?.split(",") ?? Object.keys(race.layouts);
  const unknown = layouts.find((name) => !Object.hasOwn(race.layouts, name));
  if (unknown !== undefined) throw new TypeError(`Cannot use --layout ${unknown}: known are ${Object.keys(race.layouts).join(", ")}`);
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 9));
  const ms = Number(values.ms ?? (values.quick ? race.turn.quickMs : race.turn.ms));
  const processes = Number(values.processes);
  if (!(Number.isInteger(processes) && processes >= 1)) {
    throw new RangeError(`Cannot use --processes ${values.processes}: it is a number from 1`);
  }
  const only = new RegExp(values.only ?? "");
  // Ours always take part: without them there is no ratio.
  const contestants = race.contestants(runtime).filter((one) => one.against === null || only.test(id(one)));

  const disturbance = createDisturbance();
  const results: Result[] = [];
  const failures: Failure[] = [];
  const fail = (contestant: Contestant, layout: string | null, error: unknown) => {
    const { name, threads } = contestant;
    const reason = error instanceof Error ? error.message : String(error);
    say(`${id(contestant)}: cannot take part${layout === null ? "" : ` in ${layout}`}: ${reason}`);
    failures.push({ id: id(contestant), name, threads, layout, reason });
  };

  const warm = values.quick ? 200 : 600;
  const turn = { ms, least: race.turn.least, cold: race.turn.cold };

  /** What each went through, by layout. */
  const finished = new Map(layouts.map((layout): [string, Finished<Contestant>[]] => [layout, []]));

  /** All rounds of one layout. */
  const raceOver = async (layout: string, taking: readonly (readonly [Contestant, Running])[]): Promise<void> => {
    const left = (contestant: Contestant, error: unknown): void => fail(contestant, layout, error);
    const known = finished.get(layout)!;
    for (const one of await compete(layout, race.layouts[layout], taking, { rounds, warm, turn, disturbance }, left)) {
      const at = known.findIndex(({ contestant }) => contestant === one.contestant);
      if (at < 0) known.push(one);
      else known[at] = { ...one, medians: [...known[at].medians, ...one.medians], steps: known[at].steps + one.steps };
    }
  };

  const groups = race.processesFor === "all layouts" ? [layouts] : layouts.map((layout) => [layout]);
  for (const group of groups.flatMap((group) => Array.from({ length: processes }, () => group))) {
    const taking: [Contestant, Running][] = [];
    for (const contestant of contestants) {
      try {
        const running = await start(contestant.command());
        say(`${id(contestant)}: ${running.hello}`);
        taking.push([contestant, running]);
      } catch (error) {
        fail(contestant, race.processesFor === "all layouts" ? null : group[0], error);
      }
    }
    for (const layout of group) await raceOver(layout, taking);
    await Promise.all(taking.map(([, running]) => running.end()));
  }

  for (const [layout, all] of finished) {
    const parameters = readShapes(race.layouts[layout]).reduce((sum, shape) => sum + size(shape), 0);
    const inUnits = all.map((one) => ({ ...one, medians: one.medians.map((ns) => race.unit.of(ns, parameters)) }));
    for (const { contestant, running, medians, steps } of inUnits) {
      const { name, threads, against } = contestant;
      const ours = inUnits.find((one) => one.contestant.name === against && one.contestant.threads === threads);
      const ratios = ours ? medians.map((theirs, round) => race.ratio.of(ours.medians[round], theirs)) : null;
      results.push({
        id: id(contestant),
        name,
        version: running.hello,
        threads,
        layout,
        median: median(medians),
        low: quantile(medians, 0.25),
        high: quantile(medians, 0.75),
        steps,
        against: ours ? id(ours.contestant) : null,
        ratio: ratios && median(ratios),
        ratioLow: ratios && quantile(ratios, 0.25),
        ratioHigh: ratios && quantile(ratios, 0.75),
      });
    }
  }

  const targets = race.targets.flatMap(({ layouts: wanted, ...target }) =>
    wanted.filter((layout) => layouts.includes(layout)).map((layout) => ({
      ...target,
      layout,
      ratio: results.find((result) => result.id === target.rival && result.layout === layout)?.ratio ?? null,
    }))
  );
  const timed = "the optimizer's step alone, float32, gradients refilled before each step";
  const share = disturbance.share();
  if (values.json) {
    const { bench, unit } = race;
    console.log(
      JSON.stringify({ bench, timed, unit: unit.name, machine, disturbance: share, rounds, ms, processes, results, targets, failures }),
    );
    return;
  }

  const number = (x: number | null, digits: number) => x === null ? "" : x.toFixed(digits);
  console.log(`${race.algorithm}: ${timed}; ${machine.cores} x ${machine.cpu}`);
  console.log(
    `medians of ${rounds} rounds of ${ms} ms each${
      processes === 1 ? "" : ` in each of ${processes} processes`
    }, with quartiles; ratio: ${race.ratio.words}`,
  );
  if (share !== null) console.log(`other processes kept ${(share * 100).toFixed(0)} % of the machine busy meanwhile`);
  console.log();
  for (const layout of layouts) {
    const rows = results.filter((result) => result.layout === layout).map((result) => [
      result.name,
      String(result.threads),
      number(result.median, 3),
      `${number(result.low, 3)}-${number(result.high, 3)}`,
      number(result.ratio, 2),
      result.ratio === null ? "" : `${number(result.ratioLow, 2)}-${number(result.ratioHigh, 2)}`,
      result.version,
    ]);
    console.log(table([layout, "threads", race.unit.name, "quartiles", "ratio", "quartiles", "version"], rows));
    console.log();
  }
  const verdicts = targets.map(({ rival, layout, atMost, atLeast, ratio }) => {
    const missed = ratio === null ? NaN : Math.max(ratio / (atMost ?? Infinity), (atLeast ?? 0) / ratio) - 1;
    return [
      `${rival}, ${layout}`,
      atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`,
      number(ratio, 2) || "-",
      ratio === null ? "not measured" : missed > 0 ? `missed by ${(missed * 100).toFixed(0)} %` : "reached",
    ];
  });
  console.log(table(["to reach", "ratio", "is", ""], verdicts));
  if (failures.length > 0) console.log("\nnot taking part:");
  for (const { id, layout, reason } of failures) console.log(`  ${id}${layout === null ? "" : ` in ${layout}`}: ${reason}`);
}

/** As in `--only` and the targets. */
function id({ name, threads }: Contestant): string {
  return `${name} ${threads}`;
}

/** Says it to who waits: the results alone go to the standard output. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

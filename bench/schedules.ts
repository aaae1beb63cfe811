/**
 * What a question to a schedule costs: `deno run -A bench/schedules.ts [--json]`, or `bun bench/schedules.ts`.
 *
 * Asked are all built-in schedules that are functions of the step, at steps that change from question to question, compositions of five of them, and
 * an optimizer's `groups[0].current.lr`, which asks its schedule. Medians of many rounds, in nanoseconds a question.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { builtins, type Schedule } from "../mod.ts";
import { samples } from "../tests/plugins/schedule_samples.ts";
import { machine, runtime } from "./host.ts";
import { median, quantile, table } from "./measure.ts";

/** What a question may cost at most, and one to a composition of five schedules. */
const WANTED = 100;
const WANTED_OF_FIVE = 500;
const ROUNDS = 60;
const QUESTIONS = 20_000;

interface Result {
  readonly what: string;
  readonly median: number;
  readonly high: number;
  /** What it may cost. */
  readonly most: number;
}

/** Nanoseconds a question. Its answers are summed, or an engine might leave the questions out. */
function measure(what: string, ask: (step: number) => number): Result {
  const times: number[] = [];
  let sum = 0;
  for (let round = 0; round < ROUNDS + 10; round++) {
    const begin = performance.now();
    for (let i = 0; i < QUESTIONS; i++) sum += ask((i * 7) % 211);
    if (round >= 10) times.push((performance.now() - begin) * 1e6 / QUESTIONS);
  }
  if (Number.isNaN(sum)) throw new RangeError(`Cannot measure ${what}: it gives NaN`);
  return { what, median: median(times), high: quantile(times, 0.95), most: WANTED };
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const results: Result[] = [];
for (const [plugin, list] of samples) {
  // The dearest of each one's options.
  const all = list.map((options) => measure(plugin.name, builtins.createSchedule(plugin.name as "linear", options as never) as Schedule));
  results.push(all.reduce((a, b) => a.median >= b.median ? a : b));
}
const [halves, down] = [{ name: "step", options: { stepSize: 40, gamma: 0.5 } }, { name: "linear_lr" }];
const wave = { name: "cosine", options: { numWarmupSteps: 13, numTrainingSteps: 170 } };
const compositions: Readonly<Record<string, readonly [name: "sequence" | "sum" | "product" | "clamp", options: object]>> = {
  "sequence of five": ["sequence", { schedules: [down, wave, halves, down, wave], milestones: [30, 90, 130, 170] }],
  "product of five": ["product", { schedules: [down, wave, halves, { name: "rex", options: { totalSteps: 90 } }, { name: "constant" }] }],
  "sum of five": ["sum", { schedules: [down, wave, halves, { name: "rex", options: { totalSteps: 90 } }, { name: "constant" }] }],
  "five within each other": ["clamp", {
    min: 0.01,
    schedule: {
      name: "warm",
      options: {
        numWarmupSteps: 20,
        schedule: { name: "repeat", options: { every: 120, schedule: { name: "scale", options: { factor: 0.5, schedule: wave } } } },
      },
    },
  }],
};
for (const [what, [name, options]] of Object.entries(compositions)) {
  results.push({ ...measure(what, builtins.createSchedule(name, options as never) as Schedule), most: WANTED_OF_FIVE });
}
{
  const schedules = { lr: { name: "cosine", options: { numWarmupSteps: 13, numTrainingSteps: 170 } } };
  using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array(4) }, { lr: 1e-3 }, { schedules });
  for (let i = 0; i < 90; i++) optimizer.step({ w: new Float32Array(4).fill(1) }); // past the warmup, down the wave
  results.push(measure("optimizer.groups[0].current.lr (cosine)", () => optimizer.groups[0].current.lr));
}

if (values.json) {
  console.log(JSON.stringify({ bench: "schedules", unit: "ns/question", machine, runtime, results }));
} else {
  console.log(`A question to a schedule, ${runtime}; ${machine.cores} x ${machine.cpu}`);
  const rows = results.map((
    { what, median, high, most },
  ) => [what, median.toFixed(1), high.toFixed(1), String(most), median < most ? "reached" : "missed"]);
  console.log(table(["schedule (dearest options)", "ns", "95 %", "wanted", "under it"], rows));
}

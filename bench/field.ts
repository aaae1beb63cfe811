/**
 * Every optimizer beside the one that it follows, or another library's of its name: `npm run field`, or `deno run -A bench/field.ts`.
 *
 *     [--json] [--quick] [--only REGEX] [--layout 4Mi,200x64x64] [--rounds N] [--ms N] [--runtime deno|bun]
 *
 * Two threads each, float32, the same options on both sides; PyTorch's, timm's, pytorch_optimizer's and schedulefree's with `foreach` where they have it.
 * Timed is the step alone, gradients refilled before each; the two take turns (rivals/compete.ts). A ratio is ours over theirs: below 1 ours is faster.
 * Every optimizer has new processes, since what a process has freed before changes what its next steps cost. The rivals are set up outside the
 * repository (rivals/setup.ts).
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { builtins } from "../mod.ts";
import { createDisturbance } from "./disturbance.ts";
import { machine } from "./host.ts";
import { readShapes, size } from "./layouts.ts";
import { median, quantile, table } from "./measure.ts";
import { type Command, glissade, python } from "./rivals/commands.ts";
import { compete } from "./rivals/compete.ts";
import { type Running, start } from "./rivals/talk.ts";

type Package = "torch" | "timm" | "pytorch_optimizer" | "schedulefree" | "transformers";

/** Whom one of ours is measured against, with options that make both do the same work; or why there is nobody. */
type Rival =
  | { readonly package: Package; readonly name: string; readonly ours?: object; readonly theirs?: object }
  | { readonly none: string };

const KERAS = "TensorFlow's alone: none in PyTorch, timm or pytorch_optimizer";

/** Rivals by the name of ours. One that is missing here is named at the end. */
const RIVALS: Readonly<Record<string, Rival>> = {
  adabelief: { package: "timm", name: "AdaBelief" },
  adadelta: { package: "torch", name: "Adadelta" },
  adafactor: { package: "transformers", name: "Adafactor" },
  adafactor_torch: { package: "torch", name: "Adafactor" },
  adagrad: { package: "torch", name: "Adagrad" },
  adam: { package: "torch", name: "Adam" },
  adam_keras: { none: KERAS },
  adam_weight_decay: { none: KERAS },
  adamax: { package: "torch", name: "Adamax" },
  adamuon: { package: "pytorch_optimizer", name: "AdaMuon" },
  adamw: { package: "transformers", name: "AdamW" },
  adamw_torch: { package: "torch", name: "AdamW", ours: { weightDecay: 0.01 }, theirs: { weight_decay: 0.01 } },
  adan: { package: "timm", name: "Adan" },
  ademamix: { package: "pytorch_optimizer", name: "AdEMAMix" },
  adopt: { package: "timm", name: "Adopt" },
  apollo: { package: "pytorch_optimizer", name: "APOLLO" },
  asgd: { package: "torch", name: "ASGD" },
  came: { package: "pytorch_optimizer", name: "CAME" },
  dadapt_adam: { package: "pytorch_optimizer", name: "DAdaptAdam" },
  fromage: { package: "pytorch_optimizer", name: "Fromage", ours: { minNorm: 0 } },
  ftrl: { package: "pytorch_optimizer", name: "FTRL" },
  lamb: { package: "timm", name: "Lamb", ours: { weightDecay: 0.01 }, theirs: { weight_decay: 0.01 } },
  laprop: { package: "timm", name: "LaProp" },
  lars: {
    package: "timm",
    name: "Lars",
    ours: { momentum: 0.9, weightDecay: 1e-4 },
    theirs: { momentum: 0.9, weight_decay: 1e-4 },
  },
  lion: { package: "timm", name: "Lion" },
  mars: { package: "timm", name: "Mars" },
  muon: { package: "timm", name: "Muon" },
  nadam: { package: "torch", name: "NAdam" },
  nadamw: { package: "timm", name: "NAdamW" },
  normuon: { package: "pytorch_optimizer", name: "NorMuon" },
  novograd: { package: "timm", name: "NvNovoGrad" },
  optimistic_sgd: { none: "optax' alone: none in PyTorch, timm or pytorch_optimizer" },
  prodigy: { package: "pytorch_optimizer", name: "Prodigy" },
  radam: { package: "torch", name: "RAdam" },
  rmsprop: { package: "torch", name: "RMSprop" },
  rprop: { package: "torch", name: "Rprop" },
  schedule_free_adamw: { package: "schedulefree", name: "AdamWScheduleFree" },
  schedule_free_radam: { package: "schedulefree", name: "RAdamScheduleFree" },
  schedule_free_sgd: { package: "schedulefree", name: "SGDScheduleFree", ours: { lr: 1e-3 }, theirs: { lr: 1e-3 } },
  sgd: { package: "torch", name: "SGD", ours: { momentum: 0.9 }, theirs: { momentum: 0.9 } },
  sm3: { package: "pytorch_optimizer", name: "SM3" },
  soap: { package: "pytorch_optimizer", name: "SOAP" },
  sophia: { package: "pytorch_optimizer", name: "SophiaH", theirs: { update_period: 1_000_000_000 } },
  sparse_adam: { none: "torch.optim.SparseAdam takes no dense gradients" },
  stable_adamw: { package: "pytorch_optimizer", name: "StableAdamW" },
  tiger: { package: "pytorch_optimizer", name: "Tiger" },
  yogi: { package: "pytorch_optimizer", name: "Yogi" },
};

const LAYOUTS: Readonly<Record<string, string>> = { "4Mi": "2048x2048", "200x64x64": "200*64x64" };

/** One optimizer in one layout. Times are nanoseconds a parameter. */
interface Result {
  readonly optimizer: string;
  readonly rival: string;
  /** The rival's package and version, as it says itself. */
  readonly version: string;
  readonly layout: string;
  readonly ours: number;
  readonly theirs: number;
  /** Median and quartiles of the rounds' ratios. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    layout: { type: "string", default: Object.keys(LAYOUTS).join() },
    rounds: { type: "string" },
    ms: { type: "string" },
    runtime: { type: "string", default: process.versions.bun ? "bun" : "deno" },
  },
});
const runtime = values.runtime;
if (runtime !== "deno" && runtime !== "bun") throw new TypeError(`Cannot use --runtime ${runtime}: known are deno, bun`);
const layouts = values.layout.split(",");
const unknown = layouts.find((name) => !Object.hasOwn(LAYOUTS, name));
if (unknown !== undefined) throw new TypeError(`Cannot use --layout ${unknown}: known are ${Object.keys(LAYOUTS).join(", ")}`);
const only = new RegExp(values.only);
const disturbance = createDisturbance();
const turns = {
  rounds: Number(values.rounds ?? (values.quick ? 3 : 7)),
  warm: values.quick ? 100 : 400,
  turn: { ms: Number(values.ms ?? (values.quick ? 40 : 200)), least: 3, cold: 1 },
  disturbance,
};

const names = builtins.plugins.filter(({ kind, name }) => kind === "optimizer" && only.test(name)).map(({ name }) => name);
const results: Result[] = [];
const without: [optimizer: string, reason: string][] = [];
for (const name of names) {
  const rival = RIVALS[name] as Rival | undefined;
  if (rival === undefined) without.push([name, "bench/field.ts knows no rival"]);
  else if ("none" in rival) without.push([name, rival.none]);
  else await race(name, rival);
}
report();

/** A variant as contestants read it: a name, and options without spaces. */
function variantOf(name: string, options: object = {}): string {
  return `${name}:${JSON.stringify(options)}`;
}

/** One optimizer and its rival, in processes of their own, in all layouts. */
async function race(name: string, rival: Exclude<Rival, { none: string }>): Promise<void> {
  const command = (): Command => python("field", 2, ["field_step.py", "2", rival.package]);
  const contestants = [
    { side: "ours", variant: variantOf(name, rival.ours), command: () => glissade(runtime as "deno" | "bun", 2) },
    { side: "theirs", variant: variantOf(rival.name, rival.theirs), command },
  ] as const;
  const taking: [typeof contestants[number], Running][] = [];
  try {
    for (const one of contestants) taking.push([one, await start(one.command())]);
    for (const layout of layouts) {
      const fail = (one: typeof contestants[number], error: unknown): void => {
        without.push([`${name} in ${layout}`, `${one.side}: ${error instanceof Error ? error.message : error}`]);
      };
      const [ours, theirs] = await compete(`${name}, ${layout}`, LAYOUTS[layout], taking, turns, fail);
      if (theirs === undefined) continue;
      const parameters = readShapes(LAYOUTS[layout]).reduce((sum, shape) => sum + size(shape), 0);
      const ratios = ours.medians.map((ns, round) => ns / theirs.medians[round]);
      const result = {
        optimizer: name,
        rival: `${rival.package}.${rival.name}`,
        version: taking[1][1].hello,
        layout,
        ours: median(ours.medians) / parameters,
        theirs: median(theirs.medians) / parameters,
        ratio: median(ratios),
        low: quantile(ratios, 0.25),
        high: quantile(ratios, 0.75),
      };
      results.push(result);
      process.stderr.write(`${name}, ${layout}: ${result.ratio.toFixed(2)}\n`);
    }
  } catch (error) {
    without.push([name, error instanceof Error ? error.message : String(error)]);
  } finally {
    await Promise.all(taking.map(([, running]) => running.end()));
  }
}

/** The results as tables, a layout each, or as JSON. */
function report(): void {
  const share = disturbance.share();
  if (values.json) {
    const { rounds, turn: { ms } } = turns;
    console.log(
      JSON.stringify({
        bench: "field",
        unit: "ns/parameter",
        runtime,
        threads: 2,
        machine,
        disturbance: share,
        rounds,
        ms,
        results,
        without,
      }),
    );
    return;
  }
  console.log(`Every optimizer beside its rival, two threads, the step alone, float32; ${runtime}, ${machine.cores} x ${machine.cpu}`);
  console.log(
    `medians of ${turns.rounds} rounds of ${turns.turn.ms} ms each; ratio: ours over theirs, below 1 ours is faster, with quartiles`,
  );
  if (share !== null) console.log(`other processes kept ${(share * 100).toFixed(0)} % of the machine busy meanwhile`);
  for (const layout of layouts) {
    const rows = results.filter((result) => result.layout === layout).map((
      { optimizer, rival, version, ours, theirs, ratio, low, high },
    ) => [
      optimizer,
      ours.toFixed(3),
      theirs.toFixed(3),
      ratio.toFixed(2),
      `${low.toFixed(2)}-${high.toFixed(2)}`,
      rival,
      version,
    ]);
    console.log(`\n${table([layout, "ns/parameter", "theirs", "ratio", "quartiles", "rival", "version"], rows)}`);
  }
  const slower = [...new Set(results.filter(({ ratio }) => ratio > 1).map(({ optimizer, layout }) => `${optimizer} (${layout})`))];
  console.log(`\nslower than their rivals: ${slower.join(", ") || "none"}`);
  for (const [optimizer, reason] of without) console.log(`not measured: ${optimizer}: ${reason}`);
}

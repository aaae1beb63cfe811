/**
 * A run that is stopped and resumed, at any micro-batch, is the run that never stopped: for recipes drawn at random from all built-in plugins.
 */
import { writeFileSync } from "node:fs";
import { env } from "node:process";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { assert, assertEquals } from "@std/assert";
import type { Backend, Recipe, StateDict, Tensor, Trainer } from "../../core/types.ts";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { widenBfloat16, widenFloat16 } from "../../kernels/half.ts";
import { builtins } from "../../mod.ts";
import { readSafetensors, writeSafetensors } from "../../plugins/formats/safetensors.ts";
import { drawnOptions } from "../pictures.ts";
import { type Event, eventsOf, microBatches, paramsOf, play, type Random, randomOf, wave } from "./random_run.ts";
import { bytesOf, recordedRun, resumeRecorded, stop, textOf } from "./recorded_run.ts";
import { middle, older, outcome } from "./resume_recorded.ts";

type Specs = Readonly<Record<string, { readonly default?: unknown; readonly unit?: string; readonly holds?: string }>>;
type Use = { readonly name: string; readonly options: Readonly<Record<string, unknown>> };

const named = (kind: string): readonly string[] => builtins.plugins.filter((plugin) => plugin.kind === kind).map(({ name }) => name);
const specsOf = (kind: string, name: string): Specs =>
  builtins.plugins.find((plugin) => plugin.kind === kind && plugin.name === name)!.options as Specs;
const optimizers = named("optimizer");
const schedules = named("schedule");
const transforms = named("transform");
const accumulators = [...named("accumulator"), undefined];

/** Options that must be given: a number each. */
const requiredOf = (specs: Specs): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(specs).filter(([, spec]) => spec.default === undefined).map(([key]) => [key, 0.2]));

/** A switch or two of an algorithm turned, where it has any. */
function optimizerUse(random: Random, name: string): Use {
  const flags = Object.entries(specsOf("optimizer", name)).filter(([, spec]) => typeof spec.default === "boolean");
  const turned = flags.filter(() => random() < 0.3).map(([key, spec]) => [key, !spec.default]);
  return { name, options: { ...requiredOf(specsOf("optimizer", name)), ...Object.fromEntries(turned) } };
}

/** As it is drawn, over a hundredth of the steps, so that seven micro-batches see something of it; and those within it likewise. */
function scheduleUse(plugin: string | { readonly name: string }, options: object): Use {
  const name = typeof plugin === "string" ? plugin : plugin.name;
  const specs = specsOf("schedule", name);
  const change = (key: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((element) => change(key, element));
    if (specs[key].holds === "schedule") return scheduleUse((value as Use).name, (value as Use).options);
    return typeof value === "number" && /steps|count/.test(specs[key].unit ?? "") ? Math.ceil(value / 100) : value;
  };
  return { name, options: Object.fromEntries(Object.entries(options).map(([key, value]) => [key, change(key, value)])) };
}

const transformUse = (name: string): Use => ({ name, options: requiredOf(specsOf("transform", name)) });

/** By itself, or beside one that follows a metric. */
function scheduled(name: string, random: Random): Use {
  const use = scheduleUse(name, drawnOptions.get(name)!);
  const plateau = { name: "reduce_lr_on_plateau", options: { patience: 0 } };
  return random() < 0.2 ? { name: "product", options: { schedules: [use, plateau] } } : use;
}

function recipeOf(random: Random, i: number): Recipe {
  const optimizer = optimizerUse(random, optimizers[i % optimizers.length]);
  const specs = specsOf("optimizer", optimizer.name);
  const option = typeof specs.lr?.default === "number" ? "lr" : "weightDecay";
  const accumulate = accumulators[i % accumulators.length];
  const other = random.of(optimizers);
  const groups: Recipe["groups"] = random.of([
    undefined,
    [{ match: "bias$", options: specs.weightDecay === undefined ? {} : { weightDecay: 0.1 } }],
    [{ match: ["low"], optimizer: other, options: optimizerUse(random, other).options }, { match: { glob: "*bias" } }],
  ]);
  return {
    optimizer,
    ...groups && { groups },
    ...random() < 0.8 && { schedules: { [option]: scheduled(schedules[i % schedules.length], random) } },
    ...random() < 0.7 && { transforms: [transformUse(transforms[i % transforms.length])] },
    ...accumulate && { accumulate: { name: accumulate, options: { every: random.of([2, 3, null]) } } },
  };
}

type Elements = Pick<Tensor, "data" | "dtype"> | StateDict["tensors"][string];

/** The same bits, where any NaN is any other: backends may differ in what is beside it. */
function isSame(a: Elements, b: Elements): boolean {
  if (isDeepStrictEqual(a, b)) return true;
  if (!isDeepStrictEqual({ ...a, data: 0 }, { ...b, data: 0 })) return false;
  const numbers = ({ data, dtype }: Elements): number[] =>
    Array.from(data, (x) => dtype === "bfloat16" ? widenBfloat16(x) : dtype === "float16" ? widenFloat16(x) : x);
  const [x, y] = [numbers(a), numbers(b)];
  return x.length === y.length && x.every((value, i) => Object.is(value, y[i]));
}

/** Where two states are not the same. */
function unlike(a: StateDict, b: StateDict): string[] {
  const keys = new Set([...Object.keys(a.tensors), ...Object.keys(b.tensors)]);
  return [...keys].filter((key) => !isSame(a.tensors[key], b.tensors[key]))
    .concat(isDeepStrictEqual({ ...a.metadata }, { ...b.metadata }) ? [] : [JSON.stringify([a.metadata, b.metadata])]);
}

/** As a file has it, or as a message. */
const carried = (random: Random, state: StateDict): StateDict =>
  random() < 0.5 ? structuredClone(state) : readSafetensors(writeSafetensors(state));

const rounds = Number(env.GLISSADE_RESUMES ?? 7);
const firstSeed = Number(env.GLISSADE_RESUMES_SEED ?? 0);
const met = new Set<string>();

/** Now and then a gradient that is not finite, where a transform holds such a step back: elsewhere all would be NaN from there on. */
function poisoned(random: Random, { transforms = [] }: Recipe, event: Event): Event {
  if (!transforms.some(({ name }) => name === "skip_nonfinite" || name === "loss_scale") || random() < 0.7) return event;
  return { ...event, grads: { ...event.grads, low: { data: new Float32Array(6).fill(random.of([NaN, Infinity])), shape: [2, 3] } } };
}

/** One random recipe, played through and resumed at several micro-batches; false where its parts may not meet, such as values and a group's own. */
function tryRecipe(seed: number, backends: readonly Backend[]): boolean {
  const random = randomOf(seed);
  const recipe = recipeOf(random, seed);
  const given = paramsOf(random);
  const events = eventsOf(random).map((event) => poisoned(random, recipe, event));
  const follows = /plateau|greedy/.test(JSON.stringify(recipe.schedules));
  const what = `recipe ${seed}: ${JSON.stringify(recipe)}`;
  let trainer: Trainer | undefined;
  const states: StateDict[] = [];
  try {
    trainer = builtins.createTrainer(given, recipe, { backend: random.of(backends) });
    states.push(trainer.saveState());
    for (const event of events) {
      play(trainer, event, follows);
      states.push(trainer.saveState());
    }
  } catch (error) {
    assertEquals(trainer?.steps ?? 0, 0, `${(error as Error).message}, ${what}`);
    return false;
  }
  for (const stop of new Set([0, random.below(microBatches), random.below(microBatches), microBatches])) {
    const { metadata, tensors } = states[stop];
    const params = paramsOf(null);
    using resumed = builtins.createTrainer(params, JSON.parse(metadata.recipe) as Recipe, { backend: random.of(backends) });
    const { taken, ignored, missing } = resumed.loadState(carried(random, states[stop]));
    assertEquals([[...taken].sort(), ignored, missing], [Object.keys(tensors).sort(), [], []], what);
    assertEquals(unlike(resumed.saveState(), states[stop]), [], `loaded at ${stop}, ${what}`);
    for (const event of events.slice(stop)) play(resumed, event, follows);
    assertEquals(unlike(resumed.saveState(), states.at(-1)!), [], `resumed at ${stop}, ${what}`);
    assertEquals(Object.keys(given).filter((name) => !isSame(params[name], given[name])), [], what);
  }
  trainer.dispose();
  for (const [, name] of JSON.stringify(recipe).matchAll(/"name":"(\w+)"/g)) met.add(name);
  return true;
}

optimizers.forEach((name, i) => {
  test(`A run of ${name} that is resumed at any micro-batch is the run that never stopped, bit for bit`, () => {
    const backends = available().map((name) => createBackend(name));
    const held = Array.from({ length: rounds }, (_, round) => tryRecipe((firstSeed + round) * optimizers.length + i, backends));
    for (const backend of backends) backend.dispose();
    assert(held.some((held) => held), "none of its recipes could be made");
  });
});

test("Such runs meet every built-in schedule, transform and accumulator", () => {
  const backends = available().map((name) => createBackend(name));
  const unmet = (): string[] => [...schedules, ...transforms, ...named("accumulator")].filter((name) => !met.has(name));
  for (let seed = rounds * optimizers.length; unmet().length > 0 && seed < 3000; seed++) {
    const recipe = JSON.stringify(recipeOf(randomOf(seed), seed));
    if (unmet().some((name) => recipe.includes(`"${name}"`))) tryRecipe(seed, backends);
  }
  for (const backend of backends) backend.dispose();
  assertEquals(unmet(), []);
});

test("A run on one number of threads is resumed on another, bit for bit", { skip: !available().includes("threads") }, () => {
  const size = 700_001; // workers start beyond 2 ** 19
  const recipe: Recipe = {
    optimizer: { name: "adamw", options: { lr: 0.01 } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
    accumulate: { name: "mean", options: { every: 2 } },
  };
  const grads = Array.from({ length: 4 }, (_, i) => ({ w: wave(randomOf(i), size) }));
  using two = createBackend("threads", { threads: 2 });
  using one = createBackend("threads", { threads: 1 });
  using trainer = builtins.createTrainer({ w: wave(randomOf(9), size) }, recipe, { backend: two });
  using resumed = builtins.createTrainer({ w: new Float32Array(size) }, recipe, { backend: one });
  grads.forEach((given, i) => {
    trainer.add(given);
    if (i === 2) resumed.loadState(trainer.saveState());
    if (i > 2) resumed.add(given);
  });
  assertEquals(trainer.steps, 2);
  assertEquals(unlike(resumed.saveState(), trainer.saveState()), []);
});

test("A state that another runtime saved in the middle of a window goes on to the bytes that it would have gone on to there", () => {
  const { trainer, events } = recordedRun();
  for (const event of events.slice(0, stop)) play(trainer, event, true);
  const now = textOf(trainer);
  trainer.dispose();
  if (env.GLISSADE_WRITE_RESUME === undefined) return assertEquals([now, resumeRecorded()], [middle, outcome]);
  const lines = [
    ["Saved by the library of format glissade.1: adamw after two steps, with a plateau.", "older", older],
    ["Saved by a trainer in the middle of a window.", "middle", now],
    ["Saved by the same trainer at the end.", "outcome", resumeRecorded(now)],
  ].flatMap(([doc, name, text]) => [`/** ${doc} */`, `export const ${name}: string =`, `  "${text}";`]);
  const head = "/**\n * States as safetensors in base64, which every runtime must go on from alike.\n *\n * @module\n */";
  writeFileSync(new URL("resume_recorded.ts", import.meta.url), `${head}\n// deno-fmt-ignore-file\n${lines.join("\n")}\n`);
});

test("A state of the first format still loads, into an optimizer and into a trainer that gathers", () => {
  const recipe: Recipe = {
    optimizer: { name: "adamw", options: { lr: 0.5 } },
    groups: [{ match: "bias" }],
    schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0, factor: 0.5 } } },
    accumulate: { name: "mean", options: { every: 2 } },
  };
  const state = readSafetensors(bytesOf(older));
  assertEquals(state.metadata.format, "glissade.1");
  using trainer = builtins.createTrainer({ w: new Float32Array(2), bias: new Float32Array(1) }, recipe, { backend: "js" });
  trainer.add({ w: new Float32Array(2) });
  const { taken, ignored, missing } = trainer.loadState(state);
  assertEquals([taken.length, ignored, missing], [8, [], []]);
  assertEquals([trainer.steps, (trainer.optimizer.groups[0].current as { lr: number }).lr], [2, 0.25]);
  assertEquals(trainer.flush(), false); // what was gathered belonged to another run
  const { tensors, metadata } = trainer.saveState();
  assertEquals([tensors, metadata.format], [{ ...state.tensors }, "glissade.2"]);
  trainer.optimizer.loadState(state);
});

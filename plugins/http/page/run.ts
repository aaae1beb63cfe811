/**
 * One run of the digits' network, update by update: the same network, data and loop as in examples/digits, with a chosen optimizer.
 *
 * @module
 */
import type { Recipe, Trainer } from "../../../core/types.ts";
import { type Batch, type Digits, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createNetwork, type Network } from "../../../examples/digits/network.ts";
import { train } from "../../../examples/digits/training.ts";
import training from "../../../examples/digits/training.json" with { type: "json" };
import { type AnyRegistry, type Curve, curveOf } from "./curves.ts";
import type { RunChoice } from "./state.ts";

/** A run and what came of it so far. */
export interface Run {
  /** What it trains by. */
  readonly recipe: Recipe;
  /** The backend's name. */
  readonly backend: string;
  /** Loss of each update, over its images, before it. */
  readonly losses: readonly number[];
  /** Learning rate of each update. */
  readonly lrs: readonly number[];
  /** How it does on the held-out digits, after so many updates. */
  readonly exams: readonly Exam[];
  /** One update; false when there was none left. */
  advance(): boolean;
  /** Ends it. */
  dispose(): void;
}

/** The held-out digits, read. */
export interface Exam {
  /** Updates before it. */
  readonly number: number;
  /** Mean loss. */
  readonly loss: number;
  /** Share of digits that are read right. */
  readonly accuracy: number;
  /** 1 for each digit that is read wrong. */
  readonly wrong: Uint8Array;
}

/** Updates from one exam to the next. */
export const examEvery = 10;

/** The recipe of a run: that of examples/digits as far as the registry goes, but for the optimizer and the schedule. */
export function recipeOf(registry: AnyRegistry, { optimizer, schedule }: RunChoice): Recipe {
  const { accumulate, transforms } = training.recipe;
  const decays = typeof optimizer.options.weightDecay === "number" && optimizer.options.weightDecay !== 0;
  return {
    optimizer,
    ...(decays && { groups: [{ match: "bias$", options: { weightDecay: 0 } }] }),
    ...(schedule !== null && { schedules: { lr: schedule } }),
    ...(has(registry, "accumulator", accumulate.name) && { accumulate }),
    transforms: transforms.filter(({ name }) => has(registry, "transform", name)),
  };
}

function has(registry: AnyRegistry, kind: string, name: string): boolean {
  return registry.plugins.some((plugin) => plugin.kind === kind && plugin.name === name);
}

/** A run from the start. Throws what the library has to say against the choice. */
export function createRun(registry: AnyRegistry, choice: RunChoice, digits: Digits, updates: number, seed: number): Run {
  const recipe = recipeOf(registry, choice);
  const generator = createGenerator(seed);
  const network = createNetwork(training.layers, generator);
  const trainer = registry.createTrainer(network.params, recipe);
  const loop = train(network, trainer, shuffledBatches(digits.training, training.microBatch, generator), updates);
  const { schedule } = choice;
  const followsMetric = schedule !== null && typeof registry.createSchedule(schedule.name, schedule.options) !== "function";
  const losses: number[] = [];
  const lrs: number[] = [];
  const exams: Exam[] = [examine(network, digits.heldOut, 0)];
  return {
    recipe,
    backend: trainer.optimizer.backend.name,
    losses,
    lrs,
    exams,
    advance() {
      const { value, done } = loop.next();
      if (done === true) return false;
      losses.push(value.loss);
      lrs.push(lrOf(trainer, value.lr));
      if (value.number % examEvery === 0 || value.number === updates) {
        const exam = examine(network, digits.heldOut, value.number);
        exams.push(exam);
        // A schedule that follows a metric follows this one.
        if (followsMetric && Number.isFinite(exam.loss)) trainer.update(exam.loss);
      }
      return true;
    },
    dispose() {
      loop.return(undefined);
      trainer.dispose();
    },
  };
}

/** What a run trains by: a schedule waits while there is no lr that it could change. */
export function trainedChoice({ optimizer, schedule }: RunChoice): RunChoice {
  return { optimizer, schedule: typeof optimizer.options.lr === "number" ? schedule : null };
}

/** What is missing where a schedule waits for an lr, and what to do; `""` where none does. Which switch an lr excludes is tried out. */
export function adviceOn(registry: AnyRegistry, { optimizer: { name, options }, schedule }: RunChoice, lr: number): string {
  if (schedule === null || typeof options.lr === "number") return "";
  const waits = `${schedule.name} waits for an lr to change, and the run trains without it`;
  if (options.lr !== null) return `${waits}: ${name} has none.`;
  const accepts = (change: Readonly<Record<string, unknown>>): boolean => {
    try {
      registry.createOptimizer(name, { weight: new Float32Array(1) }, { ...options, ...change }).dispose();
      return true;
    } catch {
      return false;
    }
  };
  const excluded = accepts({ lr }) ? undefined : Object.keys(options).find((key) => options[key] === true && accepts({ lr, [key]: false }));
  const cure = `Untick null at lr${excluded === undefined ? "" : `, and switch ${excluded} off under All options`}.`;
  return `${waits}: ${name} finds its own. ${cure}`;
}

/** The lr that a run plans, as a curve over its updates; an error where it depends on more than the update. */
export function plannedCurve(registry: AnyRegistry, choice: RunChoice): Curve {
  const { optimizer: { options: { lr } }, schedule } = trainedChoice(choice);
  if (typeof lr !== "number") return { error: "The algorithm finds its own lr" };
  return schedule === null ? { returns: "factor", lr: () => lr } : curveOf(registry, schedule, lr);
}

/** What an algorithm says of its own lr (Adafactor's is relative), or the option. */
function lrOf({ optimizer }: Trainer, current: number): number {
  return optimizer.readings()[0] ?? current;
}

/** Each digit alone, so that it is known which ones are read wrong. */
function examine(network: Network, { count, pixels, labels }: Batch, number: number): Exam {
  const wrong = new Uint8Array(count);
  let loss = 0;
  const size = pixels.length / count;
  for (let i = 0; i < count; i++) {
    const one = { count: 1, pixels: pixels.subarray(i * size, (i + 1) * size), labels: labels.subarray(i, i + 1) };
    const result = network.forward(one);
    loss += result.loss;
    wrong[i] = 1 - result.correct;
  }
  return { number, loss: loss / count, accuracy: 1 - wrong.reduce((sum, one) => sum + one, 0) / count, wrong };
}

/** Running mean whose weights fade by a tenth an update. */
export function smooth(values: readonly number[]): number[] {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = 0.9 * sum + value;
    weight = 0.9 * weight + 1;
    return sum / weight;
  });
}

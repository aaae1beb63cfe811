/**
 * One run of the digits' network, update by update: the same network, data and loop as in examples/digits, with a chosen optimizer.
 *
 * @module
 */
import type { BackendName, Recipe, StateDict, Trainer, WebGpuBackend } from "../../../core/types.ts";
import { type Batch, type Batches, type Digits, type Position, shuffledBatches } from "../../../examples/digits/data.ts";
import { createGenerator } from "../../../examples/digits/generator.ts";
import { createNetwork, type Network } from "../../../examples/digits/network.ts";
import { train, type Update } from "../../../examples/digits/training.ts";
import training from "../../../examples/digits/training.json" with { type: "json" };
import { type AnyRegistry, type Curve, curveOf } from "./curves.ts";
import type { RunChoice } from "./state.ts";

/** What takes the steps of a run: a GPU, or a backend of this host; undefined is the fastest of those. */
export type StepsOn = WebGpuBackend | BackendName | undefined;

/** A run and what came of it so far. */
export interface Run {
  /** What it trains by. */
  readonly recipe: Recipe;
  /** What was asked to take its steps. */
  readonly on: StepsOn;
  /** The name of the backend that takes them. */
  readonly backend: BackendName | "webgpu";
  /** Loss of each update, over its images, before it. */
  readonly losses: readonly number[];
  /** Learning rate of each update. */
  readonly lrs: readonly number[];
  /** How it does on the held-out digits, after so many updates. */
  readonly exams: readonly Exam[];
  /** One update; false when there was none left. After a rejection the run is where it was before this update. */
  advance(): Promise<boolean>;
  /** Goes on from the last update on another backend, also from a GPU that is lost. Where that backend refuses, the run stays where it is. */
  moveTo(backend: StepsOn): Promise<void>;
  /** Ends it, also in the middle of an update. */
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

/** A trainer at work on a backend. */
interface Work {
  readonly on: StepsOn;
  readonly trainer: Trainer;
  readonly batches: Batches;
  readonly loop: Iterator<Update, void>;
}

/** A run from the start. Throws what the library has to say against the choice. */
export function createRun(
  registry: AnyRegistry,
  choice: RunChoice,
  digits: Digits,
  updates: number,
  seed: number,
  backend?: StepsOn,
): Run {
  const recipe = recipeOf(registry, choice);
  const generator = createGenerator(seed);
  const network = createNetwork(training.layers, generator);
  const { schedule } = choice;
  const followsMetric = schedule !== null && typeof registry.createSchedule(schedule.name, schedule.options) !== "function";
  const losses: number[] = [];
  const lrs: number[] = [];
  const exams: Exam[] = [];
  /** Where the batches of the next update begin, so that an update that failed can be made again from its own images. */
  let position: Position = { generator: generator.state, taken: 0 };
  /** What was known when the run moved last: a device may be lost before it has told anything. */
  let moved: StateDict | undefined;
  let isBroken = false;
  let isDisposed = false;
  /** Nobody waits any more: a device that compiles may take a minute. */
  let leave = (): void => {};
  const left = new Promise<undefined>((done) => leave = () => done(undefined));

  function begin(on: StepsOn): Work {
    const trainer = registry.createTrainer(network.params, recipe, { backend: on });
    const batches = shuffledBatches(digits.training, training.microBatch, createGenerator(position.generator), position.taken);
    return { on, trainer, batches, loop: train(network, trainer, batches, updates) };
  }

  function end({ loop, trainer }: Work): void {
    loop.return!();
    trainer.dispose();
  }

  /** The optimizer's state alone: what a failed update has gathered is gathered again. */
  async function lastState(): Promise<StateDict | undefined> {
    try {
      return await work.trainer.optimizer.saveStateAsync();
    } catch {
      return moved;
    }
  }

  async function moveTo(on: StepsOn): Promise<void> {
    const saved = await Promise.race([lastState(), left]);
    if (isDisposed) return;
    const next = begin(on);
    try {
      if (saved !== undefined) next.trainer.optimizer.loadState(saved);
    } catch (error) {
      end(next);
      throw error;
    }
    end(work);
    work = next;
    moved = saved;
    isBroken = false;
  }

  async function update({ trainer, batches, loop }: Work): Promise<boolean> {
    const { value } = loop.next();
    if (value === undefined) return false;
    // A GPU's parameters come back to the network's arrays. On this host they are there.
    await Promise.race([trainer.optimizer.sync(), left]);
    if (isDisposed) return false;
    position = batches.position;
    losses.push(value.loss);
    lrs.push(lrOf(trainer, value.lr));
    if (value.number % examEvery === 0 || value.number === updates) {
      const exam = examine(network, digits.heldOut, value.number);
      exams.push(exam);
      // A schedule that follows a metric follows this one.
      if (followsMetric && Number.isFinite(exam.loss)) {
        trainer.update(exam.loss);
        // What is brought back of a lost device has heard of it then.
        await trainer.optimizer.sync();
      }
    }
    return true;
  }

  let work = begin(backend);
  exams.push(examine(network, digits.heldOut, 0));
  return {
    recipe,
    get on() {
      return work.on;
    },
    get backend() {
      return work.trainer.optimizer.backend.name;
    },
    losses,
    lrs,
    exams,
    async advance() {
      if (losses.length >= updates) return false;
      try {
        if (isBroken) await moveTo(work.on);
        return !isDisposed && await update(work);
      } catch (error) {
        if (isDisposed) return false;
        isBroken = true;
        throw error;
      }
    },
    moveTo,
    dispose() {
      isDisposed = true;
      leave();
      end(work);
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

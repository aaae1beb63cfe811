/**
 * Recipes whose Python is run: `deno run -A tests/reference/foreign_code.ts` prints them with their code, foreign_code.py runs it.
 *
 * @module
 */
import process from "node:process";
import { type Recipe, torchCode, trainingArgumentsCode } from "../../mod.ts";

/** A recipe, and what it is as Python. */
export interface CodeCase {
  readonly name: string;
  readonly kind: "torch" | "TrainingArguments";
  readonly recipe: Recipe;
  readonly updates: number;
  /** Updates between two calls of `scheduler.step()`. */
  readonly stepsPerEpoch?: number;
}

const sgd = { name: "sgd", options: { lr: 0.1, momentum: 0.9, nesterov: true } };
const adamw = { name: "adamw_torch", options: { lr: 1e-3, betas: [0.9, 0.95], weightDecay: 0.1 } };
const noDecay = [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }];
const lr = (name: string, options: object = {}) => ({ schedules: { lr: { name, options } } });
const torch = (name: string, recipe: Recipe, updates: number, more: object = {}): CodeCase => ({
  kind: "torch",
  name,
  recipe,
  updates,
  ...more,
});
const hf = (name: string, recipe: Recipe, updates: number): CodeCase => ({ kind: "TrainingArguments", name, recipe, updates });
const wave = { name: "cosine_annealing", options: { tMax: 50, etaMin: 1e-6 } };
const cycle = { totalSteps: 60, pctStart: 0.2 };

/** All of them. */
export const codeCases: readonly CodeCase[] = [
  torch("no schedule", { optimizer: sgd }, 3),
  torch("constant", { optimizer: sgd, ...lr("constant") }, 3),
  torch("step, with groups", {
    optimizer: adamw,
    groups: [
      { match: ["0.weight"], options: { lr: 2e-3 } },
      { match: "bias$", options: { weightDecay: 0 } },
      { match: { glob: "*.weight" }, scale: { lr: 0.5 } },
    ],
    ...lr("step", { stepSize: 10, gamma: 0.5 }),
    accumulate: { name: "mean", options: { every: 4 } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
  }, 40),
  torch("multistep", { optimizer: adamw, groups: noDecay, ...lr("multistep", { milestones: [10, 20, 20] }) }, 30),
  torch("exponential", { optimizer: sgd, ...lr("exponential", { gamma: 0.9 }) }, 30),
  torch("constant_lr", { optimizer: sgd, ...lr("constant_lr", { factor: 0.25, totalIters: 7 }) }, 20),
  torch("linear_lr", { optimizer: sgd, ...lr("linear_lr", { startFactor: 0.1, totalIters: 7 }) }, 20),
  torch("polynomial_lr", { optimizer: sgd, ...lr("polynomial_lr", { totalIters: 20, power: 2 }) }, 30),
  torch("cosine_annealing", { optimizer: sgd, schedules: { lr: wave } }, 50),
  torch("warm restarts", { optimizer: sgd, ...lr("cosine_annealing_warm_restarts", { t0: 10, tMult: 2 }) }, 60),
  torch("one_cycle", { optimizer: { name: "sgd" }, ...lr("one_cycle", { maxLr: 0.5, ...cycle }) }, 60),
  torch("one_cycle of Adam, with its momentum", {
    optimizer: { name: "adam" },
    schedules: {
      lr: { name: "one_cycle", options: { maxLr: 0.5, ...cycle } },
      "betas[0]": { name: "one_cycle", options: { maxLr: 0.85, divFactor: 0.85 / 0.95, finalDivFactor: 1, ...cycle } },
    },
  }, 60),
  torch("cyclic, with its momentum", {
    optimizer: { name: "sgd", options: { momentum: 0.9 } },
    schedules: {
      lr: { name: "cyclic", options: { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 5 } },
      momentum: { name: "cyclic", options: { baseLr: 0.9, maxLr: 0.8, stepSizeUp: 5 } },
    },
  }, 40),
  torch("swalr", { optimizer: sgd, ...lr("swalr", { swaLr: 0.05, annealEpochs: 6 }) }, 12),
  torch("sequence", {
    optimizer: adamw,
    ...lr("sequence", { schedules: [{ name: "linear_lr", options: { startFactor: 0.01, totalIters: 10 } }, wave], milestones: [10] }),
  }, 60),
  torch("product", {
    optimizer: sgd,
    ...lr("product", { schedules: [{ name: "constant_lr", options: { factor: 0.1 } }, { name: "exponential", options: { gamma: 0.9 } }] }),
  }, 30),
  torch("by_epoch", { optimizer: sgd, ...lr("by_epoch", { schedule: { name: "step", options: { stepSize: 2 } }, stepsPerEpoch: 5 }) }, 30, {
    stepsPerEpoch: 5,
  }),
  torch("cosine of transformers", { optimizer: adamw, ...lr("cosine", { numWarmupSteps: 5, numTrainingSteps: 40 }) }, 40),
  torch("cosine_with_min_lr of transformers", {
    optimizer: adamw,
    ...lr("cosine_with_min_lr", { numWarmupSteps: 5, numTrainingSteps: 40, minLrRate: 0.1 }),
  }, 40),
  torch("constant_with_warmup of transformers", { optimizer: adamw, ...lr("constant_with_warmup", { numWarmupSteps: 5 }) }, 10),
  torch("warmup_stable_decay of transformers", {
    optimizer: adamw,
    ...lr("warmup_stable_decay", { numWarmupSteps: 5, numStableSteps: 20, numDecaySteps: 10, decayType: "linear" }),
  }, 40),
  hf("linear", { optimizer: adamw, groups: noDecay, ...lr("linear", { numWarmupSteps: 5, numTrainingSteps: 40 }) }, 40),
  hf("cosine_with_min_lr", {
    optimizer: adamw,
    groups: noDecay,
    ...lr("cosine_with_min_lr", { numWarmupSteps: 5, numTrainingSteps: 40, minLr: 1e-5 }),
    accumulate: { name: "mean", options: { every: 4 } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 0.5 } }],
  }, 40),
  hf("warmup_stable_decay", {
    optimizer: adamw,
    groups: noDecay,
    ...lr("warmup_stable_decay", { numWarmupSteps: 5, numTrainingSteps: 40, numDecaySteps: 10 }),
  }, 40),
  hf("inverse_sqrt", { optimizer: adamw, groups: noDecay, ...lr("inverse_sqrt", { numWarmupSteps: 5 }) }, 40),
  hf("constant, of SGD", { optimizer: sgd }, 10),
  hf("Adafactor", {
    optimizer: { name: "adafactor", options: { lr: 1e-3, scaleParameter: false, relativeStep: false } },
    ...lr("constant_with_warmup", { numWarmupSteps: 5 }),
  }, 20),
];

/** A case's code. */
export function codeOf({ kind, recipe, updates }: CodeCase): string {
  return kind === "torch" ? torchCode(recipe) : trainingArgumentsCode(recipe, { updates });
}

if (import.meta.main) process.stdout.write(JSON.stringify(codeCases.map((one) => ({ ...one, code: codeOf(one) }))));

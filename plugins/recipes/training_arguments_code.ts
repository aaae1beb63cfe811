/**
 * A recipe as Python that makes transformers' `TrainingArguments`.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { type Config, isRecord, readConfig, show, snake } from "./foreign/config.ts";
import { optimArgsOf } from "./foreign/hf_optim_args.ts";
import { hfSchedules } from "./foreign/hf_schedules.ts";
import { call, checkNames, keywords } from "./foreign/python.ts";
import type { TrainingArgumentsOptions } from "./from_training_arguments.ts";

/** `optim` by optimizer. */
const optims: Readonly<Record<string, string>> = {
  adamw_torch: "adamw_torch",
  adafactor: "adafactor",
  sgd: "sgd",
  adagrad: "adagrad",
  rmsprop: "rmsprop",
  lion: "lion_32bit",
};

/**
 * Python that makes the `TrainingArguments` which {@linkcode fromTrainingArguments} reads as this recipe.
 *
 * @example Usage
 * ```ts
 * import { fromTrainingArguments, trainingArgumentsCode } from "@glissade/optim";
 *
 * const code = trainingArgumentsCode(fromTrainingArguments({ learning_rate: 2e-5, max_steps: 1000 }));
 * console.log(code.includes("learning_rate=0.00002")); // true
 * ```
 *
 * @param recipe The recipe.
 * @param options The number of updates, where the recipe's schedule does not say it.
 * @returns Code to paste. TypeError, with all `faults`, where `TrainingArguments` cannot say what the recipe says.
 */
export function trainingArgumentsCode(recipe: Recipe, options: TrainingArgumentsOptions = {}): string {
  const args = readConfig("it as TrainingArguments", recipe, (config) => argumentsOf(config, recipe, options));
  return ["from transformers import TrainingArguments", "", `args = ${call("TrainingArguments", keywords(args))}`, ""].join("\n");
}

function argumentsOf(config: Config, recipe: Recipe, { updates }: TrainingArgumentsOptions): Record<string, unknown> {
  const { fault } = config;
  checkNames(recipe, fault);
  const optimizer = isRecord(recipe.optimizer) ? recipe.optimizer as Recipe["optimizer"] : { name: "" };
  const optim = Object.hasOwn(optims, optimizer.name) ? optims[optimizer.name] : undefined;
  if (optim === undefined) fault(`optimizer ${show(optimizer.name)}: known are ${Object.keys(optims).join(", ")}`);
  const { lr, betas, eps, weightDecay = optimizer.name === "adamw_torch" ? 0.01 : 0, ...more } = (optimizer.options ?? {}) as {
    readonly lr?: number;
    readonly betas?: readonly [number, number];
    readonly eps?: number;
    readonly weightDecay?: number;
    readonly [option: string]: unknown;
  };
  const isAdam = optim === "adamw_torch";
  const others: Record<string, unknown> = { ...more };
  if (optim === "adafactor") checkAdafactor(config, others);
  if (eps !== undefined && !isAdam) fault(`eps of ${optimizer.name}: Trainer hands adam_epsilon to AdamW alone`);
  const lost = Object.keys(others).filter((option) => !optimArgsOf(optim ?? "").includes(snake(option)));
  if (lost.length > 0) fault(`options ${lost.join(", ")} of ${optimizer.name}: Trainer does not hand them on`);
  checkGroups(config, recipe, weightDecay);
  const { lr: schedule, ...schedules } = recipe.schedules ?? {};
  for (const option of Object.keys(schedules)) fault(`a schedule of ${show(option)}: Trainer has one of lr alone`);
  const scheduled = scheduleArguments(config, schedule, updates);
  return {
    output_dir: "out",
    optim,
    optim_args: Object.keys(others).length === 0 ? undefined : Object.entries(others).map(optimArg).join(", "),
    learning_rate: lr ?? defaultLr[optimizer.name],
    weight_decay: weightDecay,
    adam_beta1: betas?.[0],
    adam_beta2: betas?.[1] ?? (optim === "lion_32bit" ? 0.99 : undefined),
    adam_epsilon: isAdam ? eps : undefined,
    ...scheduled,
    gradient_accumulation_steps: accumulated(config, recipe),
    max_grad_norm: clipped(config, recipe),
  };
}

/** What our optimizers take where a recipe says nothing. */
const defaultLr: Readonly<Record<string, number>> = { adamw_torch: 1e-3, sgd: 1e-3, adagrad: 0.01, rmsprop: 0.01, lion: 1e-4 };

const optimArg = ([option, value]: [string, unknown]): string =>
  `${snake(option)}=${value === true ? "True" : value === false ? "False" : String(value)}`;

/** Trainer's Adafactor has the setting with a fixed lr. */
function checkAdafactor({ fault }: Config, options: Record<string, unknown>): void {
  const fixed: Readonly<Record<string, unknown>> = { scaleParameter: false, relativeStep: false, warmupInit: false, clipThreshold: 1 };
  for (const [option, value] of Object.entries(fixed)) {
    const given = options[option] ?? (option === "scaleParameter" || option === "relativeStep" ? true : value);
    if (given !== value) fault(`${option} = ${show(given)} of adafactor: Trainer's has ${value}`);
    delete options[option];
  }
}

function checkGroups({ fault }: Config, { groups = [] }: Recipe, weightDecay: number): void {
  const [group, ...rest] = groups;
  if (group === undefined) {
    if (weightDecay !== 0) fault("weight decay of every parameter: Trainer spares biases and norms");
    return;
  }
  const spares = JSON.stringify(group) === JSON.stringify({ match: { maxRank: 1 }, options: { weightDecay: 0 } });
  if (!spares || rest.length > 0) fault("groups: Trainer has one of its own, which spares biases and norms weight decay");
}

function scheduleArguments(
  { fault }: Config,
  schedule: { readonly name: string; readonly options?: object } | undefined,
  updates: number | undefined,
): Record<string, unknown> {
  const name = schedule?.name ?? "constant";
  if (!Object.hasOwn(hfSchedules, name)) {
    fault(`schedule ${show(name)}: known are ${Object.keys(hfSchedules).join(", ")}`);
    return {};
  }
  const { numWarmupSteps, numTrainingSteps, warmupOffset = 0, end = "continue", ...further } = (schedule?.options ?? {}) as {
    readonly numWarmupSteps?: number;
    readonly numTrainingSteps?: number;
    readonly warmupOffset?: number;
    readonly end?: string;
  };
  const training = numTrainingSteps ?? updates;
  if (training === undefined) fault(`schedule "${name}" does not say how many updates there are: give updates`);
  if (warmupOffset !== 0) fault(`warmupOffset = ${show(warmupOffset)}: transformers' warmups begin at 0`);
  // Up to the end, both ends are the same; Trainer does not go on behind it.
  if (end !== "continue" && end !== "hold") fault(`end = ${show(end)}`);
  if (numWarmupSteps !== undefined && !Number.isInteger(numWarmupSteps)) {
    fault(`numWarmupSteps = ${show(numWarmupSteps)}: it must be an integer`);
  }
  const kwargs = Object.fromEntries(Object.entries(further).map(([option, value]) => [snake(option), value]));
  return {
    max_steps: training,
    lr_scheduler_type: name,
    lr_scheduler_kwargs: Object.keys(kwargs).length > 0 ? kwargs : undefined,
    warmup_steps: numWarmupSteps || undefined,
  };
}

function accumulated({ fault }: Config, { accumulate }: Recipe): number | undefined {
  if (accumulate === undefined) return undefined;
  const { every } = (accumulate.options ?? {}) as { readonly every?: unknown };
  if (accumulate.name !== "mean") fault(`accumulator ${show(accumulate.name)}: Trainer takes the mean`);
  if (typeof every !== "number") fault("an accumulator without every");
  return every as number;
}

function clipped({ fault }: Config, { transforms = [] }: Recipe): number {
  const [clip, ...rest] = transforms;
  if (clip === undefined) return 0;
  if (clip.name !== "clip_global_norm" || rest.length > 0) {
    fault(`transforms ${transforms.map(({ name }) => show(name)).join(", ")}: Trainer has clip_global_norm alone`);
  }
  return (clip.options as { readonly maxNorm?: number } | undefined)?.maxNorm ?? 1;
}

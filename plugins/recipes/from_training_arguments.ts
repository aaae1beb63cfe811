/**
 * transformers' `TrainingArguments` as a recipe.
 *
 * Follows `Trainer` of transformers 5.24 and 4.x: its default optimizer and schedule, weight decay off biases and norms (its names' patterns and layer
 * classes are here the tensors of at most one dimension), clipping by the global norm at 1, gradients averaged over the micro-batches.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { camel, type Config, isRecord, readConfig, show, snake } from "./foreign/config.ts";
import { optimArgsOf } from "./foreign/hf_optim_args.ts";
import { hfSchedules, ownOptions } from "./foreign/hf_schedules.ts";

/** What {@linkcode fromTrainingArguments} must be told where the arguments do not say it. */
export interface TrainingArgumentsOptions {
  /** Updates of the training. `num_train_epochs` does not say how many there are; `max_steps` does, and counts before this. */
  readonly updates?: number;
}

/** Keys that this reads. */
const read: readonly string[] = [
  "learning_rate",
  "weight_decay",
  "adam_beta1",
  "adam_beta2",
  "adam_epsilon",
  "max_grad_norm",
  "lr_scheduler_type",
  "lr_scheduler_kwargs",
  "warmup_ratio",
  "warmup_steps",
  "gradient_accumulation_steps",
  "optim",
  "optim_args",
  "optim_target_modules",
  "adafactor",
  "max_steps",
  "num_train_epochs",
  "deepspeed",
];
/** Keys beside them that sound as if they changed what is learned; hundreds of others do not. */
const suspicious =
  /(^|_)(lr|learning|learn|adam|adamw|warmup|warm|decay|optim|optimizer|scheduler|momentum|max_grad|clip|clipping)(_|\d|$)/;

const optimizers: Readonly<Record<string, (config: Config) => Recipe["optimizer"]>> = {
  ...Object.fromEntries(
    ["adamw_torch", "adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused", "adamw_apex_fused"].map((
      name,
    ) => [name, adamw("adamw_torch")]),
  ),
  adamw_hf: adamw("adamw"),
  adafactor: ({ number }) => ({
    name: "adafactor",
    options: {
      lr: number("learning_rate", 5e-5),
      scaleParameter: false,
      relativeStep: false,
      weightDecay: number("weight_decay", 0),
    },
  }),
  sgd: plain("sgd"),
  adagrad: plain("adagrad"),
  rmsprop: plain("rmsprop"),
  lion_32bit: lion,
  paged_lion_32bit: lion,
};

function adamw(name: string): (config: Config) => Recipe["optimizer"] {
  return ({ number }) => ({
    name,
    options: {
      lr: number("learning_rate", 5e-5),
      betas: [number("adam_beta1", 0.9), number("adam_beta2", 0.999)],
      eps: number("adam_epsilon", 1e-8),
      weightDecay: number("weight_decay", 0),
    },
  });
}

function lion({ number }: Config): Recipe["optimizer"] {
  return {
    name: "lion",
    options: {
      lr: number("learning_rate", 5e-5),
      betas: [number("adam_beta1", 0.9), number("adam_beta2", 0.999)],
      weightDecay: number("weight_decay", 0),
    },
  };
}

function plain(name: string): (config: Config) => Recipe["optimizer"] {
  return ({ number }) => ({ name, options: { lr: number("learning_rate", 5e-5), weightDecay: number("weight_decay", 0) } });
}

/**
 * The recipe of transformers' `TrainingArguments`, as `to_dict()`, `to_json_string()` or a configuration file give them.
 *
 * @example Usage
 * ```ts
 * import { fromTrainingArguments } from "@glissade/optim";
 *
 * const recipe = fromTrainingArguments({ learning_rate: 2e-5, lr_scheduler_type: "cosine", warmup_ratio: 0.1, max_steps: 1000 });
 * console.log(recipe.schedules?.lr); // { name: "cosine", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } }
 * ```
 *
 * @param args The arguments; what is missing has its default there.
 * @param options What they do not say.
 * @returns A recipe for `createTrainer`. TypeError, with all `faults`, where it cannot say what they say.
 */
export function fromTrainingArguments(args: object, options: TrainingArgumentsOptions = {}): Recipe {
  return readConfig("TrainingArguments", args, (config) => {
    const { number, has, fault } = config;
    for (const key of config.keys) {
      if (!read.includes(key) && suspicious.test(key) && has(key)) fault(`${key} = ${show(config.value(key))}: it has no counterpart here`);
    }
    for (const key of ["deepspeed", "optim_target_modules"]) {
      if (has(key)) fault(`${key} is set, and may hold an optimizer or a schedule of its own`);
    }
    const optimizer = optimizerOf(config);
    const every = number("gradient_accumulation_steps", 1);
    const maxNorm = number("max_grad_norm", 1);
    const { weightDecay } = optimizer.options as { readonly weightDecay?: number };
    const lr = scheduleOf(config, options.updates);
    return {
      optimizer,
      ...(weightDecay ? { groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }] } : {}),
      ...(lr === undefined ? {} : { schedules: { lr } }),
      ...(every > 1 ? { accumulate: { name: "mean", options: { every } } } : {}),
      ...(maxNorm > 0 ? { transforms: [{ name: "clip_global_norm", options: { maxNorm } }] } : {}),
    };
  });
}

/** An enum's value, also where Python printed its name. */
function nameIn(config: Config, key: string, otherwise: string): string {
  return config.text(key, otherwise).replace(/^\w+\.([A-Z0-9_]+)$/, (_, name: string) => name.toLowerCase());
}

function optimizerOf(config: Config): Recipe["optimizer"] {
  const name = config.boolean("adafactor", false) ? "adafactor" : nameIn(config, "optim", "adamw_torch");
  if (!Object.hasOwn(optimizers, name)) {
    config.fault(`optim = ${show(name)}: known are ${Object.keys(optimizers).join(", ")}`);
    return { name: "adamw_torch", options: {} };
  }
  const made = optimizers[name](config);
  const args = optimArgs(config);
  const known = optimArgsOf(name);
  for (const key of Object.keys(args).map(snake)) {
    if (!known.includes(key)) {
      config.fault(`optim_args has ${show(key)}, and of ${show(name)} transformers takes ${known.join(", ") || "none"}`);
    }
  }
  return { ...made, options: { ...made.options, ...args } };
}

/** `momentum=0.9, nesterov=True`. */
function optimArgs(config: Config): Record<string, unknown> {
  const given = config.value("optim_args");
  if (given === undefined || given === "") return {};
  if (isRecord(given)) return Object.fromEntries(Object.entries(given).map(([key, value]) => [camel(key), value]));
  const entries = String(given).split(",").map((part): [string, unknown] => {
    const [key, text = ""] = part.split("=").map((word) => word.trim());
    const value = text === "True" ? true : text === "False" ? false : text === "" ? NaN : Number(text);
    if (Number.isNaN(value)) config.fault(`optim_args has ${show(part.trim())}: only numbers, True and False are read`);
    return [camel(key), value];
  });
  return Object.fromEntries(entries);
}

function scheduleOf(config: Config, updates: number | undefined): NonNullable<Recipe["schedules"]>[string] | undefined {
  const { fault, number } = config;
  const name = nameIn(config, "lr_scheduler_type", "linear");
  if (!Object.hasOwn(hfSchedules, name)) {
    fault(`lr_scheduler_type = ${show(name)}: known are ${Object.keys(hfSchedules).join(", ")}`);
    return undefined;
  }
  const { plugin, takesWarmup, takesTraining } = hfSchedules[name];
  const [ratio, warmup] = [number("warmup_ratio", 0), number("warmup_steps", 0)];
  // As transformers 5 has it, a number of steps below 1 is a share of the training.
  const share = warmup > 0 && warmup < 1 ? warmup : warmup === 0 ? ratio : 0;
  const maxSteps = number("max_steps", -1);
  const training = maxSteps > 0 ? maxSteps : updates;
  if (training === undefined && (takesTraining || takesWarmup && share > 0)) {
    fault("num_train_epochs does not say how many updates there are: set max_steps, or give updates");
  }
  const given = config.object("lr_scheduler_kwargs");
  const further = Object.entries(given).map(([key, value]): [string, unknown] => [camel(key), value]);
  const known = Object.keys(plugin.options as object).filter((option) => !ownOptions.includes(option));
  for (const [option] of further) {
    if (!known.includes(option)) fault(`lr_scheduler_kwargs has ${show(option)}, and "${name}" takes ${known.join(", ") || "nothing"}`);
  }
  if (name === "constant") return undefined;
  return {
    name,
    options: {
      ...(takesWarmup && { numWarmupSteps: share > 0 ? Math.ceil((training ?? 0) * share) : warmup }),
      ...(takesTraining && { numTrainingSteps: training ?? 0 }),
      ...Object.fromEntries(further),
    },
  };
}

/**
 * What the references' classes and functions are called here. A name that is not registered makes a case unsupported, so plugins that
 * come later light up by themselves.
 *
 * @module
 */
import type { Case } from "./golden.ts";

/** `CosineDecayRestarts` as `cosine_decay_restarts`. */
function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2").toLowerCase();
}

/** Where the name is not the class's own in snake case. */
const OPTIMIZERS: Readonly<Record<string, string>> = {
  AdamW: "adamw",
  "C-AdamW": "adamw_torch",
  "C-NAdamW": "nadamw",
  "torch.optim.AdamW": "adamw_torch",
  "torch.optim.Adafactor": "adafactor_torch",
  "torch.optim.RMSprop": "rmsprop",
  "torch.optim.Rprop": "rprop",
  "tf.keras.optimizers.Adam": "adam_keras",
  LAMB: "lamb",
  LARS: "lars",
  ADOPT: "adopt",
  SOAP: "soap",
  CAME: "came",
  Grams: "adamw_torch",
  AdEMAMix: "ademamix",
  SophiaH: "sophia",
  ScheduleFreeSGD: "schedule_free_sgd",
  StableAdamW: "stable_adamw",
  DAdaptAdam: "dadapt_adam",
  NvNovoGrad: "novograd",
  "optax.optimistic_gradient_descent": "optimistic_sgd",
};

/** Two libraries, one name, two algorithms: the second one's name here. */
const OTHERS: Readonly<Record<string, string>> = {
  "pytorch_optimizer ADOPT": "adopt_pytorch_optimizer",
  "pytorch_optimizer Adan": "adan_pytorch_optimizer",
  "pytorch_optimizer LAMB": "lamb_pytorch_optimizer",
  "pytorch_optimizer LARS": "lars_pytorch_optimizer",
  "pytorch_optimizer Muon": "muon_pytorch_optimizer",
  "pytorch_optimizer FTRL": "ftrl_pytorch_optimizer",
  "pytorch_optimizer LaProp": "laprop_pytorch_optimizer",
  "pytorch_optimizer MARS": "mars_pytorch_optimizer",
  "pytorch_optimizer NovoGrad": "novograd_pytorch_optimizer",
};

/** The optimizer plugin of an item, `AdamW+linear` being a loop of `AdamW`. */
export function optimizerName({ system, item }: Pick<Case, "system" | "item">): string {
  const [name] = item.split("+");
  const library = system.slice(0, system.lastIndexOf("-"));
  return OTHERS[`${library} ${name}`] ?? OPTIMIZERS[name] ?? simpleName(name.slice(name.lastIndexOf(".") + 1));
}

/** `SGD`, `RAdam`, `NAdam`, `ASGD` are written as one word; `AdamWeightDecay`, `ScheduleFreeAdamW` are not. */
function simpleName(name: string): string {
  return name.startsWith("ScheduleFree")
    ? `schedule_free_${name.slice(12).toLowerCase()}`
    : name === "AdamWeightDecay"
    ? snakeCase(name)
    : name.toLowerCase();
}

const SCHEDULES: Readonly<Record<string, string>> = {
  get_constant_schedule: "constant",
  get_constant_schedule_with_warmup: "constant_with_warmup",
  get_linear_schedule_with_warmup: "linear",
  get_cosine_schedule_with_warmup: "cosine",
  get_cosine_with_hard_restarts_schedule_with_warmup: "cosine_with_restarts",
  get_polynomial_decay_schedule_with_warmup: "polynomial",
  get_inverse_sqrt_schedule: "inverse_sqrt",
  get_reduce_on_plateau_schedule: "reduce_lr_on_plateau",
  get_cosine_with_min_lr_schedule_with_warmup: "cosine_with_min_lr",
  get_cosine_with_min_lr_schedule_with_warmup_lr_rate: "cosine_warmup_with_min_lr",
  get_wsd_schedule: "warmup_stable_decay",
  get_greedy_schedule: "greedy",
  WarmUp: "warmup",
  "torch.optim.lr_scheduler.StepLR": "step",
  "torch.optim.lr_scheduler.MultiStepLR": "multistep",
  "torch.optim.lr_scheduler.ExponentialLR": "exponential",
  "torch.optim.lr_scheduler.ConstantLR": "constant_lr",
  "torch.optim.lr_scheduler.LinearLR": "linear_lr",
  "torch.optim.lr_scheduler.PolynomialLR": "polynomial_lr",
  "torch.optim.lr_scheduler.CosineAnnealingLR": "cosine_annealing",
  "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts": "cosine_annealing_warm_restarts",
  "torch.optim.lr_scheduler.OneCycleLR": "one_cycle",
  "torch.optim.lr_scheduler.CyclicLR": "cyclic",
  "torch.optim.lr_scheduler.SequentialLR": "sequence",
  "torch.optim.lr_scheduler.ChainedScheduler": "product",
};

/** The schedule plugin of a function or class. */
export function scheduleName(item: string): string {
  return SCHEDULES[item] ?? snakeCase(item.replace("torch.optim.lr_scheduler.", ""));
}

/** Schedule names of transformers 5: one that is not registered is a plugin still missing, not a wrong name. */
export const LATER_SCHEDULES: readonly string[] = [
  "cosine_with_min_lr",
  "cosine_warmup_with_min_lr",
  "warmup_stable_decay",
  "greedy",
];

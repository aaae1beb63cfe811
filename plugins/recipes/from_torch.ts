/**
 * torch's schedulers, and the optimizer under them, as a recipe: from `scheduler.state_dict()` with its class's name.
 *
 * Schedulers are those of torch 2.15's `torch.optim.lr_scheduler` and `torch.optim.swa_utils`. A recipe is the whole course from step 0, whatever
 * step a state was saved at. A Python function, as LambdaLR holds, is not in a state.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import type { Recipe } from "../../core/types.ts";
import { adadelta } from "../optimizers/adadelta.ts";
import { adafactorTorch } from "../optimizers/adafactor_torch.ts";
import { adagrad } from "../optimizers/adagrad.ts";
import { adam } from "../optimizers/adam.ts";
import { adamax } from "../optimizers/adamax.ts";
import { adamwTorch } from "../optimizers/adamw_torch.ts";
import { asgd } from "../optimizers/asgd.ts";
import { nadam } from "../optimizers/nadam.ts";
import { radam } from "../optimizers/radam.ts";
import { rmsprop } from "../optimizers/rmsprop.ts";
import { rprop } from "../optimizers/rprop.ts";
import { sgd } from "../optimizers/sgd.ts";
import { camel, type Config, isRecord, type Json, readConfig, show } from "./foreign/config.ts";

/** A scheduler of torch, as its program can print it in JSON. */
export interface TorchScheduler {
  /** `type(scheduler).__name__`. Left out, the keys of the state tell it where they can. */
  readonly class?: string;
  /** `scheduler.state_dict()`. */
  readonly state?: object;
  /** `type(optimizer).__name__`; left out: AdamW. */
  readonly optimizer?: string;
  /** `optimizer.param_groups`, without their parameters. Some schedulers keep what they need there. */
  readonly groups?: readonly object[];
}

/** What {@linkcode fromTorch} must be told beside the state. */
export interface FromTorchOptions {
  /** Updates between two calls of `scheduler.step()`; default 1. An epoch's, where it is called once an epoch. */
  readonly stepsPerEpoch?: number;
  /** Which parameters are in each group of the optimizer but the last, which has the rest. Parameters have no names in torch's groups. */
  readonly match?: readonly NonNullable<Recipe["groups"]>[number]["match"][];
}

type Use = NonNullable<Recipe["schedules"]>[string];

const optimizers: Readonly<Record<string, OptimizerPlugin>> = {
  SGD: sgd,
  Adam: adam,
  AdamW: adamwTorch,
  NAdam: nadam,
  RAdam: radam,
  Adamax: adamax,
  RMSprop: rmsprop,
  Adagrad: adagrad,
  Adadelta: adadelta,
  Rprop: rprop,
  ASGD: asgd,
  Adafactor: adafactorTorch,
};

/** Keys of a group that change no number, or that a scheduler has put there. */
const idle: readonly string[] = [
  "params",
  "foreach",
  "capturable",
  "differentiable",
  "fused",
  "lr",
  "initial_lr",
  "max_lr",
  "min_lr",
  "max_momentum",
  "base_momentum",
  "swa_lr",
  "param_names",
];

/** What a scheduler says of lr, and perhaps of a momentum. */
interface Said {
  readonly lr: Use;
  readonly momentum?: Use;
  /** Whether factors of it may be multiplied by those of others in a ChainedScheduler. */
  readonly chains: boolean;
}

interface Row {
  /** Keys of its state that no other has together. */
  readonly keys: readonly string[];
  read(config: Config, groups: readonly Json[]): Said;
}

const use = (name: string, options: object): Use => ({ name, options });
/** One where all are the same, as most are. */
const oneOrAll = (values: readonly number[]): number | readonly number[] =>
  values.every((value) => value === values[0]) ? values[0] : values;

/** Reads a number from each of the optimizer's groups. */
function ofGroups(config: Config, groups: readonly Json[], key: string): readonly number[] {
  const values = groups.map((group) => group[key]);
  if (values.length > 0 && values.every((value) => typeof value === "number")) return values as number[];
  config.fault(`${key} stands in the optimizer's groups and not in the scheduler's state: give groups, optimizer.param_groups`);
  return [1];
}

const rows: Readonly<Record<string, Row>> = {
  OneCycleLR: {
    keys: ["total_steps", "_schedule_phases"],
    read(config, groups) {
      const total = config.number("total_steps");
      const phases = config.value("_schedule_phases");
      const threePhase = Array.isArray(phases) && phases.length === 3;
      const first = Array.isArray(phases) && isRecord(phases[0]) ? Number(phases[0].end_step) : NaN;
      if (!Number.isFinite(first)) config.fault("_schedule_phases has no end_step");
      const [top, initial, least] = ["max_lr", "initial_lr", "min_lr"].map((key) => ofGroups(config, groups, key));
      const common = {
        totalSteps: total,
        pctStart: (first + 1) / total,
        ...(config.text("_anneal_func_type", "cos") === "linear" && { annealStrategy: "linear" }),
        ...(threePhase && { threePhase: true }),
      };
      const lr = use("one_cycle", {
        maxLr: oneOrAll(top),
        ...common,
        divFactor: ratio(config, "max_lr over initial_lr", top, initial),
        finalDivFactor: ratio(config, "initial_lr over min_lr", initial, least),
      });
      if (!config.boolean("cycle_momentum", false)) return { lr, chains: false };
      const [low, high] = ["base_momentum", "max_momentum"].map((key) => ofGroups(config, groups, key));
      const momentum = use("one_cycle", {
        maxLr: oneOrAll(low),
        ...common,
        divFactor: ratio(config, "momentums", low, high),
        finalDivFactor: 1,
      });
      return { lr, momentum, chains: false };
    },
  },
  CyclicLR: {
    keys: ["max_lrs", "total_size", "step_ratio"],
    read(config) {
      if (config.has("_scale_fn_custom")) config.fault("scale_fn is a Python function, which is not in the state");
      const up = config.number("total_size") * config.number("step_ratio");
      const common = {
        stepSizeUp: up,
        stepSizeDown: config.number("total_size") - up,
        mode: config.text("mode", "triangular"),
        gamma: config.number("gamma", 1),
      };
      const lr = use("cyclic", {
        baseLr: oneOrAll(config.numbers("base_lrs", [])),
        maxLr: oneOrAll(config.numbers("max_lrs", [])),
        ...common,
      });
      if (!config.boolean("cycle_momentum", false)) return { lr, chains: false };
      const [low, high] = [config.numbers("base_momentums", []), config.numbers("max_momentums", [])];
      return { lr, momentum: use("cyclic", { baseLr: oneOrAll(high), maxLr: oneOrAll(low), ...common }), chains: false };
    },
  },
  CosineAnnealingWarmRestarts: {
    keys: ["T_0", "T_mult"],
    read: (config) => ({
      lr: use("cosine_annealing_warm_restarts", {
        t0: config.number("T_0"),
        tMult: config.number("T_mult", 1),
        etaMin: config.number("eta_min", 0),
      }),
      chains: false,
    }),
  },
  CosineAnnealingLR: {
    keys: ["T_max"],
    read(config) {
      const etaMin = config.number("eta_min", 0);
      return { lr: use("cosine_annealing", { tMax: config.number("T_max"), etaMin }), chains: etaMin === 0 };
    },
  },
  StepLR: {
    keys: ["step_size", "gamma"],
    read: (config) => ({ lr: use("step", { stepSize: config.number("step_size"), gamma: config.number("gamma", 0.1) }), chains: true }),
  },
  MultiStepLR: {
    keys: ["milestones", "gamma"],
    read(config) {
      // A Counter: milestone to how often it stands there.
      const milestones = Object.entries(config.object("milestones")).flatMap(([step, times]) =>
        Array<number>(Number(times)).fill(Number(step))
      );
      if (!milestones.every(Number.isFinite)) config.fault("milestones is no counter of steps");
      return { lr: use("multistep", { milestones, gamma: config.number("gamma", 0.1) }), chains: true };
    },
  },
  LinearLR: {
    keys: ["start_factor", "end_factor", "total_iters"],
    read: (config) => ({
      lr: use("linear_lr", {
        startFactor: config.number("start_factor"),
        endFactor: config.number("end_factor", 1),
        totalIters: config.number("total_iters", 5),
      }),
      chains: true,
    }),
  },
  // A plateau has a factor too, and no total_iters.
  ConstantLR: {
    keys: ["factor", "total_iters"],
    read: (config) => ({
      lr: use("constant_lr", { factor: config.number("factor"), totalIters: config.number("total_iters", 5) }),
      chains: true,
    }),
  },
  PolynomialLR: {
    keys: ["power", "total_iters"],
    read: (config) => ({
      lr: use("polynomial_lr", { totalIters: config.number("total_iters", 5), power: config.number("power", 1) }),
      chains: true,
    }),
  },
  ReduceLROnPlateau: {
    keys: ["patience", "threshold_mode"],
    read: (config) => ({
      lr: use("reduce_lr_on_plateau", {
        mode: config.text("mode", "min"),
        factor: config.number("factor", 0.1),
        patience: config.number("patience", 10),
        threshold: config.number("threshold", 1e-4),
        thresholdMode: config.text("threshold_mode", "rel"),
        cooldown: config.number("cooldown", 0),
        minLr: oneOrAll(config.numbers("min_lrs", [0])),
        eps: config.number("eps", 1e-8),
      }),
      chains: false,
    }),
  },
  SWALR: {
    keys: ["anneal_epochs"],
    read: (config, groups) => ({
      lr: use("swalr", {
        swaLr: oneOrAll(ofGroups(config, groups, "swa_lr")),
        annealEpochs: config.number("anneal_epochs", 10),
        annealStrategy: config.text("_anneal_strategy", "cos"),
      }),
      chains: false,
    }),
  },
  SequentialLR: {
    keys: ["_milestones", "_schedulers"],
    read(config, groups) {
      const schedules = inner(config, groups).map(({ lr }) => lr);
      return { lr: use("sequence", { schedules, milestones: config.numbers("_milestones", []) }), chains: false };
    },
  },
  ChainedScheduler: {
    keys: ["_schedulers"],
    read(config, groups) {
      const parts = inner(config, groups);
      parts.forEach(({ chains, lr }, i) => {
        if (!chains) config.fault(`_schedulers[${i}] (${lr.name}) sets lr anew at each step, which is no product`);
      });
      return { lr: use("product", { schedules: parts.map(({ lr }) => lr) }), chains: false };
    },
  },
  LambdaLR: {
    keys: ["lr_lambdas"],
    read(config) {
      config.fault("a Python function is not in the state (of transformers' schedulers give the TrainingArguments)");
      return { lr: use("constant", {}), chains: false };
    },
  },
  // Last: others have a gamma too.
  ExponentialLR: {
    keys: ["gamma"],
    read: (config) => ({ lr: use("exponential", { gamma: config.number("gamma") }), chains: true }),
  },
};
const noStates: readonly string[] = ["MultiplicativeLR"];

/** One over the other, the same in every group. */
function ratio(config: Config, what: string, over: readonly number[], under: readonly number[]): number {
  const ratios = over.map((value, i) => value / under[i]);
  if (ratios.some((value) => Math.abs(value - ratios[0]) > 1e-9 * Math.abs(ratios[0]))) {
    config.fault(`${what} is not the same in every group`);
  }
  // As it was given: 25 has been divided by and multiplied with since.
  const rounded = Number(ratios[0].toPrecision(12));
  return over[0] / rounded === under[0] ? rounded : ratios[0];
}

/** The schedulers that one holds. */
function inner(config: Config, groups: readonly Json[]): readonly Said[] {
  const states = config.value("_schedulers");
  if (!Array.isArray(states) || states.length === 0) {
    config.fault("_schedulers is no list of states");
    return [];
  }
  return states.flatMap((state, i) => {
    const said = readState(config.part(`_schedulers[${i}]`, state), undefined, groups);
    return said === undefined ? [] : [said];
  });
}

function readState(config: Config, name: string | undefined, groups: readonly Json[]): Said | undefined {
  const found = name ?? Object.keys(rows).find((row) => rows[row].keys.every((key) => config.keys.includes(key)));
  if (found === undefined || noStates.includes(found)) {
    config.fault(found === undefined ? "its keys do not tell which scheduler it is: give its class" : `${found} holds a Python function`);
    return undefined;
  }
  if (!Object.hasOwn(rows, found)) {
    config.fault(`scheduler ${show(found)}: known are ${Object.keys(rows).join(", ")}`);
    return undefined;
  }
  return rows[found].read(config, groups);
}

/**
 * The recipe of a scheduler of torch, and of the optimizer under it. What to print in Python:
 *
 * ```python
 * print(json.dumps({
 *     "class": type(scheduler).__name__, "state": scheduler.state_dict(), "optimizer": type(optimizer).__name__,
 *     "groups": [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]}))
 * ```
 *
 * @example Usage
 * ```ts
 * import { fromTorch } from "@glissade/optim";
 *
 * const recipe = fromTorch({ class: "StepLR", state: { step_size: 30, gamma: 0.1, base_lrs: [0.1] }, optimizer: "SGD" }, { stepsPerEpoch: 1000 });
 * console.log(recipe.schedules?.lr.name); // by_epoch
 * ```
 *
 * @param scheduler The scheduler's state, its class and what else is known.
 * @param options What a state does not say.
 * @returns A recipe for `createTrainer`. TypeError, with all `faults`, where it cannot say what the state says.
 */
export function fromTorch(scheduler: TorchScheduler, options: FromTorchOptions = {}): Recipe {
  return readConfig("a scheduler of torch", scheduler, (config) => {
    const groups = config.value("groups") ?? [];
    const list = Array.isArray(groups) && groups.every(isRecord) ? groups as Json[] : [];
    if (list !== groups && list.length === 0 && groups !== undefined && (groups as unknown[]).length !== 0) {
      config.fault("groups is no list of objects");
    }
    const state = config.part("state", config.value("state") ?? {});
    const said = config.has("state") ? readState(state, config.text("class", "") || undefined, list) : undefined;
    const lrs = config.has("state") && state.has("base_lrs") ? state.numbers("base_lrs", []) : innerLrs(config.value("state"));
    const made = optimizerOf(config, list, lrs, said?.lr.name, options.match);
    if (said === undefined) return made;
    const each = options.stepsPerEpoch ?? 1;
    if (!(each > 0 && Number.isFinite(each))) config.fault(`stepsPerEpoch = ${show(options.stepsPerEpoch)}: it must be a number above 0`);
    const paced = (schedule: Use): Use => each === 1 ? schedule : use("by_epoch", { schedule, stepsPerEpoch: each });
    return {
      ...made,
      schedules: { lr: paced(said.lr), ...(said.momentum && { [cycledOf(config, state, made)]: paced(said.momentum) }) },
    };
  });
}

/** The option that a second curve is of: a momentum, or the first of the betas. */
function cycledOf(config: Config, state: Config, { optimizer: { name } }: Recipe): "momentum" | "betas[0]" {
  const { options } = Object.values(optimizers).find((plugin) => plugin.name === name)!;
  const cycled = Object.hasOwn(options, "betas") ? "betas[0]" : "momentum";
  const said = state.value("use_beta1");
  if (cycled === "momentum" && !Object.hasOwn(options, "momentum") || typeof said === "boolean" && said !== (cycled === "betas[0]")) {
    config.fault(`the momentum that it cycles is none that "${name}" has: give optimizer, type(optimizer).__name__`);
  }
  return cycled;
}

/** The base values of the first scheduler that has them. */
function innerLrs(state: unknown): readonly number[] {
  if (!isRecord(state) || !Array.isArray(state._schedulers)) return [];
  const [first] = state._schedulers;
  if (isRecord(first) && Array.isArray(first.base_lrs)) return first.base_lrs.filter((lr) => typeof lr === "number");
  return innerLrs(first);
}

/** Schedules of values, in whose place lr has nothing to say. */
const ofValues: readonly string[] = ["one_cycle", "cyclic"];

function optimizerOf(
  config: Config,
  groups: readonly Json[],
  lrs: readonly number[],
  schedule: string | undefined,
  match: FromTorchOptions["match"] = [],
): Recipe {
  const name = config.text("optimizer", "AdamW");
  if (!Object.hasOwn(optimizers, name)) {
    config.fault(`optimizer ${show(name)}: known are ${Object.keys(optimizers).join(", ")}`);
    return { optimizer: { name: "adamw_torch" } };
  }
  const plugin = optimizers[name];
  const count = Math.max(1, groups.length, lrs.length);
  const all = Array.from({ length: count }, (_, i) => optionsOf(config, plugin, groups[i] ?? {}, lrs[i], schedule));
  const main = all[count - 1];
  const own = all.slice(0, -1).map((options) =>
    Object.fromEntries(Object.entries(options).filter(([option, value]) => JSON.stringify(value) !== JSON.stringify(main[option])))
  );
  const differ = own.some((options) => Object.keys(options).length > 0);
  if (differ && match.length !== count - 1) {
    config.fault(`its ${count} groups have options of their own: give match, which says what parameters are in each but the last`);
  }
  return {
    optimizer: { name: plugin.name, options: main },
    ...(differ && match.length === count - 1 ? { groups: own.map((options, i) => ({ match: match[i], options })) } : {}),
  };
}

function optionsOf(
  config: Config,
  plugin: OptimizerPlugin,
  group: Json,
  lr: number | undefined,
  schedule: string | undefined,
): Record<string, unknown> {
  const specs = plugin.options as Readonly<Record<string, { readonly default?: unknown }>>;
  const initial = lr ?? group.initial_lr ?? group.lr;
  const options: Record<string, unknown> = {};
  if (typeof initial === "number" && !(schedule !== undefined && ofValues.includes(schedule))) options.lr = initial;
  else if (initial === undefined && schedule !== undefined && !ofValues.includes(schedule)) {
    config.fault("the learning rate is not in the state: give groups, optimizer.param_groups");
  }
  for (const [key, value] of Object.entries(group)) {
    if (idle.includes(key) || value === null) continue;
    const option = camel(key);
    // AdamW has it by its name, and Adam without it.
    if (option === "decoupledWeightDecay" && !Object.hasOwn(specs, option) && value === (plugin === adamwTorch)) continue;
    if (!Object.hasOwn(specs, option)) config.fault(`${key} = ${show(value)} of the optimizer has no counterpart in "${plugin.name}"`);
    else if (JSON.stringify(value) !== JSON.stringify(specs[option].default)) options[option] = value;
  }
  return options;
}

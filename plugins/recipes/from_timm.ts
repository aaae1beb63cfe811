/**
 * timm's training arguments as a recipe: the schedulers of its `create_scheduler`, and its optimizers.
 *
 * Follows timm 1.0.31: `args.yaml` as `train.py` writes it, or the keywords of `create_scheduler_v2` (`num_epochs` tells which), each with its own
 * defaults. timm's schedulers are asked once an epoch unless `sched_on_updates` is set. Biases, norms and what else has one dimension are not decayed.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { type Config, readConfig, show } from "./foreign/config.ts";

/** What {@linkcode fromTimm} must be told beside the arguments. */
export interface FromTimmOptions {
  /** Updates of an epoch: its batches, over `grad_accum_steps` where that is above 1. */
  readonly updatesPerEpoch: number;
}

type Use = NonNullable<Recipe["schedules"]>[string];

const use = (name: string, options: object): Use => ({ name, options });

/** What the schedulers' rows are read from, with the names and defaults of the one or the other. */
interface Asked {
  readonly config: Config;
  readonly lr: number;
  /** Steps of the schedule to an epoch: 1 where it is asked once an epoch. */
  readonly each: number;
  readonly epochs: number;
  readonly warmupT: number;
  readonly warmupLr: number;
  readonly warmupPrefix: boolean;
  readonly minLr: number;
  readonly decayRate: number;
  readonly decayEpochs: number | undefined;
  readonly milestones: readonly number[];
  readonly kDecay: number;
  readonly cycle: { readonly mul: number; readonly decay: number; readonly limit: number };
}

const schedulers: Readonly<Record<string, (asked: Asked) => Use | undefined>> = {
  cosine({ epochs, each, minLr, cycle, warmupT, warmupLr, warmupPrefix, kDecay }) {
    return use("cosine_timm", {
      tInitial: epochs * each,
      lrMin: minLr,
      ...(warmupT > 0 && { warmupT, warmupLrInit: warmupLr, warmupPrefix }),
      ...(cycle.limit !== 1 && { cycleMul: cycle.mul, cycleDecay: cycle.decay, cycleLimit: cycle.limit }),
      ...(kDecay !== 1 && { kDecay }),
    });
  },
  step: (asked) => behindWarmup(asked, use("step", { stepSize: (asked.decayEpochs ?? 90) * asked.each, gamma: asked.decayRate })),
  multistep(asked) {
    // It cuts a step before each milestone: timm looks for step t + 1.
    const milestones = asked.milestones.map((epoch) => Math.max(0, epoch * asked.each - 1));
    return behindWarmup(asked, use("multistep", { milestones, gamma: asked.decayRate }));
  },
  constant: (asked) => behindWarmup(asked, use("constant", {})),
  poly(asked) {
    const { config, cycle, epochs, each, minLr, decayRate, kDecay } = asked;
    if (cycle.limit !== 1 || kDecay !== 1) config.fault("poly with cycles or k_decay");
    return behindWarmup(asked, use("polynomial", { numWarmupSteps: 0, numTrainingSteps: epochs * each, lrEnd: minLr, power: decayRate }));
  },
  wsd(asked) {
    const { config, epochs, each, warmupT, warmupPrefix, minLr, lr, decayEpochs = 0.2 } = asked;
    const length = epochs * each - (warmupPrefix ? 0 : warmupT);
    // A share of what is behind the warmup, or epochs.
    const decay = Math.round(decayEpochs > 0 && decayEpochs < 1 ? decayEpochs * length : decayEpochs * each);
    const shape = config.text("lr_decay_fn", config.text("decay_fn", "1-sqrt"));
    if (!["linear", "cosine", "1-sqrt"].includes(shape)) config.fault(`lr_decay_fn = ${show(shape)}: known are linear, cosine, 1-sqrt`);
    const stable = use("warmup_stable_decay", {
      numWarmupSteps: 0,
      numStableSteps: length - decay,
      numDecaySteps: decay,
      decayType: shape,
      minLrRatio: minLr / lr,
    });
    return behindWarmup({ ...asked, warmupPrefix: true }, stable);
  },
  plateau({ config, decayRate, minLr, warmupT }) {
    if (warmupT > 0) config.fault("plateau with warmup_epochs: there the warmup's epochs are not the plateau's");
    const metric = config.text("eval_metric", "top1");
    return use("reduce_lr_on_plateau", {
      mode: config.text("plateau_mode", metric.includes("loss") ? "min" : "max"),
      factor: decayRate,
      patience: config.number("patience_epochs", 10),
      minLr,
    });
  },
  none: () => undefined,
};

/** A schedule behind timm's linear warmup: in its time, or, where the warmup is a prefix, after it. */
function behindWarmup({ config, warmupT, warmupLr, warmupPrefix, lr }: Asked, schedule: Use): Use {
  if (warmupT === 0) return schedule;
  if (warmupLr > lr) config.fault(`warmup_lr = ${warmupLr}: a warmup that begins above lr`);
  const rise = warmupLr === 0
    ? use("constant_with_warmup", { numWarmupSteps: warmupT })
    : use("linear_lr", { startFactor: warmupLr / lr, totalIters: warmupT });
  const rest = warmupPrefix || schedule.name === "constant" ? schedule : use("shift", { schedule, steps: warmupT });
  return use("sequence", { schedules: [rise, rest], milestones: [warmupT] });
}

/** timm's names, ours, what it sets beside the arguments, and which of them the optimizer takes. */
const optimizers: Readonly<Record<string, readonly [name: string, set: object, takes: readonly ("betas" | "eps" | "momentum")[]]>> = {
  sgd: ["sgd", { nesterov: true }, ["momentum"]],
  nesterov: ["sgd", { nesterov: true }, ["momentum"]],
  momentum: ["sgd", {}, ["momentum"]],
  adam: ["adam", {}, ["betas", "eps"]],
  adamw: ["adamw_torch", {}, ["betas", "eps"]],
  nadam: ["nadam", {}, ["betas", "eps"]],
  nadamw: ["nadamw", {}, ["betas", "eps"]],
  radam: ["radam", {}, ["betas", "eps"]],
  radamw: ["radam", { decoupledWeightDecay: true }, ["betas", "eps"]],
  adamax: ["adamax", {}, ["betas", "eps"]],
  adagrad: ["adagrad", { eps: 1e-8 }, ["eps"]],
  adadelta: ["adadelta", {}, ["eps"]],
  rmsprop: ["rmsprop", { alpha: 0.9 }, ["momentum", "eps"]],
  lamb: ["lamb", {}, ["betas", "eps"]],
  lambc: ["lamb", { trustClip: true }, ["betas", "eps"]],
  lars: ["lars", {}, ["momentum", "eps"]],
  larc: ["lars", { trustClip: true }, ["momentum", "eps"]],
  nlars: ["lars", { nesterov: true }, ["momentum", "eps"]],
  lion: ["lion", {}, ["betas"]],
  adan: ["adan", {}, ["betas", "eps"]],
  adanw: ["adan", { noProx: true }, ["betas", "eps"]],
  adopt: ["adopt", {}, ["betas", "eps"]],
  adoptw: ["adopt", { decoupled: true }, ["betas", "eps"]],
};

/**
 * The recipe of timm's training arguments.
 *
 * @example Usage
 * ```ts
 * import { fromTimm } from "@glissade/optim";
 *
 * const recipe = fromTimm({ opt: "adamw", lr: 1e-3, weight_decay: 0.05, sched: "cosine", epochs: 300, warmup_epochs: 20 }, { updatesPerEpoch: 1251 });
 * console.log(recipe.schedules?.lr.name); // by_epoch
 * ```
 *
 * @param args The arguments, as in `args.yaml`, or the keywords of `create_scheduler_v2`.
 * @param options The updates of an epoch, which they do not say.
 * @returns A recipe for `createTrainer`. TypeError, with all `faults`, where it cannot say what they say.
 */
export function fromTimm(args: object, options: FromTimmOptions): Recipe {
  return readConfig("timm's arguments", args, (config) => {
    const { updatesPerEpoch } = options ?? {};
    if (!(updatesPerEpoch > 0 && Number.isFinite(updatesPerEpoch))) {
      config.fault(`updatesPerEpoch = ${show(updatesPerEpoch)}: give the number of updates of an epoch`);
    }
    const asked = askedOf(config, updatesPerEpoch);
    const sched = config.text("sched", "cosine");
    const known = Object.hasOwn(schedulers, sched);
    if (!known) config.fault(`sched = ${show(sched)}: known are ${Object.keys(schedulers).join(", ")}`);
    const schedule = known ? schedulers[sched](asked) : undefined;
    for (const key of ["lr_noise", "noise"]) if (config.has(key)) config.fault(`${key} is random`);
    for (const key of ["layer_decay", "opt_kwargs"]) {
      const value = config.value(key);
      if (value !== undefined && JSON.stringify(value) !== "{}") config.fault(`${key} = ${show(value)} (of layers see layerDecay)`);
    }
    // A plateau's epochs are told by its metrics.
    const isPaced = asked.each === 1 && updatesPerEpoch !== 1 && sched !== "plateau";
    const optimizer = optimizerOf(config, asked.lr);
    const { weightDecay } = optimizer.options as { readonly weightDecay?: number };
    const every = config.number("grad_accum_steps", 1);
    return {
      optimizer,
      ...(weightDecay ? { groups: [{ match: { maxRank: 1 }, options: { weightDecay: 0 } }] } : {}),
      ...(schedule === undefined
        ? {}
        : { schedules: { lr: isPaced ? use("by_epoch", { schedule, stepsPerEpoch: updatesPerEpoch }) : schedule } }),
      ...(every > 1 ? { accumulate: { name: "mean", options: { every } } } : {}),
      ...clipOf(config),
    };
  });
}

function askedOf(config: Config, updatesPerEpoch: number): Asked {
  const { number, boolean, numbers } = config;
  // create_scheduler_v2 has other names, and other defaults.
  const isV2 = config.has("num_epochs") || config.has("step_on_epochs");
  const onEpochs = isV2 ? boolean("step_on_epochs", true) : !boolean("sched_on_updates", false);
  const each = onEpochs ? 1 : updatesPerEpoch;
  if (!config.has("lr")) config.fault("lr is missing: timm scales lr_base by the size of the batch; give the lr that it logs");
  return {
    config,
    lr: number("lr", 1),
    each,
    epochs: isV2 ? number("num_epochs", 300) : number("epochs", 100),
    warmupT: number("warmup_epochs", isV2 ? 0 : 5) * each,
    warmupLr: number("warmup_lr", 1e-5),
    warmupPrefix: boolean("warmup_prefix", false),
    minLr: number("min_lr", 0),
    decayRate: number("decay_rate", 0.1),
    decayEpochs: config.has("decay_epochs") ? number("decay_epochs") : isV2 ? undefined : 30,
    milestones: numbers("decay_milestones", isV2 ? [90, 180, 270] : [30, 60]),
    kDecay: number(isV2 ? "k_decay" : "lr_k_decay", 1),
    cycle: {
      mul: number(isV2 ? "cycle_mul" : "lr_cycle_mul", 1),
      decay: number(isV2 ? "cycle_decay" : "lr_cycle_decay", 0.1),
      limit: number(isV2 ? "cycle_limit" : "lr_cycle_limit", 1),
    },
  };
}

function optimizerOf(config: Config, lr: number): Recipe["optimizer"] {
  const opt = config.text("opt", "sgd").toLowerCase().replaceAll("_", "");
  if (!Object.hasOwn(optimizers, opt)) {
    config.fault(`opt = ${show(opt)}: known are ${Object.keys(optimizers).join(", ")}`);
    return { name: "sgd", options: {} };
  }
  const [name, set, takes] = optimizers[opt];
  const { has, number, numbers } = config;
  return {
    name,
    options: {
      lr,
      weightDecay: number("weight_decay", 2e-5),
      ...set,
      ...(takes.includes("momentum") && { momentum: number("momentum", 0.9) }),
      ...(takes.includes("betas") && has("opt_betas") && { betas: numbers("opt_betas", []) }),
      ...(takes.includes("eps") && has("opt_eps") && { eps: number("opt_eps") }),
    },
  };
}

function clipOf(config: Config): Pick<Recipe, "transforms"> {
  if (!config.has("clip_grad")) return {};
  const value = config.number("clip_grad");
  switch (config.text("clip_mode", "norm")) {
    case "norm":
      return { transforms: [{ name: "clip_global_norm", options: { maxNorm: value } }] };
    case "value":
      return { transforms: [{ name: "clip_value", options: { value } }] };
    default:
      // timm leaves the last layer out, and transform agc does not.
      config.fault(`clip_mode = ${show(config.value("clip_mode"))}: known are norm, value; see transform agc`);
      return {};
  }
}

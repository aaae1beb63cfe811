/**
 * A recipe as Python for torch: the optimizer with its groups, the scheduler, and the lines of a step.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { type Config, isRecord, readConfig, show, snake } from "./foreign/config.ts";
import { hfSchedules, ownOptions } from "./foreign/hf_schedules.ts";
import { call, checkNames, keywords, python } from "./foreign/python.ts";

/** torch's class of each optimizer. */
const optimizers: Readonly<Record<string, string>> = {
  sgd: "SGD",
  adam: "Adam",
  adamw_torch: "AdamW",
  nadam: "NAdam",
  radam: "RAdam",
  adamax: "Adamax",
  rmsprop: "RMSprop",
  adagrad: "Adagrad",
  adadelta: "Adadelta",
  rprop: "Rprop",
  asgd: "ASGD",
  adafactor_torch: "Adafactor",
};

type Use = NonNullable<Recipe["schedules"]>[string];
type Options = Readonly<Record<string, unknown>>;

/** torch's class of each schedule, and what its keywords are called where they are not the option's own in snake case. */
const schedulers: Readonly<Record<string, readonly [className: string, words?: Readonly<Record<string, string>>]>> = {
  step: ["StepLR"],
  multistep: ["MultiStepLR"],
  exponential: ["ExponentialLR"],
  constant_lr: ["ConstantLR"],
  linear_lr: ["LinearLR"],
  polynomial_lr: ["PolynomialLR"],
  cosine_annealing: ["CosineAnnealingLR", { tMax: "T_max" }],
  cosine_annealing_warm_restarts: ["CosineAnnealingWarmRestarts", { t0: "T_0", tMult: "T_mult" }],
  one_cycle: ["OneCycleLR"],
  cyclic: ["CyclicLR"],
  reduce_lr_on_plateau: ["ReduceLROnPlateau"],
};

/**
 * Python for torch that trains as a recipe does: paste it, and put your model in.
 *
 * Schedules are torch's own where it has them, and transformers' through its `get_scheduler`. The page of `npm start` writes out any built-in schedule.
 *
 * @example Usage
 * ```ts
 * import { torchCode } from "@glissade/optim";
 *
 * const code = torchCode({ optimizer: { name: "sgd", options: { lr: 0.1 } }, schedules: { lr: { name: "step", options: { stepSize: 30 } } } });
 * console.log(code.includes("scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)")); // true
 * ```
 *
 * @param recipe The recipe.
 * @returns Code to paste. TypeError, with all `faults`, where torch cannot say what the recipe says.
 */
export function torchCode(recipe: Recipe): string {
  return readConfig("it as code for torch", recipe, (config) => {
    checkNames(recipe, config.fault);
    const optimizer = optimizerCode(config, recipe);
    const { scheduler, paced, imports } = schedulerCode(config, recipe);
    const { clip, every } = stepWords(config, recipe);
    const comments = [
      every === undefined ? "# for each batch: loss.backward()" : `# for each of ${every} micro-batches: (loss / ${every}).backward()`,
      ...clip,
      "# optimizer.step()",
      ...(scheduler === undefined ? [] : [paced]),
      "# optimizer.zero_grad()",
    ];
    const text = [
      ...imports,
      "import torch",
      ...(optimizer.imports.length > 0 ? optimizer.imports : []),
      "",
      "model = torch.nn.Linear(8, 8)  # yours",
      ...optimizer.lines,
      ...(scheduler === undefined ? [] : [`scheduler = ${scheduler}`]),
      ...comments,
      "",
    ];
    return text.join("\n");
  });
}

function optimizerCode(config: Config, recipe: Recipe): { readonly lines: readonly string[]; readonly imports: readonly string[] } {
  const { name, options = {} } = isRecord(recipe.optimizer) ? recipe.optimizer as Recipe["optimizer"] : { name: "" };
  const className = Object.hasOwn(optimizers, name) ? optimizers[name] : undefined;
  if (className === undefined) config.fault(`optimizer ${show(name)}: torch has ${Object.keys(optimizers).join(", ")}`);
  const words = (given: object): Record<string, unknown> => {
    const { stateDtype, ...rest } = given as Record<string, unknown>;
    if (stateDtype !== undefined && stateDtype !== null) config.fault(`stateDtype = ${show(stateDtype)}: torch's is the parameter's`);
    return Object.fromEntries(Object.entries(rest).map(([option, value]) => [snake(option), tuple(option, value)]));
  };
  const shown = words(options);
  const { lr } = shown;
  // torch's optimizers differ from ours in no default but SGD's, which is the same.
  const args = (params: string): string => call(`torch.optim.${className}`, [params, ...keywordsOf(shown)]);
  const groups = recipe.groups ?? [];
  if (groups.length === 0) return { lines: [`optimizer = ${args("model.parameters()")}`], imports: [] };
  const imports = new Set<string>();
  const tests = groups.map((group, i) => {
    if (group.optimizer !== undefined && group.optimizer !== name) config.fault(`group ${i} has an optimizer of its own`);
    if (group.schedules !== undefined) config.fault(`group ${i} has schedules of its own`);
    const { lr: scale = 1, ...scales } = group.scale ?? {};
    if (Object.keys(scales).length > 0) config.fault(`group ${i} scales ${Object.keys(scales).join(", ")}`);
    const own = words(group.options ?? {});
    if (scale !== 1) own.lr = Number(own.lr ?? lr ?? 1e-3) * scale;
    return { test: testOf(config, group.match, i, imports), own };
  });
  const lines = [
    "def group_of(name, parameter):",
    ...tests.map(({ test }, i) => `    ${i === 0 ? "if" : "elif"} ${test}:\n        return ${i}`),
    `    return ${groups.length}`,
    "",
    `groups = [[] for _ in range(${groups.length + 1})]`,
    "for name, parameter in model.named_parameters():",
    "    groups[group_of(name, parameter)].append(parameter)",
    `optimizer = ${
      args(`[${
        [
          ...tests.map(({ own }, i) =>
            `{"params": groups[${i}]${Object.entries(own).map(([key, value]) => `, "${key}": ${valueOf(value)}`).join("")}}`
          ),
          `{"params": groups[${groups.length}]}`,
        ].join(", ")
      }]`)
    }`,
  ];
  return { lines, imports: [...imports].map((name) => `import ${name}`) };
}

/** Text that stands for itself, as a tuple. */
interface Raw {
  readonly raw: string;
}
const valueOf = (value: unknown): string => isRecord(value) && typeof value.raw === "string" ? value.raw : python(value);
const keywordsOf = (values: Record<string, unknown>): string[] => Object.entries(values).map(([key, value]) => `${key}=${valueOf(value)}`);
const tuples: readonly string[] = ["betas", "etas", "stepSizes", "eps"];
const tuple = (option: string, value: unknown): unknown =>
  tuples.includes(option) && Array.isArray(value) ? { raw: `(${value.map(python).join(", ")})` } satisfies Raw : value;

/** Whether a parameter is in a group. */
function testOf(config: Config, match: unknown, i: number, imports: Set<string>): string {
  if (typeof match === "string") {
    imports.add("re");
    return `re.search(${python(match)}, name)`;
  }
  if (Array.isArray(match)) return `name in ${python(match)}`;
  if (isRecord(match) && typeof match.maxRank === "number") return `parameter.ndim <= ${match.maxRank}`;
  if (isRecord(match) && typeof match.glob === "string") {
    imports.add("fnmatch");
    // [ means a set of letters there, and itself here.
    return `fnmatch.fnmatchcase(name, ${python(match.glob.replaceAll("[", "[[]"))})`;
  }
  config.fault(`match of group ${i}: ${show(match)}`);
  return "False";
}

interface SchedulerCode {
  readonly scheduler: string | undefined;
  /** When it is stepped. */
  readonly paced: string;
  readonly imports: readonly string[];
}

function schedulerCode(config: Config, { schedules = {}, optimizer }: Recipe): SchedulerCode {
  const { lr, ...others } = schedules;
  const none = { scheduler: undefined, paced: "", imports: [] };
  const momentums = Object.entries(others);
  if (lr === undefined) {
    for (const [option] of momentums) config.fault(`a schedule of ${show(option)} without one of lr`);
    return none;
  }
  const isPaced = lr.name === "by_epoch";
  const inner = (use: Use): Use => isPaced && use.name === "by_epoch" ? (use.options as { readonly schedule: Use }).schedule : use;
  const use = inner(lr);
  const momentum = momentumOf(config, use, momentums.map(([option, use]) => [option, inner(use)]), optimizer);
  const imports: string[] = [];
  const scheduler = schedulerOf(config, use, momentum, imports);
  const { stepsPerEpoch } = (lr.options ?? {}) as { readonly stepsPerEpoch?: number };
  if (isPaced && typeof stepsPerEpoch !== "number") config.fault(`stepsPerEpoch = ${show(stepsPerEpoch)}: it must be a number`);
  const metric = use.name === "reduce_lr_on_plateau" ? "metric" : "";
  const when = metric !== "" ? "with each metric" : isPaced ? `every ${stepsPerEpoch} updates, an epoch` : "";
  return { scheduler, paced: when === "" ? `# scheduler.step(${metric})` : `# ${when}: scheduler.step(${metric})`, imports };
}

/** The momentum's curve, which torch's two cyclic schedulers move themselves. */
function momentumOf(
  config: Config,
  { name, options }: Use,
  others: readonly (readonly [string, Use])[],
  optimizer: Recipe["optimizer"],
): Options {
  const isCyclic = name === "one_cycle" || name === "cyclic";
  if (!isCyclic) {
    for (const [option] of others) config.fault(`a schedule of ${show(option)}: torch has one of lr`);
    return {};
  }
  if (others.length === 0) return { cycle_momentum: false };
  const [[option, use], ...rest] = others;
  const given = (use.options ?? {}) as Readonly<Record<string, number>>;
  const lr = (options ?? {}) as Readonly<Record<string, unknown>>;
  const same = Object.keys({ ...lr, ...given }).filter((key) => !["maxLr", "baseLr", "divFactor", "finalDivFactor"].includes(key))
    .every((key) => JSON.stringify(lr[key]) === JSON.stringify((given as Options)[key]));
  const isMomentum = option === "momentum" || option === "betas[0]";
  if (rest.length > 0 || !isMomentum || use.name !== name || !same || name === "one_cycle" && given.finalDivFactor !== 1) {
    config.fault(
      `schedules of ${others.map(([option]) => show(option)).join(", ")}: torch's ${name} moves a momentum with lr, and nothing else`,
    );
  }
  if (optimizer.name === "adagrad") config.fault("adagrad has no momentum");
  const high = name === "cyclic" ? given.baseLr : given.maxLr / (given.divFactor ?? 25);
  return { base_momentum: given.maxLr, max_momentum: high };
}

function schedulerOf(config: Config, use: Use, more: Options, imports: string[], optimizer = "optimizer"): string {
  const options = (use.options ?? {}) as Options;
  const nested = (value: unknown): string =>
    `[${(Array.isArray(value) ? value : []).map((one) => schedulerOf(config, one as Use, {}, imports, optimizer)).join(", ")}]`;
  const at = "torch.optim.lr_scheduler.";
  if (use.name === "constant") return `${at}LambdaLR(${optimizer}, lambda step: 1.0)`;
  if (use.name === "sequence") {
    return call(`${at}SequentialLR`, [optimizer, nested(options.schedules), `milestones=${python(options.milestones)}`]);
  }
  if (use.name === "product") return call(`${at}ChainedScheduler`, [nested(options.schedules)]);
  if (use.name === "swalr") {
    return call("torch.optim.swa_utils.SWALR", [optimizer, ...keywords(renamed(options, { annealEpochs: "anneal_epochs" }))]);
  }
  if (Object.hasOwn(schedulers, use.name)) {
    const [className, words = {}] = schedulers[use.name];
    const { end, ...rest } = options;
    if (use.name === "cosine_annealing" && end === "hold") config.fault("cosine_annealing's end = hold: torch's wave goes on");
    return call(at + className, [optimizer, ...keywords({ ...renamed(rest, words), ...more })]);
  }
  if (Object.hasOwn(hfSchedules, use.name)) return getScheduler(config, use, options, imports, optimizer);
  config.fault(`schedule ${show(use.name)}: torch has ${[...Object.keys(schedulers), "sequence", "product", "swalr"].join(", ")}`);
  return "None";
}

/** transformers' own, by its `get_scheduler`. */
function getScheduler(config: Config, { name }: Use, options: Options, imports: string[], optimizer: string): string {
  const { numWarmupSteps, numTrainingSteps, ...further } = options;
  for (const option of ownOptions) {
    if (further[option] !== undefined && further[option] !== 0 && further[option] !== "continue") {
      config.fault(`${option} = ${show(further[option])} of ${name}: transformers' has no such option`);
    }
    delete (further as Record<string, unknown>)[option];
  }
  if (imports.length === 0) imports.push("from transformers import get_scheduler");
  const kwargs = Object.keys(further).length > 0 ? renamed(further, {}) : undefined;
  const { takesTraining } = hfSchedules[name];
  // get_scheduler wants both lengths of what takes one.
  const lengths = { num_warmup_steps: numWarmupSteps, num_training_steps: numTrainingSteps ?? (takesTraining ? 0 : undefined) };
  return call("get_scheduler", [python(name), optimizer, ...keywords({ ...lengths, scheduler_specific_kwargs: kwargs })]);
}

const renamed = (options: Options, words: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([option, value]) => [words[option] ?? snake(option), value]));

function stepWords(
  config: Config,
  { transforms = [], accumulate }: Recipe,
): { readonly clip: readonly string[]; readonly every: number | undefined } {
  const clip = transforms.flatMap(({ name, options }) => {
    const { maxNorm, value } = (options ?? {}) as { readonly maxNorm?: number; readonly value?: number };
    if (name === "clip_global_norm") return [`# torch.nn.utils.clip_grad_norm_(model.parameters(), ${python(maxNorm)})`];
    if (name === "clip_value") return [`# torch.nn.utils.clip_grad_value_(model.parameters(), ${python(value)})`];
    config.fault(`transform ${show(name)}: torch has clip_global_norm and clip_value`);
    return [];
  });
  if (accumulate === undefined) return { clip, every: undefined };
  const { every } = (accumulate.options ?? {}) as { readonly every?: number };
  if (accumulate.name !== "mean" || typeof every !== "number") {
    config.fault(`accumulator ${show(accumulate.name)}: the lines of a step take the mean of every so many`);
  }
  return { clip, every };
}

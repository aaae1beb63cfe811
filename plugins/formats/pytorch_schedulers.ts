/**
 * `scheduler.state_dict()` of PyTorch: where a scheduler is, and, of most classes, what it was made with.
 *
 * The layouts are those of torch 2.2 to 2.15. A dictionary does not say its class; its keys do. Of `LambdaLR`, which all of transformers' schedules are, it holds
 * no function, and of `OneCycleLR`, `CyclicLR` and `SWALR` not all that they were made with: there is where the schedule is, and not which.
 *
 * @module
 */
import type { Trainer } from "../../core/types.ts";
import type { TorchValue } from "./pickle.ts";

/** `scheduler.state_dict()`: what {@linkcode readTorch} gives of a `scheduler.pt`. */
export interface SchedulerStateDict {
  /** `last_epoch`, `base_lrs`, `_last_lr` and the class's own. */
  readonly [key: string]: TorchValue;
}

/** What a scheduler's dictionary says. */
export interface SchedulerState {
  /** A schedule of ours, as a recipe names it; null where the dictionary does not say it: of `LambdaLR`, `OneCycleLR`, `CyclicLR`, `SWALR`. */
  readonly schedule: { readonly name: string; readonly options: Readonly<Record<string, unknown>> } | null;
  /** Steps that the scheduler has taken: its `last_epoch`. */
  readonly steps: number;
  /** The groups' learning rates at first; null where it does not say them. */
  readonly baseLrs: readonly number[] | null;
  /** The groups' learning rates now; null where it does not say them. */
  readonly lastLrs: readonly number[] | null;
  /** What a schedule that follows a metric has seen: the state that it saves here, but for the factors, which are in the groups' rates. */
  readonly seen?: Readonly<Record<string, unknown>>;
}

/** A class of PyTorch's: our schedule, and its attributes by our options. */
interface Row {
  readonly there: string;
  readonly here: string;
  readonly keys: Readonly<Record<string, string>>;
}

const plateauKeys = {
  mode: "mode",
  factor: "factor",
  patience: "patience",
  threshold: "threshold",
  thresholdMode: "threshold_mode",
  cooldown: "cooldown",
  minLr: "min_lrs",
  eps: "eps",
} as const;

/** The first whose attributes are all there is taken. */
const rows: readonly Row[] = [
  { there: "StepLR", here: "step", keys: { stepSize: "step_size", gamma: "gamma" } },
  { there: "MultiStepLR", here: "multistep", keys: { milestones: "milestones", gamma: "gamma" } },
  { there: "CosineAnnealingLR", here: "cosine_annealing", keys: { tMax: "T_max", etaMin: "eta_min" } },
  { there: "CosineAnnealingWarmRestarts", here: "cosine_annealing_warm_restarts", keys: { t0: "T_0", tMult: "T_mult", etaMin: "eta_min" } },
  { there: "LinearLR", here: "linear_lr", keys: { startFactor: "start_factor", endFactor: "end_factor", totalIters: "total_iters" } },
  { there: "PolynomialLR", here: "polynomial_lr", keys: { totalIters: "total_iters", power: "power" } },
  { there: "ConstantLR", here: "constant_lr", keys: { factor: "factor", totalIters: "total_iters" } },
  {
    there: "GreedyLR", // of transformers 5
    here: "greedy",
    keys: {
      ...plateauKeys,
      warmup: "warmup",
      maxLr: "max_lrs",
      smooth: "smooth",
      windowSize: "window_size",
      resetStart: "reset_start_original",
    },
  },
  { there: "ReduceLROnPlateau", here: "reduce_lr_on_plateau", keys: plateauKeys },
  { there: "ExponentialLR", here: "exponential", keys: { gamma: "gamma" } },
];

/** Counts of schedules that follow a metric, by ours. */
const counters: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  reduce_lr_on_plateau: { numBadEpochs: "num_bad_epochs", cooldownCounter: "cooldown_counter" },
  greedy: {
    numBadEpochs: "num_bad_epochs",
    numGoodEpochs: "num_good_epochs",
    cooldownCounter: "cooldown_counter",
    warmupCounter: "warmup_counter",
    resetStart: "reset_start",
  },
};

/** Attributes of classes whose dictionaries do not say all that they were made with: OneCycleLR, CyclicLR, SWALR. */
const untold = ["_schedule_phases", "step_ratio", "anneal_epochs"];

/** What a dictionary has for each group's function: that it holds nothing of it. */
const functions = (groups: number): TorchValue => Array.from({ length: groups }, () => null);

function refuse(why: string): never {
  throw new TypeError(`Cannot read a scheduler's state: ${why}`);
}

const isNumbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every((one) => typeof one === "number");

/**
 * Reads a scheduler's dictionary. TypeError for what is none, and for a class that no schedule here is like, by its name.
 *
 * @example Usage
 * ```ts
 * import { readScheduler } from "@glissade/optim/pytorch";
 *
 * const dict = { step_size: 2, gamma: 0.5, base_lrs: [0.1], last_epoch: 3, _last_lr: [0.05] }; // StepLR's
 * const { schedule, steps } = readScheduler(dict);
 * console.log(schedule, steps); // { name: "step", options: { stepSize: 2, gamma: 0.5 } } 3
 * ```
 */
export function readScheduler(given: TorchValue): SchedulerState {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return refuse("it is no dictionary");
  const dict = given as SchedulerStateDict;
  const { last_epoch, base_lrs = null, _last_lr = null, _schedulers, _milestones } = dict;
  for (const [what, lrs] of Object.entries({ base_lrs, _last_lr })) {
    if (lrs !== null && !isNumbers(lrs)) refuse(`its ${what} are no list of numbers`);
  }
  const baseLrs = base_lrs as readonly number[] | null;
  const lastLrs = _last_lr as readonly number[] | null;
  if (Array.isArray(_schedulers)) {
    const inner = _schedulers.map((one) => readScheduler(one));
    const schedules = inner.map(({ schedule }) => schedule);
    const isSequence = _milestones !== undefined;
    if (isSequence && !isNumbers(_milestones)) refuse("its _milestones are no list of numbers");
    return {
      schedule: schedules.includes(null)
        ? null
        : isSequence
        ? { name: "sequence", options: { schedules, milestones: [..._milestones as number[]] } }
        : { name: "product", options: { schedules } },
      steps: stepsOf(isSequence ? last_epoch : (_schedulers[0] as SchedulerStateDict | undefined)?.last_epoch),
      baseLrs: baseLrs ?? inner[0]?.baseLrs ?? null,
      lastLrs,
    };
  }
  const steps = stepsOf(last_epoch);
  if (Object.hasOwn(dict, "lr_lambdas") || untold.some((key) => Object.hasOwn(dict, key))) {
    return { schedule: null, steps, baseLrs, lastLrs };
  }
  const row = rows.find(({ keys }) => Object.values(keys).every((key) => Object.hasOwn(dict, key)));
  if (row === undefined) return refuse(`its keys ${Object.keys(dict).join(", ")} are those of no class that is known`);
  const options = Object.entries(row.keys).map(([option, key]) => [option, optionOf(key, dict[key])] as const);
  const schedule = { name: row.here, options: Object.fromEntries(options) };
  if (!Object.hasOwn(counters, row.here)) return { schedule, steps, baseLrs, lastLrs };
  const { _init_lrs = null } = dict;
  if (_init_lrs !== null && !isNumbers(_init_lrs)) refuse("its _init_lrs are no list of numbers");
  return { schedule, steps, baseLrs: baseLrs ?? _init_lrs as number[] | null, lastLrs, seen: seenIn(row.here, dict) };
}

/** What a schedule that follows a metric has seen, as it saves it here: numbers that JSON may not hold as words. */
function seenIn(here: string, dict: SchedulerStateDict): Record<string, unknown> {
  const number = (of: { readonly [key: string]: TorchValue }, key: string): number => {
    const value = of[key];
    if (typeof value === "number") return value;
    return value === "Infinity" ? Infinity : value === "-Infinity" ? -Infinity : refuse(`its ${key} is no number`);
  };
  const counts = Object.entries(counters[here]).map(([name, key]) => [name, number(dict, key)] as const);
  const seen = { best: String(number(dict, "best")), ...Object.fromEntries(counts) };
  if (here !== "greedy") return seen;
  const { _streaming_avg: mean = { values: [], sum: 0 } } = dict;
  const { values } = (mean ?? {}) as { readonly values?: TorchValue };
  if (!isNumbers(values)) return refuse("its _streaming_avg has no list of values");
  return { ...seen, window: values.map(String), sum: String(number(mean as SchedulerStateDict, "sum")) };
}

/** A scheduler within another that has not begun is at -1. */
function stepsOf(value: TorchValue | undefined): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= -1) return value;
  return refuse(`its last_epoch is ${String(value)}`);
}

function optionOf(key: string, value: TorchValue): unknown {
  if (key === "milestones") {
    return milestonesIn(value);
  }
  if ((key === "min_lrs" || key === "max_lrs") && isNumbers(value)) return value.every((lr) => lr === value[0]) ? value[0] : [...value];
  return value;
}

function withoutFactors({ factors: _, ...seen }: Record<string, unknown>): Record<string, unknown> {
  return seen;
}

/** A milestone that may be there again, in all: more would let a small file ask for any memory. */
const mostRepeats = 1000;

/** Of a `Counter`: a milestone that is there twice counts twice. */
function milestonesIn(value: TorchValue): number[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse("its milestones are no Counter");
  const counts = Object.entries(value).map(([step, times]) => [Number(step), times] as const);
  const odd = counts.find(([step, times]) => !Number.isSafeInteger(step) || !Number.isSafeInteger(times) || (times as number) < 0);
  if (odd !== undefined) refuse(`its milestones have ${String(odd[0])} ${String(odd[1])} times`);
  const total = counts.reduce((sum, [, times]) => sum + (times as number), 0);
  if (total > counts.length + mostRepeats) refuse(`its ${counts.length} milestones are there ${total} times`);
  return counts.flatMap(([step, times]) => Array.from({ length: times as number }, () => step)).sort((a, b) => a - b);
}

/** The state of a trainer's schedule of `lr`, for {@linkcode schedulerStateDict}; TypeError where it has none. */
export function schedulerOf({ recipe, optimizer }: Trainer): SchedulerState {
  const schedule = recipe.schedules?.lr;
  if (schedule === undefined) throw new TypeError("Cannot tell the state of a scheduler: the recipe has no schedule of lr");
  const groups = optimizer.groups.filter(({ names }) => names.length > 0);
  const lrs = (of: "options" | "current"): number[] => groups.map((group) => (group[of] as { readonly lr: number }).lr);
  const saved = Object.hasOwn(counters, schedule.name) ? optimizer.saveState().metadata["schedule.lr"] : undefined;
  return {
    schedule: { name: schedule.name, options: { ...schedule.options } },
    steps: optimizer.steps,
    baseLrs: lrs("options"),
    lastLrs: lrs("current"),
    ...(saved !== undefined && { seen: withoutFactors(JSON.parse(saved)) }),
  };
}

/**
 * The dictionary that PyTorch's scheduler loads. A schedule that is none of its classes is a `LambdaLR` there, as transformers makes them: made with the same
 * function, it goes on where this one is.
 *
 * Options that are not given are those of PyTorch's class, which the built-in schedules share. Within a `SequentialLR` each part's `_last_lr` is that of the whole.
 *
 * @example Usage
 * ```ts
 * import { schedulerStateDict, writeTorch } from "@glissade/optim/pytorch";
 *
 * const schedule = { name: "step", options: { stepSize: 2, gamma: 0.5 } };
 * const dict = schedulerStateDict({ schedule, steps: 3, baseLrs: [0.1], lastLrs: [0.05] });
 * console.log(writeTorch(dict).length > 0); // a scheduler.pt
 * ```
 */
export function schedulerStateDict(state: SchedulerState): SchedulerStateDict {
  const { schedule, steps, baseLrs, lastLrs, seen } = state;
  const lrs = { ...(baseLrs !== null && { base_lrs: [...baseLrs] }), ...(lastLrs !== null && { _last_lr: [...lastLrs] }) };
  const common = { ...lrs, last_epoch: steps, verbose: false, _step_count: steps + 1, _get_lr_called_within_step: false };
  const options = { ...defaults[schedule?.name ?? ""], ...schedule?.options };
  const inner = (options as { schedules?: readonly { name: string; options?: Record<string, unknown> }[] }).schedules ?? [];
  if (schedule?.name === "product") {
    const parts = inner.map(({ name, options = {} }) => schedulerStateDict({ schedule: { name, options }, steps, baseLrs, lastLrs }));
    return { _schedulers: parts, ...(lastLrs !== null && { _last_lr: [...lastLrs] }) };
  }
  if (schedule?.name === "sequence") {
    const milestones = (options as { readonly milestones: readonly number[] }).milestones;
    const parts = inner.map(({ name, options = {} }, i) => {
      const from = i === 0 ? 0 : milestones[i - 1];
      // A part stops one before the next begins, which was a step of its own (step(0)) and counts once more; one to come is before its first.
      const at = steps < from ? -1 : Math.min(steps, i < milestones.length ? milestones[i] - 1 : Infinity) - from;
      const part = schedulerStateDict({ schedule: { name, options }, steps: at, baseLrs, lastLrs });
      return { ...part, _step_count: i === 0 ? at + 1 : at < 0 ? 1 : at + 2 };
    });
    return { _milestones: [...milestones], last_epoch: steps, ...(lastLrs !== null && { _last_lr: [...lastLrs] }), _schedulers: parts };
  }
  const row = rows.find(({ here }) => here === schedule?.name);
  if (row === undefined) return { ...common, lr_lambdas: functions((baseLrs ?? lastLrs ?? [0]).length) };
  const own = Object.fromEntries(
    Object.entries(row.keys).map(([option, key]) => [key, attributeOf(key, (options as Record<string, unknown>)[option])]),
  );
  if (row.here === "cosine_annealing_warm_restarts") {
    return { ...own, ...restartOf(options as { t0: number; tMult: number }, steps), ...common };
  }
  if (seen === undefined) return { ...own, ...common };
  const groups = (baseLrs ?? lastLrs ?? [0]).length;
  const each = (value: TorchValue): TorchValue => Array.isArray(value) ? value : Array.from({ length: groups }, () => value);
  const counts = Object.entries(counters[row.here]).map(([name, key]) => [key, seen[name] as number]);
  const followed = {
    ...own,
    min_lrs: each(own.min_lrs),
    best: Number(seen.best),
    ...Object.fromEntries(counts),
    verbose: false,
    last_epoch: steps,
  };
  const now = steps > 0 && lastLrs !== null ? { _last_lr: [...lastLrs] } : {};
  if (row.here !== "greedy") return { ...followed, ...now, mode_worse: own.mode === "max" ? -Infinity : Infinity };
  const { window = [], sum = "0" } = seen as { readonly window?: readonly string[]; readonly sum?: string };
  return {
    ...followed,
    ...now,
    max_lrs: each(own.max_lrs),
    ...(baseLrs !== null && { _init_lrs: [...baseLrs] }),
    ...(own.smooth === true && { _streaming_avg: { window_size: own.window_size, values: window.map(Number), sum: Number(sum) } }),
  };
}

/** What PyTorch's classes are made with where nothing is said. */
const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  step: { gamma: 0.1 },
  multistep: { gamma: 0.1 },
  cosine_annealing: { etaMin: 0 },
  cosine_annealing_warm_restarts: { tMult: 1, etaMin: 0 },
  linear_lr: { startFactor: 1 / 3, endFactor: 1, totalIters: 5 },
  polynomial_lr: { totalIters: 5, power: 1 },
  constant_lr: { factor: 1 / 3, totalIters: 5 },
  greedy: {
    mode: "min",
    factor: 0.95,
    patience: 10,
    threshold: 1e-6,
    thresholdMode: "abs",
    cooldown: 0,
    warmup: 0,
    minLr: 1e-3,
    maxLr: 1,
    eps: 1e-8,
    smooth: false,
    windowSize: 50,
    resetStart: 500,
  },
  reduce_lr_on_plateau: { mode: "min", factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: "rel", cooldown: 0, minLr: 0, eps: 1e-8 },
};

function attributeOf(key: string, value: unknown): TorchValue {
  if (key !== "milestones") return value as TorchValue;
  const counter: Record<string, number> = {};
  for (const step of value as readonly number[]) counter[step] = (counter[step] ?? 0) + 1;
  return counter;
}

/** The length of the present wave and the place in it. */
function restartOf(
  { t0, tMult }: { readonly t0: number; readonly tMult: number },
  steps: number,
): { readonly T_i: number; readonly T_cur: number } {
  let length = t0;
  let at = steps;
  if (tMult === 1) return { T_i: t0, T_cur: steps % t0 };
  while (at >= length) {
    at -= length;
    length *= tMult;
  }
  return { T_i: length, T_cur: at };
}

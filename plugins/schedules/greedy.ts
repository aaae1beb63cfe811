/**
 * A rate that goes up while a metric gets better, and down while it does not.
 *
 * Subramanian and Ganapathiraman, "GreedyLR: A Novel Adaptive Learning Rate Scheduler", 2025, https://arxiv.org/abs/2512.14527; `GreedyLR` of
 * transformers 5, which `get_greedy_schedule` hands out. More than `patience` good metrics in a row divide the value by `factor`, more than
 * `patience` bad ones multiply it, between `minLr` and `maxLr`. The defaults of these two are absolute, as there: an lr of 1e-4 is below the
 * least value 1e-3, which no cut then reaches. A NaN metric is never better, as there; behind one all averages of `smooth` are NaN.
 *
 * ![greedy, step by step](../../examples/pictures/greedy.svg)
 *
 * @module
 */
import type { MetricSchedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { byGroup } from "./by_group.ts";
import { checkFactors, refuseState } from "./check_state.ts";

/** Options of {@linkcode greedy}. */
export interface GreedyOptions {
  /** Whether a smaller or a greater metric is better. */
  mode?: "min" | "max";
  /** What a cut multiplies the value by, and a rise divides it by. */
  factor?: number;
  /** Good or bad metrics in a row that change nothing; one more does. */
  patience?: number;
  /** How much better counts as better. */
  threshold?: number;
  /** What `threshold` is: `"rel"`, a share of the best metric, which must not be below 0, or `"abs"`, a difference from it. */
  thresholdMode?: "rel" | "abs";
  /** Updates after a cut that are not counted. */
  cooldown?: number;
  /** Updates after a rise that are not counted. */
  warmup?: number;
  /** Least value, absolute: one for all groups, or one for each. It is measured at the base values that the schedule is made with. */
  minLr?: number | readonly number[];
  /** Greatest value, likewise. */
  maxLr?: number | readonly number[];
  /** A change of the value by no more than this is left out. */
  eps?: number;
  /** Whether the mean of the last metrics is looked at in place of the last one. */
  smooth?: boolean;
  /** How many metrics that mean is of. */
  windowSize?: number;
  /** Cuts at the least value in all groups that start everything again from the base values. */
  resetStart?: number;
}

/** Everything that the next change depends on, as JSON holds it. */
export interface GreedyState {
  /** Best metric so far, printed, for JSON knows no infinity. */
  readonly best: string;
  /** Bad metrics in a row. */
  readonly numBadEpochs: number;
  /** Good metrics in a row. */
  readonly numGoodEpochs: number;
  /** Updates of the cooldown that are left. */
  readonly cooldownCounter: number;
  /** Updates of the warmup that are left. */
  readonly warmupCounter: number;
  /** Cuts at the least value that are left before everything starts again. */
  readonly resetStart: number;
  /** The last metrics, where their mean is looked at, printed, for JSON knows no NaN. */
  readonly window: readonly string[];
  /** Their running sum, whose rounding depends on what went before; printed. */
  readonly sum: string;
  /** What has become of each group's base value: a state goes with any base values. */
  readonly factors: readonly number[];
}

/** A greedy schedule, whose state can be read and put back. */
export interface GreedySchedule extends MetricSchedule {
  /** A copy of the state; assign one to go on from it. */
  state: GreedyState;
}

/**
 * Raises the value while a metric gets better, and cuts it while it does not.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("greedy", { factor: 0.5, patience: 0 }, { value: 0.1, groups: [0.1] });
 * schedule.update(0.9); // better than nothing
 * schedule.factors(); // [2]
 * schedule.update(0.95); // worse
 * schedule.factors(); // [1]
 * ```
 */
export const greedy: SchedulePlugin<"greedy", GreedyOptions, GreedySchedule> = {
  kind: "schedule",
  name: "greedy",
  description: "Raises the value while a metric gets better, and cuts it while it does not",
  source: "https://arxiv.org/abs/2512.14527; GreedyLR of transformers 5",
  returns: "metric",
  options: {
    mode: { default: "min", enum: ["min", "max"], description: "Whether a smaller or a greater metric is better" },
    factor: {
      default: 0.95,
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: "What a cut multiplies the value by, and a rise divides it by",
    },
    patience: { default: 10, unit: "count", description: "Good or bad metrics in a row that change nothing; one more does" },
    threshold: { default: 1e-6, description: "How much better counts as better" },
    thresholdMode: {
      default: "abs",
      enum: ["rel", "abs"],
      description: "What threshold is: a share of the best metric (of 0 and above), or a difference",
    },
    cooldown: { default: 0, unit: "count", description: "Updates after a cut that are not counted" },
    warmup: { default: 0, unit: "count", description: "Updates after a rise that are not counted" },
    minLr: {
      default: 1e-3,
      type: ["number", "array"],
      unit: "rate",
      description: "Least value, absolute: one for all groups, or one for each",
    },
    maxLr: {
      default: 1,
      type: ["number", "array"],
      unit: "rate",
      description: "Greatest value, absolute: one for all groups, or one for each",
    },
    eps: { default: 1e-8, description: "A change of the value by no more than this is left out" },
    smooth: { default: false, description: "Whether the mean of the last metrics is looked at" },
    windowSize: { default: 50, type: "integer", minimum: 1, unit: "count", description: "How many metrics that mean is of" },
    resetStart: { default: 500, unit: "count", description: "Cuts at the least value of all groups that start everything again" },
  },
  create(options, _maths, base) {
    const { mode, factor, patience, threshold, thresholdMode, cooldown, warmup, minLr, maxLr, eps, smooth, windowSize } = options;
    const bases = base.groups.length > 0 ? base.groups : [base.value];
    const least = byGroup("minLr", minLr, base);
    const most = byGroup("maxLr", maxLr, base);
    const sign = mode === "min" ? -1 : 1;
    const nothing = (): Counts => ({
      best: mode === "min" ? Infinity : -Infinity,
      numBadEpochs: 0,
      numGoodEpochs: 0,
      cooldownCounter: 0,
      warmupCounter: 0,
      resetStart: options.resetStart,
      window: [],
      sum: 0,
      factors: bases.map(() => 1),
    });
    let now = nothing();

    function isBetter(metric: number): boolean {
      const mark = thresholdMode === "rel" ? now.best * (1 + sign * threshold) : now.best + sign * threshold;
      return mode === "min" ? metric < mark : metric > mark;
    }
    /** The mean of the last metrics, with the running sum of the reference. */
    function average(metric: number): number {
      now.window.push(metric);
      now.sum += metric;
      if (now.window.length > windowSize) now.sum -= now.window.shift()!;
      return now.sum / now.window.length;
    }
    // Of a base value 0 nothing can be made, and 0/0 would be NaN. Python's min and max: the first unless the second is beyond it.
    function rise(): void {
      now.factors = now.factors.map((old, group) => {
        const value = bases[group] * old;
        const next = most[group] < value / factor ? most[group] : value / factor;
        return next - value > eps && bases[group] !== 0 ? next / bases[group] : old;
      });
      now.resetStart = options.resetStart;
    }
    function cut(): void {
      now.factors = now.factors.map((old, group) => {
        const value = bases[group] * old;
        const next = least[group] > value * factor ? least[group] : value * factor;
        return value - next > eps && bases[group] !== 0 ? next / bases[group] : old;
      });
      if (now.factors.some((factor, group) => isAbove(bases[group] * factor, least[group]))) return;
      now.resetStart -= 1;
      if (now.resetStart <= 0) now = nothing();
    }

    return {
      update(metric) {
        if (typeof metric !== "number") throw new TypeError(`Cannot update "greedy" with ${metric}: it must be a number`);
        const current = smooth ? average(metric) : metric;
        if (now.cooldownCounter > 0 || now.warmupCounter > 0) {
          if (now.cooldownCounter > 0) now.cooldownCounter -= 1;
          else now.warmupCounter -= 1;
          now.numBadEpochs = 0;
          now.numGoodEpochs = 0;
          return;
        }
        if (isBetter(current)) {
          now.best = current;
          now.numBadEpochs = 0;
          now.numGoodEpochs += 1;
        } else {
          now.numBadEpochs += 1;
          now.numGoodEpochs = 0;
        }
        if (now.numGoodEpochs > patience) {
          rise();
          now.warmupCounter = warmup;
          now.numGoodEpochs = 0;
        } else if (now.numBadEpochs > patience) {
          cut();
          now.cooldownCounter = cooldown;
          now.numBadEpochs = 0;
        }
      },
      factors: () => [...now.factors],
      get state() {
        const { best, window, sum, factors, ...counts } = now;
        return { best: String(best), ...counts, window: window.map(String), sum: String(sum), factors: [...factors] };
      },
      set state(state) {
        now = takeState(state, bases.length);
      },
    };
  },
};

/** The state while it is being counted. */
interface Counts {
  best: number;
  numBadEpochs: number;
  numGoodEpochs: number;
  cooldownCounter: number;
  warmupCounter: number;
  resetStart: number;
  window: number[];
  sum: number;
  factors: number[];
}

/** A factor is rounded, so that the least value itself may come out a hair above it. */
function isAbove(value: number, least: number): boolean {
  return value - least > 4 * 2 ** -52 * Math.abs(least);
}

function takeState(state: Partial<GreedyState> | null | undefined, groups: number): Counts {
  const { best, window, sum, factors, ...counts } = state ?? {};
  if (typeof best !== "string" || typeof sum !== "string" || !Array.isArray(window) || !Array.isArray(factors)) {
    return refuseState("greedy", "without best, window, sum and factors", TypeError);
  }
  checkFactors("greedy", factors, groups);
  if (Number.isNaN(Number(best))) refuseState("greedy", `with best = ${best}: it must be a number`, TypeError);
  const count = (name: keyof typeof counts): number => {
    const value = counts[name];
    if (Number.isSafeInteger(value) && value! >= 0) return value!;
    return refuseState("greedy", `with ${name} = ${value}: counts are integers from 0`);
  };
  return {
    best: Number(best),
    numBadEpochs: count("numBadEpochs"),
    numGoodEpochs: count("numGoodEpochs"),
    cooldownCounter: count("cooldownCounter"),
    warmupCounter: count("warmupCounter"),
    resetStart: count("resetStart"),
    window: window.map(Number),
    sum: Number(sum),
    factors: [...factors],
  };
}

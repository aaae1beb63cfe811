/**
 * A cut whenever a metric has stopped to improve.
 *
 * `torch.optim.lr_scheduler.ReduceLROnPlateau` of torch 2.2.2, which `get_reduce_on_plateau_schedule` of transformers 4.37.2 hands out.
 * The only schedule that is no function of the step: it is fed by `update(metric)`. A NaN metric is never better, as there. A metric below 0 always is in
 * `thresholdMode` `"rel"`, as there: -1 after -1 is below -1*(1 - 1e-4), and nothing is ever cut. For such metrics take `"rel_size"` or `"abs"`.
 *
 * ![reduce_lr_on_plateau, step by step](../../examples/pictures/reduce_lr_on_plateau.svg)
 *
 * @module
 */
import type { MetricSchedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { byGroup } from "./by_group.ts";
import { checkFactors, refuseState } from "./check_state.ts";

/** Options of {@linkcode reduceLrOnPlateau}. */
export interface ReduceLrOnPlateauOptions {
  /** Whether a smaller or a greater metric is better. */
  mode?: "min" | "max";
  /** What a cut multiplies the value by. */
  factor?: number;
  /** Updates without improvement that are borne; one more cuts. */
  patience?: number;
  /** How much better counts as better. */
  threshold?: number;
  /**
   * What `threshold` is: `"rel"`, a share of the best metric, which must not be below 0; `"rel_size"`, a share of its size, whatever its sign; or
   * `"abs"`, a difference from it.
   */
  thresholdMode?: "rel" | "rel_size" | "abs";
  /** Updates after a cut that are not counted. */
  cooldown?: number;
  /** Least value, absolute: one for all groups, or one for each. It is measured at the base values that the schedule is made with. */
  minLr?: number | readonly number[];
  /** A cut that changes the value by no more than this is left out. */
  eps?: number;
}

/** Everything that the next cut depends on, as JSON holds it. */
export interface ReduceLrOnPlateauState {
  /** Best metric so far, printed, for JSON knows no infinity. */
  readonly best: string;
  /** Updates without improvement in a row. */
  readonly numBadEpochs: number;
  /** Updates of the cooldown that are left. */
  readonly cooldownCounter: number;
  /** What is left of each group's base value: a state goes with any base values. */
  readonly factors: readonly number[];
}

/** A state of the time when it held each group's value: that is all that is known of it, whatever the base values are now. */
interface BeforeFactors {
  readonly values: readonly number[];
}

/** A plateau schedule, whose state can be read and put back. */
export interface ReduceLrOnPlateauSchedule extends MetricSchedule {
  /** A copy of the state; assign one to go on from it. */
  state: ReduceLrOnPlateauState;
}

/**
 * Cuts the value when a metric has stopped to improve.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array(3) }, { lr: 1e-3 }, {
 *   schedules: { lr: { name: "reduce_lr_on_plateau", options: { factor: 0.5, patience: 0 } } },
 * });
 * optimizer.update(0.7); // a validation loss
 * optimizer.update(0.7);
 * optimizer.groups[0].current.lr; // 5e-4
 * ```
 */
export const reduceLrOnPlateau: SchedulePlugin<"reduce_lr_on_plateau", ReduceLrOnPlateauOptions, ReduceLrOnPlateauSchedule> = {
  kind: "schedule",
  name: "reduce_lr_on_plateau",
  description: "Cuts the value when a metric has stopped to improve",
  source: "torch.optim.lr_scheduler.ReduceLROnPlateau 2.2.2",
  returns: "metric",
  options: {
    mode: { default: "min", enum: ["min", "max"], description: "Whether a smaller or a greater metric is better" },
    factor: { default: 0.1, exclusiveMaximum: 1, description: "What a cut multiplies the value by" },
    patience: { default: 10, unit: "count", description: "Updates without improvement that are borne; one more cuts" },
    threshold: { default: 1e-4, description: "How much better counts as better" },
    thresholdMode: {
      default: "rel",
      enum: ["rel", "rel_size", "abs"],
      description: "What threshold is: a share of the best metric (of 0 and above), a share of its size whatever its sign, or a difference",
    },
    cooldown: { default: 0, unit: "count", description: "Updates after a cut that are not counted" },
    minLr: {
      default: 0,
      type: ["number", "array"],
      unit: "rate",
      description: "Least value, absolute: one for all groups, or one for each",
    },
    eps: { default: 1e-8, description: "A cut that changes the value by no more than this is left out" },
  },
  create({ mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps }, _maths, base) {
    const bases = base.groups.length > 0 ? base.groups : [base.value];
    const least = byGroup("minLr", minLr, base);
    const sign = mode === "min" ? -1 : 1;
    let best = mode === "min" ? Infinity : -Infinity;
    let numBadEpochs = 0;
    let cooldownCounter = 0;
    let factors = bases.map(() => 1);

    function isBetter(metric: number): boolean {
      const mark = thresholdMode === "rel"
        ? best * (1 + sign * threshold)
        : thresholdMode === "abs"
        ? best + sign * threshold
        : Number.isFinite(best)
        ? best + sign * threshold * Math.abs(best)
        : best;
      return mode === "min" ? metric < mark : metric > mark;
    }
    function cut(left: number, group: number): number {
      const value = bases[group] * left;
      // Python's max: the first unless the second is greater.
      const next = least[group] > value * factor ? least[group] : value * factor;
      // Of a base value 0 nothing can be cut, and 0/0 would be NaN.
      return value - next > eps && bases[group] !== 0 ? next / bases[group] : left;
    }

    return {
      update(metric) {
        if (typeof metric !== "number") throw new TypeError(`Cannot update "reduce_lr_on_plateau" with ${metric}: it must be a number`);
        if (isBetter(metric)) {
          best = metric;
          numBadEpochs = 0;
        } else {
          numBadEpochs += 1;
        }
        if (cooldownCounter > 0) {
          cooldownCounter -= 1;
          numBadEpochs = 0;
        }
        if (numBadEpochs <= patience) return;
        factors = factors.map(cut);
        cooldownCounter = cooldown;
        numBadEpochs = 0;
      },
      factors: () => [...factors],
      get state() {
        return { best: String(best), numBadEpochs, cooldownCounter, factors: [...factors] };
      },
      set state(state) {
        const { best: saved, factors: left, values, ...counters }: Partial<ReduceLrOnPlateauState & BeforeFactors> = state ?? {};
        const list = left ?? values?.map((value, group) => bases[group] === 0 ? 1 : value / bases[group]);
        const name = "reduce_lr_on_plateau";
        if (typeof saved !== "string" || !Array.isArray(list)) refuseState(name, "without best and factors", TypeError);
        checkFactors(name, list, bases.length);
        if (Number.isNaN(Number(saved))) refuseState(name, `with best = ${saved}: it must be a number`, TypeError);
        for (const count of [counters.numBadEpochs, counters.cooldownCounter]) {
          if (!(Number.isSafeInteger(count) && count! >= 0)) refuseState(name, `with a count of ${count}: counts are integers from 0`);
        }
        best = Number(state.best);
        numBadEpochs = state.numBadEpochs;
        cooldownCounter = state.cooldownCounter;
        factors = [...list];
      },
    };
  },
};

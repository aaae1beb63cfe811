/**
 * A triangle wave between two values.
 *
 * Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, https://arxiv.org/abs/1506.01186. `torch.optim.lr_scheduler.CyclicLR` of
 * torch 2.7. It gives values: `baseLr` at first, `maxLr` after `stepSizeUp` steps, and back in `stepSizeDown`. The height of `"triangular2"` halves
 * with each cycle, that of `"exp_range"` is times `gamma` to the power of the step.
 *
 * torch's second curve, of the momentum, is this schedule on that option with the ends changed about: `{ baseLr: 0.9, maxLr: 0.8 }`.
 *
 * ![cyclic, step by step](../../examples/pictures/cyclic.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { byGroup } from "./by_group.ts";
import { stretch } from "./stretches.ts";
import { valuesByGroup } from "./values_by_group.ts";

/** Options of {@linkcode cyclic}. */
export interface CyclicOptions {
  /** Value at the foot: one for all groups, or one for each. It may lie above `maxLr`. */
  baseLr: number | readonly number[];
  /** Value at the top: one for all groups, or one for each. */
  maxLr: number | readonly number[];
  /** Steps from foot to top. */
  stepSizeUp?: number;
  /** Steps from top to foot; null: as many as up. */
  stepSizeDown?: number | null;
  /** What becomes of the height: nothing, half with each cycle, or times `gamma` with each step. */
  mode?: "triangular" | "triangular2" | "exp_range";
  /** What each step multiplies the height by, in mode `"exp_range"`. */
  gamma?: number;
}

/**
 * A triangle wave between two values.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cyclic", { baseLr: 0.25, maxLr: 0.75, stepSizeUp: 10 });
 * schedule(5); // 0.5: a value, not a factor
 * schedule(10); // 0.75
 * ```
 */
export const cyclic: SchedulePlugin<"cyclic", CyclicOptions, Schedule> = {
  kind: "schedule",
  name: "cyclic",
  description: "A triangle wave between two values",
  source: "https://arxiv.org/abs/1506.01186; torch.optim.lr_scheduler.CyclicLR 2.7",
  returns: "value",
  options: {
    baseLr: { type: ["number", "array"], unit: "rate", description: "Value at the foot: one for all groups, or one for each" },
    maxLr: { type: ["number", "array"], unit: "rate", description: "Value at the top: one for all groups, or one for each" },
    stepSizeUp: { default: 2000, exclusiveMinimum: 0, unit: "steps", description: "Steps from foot to top" },
    stepSizeDown: {
      default: null,
      type: ["number", "null"],
      exclusiveMinimum: 0,
      unit: "steps",
      description: "Steps from top to foot; null: as many as up",
    },
    mode: {
      default: "triangular",
      enum: ["triangular", "triangular2", "exp_range"],
      description: "What becomes of the height: nothing, half with each cycle, or times gamma with each step",
    },
    gamma: { default: 1, minimum: 0, description: "What each step multiplies the height by, in mode exp_range" },
  },
  rebase({ stepSizeUp, stepSizeDown, mode, gamma }, { ratio, period, maths }) {
    const rest = mode === "exp_range" ? { gamma: maths.pow(gamma, 1 / ratio) } : {};
    if (stepSizeDown === null) return { ...rest, stepSizeUp: period(stepSizeUp) };
    const cycle = period(stepSizeUp + stepSizeDown);
    const top = stepSizeUp * cycle / (stepSizeUp + stepSizeDown);
    const rounded = Math.round(top);
    const isWhole = Number.isInteger(stepSizeUp) && Number.isInteger(cycle) && rounded > 0 && rounded < cycle;
    const up = isWhole ? rounded : top;
    return { ...rest, stepSizeUp: up, stepSizeDown: cycle - up };
  },
  create({ baseLr, maxLr, stepSizeUp, stepSizeDown, mode, gamma }, { pow }, base) {
    const feet = byGroup("baseLr", baseLr, base);
    const tops = byGroup("maxLr", maxLr, base);
    const total = stepSizeUp + (stepSizeDown ?? stepSizeUp);
    const ratio = stepSizeUp / total;
    const curves = feet.map((foot, group) => (step: number): number => {
      const turns = 1 + step / total;
      const cycle = Math.floor(turns);
      const x = turns - cycle;
      const height = (tops[group] - foot) * (x <= ratio ? x / ratio : (x - 1) / (ratio - 1));
      return foot + height * (mode === "triangular" ? 1 : mode === "triangular2" ? 1 / pow(2, cycle - 1) : pow(gamma, step));
    });
    return valuesByGroup("cyclic", curves, typeof baseLr === "number" && typeof maxLr === "number", function* (from) {
      // Up and down in turn. A height that each step multiplies is no straight line.
      if (mode === "exp_range") return yield stretch(0, "any");
      for (let cycle = Math.floor(from / total);; cycle++) {
        yield stretch(cycle * total, "linear");
        yield stretch(cycle * total + stepSizeUp, "linear");
      }
    });
  },
};

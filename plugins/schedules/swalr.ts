/**
 * From the base value to that of weight averaging.
 *
 * Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018, https://arxiv.org/abs/1803.05407.
 * `torch.optim.swa_utils.SWALR` of torch 2.7: `swaLr * alpha + lr * (1 - alpha)` with each group's own lr, so that the factor is each group's own;
 * `alpha` goes from 0 to 1 in `annealEpochs` calls. torch computes what the base value was back from the last value; here it is known.
 *
 * ![swalr, step by step](../../examples/pictures/swalr.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { baseOf, byGroup, checkFactorOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";
import { held, inStretches, stretch, waves } from "./stretches.ts";

/** Options of {@linkcode swalr}. */
export interface SwalrOptions {
  /** Value in the end: one for all groups, or one for each. */
  swaLr: number | readonly number[];
  /** Steps of this schedule to get there; 0: at once. */
  annealEpochs?: number;
  /** Half a cosine wave, or a straight line. */
  annealStrategy?: "cos" | "linear";
}

/**
 * From the base value to that of weight averaging.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("swalr", { swaLr: 0.5, annealEpochs: 10 }, { value: 1, groups: [1] });
 * schedule(5); // 0.75
 * schedule(10); // 0.5
 * ```
 */
export const swalr: SchedulePlugin<"swalr", SwalrOptions, Schedule> = {
  kind: "schedule",
  name: "swalr",
  description: "From the base value to that of weight averaging",
  source: "https://arxiv.org/abs/1803.05407; torch.optim.swa_utils.SWALR 2.7",
  returns: "factor",
  options: {
    swaLr: { type: ["number", "array"], unit: "rate", description: "Value in the end: one for all groups, or one for each" },
    annealEpochs: { default: 10, minimum: 0, unit: "steps", description: "Steps of this schedule to get there; 0: at once" },
    annealStrategy: { default: "cos", enum: ["cos", "linear"], description: "Half a cosine wave, or a straight line" },
  },
  create({ swaLr, annealEpochs, annealStrategy }, { cos }, base) {
    const ends = byGroup("swaLr", swaLr, base);
    const endOf = (group: number | undefined): number => ends[group ?? 0] ?? ends[0];
    for (const end of ends) checkFactorOf("swaLr", end, base);
    return inStretches((step, group) => {
      checkStep("swalr", step);
      const t = annealEpochs === 0 ? 1 : Math.min(1, step / Math.max(1, annealEpochs));
      const alpha = annealStrategy === "cos" ? (1 - cos(Math.PI * t)) / 2 : t;
      const lr = baseOf(base, group);
      const end = endOf(group);
      return end === 0 ? 1 - alpha : (end * alpha + lr * (1 - alpha)) / lr;
    }, (_from, _to, group) => {
      const low = endOf(group) / (baseOf(base, group) || 1);
      const last = Math.max(1, annealEpochs);
      if (annealEpochs === 0) return [stretch(0, "constant")];
      return held([annealStrategy === "cos" ? waves(0, 1, low, last) : stretch(0, "linear")], last);
    });
  },
};

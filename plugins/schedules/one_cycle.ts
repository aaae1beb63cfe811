/**
 * One cycle: up to a greatest value, then down far below the first.
 *
 * Smith & Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", 2018, https://arxiv.org/abs/1708.07120.
 * `torch.optim.lr_scheduler.OneCycleLR` of torch 2.7. It gives values: `maxLr / divFactor` at first, `maxLr` after `pctStart` of the steps, and at
 * step `totalSteps - 1` the first value over `finalDivFactor`. At `totalSteps` torch goes a step beyond its curve, and so does this; behind it
 * torch refuses, and so does this, but for `end: "hold"`, which keeps the value of step `totalSteps - 1`.
 *
 * torch's second curve, of the momentum, is this schedule on that option: from 0.95 to 0.85 and back by
 * `{ maxLr: 0.85, divFactor: 0.85 / 0.95, finalDivFactor: 1 }`.
 *
 * ![one_cycle, step by step](../../examples/pictures/one_cycle.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { byGroup } from "./by_group.ts";
import { held, stretch, type Stretches, waves } from "./stretches.ts";
import { valuesByGroup } from "./values_by_group.ts";

/** Options of {@linkcode oneCycle}. */
export interface OneCycleOptions {
  /** Greatest value: one for all groups, or one for each. */
  maxLr: number | readonly number[];
  /** Steps of the cycle; or `epochs` and `stepsPerEpoch`. */
  totalSteps?: number | null;
  /** Passes over the data. */
  epochs?: number | null;
  /** Steps of each of them. */
  stepsPerEpoch?: number | null;
  /** Share of the steps that goes up. */
  pctStart?: number;
  /** Half a cosine wave, or a straight line. */
  annealStrategy?: "cos" | "linear";
  /** The greatest value over the first one; below 1 for a curve that goes down and up again. */
  divFactor?: number;
  /** The first value over the last one. */
  finalDivFactor?: number;
  /** Whether it goes down as long as up, to the first value, and then to the last. */
  threePhase?: boolean;
  /** Behind `totalSteps`: an `"error"`, as in torch, or `"hold"` the value of step `totalSteps - 1` from there on. */
  end?: "error" | "hold";
}

/**
 * Up to a greatest value, then down far below the first.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("one_cycle", { maxLr: 0.5, totalSteps: 101, divFactor: 2, annealStrategy: "linear" });
 * schedule(0); // 0.25: a value, not a factor
 * ```
 */
export const oneCycle: SchedulePlugin<"one_cycle", OneCycleOptions, Schedule> = {
  kind: "schedule",
  name: "one_cycle",
  description: "One cycle: up to a greatest value, then down far below the first",
  source: "https://arxiv.org/abs/1708.07120; torch.optim.lr_scheduler.OneCycleLR 2.7",
  returns: "value",
  options: {
    maxLr: { type: ["number", "array"], unit: "rate", description: "Greatest value: one for all groups, or one for each" },
    totalSteps: {
      default: null,
      type: ["integer", "null"],
      minimum: 1,
      unit: "steps",
      description: "Steps of the cycle; or epochs and stepsPerEpoch",
    },
    epochs: { default: null, type: ["integer", "null"], minimum: 1, unit: "count", description: "Passes over the data" },
    stepsPerEpoch: { default: null, type: ["integer", "null"], minimum: 1, unit: "steps", description: "Steps of each of them" },
    pctStart: { default: 0.3, minimum: 0, maximum: 1, description: "Share of the steps that goes up" },
    annealStrategy: { default: "cos", enum: ["cos", "linear"], description: "Half a cosine wave, or a straight line" },
    divFactor: { default: 25, exclusiveMinimum: 0, description: "The greatest value over the first one" },
    finalDivFactor: { default: 1e4, exclusiveMinimum: 0, description: "The first value over the last one" },
    threePhase: { default: false, description: "Whether it goes down as long as up, to the first value, and then to the last" },
    end: { default: "error", enum: ["error", "hold"], description: "Behind the cycle: an error, or the value of its last step" },
  },
  check({ totalSteps, epochs, stepsPerEpoch }) {
    if (totalSteps !== null || epochs !== null && stepsPerEpoch !== null) return;
    throw Object.assign(new RangeError("Cannot do without totalSteps: give it, or epochs and stepsPerEpoch"), { option: "totalSteps" });
  },
  rebase({ totalSteps, epochs, stepsPerEpoch }, { steps, note }) {
    if (totalSteps !== null || epochs === null || stepsPerEpoch === null) return {};
    note("totalSteps", "epochs times stepsPerEpoch are totalSteps now: how many of each make the new horizon is not known");
    return { totalSteps: steps(epochs * stepsPerEpoch), epochs: null, stepsPerEpoch: null };
  },
  create({ maxLr, pctStart, annealStrategy, divFactor, finalDivFactor, threePhase, end, ...lengths }, { cos }, base) {
    const total = lengths.totalSteps ?? lengths.epochs! * lengths.stepsPerEpoch!;
    const peaks = byGroup("maxLr", maxLr, base);
    // Where each phase ends, and the values there in multiples of the greatest: torch computes them in this order.
    const ends = threePhase ? [pctStart * total - 1, 2 * pctStart * total - 2, total - 1] : [pctStart * total - 1, total - 1];
    const valuesOf = (peak: number): readonly number[] => {
      const first = peak / divFactor;
      const last = first / finalDivFactor;
      return threePhase ? [first, peak, first, last] : [first, peak, last];
    };
    const anneal = annealStrategy === "cos"
      ? (start: number, end: number, pct: number) => end + (start - end) / 2 * (cos(Math.PI * pct) + 1)
      : (start: number, end: number, pct: number) => (end - start) * pct + start;
    const curves = peaks.map((peak) => {
      const values = valuesOf(peak);
      return (step: number): number => {
        const s = end === "hold" ? Math.min(step, total - 1) : step;
        let phase = 0;
        while (phase < ends.length - 1 && s > ends[phase]) phase += 1;
        const from = phase === 0 ? 0 : ends[phase - 1];
        const length = ends[phase] - from;
        if (s > total || length === 0 && s > from) {
          throw new RangeError(`Cannot ask schedule "one_cycle" for its value at step ${step}: the cycle has ${total} steps`);
        }
        return anneal(values[phase], values[phase + 1], length === 0 ? 0 : (s - from) / length);
      };
    });
    const stretches: Stretches = (_from, _to, group) => {
      const values = valuesOf(peaks[group ?? 0] ?? peaks[0]);
      const phases = ends.map((end, phase) => {
        const from = phase === 0 ? 0 : ends[phase - 1];
        return annealStrategy === "cos" ? waves(from, values[phase], values[phase + 1], end - from) : stretch(from, "linear");
      });
      // Lengths of 0 or below have no law.
      if (phases.some(({ from }, i) => !(ends[i] > from))) return [stretch(0, "any")];
      return held(phases, end === "hold" ? total - 1 : Infinity);
    };
    return valuesByGroup("one_cycle", curves, typeof maxLr === "number", stretches);
  },
};

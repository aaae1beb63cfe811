/**
 * timm's cosine: half waves from the base value to `lrMin`, after a warmup from `warmupLrInit`.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983; k-decay is of Zhang & Li,
 * "k-decay: A New Method For Learning Rate Schedule", 2020, https://arxiv.org/abs/2004.05909. `CosineLRScheduler` of timm 1.0, without its noise:
 * `lrMin + 0.5*(lr*cycleDecay**i - lrMin)*(1 + cos(pi * tCurr**kDecay / tI**kDecay))` in wave `i`, and `lrMin` behind the last. As there, the warmup
 * takes the first steps off the first wave, unless `warmupPrefix` puts it in front. timm finds the wave by a logarithm, which misses some by a step;
 * here it is found by the lengths of the waves before it.
 *
 * ![cosine_timm, step by step](../../examples/pictures/cosine_timm.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { baseOf, checkFactorOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch, waves } from "./stretches.ts";

/** Options of {@linkcode cosineTimm}. */
export interface CosineTimmOptions {
  /** Steps of the first wave. */
  tInitial: number;
  /** Least value, absolute, of every group. */
  lrMin?: number;
  /** How much longer each wave is than the one before. */
  cycleMul?: number;
  /** What each wave's height is multiplied by. */
  cycleDecay?: number;
  /** Number of waves. */
  cycleLimit?: number;
  /** Steps of the warmup. */
  warmupT?: number;
  /** Value at step 0, absolute, where there is a warmup. */
  warmupLrInit?: number;
  /** Whether the first wave begins behind the warmup, not with it. */
  warmupPrefix?: boolean;
  /** Exponent of the progress: above 1 the value stays high for longer. */
  kDecay?: number;
}

/**
 * Half cosine waves from the base value to a least one, after a warmup from a value above 0.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_timm", { tInitial: 100, warmupT: 10, warmupLrInit: 0.5 });
 * schedule(0); // 0.5
 * schedule(50); // 0.5
 * ```
 */
export const cosineTimm: SchedulePlugin<"cosine_timm", CosineTimmOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_timm",
  description: "timm's half cosine waves from the base value to a least one, after a warmup from a value above 0",
  source: "https://arxiv.org/abs/1608.03983; https://arxiv.org/abs/2004.05909; CosineLRScheduler of timm 1.0",
  returns: "factor",
  options: {
    tInitial: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps of the first wave" },
    lrMin: { default: 0, minimum: 0, unit: "rate", description: "Least value, absolute, of every group" },
    cycleMul: { default: 1, minimum: 1, description: "How much longer each wave is than the one before" },
    cycleDecay: { default: 1, minimum: 0, description: "What each wave's height is multiplied by" },
    cycleLimit: { default: 1, type: "integer", minimum: 1, maximum: 1000, unit: "count", description: "Number of waves" },
    warmupT: { default: 0, minimum: 0, unit: "steps", description: "Steps of the warmup" },
    warmupLrInit: { default: 0, unit: "rate", description: "Value at step 0, absolute, where there is a warmup" },
    warmupPrefix: { default: false, description: "Whether the first wave begins behind the warmup, not with it" },
    kDecay: { default: 1, exclusiveMinimum: 0, description: "Exponent of the progress: above 1 the value stays high for longer" },
  },
  rebase: ({ tInitial, cycleLimit, warmupPrefix, warmupT }, { steps, period }) => ({
    tInitial: cycleLimit > 1 ? period(tInitial) : steps(tInitial, warmupPrefix ? warmupT : 0),
  }),
  create(options, { cos, pow }, base) {
    const { tInitial, lrMin, cycleMul, cycleDecay, cycleLimit, warmupT, warmupLrInit, warmupPrefix, kDecay } = options;
    checkFactorOf("lrMin", lrMin, base);
    if (warmupT > 0) checkFactorOf("warmupLrInit", warmupLrInit, base);
    // Where each wave begins, and behind the last.
    const starts = [0];
    const lengths = [tInitial];
    for (let i = 0; i < cycleLimit; i++) {
      starts.push(starts[i] + lengths[i]);
      lengths.push(lengths[i] * cycleMul);
    }
    const heights = lengths.map((_, i) => pow(cycleDecay, i));
    const bentLengths = lengths.map((length) => pow(length, kDecay));
    return inStretches((step, group) => {
      checkStep("cosine_timm", step);
      const lr = baseOf(base, group);
      if (step < warmupT) return lr === 0 ? step / warmupT : (warmupLrInit + step * ((lr - warmupLrInit) / warmupT)) / lr;
      const t = warmupPrefix ? step - warmupT : step;
      if (t >= starts[cycleLimit]) return lrMin === 0 ? 0 : lrMin / lr;
      // Bisection: the last wave that begins at or before t.
      let low = 0;
      let high = cycleLimit - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (starts[middle] <= t) low = middle;
        else high = middle - 1;
      }
      const wave = 1 + cos(Math.PI * pow(t - starts[low], kDecay) / bentLengths[low]);
      const height = heights[low];
      return lrMin === 0 ? 0.5 * height * wave : (lrMin + 0.5 * (lr * height - lrMin) * wave) / lr;
    }, function* (_from, _to, group) {
      const lr = baseOf(base, group);
      if (warmupT > 0) yield stretch(0, "linear");
      const before = warmupPrefix ? warmupT : 0;
      for (let i = 0; i < cycleLimit; i++) {
        const start = before + starts[i];
        if (start + lengths[i] <= warmupT) continue;
        const from = Math.max(start, warmupT);
        if (kDecay !== 1) yield stretch(from, "smooth");
        else yield waves(from, heights[i], lrMin === 0 ? 0 : lrMin / lr, lengths[i], Math.PI * (from - start) / lengths[i]);
      }
      yield stretch(Math.max(before + starts[cycleLimit], warmupT), "constant");
    });
  },
};

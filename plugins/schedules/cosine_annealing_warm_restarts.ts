/**
 * Half cosine waves from the base value to `etaMin`, each `tMult` times as long as the one before.
 *
 * Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, https://arxiv.org/abs/1608.03983.
 * `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts` of torch 2.7: `etaMin + (lr - etaMin) * (1 + cos(pi*tCur/tI)) / 2` with each group's own
 * lr, so that the factor is each group's own. torch counts the steps of a wave; here the wave of a step is found by the lengths of those before
 * it, exactly, of which there are no more than 53 where each is twice as long as the last.
 *
 * ![cosine_annealing_warm_restarts, step by step](../../examples/pictures/cosine_annealing_warm_restarts.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { baseOf, checkFactorOf } from "./by_group.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, waves } from "./stretches.ts";

/** Options of {@linkcode cosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsOptions {
  /** Steps of the first wave. */
  t0: number;
  /** How much longer each wave is than the one before: a whole number. */
  tMult?: number;
  /** Least value, absolute, of every group. */
  etaMin?: number;
}

/**
 * Half cosine waves that start again at the base value, ever longer.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("cosine_annealing_warm_restarts", { t0: 100, tMult: 2 });
 * schedule(50); // 0.5
 * schedule(100); // 1
 * schedule(200); // 0.5
 * ```
 */
export const cosineAnnealingWarmRestarts: SchedulePlugin<"cosine_annealing_warm_restarts", CosineAnnealingWarmRestartsOptions, Schedule> = {
  kind: "schedule",
  name: "cosine_annealing_warm_restarts",
  description: "Half cosine waves that start again at the base value, each tMult times as long as the one before",
  source: "https://arxiv.org/abs/1608.03983; torch.optim.lr_scheduler.CosineAnnealingWarmRestarts 2.7",
  returns: "factor",
  options: {
    t0: { type: "integer", minimum: 1, unit: "steps", description: "Steps of the first wave" },
    tMult: { default: 1, type: "integer", minimum: 1, unit: "count", description: "How much longer each wave is than the one before" },
    etaMin: { default: 0, unit: "rate", description: "Least value, absolute, of every group" },
  },
  rebase: ({ t0 }, { period }) => ({ t0: period(t0) }),
  create({ t0, tMult, etaMin }, { cos }, base) {
    checkFactorOf("etaMin", etaMin, base);
    return inStretches((step, group) => {
      checkStep("cosine_annealing_warm_restarts", step);
      let length = t0;
      let at = step;
      if (tMult === 1) at %= t0;
      else {
        while (at >= length) {
          at -= length;
          length *= tMult;
        }
      }
      const wave = (1 + cos(Math.PI * at / length)) / 2;
      if (etaMin === 0) return wave;
      const lr = baseOf(base, group);
      return (etaMin + (lr - etaMin) * wave) / lr;
    }, function* (from, _to, group) {
      const low = etaMin === 0 ? 0 : etaMin / baseOf(base, group);
      if (tMult === 1) {
        for (let wave = Math.floor(from / t0);; wave++) yield waves(wave * t0, 1, low, t0);
      }
      for (let start = 0, length = t0;; start += length, length *= tMult) yield waves(start, 1, low, length);
    });
  },
};

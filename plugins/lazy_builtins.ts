/**
 * The built-in plugins for a service at the edge, which starts with the names of the schedules and loads what is asked for.
 *
 * Made from the files beside it by `deno task build`; a test compares them. Do not edit.
 *
 * @module
 */
import type { Plugin, SchedulePlugin } from "../core/plugin/contract.ts";

/** What loads each schedule, by its name. */
export const schedules: Readonly<Record<string, () => Promise<SchedulePlugin>>> = {
  by_epoch: () => import("./schedules/by_epoch.ts").then((file) => file.byEpoch),
  clamp: () => import("./schedules/clamp.ts").then((file) => file.clamp),
  constant: () => import("./schedules/constant.ts").then((file) => file.constant),
  constant_inverse_sqrt: () => import("./schedules/constant_inverse_sqrt.ts").then((file) => file.constantInverseSqrt),
  constant_lr: () => import("./schedules/constant_lr.ts").then((file) => file.constantLr),
  constant_with_warmup: () => import("./schedules/constant_with_warmup.ts").then((file) => file.constantWithWarmup),
  cosine: () => import("./schedules/cosine.ts").then((file) => file.cosine),
  cosine_annealing: () => import("./schedules/cosine_annealing.ts").then((file) => file.cosineAnnealing),
  cosine_annealing_warm_restarts: () =>
    import("./schedules/cosine_annealing_warm_restarts.ts").then((file) => file.cosineAnnealingWarmRestarts),
  cosine_decay: () => import("./schedules/cosine_decay.ts").then((file) => file.cosineDecay),
  cosine_decay_restarts: () => import("./schedules/cosine_decay_restarts.ts").then((file) => file.cosineDecayRestarts),
  cosine_timm: () => import("./schedules/cosine_timm.ts").then((file) => file.cosineTimm),
  cosine_warmup_with_min_lr: () => import("./schedules/cosine_warmup_with_min_lr.ts").then((file) => file.cosineWarmupWithMinLr),
  cosine_with_min_lr: () => import("./schedules/cosine_with_min_lr.ts").then((file) => file.cosineWithMinLr),
  cosine_with_restarts: () => import("./schedules/cosine_with_restarts.ts").then((file) => file.cosineWithRestarts),
  cyclic: () => import("./schedules/cyclic.ts").then((file) => file.cyclic),
  delay: () => import("./schedules/delay.ts").then((file) => file.delay),
  exponential: () => import("./schedules/exponential.ts").then((file) => file.exponential),
  exponential_decay: () => import("./schedules/exponential_decay.ts").then((file) => file.exponentialDecay),
  greedy: () => import("./schedules/greedy.ts").then((file) => file.greedy),
  inverse_sqrt: () => import("./schedules/inverse_sqrt.ts").then((file) => file.inverseSqrt),
  inverse_time_decay: () => import("./schedules/inverse_time_decay.ts").then((file) => file.inverseTimeDecay),
  linear: () => import("./schedules/linear.ts").then((file) => file.linear),
  linear_lr: () => import("./schedules/linear_lr.ts").then((file) => file.linearLr),
  multistep: () => import("./schedules/multistep.ts").then((file) => file.multistep),
  one_cycle: () => import("./schedules/one_cycle.ts").then((file) => file.oneCycle),
  piecewise_constant_decay: () => import("./schedules/piecewise_constant_decay.ts").then((file) => file.piecewiseConstantDecay),
  piecewise_interpolate: () => import("./schedules/piecewise_interpolate.ts").then((file) => file.piecewiseInterpolate),
  polynomial: () => import("./schedules/polynomial.ts").then((file) => file.polynomial),
  polynomial_decay: () => import("./schedules/polynomial_decay.ts").then((file) => file.polynomialDecay),
  polynomial_lr: () => import("./schedules/polynomial_lr.ts").then((file) => file.polynomialLr),
  product: () => import("./schedules/product.ts").then((file) => file.product),
  reduce_lr_on_plateau: () => import("./schedules/reduce_lr_on_plateau.ts").then((file) => file.reduceLrOnPlateau),
  repeat: () => import("./schedules/repeat.ts").then((file) => file.repeat),
  rex: () => import("./schedules/rex.ts").then((file) => file.rex),
  scale: () => import("./schedules/scale.ts").then((file) => file.scale),
  sequence: () => import("./schedules/sequence.ts").then((file) => file.sequence),
  shift: () => import("./schedules/shift.ts").then((file) => file.shift),
  step: () => import("./schedules/step.ts").then((file) => file.step),
  sum: () => import("./schedules/sum.ts").then((file) => file.scheduleSum),
  swalr: () => import("./schedules/swalr.ts").then((file) => file.swalr),
  warm: () => import("./schedules/warm.ts").then((file) => file.warm),
  warmup: () => import("./schedules/warmup.ts").then((file) => file.warmup),
  warmup_decay: () => import("./schedules/warmup_decay.ts").then((file) => file.warmupDecay),
  warmup_stable_decay: () => import("./schedules/warmup_stable_decay.ts").then((file) => file.warmupStableDecay),
};

/** Loads the plugins of all kinds, schedules among them. */
export async function plugins(): Promise<readonly Plugin[]> {
  return (await import("./builtins.ts")).plugins;
}

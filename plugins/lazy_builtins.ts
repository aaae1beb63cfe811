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
  constant: () => import("./schedules/constant.ts").then((file) => file.constant),
  constant_with_warmup: () => import("./schedules/constant_with_warmup.ts").then((file) => file.constantWithWarmup),
  cosine: () => import("./schedules/cosine.ts").then((file) => file.cosine),
  cosine_decay: () => import("./schedules/cosine_decay.ts").then((file) => file.cosineDecay),
  cosine_decay_restarts: () => import("./schedules/cosine_decay_restarts.ts").then((file) => file.cosineDecayRestarts),
  cosine_with_restarts: () => import("./schedules/cosine_with_restarts.ts").then((file) => file.cosineWithRestarts),
  exponential_decay: () => import("./schedules/exponential_decay.ts").then((file) => file.exponentialDecay),
  inverse_sqrt: () => import("./schedules/inverse_sqrt.ts").then((file) => file.inverseSqrt),
  inverse_time_decay: () => import("./schedules/inverse_time_decay.ts").then((file) => file.inverseTimeDecay),
  linear: () => import("./schedules/linear.ts").then((file) => file.linear),
  piecewise_constant_decay: () => import("./schedules/piecewise_constant_decay.ts").then((file) => file.piecewiseConstantDecay),
  polynomial: () => import("./schedules/polynomial.ts").then((file) => file.polynomial),
  polynomial_decay: () => import("./schedules/polynomial_decay.ts").then((file) => file.polynomialDecay),
  reduce_lr_on_plateau: () => import("./schedules/reduce_lr_on_plateau.ts").then((file) => file.reduceLrOnPlateau),
  warmup: () => import("./schedules/warmup.ts").then((file) => file.warmup),
};

/** Loads the plugins of all kinds, schedules among them. */
export async function plugins(): Promise<readonly Plugin[]> {
  return (await import("./builtins.ts")).plugins;
}

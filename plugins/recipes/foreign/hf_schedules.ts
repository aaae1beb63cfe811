/**
 * transformers' schedulers: which of the two lengths each takes, and its plugin, which knows its further options.
 *
 * @module
 */
import type { SchedulePlugin } from "../../../core/plugin/contract.ts";
import { constant } from "../../schedules/constant.ts";
import { constantWithWarmup } from "../../schedules/constant_with_warmup.ts";
import { cosine } from "../../schedules/cosine.ts";
import { cosineWarmupWithMinLr } from "../../schedules/cosine_warmup_with_min_lr.ts";
import { cosineWithMinLr } from "../../schedules/cosine_with_min_lr.ts";
import { cosineWithRestarts } from "../../schedules/cosine_with_restarts.ts";
import { greedy } from "../../schedules/greedy.ts";
import { inverseSqrt } from "../../schedules/inverse_sqrt.ts";
import { linear } from "../../schedules/linear.ts";
import { polynomial } from "../../schedules/polynomial.ts";
import { reduceLrOnPlateau } from "../../schedules/reduce_lr_on_plateau.ts";
import { warmupStableDecay } from "../../schedules/warmup_stable_decay.ts";

/** What `get_scheduler` hands to a scheduler. */
export interface HfSchedule {
  readonly plugin: SchedulePlugin;
  readonly takesWarmup: boolean;
  readonly takesTraining: boolean;
}

const of = (plugin: SchedulePlugin, takesWarmup: boolean, takesTraining: boolean): HfSchedule => ({ plugin, takesWarmup, takesTraining });

/** By the names of `SchedulerType`, which are ours. */
export const hfSchedules: Readonly<Record<string, HfSchedule>> = {
  linear: of(linear, true, true),
  cosine: of(cosine, true, true),
  cosine_with_restarts: of(cosineWithRestarts, true, true),
  polynomial: of(polynomial, true, true),
  constant: of(constant, false, false),
  constant_with_warmup: of(constantWithWarmup, true, false),
  inverse_sqrt: of(inverseSqrt, true, false),
  reduce_lr_on_plateau: of(reduceLrOnPlateau, false, false),
  cosine_with_min_lr: of(cosineWithMinLr, true, true),
  cosine_warmup_with_min_lr: of(cosineWarmupWithMinLr, true, true),
  warmup_stable_decay: of(warmupStableDecay, true, true),
  greedy: of(greedy, false, false),
};

/** Options of ours that transformers has not. */
export const ownOptions: readonly string[] = ["warmupOffset", "end"];

/**
 * What the worker serves. From doors of their own, so that what steps need stays out of what the worker starts with.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin.ts";
import { mean } from "../../plugins/accumulators/mean.ts";
import { sum } from "../../plugins/accumulators/sum.ts";
import { adafactor } from "../../plugins/optimizers/adafactor.ts";
import { adamKeras } from "../../plugins/optimizers/adam_keras.ts";
import { adamWeightDecay } from "../../plugins/optimizers/adam_weight_decay.ts";
import { adamw } from "../../plugins/optimizers/adamw.ts";
import { adamwTorch } from "../../plugins/optimizers/adamw_torch.ts";
import { constant } from "../../plugins/schedules/constant.ts";
import { constantWithWarmup } from "../../plugins/schedules/constant_with_warmup.ts";
import { cosine } from "../../plugins/schedules/cosine.ts";
import { cosineDecay } from "../../plugins/schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "../../plugins/schedules/cosine_decay_restarts.ts";
import { cosineWithRestarts } from "../../plugins/schedules/cosine_with_restarts.ts";
import { exponentialDecay } from "../../plugins/schedules/exponential_decay.ts";
import { inverseSqrt } from "../../plugins/schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "../../plugins/schedules/inverse_time_decay.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { piecewiseConstantDecay } from "../../plugins/schedules/piecewise_constant_decay.ts";
import { polynomial } from "../../plugins/schedules/polynomial.ts";
import { polynomialDecay } from "../../plugins/schedules/polynomial_decay.ts";
import { reduceLrOnPlateau } from "../../plugins/schedules/reduce_lr_on_plateau.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";
import { clipGlobalNorm } from "../../plugins/transforms/clip_global_norm.ts";
import { clipNorm } from "../../plugins/transforms/clip_norm.ts";
import { clipValue } from "../../plugins/transforms/clip_value.ts";

/** All built-ins; a third party's go behind them. */
export const plugins: readonly Plugin[] = [
  adafactor,
  adamKeras,
  adamWeightDecay,
  adamw,
  adamwTorch,
  constant,
  constantWithWarmup,
  cosine,
  cosineDecay,
  cosineDecayRestarts,
  cosineWithRestarts,
  exponentialDecay,
  inverseSqrt,
  inverseTimeDecay,
  linear,
  piecewiseConstantDecay,
  polynomial,
  polynomialDecay,
  reduceLrOnPlateau,
  warmup,
  mean,
  sum,
  clipGlobalNorm,
  clipNorm,
  clipValue,
];

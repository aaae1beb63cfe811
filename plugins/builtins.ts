/**
 * The built-in plugins, as a list: what `builtins` is made of, and what the edge serves without the rest of the library.
 *
 * Made from the files beside it by `deno task build`; a test compares them. Do not edit.
 *
 * @module
 */
import { adafactor } from "./optimizers/adafactor.ts";
import { adamKeras } from "./optimizers/adam_keras.ts";
import { adamWeightDecay } from "./optimizers/adam_weight_decay.ts";
import { adamw } from "./optimizers/adamw.ts";
import { adamwTorch } from "./optimizers/adamw_torch.ts";
import { constant } from "./schedules/constant.ts";
import { constantWithWarmup } from "./schedules/constant_with_warmup.ts";
import { cosine } from "./schedules/cosine.ts";
import { cosineDecay } from "./schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "./schedules/cosine_decay_restarts.ts";
import { cosineWithRestarts } from "./schedules/cosine_with_restarts.ts";
import { exponentialDecay } from "./schedules/exponential_decay.ts";
import { inverseSqrt } from "./schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "./schedules/inverse_time_decay.ts";
import { linear } from "./schedules/linear.ts";
import { piecewiseConstantDecay } from "./schedules/piecewise_constant_decay.ts";
import { polynomial } from "./schedules/polynomial.ts";
import { polynomialDecay } from "./schedules/polynomial_decay.ts";
import { reduceLrOnPlateau } from "./schedules/reduce_lr_on_plateau.ts";
import { warmup } from "./schedules/warmup.ts";
import { mean } from "./accumulators/mean.ts";
import { sum } from "./accumulators/sum.ts";
import { clipGlobalNorm } from "./transforms/clip_global_norm.ts";
import { clipNorm } from "./transforms/clip_norm.ts";
import { clipValue } from "./transforms/clip_value.ts";

/** All built-in plugins, as a type. */
export type Builtins = readonly [
  typeof adafactor,
  typeof adamKeras,
  typeof adamWeightDecay,
  typeof adamw,
  typeof adamwTorch,
  typeof constant,
  typeof constantWithWarmup,
  typeof cosine,
  typeof cosineDecay,
  typeof cosineDecayRestarts,
  typeof cosineWithRestarts,
  typeof exponentialDecay,
  typeof inverseSqrt,
  typeof inverseTimeDecay,
  typeof linear,
  typeof piecewiseConstantDecay,
  typeof polynomial,
  typeof polynomialDecay,
  typeof reduceLrOnPlateau,
  typeof warmup,
  typeof mean,
  typeof sum,
  typeof clipGlobalNorm,
  typeof clipNorm,
  typeof clipValue,
];

/** The same, as values. */
export const plugins: Builtins = [
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

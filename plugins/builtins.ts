/**
 * The built-in plugins, as a list: what `builtins` is made of, and what the edge serves without the rest of the library.
 *
 * Made from the files beside it by `deno task build`; a test compares them. Do not edit.
 *
 * @module
 */
import { adabelief } from "./optimizers/adabelief.ts";
import { adadelta } from "./optimizers/adadelta.ts";
import { adafactor } from "./optimizers/adafactor.ts";
import { adafactorTorch } from "./optimizers/adafactor_torch.ts";
import { adagrad } from "./optimizers/adagrad.ts";
import { adam } from "./optimizers/adam.ts";
import { adamKeras } from "./optimizers/adam_keras.ts";
import { adamWeightDecay } from "./optimizers/adam_weight_decay.ts";
import { adamax } from "./optimizers/adamax.ts";
import { adamuon } from "./optimizers/adamuon.ts";
import { adamw } from "./optimizers/adamw.ts";
import { adamwTorch } from "./optimizers/adamw_torch.ts";
import { adan } from "./optimizers/adan.ts";
import { ademamix } from "./optimizers/ademamix.ts";
import { adopt } from "./optimizers/adopt.ts";
import { apollo } from "./optimizers/apollo.ts";
import { asgd } from "./optimizers/asgd.ts";
import { came } from "./optimizers/came.ts";
import { dadaptAdam } from "./optimizers/dadapt_adam.ts";
import { fromage } from "./optimizers/fromage.ts";
import { ftrl } from "./optimizers/ftrl.ts";
import { lamb } from "./optimizers/lamb.ts";
import { laprop } from "./optimizers/laprop.ts";
import { lars } from "./optimizers/lars.ts";
import { lion } from "./optimizers/lion.ts";
import { mars } from "./optimizers/mars.ts";
import { muon } from "./optimizers/muon.ts";
import { nadam } from "./optimizers/nadam.ts";
import { nadamw } from "./optimizers/nadamw.ts";
import { normuon } from "./optimizers/normuon.ts";
import { novograd } from "./optimizers/novograd.ts";
import { optimisticSgd } from "./optimizers/optimistic_sgd.ts";
import { prodigy } from "./optimizers/prodigy.ts";
import { radam } from "./optimizers/radam.ts";
import { rmsprop } from "./optimizers/rmsprop.ts";
import { rprop } from "./optimizers/rprop.ts";
import { scheduleFreeAdamw } from "./optimizers/schedule_free_adamw.ts";
import { scheduleFreeRadam } from "./optimizers/schedule_free_radam.ts";
import { scheduleFreeSgd } from "./optimizers/schedule_free_sgd.ts";
import { sgd } from "./optimizers/sgd.ts";
import { sm3 } from "./optimizers/sm3.ts";
import { soap } from "./optimizers/soap.ts";
import { sophia } from "./optimizers/sophia.ts";
import { sparseAdam } from "./optimizers/sparse_adam.ts";
import { stableAdamw } from "./optimizers/stable_adamw.ts";
import { tiger } from "./optimizers/tiger.ts";
import { yogi } from "./optimizers/yogi.ts";
import { byEpoch } from "./schedules/by_epoch.ts";
import { clamp } from "./schedules/clamp.ts";
import { constant } from "./schedules/constant.ts";
import { constantInverseSqrt } from "./schedules/constant_inverse_sqrt.ts";
import { constantLr } from "./schedules/constant_lr.ts";
import { constantWithWarmup } from "./schedules/constant_with_warmup.ts";
import { cosine } from "./schedules/cosine.ts";
import { cosineAnnealing } from "./schedules/cosine_annealing.ts";
import { cosineAnnealingWarmRestarts } from "./schedules/cosine_annealing_warm_restarts.ts";
import { cosineDecay } from "./schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "./schedules/cosine_decay_restarts.ts";
import { cosineTimm } from "./schedules/cosine_timm.ts";
import { cosineWarmupWithMinLr } from "./schedules/cosine_warmup_with_min_lr.ts";
import { cosineWithMinLr } from "./schedules/cosine_with_min_lr.ts";
import { cosineWithRestarts } from "./schedules/cosine_with_restarts.ts";
import { cyclic } from "./schedules/cyclic.ts";
import { delay } from "./schedules/delay.ts";
import { exponential } from "./schedules/exponential.ts";
import { exponentialDecay } from "./schedules/exponential_decay.ts";
import { greedy } from "./schedules/greedy.ts";
import { inverseSqrt } from "./schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "./schedules/inverse_time_decay.ts";
import { linear } from "./schedules/linear.ts";
import { linearLr } from "./schedules/linear_lr.ts";
import { multistep } from "./schedules/multistep.ts";
import { oneCycle } from "./schedules/one_cycle.ts";
import { piecewiseConstantDecay } from "./schedules/piecewise_constant_decay.ts";
import { piecewiseInterpolate } from "./schedules/piecewise_interpolate.ts";
import { polynomial } from "./schedules/polynomial.ts";
import { polynomialDecay } from "./schedules/polynomial_decay.ts";
import { polynomialLr } from "./schedules/polynomial_lr.ts";
import { product } from "./schedules/product.ts";
import { reduceLrOnPlateau } from "./schedules/reduce_lr_on_plateau.ts";
import { repeat } from "./schedules/repeat.ts";
import { rex } from "./schedules/rex.ts";
import { scale } from "./schedules/scale.ts";
import { sequence } from "./schedules/sequence.ts";
import { shift } from "./schedules/shift.ts";
import { step } from "./schedules/step.ts";
import { scheduleSum } from "./schedules/sum.ts";
import { swalr } from "./schedules/swalr.ts";
import { warm } from "./schedules/warm.ts";
import { warmup } from "./schedules/warmup.ts";
import { warmupDecay } from "./schedules/warmup_decay.ts";
import { warmupStableDecay } from "./schedules/warmup_stable_decay.ts";
import { mean } from "./accumulators/mean.ts";
import { sum } from "./accumulators/sum.ts";
import { agc } from "./transforms/agc.ts";
import { cautious } from "./transforms/cautious.ts";
import { centralize } from "./transforms/centralize.ts";
import { clipByGlobalNorm } from "./transforms/clip_by_global_norm.ts";
import { clipGlobalNorm } from "./transforms/clip_global_norm.ts";
import { clipGroupNorm } from "./transforms/clip_group_norm.ts";
import { clipNorm } from "./transforms/clip_norm.ts";
import { clipValue } from "./transforms/clip_value.ts";
import { ema } from "./transforms/ema.ts";
import { grams } from "./transforms/grams.ts";
import { lookahead } from "./transforms/lookahead.ts";
import { lossScale } from "./transforms/loss_scale.ts";
import { sam } from "./transforms/sam.ts";
import { skipNonfinite } from "./transforms/skip_nonfinite.ts";
import { zclip } from "./transforms/zclip.ts";

/** All built-in plugins, as a type. */
export type Builtins = readonly [
  typeof adabelief,
  typeof adadelta,
  typeof adafactor,
  typeof adafactorTorch,
  typeof adagrad,
  typeof adam,
  typeof adamKeras,
  typeof adamWeightDecay,
  typeof adamax,
  typeof adamuon,
  typeof adamw,
  typeof adamwTorch,
  typeof adan,
  typeof ademamix,
  typeof adopt,
  typeof apollo,
  typeof asgd,
  typeof came,
  typeof dadaptAdam,
  typeof fromage,
  typeof ftrl,
  typeof lamb,
  typeof laprop,
  typeof lars,
  typeof lion,
  typeof mars,
  typeof muon,
  typeof nadam,
  typeof nadamw,
  typeof normuon,
  typeof novograd,
  typeof optimisticSgd,
  typeof prodigy,
  typeof radam,
  typeof rmsprop,
  typeof rprop,
  typeof scheduleFreeAdamw,
  typeof scheduleFreeRadam,
  typeof scheduleFreeSgd,
  typeof sgd,
  typeof sm3,
  typeof soap,
  typeof sophia,
  typeof sparseAdam,
  typeof stableAdamw,
  typeof tiger,
  typeof yogi,
  typeof byEpoch,
  typeof clamp,
  typeof constant,
  typeof constantInverseSqrt,
  typeof constantLr,
  typeof constantWithWarmup,
  typeof cosine,
  typeof cosineAnnealing,
  typeof cosineAnnealingWarmRestarts,
  typeof cosineDecay,
  typeof cosineDecayRestarts,
  typeof cosineTimm,
  typeof cosineWarmupWithMinLr,
  typeof cosineWithMinLr,
  typeof cosineWithRestarts,
  typeof cyclic,
  typeof delay,
  typeof exponential,
  typeof exponentialDecay,
  typeof greedy,
  typeof inverseSqrt,
  typeof inverseTimeDecay,
  typeof linear,
  typeof linearLr,
  typeof multistep,
  typeof oneCycle,
  typeof piecewiseConstantDecay,
  typeof piecewiseInterpolate,
  typeof polynomial,
  typeof polynomialDecay,
  typeof polynomialLr,
  typeof product,
  typeof reduceLrOnPlateau,
  typeof repeat,
  typeof rex,
  typeof scale,
  typeof sequence,
  typeof shift,
  typeof step,
  typeof scheduleSum,
  typeof swalr,
  typeof warm,
  typeof warmup,
  typeof warmupDecay,
  typeof warmupStableDecay,
  typeof mean,
  typeof sum,
  typeof agc,
  typeof cautious,
  typeof centralize,
  typeof clipByGlobalNorm,
  typeof clipGlobalNorm,
  typeof clipGroupNorm,
  typeof clipNorm,
  typeof clipValue,
  typeof ema,
  typeof grams,
  typeof lookahead,
  typeof lossScale,
  typeof sam,
  typeof skipNonfinite,
  typeof zclip,
];

/** The same, as values. */
export const plugins: Builtins = [
  adabelief,
  adadelta,
  adafactor,
  adafactorTorch,
  adagrad,
  adam,
  adamKeras,
  adamWeightDecay,
  adamax,
  adamuon,
  adamw,
  adamwTorch,
  adan,
  ademamix,
  adopt,
  apollo,
  asgd,
  came,
  dadaptAdam,
  fromage,
  ftrl,
  lamb,
  laprop,
  lars,
  lion,
  mars,
  muon,
  nadam,
  nadamw,
  normuon,
  novograd,
  optimisticSgd,
  prodigy,
  radam,
  rmsprop,
  rprop,
  scheduleFreeAdamw,
  scheduleFreeRadam,
  scheduleFreeSgd,
  sgd,
  sm3,
  soap,
  sophia,
  sparseAdam,
  stableAdamw,
  tiger,
  yogi,
  byEpoch,
  clamp,
  constant,
  constantInverseSqrt,
  constantLr,
  constantWithWarmup,
  cosine,
  cosineAnnealing,
  cosineAnnealingWarmRestarts,
  cosineDecay,
  cosineDecayRestarts,
  cosineTimm,
  cosineWarmupWithMinLr,
  cosineWithMinLr,
  cosineWithRestarts,
  cyclic,
  delay,
  exponential,
  exponentialDecay,
  greedy,
  inverseSqrt,
  inverseTimeDecay,
  linear,
  linearLr,
  multistep,
  oneCycle,
  piecewiseConstantDecay,
  piecewiseInterpolate,
  polynomial,
  polynomialDecay,
  polynomialLr,
  product,
  reduceLrOnPlateau,
  repeat,
  rex,
  scale,
  sequence,
  shift,
  step,
  scheduleSum,
  swalr,
  warm,
  warmup,
  warmupDecay,
  warmupStableDecay,
  mean,
  sum,
  agc,
  cautious,
  centralize,
  clipByGlobalNorm,
  clipGlobalNorm,
  clipGroupNorm,
  clipNorm,
  clipValue,
  ema,
  grams,
  lookahead,
  lossScale,
  sam,
  skipNonfinite,
  zclip,
];

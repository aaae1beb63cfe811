/**
 * Glissade: optimizers, learning-rate schedules and gradient accumulation over plain typed arrays, for Deno, Bun, Node, browsers and the edge.
 *
 * This is the main entry point, with everything but the service and the file formats. Three values make what training needs:
 *
 * - {@linkcode builtins}, the registry of all built-in plugins. `createOptimizer`, `createSchedule`, `createAccumulator` and `createTrainer` are its
 *   methods; they take plugins by name, and know the options of each. `with` gives a registry that knows further plugins.
 * - {@linkcode createOptimizer}, for one plugin without a registry, which makes the smallest programs.
 * - {@linkcode createBackend}, for memory that many optimizers share.
 *
 * {@linkcode Optimizer} says what an optimizer does, {@linkcode Settings} what can be set (groups, transforms, schedules), {@linkcode Recipe} and
 * {@linkcode Trainer} how the same is written as JSON, {@linkcode StateDict} what is saved, and {@linkcode OptimizerPlugin} with {@linkcode Rule} how an
 * algorithm is written.
 *
 * ## The other entry points
 *
 * - `./core`: the same without plugins, and `./optimizers/adamw`, `./schedules/linear` and so on: one plugin each. A bundle then holds what it uses.
 * - `./safetensors`: states as files. `./recipes/tf` and its neighbours: recipes in the names of other libraries.
 * - `./kernels`: what runs the texts of rules, for use by itself.
 * - `./http`: schedules and steps as a service; `./page`: its page.
 *
 * @example One step
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([1, 2]);
 * using optimizer = builtins.createOptimizer("adamw", { w }, { lr: 5e-5, weightDecay: 0.01 }, {
 *   transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
 *   schedules: { lr: { name: "linear", options: { numWarmupSteps: 0, numTrainingSteps: 600 } } },
 * });
 * optimizer.step({ w: new Float32Array([0.1, -0.2]) });
 * console.log(w[0] < 1, w[1] > 2); // true true
 * ```
 *
 * @example A recipe, with a step for every four micro-batches
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const w = new Float32Array([1, 2]);
 * using trainer = builtins.createTrainer({ w }, {
 *   optimizer: { name: "adamw", options: { lr: 5e-5 } },
 *   accumulate: { name: "mean", options: { every: 4 } },
 * });
 * for (let i = 0; i < 8; i++) trainer.add({ w: new Float32Array([0.1, -0.2]) });
 * console.log(trainer.steps); // 2
 * ```
 *
 * @module
 */
import { createRegistry, type Registry } from "./core/registry.ts";
import { type Builtins, plugins } from "./plugins/builtins.ts";
import { bindLintRecipe, type LintRecipe } from "./plugins/lint/lint.ts";
import { bindTfOptimizer, type CreateTfOptimizer } from "./plugins/recipes/tf.ts";

export { explain } from "./core/explain.ts";
export { readPlugin } from "./core/json_plugin/read_plugin.ts";
export { pluginSchema, type Schema } from "./core/json_plugin/schema.ts";
export { createOptimizer } from "./core/optimizer/optimizer.ts";
export { type Facts, facts, type FactsRange } from "./core/facts.ts";
export { normalizeSchedule, type NormalUse } from "./core/plugin/normal_form.ts";
export { type Horizons, type Rebased, type RebaseNote, rebaseSchedule } from "./core/plugin/rebase.ts";
export { type PlotOptions, plotSchedule } from "./core/plot.ts";
export type * from "./core/plugin/contract.ts";
export { createRegistry, type Registry } from "./core/registry.ts";
export { differences } from "./core/training/differences.ts";
export type * from "./core/plugin/typed.ts";
export { type Finding, type FindingCode, findingCodes } from "./plugins/lint/finding.ts";
export { bindLintRecipe, type LintOptions, type LintRecipe } from "./plugins/lint/lint.ts";
export type * from "./core/types.ts";
export { createBackend } from "./kernels/backends/create.ts";
export type { Builtins } from "./plugins/builtins.ts";
// The plugins and recipes, a line for each file, written by `deno task build`.
export { adabelief, type AdaBeliefOptions } from "./plugins/optimizers/adabelief.ts";
export { adadelta, type AdadeltaOptions } from "./plugins/optimizers/adadelta.ts";
export { adafactor, type AdafactorOptions } from "./plugins/optimizers/adafactor.ts";
export { adafactorTorch, type AdafactorTorchOptions } from "./plugins/optimizers/adafactor_torch.ts";
export { adagrad, type AdagradOptions } from "./plugins/optimizers/adagrad.ts";
export { adam, type AdamOptions } from "./plugins/optimizers/adam.ts";
export { adamKeras, type AdamKerasOptions } from "./plugins/optimizers/adam_keras.ts";
export { adamWeightDecay, type AdamWeightDecayOptions, type NamePattern } from "./plugins/optimizers/adam_weight_decay.ts";
export { adamax, type AdamaxOptions } from "./plugins/optimizers/adamax.ts";
export { adamuon, type AdamuonOptions } from "./plugins/optimizers/adamuon.ts";
export { adamw, type AdamWOptions } from "./plugins/optimizers/adamw.ts";
export { adamwTorch, type AdamWTorchOptions } from "./plugins/optimizers/adamw_torch.ts";
export { adan, type AdanOptions } from "./plugins/optimizers/adan.ts";
export { ademamix, type AdEMAMixOptions } from "./plugins/optimizers/ademamix.ts";
export { adopt, type AdoptOptions } from "./plugins/optimizers/adopt.ts";
export { apollo, type ApolloOptions } from "./plugins/optimizers/apollo.ts";
export { asgd, type ASGDOptions } from "./plugins/optimizers/asgd.ts";
export { came, type CameOptions } from "./plugins/optimizers/came.ts";
export { dadaptAdam, type DAdaptAdamOptions } from "./plugins/optimizers/dadapt_adam.ts";
export { fromage, type FromageOptions } from "./plugins/optimizers/fromage.ts";
export { ftrl, type FtrlOptions } from "./plugins/optimizers/ftrl.ts";
export { lamb, type LambOptions } from "./plugins/optimizers/lamb.ts";
export { laprop, type LaPropOptions } from "./plugins/optimizers/laprop.ts";
export { lars, type LarsOptions } from "./plugins/optimizers/lars.ts";
export { lion, type LionOptions } from "./plugins/optimizers/lion.ts";
export { mars, type MarsOptions } from "./plugins/optimizers/mars.ts";
export { muon, type MuonCoefficients, type MuonOptions } from "./plugins/optimizers/muon.ts";
export { nadam, type NAdamOptions } from "./plugins/optimizers/nadam.ts";
export { nadamw, type NAdamWOptions } from "./plugins/optimizers/nadamw.ts";
export { normuon, type NormuonOptions } from "./plugins/optimizers/normuon.ts";
export { novograd, type NovoGradOptions } from "./plugins/optimizers/novograd.ts";
export { optimisticSgd, type OptimisticSgdOptions } from "./plugins/optimizers/optimistic_sgd.ts";
export { prodigy, type ProdigyOptions } from "./plugins/optimizers/prodigy.ts";
export { radam, type RAdamOptions } from "./plugins/optimizers/radam.ts";
export { rmsprop, type RMSpropOptions } from "./plugins/optimizers/rmsprop.ts";
export { rprop, type RpropOptions } from "./plugins/optimizers/rprop.ts";
export { scheduleFreeAdamw, type ScheduleFreeAdamWOptions } from "./plugins/optimizers/schedule_free_adamw.ts";
export { scheduleFreeRadam, type ScheduleFreeRAdamOptions } from "./plugins/optimizers/schedule_free_radam.ts";
export { scheduleFreeSgd, type ScheduleFreeSGDOptions } from "./plugins/optimizers/schedule_free_sgd.ts";
export { sgd, type SGDOptions } from "./plugins/optimizers/sgd.ts";
export { sm3, type Sm3Options } from "./plugins/optimizers/sm3.ts";
export { soap, type SoapOptions } from "./plugins/optimizers/soap.ts";
export { sophia, type SophiaOptions } from "./plugins/optimizers/sophia.ts";
export { sparseAdam, type SparseAdamOptions } from "./plugins/optimizers/sparse_adam.ts";
export { stableAdamw, type StableAdamWOptions } from "./plugins/optimizers/stable_adamw.ts";
export { tiger, type TigerOptions } from "./plugins/optimizers/tiger.ts";
export { yogi, type YogiOptions } from "./plugins/optimizers/yogi.ts";
export { byEpoch, type ByEpochOptions } from "./plugins/schedules/by_epoch.ts";
export { clamp, type ClampOptions } from "./plugins/schedules/clamp.ts";
export { constant, type ConstantOptions } from "./plugins/schedules/constant.ts";
export { constantInverseSqrt, type ConstantInverseSqrtOptions } from "./plugins/schedules/constant_inverse_sqrt.ts";
export { constantLr, type ConstantLrOptions } from "./plugins/schedules/constant_lr.ts";
export { constantWithWarmup, type ConstantWithWarmupOptions } from "./plugins/schedules/constant_with_warmup.ts";
export { cosine, type CosineOptions } from "./plugins/schedules/cosine.ts";
export { cosineAnnealing, type CosineAnnealingOptions } from "./plugins/schedules/cosine_annealing.ts";
export {
  cosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from "./plugins/schedules/cosine_annealing_warm_restarts.ts";
export { cosineDecay, type CosineDecayOptions } from "./plugins/schedules/cosine_decay.ts";
export { cosineDecayRestarts, type CosineDecayRestartsOptions } from "./plugins/schedules/cosine_decay_restarts.ts";
export { cosineTimm, type CosineTimmOptions } from "./plugins/schedules/cosine_timm.ts";
export { cosineWarmupWithMinLr, type CosineWarmupWithMinLrOptions } from "./plugins/schedules/cosine_warmup_with_min_lr.ts";
export { cosineWithMinLr, type CosineWithMinLrOptions } from "./plugins/schedules/cosine_with_min_lr.ts";
export { cosineWithRestarts, type CosineWithRestartsOptions } from "./plugins/schedules/cosine_with_restarts.ts";
export { cyclic, type CyclicOptions } from "./plugins/schedules/cyclic.ts";
export { delay, type DelayOptions } from "./plugins/schedules/delay.ts";
export { exponential, type ExponentialOptions } from "./plugins/schedules/exponential.ts";
export { exponentialDecay, type ExponentialDecayOptions } from "./plugins/schedules/exponential_decay.ts";
export { greedy, type GreedyOptions, type GreedySchedule, type GreedyState } from "./plugins/schedules/greedy.ts";
export { inverseSqrt, type InverseSqrtOptions } from "./plugins/schedules/inverse_sqrt.ts";
export { inverseTimeDecay, type InverseTimeDecayOptions } from "./plugins/schedules/inverse_time_decay.ts";
export { linear, type LinearOptions } from "./plugins/schedules/linear.ts";
export { linearLr, type LinearLrOptions } from "./plugins/schedules/linear_lr.ts";
export { multistep, type MultistepOptions } from "./plugins/schedules/multistep.ts";
export { oneCycle, type OneCycleOptions } from "./plugins/schedules/one_cycle.ts";
export { piecewiseConstantDecay, type PiecewiseConstantDecayOptions } from "./plugins/schedules/piecewise_constant_decay.ts";
export { piecewiseInterpolate, type PiecewiseInterpolateOptions } from "./plugins/schedules/piecewise_interpolate.ts";
export { polynomial, type PolynomialOptions } from "./plugins/schedules/polynomial.ts";
export { polynomialDecay, type PolynomialDecayOptions } from "./plugins/schedules/polynomial_decay.ts";
export { polynomialLr, type PolynomialLrOptions } from "./plugins/schedules/polynomial_lr.ts";
export { product, type ProductOptions } from "./plugins/schedules/product.ts";
export {
  reduceLrOnPlateau,
  type ReduceLrOnPlateauOptions,
  type ReduceLrOnPlateauSchedule,
  type ReduceLrOnPlateauState,
} from "./plugins/schedules/reduce_lr_on_plateau.ts";
export { repeat, type RepeatOptions } from "./plugins/schedules/repeat.ts";
export { rex, type RexOptions } from "./plugins/schedules/rex.ts";
export { scale, type ScaleOptions } from "./plugins/schedules/scale.ts";
export { sequence, type SequenceOptions } from "./plugins/schedules/sequence.ts";
export { shift, type ShiftOptions } from "./plugins/schedules/shift.ts";
export { step, type StepOptions } from "./plugins/schedules/step.ts";
export { scheduleSum, type ScheduleSumOptions } from "./plugins/schedules/sum.ts";
export { swalr, type SwalrOptions } from "./plugins/schedules/swalr.ts";
export { warm, type WarmOptions } from "./plugins/schedules/warm.ts";
export { type DecaySchedule, warmup, type WarmupOptions } from "./plugins/schedules/warmup.ts";
export { warmupDecay, type WarmupDecayOptions } from "./plugins/schedules/warmup_decay.ts";
export { warmupStableDecay, type WarmupStableDecayOptions, type WarmupStableDecayShape } from "./plugins/schedules/warmup_stable_decay.ts";
export { mean, type MeanAccumulator, type MeanOptions } from "./plugins/accumulators/mean.ts";
export { sum, type SumOptions } from "./plugins/accumulators/sum.ts";
export { agc, type AgcOptions } from "./plugins/transforms/agc.ts";
export { cautious, type CautiousOptions } from "./plugins/transforms/cautious.ts";
export { centralize, type CentralizeOptions } from "./plugins/transforms/centralize.ts";
export { clipByGlobalNorm, type ClipByGlobalNormOptions } from "./plugins/transforms/clip_by_global_norm.ts";
export { clipGlobalNorm, type ClipGlobalNormOptions } from "./plugins/transforms/clip_global_norm.ts";
export { clipGroupNorm, type ClipGroupNormOptions } from "./plugins/transforms/clip_group_norm.ts";
export { clipNorm, type ClipNormOptions } from "./plugins/transforms/clip_norm.ts";
export { clipValue, type ClipValueOptions } from "./plugins/transforms/clip_value.ts";
export { ema, type EmaOptions } from "./plugins/transforms/ema.ts";
export { grams, type GramsOptions } from "./plugins/transforms/grams.ts";
export { lookahead, type LookaheadOptions } from "./plugins/transforms/lookahead.ts";
export { lossScale, type LossScaleOptions } from "./plugins/transforms/loss_scale.ts";
export { sam, type SamOptions } from "./plugins/transforms/sam.ts";
export { skipNonfinite, type SkipNonfiniteOptions } from "./plugins/transforms/skip_nonfinite.ts";
export { zclip, type ZClipOptions } from "./plugins/transforms/zclip.ts";
export { fromTimm, type FromTimmOptions } from "./plugins/recipes/from_timm.ts";
export { fromTorch, type FromTorchOptions, type TorchScheduler } from "./plugins/recipes/from_torch.ts";
export { fromTrainingArguments, type TrainingArgumentsOptions } from "./plugins/recipes/from_training_arguments.ts";
export { fromConfig, fromKeras, type FromKerasOptions, getConfig, type KerasConfig } from "./plugins/recipes/keras_config.ts";
export { layerDecay, type LayerDecayOptions, type LayerGroup } from "./plugins/recipes/layer_decay.ts";
export { t5FixedLr, type T5FixedLrOptions, t5Relative } from "./plugins/recipes/t5.ts";
export { bindTfOptimizer, type CreateTfOptimizer, type TfOptimizerOptions, tfRecipe } from "./plugins/recipes/tf.ts";
export { torchCode } from "./plugins/recipes/torch_code.ts";
export { trainingArgumentsCode } from "./plugins/recipes/training_arguments_code.ts";

/** The registry of all built-in plugins. `builtins.with(…)` adds to it. */
export const builtins: Registry<Builtins> = /* @__PURE__ */ createRegistry(plugins);

/** TensorFlow's `create_optimizer` over named tensors: the optimizer that {@linkcode tfRecipe} describes. */
export const createTfOptimizer: CreateTfOptimizer = /* @__PURE__ */ bindTfOptimizer(builtins);

/** Says what in a recipe of the built-in plugins is probably not meant, before it trains. */
export const lintRecipe: LintRecipe = /* @__PURE__ */ bindLintRecipe(builtins);

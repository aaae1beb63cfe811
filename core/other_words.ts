/**
 * Other libraries' words for names of ours, so that an error can say ours.
 *
 * @module
 */

/** Our names for a word, each with a note where the two are not quite the same; the first one that is known is meant. */
type Ours = readonly (readonly [name: string, note?: string])[];

const ratio = " The ratio times the number of training steps";
const lr: Ours = [["lr"]];
const eps: Ours = [["eps"]];
const betas: Ours = [["betas", " It takes both: [beta1, beta2]"], ["beta1"]];
const decay: Ours = [["weightDecay"], ["weightDecayRate"]];
const warmupSteps: Ours = [["numWarmupSteps"], ["warmupSteps"]];
const trainingSteps: Ours = [["numTrainingSteps"], ["decaySteps"]];
const shape: Ours = [["shape"]];
const norm: Ours = [["maxNorm"]];
const globalNorm: Ours = [["clip_global_norm"]];
const end: Ours = [["lrEnd"], ["minLr"], ["endLearningRate"], ["alpha"]];

/** By the word in small letters, without `-`, `_` and spaces. */
const words: Readonly<Record<string, Ours>> = {
  // options of optimizers
  learningrate: lr,
  stepsize: lr,
  eta: lr,
  alpha: lr,
  epsilon: eps,
  adamepsilon: eps,
  beta1: betas,
  beta2: betas,
  adambeta1: betas,
  adambeta2: betas,
  b1: betas,
  b2: betas,
  wd: decay,
  decay: decay,
  decayrate: decay,
  biascorrection: [["correctBias"]],
  maxgradnorm: norm,
  clipnorm: norm,
  maxvalue: [["clipValue"]],
  // options of schedules
  warmup: warmupSteps,
  warmupsteps: warmupSteps,
  warmupratio: [["numWarmupSteps", ratio], ["warmupSteps", ratio]],
  warmupproportion: [["numWarmupSteps", ratio], ["warmupSteps", ratio]],
  totalsteps: trainingSteps,
  maxsteps: trainingSteps,
  totaliters: trainingSteps,
  trainingsteps: trainingSteps,
  trainsteps: trainingSteps,
  tmax: trainingSteps,
  steps: trainingSteps,
  endlr: end,
  etamin: end,
  endlearningrate: end,
  // accumulators
  accumulationsteps: [["every"]],
  gradientaccumulationsteps: [["every"]],
  accumsteps: [["every"]],
  // plugins
  adam: [["adamw", " Without weightDecay, which is its default, it is Adam"], ["adamw_torch"], ["adam_keras"]],
  adamwhf: [["adamw"]],
  adamwpt: [["adamw_torch"]],
  cosineannealing: [["cosine"], ["cosine_decay"]],
  cosineannealinglr: [["cosine"]],
  cosineannealingwarmrestarts: [["cosine_with_restarts"]],
  linearwarmup: [["linear"]],
  rsqrt: [["inverse_sqrt"]],
  noam: [["inverse_sqrt"]],
  plateau: [["reduce_lr_on_plateau"]],
  clipgradnorm: [...globalNorm, ...norm],
  clipbyglobalnorm: [["clip_by_global_norm"], ...globalNorm],
  adaptiveclipgrad: [["agc"]],
  adaptivegradientclipping: [["agc"]],
  gradscaler: [["loss_scale"]],
  dynamiclossscale: [["loss_scale"]],
  applyiffinite: [["skip_nonfinite"]],
  caution: [["cautious"]],
  centralizegradient: [["centralize"]],
  gradientcentralization: [["centralize"]],
  modelema: [["ema"]],
  modelemav3: [["ema"]],
  exponentialmovingaverage: [["ema"]],
  globalnorm: globalNorm,
  gradientclipping: globalNorm,
  clipbyvalue: [["clip_value"]],
  clipgradvalue: [["clip_value"]],
  clipbynorm: [["clip_norm"]],
  average: [["mean"]],
  // settings, recipes and tensors
  lrscale: [["scale"]],
  paramgroups: [["groups"]],
  parametergroups: [["groups"]],
  params: [["match"]],
  scheduler: [["schedules"]],
  lrscheduler: [["schedules"]],
  clipping: [["transforms"]],
  accumulator: [["accumulate"]],
  numthreads: [["threads"]],
  device: [["backend"]],
  dims: shape,
  dimensions: shape,
  size: shape,
  sizes: shape,
  type: [["dtype"]],
  values: [["data"]],
};

/** Our name for another library's word, if it is among these, and a note on it. */
export function otherWord(wrong: string, names: readonly string[]): readonly [name: string, note?: string] | undefined {
  const word = wrong.toLowerCase().replace(/[-_ ]/g, "");
  return Object.hasOwn(words, word) ? words[word].find(([name]) => names.includes(name)) : undefined;
}

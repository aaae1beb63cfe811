/**
 * Every schedule that is a function of the step, with options that take each of its branches, and steps that lie in each of them.
 *
 * @module
 */
import type { SchedulePlugin } from "../../core/plugin/contract.ts";
import { makeSchedule } from "../../core/plugin/schedules.ts";
import type { Schedule } from "../../core/types.ts";
import { byEpoch } from "../../plugins/schedules/by_epoch.ts";
import { clamp } from "../../plugins/schedules/clamp.ts";
import { constant } from "../../plugins/schedules/constant.ts";
import { constantInverseSqrt } from "../../plugins/schedules/constant_inverse_sqrt.ts";
import { constantLr } from "../../plugins/schedules/constant_lr.ts";
import { constantWithWarmup } from "../../plugins/schedules/constant_with_warmup.ts";
import { cosine } from "../../plugins/schedules/cosine.ts";
import { cosineAnnealing } from "../../plugins/schedules/cosine_annealing.ts";
import { cosineAnnealingWarmRestarts } from "../../plugins/schedules/cosine_annealing_warm_restarts.ts";
import { cosineDecay } from "../../plugins/schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "../../plugins/schedules/cosine_decay_restarts.ts";
import { cosineTimm } from "../../plugins/schedules/cosine_timm.ts";
import { cosineWarmupWithMinLr } from "../../plugins/schedules/cosine_warmup_with_min_lr.ts";
import { cosineWithMinLr } from "../../plugins/schedules/cosine_with_min_lr.ts";
import { cosineWithRestarts } from "../../plugins/schedules/cosine_with_restarts.ts";
import { cyclic } from "../../plugins/schedules/cyclic.ts";
import { delay } from "../../plugins/schedules/delay.ts";
import { exponential } from "../../plugins/schedules/exponential.ts";
import { exponentialDecay } from "../../plugins/schedules/exponential_decay.ts";
import { inverseSqrt } from "../../plugins/schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "../../plugins/schedules/inverse_time_decay.ts";
import { linear } from "../../plugins/schedules/linear.ts";
import { linearLr } from "../../plugins/schedules/linear_lr.ts";
import { multistep } from "../../plugins/schedules/multistep.ts";
import { oneCycle } from "../../plugins/schedules/one_cycle.ts";
import { piecewiseConstantDecay } from "../../plugins/schedules/piecewise_constant_decay.ts";
import { piecewiseInterpolate } from "../../plugins/schedules/piecewise_interpolate.ts";
import { polynomial } from "../../plugins/schedules/polynomial.ts";
import { polynomialDecay } from "../../plugins/schedules/polynomial_decay.ts";
import { polynomialLr } from "../../plugins/schedules/polynomial_lr.ts";
import { product } from "../../plugins/schedules/product.ts";
import { repeat } from "../../plugins/schedules/repeat.ts";
import { rex } from "../../plugins/schedules/rex.ts";
import { scale } from "../../plugins/schedules/scale.ts";
import { sequence } from "../../plugins/schedules/sequence.ts";
import { shift } from "../../plugins/schedules/shift.ts";
import { step } from "../../plugins/schedules/step.ts";
import { scheduleSum } from "../../plugins/schedules/sum.ts";
import { swalr } from "../../plugins/schedules/swalr.ts";
import { warm } from "../../plugins/schedules/warm.ts";
import { warmup } from "../../plugins/schedules/warmup.ts";
import { warmupDecay } from "../../plugins/schedules/warmup_decay.ts";
import { warmupStableDecay } from "../../plugins/schedules/warmup_stable_decay.ts";

const steps = { numWarmupSteps: 13, numTrainingSteps: 170 };
const value = { initialLearningRate: 3e-3, decaySteps: 90 };
const first = { initialLearningRate: 3e-3, firstDecaySteps: 17 };

/** Schedules and their options; the first options of each are the base from which the others differ. */
export const samples: readonly (readonly [plugin: SchedulePlugin, options: readonly object[]])[] = [
  [constant, [{}]],
  [constantWithWarmup, [{ numWarmupSteps: 13 }, { numWarmupSteps: 7.5 }, { numWarmupSteps: 13, warmupOffset: 1 }]],
  [linear, [steps, { ...steps, numWarmupSteps: 0 }, { ...steps, numTrainingSteps: 100 }, { ...steps, warmupOffset: 1 }]],
  [cosine, [
    steps,
    { ...steps, numWarmupSteps: 0 },
    { ...steps, numTrainingSteps: 100 },
    { ...steps, numCycles: 3.7 },
    { ...steps, end: "hold" },
    { ...steps, warmupOffset: 1 },
  ]],
  [cosineWithRestarts, [
    steps,
    { ...steps, numWarmupSteps: 0 },
    { ...steps, numTrainingSteps: 100 },
    { ...steps, numCycles: 22 },
    { ...steps, numCycles: -2.5 },
    { ...steps, warmupOffset: 1 },
  ]],
  [polynomial, [
    steps,
    { ...steps, numWarmupSteps: 0 },
    { ...steps, numTrainingSteps: 100 },
    { ...steps, power: 3.3 },
    { ...steps, lrEnd: 0.07, power: 0.5 },
    { ...steps, lrInit: 4, lrEnd: 0.07 },
    { ...steps, warmupOffset: 1 },
  ]],
  [inverseSqrt, [{ numWarmupSteps: 13 }, { numWarmupSteps: 0 }, { numWarmupSteps: 13, timescale: 5 }, {
    numWarmupSteps: 13,
    warmupOffset: 1,
  }]],
  [cosineWithMinLr, [
    { ...steps, minLrRate: 0.1 },
    { ...steps, numWarmupSteps: 0, minLrRate: 0.1 },
    { ...steps, numTrainingSteps: 100, minLrRate: 0.1 },
    { ...steps, numCycles: 3.7, minLrRate: 0.1 },
    { ...steps, minLr: 0.2 },
    { ...steps, minLrRate: 0.1, end: "hold" },
  ]],
  [cosineWarmupWithMinLr, [
    { ...steps, minLrRate: 0.1 },
    { ...steps, numWarmupSteps: 0, minLrRate: 0.1 },
    { ...steps, numTrainingSteps: 100, minLrRate: 0.1 },
    { ...steps, numCycles: 3.7, minLrRate: 0.1 },
    { ...steps, minLr: 0.2 },
    { ...steps, minLrRate: 0.1, warmupLrRate: 0.3 },
    { ...steps, minLrRate: 0.1, end: "hold" },
  ]],
  [warmupStableDecay, [
    { ...steps, numDecaySteps: 60 },
    { ...steps, numDecaySteps: 60, numWarmupSteps: 0 },
    { ...steps, numDecaySteps: 31 },
    { ...steps, numDecaySteps: 60, numTrainingSteps: 200 },
    { ...steps, numDecaySteps: 60, numStableSteps: 20 },
    { ...steps, numDecaySteps: 60, warmupType: "1-sqrt", decayType: "1-sqrt", minLrRatio: 0.1 },
    { ...steps, numDecaySteps: 60, warmupType: "cosine", decayType: "linear" },
    { ...steps, numDecaySteps: 60, numCycles: 3.7 },
  ]],
  [step, [{ stepSize: 40 }, { stepSize: 13.5 }, { stepSize: 40, gamma: 0.7 }]],
  [multistep, [{ milestones: [9, 100, 9] }, { milestones: [9, 100] }, { milestones: [9, 100, 9], gamma: 0.7 }]],
  [exponential, [{ gamma: 0.99 }, { gamma: 0.5 }]],
  [constantLr, [{}, { factor: 0.2 }, { totalIters: 20 }]],
  [linearLr, [{}, { startFactor: 1 }, { endFactor: 0.2 }, { totalIters: 20 }]],
  [polynomialLr, [{}, { totalIters: 20 }, { power: 2.2 }]],
  [cosineAnnealing, [{ tMax: 60 }, { tMax: 77 }, { tMax: 60, etaMin: 0.1 }, { tMax: 60, etaMin: 0.1, end: "hold" }]],
  [cosineAnnealingWarmRestarts, [{ t0: 17 }, { t0: 30 }, { t0: 17, tMult: 2 }, { t0: 17, tMult: 3, etaMin: 0.1 }]],
  [oneCycle, [
    { maxLr: 3e-3, totalSteps: 170, end: "hold" },
    { maxLr: 4e-3, totalSteps: 170, end: "hold" },
    { maxLr: 3e-3, totalSteps: 100, end: "hold" },
    { maxLr: 3e-3, totalSteps: null, epochs: 3, stepsPerEpoch: 20, end: "hold" },
    { maxLr: 3e-3, totalSteps: 170, end: "hold", pctStart: 0.5 },
    { maxLr: 3e-3, totalSteps: 170, end: "hold", annealStrategy: "linear" },
    { maxLr: 3e-3, totalSteps: 170, end: "hold", divFactor: 10 },
    { maxLr: 3e-3, totalSteps: 170, end: "hold", finalDivFactor: 10 },
    { maxLr: 3e-3, totalSteps: 170, end: "hold", threePhase: true },
    { maxLr: 3e-3, totalSteps: 2 ** 53 },
  ]],
  [cyclic, [
    { baseLr: 1e-3, maxLr: 3e-3, stepSizeUp: 13 },
    { baseLr: 2e-3, maxLr: 3e-3, stepSizeUp: 13 },
    { baseLr: 1e-3, maxLr: 4e-3, stepSizeUp: 13 },
    { baseLr: 1e-3, maxLr: 3e-3, stepSizeUp: 17 },
    { baseLr: 1e-3, maxLr: 3e-3, stepSizeUp: 13, stepSizeDown: 29 },
    { baseLr: 1e-3, maxLr: 3e-3, stepSizeUp: 13, mode: "triangular2" },
    { baseLr: 1e-3, maxLr: 3e-3, stepSizeUp: 13, mode: "exp_range", gamma: 0.99 },
  ]],
  [swalr, [{ swaLr: 0.2 }, { swaLr: 0.3 }, { swaLr: 0.2, annealEpochs: 40 }, { swaLr: 0.2, annealStrategy: "linear" }]],
  [rex, [{ totalSteps: 90 }, { totalSteps: 60 }, { totalSteps: 90, minLrRate: 0.1 }]],
  [warmupDecay, [
    { totalNumSteps: 170, warmupNumSteps: 13 },
    { totalNumSteps: 100, warmupNumSteps: 13 },
    { totalNumSteps: 170, warmupNumSteps: 13, warmupMinLr: 1e-4 },
    { totalNumSteps: 170, warmupNumSteps: 13, warmupMaxLr: 1e-2 },
    { totalNumSteps: 170, warmupNumSteps: 20 },
    { totalNumSteps: 170, warmupNumSteps: 13, warmupType: "linear" },
  ]],
  [cosineTimm, [
    { tInitial: 50 },
    { tInitial: 70 },
    { tInitial: 50, lrMin: 0.1 },
    { tInitial: 50, cycleLimit: 3, cycleMul: 2 },
    { tInitial: 50, cycleLimit: 3, cycleDecay: 0.5 },
    { tInitial: 50, warmupT: 9, warmupLrInit: 0.1 },
    { tInitial: 50, warmupT: 9, warmupPrefix: true },
    { tInitial: 50, kDecay: 1.5 },
  ]],
  [constantInverseSqrt, [{}, { numConstantSteps: 20 }, { factor: 0.5 }]],
  [piecewiseInterpolate, [
    { interpolateType: "linear", initValue: 3e-3, boundariesAndScales: { 13: 2, 90: 0.1 } },
    { interpolateType: "cosine", initValue: 3e-3, boundariesAndScales: { 13: 2, 90: 0.1 } },
    { interpolateType: "linear", initValue: 2e-3, boundariesAndScales: { 13: 2, 90: 0.1 } },
    { interpolateType: "linear", initValue: 3e-3, boundariesAndScales: { 13: 2, 60: 0.1 } },
  ]],
  [sequence, [
    { schedules: [{ name: constantLr }, { name: cosineAnnealing, options: { tMax: 60 } }], milestones: [13] },
    { schedules: [{ name: constantLr }, { name: cosineAnnealing, options: { tMax: 50 } }], milestones: [13] },
    { schedules: [{ name: constantLr }, { name: cosineAnnealing, options: { tMax: 60 } }], milestones: [17] },
    { schedules: [{ name: linearLr }, { name: oneCycle, options: { maxLr: 3e-3, totalSteps: 100, end: "hold" } }], milestones: [13] },
  ]],
  [product, [
    { schedules: [{ name: linearLr }, { name: step, options: { stepSize: 40 } }] },
    { schedules: [{ name: linearLr }, { name: cyclic, options: { baseLr: 1e-3, maxLr: 3e-3 } }] },
  ]],
  [scheduleSum, [
    { schedules: [{ name: linearLr }, { name: step, options: { stepSize: 40 } }] },
    { schedules: [{ name: linearLr }, { name: cyclic, options: { baseLr: 1e-3, maxLr: 3e-3 } }] },
  ]],
  [clamp, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, min: 0.1, max: 0.8 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, min: 0.1, max: 0.8 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, max: 0.8 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, min: 0.1 },
  ]],
  [scale, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, factor: 0.5 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, factor: 0.5 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, factor: 0.3 },
  ]],
  ...[shift, delay].map((plugin): [SchedulePlugin, object[]] => [plugin, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, steps: 7 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, steps: 7 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, steps: 9 },
  ]]),
  [repeat, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, every: 7 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, every: 7 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, every: 9 },
  ]],
  [byEpoch, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, stepsPerEpoch: 7 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, stepsPerEpoch: 7 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, stepsPerEpoch: 9 },
  ]],
  [warm, [
    { schedule: { name: exponential, options: { gamma: 0.9 } }, numWarmupSteps: 7 },
    { schedule: { name: exponential, options: { gamma: 0.8 } }, numWarmupSteps: 7 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, numWarmupSteps: 9 },
    { schedule: { name: exponential, options: { gamma: 0.9 } }, numWarmupSteps: 7, startFactor: 0.5 },
  ]],
  [polynomialDecay, [
    value,
    { ...value, initialLearningRate: 4e-3 },
    { ...value, decaySteps: 31 },
    { ...value, endLearningRate: 1e-3 },
    { ...value, power: 2.2 },
    { ...value, cycle: true },
  ]],
  [cosineDecay, [
    value,
    { ...value, initialLearningRate: 4e-3 },
    { ...value, decaySteps: 31 },
    { ...value, alpha: 0.1 },
    { ...value, warmupTarget: 5e-3 },
    { ...value, warmupTarget: 5e-3, warmupSteps: 11 },
    { ...value, exponent: 2.5 },
  ]],
  [cosineDecayRestarts, [
    first,
    { ...first, initialLearningRate: 4e-3 },
    { ...first, firstDecaySteps: 30 },
    { ...first, tMul: 1 },
    { ...first, tMul: 1.7, mMul: 0.8 },
    { ...first, alpha: 0.2 },
  ]],
  ...[exponentialDecay, inverseTimeDecay].map((plugin): [SchedulePlugin, object[]] => [plugin, [
    { ...value, decayRate: 0.37 },
    { ...value, decayRate: 0.37, initialLearningRate: 4e-3 },
    { ...value, decayRate: 0.37, decaySteps: 31 },
    { ...value, decayRate: 0.9 },
    { ...value, decayRate: 0.37, staircase: true },
  ]]),
  [piecewiseConstantDecay, [
    { boundaries: [4, 9, 100], values: [3e-3, 2e-3, 1e-3, 5e-4] },
    { boundaries: [4, 40, 100], values: [3e-3, 2e-3, 1e-3, 5e-4] },
    { boundaries: [4, 9, 100], values: [3e-3, 2e-3, 1.5e-3, 5e-4] },
  ]],
  [warmup, [
    { initialLearningRate: 3e-3, warmupSteps: 13, decaySchedule: { name: "cosine_decay", options: value } },
    { initialLearningRate: 4e-3, warmupSteps: 13, decaySchedule: { name: "cosine_decay", options: value } },
    { initialLearningRate: 3e-3, warmupSteps: 25, decaySchedule: { name: "cosine_decay", options: value } },
    { initialLearningRate: 3e-3, warmupSteps: 13, decaySchedule: { name: "exponential_decay", options: { ...value, decayRate: 0.37 } } },
    { initialLearningRate: 3e-3, warmupSteps: 13, power: 1.6, decaySchedule: { name: "cosine_decay", options: value } },
  ]],
];

/** Every step at first, then ever wider apart, up to a thousand million million. */
export const sampleSteps: readonly number[] = [
  ...Array.from({ length: 400 }, (_, step) => step),
  ...Array.from({ length: 12 }, (_, i) => 10 ** (i + 4) - 7),
];

/** The bits of each schedule's values over {@linkcode sampleSteps}, as a hash by its name and options. */
export function scheduleBits(): Record<string, string> {
  const bits: Record<string, string> = {};
  for (const [plugin, list] of samples) {
    for (const options of list) {
      const schedule = makeSchedule(plugin, options) as Schedule;
      bits[`${plugin.name} ${JSON.stringify(options)}`] = hash(Float64Array.from(sampleSteps, schedule));
    }
  }
  return bits;
}

/** Fowler, Noll and Vo's hash, over 32-bit words; twice, from two starts. Any NaN is any other. */
export function hash(values: Float64Array): string {
  const words = new Uint32Array(values.map((value) => Number.isNaN(value) ? NaN : value).buffer);
  return [0x811c9dc5, 0x01234567].map((start) => {
    let sum = start;
    for (const word of words) sum = Math.imul(sum ^ word, 0x01000193) ^ (sum >>> 15);
    return (sum >>> 0).toString(16).padStart(8, "0");
  }).join("");
}

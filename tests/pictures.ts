/**
 * The pictures of the schedules, for the README and each schedule's docs: `deno task build` writes them, tests/stale_test.ts compares them.
 *
 * @module
 */
import { type PlotOptions, plotSchedule } from "../core/plot.ts";
import type { SchedulePlugin } from "../core/plugin/contract.ts";
import { isMetric, makeSchedule } from "../core/plugin/schedules.ts";
import type { Find } from "../core/plugin/use.ts";
import type { Schedule } from "../core/types.ts";
import { byEpoch } from "../plugins/schedules/by_epoch.ts";
import { clamp } from "../plugins/schedules/clamp.ts";
import { constant } from "../plugins/schedules/constant.ts";
import { constantInverseSqrt } from "../plugins/schedules/constant_inverse_sqrt.ts";
import { constantLr } from "../plugins/schedules/constant_lr.ts";
import { constantWithWarmup } from "../plugins/schedules/constant_with_warmup.ts";
import { cosine } from "../plugins/schedules/cosine.ts";
import { cosineAnnealing } from "../plugins/schedules/cosine_annealing.ts";
import { cosineAnnealingWarmRestarts } from "../plugins/schedules/cosine_annealing_warm_restarts.ts";
import { cosineDecay } from "../plugins/schedules/cosine_decay.ts";
import { cosineDecayRestarts } from "../plugins/schedules/cosine_decay_restarts.ts";
import { cosineTimm } from "../plugins/schedules/cosine_timm.ts";
import { cosineWarmupWithMinLr } from "../plugins/schedules/cosine_warmup_with_min_lr.ts";
import { cosineWithMinLr } from "../plugins/schedules/cosine_with_min_lr.ts";
import { cosineWithRestarts } from "../plugins/schedules/cosine_with_restarts.ts";
import { cyclic } from "../plugins/schedules/cyclic.ts";
import { delay } from "../plugins/schedules/delay.ts";
import { exponential } from "../plugins/schedules/exponential.ts";
import { exponentialDecay } from "../plugins/schedules/exponential_decay.ts";
import { greedy } from "../plugins/schedules/greedy.ts";
import { inverseSqrt } from "../plugins/schedules/inverse_sqrt.ts";
import { inverseTimeDecay } from "../plugins/schedules/inverse_time_decay.ts";
import { linear } from "../plugins/schedules/linear.ts";
import { linearLr } from "../plugins/schedules/linear_lr.ts";
import { multistep } from "../plugins/schedules/multistep.ts";
import { oneCycle } from "../plugins/schedules/one_cycle.ts";
import { piecewiseConstantDecay } from "../plugins/schedules/piecewise_constant_decay.ts";
import { piecewiseInterpolate } from "../plugins/schedules/piecewise_interpolate.ts";
import { polynomial } from "../plugins/schedules/polynomial.ts";
import { polynomialDecay } from "../plugins/schedules/polynomial_decay.ts";
import { polynomialLr } from "../plugins/schedules/polynomial_lr.ts";
import { product } from "../plugins/schedules/product.ts";
import { reduceLrOnPlateau } from "../plugins/schedules/reduce_lr_on_plateau.ts";
import { repeat } from "../plugins/schedules/repeat.ts";
import { rex } from "../plugins/schedules/rex.ts";
import { scale } from "../plugins/schedules/scale.ts";
import { sequence } from "../plugins/schedules/sequence.ts";
import { shift } from "../plugins/schedules/shift.ts";
import { step } from "../plugins/schedules/step.ts";
import { scheduleSum } from "../plugins/schedules/sum.ts";
import { swalr } from "../plugins/schedules/swalr.ts";
import { warm } from "../plugins/schedules/warm.ts";
import { warmup } from "../plugins/schedules/warmup.ts";
import { warmupDecay } from "../plugins/schedules/warmup_decay.ts";
import { warmupStableDecay } from "../plugins/schedules/warmup_stable_decay.ts";

/** A picture: its title, and what each of its curves is made of. */
interface Picture {
  readonly plugin: SchedulePlugin;
  readonly curves: Readonly<Record<string, object>>;
  readonly plot?: PlotOptions;
}

const numWarmupSteps = 100;
const steps = { numWarmupSteps, numTrainingSteps: 1000 };
const initialLearningRate = 1e-3;

/** One picture a schedule; what the page shows for the same name, and what its options do. */
const PICTURES: readonly Picture[] = [
  { plugin: constant, curves: { constant: {} } },
  { plugin: constantWithWarmup, curves: { "numWarmupSteps: 100": { numWarmupSteps } } },
  { plugin: linear, curves: { "numWarmupSteps: 100, numTrainingSteps: 1000": steps } },
  {
    plugin: cosine,
    curves: { "numCycles: 0.5": steps, "numCycles: 2": { ...steps, numCycles: 2 }, 'end: "hold"': { ...steps, end: "hold" } },
    plot: { to: 1200 },
  },
  { plugin: cosineWithRestarts, curves: { "numCycles: 1": steps, "numCycles: 3": { ...steps, numCycles: 3 } }, plot: { to: 1200 } },
  {
    plugin: polynomial,
    curves: { "power: 1": steps, "power: 2": { ...steps, power: 2 }, "power: 0.5, lrEnd: 0.2": { ...steps, power: 0.5, lrEnd: 0.2 } },
    plot: { to: 1200 },
  },
  {
    plugin: inverseSqrt,
    curves: { "numWarmupSteps: 100": { numWarmupSteps }, "timescale: 1000": { numWarmupSteps, timescale: 1000 } },
  },
  { plugin: reduceLrOnPlateau, curves: { "factor: 0.5, patience: 5": { factor: 0.5, patience: 5 } }, plot: { to: 60 } },
  {
    plugin: cosineWithMinLr,
    curves: {
      "minLrRate: 0.1": { ...steps, minLrRate: 0.1 },
      'minLrRate: 0.1, end: "hold"': { ...steps, minLrRate: 0.1, end: "hold" },
    },
    plot: { to: 1200 },
  },
  {
    plugin: cosineWarmupWithMinLr,
    curves: {
      "minLrRate: 0.1, warmupLrRate: 0.3": { ...steps, minLrRate: 0.1, warmupLrRate: 0.3 },
      'minLrRate: 0.2, end: "hold"': { ...steps, minLrRate: 0.2, end: "hold" },
    },
    plot: { to: 1200 },
  },
  {
    plugin: warmupStableDecay,
    curves: Object.fromEntries((["linear", "cosine", "1-sqrt"] as const).map((decayType) => [`decayType: "${decayType}"`, {
      ...steps,
      numDecaySteps: 400,
      warmupType: decayType,
      decayType,
    }])),
    plot: { to: 1100 },
  },
  { plugin: greedy, curves: { "factor: 0.8, patience: 2": { factor: 0.8, patience: 2, maxLr: 10 } }, plot: { to: 60 } },
  { plugin: step, curves: { "stepSize: 250, gamma: 0.5": { stepSize: 250, gamma: 0.5 } } },
  { plugin: multistep, curves: { "milestones: [500, 800]": { milestones: [500, 800] } } },
  { plugin: exponential, curves: { "gamma: 0.998": { gamma: 0.998 }, "gamma: 0.995": { gamma: 0.995 } } },
  { plugin: constantLr, curves: { "factor: 0.3, totalIters: 200": { factor: 0.3, totalIters: 200 } } },
  {
    plugin: linearLr,
    curves: {
      "startFactor: 0.1, totalIters: 200": { startFactor: 0.1, totalIters: 200 },
      "startFactor: 1, endFactor: 0.2, totalIters: 800": { startFactor: 1, endFactor: 0.2, totalIters: 800 },
    },
  },
  {
    plugin: polynomialLr,
    curves: Object.fromEntries([1, 2, 0.5].map((power) => [`totalIters: 900, power: ${power}`, { totalIters: 900, power }])),
  },
  {
    plugin: cosineAnnealing,
    curves: {
      "tMax: 800, etaMin: 0.1": { tMax: 800, etaMin: 0.1 },
      'tMax: 800, etaMin: 0.1, end: "hold"': { tMax: 800, etaMin: 0.1, end: "hold" },
    },
  },
  {
    plugin: cosineAnnealingWarmRestarts,
    curves: { "t0: 140, tMult: 2": { t0: 140, tMult: 2 }, "t0: 333": { t0: 333 } },
  },
  {
    plugin: oneCycle,
    curves: {
      "maxLr: 0.001, totalSteps: 1001": { maxLr: 1e-3, totalSteps: 1001 },
      'annealStrategy: "linear", threePhase: true': { maxLr: 1e-3, totalSteps: 1001, annealStrategy: "linear", threePhase: true },
    },
  },
  {
    plugin: cyclic,
    curves: Object.fromEntries(
      (["triangular", "triangular2", "exp_range"] as const).map((mode) => [`mode: "${mode}"`, {
        baseLr: 1e-4,
        maxLr: 1e-3,
        stepSizeUp: 125,
        mode,
        gamma: 0.998,
      }]),
    ),
  },
  {
    plugin: swalr,
    curves: { "swaLr: 0.2, annealEpochs: 500": { swaLr: 0.2, annealEpochs: 500 } },
  },
  { plugin: rex, curves: { "totalSteps: 1000": { totalSteps: 1000 }, "minLrRate: 0.2": { totalSteps: 1000, minLrRate: 0.2 } } },
  {
    plugin: warmupDecay,
    curves: Object.fromEntries(
      (["log", "linear"] as const).map((warmupType) => [`warmupType: "${warmupType}"`, {
        totalNumSteps: 1000,
        warmupNumSteps: 300,
        warmupMinLr: 1e-4,
        warmupType,
      }]),
    ),
  },
  {
    plugin: cosineTimm,
    curves: {
      "warmupT: 100, warmupLrInit: 0.2": { tInitial: 900, warmupT: 100, warmupLrInit: 0.2, lrMin: 0.05 },
      "cycleLimit: 3, cycleMul: 2, cycleDecay: 0.6": { tInitial: 140, cycleLimit: 3, cycleMul: 2, cycleDecay: 0.6 },
      "kDecay: 2": { tInitial: 900, kDecay: 2 },
    },
  },
  { plugin: constantInverseSqrt, curves: { "numConstantSteps: 200": { numConstantSteps: 200 } } },
  {
    plugin: piecewiseInterpolate,
    curves: Object.fromEntries((["linear", "cosine"] as const).map((interpolateType) => [`interpolateType: "${interpolateType}"`, {
      interpolateType,
      initValue: 1e-4,
      boundariesAndScales: { 200: 10, 600: 0.4, 900: 0.1 },
    }])),
  },
  {
    plugin: sequence,
    curves: {
      "linear_lr, cosine_annealing, constant_lr; milestones: [100, 700]": {
        schedules: [
          { name: "linear_lr", options: { startFactor: 0.1, totalIters: 100 } },
          { name: "cosine_annealing", options: { tMax: 600, etaMin: 0.2 } },
          { name: "constant_lr", options: { factor: 0.2, totalIters: 1000 } },
        ],
        milestones: [100, 700],
      },
    },
  },
  {
    plugin: product,
    curves: {
      "cosine_annealing times step": {
        schedules: [{ name: "cosine_annealing", options: { tMax: 100 } }, { name: "step", options: { stepSize: 200, gamma: 0.6 } }],
      },
    },
  },
  {
    plugin: scheduleSum,
    curves: {
      "0.7 exponential + 0.3 cosine_annealing": {
        schedules: [
          { name: "scale", options: { schedule: { name: "exponential", options: { gamma: 0.995 } }, factor: 0.7 } },
          { name: "scale", options: { schedule: { name: "cosine_annealing", options: { tMax: 100 } }, factor: 0.3 } },
        ],
      },
    },
  },
  {
    plugin: clamp,
    curves: { "linear between 0.2 and 0.8": { schedule: { name: "linear", options: steps }, min: 0.2, max: 0.8 } },
  },
  {
    plugin: scale,
    curves: Object.fromEntries([1, 0.5].map((factor) => [`factor: ${factor}`, { schedule: { name: "linear", options: steps }, factor }])),
  },
  {
    plugin: shift,
    curves: Object.fromEntries([0, 300].map((at) => [`steps: ${at}`, { schedule: { name: "cosine", options: steps }, steps: at }])),
  },
  {
    plugin: delay,
    curves: Object.fromEntries(
      [0, 300].map((at) => [`steps: ${at}`, { schedule: { name: "cosine_annealing", options: { tMax: 700, end: "hold" } }, steps: at }]),
    ),
  },
  {
    plugin: repeat,
    curves: { "every: 250": { schedule: { name: "linear", options: { numWarmupSteps: 50, numTrainingSteps: 300 } }, every: 250 } },
  },
  {
    plugin: byEpoch,
    curves: {
      "stepsPerEpoch: 100": { schedule: { name: "cosine_annealing", options: { tMax: 10, end: "hold" } }, stepsPerEpoch: 100 },
    },
  },
  {
    plugin: warm,
    curves: Object.fromEntries([0, 0.5].map((startFactor) => [`numWarmupSteps: 200, startFactor: ${startFactor}`, {
      schedule: { name: "exponential", options: { gamma: 0.997 } },
      numWarmupSteps: 200,
      startFactor,
    }])),
  },
  {
    plugin: warmup,
    curves: Object.fromEntries([1, 2].map((power) => [`power: ${power}, then polynomial_decay`, {
      initialLearningRate,
      warmupSteps: 100 * power,
      power,
      decaySchedule: { name: "polynomial_decay", options: { initialLearningRate, decaySteps: 900, endLearningRate: 0 } },
    }])),
  },
  {
    plugin: polynomialDecay,
    curves: Object.fromEntries(
      [false, true].map((cycle) => [`cycle: ${cycle}`, { initialLearningRate, decaySteps: 250, power: 2, cycle }]),
    ),
  },
  {
    plugin: cosineDecay,
    curves: {
      "alpha: 0.1": { initialLearningRate, decaySteps: 900, alpha: 0.1 },
      "warmupTarget: 0.001": { initialLearningRate: 0, decaySteps: 900, warmupTarget: initialLearningRate, warmupSteps: 100 },
    },
  },
  {
    plugin: cosineDecayRestarts,
    curves: { "tMul: 2, mMul: 0.8": { initialLearningRate, firstDecaySteps: 140, mMul: 0.8 } },
  },
  {
    plugin: exponentialDecay,
    curves: Object.fromEntries(
      [false, true].map((staircase) => [`staircase: ${staircase}`, { initialLearningRate, decaySteps: 200, decayRate: 0.5, staircase }]),
    ),
  },
  {
    plugin: inverseTimeDecay,
    curves: Object.fromEntries(
      [false, true].map((staircase) => [`staircase: ${staircase}`, { initialLearningRate, decaySteps: 200, decayRate: 1, staircase }]),
    ),
  },
  {
    plugin: piecewiseConstantDecay,
    curves: { "boundaries: [300, 600, 800]": { boundaries: [300, 600, 800], values: [1e-3, 5e-4, 2e-4, 1e-4] } },
  },
];

/** The page's schedules side by side. */
const TOGETHER: readonly SchedulePlugin[] = [linear, cosine, cosineWithRestarts, polynomial, inverseSqrt, constantWithWarmup];

/** A loss that falls, then stays: what plateau's picture follows. */
function loss(step: number): number {
  return 1 / (1 + Math.min(step, 12) / 4);
}

/** Finds what a schedule holds by name among those that are drawn: the list of the built-in ones may be of before a build. */
const find: Find = (_kind, name) => PICTURES.find(({ plugin }) => plugin.name === name)!.plugin as never;

/** A schedule as a function of the step; one that follows a metric is fed {@linkcode loss}. */
function curve(plugin: SchedulePlugin, options: object): Schedule {
  const schedule = makeSchedule(plugin, options, undefined, find);
  if (!isMetric(schedule)) return schedule;
  const factors = Array.from({ length: 100 }, (_, step) => {
    schedule.update(loss(step));
    return schedule.factors()[0];
  });
  return (step) => factors[step];
}

function draw({ plugin, curves, plot }: Picture): string {
  const schedules = Object.entries(curves).map(([name, options]) => [name, curve(plugin, options)]);
  return plotSchedule(Object.fromEntries(schedules), { title: plugin.name, ...plot });
}

function drawTogether(): string {
  const curves = TOGETHER.map((plugin) => {
    const given = { ...steps, ...(plugin === cosineWithRestarts ? { numCycles: 3 } : plugin === polynomial ? { power: 2 } : {}) };
    const options = Object.fromEntries(Object.entries(given).filter(([key]) => Object.hasOwn(plugin.options, key)));
    return [plugin.name, curve(plugin, options)];
  });
  return plotSchedule(Object.fromEntries(curves), { title: "Schedules over 1,000 steps, 100 of them warmup", lr: 5e-5 });
}

/** Options of each built-in schedule, those of the first curve in its picture. */
export const drawnOptions: ReadonlyMap<string, object> = new Map(
  PICTURES.map(({ plugin, curves }) => [plugin.name, Object.values(curves)[0]]),
);

/** Each picture's path and maker. */
export const pictures: readonly (readonly [path: string, make: () => string])[] = [
  ["examples/pictures/schedules.svg", drawTogether],
  ...PICTURES.map((picture): [string, () => string] => [`examples/pictures/${picture.plugin.name}.svg`, () => draw(picture)]),
];

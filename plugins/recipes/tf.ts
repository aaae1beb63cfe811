/**
 * TensorFlow's `create_optimizer` as a recipe.
 *
 * Follows `create_optimizer` of transformers 4.37.2: polynomial decay behind a linear warmup, `adam_weight_decay` with biases and layer norms
 * excluded where there is weight decay, and Keras' own Adam where there is none. The warmup is linear whatever `power` is, as there. A warmup as long
 * as the training is accepted, as there; where the learning rate is NaN there, from its end on, the step is refused here.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Registry } from "../../core/registry.ts";
import type { Optimizer, Recipe, Settings, Tensors } from "../../core/types.ts";

/** Options of {@linkcode tfRecipe}: `create_optimizer`'s arguments. */
export interface TfOptimizerOptions {
  /** Learning rate at the end of the warmup. */
  readonly initLr: number;
  /** Steps of the training, the warmup's included. */
  readonly numTrainSteps: number;
  /** Steps of the warmup. */
  readonly numWarmupSteps: number;
  /** Learning rate at the end, as a share of `initLr`; default 0. */
  readonly minLrRatio?: number;
  /** Decay of the first moment; default 0.9. */
  readonly adamBeta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly adamBeta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly adamEpsilon?: number;
  /** Greatest norm of each gradient; default null: any. */
  readonly adamClipnorm?: number | null;
  /** Greatest norm of all gradients together; default null: any. */
  readonly adamGlobalClipnorm?: number | null;
  /** Decoupled weight decay; default 0. Zero or less picks Keras' Adam. */
  readonly weightDecayRate?: number;
  /** Exponent of the decay; default 1. */
  readonly power?: number;
  /** Names or patterns of tensors that are decayed although they are biases or layer norms. */
  readonly includeInWeightDecay?: readonly (string | { readonly source: string; readonly flags: string })[] | null;
}

const required: readonly string[] = ["initLr", "numTrainSteps", "numWarmupSteps"];
const optional: readonly string[] = [
  "minLrRatio",
  "adamBeta1",
  "adamBeta2",
  "adamEpsilon",
  "adamClipnorm",
  "adamGlobalClipnorm",
  "weightDecayRate",
  "power",
  "includeInWeightDecay",
];

/**
 * What `create_optimizer` wires, as a recipe for `createTrainer`.
 *
 * @example Usage
 * ```ts
 * import { builtins, tfRecipe } from "@glissade/optim";
 *
 * const recipe = tfRecipe({ initLr: 5e-5, numTrainSteps: 1000, numWarmupSteps: 100, weightDecayRate: 0.01 });
 * using trainer = builtins.createTrainer({ "dense/kernel": new Float32Array(3) }, recipe);
 * ```
 *
 * @param options `create_optimizer`'s arguments.
 * @returns The recipe.
 */
export function tfRecipe(options: TfOptimizerOptions): Recipe {
  checkOptions({ ...options });
  const { initLr, numTrainSteps, numWarmupSteps, minLrRatio = 0, power = 1 } = options;
  const { adamBeta1 = 0.9, adamBeta2 = 0.999, adamEpsilon = 1e-8, weightDecayRate = 0 } = options;
  const decay = {
    name: "polynomial_decay",
    options: { initialLearningRate: initLr, decaySteps: numTrainSteps - numWarmupSteps, endLearningRate: initLr * minLrRatio, power },
  };
  const adam = {
    lr: initLr,
    betas: [adamBeta1, adamBeta2],
    eps: adamEpsilon,
    clipnorm: options.adamClipnorm ?? null,
    globalClipnorm: options.adamGlobalClipnorm ?? null,
  };
  return {
    optimizer: weightDecayRate > 0
      ? {
        name: "adam_weight_decay",
        options: {
          ...adam,
          weightDecayRate,
          includeInWeightDecay: options.includeInWeightDecay ?? null,
          excludeFromWeightDecay: ["LayerNorm", "layer_norm", "bias"],
        },
      }
      : { name: "adam_keras", options: adam },
    schedules: {
      lr: numWarmupSteps === 0
        ? decay
        : { name: "warmup", options: { initialLearningRate: initLr, decaySchedule: decay, warmupSteps: numWarmupSteps } },
    },
  };
}

/** Makes the optimizer of {@linkcode tfRecipe} over these tensors. */
export type CreateTfOptimizer = (params: Tensors, options: TfOptimizerOptions, settings?: Settings<unknown>) => Optimizer;

/**
 * `createTfOptimizer` over a registry; `mod.ts` exports the one over the built-in plugins.
 *
 * What it makes carries its schedule: the learning rate of the next step is `optimizer.groups[0].current.lr`.
 *
 * @example Usage
 * ```ts
 * import { createTfOptimizer } from "@glissade/optim";
 *
 * const params = { "dense/kernel": new Float32Array(3), "dense/bias": new Float32Array(1) };
 * using optimizer = createTfOptimizer(params, { initLr: 5e-5, numTrainSteps: 1000, numWarmupSteps: 100, weightDecayRate: 0.01 });
 * ```
 *
 * @param registry Where the recipe's plugins are found.
 * @returns The function, which takes `create_optimizer`'s arguments as {@linkcode TfOptimizerOptions}.
 */
export function bindTfOptimizer(registry: Registry<readonly Plugin[]>): CreateTfOptimizer {
  return (params, options, settings = {}) => {
    const { optimizer, schedules } = tfRecipe(options);
    return registry.createOptimizer(optimizer.name, params, optimizer.options, {
      ...settings,
      schedules: { ...schedules, ...settings.schedules },
    });
  };
}

function checkOptions(options: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!required.includes(name) && !optional.includes(name)) {
      throw new TypeError(`Cannot make the recipe with option "${name}": known are ${[...required, ...optional].join(", ")}`);
    }
    if (name === "includeInWeightDecay" && value !== undefined && value !== null && !Array.isArray(value)) {
      throw new TypeError(`Cannot make the recipe with ${name} = ${value}: it must be a list of names and patterns`);
    }
    if (value === undefined || name === "includeInWeightDecay" || (value === null && name.endsWith("lipnorm"))) continue;
    if (typeof value !== "number") throw new TypeError(`Cannot make the recipe with ${name} = ${value}: it must be a number`);
    if (!Number.isFinite(value)) throw new RangeError(`Cannot make the recipe with ${name} = ${value}: it must be finite`);
  }
  const missing = required.filter((name) => options[name] === undefined);
  if (missing.length > 0) throw new TypeError(`Cannot make the recipe: ${missing.join(", ")} must be given`);
  const { adamClipnorm = null, adamGlobalClipnorm = null } = options;
  if (adamClipnorm !== null && adamGlobalClipnorm !== null) {
    throw new RangeError(
      `Cannot use adamClipnorm = ${adamClipnorm} and adamGlobalClipnorm = ${adamGlobalClipnorm} together: one must be null`,
    );
  }
}

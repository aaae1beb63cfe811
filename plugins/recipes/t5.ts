/**
 * The two Adafactor settings for finetuning T5 that the transformers 4.37.2 page "Optimization" recommends.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";

/** Options of {@linkcode t5FixedLr}. */
export interface T5FixedLrOptions {
  /** Learning rate; default 1e-3. */
  readonly lr?: number;
  /** Steps of the warmup that the page advises and gives no number for; default 0: none. */
  readonly numWarmupSteps?: number;
}

/**
 * The first setting: a fixed learning rate, better with a warmup, without relative steps and scaling, clipped at 1.
 *
 * `Adafactor(params, scale_parameter=False, relative_step=False, warmup_init=False, lr=1e-3, clip_threshold=1.0)` under
 * `get_constant_schedule_with_warmup`.
 *
 * @example Usage
 * ```ts
 * import { builtins, t5FixedLr } from "@glissade/optim";
 *
 * using trainer = builtins.createTrainer({ w: new Float32Array(3) }, t5FixedLr({ numWarmupSteps: 10 }));
 * trainer.add({ w: new Float32Array([1, 2, 3]) });
 * ```
 *
 * @param options The rate and its warmup.
 * @returns A recipe for `createTrainer`.
 */
export function t5FixedLr({ lr = 1e-3, numWarmupSteps = 0, ...stray }: T5FixedLrOptions = {}): Recipe {
  const [name] = Object.keys(stray);
  if (name !== undefined) throw new TypeError(`Cannot make the recipe with option "${name}": known are lr, numWarmupSteps`);
  return {
    optimizer: { name: "adafactor", options: { lr, scaleParameter: false, relativeStep: false, warmupInit: false, clipThreshold: 1 } },
    schedules: { lr: { name: "constant_with_warmup", options: { numWarmupSteps } } },
  };
}

/**
 * The second setting, which others reported to work well: relative steps, scaled by the parameters, from a slow start.
 *
 * `Adafactor(params, scale_parameter=True, relative_step=True, warmup_init=True, lr=None)`; `optimizer.readings()` tells the learning rate, as the
 * page's `AdafactorSchedule` does.
 *
 * @example Usage
 * ```ts
 * import { builtins, t5Relative } from "@glissade/optim";
 *
 * using trainer = builtins.createTrainer({ w: new Float32Array(3) }, t5Relative());
 * trainer.add({ w: new Float32Array([1, 2, 3]) });
 * trainer.optimizer.readings(); // the learning rate of each group
 * ```
 *
 * @returns A recipe for `createTrainer`.
 */
export function t5Relative(): Recipe {
  return { optimizer: { name: "adafactor", options: { lr: null, scaleParameter: true, relativeStep: true, warmupInit: true } } };
}

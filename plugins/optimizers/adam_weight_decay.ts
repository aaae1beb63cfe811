/**
 * AdamWeightDecay: BERT's Adam with decoupled weight decay, in TensorFlow's arithmetic.
 *
 * Loshchilov & Hutter, "Decoupled Weight Decay Regularization", 2019, https://arxiv.org/abs/1711.05101.
 * Follows `AdamWeightDecay` of transformers 4.37.2, which stands on `keras.optimizers.legacy.Adam` 2.15: coefficients are computed in float32
 * (1 - 0.999 is 0.00099998713 there), the decay comes first and uses the plain learning rate, one step count serves all tensors, and clipping by
 * value, by norm and by global norm all act, in this order. Clipping to 0 is refused. `eps: 0` becomes 1e-7. As there, `includeInWeightDecay` does not restrict: a tensor that no
 * list names is decayed; `onlyInclude` makes it a list of all that are.
 *
 * @module
 */
import type { OptimizerPlugin } from "../../core/plugin/contract.ts";
import {
  checkClipping,
  clipByGlobalNorm,
  clipByNorm,
  clipByValue,
  clipnormSpec,
  clippingScalars,
  clipvalueSpec,
  globalClipnormSpec,
  refuseZero,
} from "./keras_clipping.ts";

/** Which names a list means: a name or the text of a regular expression, or one as JSON can hold it. A `RegExp` is one. */
export type NamePattern = string | { readonly source: string; readonly flags: string };

/** Options of {@linkcode adamWeightDecay}. */
export interface AdamWeightDecayOptions {
  /** Learning rate. */
  lr?: number;
  /** Decay of the first and the second moment. */
  betas?: readonly [number, number];
  /** Added to the root of the second moment; 0 becomes 1e-7. */
  eps?: number;
  /** Divide by the greatest second moment so far. */
  amsgrad?: boolean;
  /** Decoupled decay, before the step; a negative one is applied too. */
  weightDecayRate?: number;
  /** Names or regular expressions (searched for, unanchored) of tensors that are decayed in any case. */
  includeInWeightDecay?: readonly NamePattern[] | null;
  /** Names or regular expressions of tensors that are not decayed. */
  excludeFromWeightDecay?: readonly NamePattern[] | null;
  /** Decay nothing but what `includeInWeightDecay` names. */
  onlyInclude?: boolean;
  /** Greatest norm of each gradient; null: any. */
  clipnorm?: number | null;
  /** Greatest absolute value in a gradient; null: any. */
  clipvalue?: number | null;
  /** Greatest norm of all gradients together; null: any. */
  globalClipnorm?: number | null;
  /** Divides the learning rate by 1 + decay * steps. */
  decay?: number;
}

/**
 * BERT's Adam with decoupled weight decay, in TensorFlow's arithmetic.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const params = { "dense/kernel": new Float32Array([1, 2]), "dense/bias": new Float32Array([3]) };
 * using optimizer = builtins.createOptimizer("adam_weight_decay", params, { weightDecayRate: 0.01, excludeFromWeightDecay: ["bias"] });
 * optimizer.step({ "dense/kernel": new Float32Array([0.1, -0.1]), "dense/bias": new Float32Array([0.1]) });
 * ```
 */
export const adamWeightDecay: OptimizerPlugin<"adam_weight_decay", AdamWeightDecayOptions> = {
  kind: "optimizer",
  name: "adam_weight_decay",
  description: "Adam with decoupled weight decay, as TensorFlow's AdamWeightDecay in transformers 4.37.2",
  source: "https://arxiv.org/abs/1711.05101; AdamWeightDecay of transformers 4.37.2",
  counts: "optimizer",
  options: {
    lr: { default: 1e-3, unit: "rate", description: "Learning rate" },
    betas: { default: [0.9, 0.999], description: "Decay of the first and the second moment" },
    eps: { default: 1e-7, description: "Added to the root of the second moment; 0 becomes 1e-7" },
    amsgrad: { default: false, description: "Divide by the greatest second moment so far" },
    weightDecayRate: { default: 0, description: "Decoupled decay, before the step; a negative one is applied too" },
    includeInWeightDecay: {
      default: null,
      type: ["array", "null"],
      format: "regex",
      description: "Names or patterns of tensors that are decayed in any case",
    },
    excludeFromWeightDecay: {
      default: null,
      type: ["array", "null"],
      format: "regex",
      description: "Names or patterns of tensors that are not decayed",
    },
    onlyInclude: { default: false, description: "Decay nothing but what includeInWeightDecay names" },
    clipnorm: clipnormSpec,
    clipvalue: clipvalueSpec,
    globalClipnorm: globalClipnormSpec,
    decay: { default: 0, minimum: 0, description: "Divides the learning rate by 1 + decay*steps" },
  },
  check(options) {
    const { includeInWeightDecay, excludeFromWeightDecay } = options;
    checkClipping(options);
    refuseZero(options);
    for (const pattern of includeInWeightDecay ?? []) checkPattern("includeInWeightDecay", pattern);
    for (const pattern of excludeFromWeightDecay ?? []) checkPattern("excludeFromWeightDecay", pattern);
  },
  rule(options, { name }) {
    const { amsgrad, clipnorm, clipvalue, globalClipnorm } = options;
    return {
      slots: {
        m: { shape: "param", key: "exp_avg" },
        v: { shape: "param", key: "exp_avg_sq" },
        ...(amsgrad ? { h: { shape: "param", key: "max_exp_avg_sq" } } : {}),
      },
      update: `
        ${clipvalue === null ? "" : clipByValue}
        ${clipnorm === null ? "" : clipByNorm}
        ${globalClipnorm === null ? "" : clipByGlobalNorm}
        ${isDecayed(options, name) ? "p -= lr*p*weightDecayRate" : ""}
        m += (g - m)*k1
        v += (g*g - v)*k2
        ${
        amsgrad
          ? `h = max(h, v)
        u = m*alpha/(sqrt(h) + eps)`
          : "u = m*alpha/(sqrt(v) + eps)"
      }
        p -= u
      `,
    };
  },
  scalars(options, t, { pow }) {
    const { lr, betas, eps, weightDecayRate, decay } = options;
    const f = Math.fround;
    const [beta1, beta2] = betas.map(f);
    const rate = decay > 0 ? f(f(lr) / f(1 + f(f(decay) * f(t - 1)))) : f(lr);
    const alpha = f(f(rate * f(Math.sqrt(f(1 - f(pow(beta2, t)))))) / f(1 - f(pow(beta1, t))));
    return {
      lr: rate,
      alpha,
      k1: f(1 - beta1),
      k2: f(1 - beta2),
      eps: f(eps === 0 ? 1e-7 : eps),
      weightDecayRate: f(weightDecayRate),
      ...clippingScalars(options),
    };
  },
};

function isDecayed(
  { weightDecayRate, includeInWeightDecay, excludeFromWeightDecay, onlyInclude }: Required<AdamWeightDecayOptions>,
  name: string,
): boolean {
  if (weightDecayRate === 0) return false;
  // search() pays no heed to a pattern's own place, as test() would.
  const isIn = (patterns: readonly NamePattern[] | null) => (patterns ?? []).some((pattern) => name.search(expressionOf(pattern)) >= 0);
  if (isIn(includeInWeightDecay)) return true;
  return !onlyInclude && !isIn(excludeFromWeightDecay);
}

function expressionOf(pattern: NamePattern): RegExp {
  return typeof pattern === "string" ? new RegExp(pattern) : new RegExp(pattern.source, pattern.flags);
}

function checkPattern(option: string, pattern: unknown): void {
  const { source, flags = "" }: { source?: unknown; flags?: unknown } = typeof pattern === "string" ? { source: pattern } : pattern ?? {};
  if (typeof source !== "string" || typeof flags !== "string") {
    throw new TypeError(`Cannot use ${option}: each must be a name, a regular expression or { source, flags }`);
  }
  // Who writes a RegExp knows.
  const python = typeof pattern === "string" ? pythonOnly(pattern) : undefined;
  if (python !== undefined) {
    throw new RangeError(
      `Cannot use "${pattern}" in ${option}: JavaScript's regular expressions read ${python} otherwise than Python's`,
    );
  }
  try {
    new RegExp(source, flags);
  } catch (error) {
    throw new RangeError(`Cannot use /${source}/${flags} in ${option}: ${(error as Error).message}`);
  }
}

/** What of a pattern would mean something else in silence: \A is an A here, \Z a Z, and an empty class, which Python lacks, matches nothing. */
function pythonOnly(pattern: string): string | undefined {
  const parts = /(\\[AZ])|\\[^]|(\[\^?\])|\[(?:\\[^]|[^\]\\])*\]|(\(\?P[<=])|(\(\?[aiLmsux]+\))/g;
  for (const [, ...found] of pattern.matchAll(parts)) {
    const own = found.find((text) => text !== undefined);
    if (own !== undefined) return own;
  }
}

/**
 * Adaptive gradient clipping: each output's gradient by the norm of its own weights.
 *
 * Brock et al., "High-Performance Large-Scale Image Recognition Without Normalization", 2021, https://arxiv.org/abs/2102.06171. As
 * `adaptive_clip_grad` of timm 1.0: the first dimension is the output, a tensor of one dimension is clipped as a whole. (pytorch_optimizer's
 * `agc` takes the norm of tensors of three dimensions over the second alone.) The paper leaves the last layer out: give it a group of its own
 * optimizer, or clip it less.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { byOutput } from "./by_output.ts";
import { checkBound } from "./check_bound.ts";

/** Options of {@linkcode agc}. */
export interface AgcOptions {
  /** Largest norm of a gradient, in norms of its weights; default 0.01. */
  clipFactor?: number;
  /** Least norm of weights, so that those that are 0 can begin to move; default 1e-3. */
  eps?: number;
}

/**
 * Scales each output's gradient down to a share of its weights' norm.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const transforms = [{ name: "agc", options: { clipFactor: 0.01 } }];
 * using trainer = builtins.createTrainer({ w: new Float32Array([3, 4]) }, { optimizer: { name: "sgd" }, transforms });
 * trainer.add({ w: new Float32Array([30, 40]) }); // clipped to a norm of 0.05
 * ```
 */
export const agc: TransformPlugin<"agc", AgcOptions> = {
  kind: "transform",
  name: "agc",
  description: "Scales each output's gradient down to a share of its weights' norm",
  source: "https://arxiv.org/abs/2102.06171; adaptive_clip_grad of timm 1.0",
  options: {
    clipFactor: { default: 0.01, exclusiveMinimum: 0, description: "Largest norm of a gradient, in norms of its weights" },
    eps: { default: 1e-3, minimum: 0, description: "Least norm of weights" },
  },
  check: ({ clipFactor }) => checkBound("clipFactor", clipFactor),
  rule: (_, { shape }) => {
    const [of, matrix] = shape.length > 1 ? ["row", byOutput(shape)] as const : ["", undefined];
    return {
      ...matrix && { matrix },
      before: `
        n  = max(${of}norm(p), eps)*clipFactor
        k  = ${of}norm(g)
        g *= where(k < n, 1, n/max(k, 1e-6))
      `,
    };
  },
  scalars: ({ clipFactor, eps }) => ({ clipFactor, eps }),
};

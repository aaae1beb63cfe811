/**
 * Gradient centralization: the gradient of each output less its mean.
 *
 * Yong et al., "Gradient Centralization: A New Optimization Technique for Deep Neural Networks", 2020, https://arxiv.org/abs/2004.01461. As
 * `centralize_gradient` of pytorch_optimizer 4.1.0: the first dimension is the output, and tensors of one dimension stay as they are.
 *
 * @module
 */
import type { TransformPlugin } from "../../core/plugin/contract.ts";
import { byOutput } from "./by_output.ts";

/** Options of {@linkcode centralize}. */
export interface CentralizeOptions {
  /** Only kernels of convolutions, which have more than three dimensions; default false. */
  gcConvOnly?: boolean;
}

/**
 * Takes from each output's gradient its mean.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const params = { w: { data: new Float32Array(4), shape: [2, 2] } };
 * using optimizer = builtins.createOptimizer("sgd", params, { lr: 1 }, { transforms: [{ name: "centralize" }] });
 * optimizer.step({ w: new Float32Array([1, 3, 0, 4]) });
 * console.log(params.w.data.join(" ")); // 1 -1 2 -2
 * ```
 */
export const centralize: TransformPlugin<"centralize", CentralizeOptions> = {
  kind: "transform",
  name: "centralize",
  description: "Takes from each output's gradient its mean",
  source: "https://arxiv.org/abs/2004.01461; centralize_gradient of pytorch_optimizer 4.1.0",
  options: {
    gcConvOnly: { default: false, description: "Only kernels of convolutions, which have more than three dimensions" },
  },
  rule: ({ gcConvOnly }, { shape }) => {
    if (shape.length <= (gcConvOnly ? 3 : 1)) return {};
    return { matrix: byOutput(shape), before: "g -= rowmean(g)" };
  },
};

/**
 * Makers of optimizers.
 *
 * A step first checks everything and asks every plugin, then writes. So an error leaves all as it was.
 *
 * @module
 */
import { createState } from "./create_state.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { findNothing } from "../plugin/use.ts";
import type { Optimizer, Settings, Tensors } from "../types.ts";
import { showOptimizer } from "./view.ts";

/**
 * Makes an optimizer over named tensors.
 *
 * What is passed is what is updated: arrays of `backend.allocate` where they lie, ordinary arrays by a copy in and out at each step.
 *
 * An error takes no memory. TypeError: unknown options, settings, names in a group's list, what is of another type than asked for, two states under one
 * key. RangeError: values out of their range, no parameters, parameters in the same memory, shapes that do not fit their data, memory that is not there.
 * SyntaxError, with `line`, `name` and `known`: a mistake in a rule's text.
 *
 * @example Usage
 * ```ts
 * import { adamw, createOptimizer } from "@glissade/optim";
 *
 * const w = new Float32Array([1, 2]);
 * using optimizer = createOptimizer(adamw, { w }, { lr: 0.1 });
 * optimizer.step({ w: new Float32Array([1, -2]) });
 * console.log(w); // has moved
 * ```
 */
export function createOptimizer<Name extends string, Options>(
  plugin: OptimizerPlugin<Name, Options>,
  params: Tensors,
  options?: Options,
  settings?: Settings<Options>,
): Optimizer<Options> {
  return buildOptimizer(findNothing, plugin, params, options, settings) as Optimizer<Options>;
}

/** The same with plugins found by name. */
export function buildOptimizer(...of: Parameters<typeof createState>): Optimizer<unknown> {
  return showOptimizer(createState(...of));
}

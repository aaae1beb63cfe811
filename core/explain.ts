/**
 * A rule's passes as text.
 *
 * @module
 */
import { maths } from "../kernels/math.ts";
import { compile } from "../kernels/passes.ts";
import type { DType } from "../kernels/types.ts";
import { known, refuseUnknownKeys, show } from "./names.ts";
import { type AnySpecs, resolveOptions } from "./options.ts";
import type { OptimizerPlugin } from "./plugin.ts";
import { checkRule, extentOf, type Part, splice } from "./splice.ts";
import type { Use } from "./types.ts";
import { checkPlugin, findNothing, takeUse, titleOf } from "./use.ts";

/**
 * What one step does to a tensor of this shape: a line a pass, as "pass 1: read p g m v, write p m v".
 *
 * @example Usage
 * ```ts
 * import { adamw, clipGlobalNorm, explain } from "@glissade/optim";
 *
 * console.log(explain(adamw, [3, 4], { transforms: [{ name: clipGlobalNorm, options: { maxNorm: 1 } }] }));
 * ```
 */
export function explain<Options>(
  plugin: OptimizerPlugin<string, Options>,
  shape: readonly number[],
  how: { readonly options?: Partial<Options>; readonly dtype?: DType; readonly transforms?: readonly Use[] } = {},
): string {
  checkPlugin(plugin);
  if (plugin.kind !== "optimizer") throw new TypeError(`Cannot explain ${titleOf(plugin)}: give a plugin of kind "optimizer"`);
  refuseUnknownKeys("what explain takes", how, ["options", "dtype", "transforms"]);
  const { dtype = "float32", transforms = [] } = how;
  const dtypes: DType[] = ["float32", "bfloat16", "float16"];
  if (!dtypes.includes(dtype)) throw new RangeError(`Cannot explain a rule over ${show(dtype)}: ${known(dtypes)}`);
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot explain a rule over shape ${show(shape)}: a shape is an array of integers from 0`);
  }
  const tensor = { name: "w", shape, dtype };
  const rule = plugin as OptimizerPlugin;
  const parts = [ruleOf(rule, how.options, tensor), ...transforms.map((use, index) => transformOf(use, index, tensor))];
  extentOf(parts, tensor); // refuses matrices that do not fit
  const { scopes, update } = splice(parts, dtype);
  return compile(update, { scopes, p: dtype, g: dtype }).explain();
}

function ruleOf(plugin: OptimizerPlugin, given: object | undefined, tensor: Parameters<OptimizerPlugin["rule"]>[1]): Part {
  const title = titleOf(plugin);
  const options = resolveOptions(title, plugin.options as AnySpecs, given);
  plugin.check?.(options);
  const rule = plugin.rule(options, tensor);
  checkRule(title, rule, ["update"]);
  return { scope: plugin.name, title, rule, scalars: Object.keys(plugin.scalars(options, 1, maths)) };
}

function transformOf(use: Use, index: number, tensor: Parameters<OptimizerPlugin["rule"]>[1]): Part {
  const { plugin, options: given } = takeUse(findNothing, "transform", use);
  const title = titleOf(plugin);
  const options = resolveOptions(title, plugin.options as AnySpecs, given);
  plugin.check?.(options);
  const rule = plugin.rule(options, tensor);
  checkRule(title, rule, ["before", "after", "last"]);
  return { scope: `${index}:${plugin.name}`, title, rule, scalars: Object.keys(plugin.scalars?.(options, 1, maths) ?? {}) };
}

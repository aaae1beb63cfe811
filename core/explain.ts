/**
 * A rule's passes as text.
 *
 * @module
 */
import { dtypes } from "../kernels/tables/dtype_names.ts";
import { compile } from "../kernels/language/compile.ts";
import type { Condition } from "../kernels/language/statement.ts";
import type { DType } from "../kernels/types.ts";
import { about } from "./errors.ts";
import { splitGroups, startGroup } from "./optimizer/groups.ts";
import { matrixOf } from "./optimizer/matrix.ts";
import { scalarNames } from "./optimizer/numbers.ts";
import { partsOf } from "./optimizer/parts.ts";
import { compiling } from "./optimizer/programs.ts";
import { known, refuseUnknownKeys, show } from "./names.ts";
import type { OptimizerPlugin } from "./plugin/contract.ts";
import { splice } from "./optimizer/splice.ts";
import { makeTransforms } from "./optimizer/transforms.ts";
import type { Use } from "./types.ts";
import { ask, checkPlugin, findNothing, optionsOf, titleOf } from "./plugin/use.ts";

/**
 * What one step does to a tensor of this shape: a line a pass, as "pass 1: read p g m v, write p m v". Of a rule with parts, the passes of a step that
 * leaves all of them out, then for each condition those of a step that has its part.
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
  if (plugin.kind !== "optimizer") {
    throw about(new TypeError(`Cannot explain ${titleOf(plugin)}: give a plugin of kind "optimizer"`), { plugin: plugin.name });
  }
  refuseUnknownKeys("what explain takes", how, ["options", "dtype", "transforms"]);
  const { dtype = "float32", transforms = [] } = how;
  if (!dtypes.includes(dtype)) throw new RangeError(`Cannot explain a rule over ${show(dtype)}: ${known(dtypes)}`);
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new RangeError(`Cannot explain a rule over shape ${show(shape)}: a shape is an array of integers from 0`);
  }
  const tensor = { name: "w", shape, dtype };
  const [plain] = splitGroups(findNothing, plugin as OptimizerPlugin, new Map([[tensor.name, shape]]));
  const group = startGroup(plain, [], makeTransforms(findNothing, transforms), new Map());
  const options = optionsOf(group.plugin, how.options);
  ask(group.plugin, () => group.plugin.check?.(options));
  const parts = partsOf(group, options, scalarNames(group, options), tensor);
  return compiling(parts, () => {
    const spliced = splice(parts, dtype);
    matrixOf(parts, spliced, tensor); // refuses matrices that do not fit
    const { scopes, update, conditions } = spliced;
    const passes = (stands: (when: Condition | undefined) => boolean): string =>
      compile(update.filter(({ when }) => stands(when)), { scopes, p: dtype, g: dtype }).explain();
    if (conditions.length === 0) return passes(() => true);
    return [
      ["without its parts:", passes((when) => when === undefined)],
      ...conditions.map((one) => [`with the part when ${one.text}:`, passes((when) => when === undefined || when === one)]),
    ].flat().filter((text) => text !== "").join("\n");
  });
}

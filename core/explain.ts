/**
 * A rule's passes as text.
 *
 * @module
 */
import type { Condition } from "../kernels/language/statement.ts";
import type { DType } from "../kernels/types.ts";
import { oneText } from "./one_text.ts";
import type { OptimizerPlugin } from "./plugin/contract.ts";
import type { Use } from "./types.ts";

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
  const { program, conditions } = oneText("explain", plugin, shape, how, ["options", "dtype", "transforms"]);
  const passes = (stands: (when: Condition | undefined) => boolean): string => program(stands).explain();
  if (conditions.length === 0) return passes(() => true);
  return [
    ["without its parts:", passes((when) => when === undefined)],
    ...conditions.map((one) => [`with the part when ${one.text}:`, passes((when) => when === undefined || when === one)]),
  ].flat().filter((text) => text !== "").join("\n");
}

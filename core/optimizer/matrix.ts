/**
 * How a parameter is cut into matrices.
 *
 * @module
 */
import { extentOf } from "../../kernels/extent.ts";
import { dependsOnCut } from "../../kernels/language/matrices.ts";
import { isVector } from "../../kernels/tables/classes.ts";
import type { Extent } from "../../kernels/types.ts";
import { about } from "../errors.ts";
import { show } from "../names.ts";
import type { Part } from "./parts.ts";
import type { Rule, TensorInfo } from "../plugin/contract.ts";
import type { Splice } from "./splice.ts";
import { sameShape } from "../tensors.ts";

/** By default over its last two dimensions, or as one of the parts says, whose texts are spliced; `isOwn` where that is another cut. */
export function matrixOf(
  parts: readonly Part[],
  spliced: Splice,
  { name, shape }: TensorInfo,
): { readonly extent: Extent; readonly isOwn: boolean } {
  const { batch, rows, cols } = extentOf(shape);
  let found: { readonly matrix: readonly number[]; readonly title: string } | undefined;
  for (const part of parts) {
    const { title, plugin, rule } = part;
    if (rule.matrix === undefined && !usesMatrix(part, spliced)) continue;
    const matrix: readonly number[] = rule.matrix ?? [batch, rows, cols];
    if (!Array.isArray(matrix) || matrix.length !== 3 || !matrix.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      const message = `Cannot cut parameter "${name}" as ${title} says: matrix ${show(matrix)} is not [batch, rows, cols]`;
      throw about(new TypeError(message), { plugin, tensor: name });
    }
    if (found !== undefined && !sameShape(matrix, found.matrix)) {
      const message = `Cannot cut parameter "${name}" into ${show(found.matrix)} for ${found.title} and into ${show(matrix)} for ${title}`;
      throw about(new TypeError(message), { plugin, tensor: name });
    }
    found = { matrix, title };
  }
  const extent = extentOf(shape, found?.matrix as Rule["matrix"]);
  return { extent, isOwn: extent.batch !== batch || extent.rows !== rows || extent.cols !== cols };
}

/** True where the part cannot do without matrices, though it says no cut of its own. */
function usesMatrix({ scope, rule: { slots = {} } }: Part, { update, also, points }: Splice): boolean {
  return Object.values(slots).some(({ cls, shape }) => isVector(cls) || Array.isArray(shape)) ||
    [update, ...also.values(), ...points.values()].some((lines) => lines.some((line) => line.scope === scope && dependsOnCut(line)));
}

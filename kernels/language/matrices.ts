/**
 * Which lines depend on how a tensor is cut into matrices.
 *
 * @module
 */
import { routines } from "../routines/table.ts";
import { reductionCalls } from "../tables/ops.ts";
import type { Extent } from "../types.ts";
import type { Expr, Statement } from "./statement.ts";

/** The dimensions that a text may name: true where the cut decides them. */
export const dimensions: Readonly<Record<keyof Extent, boolean>> = { size: false, batch: true, rows: true, cols: true };

/** True where a line speaks of rows, columns or matrices: it reduces along them, names how many there are, or computes of whole matrices. */
export function dependsOnCut({ expr, when }: Statement): boolean {
  return find(expr) || when !== undefined && find(when.expr);
}

function find(e: Expr): boolean {
  if (e.kind === "number") return false;
  if (e.kind === "name") return Object.hasOwn(dimensions, e.name) && dimensions[e.name as keyof Extent];
  const axis = e.args.length === 1 ? reductionCalls.get(e.f)?.axis : undefined;
  return axis === "row" || axis === "col" || Object.hasOwn(routines, e.f) || e.args.some(find);
}

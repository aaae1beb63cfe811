/**
 * Conditions of parts: in which steps the lines of a part stand.
 *
 * A condition is known before a step begins, on the calling thread: it reads what `scalars` gives, `t` and the tensor's dimensions, and no slot.
 *
 * @module
 */
import { type Op, type Operation, ops, reductionCalls } from "../tables/ops.ts";
import { isRoutine } from "../routines/table.ts";
import type { DType, Extent, Scalars } from "../types.ts";
import { dimensions } from "./matrices.ts";
import { mistake } from "./mistake.ts";
import { parse } from "./parse.ts";
import type { Condition, Expr } from "./statement.ts";

/** Reads a condition. `scalars` are the numbers that its scope has; `linesBefore` says where it stands. */
export function parseCondition(text: string, scope: string, scalars: readonly string[], linesBefore: number): Condition {
  const lines = parse(text, scope, linesBefore);
  const line = linesBefore + 1;
  if (lines.length !== 1 || lines[0].name !== null) {
    throw mistake(`a part's condition is one expression, found ${JSON.stringify(text)}`, { line, name: text, scope });
  }
  const { expr } = lines[0];
  checkNames(expr, ["t", ...Object.keys(dimensions), ...scalars], { line, scope });
  return { text: text.trim(), scope, expr };
}

function checkNames(e: Expr, known: readonly string[], place: { readonly line: number; readonly scope: string }): void {
  if (e.kind === "number") return;
  if (e.kind === "name") {
    if (known.includes(e.name)) return;
    throw mistake(`"${e.name}" is not known before a step, where a part's condition is computed`, { ...place, name: e.name, known });
  }
  if (isRoutine(e.f) || e.args.length === 1 && reductionCalls.has(e.f)) {
    throw mistake(`${e.f} takes tensors, and a part's condition is computed of numbers`, { ...place, name: e.f });
  }
  for (const arg of e.args) checkNames(arg, known, place);
}

/** True where the part stands. NaN counts as 0, as in `where`. */
export function holds({ expr, scope }: Condition, numbers: Scalars, extent: Extent, dtype: DType): boolean {
  const value = evaluate(expr, (name) => {
    const own = numbers[`${scope}/${name}`];
    return own ?? (name === "t" ? numbers.t : extent[name as keyof Extent]);
  }, dtype);
  return value < 0 || value > 0;
}

function evaluate(e: Expr, read: (name: string) => number, dtype: DType): number {
  if (e.kind === "number") return e.value;
  if (e.kind === "name") return read(e.name);
  const [a = 0, b = 0, c = 0] = e.args.map((arg) => evaluate(arg, read, dtype));
  return (ops[e.f as Op] as Operation).evaluate(a, b, c, dtype);
}

/**
 * Statements: a text as parsed, before any name has a meaning.
 *
 * @module
 */
import type { Callable } from "../tables/ops.ts";

/** One line of a text: `name op expr`. */
export interface Statement {
  /** The name that is assigned; null: the bare expression that ends a point's text, or that may hold a run back. */
  readonly name: string | null;
  /** The right side; `a += b` is already `a = a + b`. */
  readonly expr: Expr;
  /** 1-based line in its text. */
  readonly line: number;
  /** Whose names it uses: the rule's plugin, or one transform. */
  readonly scope: string;
  /** Of a bare expression: where it is not 0, the run ends before anything is written but its scope's group slots. */
  readonly holds?: true;
  /** Of a line that some steps leave out: where it stands. */
  readonly when?: Condition;
}

/** What decides whether a part of a text stands in a step: an expression of numbers, one object for all that say the same. */
export interface Condition {
  readonly text: string;
  readonly scope: string;
  readonly expr: Expr;
}

/** An expression. */
export type Expr =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly f: Callable; readonly args: readonly Expr[] };

/** An expression as text, fully in calls: equal for equal expressions. */
export function print(e: Expr): string {
  return e.kind === "number" ? String(e.value) : e.kind === "name" ? e.name : `${e.f}(${e.args.map(print).join(",")})`;
}

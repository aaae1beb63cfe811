/**
 * Expressions of numbers, as functions: the rule language in float64, without a tensor in it. An element of an option that is a list is a name, too:
 * `betas[0]`.
 *
 * @module
 */
import { mistake } from "../../kernels/language/mistake.ts";
import { parse } from "../../kernels/language/parse.ts";
import type { Expr } from "../../kernels/language/statement.ts";
import { type Op, ops } from "../../kernels/tables/ops.ts";

/** Computes a number from those that lie under the names' places. */
export type Expression = (numbers: Float64Array) => number;

/** Names of expressions, and where their numbers lie. */
export interface Names {
  /** Place by name. */
  readonly places: Map<string, number>;
  /** Names that may not be assigned. */
  readonly fixed: ReadonlySet<string>;
  /** Names that expressions have used. */
  readonly used: Set<string>;
  /** Why a name has no number, for names that one could think had. */
  readonly hints: ReadonlyMap<string, string>;
}

/** Names to begin with. */
export function namesOf(fixed: readonly string[], hints: ReadonlyMap<string, string> = new Map()): Names {
  return { places: new Map(fixed.map((name, i) => [name, i])), fixed: new Set(fixed), used: new Set(), hints };
}

/** The same names, and room for more that others do not see. */
export function innerNames({ places, fixed, used, hints }: Names, more: readonly string[] = []): Names {
  const inner = { places: new Map(places), fixed: new Set([...fixed, ...more]), used, hints };
  for (const name of more) placeOf(inner, name);
  return inner;
}

/** Room for one number a name. */
export const roomFor = ({ places }: Names): Float64Array => new Float64Array(places.size).fill(NaN);

function placeOf({ places }: Names, name: string): number {
  let place = places.get(name);
  if (place === undefined) places.set(name, place = places.size);
  return place;
}

/** A line: where its number goes, and how it is computed. */
export interface Line {
  readonly name: string;
  readonly place: number;
  readonly run: Expression;
}

// The language knows no brackets; a name with two underscores before its last digits stands for an element.
const elements = (text: string): string => text.replace(/\b([A-Za-z]\w*)\[(\d{1,3})\]/g, "$1__$2");
const written = (text: string): string => text.replace(/\b([A-Za-z]\w*?)__(\d{1,3})\b/g, "$1[$2]");

/** One expression. */
export function readExpression(text: string, names: Names, scope: string): Expression {
  const statements = statementsOf(text, scope);
  const [first] = statements;
  if (statements.length !== 1 || first.name !== null) {
    throw mistake("expected one expression", { line: 1, name: first?.name ?? "", scope });
  }
  return compile(first.expr, names, 1, scope);
}

/** Lines, each of which assigns a name; later ones know it. */
export function readLines(text: string, names: Names, scope: string): Line[] {
  return statementsOf(text, scope).map(({ name, expr, line }) => {
    if (name === null) throw mistake("expected an assignment", { line, name: "", scope });
    if (names.fixed.has(name) || name.includes("__")) {
      throw mistake(`${JSON.stringify(written(name))} cannot be assigned here`, { line, name: written(name), scope });
    }
    const run = compile(expr, names, line, scope);
    return { name, place: placeOf(names, name), run };
  });
}

function statementsOf(text: string, scope: string): ReturnType<typeof parse> {
  try {
    return parse(elements(text), scope);
  } catch (error) {
    if (error instanceof SyntaxError) error.message = written(error.message);
    throw error;
  }
}

function compile(expr: Expr, names: Names, line: number, scope: string): Expression {
  if (expr.kind === "number") {
    const { value } = expr;
    return () => value;
  }
  if (expr.kind === "name") {
    const name = written(expr.name);
    const place = names.places.get(name);
    if (place === undefined) {
      const hint = names.hints.get(name.replace(/\[.*/, ""));
      const known = [...names.places.keys()];
      throw mistake(`"${name}" is no number here${hint === undefined ? "" : `: ${hint}`}`, { line, name, known, scope });
    }
    names.used.add(name);
    return (numbers) => numbers[place];
  }
  const { f, args } = expr;
  if (!Object.hasOwn(ops, f) || f === "round" || args.length !== ops[f as Op].arity) {
    throw mistake(`${f} is of tensors, and here are only numbers`, { line, name: f, scope });
  }
  const { evaluate } = ops[f as Op];
  const [a, b = a, c = a] = args.map((arg) => compile(arg, names, line, scope));
  switch (args.length) {
    case 1:
      return (numbers) => evaluate(a(numbers), 0, 0, "float32");
    case 2:
      return (numbers) => evaluate(a(numbers), b(numbers), 0, "float32");
    default:
      return (numbers) => evaluate(a(numbers), b(numbers), c(numbers), "float32");
  }
}

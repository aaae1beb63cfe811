/**
 * The operations of the rule language, one row each: how they are written, what they may be applied to, and what they mean in float64.
 *
 * A new element-wise operation is a row here and one entry in each lowering table (`backends/js/`, `backends/wasm/`, `backends/webgpu/`): those are of type
 * `Record<ElementOp, …>`, so that a missing entry does not compile. The parser, the class rules and the float64 evaluator need nothing.
 *
 * @module
 */
import { maths } from "../math.ts";
import { type RoutineName, routines } from "../routines/table.ts";
import { roundTo } from "./dtypes.ts";
import type { DType } from "../types.ts";

/** Operations that kernels have. */
export type ElementOp =
  | "+"
  | "-"
  | "*"
  | "/"
  | "neg"
  | "<"
  | "<="
  | ">"
  | ">="
  | "=="
  | "!="
  | "abs"
  | "sqrt"
  | "sign"
  | "min"
  | "max"
  | "clamp"
  | "fma"
  | "where"
  | "round";

/** Operations on numbers alone. */
export type NumberOp = "%" | "pow" | "exp" | "log" | "cos" | "floor";

/** Any operation. */
export type Op = ElementOp | NumberOp;

/** One operation. */
export interface Operation {
  /** How a text writes it: `f(a, b)`, a sign before its argument, or an operator between its arguments, which binds as these are listed. */
  readonly written: "function" | "sign" | "product" | "sum" | "comparison";
  /** How many arguments it has. */
  readonly arity: 1 | 2 | 3;
  /** The meaning in float64; `dtype` is that of `round` alone. Over elements every result is then rounded to float32. */
  evaluate(a: number, b: number, c: number, dtype: DType): number;
}

const truth = (is: boolean): number => is ? 1 : 0;

/** Operations on elements of tensors and on numbers. */
export const elementOps: Readonly<Record<ElementOp, Operation>> = {
  "+": { written: "sum", arity: 2, evaluate: (a, b) => a + b },
  "-": { written: "sum", arity: 2, evaluate: (a, b) => a - b },
  "*": { written: "product", arity: 2, evaluate: (a, b) => a * b },
  "/": { written: "product", arity: 2, evaluate: (a, b) => a / b },
  neg: { written: "sign", arity: 1, evaluate: (a) => -a },
  // Comparisons give 0 or 1, and 0 where an argument is NaN.
  "<": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a < b) },
  "<=": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a <= b) },
  ">": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a > b) },
  ">=": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a >= b) },
  "==": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a === b) },
  "!=": { written: "comparison", arity: 2, evaluate: (a, b) => truth(a < b || a > b) },
  abs: { written: "function", arity: 1, evaluate: (a) => Math.abs(a) },
  sqrt: { written: "function", arity: 1, evaluate: (a) => Math.sqrt(a) },
  sign: { written: "function", arity: 1, evaluate: (a) => a > 0 ? 1 : a < 0 ? -1 : a },
  // These three spread NaN.
  min: { written: "function", arity: 2, evaluate: (a, b) => Math.min(a, b) },
  max: { written: "function", arity: 2, evaluate: (a, b) => Math.max(a, b) },
  clamp: { written: "function", arity: 3, evaluate: (a, low, high) => Math.min(Math.max(a, low), high) },
  // a*b + c with an exact product: some references compute so. Of float32 numbers the product is exact in float64.
  fma: { written: "function", arity: 3, evaluate: (a, b, c) => a * b + c },
  // Selects: what is not chosen is never looked at. NaN counts as 0.
  where: { written: "function", arity: 3, evaluate: (condition, a, b) => condition < 0 || condition > 0 ? a : b },
  // To a dtype: the parameter's where a text writes it, a slot's where it is stored.
  round: { written: "function", arity: 1, evaluate: (a, _b, _c, dtype) => roundTo(dtype, a) },
};

/** Operations on numbers alone: no kernel has them. Their bits are the same in every engine. */
export const numberOps: Readonly<Record<NumberOp, Operation>> = {
  "%": { written: "product", arity: 2, evaluate: remainder },
  pow: { written: "function", arity: 2, evaluate: (a, b) => maths.pow(a, b) },
  exp: { written: "function", arity: 1, evaluate: (a) => maths.exp(a) },
  log: { written: "function", arity: 1, evaluate: (a) => maths.log(a) },
  cos: { written: "function", arity: 1, evaluate: (a) => maths.cos(a) },
  floor: { written: "function", arity: 1, evaluate: (a) => Math.floor(a) },
};

/** What is left of a, with the sign of b, as in Python: -1 % 10 is 9. JavaScript's remainder is exact, and has the sign of a. */
function remainder(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 === b < 0 ? rest : rest + b;
}

/** All operations by name. */
export const ops: Readonly<Record<Op, Operation>> = /* @__PURE__ */ Object.assign({}, elementOps, numberOps);

/** A reduction's name. */
export type ReductionName = "sum" | "mean" | "norm" | "rms" | "max";

/** What a reduction runs over: a whole tensor, each of its rows, each of its columns, all tensors, or those of its group. */
export type Axis = "full" | "row" | "col" | "all" | "group";

/** True for reductions over several tensors. */
export const overTensors = (axis: Axis): axis is "all" | "group" => axis === "all" || axis === "group";

/** A reduction. */
export interface Reduction {
  /** What a sum begins with. */
  readonly identity: number;
  /** True where elements are squared before they are added: what `element` does, for backends that generate code. */
  readonly squares: boolean;
  /** What an element adds to a sum. */
  element(x: number): number;
  /** Two parts of a sum to one. */
  join(a: number, b: number): number;
  /** The result, from the sum over n elements. */
  finish(sum: number, n: number): number;
}

const add = (a: number, b: number): number => a + b;
const itself = (x: number): number => x;
const square = (x: number): number => x * x;

/** Reductions by name. Sums are float64, in an order that is fixed by the shape. */
export const reductions: Readonly<Record<ReductionName, Reduction>> = {
  sum: { identity: 0, squares: false, element: itself, join: add, finish: (sum) => sum },
  mean: { identity: 0, squares: false, element: itself, join: add, finish: (sum, n) => sum / n },
  norm: { identity: 0, squares: true, element: square, join: add, finish: (sum) => Math.sqrt(sum) },
  rms: { identity: 0, squares: true, element: square, join: add, finish: (sum, n) => Math.sqrt(sum / n) },
  max: { identity: -Infinity, squares: false, element: itself, join: (a, b) => Math.max(a, b), finish: (max) => max },
};

const prefixes: Readonly<Record<Axis, string>> = { full: "", row: "row", col: "col", all: "all", group: "group" };

/** A reduction as a text calls it: `norm`, `rownorm`, `colnorm`, `allnorm`, `groupnorm`. */
export type ReductionCall = `${"" | "row" | "col" | "all" | "group"}${ReductionName}`;

/** Reductions as texts call them. */
export const reductionCalls: ReadonlyMap<string, { readonly f: ReductionName; readonly axis: Axis }> = /* @__PURE__ */ reductionTable();

function reductionTable(): Map<string, { f: ReductionName; axis: Axis }> {
  const table = new Map<string, { f: ReductionName; axis: Axis }>();
  for (const [axis, prefix] of Object.entries(prefixes)) {
    for (const f of Object.keys(reductions)) table.set(prefix + f, { f: f as ReductionName, axis: axis as Axis });
  }
  return table;
}

/** Operators that stand between two arguments. */
export const operators: ReadonlyMap<string, "product" | "sum" | "comparison"> = /* @__PURE__ */ operatorTable();

function operatorTable(): Map<string, "product" | "sum" | "comparison"> {
  const table = new Map<string, "product" | "sum" | "comparison">();
  for (const [op, { written }] of Object.entries(ops)) if (written !== "function" && written !== "sign") table.set(op, written);
  return table;
}

/** Rounding to a dtype that a text names: `bfloat16(x)`. Over elements it is the operation `round`, with that dtype. */
export const casts: readonly ["bfloat16", "float16"] = ["bfloat16", "float16"];

/** One of {@linkcode casts}. */
export type Cast = (typeof casts)[number];

/** What an expression may call. */
export type Callable = Op | Cast | ReductionCall | RoutineName;

/** Functions as a text writes them, with their numbers of arguments: `max` has two, `max` of one argument reduces. */
export const functions: ReadonlyMap<string, readonly number[]> = /* @__PURE__ */ functionTable();

function functionTable(): Map<string, number[]> {
  const table = new Map<string, number[]>();
  for (const [name, { written, arity }] of Object.entries(ops)) if (written === "function") table.set(name, [arity]);
  for (const name of casts) table.set(name, [1]);
  for (const name of reductionCalls.keys()) table.set(name, [1, ...table.get(name) ?? []]);
  for (const [name, { takes }] of Object.entries(routines)) table.set(name, [takes.length]);
  return table;
}

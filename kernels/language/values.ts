/**
 * Statements → SSA values: what a text means.
 *
 * Every assignment makes a new value, and equal expressions of equal values are one value. Arguments stand before what is made of them, so that a
 * walk over arguments ends.
 *
 * @module
 */
import { isRoutine, type RoutineName, routines, type Side, type Sides } from "../routines/table.ts";
import {
  type Class,
  classes,
  classOf,
  fits,
  isMatrix,
  isNumber,
  isVector,
  type MatrixClass,
  matrixSides,
  type NumberSlotClass,
  perWhat,
  shapeOf,
  type VectorClass,
  vectorOf,
  wider,
} from "../tables/classes.ts";
import { type Axis, type Cast, casts, numberOps, type Op, overTensors, reductionCalls, type ReductionName } from "../tables/ops.ts";
import type { DType, Scope, SlotType } from "../types.ts";
import { dimensions } from "./matrices.ts";
import { mistake } from "./mistake.ts";
import { type Expr, print, type Statement } from "./statement.ts";

/** What a reduction computes, and over what. */
export interface Reduce {
  readonly f: ReductionName;
  readonly axis: Axis;
  /** Of a reduction over several tensors: which sum over the tensors it belongs to. */
  readonly all: string;
}

/** An SSA value. Values of class option, group and scalar are float64, the others float32. */
export interface Value {
  readonly id: number;
  /**
   * A constant, a number that comes with a run, a dimension, a slot that is a number, a tensor's content, a reduction, `as`, an operation, a routine, or
   * `keep`: the argument in memory, as float32, where a routine reads it.
   */
  readonly op: "const" | "input" | "dim" | "slot" | "load" | "reduce" | "as" | "keep" | Op | RoutineName;
  readonly args: readonly Value[];
  readonly cls: Class;
  /** Of input, dim, slot and load. */
  readonly key: string;
  /** Of const. */
  readonly number: number;
  /** Of load and round. */
  readonly dtype: DType;
  readonly reduce: Reduce | null;
}

/** What names mean to a text. */
export interface Names {
  /** Slots and scalars of each scope. */
  readonly scopes: Readonly<Record<string, Scope>>;
  /** Dtype of `p`; without it the text has neither `p` nor `t`. */
  readonly p?: DType;
  /** Dtype of `g`; without it the text has no `g`. */
  readonly g?: DType;
  /** True for a point's text: `p` goes to key `out`, nothing else is written. */
  readonly point?: boolean;
}

/** A slot that is a number and is written, with the id of its last value. */
export interface NumberStore {
  readonly key: string;
  readonly id: number;
  readonly cls: NumberSlotClass;
}

/** What may hold a run back: a number that is not 0, and what its scope's group slots are then. */
export interface Hold {
  readonly scope: string;
  /** Of the number. */
  readonly id: number;
  readonly stores: readonly NumberStore[];
}

/** Why a text runs over square matrices alone: its first line that needs as many rows as columns. */
export interface Square {
  readonly line: number;
  readonly scope: string;
}

/** A line that needs a matrix with at least as many rows as columns, and the matrix' sides. */
export interface Tall extends Square {
  readonly height: Side;
  readonly width: Side;
}

/** What a text computes. */
export interface Meaning {
  readonly values: readonly Value[];
  /** What tensors' slots hold afterwards, by key. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Class and dtype of every slot, by key. */
  readonly slotType: ReadonlyMap<string, { readonly cls: SlotType["shape"]; readonly dtype: DType }>;
  /** What must be computed; all else that a value's arguments do not lead to is dead. */
  readonly roots: readonly Value[];
  readonly numberStores: readonly NumberStore[];
  /** In the order of the text. */
  readonly holds: readonly Hold[];
  /** By id of a matrix in memory: what the text calls it. */
  readonly labels: ReadonlyMap<number, string>;
  readonly square: Square | null;
  readonly tall: readonly Tall[];
}

/** True for what lies in memory of its own, from the round after the one that makes it. */
export const isMade = ({ op }: Value): boolean => op === "reduce" || op === "keep" || isRoutine(op);

/** What a reduction of one tensor runs over. */
type TensorAxis = Exclude<Axis, "all" | "group">;

type Call = Extract<Expr, { readonly kind: "call" }>;

/** The reduction that a call is; `max` of two arguments is none. */
const reductionOf = ({ f, args }: Call): ReturnType<typeof reductionCalls.get> => args.length === 1 ? reductionCalls.get(f) : undefined;

const dims = /* @__PURE__ */ Object.keys(dimensions);
const fixedNames = ["t", "size", "batch", "rows", "cols"];
// Locals by which rules and transforms speak with each other: one for all scopes.
const sharedNames = ["u", "g", "p"];

// A hostile text must not take the compiler's time or stack: the largest rules that are known have under a hundred values.
const mostValues = 1_000;

/** A text as far as it is read. */
interface Draft {
  readonly names: Names;
  readonly values: Value[];
  readonly interned: Map<string, Value>;
  /** Class and dtype of slots and of `p`, by key. */
  readonly slotType: Map<string, { readonly cls: SlotType["shape"]; readonly dtype: DType }>;
  /** What slots and `p` hold now, by key. */
  readonly current: Map<string, Value>;
  /** What locals hold now, by {@linkcode localKey}. */
  readonly locals: Map<string, Value>;
  /** How often a sum over all tensors was read with the same words. */
  readonly sums: Map<string, number>;
  readonly labels: Map<number, string>;
  readonly holds: Hold[];
  square: Square | null;
  readonly tall: Tall[];
}

/** The values of a text. Throws a SyntaxError with `line`, `name` and `known`. */
export function valuesOf(statements: readonly Statement[], names: Names): Meaning {
  const draft = begin(names);
  let point: Value | undefined;
  for (const s of statements) {
    const { name, scope, line } = s;
    const value = rightSide(draft, s);
    if (draft.values.length > mostValues) {
      const why = `up to here the text computes ${draft.values.length} values, at most ${mostValues} are compiled`;
      throw mistake(why, { line, name: name ?? "", scope });
    }
    if (name !== null) {
      assign(draft, s, name, value);
      continue;
    }
    if (s.holds) {
      addHold(draft, s, value);
      continue;
    }
    if (!names.point) throw mistake("expected an assignment, name = …", { line, name: "", scope });
    if (s !== statements.at(-1)) throw mistake("the expression that gives the point must be the last line", { line, name: "", scope });
    point = value;
  }
  return names.point ? pointOf(draft, point) : updateOf(draft);
}

/** The value of this kind: the one that there is, or a new one. */
function make(
  { values, interned }: Draft,
  op: Value["op"],
  args: readonly Value[],
  cls: Class,
  { key = "", number = 0, dtype = "float32", reduce = null }: Partial<Pick<Value, "key" | "number" | "dtype" | "reduce">> = {},
): Value {
  const name = `${op} ${args.map((a) => a.id)} ${cls} ${key} ${number} ${dtype} ${JSON.stringify(reduce)}`;
  let value = interned.get(name);
  if (value === undefined) {
    value = { id: values.length, op, args, cls, key, number, dtype, reduce };
    interned.set(name, value);
    values.push(value);
  }
  return value;
}

// ------------------------------------------------------------------------------------------------------------------------------------ names

function begin(names: Names): Draft {
  const draft: Draft = {
    names,
    values: [],
    interned: new Map(),
    slotType: new Map(),
    current: new Map(),
    locals: new Map(),
    sums: new Map(),
    labels: new Map(),
    holds: [],
    square: null,
    tall: [],
  };
  const addSlot = (key: string, cls: SlotType["shape"], dtype: DType): void => {
    draft.slotType.set(key, { cls, dtype });
    draft.current.set(key, isNumber(cls) ? make(draft, "slot", [], cls, { key }) : make(draft, "load", [], cls, { key, dtype }));
  };
  if (names.p) addSlot("p", "param", names.p);
  if (names.g) draft.locals.set("g", make(draft, "load", [], "param", { key: "g", dtype: names.g }));
  for (const [scope, { slots }] of Object.entries(names.scopes)) {
    for (const [name, { shape, dtype }] of Object.entries(slots)) addSlot(keyIn(scope, name), shape, dtype);
  }
  return draft;
}

const keyIn = (scope: string, name: string): string => scope === "" ? name : `${scope}/${name}`;

const localKey = (scope: string, name: string): string => sharedNames.includes(name) ? name : `${scope}/${name}`;

/** The key of the slot that a name means, or of `p`. */
function slotKey({ names }: Draft, scope: string, name: string): string | undefined {
  if (Object.hasOwn(names.scopes[scope]?.slots ?? {}, name)) return keyIn(scope, name);
  return name === "p" && names.p ? "p" : undefined;
}

/** What a name holds now. */
function resolve(draft: Draft, name: string, { scope, line }: Statement): Value {
  const { names, current, locals } = draft;
  const slot = slotKey(draft, scope, name);
  const held = slot === undefined ? locals.get(localKey(scope, name)) : current.get(slot);
  if (held !== undefined) return held;
  if (names.scopes[scope]?.scalars.includes(name)) return make(draft, "input", [], "option", { key: keyIn(scope, name) });
  if (name === "t" && names.p) return make(draft, "input", [], "option", { key: "t" });
  if (dims.includes(name)) return make(draft, "dim", [], "scalar", { key: name });
  throw mistake(`"${name}" has no value here`, { line, name, known: knownNames(draft, scope), scope });
}

function knownNames({ names, locals }: Draft, scope: string): string[] {
  const own = [...locals.keys()].filter((key) => !key.includes("/") || key.startsWith(`${scope}/`));
  const { slots = {}, scalars = [] } = names.scopes[scope] ?? {};
  return [
    ...new Set([
      ...(names.p ? ["p"] : []),
      ...(names.g ? ["g"] : []),
      ...Object.keys(slots),
      ...own.map((key) => key.slice(key.lastIndexOf("/") + 1)),
      ...scalars,
      ...(names.p ? ["t"] : []),
      ...dims,
    ]),
  ];
}

// ------------------------------------------------------------------------------------------------------------------------------ expressions

/** The value that a line assigns. */
function rightSide(draft: Draft, s: Statement): Value {
  const { name, expr } = s;
  if (name !== null && expr.kind === "call") {
    const reduction = reductionOf(expr);
    if (reduction !== undefined && overTensors(reduction.axis)) return sumOver(draft, expr, reduction.axis, reduction.f, s);
    if (isRoutine(expr.f)) return matrixLine(draft, name, expr.f, expr.args, s);
  }
  return expression(draft, expr, s);
}

function expression(draft: Draft, e: Expr, s: Statement): Value {
  if (e.kind === "number") return make(draft, "const", [], "option", { number: e.value });
  if (e.kind === "name") return resolve(draft, e.name, s);
  const { line, scope } = s;
  const reduction = reductionOf(e);
  if (reduction !== undefined && overTensors(reduction.axis) || isRoutine(e.f)) {
    throw mistake(`${e.f} must stand on a line of its own, as name = ${e.f}(…)`, { line, name: e.f, scope });
  }
  const args = e.args.map((arg) => expression(draft, arg, s));
  if (reduction !== undefined) return reduceTo(draft, e.f, reduction.axis as TensorAxis, reduction.f, args[0], s);
  if ((casts as readonly string[]).includes(e.f)) return rounded(draft, args[0], e.f as Cast);
  const op = e.f as Op;
  const cls = mixed(draft, args.map((a) => a.cls), s);
  if (Object.hasOwn(numberOps, op) && !isNumber(cls)) {
    throw mistake(`${op} takes numbers, not a value per ${perWhat(cls)}`, { line, name: op, scope });
  }
  return op === "round" ? rounded(draft, args[0], draft.names.p ?? "float32") : make(draft, op, args, cls);
}

/** The class of an operation's result. Matrices of different sides meet where the tensor is square; vectors are those of the tensor's own rows and columns. */
function mixed(draft: Draft, list: readonly Class[], s: Statement): Class {
  const cls = list.reduce(wider);
  const other = list.find((one) => isMatrix(one) && one !== cls);
  if (other !== undefined) needSquare(draft, s);
  const made = list.find((one) => isMatrix(one) && one !== "param");
  const vector = list.find(isVector);
  if (made !== undefined && vector !== undefined) {
    const why = `a matrix of ${matrixSides[made as "rowsRows"].join(" x ")} does not go with a value per ${vector}`;
    throw mistake(why, { line: s.line, name: s.name ?? "", scope: s.scope });
  }
  return cls;
}

function needSquare(draft: Draft, { line, scope }: Statement): void {
  draft.square ??= { line, scope };
}

/** What a line gives that calls a routine. */
function matrixLine(draft: Draft, name: string, f: RoutineName, args: readonly Expr[], s: Statement): Value {
  const { takes, agree, result, tall } = routines[f];
  const operands = args.map((arg, k) => operandOf(draft, f, takes[k], arg, s));
  const shapes = operands.map(({ cls }) => shapeOf(cls as MatrixClass | VectorClass));
  const equal: Sides | null = agree(shapes);
  if (equal !== null && equal[0] !== equal[1]) needSquare(draft, s);
  const [[height, width = height]] = shapes;
  if (tall && height !== width) draft.tall.push({ line: s.line, scope: s.scope, height, width });
  const value = make(draft, f, operands, classOf(result(shapes)));
  if (!draft.labels.has(value.id)) draft.labels.set(value.id, name);
  return value;
}

/**
 * A routine's argument, where the routine can read it: a tensor of float32 as it was, what a routine or a reduction gave, or a copy of anything else.
 */
function operandOf(draft: Draft, f: RoutineName, what: "matrix" | "vector", arg: Expr, s: Statement): Value {
  const { line, scope } = s;
  if (arg.kind !== "name") throw mistake(`${f} takes names: what it reads lies in memory`, { line, name: f, scope });
  const value = resolve(draft, arg.name, s);
  if (what === "matrix" ? !isMatrix(value.cls) : value.cls !== "row" && value.cls !== "col") {
    const wanted = what === "matrix" ? "takes matrices" : `has a value per row or column as its ${f === "gather" ? "order" : "numbers"}`;
    const is = isNumber(value.cls) ? "a number" : isMatrix(value.cls) ? "a matrix" : `a value per ${value.cls}`;
    throw mistake(`${f} ${wanted}, and "${arg.name}" is ${is}`, { line, name: arg.name, scope });
  }
  if (isMade(value) || value.op === "load" && value.dtype === "float32") return value;
  const kept = make(draft, "keep", [value], value.cls);
  if (!draft.labels.has(kept.id)) draft.labels.set(kept.id, arg.name);
  return kept;
}

function rounded(draft: Draft, value: Value, dtype: DType): Value {
  // Elements are float32 already.
  return dtype === "float32" && !isNumber(value.cls) ? value : make(draft, "round", [value], value.cls, { dtype });
}

function reduceTo(
  draft: Draft,
  name: string,
  axis: TensorAxis,
  f: ReductionName,
  arg: Value,
  { line, scope }: Statement,
): Value {
  const refuse = (why: string): never => {
    throw mistake(`${name} ${why}`, { line, name, scope });
  };
  if (isNumber(arg.cls)) refuse("takes a tensor, not one number");
  const reduce = { f, axis, all: "" };
  if (axis === "full") return make(draft, "reduce", [arg], "scalar", { reduce });
  if (isMatrix(arg.cls)) return make(draft, "reduce", [arg], vectorOf(arg.cls, axis), { reduce });
  if (arg.cls === axis || arg.cls === "batch") refuse(`has nothing to reduce: its argument has one value per ${arg.cls}`);
  return make(draft, "reduce", [arg], "batch", { reduce });
}

/** A sum over all tensors, or over those of a group. Texts of several groups take part in one sum where they say the same: the nth time in one, the nth time in all. */
function sumOver(draft: Draft, call: Call, axis: "all" | "group", f: ReductionName, s: Statement): Value {
  const { name, scope, line } = s;
  const text = `${scope} ${name}=${print(call)}`;
  const nth = draft.sums.get(text) ?? 0;
  draft.sums.set(text, nth + 1);
  const arg = expression(draft, call.args[0], s);
  if (classes[arg.cls].rank < classes.scalar.rank) {
    throw mistake(`${call.f} takes a value per tensor or finer`, { line, name: call.f, scope });
  }
  return make(draft, "reduce", [arg], "group", { reduce: { f, axis, all: `${text}#${nth}` } });
}

// ------------------------------------------------------------------------------------------------------------------------------ assignments

function assign(draft: Draft, s: Statement, name: string, right: Value): void {
  const { scope, line } = s;
  if (fixedNames.includes(name)) throw mistake(`"${name}" cannot be assigned`, { line, name, known: knownNames(draft, scope), scope });
  const key = slotKey(draft, scope, name);
  if (key === undefined) return void draft.locals.set(localKey(scope, name), right);
  const { cls, dtype } = draft.slotType.get(key)!;
  if (!fits(right.cls, cls)) {
    throw mistake(`"${name}" holds one value per ${cls}, and is assigned one per ${perWhat(right.cls)}`, { line, name, scope });
  }
  if (isMatrix(right.cls) && right.cls !== cls) needSquare(draft, s);
  if (cls === "group" && draft.names.scopes[scope]?.common && isEachGroups(right)) {
    throw mistake(`"${name}" is one number for all groups, and is assigned one that each group sums apart`, { line, name, scope });
  }
  const value = isNumber(cls) || dtype === "float32" ? right : rounded(draft, right, dtype);
  // A group slot's is a value of its own, the group's one: the expression may differ between tensors with different t.
  const spread = value.cls !== cls || cls === "group";
  draft.current.set(key, spread ? make(draft, "as", [value], cls) : value);
}

/** True for what differs between groups because each sums over its own tensors. */
function isEachGroups(value: Value, seen: Set<Value> = new Set()): boolean {
  if (seen.has(value) || value.reduce?.axis === "all") return false;
  seen.add(value);
  return value.reduce?.axis === "group" || value.args.some((arg) => isEachGroups(arg, seen));
}

/** What decides whether the run is held back is one number for all tensors: known before any of them is written. */
function addHold(draft: Draft, { scope, line }: Statement, value: Value): void {
  if (!isNumber(value.cls) || value.cls === "scalar") {
    const why = `what holds a step back is one number for all tensors, not one per ${
      value.cls === "scalar" ? "tensor" : perWhat(value.cls)
    }`;
    throw mistake(`${why}: sum it up on a line of its own, as n = allmax(x)`, { line, name: "hold", scope });
  }
  const stores = numbersOf(draft).filter(({ key, cls }) => cls === "group" && key.startsWith(keyIn(scope, "")));
  draft.holds.push({ scope, id: value.id, stores });
}

/** The slots that are numbers and have been assigned, as they are now. */
function numbersOf({ current, slotType }: Draft): NumberStore[] {
  return [...current].flatMap(([key, value]) => {
    const { cls } = slotType.get(key)!;
    return isNumber(cls) && isChanged(key, value) ? [{ key, id: value.id, cls }] : [];
  });
}

const isChanged = (key: string, { op, key: own }: Value): boolean => !((op === "load" || op === "slot") && own === key);

/** What a point's text computes: its last expression, or p. */
function pointOf(draft: Draft, point: Value | undefined): Meaning {
  const { names: { p = "float32" }, current, slotType } = draft;
  const last = point ?? current.get("p");
  if (last === undefined || !fits(last.cls, "param")) throw mistake("a point's text gives p", { line: 1, name: "p" });
  if (isMatrix(last.cls) && last.cls !== "param") draft.square ??= { line: 1, scope: "" };
  const value = p === "float32" ? last : rounded(draft, last, p);
  // A plain copy of p is a point too.
  const out = value.cls === "param" && value.op !== "load" ? value : make(draft, "as", [value], "param");
  slotType.set("out", { cls: "param", dtype: p });
  return meaningOf(draft, new Map([["out", out]]), []);
}

/** What any other text computes: every slot whose content is another one than before. */
function updateOf(draft: Draft): Meaning {
  const outputs = new Map<string, Value>();
  for (const [key, value] of draft.current) {
    const { cls } = draft.slotType.get(key)!;
    if (!isNumber(cls) && isChanged(key, value)) outputs.set(key, value.op === "load" ? make(draft, "as", [value], cls) : value);
  }
  return meaningOf(draft, outputs, numbersOf(draft));
}

function meaningOf(
  { values, slotType, labels, holds, square, tall }: Draft,
  outputs: ReadonlyMap<string, Value>,
  numberStores: readonly NumberStore[],
): Meaning {
  // A sum over all tensors is computed even where this text does not read it: others may.
  const sums = values.filter((v) => v.reduce !== null && overTensors(v.reduce.axis));
  return {
    values,
    outputs,
    slotType,
    roots: [
      ...outputs.values(),
      ...[...numberStores, ...holds, ...holds.flatMap(({ stores }) => stores)].map(({ id }) => values[id]),
      ...sums,
    ],
    numberStores,
    holds,
    labels,
    square,
    tall,
  };
}

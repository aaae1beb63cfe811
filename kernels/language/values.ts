/**
 * Statements → SSA values: what a text means.
 *
 * Every assignment makes a new value, and equal expressions of equal values are one value. Arguments stand before what is made of them, so that a
 * walk over arguments ends.
 *
 * @module
 */
import { type Class, classes, fits, isNumber, perWhat, wider } from "../tables/classes.ts";
import { type Axis, numberOps, type Op, reductionCalls, type ReductionName } from "../tables/ops.ts";
import type { DType, Scope, SlotClass } from "../types.ts";
import { mistake } from "./parse.ts";
import { type Expr, print, type Statement } from "./statement.ts";

/** What a reduction computes, and over what. */
export interface Reduce {
  readonly f: ReductionName;
  readonly axis: Axis;
  /** Of an `all…` reduction: which sum over the tensors it belongs to. */
  readonly all: string;
}

/** An SSA value. Values of class option, group and scalar are float64, the others float32. */
export interface Value {
  readonly id: number;
  /** A constant, a number that comes with a run, a dimension, a slot that is a number, a tensor's content, a reduction, `as`, or an operation. */
  readonly op: "const" | "input" | "dim" | "slot" | "load" | "reduce" | "as" | Op;
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
  readonly cls: "scalar" | "group";
}

/** What a text computes. */
export interface Meaning {
  readonly values: readonly Value[];
  /** What tensors' slots hold afterwards, by key. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Class and dtype of every slot, by key. */
  readonly slotType: ReadonlyMap<string, { readonly cls: SlotClass; readonly dtype: DType }>;
  /** What must be computed; all else that a value's arguments do not lead to is dead. */
  readonly roots: readonly Value[];
  readonly numberStores: readonly NumberStore[];
}

/** The reduction that a call is; `max` of two arguments is none. */
const reductionOf = ({ f, args }: Extract<Expr, { kind: "call" }>): ReturnType<typeof reductionCalls.get> =>
  args.length === 1 ? reductionCalls.get(f) : undefined;

const dims = ["size", "batch", "rows", "cols"];
const fixedNames = ["t", "size", "batch", "rows", "cols"];

// A hostile text must not take the compiler's time or stack: the largest rules that are known have under a hundred values.
const mostValues = 1_000;

/** The values of a text. Throws a SyntaxError with `line`, `name` and `known`. */
export function valuesOf(statements: readonly Statement[], names: Names): Meaning {
  const values: Value[] = [];
  const interned = new Map<string, Value>();
  const make = (
    op: Value["op"],
    args: readonly Value[],
    cls: Class,
    more: Partial<Pick<Value, "key" | "number" | "dtype" | "reduce">> = {},
  ): Value => {
    const { key = "", number = 0, dtype = "float32", reduce = null } = more;
    const name = `${op} ${args.map((a) => a.id)} ${cls} ${key} ${Object.is(number, -0) ? "-0" : number} ${dtype} ${JSON.stringify(reduce)}`;
    let value = interned.get(name);
    if (value === undefined) {
      value = { id: values.length, op, args, cls, key, number, dtype, reduce };
      interned.set(name, value);
      values.push(value);
    }
    return value;
  };

  // ---- names
  const pType = names.p ?? "float32";
  const current = new Map<string, Value>(); // slots and p, by key
  const slotType = new Map<string, { cls: SlotClass; dtype: DType }>();
  const locals = new Map<string, Value>(); // by "scope/name"; u and g without a scope
  const addSlot = (key: string, cls: SlotClass, dtype: DType): void => {
    slotType.set(key, { cls, dtype });
    current.set(key, cls === "scalar" || cls === "group" ? make("slot", [], cls, { key }) : make("load", [], cls, { key, dtype }));
  };
  if (names.p) addSlot("p", "param", names.p);
  if (names.g) locals.set("g", make("load", [], "param", { key: "g", dtype: names.g }));
  for (const [scope, { slots }] of Object.entries(names.scopes)) {
    for (const [name, slot] of Object.entries(slots)) addSlot(scope === "" ? name : `${scope}/${name}`, slot.shape, slot.dtype);
  }
  const slotKey = (scope: string, name: string): string | undefined => {
    if (Object.hasOwn(names.scopes[scope]?.slots ?? {}, name)) return scope === "" ? name : `${scope}/${name}`;
    return name === "p" && names.p ? "p" : undefined;
  };
  const localKey = (scope: string, name: string): string => ["u", "g", "p"].includes(name) ? name : `${scope}/${name}`;
  const knownNames = (scope: string): string[] => {
    const own = [...locals.keys()].filter((key) => !key.includes("/") || key.startsWith(`${scope}/`)).map((key) =>
      key.slice(key.lastIndexOf("/") + 1)
    );
    const { slots = {}, scalars = [] } = names.scopes[scope] ?? {};
    return [
      ...new Set([
        ...(names.p ? ["p"] : []),
        ...(names.g ? ["g"] : []),
        ...Object.keys(slots),
        ...own,
        ...scalars,
        ...(names.p ? ["t"] : []),
        ...dims,
      ]),
    ];
  };
  const resolve = (name: string, { scope, line }: Statement): Value => {
    const slot = slotKey(scope, name);
    const local = slot === undefined ? locals.get(localKey(scope, name)) : current.get(slot);
    if (local !== undefined) return local;
    if (names.scopes[scope]?.scalars.includes(name)) return make("input", [], "option", { key: scope === "" ? name : `${scope}/${name}` });
    if (name === "t" && names.p) return make("input", [], "option", { key: "t" });
    if (dims.includes(name)) return make("dim", [], "scalar", { key: name });
    throw mistake(`"${name}" has no value here`, { line, name, known: knownNames(scope), scope });
  };

  // ---- expressions
  const evaluate = (e: Expr, s: Statement): Value => {
    if (e.kind === "number") return make("const", [], "option", { number: e.value });
    if (e.kind === "name") return resolve(e.name, s);
    const reduction = reductionOf(e);
    if (reduction !== undefined) {
      if (reduction.axis === "all") {
        throw mistake(`${e.f} must stand on a line of its own, as name = ${e.f}(…)`, { line: s.line, name: e.f, scope: s.scope });
      }
      return reduceTo(e.f, reduction.axis, reduction.f, evaluate(e.args[0], s), s);
    }
    const op = e.f as Op;
    const args = e.args.map((arg) => evaluate(arg, s));
    const cls = args.map((a) => a.cls).reduce(wider);
    if (Object.hasOwn(numberOps, op) && !isNumber(cls)) {
      throw mistake(`${op} takes numbers, not a value per ${perWhat(cls)}`, { line: s.line, name: op, scope: s.scope });
    }
    return op === "round" ? round(args[0], pType) : make(op, args, cls);
  };
  const round = (value: Value, dtype: DType): Value =>
    dtype === "float32" && !isNumber(value.cls) ? value : make("round", [value], value.cls, { dtype });
  const reduceTo = (name: string, along: "full" | "row" | "col", f: ReductionName, arg: Value, s: Statement): Value => {
    const refuse = (why: string): never => {
      throw mistake(`${name} ${why}`, { line: s.line, name, scope: s.scope });
    };
    if (isNumber(arg.cls)) refuse("takes a tensor, not one number");
    if (along === "full") return make("reduce", [arg], "scalar", { reduce: { f, axis: "full", all: "" } });
    if (arg.cls === along || arg.cls === "batch") refuse(`has nothing to reduce: its argument has one value per ${arg.cls}`);
    return make("reduce", [arg], arg.cls === "param" ? along : "batch", { reduce: { f, axis: along, all: "" } });
  };

  // ---- statements
  let point: Value | undefined;
  const seenAlls = new Map<string, number>();
  for (const s of statements) {
    const { name, expr, scope, line } = s;
    let value: Value;
    const whole = expr.kind === "call" ? reductionOf(expr) : undefined;
    if (expr.kind === "call" && whole?.axis === "all" && name !== null) {
      const text = `${scope} ${name}=${print(expr)}`;
      const nth = seenAlls.get(text) ?? 0;
      seenAlls.set(text, nth + 1);
      const arg = evaluate(expr.args[0], s);
      if (classes[arg.cls].rank < classes.scalar.rank) {
        throw mistake(`${expr.f} takes a value per tensor or finer`, { line, name: expr.f, scope });
      }
      value = make("reduce", [arg], "group", { reduce: { ...whole, all: `${text}#${nth}` } });
    } else {
      value = evaluate(expr, s);
    }
    if (values.length > mostValues) {
      throw mistake(`up to here the text computes ${values.length} values, at most ${mostValues} are compiled`, {
        line,
        name: name ?? "",
        scope,
      });
    }
    if (name === null) {
      if (!names.point) throw mistake("expected an assignment, name = …", { line, name: "", scope });
      if (s !== statements.at(-1)) throw mistake("the expression that gives the point must be the last line", { line, name: "", scope });
      point = value;
      continue;
    }
    if (fixedNames.includes(name)) throw mistake(`"${name}" cannot be assigned`, { line, name, known: knownNames(scope), scope });
    const key = slotKey(scope, name);
    if (key === undefined) {
      locals.set(localKey(scope, name), value);
      continue;
    }
    const { cls, dtype } = slotType.get(key)!;
    if (!fits(value.cls, cls)) {
      throw mistake(`"${name}" holds one value per ${cls}, and is assigned one per ${perWhat(value.cls)}`, {
        line,
        name,
        scope,
      });
    }
    if (!isNumber(cls) && dtype !== "float32") value = round(value, dtype);
    // A group slot's is a value of its own, the group's one: the expression may differ between tensors with different t.
    if (value.cls !== cls || cls === "group") value = make("as", [value], cls);
    current.set(key, value);
  }

  // ---- what must be computed
  const outputs = new Map<string, Value>();
  const numberStores: NumberStore[] = [];
  if (names.point) {
    let value = point ?? current.get("p")!;
    if (value === undefined || !fits(value.cls, "param")) throw mistake("a point's text gives p", { line: 1, name: "p" });
    if (pType !== "float32") value = round(value, pType);
    // A plain copy of p is a point too.
    outputs.set("out", value.cls === "param" && value.op !== "load" ? value : make("as", [value], "param"));
    slotType.set("out", { cls: "param", dtype: pType });
  } else {
    for (const [key, value] of current) {
      if ((value.op === "load" || value.op === "slot") && value.key === key) continue;
      const { cls } = slotType.get(key)!;
      if (cls === "scalar" || cls === "group") numberStores.push({ key, id: value.id, cls });
      else outputs.set(key, value.op === "load" ? make("as", [value], cls) : value);
    }
  }
  const roots = [...outputs.values(), ...numberStores.map(({ id }) => values[id]), ...values.filter((v) => v.reduce?.axis === "all")];
  return { values, outputs, slotType, roots, numberStores };
}

/**
 * Random texts of the rule language, with tensors, groups and steps to run them over: the same for the same seed everywhere.
 *
 * @module
 */
import { extentOf } from "../../kernels/extent.ts";
import type { DType, Extent, SlotClass, SlotType } from "../../kernels/types.ts";
import { type Class, type Line, ruleScope, type Text, type Tree, widest } from "./naive.ts";

/** Numbers from a seed: xorshift, with the same bits in every engine. */
export interface Random {
  /** In [0, 1). */
  unit(): number;
  /** An integer in [0, n). */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  chance(p: number): boolean;
}

/** The generator of a seed. */
export function random(seed: number): Random {
  let s = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  const unit = (): number => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 4; i++) unit();
  const below = (n: number): number => Math.floor(unit() * n);
  return { unit, below, pick: (list) => list[below(list.length)], chance: (p) => unit() < p };
}

/** A case: texts, one a group, and tensors. */
export interface Case {
  /** By group: its text, the tensors' text as a string, and the scalars. */
  readonly groups: readonly { readonly text: Text; readonly source: readonly { scope: string; text: string }[] }[];
  readonly g: DType;
  readonly tensors: readonly { readonly group: number; readonly shape: readonly number[]; readonly extent: Extent }[];
  /** Scalars' names by scope. */
  readonly scalars: Readonly<Record<string, readonly string[]>>;
  readonly steps: number;
  /** True where no reduction stands in the texts: then even the naive evaluator gives the same bits. */
  readonly exact: boolean;
}

const binary = ["+", "-", "*", "/", "min", "max"];
const comparisons = ["<", "<=", ">", ">=", "==", "!="];
const reductions = ["sum", "mean", "norm", "rms", "max"];
const rank = (cls: Class): number => ["option", "group", "scalar", "batch", "row", "param"].indexOf(cls === "col" ? "row" : cls);
const fits = (cls: Class, target: Class): boolean => widest([cls, target]) === target;

const smallShapes: readonly (readonly number[])[] = [
  [],
  [0],
  [1],
  [7],
  [8],
  [9],
  [17],
  [300],
  [3, 5],
  [1, 16],
  [16, 1],
  [33, 9],
  [40, 24],
  [2, 3, 4],
  [5, 1, 3, 3],
  [2, 0, 3],
  [0, 4],
  [3, 0],
  [2, 3, 33, 17],
];
// Several units each: chunks of a flat kernel, bands of a matrix, many small matrices.
const largeShapes: readonly (readonly number[])[] = [[70_001], [260, 300], [500, 3, 50], [2, 130, 515]];

/** Builds expressions from the names that have a value where they stand. */
interface Scene {
  readonly random: Random;
  readonly names: Map<string, Class>; // by name, of the scope at hand
  readonly reduces: boolean;
}

function leaf({ random, names }: Scene, allowed: (cls: Class) => boolean): { tree: Tree; cls: Class } {
  const found = [...names].filter(([, cls]) => allowed(cls));
  if (found.length === 0 || random.chance(0.15)) {
    const numbers = [0, 0.5, 1, 2, 0.001, 3, 1.25, 1e-8, 0.1, 7];
    return { tree: random.pick(numbers), cls: "option" };
  }
  const [name, cls] = random.pick(found);
  return { tree: name, cls };
}

function expression(scene: Scene, depth: number, allowed: (cls: Class) => boolean = () => true): { tree: Tree; cls: Class } {
  const { random, reduces } = scene;
  if (depth === 0) return leaf(scene, allowed);
  const sub = (): { tree: Tree; cls: Class } => expression(scene, depth - 1 - random.below(2) * Number(depth > 1), allowed);
  const call = (f: string, ...args: { tree: Tree; cls: Class }[]): { tree: Tree; cls: Class } => {
    const cls = widest(args.map((arg) => arg.cls));
    const made = { tree: { f, args: args.map((arg) => arg.tree) }, cls };
    return allowed(cls) ? made : args[0];
  };
  switch (random.below(12)) {
    case 0:
      return leaf(scene, allowed);
    case 1:
    case 2:
    case 3:
      return call(random.pick(binary), sub(), sub());
    case 4:
      return call(random.pick(comparisons), sub(), sub());
    case 5:
      return call("neg", sub());
    case 6:
      return call(random.pick(["abs", "sqrt", "sign", "round"]), sub());
    case 7:
      return call("sqrt", call("abs", sub()));
    case 8:
      return call("where", random.chance(0.7) ? call(random.pick(comparisons), sub(), sub()) : sub(), sub(), sub());
    case 9:
      return call(random.pick(["clamp", "fma"]), sub(), sub(), sub());
    case 10: {
      const number = (cls: Class): boolean => rank(cls) < 3 && allowed(cls);
      const of = (): { tree: Tree; cls: Class } => expression(scene, Math.max(0, depth - 2), number);
      const f = random.pick(["pow", "exp", "log", "cos", "floor"]);
      if (f === "pow") return call(f, call("abs", of()), of());
      if (f === "exp") return call(f, call("min", of(), { tree: 5, cls: "option" }));
      return call(f, of());
    }
    default: {
      const arg = expression(scene, depth - 1);
      if (!reduces || rank(arg.cls) < 3) return allowed(arg.cls) ? arg : leaf(scene, allowed);
      const made = reduce(random, arg, random.pick(["", "row", "col"]));
      return allowed(made.cls) ? made : leaf(scene, allowed);
    }
  }
}

function reduce(random: Random, { tree, cls }: { tree: Tree; cls: Class }, along: string): { tree: Tree; cls: Class } {
  const f = random.pick(reductions);
  if (along === "" || cls === "batch" || cls === along) return { tree: { f, args: [tree] }, cls: "scalar" };
  return { tree: { f: along + f, args: [tree] }, cls: cls === "param" ? along as Class : "batch" };
}

/** An expression that fits a slot. */
function expressionFor(scene: Scene, target: Class): Tree {
  const { random, reduces } = scene;
  const allowed = (cls: Class): boolean => fits(cls, target);
  if (rank(target) < 3 && !(target === "scalar" && reduces) || !reduces) return tame(random, expression(scene, 3, allowed).tree);
  let made = expression(scene, 3);
  if (!allowed(made.cls)) {
    if (target === "scalar") made = reduce(random, made, "");
    else if (target === "batch") {
      made = reduce(random, made, made.cls === "row" ? "col" : "row");
      if (made.cls === "row") made = reduce(random, made, "col");
    } else made = reduce(random, made, made.cls === "param" ? target : made.cls === "row" ? "col" : "row");
  }
  return tame(random, made.tree);
}

/** Keeps most numbers near one, so that few texts end in NaN everywhere. */
function tame(random: Random, tree: Tree): Tree {
  if (random.chance(0.3)) return { f: "clamp", args: [tree, { f: "neg", args: [4] }, 4] };
  if (random.chance(0.4)) return { f: "/", args: [tree, { f: "+", args: [1, { f: "abs", args: [tree] }] }] };
  return tree;
}

const dims: readonly [string, Class][] = [["t", "option"], ["size", "scalar"], ["batch", "scalar"], ["rows", "scalar"], ["cols", "scalar"]];
const locals = ["a", "b", "c", "d"];

/** The case of a seed. */
export function randomCase(seed: number, { large = 0.03 }: { readonly large?: number } = {}): Case {
  const r = random(seed);
  const types: readonly DType[] = ["float32", "float32", "bfloat16", "float16"];
  const p = r.pick(types);
  const g = r.pick(types);
  const exact = r.chance(0.25);
  const point = r.chance(0.1);
  const transform = "0:tr";
  const scopes = r.chance(0.4) ? [transform, ruleScope] : [ruleScope];
  const slots: Record<string, Record<string, SlotType>> = {};
  const scalars: Record<string, string[]> = {};
  for (const scope of scopes) {
    slots[scope] = {};
    for (let k = r.below(6); k > 0; k--) {
      const shape: SlotClass = r.pick(["param", "param", "row", "col", "batch", "scalar", "group"]);
      slots[scope][`${shape[0]}${k}`] = { shape, dtype: r.pick(types) };
    }
    scalars[scope] = ["x", "y"].slice(0, r.below(3));
  }

  const groups = 1 + r.below(3);
  const names = new Map(scopes.map((scope) => [scope, new Map<string, Class>()]));
  const seen = (scope: string): Map<string, Class> => {
    const all = new Map<string, Class>([["p", "param"], ["g", "param"], ...dims]);
    for (const [name, { shape }] of Object.entries(slots[scope])) all.set(name, shape);
    for (const name of scalars[scope]) all.set(name, "option");
    for (const [name, cls] of shared) all.set(name, cls);
    for (const [name, cls] of names.get(scope)!) all.set(name, cls);
    return all;
  };
  const shared = new Map<string, Class>(); // u and g
  const line = (scope: string, fresh: boolean): Line => {
    const scene: Scene = { random: r, names: seen(scope), reduces: !exact };
    const own = Object.keys(slots[scope]);
    const operators = ["=", "=", "=", "+=", "-=", "*=", "/="];
    const name = r.pick(["p", ...own, ...own, "u", "g", ...locals]);
    const slot: SlotType | undefined = name === "p" ? { shape: "param", dtype: p } : slots[scope][name];
    if (slot !== undefined) {
      const op = r.pick(operators);
      return { scope, name, op, tree: expressionFor(scene, slot.shape) };
    }
    const known = scene.names.get(name);
    if (!fresh && known !== undefined) return { scope, name, op: "=", tree: expressionFor(scene, known) };
    const { tree, cls } = expression(scene, 3);
    const op = known !== undefined && name !== "g" ? r.pick(operators) : "=";
    const made = op === "=" ? cls : widest([known!, cls]);
    (name === "u" || name === "g" ? shared : names.get(scope)!).set(name, made);
    return { scope, name, op, tree };
  };
  const lines: Line[] = [];
  for (const scope of scopes) {
    for (let k = 2 + r.below(scope === ruleScope ? 9 : 4); k > 0; k--) {
      if (!exact && r.chance(0.15)) {
        const scene: Scene = { random: r, names: seen(scope), reduces: true };
        const { tree, cls } = expression(scene, 2, (cls) => rank(cls) >= 2);
        if (rank(cls) < 2) continue;
        const name = r.pick(locals);
        names.get(scope)!.set(name, "group");
        lines.push({ scope, name, op: "=", tree: { f: `all${r.pick(reductions)}`, args: [tree] } });
      } else lines.push(line(scope, true));
    }
  }
  const all: Case["groups"][number][] = [];
  for (let group = 0; group < groups; group++) {
    const own = [...lines];
    const known = [...shared, ...names.get(ruleScope)!];
    // Another group may have a line more at the end: another program, with the same sums over all tensors.
    if (group > 0 && r.chance(0.5)) own.push(line(ruleScope, false));
    const text: Text = {
      lines: own,
      slots,
      p,
      ...point ? { point: expressionFor({ random: r, names: seen(ruleScope), reduces: !exact }, "param") } : {},
    };
    all.push({ text, source: sources(text) });
    for (const map of [shared, names.get(ruleScope)!]) {
      map.clear();
      for (const [name, cls] of known) if ((name === "u" || name === "g") === (map === shared)) map.set(name, cls);
    }
  }
  const tensors = Array.from({ length: 1 + r.below(5) }, () => {
    const shape = r.pick(r.chance(large) ? largeShapes : smallShapes);
    return { group: r.below(groups), shape, extent: extentOf(shape) };
  });
  return { groups: all, g, tensors, scalars, steps: point ? 1 : 1 + r.below(3), exact };
}

/** The texts as they are parsed: one for each run of lines of one scope. */
function sources({ lines, point }: Text): { scope: string; text: string }[] {
  const made: { scope: string; text: string }[] = [];
  for (const line of lines) {
    if (made.at(-1)?.scope !== line.scope) made.push({ scope: line.scope, text: "" });
    made.at(-1)!.text += `${line.name} ${line.op} ${print(line.tree)}\n`;
  }
  if (point !== undefined) {
    if (made.at(-1)?.scope !== ruleScope) made.push({ scope: ruleScope, text: "" });
    made.at(-1)!.text += print(point);
  }
  return made;
}

const level = (f: string): number =>
  comparisons.includes(f) ? 0 : f === "+" || f === "-" ? 1 : f === "*" || f === "/" ? 2 : f === "neg" ? 3 : 4;

/** A tree as text, with no parenthesis more than the grammar asks for. */
export function print(tree: Tree, least = 0): string {
  if (typeof tree !== "object") return String(tree);
  const { f, args } = tree;
  const own = level(f);
  const text = own === 4
    ? `${f}(${args.map((arg) => print(arg)).join(", ")})`
    : own === 3
    ? `-${print(args[0], 3)}`
    : `${print(args[0], own === 0 ? 1 : own)} ${f} ${print(args[1], own + 1)}`;
  return own < least ? `(${text})` : text;
}

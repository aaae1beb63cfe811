/**
 * The rule language once more, as naively as it can be written: whole arrays, statement by statement, nothing computed twice or put off. It has no
 * passes, no units, no memory and no parser; sums go through the elements in plain order. What the kernels give is held against it.
 *
 * @module
 */
// Bits of these two are those of one order of operations, which to write down once more would be to copy it; linalg_test.ts holds them against numpy.
import { eigh } from "../../kernels/backends/js/eigh.ts";
import { qr } from "../../kernels/backends/js/qr.ts";
import { roundTo } from "../../kernels/tables/dtypes.ts";
import { maths } from "../../kernels/math.ts";
import type { DType, Extent, SlotType } from "../../kernels/types.ts";

/** How much of a tensor a value differs over. */
export type Class = "option" | "group" | "scalar" | "batch" | "row" | "col" | "param" | "colsRows" | "rowsRows" | "colsCols";

/** An expression: a number, a name, or a function of the language. */
export type Tree = number | string | Call;

/** Operators are functions too, `neg` is the unary minus. */
export interface Call {
  readonly f: string;
  readonly args: readonly Tree[];
}

/** One line. */
export interface Line {
  readonly scope: string;
  readonly name: string;
  /** "=", "+=", "-=", "*=", "/=" */
  readonly op: string;
  readonly tree: Tree;
}

/** A text, and what its names mean. */
export interface Text {
  readonly lines: readonly Line[];
  /** Slots by scope and name. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, SlotType>>>>;
  readonly p: DType;
  /** Of a point: the expression that ends it. */
  readonly point?: Tree;
}

/** One tensor with everything that belongs to it. Arrays are changed by {@linkcode step}. */
export interface Subject {
  readonly text: Text;
  readonly extent: Extent;
  /** `p`, `g`, `scope/slot` and, of a point, `out`. */
  readonly tensors: Record<string, Float32Array>;
  readonly scalarSlots: Map<string, number>;
  /** One object for all tensors of a group. */
  readonly groupSlots: Map<string, number>;
}

/** A value: one number, or one per element of its class. */
interface Value {
  readonly cls: Class;
  readonly numbers: Float64Array | Float32Array;
}

const classes: readonly Class[] = ["option", "group", "scalar", "batch", "row", "col", "param", "colsRows", "rowsRows", "colsCols"];
const isMatrix = (cls: Class): boolean => classes.indexOf(cls) > 5;
const isNumber = (cls: Class): boolean => classes.indexOf(cls) < 3;

/** The class of an operation's result. */
export function widest(list: readonly Class[]): Class {
  const matrix = list.find(isMatrix);
  if (matrix !== undefined) return matrix;
  if (list.includes("row") && list.includes("col")) return "param";
  return classes[Math.max(...list.map((cls) => classes.indexOf(cls)))];
}

/** How many numbers a value of a class has. */
export function count(cls: Class, { batch, rows, cols }: Extent): number {
  if (isNumber(cls)) return 1;
  const [height, width] = sidesOf(cls, { batch, rows, cols } as Extent);
  return isMatrix(cls) ? batch * height * width : { batch, row: batch * rows, col: batch * cols }[cls as "batch"];
}

/** Rows and columns of a matrix of this class. */
function sidesOf(cls: Class, { rows, cols }: Extent): [height: number, width: number] {
  return [cls === "param" || cls === "rowsRows" ? rows : cols, cls === "param" || cls === "colsCols" ? cols : rows];
}

/** The class of matrices that have these sides. Where the tensor is square it has several names, and all of them will do. */
function ofSides(height: number, width: number, extent: Extent): Class {
  return classes.find((cls) => isMatrix(cls) && String(sidesOf(cls, extent)) === String([height, width]))!;
}

/** The places of a vector's numbers from the least to the greatest: one after the other, the first that nothing left is below. */
function sorted(numbers: readonly number[]): number[] {
  const left = new Map(numbers.entries());
  return numbers.map(() => {
    let least = [...left.keys()][0];
    for (const [i, x] of left) if (x < left.get(least)! || Number.isNaN(left.get(least)) && !Number.isNaN(x)) least = i;
    left.delete(least);
    return least;
  });
}

/** What a line gives that sorts a vector: for each matrix of its own. */
function ofVector({ cls, numbers }: Value, { batch }: Extent): Value {
  const length = numbers.length / Math.max(1, batch);
  const each = Array.from({ length: batch }, (_, matrix) => sorted([...numbers.subarray(matrix * length, (matrix + 1) * length)]));
  return { cls, numbers: Float32Array.from(each.flat()) };
}

/** A reduction along the rows or columns of a matrix of other sides than the tensor's. */
function alongMade(what: string, along: "row" | "col", { cls, numbers }: Value, extent: Extent): Value {
  const [height, width] = sidesOf(cls, extent);
  const length = along === "row" ? height : width;
  const made = Array.from({ length: extent.batch * length }, (_, at) => {
    const [matrix, k] = [Math.floor(at / length), at % length];
    const first = matrix * height * width;
    const of = along === "row"
      ? Array.from({ length: width }, (_, j) => numbers[first + k * width + j])
      : Array.from({ length: height }, (_, i) => numbers[first + i * width + k]);
    const { sums: [sum] } = sums(what, { cls: "batch", numbers: Float32Array.from(of) }, "scalar", extent);
    return end(what, sum, of.length);
  });
  const side = along === "row" ? cls === "rowsRows" : cls !== "colsCols";
  return { cls: side ? "row" : "col", numbers: Float32Array.from(made) };
}

/** What a matrix line gives. */
function ofMatrices(f: string, [x, y]: readonly Value[], extent: Extent): Value {
  const [height, inner] = sidesOf(x.cls, extent);
  if (f === "qr" || f === "eigh") {
    const numbers = new Float32Array(x.numbers.length);
    for (let at = 0; at < numbers.length; at += height * inner) {
      if (f === "qr") qr(x.numbers as Float32Array, numbers, at, height, inner);
      else eigh(x.numbers as Float32Array, numbers, at, height);
    }
    return { cls: x.cls, numbers };
  }
  if (f === "gather") {
    const numbers = x.numbers.map((_, at) => {
      const [row, matrix] = [Math.floor(at / inner), Math.floor(at / (height * inner))];
      const place = y.numbers[matrix * inner + at % inner];
      return Number.isInteger(place) && place >= 0 && place < inner ? x.numbers[row * inner + place] : NaN;
    });
    return { cls: x.cls, numbers };
  }
  const width = f === "matmul" ? sidesOf(y.cls, extent)[1] : height;
  const rows = f === "matmul" ? height : inner;
  const numbers = new Float32Array(extent.batch * rows * width);
  for (let at = 0; at < numbers.length; at++) {
    const matrix = Math.floor(at / (rows * width));
    const [i, j] = [Math.floor(at / width) % rows, at % width];
    if (f === "transpose") numbers[at] = x.numbers[(matrix * height + j) * inner + i];
    else {
      for (let k = 0; k < inner; k++) {
        numbers[at] += Math.fround(x.numbers[(matrix * height + i) * inner + k] * y.numbers[(matrix * inner + k) * width + j]);
      }
    }
  }
  return { cls: ofSides(rows, width, extent), numbers };
}

/** Which number of a value of class `from` goes with number `i` of class `to`. */
function place(i: number, to: Class, from: Class, { rows, cols }: Extent): number {
  if (isNumber(from)) return 0;
  if (from === to || isMatrix(from) && isMatrix(to)) return i;
  if (to === "param") {
    const row = Math.floor(i / cols);
    if (from === "row") return row;
    const matrix = Math.floor(row / rows);
    return from === "batch" ? matrix : matrix * cols + i % cols;
  }
  // From a matrix to its rows or columns.
  return Math.floor(i / (to === "row" ? rows : cols));
}

const truth = (x: boolean): number => x ? 1 : 0;
const functions: Readonly<Record<string, (a: number, b: number, c: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a - b * Math.floor(a / b), // near enough to integers
  neg: (a) => -a,
  "<": (a, b) => truth(a < b),
  "<=": (a, b) => truth(a <= b),
  ">": (a, b) => truth(a > b),
  ">=": (a, b) => truth(a >= b),
  "==": (a, b) => truth(a === b),
  "!=": (a, b) => truth(a !== b && !Number.isNaN(a) && !Number.isNaN(b)),
  abs: Math.abs,
  sqrt: Math.sqrt,
  sign: Math.sign,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  fma: (a, b, c) => a * b + c,
  where: (condition, a, b) => condition !== 0 && !Number.isNaN(condition) ? a : b,
  floor: Math.floor,
  ...maths,
};

/** Every number of a value, spread over a class. */
function spread({ cls, numbers }: Value, to: Class, extent: Extent): Float32Array {
  const out = new Float32Array(count(to, extent));
  for (let i = 0; i < out.length; i++) out[i] = numbers[place(i, to, cls, extent)];
  return out;
}

/** A reduction before its end: the sum of each group of numbers, and how many they are. */
function sums(f: string, { cls, numbers }: Value, to: Class, extent: Extent): { sums: Float64Array; n: number } {
  const out = new Float64Array(count(to, extent)).fill(f === "max" ? -Infinity : 0);
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i];
    const at = place(i, cls, to, extent);
    out[at] = f === "max" ? Math.max(out[at], x) : out[at] + (f === "norm" || f === "rms" ? x * x : x);
  }
  const { rows, cols } = extent;
  const full = numbers.length;
  const n = isNumber(to) ? full : to === "row" ? cols : to === "col" ? rows : cls === "row" ? rows : cols;
  return { sums: out, n };
}

const end = (f: string, sum: number, n: number): number =>
  f === "mean" ? sum / n : f === "norm" ? Math.sqrt(sum) : f === "rms" ? Math.sqrt(sum / n) : sum;

/** Names that a text's lines see, for one tensor. */
type Names = Map<string, Value>;

const common = ["p", "g", "u", "t", "size", "batch", "rows", "cols"];
const keyOf = (scope: string, name: string): string => common.includes(name) ? name : `${scope}/${name}`;

function evaluate(tree: Tree, scope: string, names: Names, { text, extent }: Subject): Value {
  if (typeof tree === "number") return { cls: "option", numbers: Float64Array.of(tree) };
  if (typeof tree === "string") {
    const value = names.get(keyOf(scope, tree));
    if (value === undefined) throw new Error(`${tree} has no value`);
    return value;
  }
  const { f } = tree;
  const args = tree.args.map((arg) => evaluate(arg, scope, names, { text, extent } as Subject));
  const reduction = args.length === 1 ? /^(row|col|)(sum|mean|norm|rms|max)$/.exec(f) : null;
  if (reduction !== null) {
    const [, along, what] = reduction;
    if (along !== "" && isMatrix(args[0].cls) && args[0].cls !== "param") return alongMade(what, along as "row", args[0], extent);
    const to: Class = along === "" ? "scalar" : args[0].cls === "param" ? along as Class : "batch";
    const { sums: made, n } = sums(what, args[0], to, extent);
    const ended = made.map((sum) => end(what, sum, n));
    return { cls: to, numbers: to === "scalar" ? ended : Float32Array.from(ended) };
  }
  if (f === "argsort") return ofVector(args[0], extent);
  if (["matmul", "transpose", "qr", "eigh", "gather"].includes(f)) return ofMatrices(f, args, extent);
  const cls = widest(args.map((arg) => arg.cls));
  const make = f === "round" ? (x: number) => roundTo(text.p, Math.fround(x)) : functions[f];
  if (isNumber(cls)) return { cls, numbers: Float64Array.of(make(args[0].numbers[0], args[1]?.numbers[0], args[2]?.numbers[0])) };
  const [a, b, c] = args.map((arg) => spread(arg, cls, extent));
  for (let i = 0; i < a.length; i++) a[i] = make(a[i], b?.[i], c?.[i]);
  return { cls, numbers: a };
}

const isAll = ({ op, tree }: Line): boolean => op === "=" && typeof tree === "object" && tree.f.startsWith("all");
/** What tells two `all…` lines apart: scope, text, and how often the text stood there before. */
function allKeys({ lines }: Text): (string | null)[] {
  const seen: string[] = [];
  return lines.map((line) => {
    if (!isAll(line)) return null;
    const text = JSON.stringify([line.scope, line.name, line.tree]);
    seen.push(text);
    return `${text} ${seen.filter((one) => one === text).length}`;
  });
}

/** One step over all tensors. `values` holds each tensor's scalars by `scope/name`, and `t`. */
export function step(subjects: readonly Subject[], values: readonly Readonly<Record<string, number>>[]): void {
  // Tensors with one text and one group go line by line together.
  const teams: { members: { subject: Subject; names: Names }[]; keys: (string | null)[]; at: number; waits: boolean }[] = [];
  subjects.forEach((subject, i) => {
    const { text, extent, tensors, scalarSlots, groupSlots } = subject;
    const names: Names = new Map();
    const number = (key: string, cls: Class, x: number) => names.set(key, { cls, numbers: Float64Array.of(x) });
    for (const [key, x] of Object.entries(values[i])) number(key, "option", x);
    for (const key of ["size", "batch", "rows", "cols"] as const) number(key, "scalar", extent[key]);
    names.set("p", { cls: "param", numbers: tensors.p.slice() });
    if (tensors.g) names.set("g", { cls: "param", numbers: tensors.g.slice() });
    for (const [scope, slots] of Object.entries(text.slots)) {
      for (const [name, { shape }] of Object.entries(slots)) {
        const key = `${scope}/${name}`;
        if (shape === "scalar") number(key, shape, scalarSlots.get(key)!);
        else if (shape === "group") number(key, shape, groupSlots.get(key)!);
        else names.set(key, { cls: shape, numbers: tensors[key].slice() });
      }
    }
    const team = teams.find(({ members: [{ subject: first }] }) => first.text === text && first.groupSlots === groupSlots);
    if (team) team.members.push({ subject, names });
    else teams.push({ members: [{ subject, names }], keys: allKeys(text), at: 0, waits: false });
  });

  const waiting = new Map<string, { sum: number; n: number }[]>(); // what each team has brought, by key
  const known = new Map<string, number>();
  for (;;) {
    let moved = false;
    for (const team of teams) {
      const { members, keys } = team;
      const { text } = members[0].subject;
      for (; team.at < text.lines.length; team.at++, moved = true) {
        const line = text.lines[team.at];
        const key = keys[team.at];
        if (key === null) {
          assign(
            line,
            members,
            members.map(({ subject, names }) => {
              const { scope, name, op, tree } = line;
              return evaluate(op === "=" ? tree : { f: op[0], args: [name, tree] }, scope, names, subject);
            }),
          );
          continue;
        }
        const { f, args: [arg] } = line.tree as Call;
        const what = f.slice(3);
        if (!team.waits) {
          const brought = members.map(({ subject, names }) => {
            const value = evaluate(arg, line.scope, names, subject);
            const { sums: [sum], n } = sums(what, value, "scalar", subject.extent);
            return { sum, n };
          });
          waiting.set(key, [...waiting.get(key) ?? [], ...brought]);
          team.waits = moved = true;
        }
        const expected = subjects.filter(({ text }) => allKeys(text).includes(key)).length;
        const list = waiting.get(key)!;
        if (!known.has(key) && list.length === expected) {
          const sum = list.reduce((a, { sum }) => what === "max" ? Math.max(a, sum) : a + sum, what === "max" ? -Infinity : 0);
          known.set(key, end(what, sum, list.reduce((a, { n }) => a + n, 0)));
        }
        if (!known.has(key)) break;
        team.waits = false;
        assign(line, members, members.map(() => ({ cls: "group", numbers: Float64Array.of(known.get(key)!) })));
      }
    }
    if (!moved) break;
  }
  if (teams.some(({ at, members: [{ subject }] }) => at < subject.text.lines.length)) throw new Error("the texts wait for each other");

  for (const { members } of teams) {
    for (const { subject, names } of members) {
      const { text, tensors, scalarSlots, groupSlots, extent } = subject;
      if (text.point !== undefined) {
        const value = spread(evaluate(text.point, ruleScope, names, subject), "param", extent);
        tensors.out = value.map((x) => roundTo(text.p, x));
        continue;
      }
      tensors.p.set(names.get("p")!.numbers);
      for (const [scope, slots] of Object.entries(text.slots)) {
        for (const [name, { shape }] of Object.entries(slots)) {
          const key = `${scope}/${name}`;
          const { numbers } = names.get(key)!;
          if (shape === "scalar") scalarSlots.set(key, numbers[0]);
          else if (shape === "group") groupSlots.set(key, numbers[0]);
          else tensors[key].set(numbers);
        }
      }
    }
  }
}

/** The scope of rules; others are transforms'. */
export const ruleScope = "r";

function assign({ scope, name }: Line, members: readonly { subject: Subject; names: Names }[], made: readonly Value[]): void {
  members.forEach(({ subject: { text, extent }, names }, i) => {
    const slot: SlotType | undefined = name === "p" ? { shape: "param", dtype: text.p } : text.slots[scope]?.[name];
    if (slot === undefined) {
      names.set(keyOf(scope, name), made[i]);
      return;
    }
    const { shape, dtype } = slot;
    // A group has one value: its first tensor's.
    const value = made[shape === "group" ? 0 : i];
    if (widest([shape, value.cls]) !== shape) throw new Error(`${name} is a ${shape}, and not a ${value.cls}`);
    names.set(keyOf(scope, name), {
      cls: shape,
      numbers: shape === "scalar" || shape === "group" ? value.numbers : spread(value, shape, extent).map((x) => roundTo(dtype, x)),
    });
  });
}

/**
 * A kernel → the bytes of a WASM module with one function, SIMD128 without relaxed operations.
 *
 * ```text
 * k(job, begin, end, rowBegin, rowEnd, totals, columns, local)
 * job:  the address of [pointer …, rows, cols, column stride, address of the scalars], 32 bits each
 * ```
 *
 * Elements go eight at a time, two vectors side by side; what is left over goes through the same instructions in lane 0, so that a tail gives the same bits
 * and needs no padding. Where they have 16 bits they go through several loops, a block at a time (`passes.ts`), or, in rows of a matrix, twenty-four at a time
 * first. Numbers of a row or a matrix are vectors with four equal lanes.
 * Numbers of a column that must be computed are computed once per matrix, into memory of the thread.
 *
 * A function is written in two steps. {@linkcode partsOf} says which nodes run in which loop. Then code is generated into a {@linkcode Frame}, which
 * holds the locals: one is declared where it is first mentioned, so that inner loops come before what surrounds them.
 *
 * @module
 */
import type { Kernel, Node, Role } from "../../language/kernel.ts";
import { elementTypes } from "../../tables/dtypes.ts";
import { type ElementOp, type ReductionName, reductions as reductionTable } from "../../tables/ops.ts";
import type { DType } from "../../types.ts";
import {
  assembleModule,
  type Code,
  declare,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  localGet,
  type Locals,
  localSet,
  localTee,
  loopUntil,
  select,
  v128,
  type ValueType,
  when,
} from "./assembler.ts";
import { isNarrow, mayBeAnyNaN, type Pass, type Passes, passesOf, roundedByStores } from "./passes.ts";
import { bfloat16, float16, type Half, type Registers, type SixteenBits } from "./sixteen_bits.ts";

// ------------------------------------------------------------------------------------------------------------------- what runs where

/** Indices of a kernel's nodes, pointers and reductions by the loop that they belong to. */
interface Parts {
  readonly nodes: Readonly<Record<Role, readonly number[]>>;
  /** Pointers that move with the elements, in the order in which an element needs them. */
  readonly elementPointers: readonly number[];
  /** Column nodes that elements, stores or reductions use. */
  readonly columnsRead: readonly number[];
  /** Those of them that must be computed, and then wait in the thread's memory. */
  readonly columnsKept: readonly number[];
  readonly reductions: Readonly<Record<"total" | "row" | "col", readonly number[]>>;
  /** Where elements go through several loops. */
  readonly passes: Passes | null;
}

function partsOf(kernel: Kernel): Parts {
  const { nodes, stores, reductions } = kernel;
  const ofRole = (role: Role): number[] => [...nodes.keys()].filter((index) => nodes[index].role === role);
  const ofAxis = (axis: string): number[] => [...reductions.keys()].filter((k) => reductions[k].axis === axis);
  const elements = ofRole("param");
  const usedByElements = new Set([
    ...elements.flatMap((index) => nodes[index].args),
    ...stores.map(({ node }) => node),
    ...reductions.map(({ node }) => node),
  ]);
  const columns = ofRole("col");
  const columnsRead = columns.filter((index) => usedByElements.has(index));
  const loads = elements.filter((index) => nodes[index].op === "load").map((index) => nodes[index].pointer);
  const param = inOrder(nodes, elements);
  return {
    nodes: { uniform: ofRole("uniform"), batch: ofRole("batch"), row: ofRole("row"), col: columns, param },
    elementPointers: [...new Set([...loads, ...stores.map(({ pointer }) => pointer)])],
    columnsRead,
    columnsKept: columnsRead.filter((index) => !liesReady(nodes[index])),
    reductions: { total: ofAxis("total"), row: ofAxis("row"), col: ofAxis("col") },
    passes: passesOf(kernel, param),
  };
}

/**
 * Elements' nodes in the order in which they are computed. Of what an operation needs, that comes first which takes longest to compute, so that few numbers
 * wait in registers meanwhile: in order of the text, with stores at the end, a rule of two moments took a tenth more in float32, and a quarter more with two `fma`.
 */
function inOrder(nodes: readonly Node[], elements: readonly number[]): number[] {
  const own = new Set(elements);
  const heights = new Map<number, number>();
  const height = (index: number): number => heights.get(index) ?? -1;
  for (const index of elements) heights.set(index, 1 + Math.max(-1, ...nodes[index].args.map(height)));
  const ordered = new Set<number>();
  const add = (index: number): void => {
    if (!own.has(index) || ordered.has(index)) return;
    nodes[index].args.toSorted((a, b) => height(b) - height(a)).forEach(add);
    ordered.add(index);
  };
  // What nothing else uses is stored or summed: it ends a chain.
  const used = new Set(elements.flatMap((index) => nodes[index].args));
  elements.filter((index) => !used.has(index)).forEach(add);
  return [...ordered];
}

/** A column's numbers that elements can read where they lie. */
const liesReady = ({ op, dtype }: Node): boolean => op === "load" && dtype === "float32";

/** Bytes that a thread keeps for so many numbers, so that the next ones are aligned. */
const keptBytes = (numbers: number, bytes: number): number => (bytes * numbers + 15) & -16;

/** Bytes of a thread's own memory that a kernel needs for a matrix of so many columns, or between passes. */
export function localBytesOf(kernel: Kernel): (cols: number) => number {
  const { columnsKept, reductions, passes } = partsOf(kernel);
  const between = (passes?.waiting.length ?? 0) * blockBytes;
  return (cols) => columnsKept.length * keptBytes(cols, 4) + reductions.col.length * keptBytes(cols, 8) + between;
}

// -------------------------------------------------------------------------------------------------------------- the function's frame

const parameters: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"];
const [JOB, BEGIN, END, ROW_BEGIN, ROW_END, TOTALS, COLUMNS, LOCAL] = [0, 1, 2, 3, 4, 5, 6, 7];

/** Vectors side by side that are summed apart: results depend on it. */
const vectorsOfSums = 2;
/** Lanes of float64 in them, two to a vector. */
const pairsOfSums = 2 * vectorsOfSums;

/** Elements that go through all passes before the next ones do. With 128 and 512 steps take as long. */
const block = 256;
const blockBytes = 4 * block;

/** How many elements a body takes: whole vectors, or lane 0 of the first. */
interface Width {
  readonly elements: number;
  readonly vectors: readonly number[];
  readonly lanes: 1 | 4;
}

const one: Width = { elements: 1, vectors: [0], lanes: 1 };
const eight: Width = { elements: 8, vectors: [0, 1], lanes: 4 };
/**
 * Where elements have 16 bits and go through one loop. To round a number takes five to eleven instructions that wait for each other; more vectors side by side
 * keep the processor busy meanwhile, although most of them then lie on the stack. On an AMD EPYC (Zen 3), ns a parameter with 2, 4, 6, 8 vectors, in Deno: a
 * rule of nine roundings in bfloat16 3.4, 3.0, 2.8, 2.6, in float16 9.3, 7.2, 6.3, 6.1; in Bun 4.7, 5.3, 5.1, 4.6 and 11.3, 10.7, 9.4, 9.7. In float32, 4
 * vectors take 5 % off in Deno and add 12 % in Bun.
 */
const twentyFour: Width = { elements: 24, vectors: [0, 1, 2, 3, 4, 5], lanes: 4 };

/** The bodies of a kernel's innermost loop, for many elements first. */
const widthsOf = (kernel: Kernel): readonly Width[] => isNarrow(kernel) ? [twentyFour, eight, one] : [eight, one];

/**
 * What moves in a loop over elements: a pointer, a column's value, what a column's value is computed from and where it goes, a column's sum. Between passes: a
 * pointer to store to, which is in other passes than it is read in, and what waits.
 */
type StreamKind = "element" | "stored" | "waiting" | "columnValue" | "columnInput" | "columnOutput" | "columnSum";

/** An address that moves with the elements, named by the pointer, node or reduction that it belongs to. */
interface Stream {
  readonly kind: StreamKind;
  readonly index: number;
  /** Bytes from one element to the next. */
  readonly stride: number;
}

/** A sum in the making: pairs of float64 lanes, and the tail's. */
interface Sum {
  readonly pairs: readonly number[];
  readonly tail: number;
}

/** A function in the making: its kernel, and numbers of its locals. */
interface Frame extends Registers {
  readonly kernel: Kernel;
  readonly parts: Parts;
  readonly locals: Locals;
  /** Vectors of four equal lanes by their bits: engines build a vector constant anew wherever it stands. */
  readonly constants: Map<number, number>;
  /** By node and vector; what is the same in all elements of a row has one vector. */
  readonly values: readonly number[][];
  /** Results of comparisons, as masks; likewise. */
  readonly masks: readonly number[][];
  readonly streams: Readonly<Record<StreamKind, number[]>>;
  /** Pointers' addresses, as the job has them. */
  readonly base: readonly number[];
  readonly rows: number;
  readonly cols: number;
  /** Bytes from one column reduction's partial sums to the next one's. */
  readonly columnStride: number;
  /** Address of the scalars. */
  readonly scalars: number;
  /** Elements that a loop has still before it. */
  readonly count: number;
  /** By reduction; null for one over columns, whose sums lie in memory. */
  readonly sums: readonly (Sum | null)[];
  /** By reduction, the first of several that sum the same: what they sum in float64, by pair. */
  readonly widened: readonly number[][];
  /** A temporary double. */
  readonly double: number;
  /** By node that is the same for all elements and multiplied or added in float64: two lanes of it. */
  readonly wide: Map<number, number>;
  /** Nodes that are not computed, because the stores of them round. */
  readonly roundedByStores: ReadonlySet<number>;
  /** Nodes that come from memory, where another pass has left them as numbers; and those that must be numbers for it. */
  readonly waiting: ReadonlySet<number>;
}

/** Gives vectors of four equal lanes from locals, and declares those that it has not. */
const vectorsOf = (locals: Locals, constants: Map<number, number>) => (bits: number): Code => {
  let known = constants.get(bits);
  if (known === undefined) constants.set(bits, known = declare(locals, "v128"));
  return localGet(known);
};

function createFrame(kernel: Kernel): Frame {
  const { nodes, pointers, reductions } = kernel;
  const locals: Locals = { parameters: parameters.length, types: [] };
  const local = (type: ValueType): number => declare(locals, type);
  const constants = new Map<number, number>();
  // Properties are evaluated in this order, and so are the locals numbered.
  return {
    kernel,
    parts: partsOf(kernel),
    locals,
    constants,
    vector: vectorsOf(locals, constants),
    values: nodes.map(() => []),
    masks: nodes.map(() => []),
    streams: { element: [], stored: [], waiting: [], columnValue: [], columnInput: [], columnOutput: [], columnSum: [] },
    widened: reductions.map(() => []),
    temporaries: [local("v128"), local("v128"), local("v128")],
    base: pointers.map(() => local("i32")),
    rows: local("i32"),
    cols: local("i32"),
    columnStride: local("i32"),
    scalars: local("i32"),
    count: local("i32"),
    sums: reductions.map(({ axis }) =>
      axis === "col" ? null : { pairs: Array.from({ length: pairsOfSums }, () => local("v128")), tail: local("f64") }
    ),
    double: local("f64"),
    wide: new Map(),
    roundedByStores: roundedByStores(kernel),
    waiting: new Set(),
    anyNaN: mayBeAnyNaN(kernel),
  };
}

/** Equal for all elements of a row, and so one vector of four equal lanes. */
const isSingle = ({ role }: Node): boolean => role === "uniform" || role === "batch" || role === "row";

const vectorLocal = ({ kernel, locals }: Frame, by: readonly number[][], node: number, u: number): number =>
  by[node][isSingle(kernel.nodes[node]) ? 0 : u] ??= declare(locals, "v128");

/** The local of a node's value in vector u. */
const valueOf = (frame: Frame, node: number, u: number): number => vectorLocal(frame, frame.values, node, u);

/** The local of a comparison's mask in vector u. */
const maskOf = (frame: Frame, node: number, u: number): number => vectorLocal(frame, frame.masks, node, u);

/** The local of a stream's address. */
const addressOf = ({ streams, locals }: Frame, { kind, index }: Stream): number => streams[kind][index] ??= declare(locals, "i32");

const elementStream = ({ kernel }: Frame, pointer: number): Stream => ({
  kind: "element",
  index: pointer,
  stride: elementTypes[kernel.pointers[pointer].dtype].bytes,
});
const storedStream = (frame: Frame, pointer: number): Stream => ({ ...elementStream(frame, pointer), kind: "stored" });
const columnValue = (node: number): Stream => ({ kind: "columnValue", index: node, stride: 4 });
const columnInput = ({ pointer, dtype }: Node): Stream => ({ kind: "columnInput", index: pointer, stride: elementTypes[dtype].bytes });
const columnOutput = (node: number): Stream => ({ kind: "columnOutput", index: node, stride: 4 });
const columnSum = (reduction: number): Stream => ({ kind: "columnSum", index: reduction, stride: 8 });

// ------------------------------------------------------------------------------------------------------------------------- operations

type Comparison = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** Masks from two vectors. */
const comparisons: Readonly<Record<Comparison, (a: Code, b: Code) => Code>> = {
  "<": (a, b) => [a, b, f32x4.lt],
  "<=": (a, b) => [a, b, f32x4.le],
  ">": (a, b) => [a, b, f32x4.gt],
  ">=": (a, b) => [a, b, f32x4.ge],
  "==": (a, b) => [a, b, f32x4.eq],
  // false on NaN, as all comparisons of the language
  "!=": (a, b) => [[a, b, f32x4.lt], [a, b, f32x4.gt], v128.or],
};

const isComparison = (op: Node["op"]): op is Comparison => Object.hasOwn(comparisons, op);

/** What an operation is lowered from. */
interface Operands {
  /** The vector of an argument. */
  arg(k: number): Code;
  /** The first argument as a mask; one that only chooses has no vector. */
  mask(): Code;
  /** Two lanes of an argument as float64. */
  wide(k: number, high: boolean): Code;
  readonly dtype: DType;
  readonly registers: Registers;
}

const ones = 0x3f800000; // 1 in float32
const minusOnes = 0xbf800000;

/** Two lanes of a vector as float64. */
const promoted = (vector: Code, high: boolean): Code => [vector, high ? [vector, upper()] : [], f64x2.promoteLow];

/** Of two vectors: lanes 2 and 3 to the front. */
const upper = (): Code => v128.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);

/** The first two lanes of two vectors. */
const firsts = (): Code => [f64x2.lane(0), f64x2.withLane(1)];

/** Vectors from vectors. Nothing here is called before a kernel is compiled, so that bundlers drop it all where no backend is made. */
const operations: Readonly<Record<Exclude<ElementOp, Comparison>, (operands: Operands) => Code>> = {
  "+": ({ arg }) => [arg(0), arg(1), f32x4.add],
  "-": ({ arg }) => [arg(0), arg(1), f32x4.sub],
  "*": ({ arg }) => [arg(0), arg(1), f32x4.mul],
  "/": ({ arg }) => [arg(0), arg(1), f32x4.div],
  neg: ({ arg }) => [arg(0), f32x4.neg],
  abs: ({ arg }) => [arg(0), f32x4.abs],
  sqrt: ({ arg }) => [arg(0), f32x4.sqrt],
  sign: ({ arg, registers: { vector } }) => [
    vector(ones),
    [vector(minusOnes), arg(0), arg(0), vector(0), f32x4.lt, v128.select],
    [arg(0), vector(0), f32x4.gt, v128.select],
  ],
  min: ({ arg }) => [arg(0), arg(1), f32x4.min],
  max: ({ arg }) => [arg(0), arg(1), f32x4.max],
  clamp: ({ arg }) => [arg(0), arg(1), f32x4.max, arg(2), f32x4.min],
  // the product is exact in float64
  fma: ({ wide }) => [
    [false, true].map((high) => [[wide(0, high), wide(1, high), f64x2.mul], [wide(2, high), f64x2.add, f32x4.demote]]),
    firsts(),
  ],
  where: ({ arg, mask }) => {
    const condition = mask();
    return [arg(1), arg(2), condition, v128.select];
  },
  round: ({ arg, dtype, registers }) => [arg(0), memory[dtype].round(registers)],
};

/** A node's value in vector u, into its local. */
function compute(frame: Frame, index: number, u: number): Code {
  const { kernel: { nodes }, vector } = frame;
  const { op, args, dtype } = nodes[index];
  const arg = (k: number): Code => localGet(valueOf(frame, args[k], u));
  if (op === "load" || op === "splat") throw new Error(`Cannot compute ${op}: it is read from memory`);
  if (op === "as") return [arg(0), localSet(valueOf(frame, index, u))];
  if (isComparison(op)) {
    const mask = [comparisons[op](arg(0), arg(1)), localSet(maskOf(frame, index, u))];
    if (!isNumber(frame.kernel, index) && !frame.waiting.has(index)) return mask;
    return [mask, localGet(maskOf(frame, index, u)), vector(ones), v128.and, localSet(valueOf(frame, index, u))];
  }
  const mask = (): Code => {
    const condition = nodes[args[0]];
    // A column's value has been through memory, as a number, and so has another pass'.
    const wasInMemory = condition.role === "col" || (frame.waiting.has(args[0]) && frame.masks[args[0]].length === 0);
    if (isComparison(condition.op) && !wasInMemory) return localGet(maskOf(frame, args[0], u));
    return comparisons["!="](arg(0), vector(0));
  };
  const wide = (k: number, high: boolean): Code => {
    const { wide, locals } = frame;
    const of = args[k];
    if (nodes[of].role !== "uniform") return promoted(arg(k), high);
    if (!wide.has(of)) wide.set(of, declare(locals, "v128"));
    return localGet(wide.get(of)!);
  };
  return [operations[op]({ arg, mask, wide, dtype, registers: frame }), localSet(valueOf(frame, index, u))];
}

/** False for a comparison that only chooses: it needs no 0 or 1. */
function isNumber({ nodes, stores, reductions }: Kernel, index: number): boolean {
  return nodes[index].role === "col" ||
    nodes.some(({ op, args }) => args.some((arg, k) => arg === index && !(op === "where" && k === 0))) ||
    stores.some(({ node }) => node === index) || reductions.some(({ node }) => node === index);
}

// ----------------------------------------------------------------------------------------------------------------- loads and stores

/** How numbers of a type come from memory and go there; `round` is of vectors. */
interface MemoryLowering {
  round(registers: Registers): Code;
  /** Loads vectors side by side into locals, or one number into the first lane of one. */
  load(registers: Registers, address: Code, into: readonly number[], lanes: 1 | 4): Code;
  /** One number for all lanes. */
  loadSplat(registers: Registers, address: Code): Code;
  /** Stores vectors side by side, which are in locals, or the first lane of one. */
  store(registers: Registers, address: Code, values: readonly number[], lanes: 1 | 4): Code;
  /** The same of numbers that the type has. */
  storeRounded(registers: Registers, address: Code, values: readonly number[], lanes: 1 | 4): Code;
}

/** Two vectors are loaded and stored as one: V8 checks each address. */
const sixteen = ({ round, widen, narrow, narrowRounded }: SixteenBits): MemoryLowering => {
  const store = (pack: SixteenBits["narrow"]): MemoryLowering["store"] => (registers, address, values, lanes) => {
    if (lanes === 1) return [address, pack(registers, values[0], values[0]), v128.store16Lane(0, 0)];
    return evens(values).map((u) => [address, pack(registers, values[u], values[u + 1]), v128.store(8 * u)]);
  };
  return {
    round,
    load: (registers, address, into, lanes) => {
      if (lanes === 1) {
        return [address, registers.vector(0), v128.load16Lane(0, 0), localSet(into[0]), widened(registers, into[0], into[0], "low")];
      }
      // The second of two keeps the patterns until they are its own.
      return evens(into).map((u) => [
        [address, v128.load(8 * u), localSet(into[u + 1])],
        [widened(registers, into[u + 1], into[u], "low"), widened(registers, into[u + 1], into[u + 1], "high")],
      ]);
    },
    loadSplat: (registers, address) => {
      const [, , patterns] = registers.temporaries;
      return [address, v128.load16Splat(0), localSet(patterns), widen(registers, patterns, "low")];
    },
    store: store(narrow),
    storeRounded: store(narrowRounded),
  };
  function widened(registers: Registers, patterns: number, into: number, half: Half): Code {
    return [widen(registers, patterns, half), localSet(into)];
  }
};

/** Every second index. */
const evens = (list: readonly number[]): number[] => [...list.keys()].filter((u) => u % 2 === 0);

const storeFloat32: MemoryLowering["store"] = (_registers, address, values, lanes) =>
  values.map((value, u) => [address, localGet(value), lanes === 4 ? v128.store(16 * u) : v128.store32Lane(0, 0)]);

/** Element types in memory. */
const memory: Readonly<Record<DType, MemoryLowering>> = {
  float32: {
    round: () => [],
    load: (_registers, address, into, lanes) =>
      into.map((local, u) => [address, lanes === 4 ? v128.load(16 * u) : v128.load32Zero(0), localSet(local)]),
    loadSplat: (_registers, address) => [address, v128.load32Splat(0)],
    store: storeFloat32,
    storeRounded: storeFloat32,
  },
  bfloat16: /* @__PURE__ */ sixteen(bfloat16),
  float16: /* @__PURE__ */ sixteen(float16),
};

function loadStream(frame: Frame, stream: Stream, dtype: DType, node: number, { vectors, lanes }: Width): Code {
  const into = vectors.map((u) => valueOf(frame, node, u));
  return memory[dtype].load(frame, localGet(addressOf(frame, stream)), into, lanes);
}

/** Rounding is the store's own where nothing else needs the rounded number. */
function storeStream(frame: Frame, stream: Stream, dtype: DType, node: number, { vectors, lanes }: Width): Code {
  const address = localGet(addressOf(frame, stream));
  const { op, dtype: has, args } = frame.kernel.nodes[node];
  const values = (of: number): number[] => vectors.map((u) => valueOf(frame, of, u));
  if (frame.roundedByStores.has(node)) return memory[dtype].store(frame, address, values(args[0]), lanes);
  const isRounded = has === dtype && (op === "round" || op === "load");
  return memory[dtype][isRounded ? "storeRounded" : "store"](frame, address, values(node), lanes);
}

/** An index times a number of bytes. */
const scaled = (index: Code, bytes: number): Code => [index, i32.const(bytes), i32.mul];

const advance = (local: number, n: number): Code => [localGet(local), i32.const(n), i32.add, localSet(local)];

// ------------------------------------------------------------------------------------------------------------------------- reductions

/** A reduction: how its parts are joined, and what becomes of the whole. */
interface ReductionLowering {
  /** Two vectors of two doubles to one. */
  join(): Code;
  /** Two doubles to one. */
  joinSingle(): Code;
  /** From a sum over n elements, a double on the stack, to the result. */
  finish(n: Code): Code;
}

const add = (): Code => f64x2.add;
const addSingle = (): Code => f64.add;
const divide = (n: Code): Code => [n, f64.fromUnsigned, f64.div];

const reductionLowerings: Readonly<Record<ReductionName, ReductionLowering>> = {
  sum: { join: add, joinSingle: addSingle, finish: () => [] },
  mean: { join: add, joinSingle: addSingle, finish: divide },
  norm: { join: add, joinSingle: addSingle, finish: () => f64.sqrt },
  rms: { join: add, joinSingle: addSingle, finish: (n) => [divide(n), f64.sqrt] },
  max: { join: () => f64x2.max, joinSingle: () => f64.max, finish: () => [] },
};

const lowering = ({ kernel }: Frame, k: number): ReductionLowering => reductionLowerings[kernel.reductions[k].f];
const squares = ({ kernel }: Frame, k: number): boolean => reductionTable[kernel.reductions[k].f].squares;
const identity = ({ kernel }: Frame, k: number): Code => f64.const(reductionTable[kernel.reductions[k].f].identity);

function clearSum(frame: Frame, k: number): Code {
  const { pairs, tail } = frame.sums[k]!;
  return [identity(frame, k), localSet(tail), pairs.map((pair) => [identity(frame, k), f64x2.splat, localSet(pair)])];
}

/** Reductions that sum the same numbers as reduction k, itself among them. */
function sameSums(frame: Frame, k: number): number[] {
  const { reductions } = frame.kernel;
  return [...reductions.keys()].filter((other) =>
    reductions[other].node === reductions[k].node && squares(frame, other) === squares(frame, k)
  );
}

/** Two doubles to add to a sum. Widening is what costs most here: what two reductions sum is widened once. */
function doubles(frame: Frame, k: number, u: number, high: boolean): Code {
  const [first, ...others] = sameSums(frame, k);
  const pair = 2 * u + (high ? 1 : 0);
  if (k !== first) return localGet(frame.widened[first][pair]);
  const value = localGet(valueOf(frame, frame.kernel.reductions[k].node, u));
  const [x] = frame.temporaries;
  const wide = squares(frame, k) ? [promoted(value, high), localSet(x), localGet(x), localGet(x), f64x2.mul] : promoted(value, high);
  if (others.length === 0) return wide;
  return [wide, localTee(frame.widened[first][pair] ??= declare(frame.locals, "v128"))];
}

/** Lane 0 as a double to add to a sum. */
function single(frame: Frame, k: number): Code {
  const wide = [localGet(valueOf(frame, frame.kernel.reductions[k].node, 0)), f32x4.first, f64.promote];
  const { double } = frame;
  return squares(frame, k) ? [wide, localSet(double), localGet(double), localGet(double), f64.mul] : wide;
}

/** Adds a body's elements to a sum. */
function accumulate(frame: Frame, k: number, { vectors, lanes }: Width): Code {
  const { join, joinSingle } = lowering(frame, k);
  const each = (code: (u: number, high: boolean) => Code): Code => vectors.flatMap((u) => [false, true].map((high) => code(u, high)));
  const sum = frame.sums[k];
  if (sum === null) {
    const into = localGet(addressOf(frame, columnSum(k)));
    if (lanes === 1) return [into, into, f64.load(0), single(frame, k), joinSingle(), f64.store(0)];
    return each((u, high) => {
      const offset = 32 * u + (high ? 16 : 0);
      return [into, into, v128.load(offset), doubles(frame, k, u, high), join(), v128.store(offset)];
    });
  }
  if (lanes === 1) return [localGet(sum.tail), single(frame, k), joinSingle(), localSet(sum.tail)];
  return each((u, high) => {
    const pair = sum.pairs[(2 * u + (high ? 1 : 0)) % pairsOfSums];
    return [localGet(pair), doubles(frame, k, u, high), join(), localSet(pair)];
  });
}

/** The sum of all lanes, as a double on the stack: ((0 + 2) + (4 + 6)) + ((1 + 3) + (5 + 7)), then the tail. */
function settle(frame: Frame, k: number): Code {
  const { join, joinSingle } = lowering(frame, k);
  const { pairs: [a, b, c, d], tail } = frame.sums[k]!;
  const [x] = frame.temporaries;
  return [
    [localGet(a), localGet(b), join(), localGet(c), localGet(d), join(), join(), localSet(x)],
    [localGet(x), f64x2.lane(0), localGet(x), f64x2.lane(1), joinSingle()],
    [localGet(tail), joinSingle()],
  ];
}

// ------------------------------------------------------------------------------------------------------------------------------ loops

/** Runs bodies over as many elements as `count` says, each while there are enough for it. */
function elementLoop(frame: Frame, widths: readonly Width[], streams: readonly Stream[], body: (width: Width) => Code): Code {
  const { count } = frame;
  // The first vector is in all; the narrowest body is generated first, so that it has the first locals.
  const bodies = widths.toReversed().map((width) => ({ elements: width.elements, code: body(width) })).toReversed();
  return bodies.map(({ elements, code }) =>
    loopUntil([localGet(count), i32.const(elements), i32.lessUnsigned], [
      code,
      streams.map((stream) => advance(addressOf(frame, stream), elements * stream.stride)),
      [localGet(count), i32.const(elements), i32.sub, localSet(count)],
    ])
  );
}

/** Runs a body once for each of `count` elements. */
const countdown = ({ count }: Frame, body: Code): Code =>
  loopUntil([localGet(count), i32.isZero], [body, [localGet(count), i32.const(1), i32.sub, localSet(count)]]);

/** Runs a body with `index` from `begin` up to `end`. */
const indexLoop = (index: number, begin: number, end: number, body: Code): Code => [
  [localGet(begin), localSet(index)],
  loopUntil([localGet(index), localGet(end), i32.atLeastUnsigned], [body, advance(index, 1)]),
];

/** The kernel's innermost loop: loads, operations, stores and sums of elements. */
function elementsLoop(frame: Frame): Code {
  const {
    kernel: { nodes, pointers, stores, reductions },
    parts: { nodes: { param }, columnsRead, elementPointers, reductions: { col } },
  } = frame;
  const streams = [
    ...columnsRead.map(columnValue),
    ...elementPointers.map((pointer) => elementStream(frame, pointer)),
    ...col.map(columnSum),
  ];
  const elementOf = (index: number, width: Width): Code => {
    const { op, pointer, dtype } = nodes[index];
    if (op === "load") return loadStream(frame, elementStream(frame, pointer), dtype, index, width);
    return frame.roundedByStores.has(index) ? [] : width.vectors.map((u) => compute(frame, index, u));
  };
  const storeOf = ({ pointer, node }: Kernel["stores"][number], width: Width): Code =>
    storeStream(frame, elementStream(frame, pointer), pointers[pointer].dtype, node, width);
  // A number is stored as soon as it is there and what lay in its place has been read, so that it leaves its register.
  const places = new Map(param.map((index, place) => [index, place]));
  const readAt = new Map(param.filter((index) => nodes[index].op === "load").map((index) => [nodes[index].pointer, places.get(index)!]));
  const placeOf = ({ pointer, node }: Kernel["stores"][number]): number => Math.max(places.get(node) ?? -1, readAt.get(pointer) ?? -1);
  const storesAt = new Map(stores.map((store) => [placeOf(store), stores.filter((other) => placeOf(other) === placeOf(store))]));
  const storesOf = (place: number, width: Width): Code => (storesAt.get(place) ?? []).map((store) => storeOf(store, width));
  return elementLoop(frame, widthsOf(frame.kernel), streams, (width) => [
    columnsRead.map((index) => loadStream(frame, columnValue(index), "float32", index, width)),
    // What is the same for many elements, or for a column's, was there before.
    storesOf(-1, width),
    param.map((index, place) => [elementOf(index, width), storesOf(place, width)]),
    reductions.map((_, k) => accumulate(frame, k, width)),
  ]);
}

/** The same as passes over a block after the other, from `begin` to `end`. */
function blockLoops(frame: Frame, { passes, waiting }: Passes): Code {
  const { kernel: { pointers, stores }, locals, base, count } = frame;
  const [left, size] = [declare(locals, "i32"), declare(locals, "i32")];
  const loops = passes.map((pass) => {
    const { head, loop } = passLoop(frame, pass, waiting);
    return [head, [localGet(size), localSet(count)], loop];
  });
  const into = [...new Set(stores.map(({ pointer }) => pointer))];
  return [
    into.map((pointer) => [
      [localGet(base[pointer]), scaled(localGet(BEGIN), elementTypes[pointers[pointer].dtype].bytes), i32.add],
      localSet(addressOf(frame, storedStream(frame, pointer))),
    ]),
    [localGet(END), localGet(BEGIN), i32.sub, localSet(left)],
    loopUntil([localGet(left), i32.isZero], [
      [localGet(left), i32.const(block), [localGet(left), i32.const(block), i32.lessUnsigned], select, localSet(size)],
      loops,
      [localGet(left), localGet(size), i32.sub, localSet(left)],
    ]),
  ];
}

/** One pass over `count` elements, and what it needs first. */
function passLoop(whole: Frame, pass: Pass, waiting: readonly number[]): { readonly head: Code; readonly loop: Code } {
  const { kernel: { nodes, pointers, stores }, locals, parts } = whole;
  const constants = new Map<number, number>();
  // A pass has all that it computes with from memory, and so has no number in a register that it does not need.
  const frame: Frame = {
    ...whole,
    ...{ constants, vector: vectorsOf(locals, constants), wide: new Map(), waiting: new Set([...pass.reads, ...pass.leaves]) },
    ...{ values: nodes.map(() => []), masks: nodes.map(() => []) },
  };
  const between: Stream = { kind: "waiting", index: 0, stride: 4 };
  const isBetween = pass.reads.length + pass.leaves.length > 0;
  const loaded = pass.nodes.filter((index) => nodes[index].op === "load").map((index) => nodes[index].pointer);
  const streams = [
    ...[...new Set(loaded)].map((pointer) => elementStream(frame, pointer)),
    ...pass.stores.map((k) => storedStream(frame, stores[k].pointer)),
    ...(isBetween ? [between] : []),
  ];
  const offset = (index: number): number => blockBytes * waiting.indexOf(index);
  const read = (index: number, { vectors, lanes }: Width): Code =>
    vectors.map((u) => [
      [localGet(addressOf(frame, between)), lanes === 4 ? v128.load(16 * u + offset(index)) : v128.load32Zero(offset(index))],
      localSet(valueOf(frame, index, u)),
    ]);
  const leave = (index: number, { vectors, lanes }: Width): Code =>
    vectors.map((u) => [
      [localGet(addressOf(frame, between)), localGet(valueOf(frame, index, u))],
      lanes === 4 ? v128.store(16 * u + offset(index)) : v128.store32Lane(offset(index), 0),
    ]);
  const loop = elementLoop(frame, [eight, one], streams, (width) => {
    const missing = new Set(pass.reads);
    /** What a node or a store is computed from, where it is not there yet. */
    const bring = (of: readonly number[]): Code => of.filter((index) => missing.delete(index)).map((index) => read(index, width));
    const source = (k: number): number => frame.roundedByStores.has(stores[k].node) ? nodes[stores[k].node].args[0] : stores[k].node;
    const store = (k: number): Code => {
      const { pointer, node } = stores[k];
      return [bring([source(k)]), storeStream(frame, storedStream(frame, pointer), pointers[pointer].dtype, node, width)];
    };
    // As soon as the number is there and what lay in its place has been read.
    const place = (k: number): number =>
      pass.nodes.findLastIndex((index) =>
        index === source(k) || (nodes[index].op === "load" && nodes[index].pointer === stores[k].pointer)
      );
    const storesAt = (at: number): Code => pass.stores.filter((k) => place(k) === at).map(store);
    return [
      pass.nodes.map((index, at) => [
        bring(nodes[index].args),
        nodes[index].op === "load"
          ? loadStream(frame, elementStream(frame, nodes[index].pointer), nodes[index].dtype, index, width)
          : width.vectors.map((u) => compute(frame, index, u)),
        pass.leaves.includes(index) ? leave(index, width) : [],
        storesAt(at),
      ]),
      storesAt(-1),
      pass.reductions.map((k) => accumulate(frame, k, width)),
    ];
  });
  const head = [
    splats(frame, parts.nodes.uniform.filter((index) => frame.values[index].length > 0 || frame.wide.has(index))),
    constantsFrom(frame, [localGet(JOB), i32.load(0), i32.const(-1), i32.eq]), // nothing lies at the last address
    isBetween ? [localGet(LOCAL), localSet(addressOf(frame, between))] : [],
  ];
  return { head, loop };
}

/** Numbers that are the same for all elements, into their locals. */
const splats = (frame: Frame, uniform: readonly number[]): Code => [
  uniform.map((index) => [
    [localGet(frame.scalars), v128.load32Splat(4 * frame.kernel.nodes[index].scalar)],
    localSet(valueOf(frame, index, 0)),
  ]),
  [...frame.wide].map(([index, into]) => [promoted(localGet(valueOf(frame, index, 0)), false), localSet(into)]),
];

/**
 * Constants into their locals, with a number added that is 0, which JavaScriptCore must not know: what it knows to be constant it builds anew, by four
 * instructions, wherever it stands, and what it knows to be equal it keeps in one register from the first pass to the last (a rule that rounds in three stores
 * took 3.2 to 4.0 ns a parameter in float16 in place of 2.1).
 */
const constantsFrom = ({ constants, count }: Frame, zero: Code): Code => [
  [zero, localSet(count)], // which counts nothing yet
  [...constants].map(([bits, into]) => [i32.const(bits), localGet(count), i32.add, i32x4.splat, localSet(into)]),
];

/** Sets the pointers that move with the elements, from the element of a number. */
const startElements = (frame: Frame, element: Code): Code =>
  frame.parts.elementPointers.map((pointer) => {
    const stream = elementStream(frame, pointer);
    return [localGet(frame.base[pointer]), scaled(element, stream.stride), i32.add, localSet(addressOf(frame, stream))];
  });

/** Numbers of a matrix or a row, by its index. */
function singles(frame: Frame, role: "batch" | "row", index: Code): Code {
  const { kernel: { nodes }, parts, base } = frame;
  return parts.nodes[role].map((node) => {
    const { op, pointer, dtype } = nodes[node];
    if (op !== "load") return compute(frame, node, 0);
    const address = [localGet(base[pointer]), scaled(index, elementTypes[dtype].bytes), i32.add];
    return [memory[dtype].loadSplat(frame, address), localSet(valueOf(frame, node, 0))];
  });
}

/** Elements in a row, from `begin` to `end`. */
function flat(frame: Frame): Code {
  const { passes } = frame.parts;
  if (passes !== null) {
    const blocks = blockLoops(frame, passes);
    return [startElements(frame, localGet(BEGIN)), blocks];
  }
  const loop = elementsLoop(frame);
  return [
    startElements(frame, localGet(BEGIN)),
    [localGet(END), localGet(BEGIN), i32.sub, localSet(frame.count)],
    loop,
  ];
}

/** Locals of a matrix kernel's outer loops. */
interface MatrixFrame {
  readonly batch: number;
  /** Its number in the matrix, and among all rows. */
  readonly rowInMatrix: number;
  readonly row: number;
  /** Bytes of a kept column value's numbers, and of a column reduction's sums, in the thread's memory. */
  readonly keptBytes: number;
  readonly sumBytes: number;
  /** By column reduction: where its sums lie. A band's go to the plan's memory, a whole matrix' into the thread's. */
  readonly sums: readonly number[];
}

/** Batches, rows, columns: matrices from `begin` to `end`, and of each the rows from `rowBegin` to `rowEnd`. */
function matrix(frame: Frame): Code {
  const { locals, cols, columnStride, parts } = frame;
  const [batch, rowInMatrix, row, kept, sums] = Array.from({ length: 5 }, () => declare(locals, "i32"));
  const outer: MatrixFrame = {
    ...{ batch, rowInMatrix, row, keptBytes: kept, sumBytes: sums },
    sums: parts.reductions.col.map(() => declare(locals, "i32")),
  };
  const elements = elementsLoop(frame);
  const columns = columnsLoop(frame, outer);
  const clears = outer.sums.map((at, nth) => clearColumns(frame, at, parts.reductions.col[nth]));
  const ends = outer.sums.map((at, nth) => endColumns(frame, outer, at, parts.reductions.col[nth]));
  const rows = oneRow(frame, outer, elements);
  const bytes = (shift: number): Code => [
    [localGet(cols), i32.const(shift), i32.shl],
    [i32.const(15), i32.add, i32.const(-16), i32.and],
  ];
  return [
    [bytes(2), localSet(outer.keptBytes)],
    [bytes(3), localSet(outer.sumBytes)],
    indexLoop(batch, BEGIN, END, [
      singles(frame, "batch", localGet(batch)),
      columns,
      outer.sums.map((at, nth) => [
        [localGet(COLUMNS), localGet(columnStride), i32.const(nth), i32.mul, i32.add],
        [keptAt(outer, parts.columnsKept.length), localGet(outer.sumBytes), i32.const(nth), i32.mul, i32.add],
        [localGet(COLUMNS), select, localSet(at)],
      ]),
      clears,
      indexLoop(rowInMatrix, ROW_BEGIN, ROW_END, rows),
      ends.length > 0 ? [localGet(COLUMNS), i32.isZero, when(ends)] : [],
    ]),
  ];
}

/** Where the nth kept column value lies in the thread's memory. */
const keptAt = ({ keptBytes }: MatrixFrame, nth: number): Code => [localGet(LOCAL), localGet(keptBytes), i32.const(nth), i32.mul, i32.add];

/** Bytes from the first column to this matrix' first. */
const columnStart = ({ cols }: Frame, { batch }: MatrixFrame, stride: number): Code =>
  scaled([localGet(batch), localGet(cols), i32.mul], stride);

/** Column values that must be computed: once a matrix, into the thread's memory. */
function columnsLoop(frame: Frame, outer: MatrixFrame): Code {
  const { kernel: { nodes }, parts: { nodes: { col }, columnsKept }, base, cols, count } = frame;
  if (columnsKept.length === 0) return [];
  const loads = col.filter((index) => nodes[index].op === "load");
  const inputs = new Map(loads.map((index) => [nodes[index].pointer, columnInput(nodes[index])]));
  const loop = elementLoop(frame, [eight, one], [...inputs.values(), ...columnsKept.map(columnOutput)], (width) => [
    col.map((index) => {
      if (nodes[index].op === "load") return loadStream(frame, columnInput(nodes[index]), nodes[index].dtype, index, width);
      return width.vectors.map((u) => compute(frame, index, u));
    }),
    columnsKept.map((index) => storeStream(frame, columnOutput(index), "float32", index, width)),
  ]);
  return [
    loads.map((index) => {
      const stream = columnInput(nodes[index]);
      return [localGet(base[stream.index]), columnStart(frame, outer, stream.stride), i32.add, localSet(addressOf(frame, stream))];
    }),
    columnsKept.map((index, nth) => [keptAt(outer, nth), localSet(addressOf(frame, columnOutput(index)))]),
    [localGet(cols), localSet(count)],
    loop,
  ];
}

/** Sets the sums of a column reduction back. */
function clearColumns(frame: Frame, at: number, k: number): Code {
  const { cols, count } = frame;
  const to = addressOf(frame, columnSum(k));
  return [
    [localGet(at), localSet(to), localGet(cols), localSet(count)],
    countdown(frame, [[localGet(to), identity(frame, k), f64.store(0)], advance(to, 8)]),
  ];
}

/** A matrix' column sums to results. */
function endColumns(frame: Frame, outer: MatrixFrame, at: number, k: number): Code {
  const { kernel: { reductions }, locals, base, rows, cols, count } = frame;
  const from = addressOf(frame, columnSum(k));
  const to = declare(locals, "i32");
  return [
    [localGet(at), localSet(from)],
    [localGet(base[reductions[k].pointer]), columnStart(frame, outer, 4), i32.add, localSet(to)],
    [localGet(cols), localSet(count)],
    countdown(frame, [
      [localGet(to), localGet(from), f64.load(0), lowering(frame, k).finish(localGet(rows)), f32.demote, f32.store(0)],
      [advance(from, 8), advance(to, 4)],
    ]),
  ];
}

/** One row: its numbers, its elements, and the results of its reductions. */
function oneRow(frame: Frame, outer: MatrixFrame, elements: Code): Code {
  const { kernel: { nodes, reductions }, parts, base, rows, cols, count } = frame;
  const { batch, rowInMatrix, row } = outer;
  return [
    [localGet(batch), localGet(rows), i32.mul, localGet(rowInMatrix), i32.add, localSet(row)],
    singles(frame, "row", localGet(row)),
    parts.reductions.row.map((k) => clearSum(frame, k)),
    startElements(frame, [localGet(row), localGet(cols), i32.mul]),
    parts.columnsRead.map((index) => [
      liesReady(nodes[index])
        ? [localGet(base[nodes[index].pointer]), columnStart(frame, outer, 4), i32.add]
        : keptAt(outer, parts.columnsKept.indexOf(index)),
      localSet(addressOf(frame, columnValue(index))),
    ]),
    parts.reductions.col.map((k, nth) => [localGet(outer.sums[nth]), localSet(addressOf(frame, columnSum(k)))]),
    [localGet(cols), localSet(count)],
    elements,
    parts.reductions.row.map((k) => [
      [localGet(base[reductions[k].pointer]), scaled(localGet(row), 4), i32.add],
      [settle(frame, k), lowering(frame, k).finish(localGet(cols)), f32.demote, f32.store(0)],
    ]),
  ];
}

// ----------------------------------------------------------------------------------------------------------------------- the function

/** The bytes of a module that exports `k` and imports the shared `env.memory`. */
export function wasmModule(kernel: Kernel): Uint8Array<ArrayBuffer> {
  const frame = createFrame(kernel);
  const { parts, base, rows, cols, columnStride, scalars } = frame;
  const main = kernel.shape === "flat" ? flat(frame) : matrix(frame);
  // Passes have their own.
  const numbers = parts.passes === null ? splats(frame, parts.nodes.uniform) : [];
  const clears = parts.reductions.total.map((k) => clearSum(frame, k));
  const ends = parts.reductions.total.map((k, nth) => [localGet(TOTALS), settle(frame, k), f64.store(8 * nth)]);
  // The job's words and the constants, now that all of them are known.
  const head = [
    [...base, rows, cols, columnStride, scalars].map((into, k) => [localGet(JOB), i32.load(4 * k), localSet(into)]),
    constantsFrom(frame, [localGet(JOB), i32.isZero]), // no job lies at address 0
  ];
  return assembleModule({ name: "k", parameters, locals: frame.locals, body: [head, numbers, clears, main, ends] });
}

/**
 * A kernel → the bytes of a WASM module with one function, SIMD128 without relaxed operations.
 *
 * ```text
 * k(job, begin, end, rowBegin, rowEnd, totals, columns, local)
 * job:  the address of [pointer …, rows, cols, column stride, address of the scalars], 32 bits each
 * ```
 *
 * Elements go eight at a time, two vectors side by side; what is left over goes through the same instructions in lane 0, so that a tail gives
 * the same bits and needs no padding. Numbers of a row or a matrix are vectors with four equal lanes. Numbers of a column that must be computed
 * are computed once per matrix, into memory of the thread.
 *
 * @module
 */
import type { Kernel, Node } from "../../language/kernel.ts";
import type { DType } from "../../types.ts";

// ---- encoding

type Code = readonly (number | Code)[];

function unsigned(n: number): number[] {
  const bytes: number[] = [];
  do {
    const low = n & 127;
    n >>>= 7;
    bytes.push(n === 0 ? low : low | 128);
  } while (n !== 0);
  return bytes;
}

function signed(n: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = n & 127;
    n >>= 7;
    if ((n === 0 && (low & 64) === 0) || (n === -1 && (low & 64) !== 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const i32 = 0x7f;
const f64 = 0x7c;
const v128 = 0x7b;

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const constant = (n: number): Code => [0x41, ...signed(n | 0)];
const simd = (op: number): Code => [0xfd, ...unsigned(op)];
const at = (offset: number): Code => [0, ...unsigned(offset)];
const load32 = (offset: number): Code => [0x28, at(offset)];
const add: Code = [0x6a];
const sub: Code = [0x6b];
const mul: Code = [0x6c];
const and: Code = [0x71];
const block = (body: Code): Code => [0x02, 0x40, body, 0x0b];
const loop = (body: Code): Code => [0x03, 0x40, body, 0x0b];
const when = (body: Code): Code => [0x04, 0x40, body, 0x0b];
const branch = (depth: number): Code => [0x0c, depth];
const branchIf = (depth: number): Code => [0x0d, depth];
const lessUnsigned: Code = [0x49];
const atLeastUnsigned: Code = [0x4f];

const splat32 = (bits: number): Code => {
  const bytes = [bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, (bits >>> 24) & 255];
  return [simd(0x0c), bytes, bytes, bytes, bytes];
};
const zero = splat32(0);

const f32x4 = { abs: 0xe0, neg: 0xe1, sqrt: 0xe3, "+": 0xe4, "-": 0xe5, "*": 0xe6, "/": 0xe7, min: 0xe8, max: 0xe9 } as const;
const compare = { "==": 0x41, "<": 0x43, ">": 0x44, "<=": 0x45, ">=": 0x46 } as const;
const f64x2 = { add: simd(0xf0), mul: simd(0xf2), max: simd(0xf5), demote: simd(0x5e) };
const bits = { and: simd(0x4e), or: simd(0x50), xor: simd(0x51), select: simd(0x52) };
const i32x4 = { shl: simd(0xab), shr: simd(0xad), add: simd(0xae), sub: simd(0xb1), max: simd(0xb9), greater: simd(0x3b) };
/** `b < a ? b : a`: one instruction where `min` is several. */
const f32x4pmin = simd(0xea);
const promoteLow = simd(0x5f);
/** Lanes 2 and 3 to the front. */
const upper: Code = [simd(0x0d), 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
/** The first two lanes of two vectors. */
const firsts: Code = [simd(0x0d), 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const lane0 = [simd(0x1f), 0];
const promote: Code = [0xbb];
const demote: Code = [0xb6];

const one = 0x3f800000;
const minusOne = 0xbf800000;

// ---- the function

const vectors = 2;
const [JOB, BEGIN, END, ROW_BEGIN, ROW_END, TOTALS, COLUMNS, LOCAL] = [0, 1, 2, 3, 4, 5, 6, 7];
const strideOf = (dtype: DType): number => dtype === "float32" ? 4 : 2;

/** A pointer that moves with the elements. */
interface Stream {
  readonly local: number;
  readonly stride: number;
}

/** The bytes of a module that exports `k` and imports the shared `env.memory`. */
export function wasmModule(kernel: Kernel): Uint8Array<ArrayBuffer> {
  const types: number[] = [];
  const local = (type: number): number => 8 + types.push(type) - 1;
  const body = build(kernel, local);
  const code = flatten([unsigned(types.length), types.map((type) => [1, type]), body, 0x0b]);
  const section = (id: number, content: Code): Code => {
    const bytes = flatten([content]);
    return [id, unsigned(bytes.length), bytes];
  };
  const name = (text: string): Code => [text.length, [...text].map((c) => c.charCodeAt(0))];
  return Uint8Array.from(flatten([
    [0, 97, 115, 109, 1, 0, 0, 0],
    section(1, [1, 0x60, 8, Array<number>(8).fill(i32), 0]),
    section(2, [1, name("env"), name("memory"), 2, 3, 0, unsigned(65_536)]),
    section(3, [1, 0]),
    section(7, [1, name("k"), 0, 0]),
    section(10, [1, unsigned(code.length), code]),
  ]));
}

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  const walk = (part: Code): void => {
    for (const item of part) typeof item === "number" ? bytes.push(item) : walk(item);
  };
  walk(code);
  return bytes;
}

function build(kernel: Kernel, local: (type: number) => number): Code {
  const { nodes, pointers, stores, reductions, shape } = kernel;

  // ---- constants in locals: engines build a vector constant anew wherever it stands
  const constants = new Map<number, number>();
  const vector = (bits: number): Code => {
    let known = constants.get(bits);
    if (known === undefined) constants.set(bits, known = local(v128));
    return get(known);
  };

  // ---- values: one local for what is equal in all lanes, one a vector for elements
  const singles = new Map<number, number>();
  const lanes = nodes.map(() => [] as number[]);
  const valueOf = (node: number, u: number): number => {
    const { role } = nodes[node];
    if (role === "uniform" || role === "batch" || role === "row") {
      if (!singles.has(node)) singles.set(node, local(v128));
      return singles.get(node)!;
    }
    return lanes[node][u] ??= local(v128);
  };
  const masks = new Map<string, number>();
  const maskOf = (node: number, u: number): number => {
    const name = `${node} ${nodes[node].role === "row" || nodes[node].role === "batch" ? 0 : u}`;
    if (!masks.has(name)) masks.set(name, local(v128));
    return masks.get(name)!;
  };
  const isComparison = ({ op }: Node): boolean => op === "!=" || Object.hasOwn(compare, op);
  // A comparison that only chooses needs no 0 or 1.
  const asNumber = nodes.map(({ role }, index) =>
    role === "col" ||
    nodes.some(({ op, args }) => args.some((arg, k) => arg === index && !(op === "where" && k === 0))) ||
    stores.some(({ node }) => node === index) || reductions.some(({ node }) => node === index)
  );
  const temporary = [local(v128), local(v128), local(v128)];
  const [T, U, V] = temporary;

  // 16-bit numbers. No select where a masked add will do (engines make three instructions of one), and no subnormal float32 on the way, which costs
  // a hundred cycles. Select-based texts with one branch a kind of number took 1.1 instead of 0.4 ns an element and rounding.
  const roundTo = (dtype: DType): Code => {
    if (dtype === "float32") return [];
    if (dtype === "bfloat16") {
      // to even at bit 16; what was NaN stays NaN, whatever the carry made of it
      return [
        set(T),
        [get(T), constant(16), i32x4.shr, vector(1), bits.and, get(T), i32x4.add, vector(0x7fff), i32x4.add, vector(0xffff0000), bits.and],
        [get(T), get(T), simd(0x42), vector(0x7fc00000), bits.and, bits.or],
      ];
    }
    return [
      set(T),
      // beyond the range: 65536, which the last two factors turn into infinity; NaN is not less than anything and stays
      [get(T), simd(f32x4.abs), vector(0x47800000), f32x4pmin, set(U)],
      // adding 2^13 times the number's power of two, at least 2^-1, leaves 11 bits, or steps of 2^-24 below 2^-14
      [get(U), vector(0x7f800000), bits.and, vector(0x38800000), i32x4.max, vector(13 << 23), i32x4.add, set(V)],
      [get(U), get(V), simd(f32x4["+"]), get(V), simd(f32x4["-"])],
      [vector(0x77800000), simd(f32x4["*"]), vector(0x07800000), simd(f32x4["*"])],
      [get(T), vector(0x80000000), bits.and, bits.or],
    ];
  };
  /** Patterns in 32-bit lanes → numbers. */
  const widen = (dtype: DType): Code => {
    if (dtype === "bfloat16") return [constant(16), i32x4.shl];
    return [
      set(T),
      [get(T), vector(0x7fff), bits.and, set(U)],
      // a subnormal gets the exponent of 2^-14, and then 2^-14 less
      [vector(0x400), get(U), i32x4.greater, set(V)],
      [get(U), constant(13), i32x4.shl, vector(112 << 23), i32x4.add, get(V), vector(1 << 23), bits.and, i32x4.add],
      [get(V), vector(0x38800000), bits.and, simd(f32x4["-"])],
      // infinity and NaN get the highest exponent
      [get(U), vector(0x7bff), i32x4.greater, vector(0x7f800000), bits.and, bits.or],
      [get(T), get(U), bits.xor, constant(16), i32x4.shl, bits.or],
    ];
  };
  /** Numbers that 16 bits hold exactly → patterns in 32-bit lanes. */
  const narrow = (dtype: DType): Code => {
    if (dtype === "bfloat16") return [constant(16), i32x4.shr];
    return [
      set(T),
      [get(T), simd(f32x4.abs), set(U)],
      [vector(0x38800000), get(U), i32x4.greater, set(V)],
      [get(U), get(V), vector(0x38800000), bits.and, simd(f32x4["+"])],
      [get(V), vector(1 << 23), bits.and, i32x4.sub, vector(112 << 23), i32x4.sub],
      [get(U), vector(0x7f7fffff), i32x4.greater, vector(112 << 23), bits.and, i32x4.sub],
      [constant(13), i32x4.shr],
      [get(T), constant(16), i32x4.shr, vector(0x8000), bits.and, bits.or],
    ];
  };

  /** One operation on vectors; `u` says which of the two side by side. */
  const operate = (index: number, u: number): Code => {
    const node = nodes[index];
    const arg = (k: number): Code => get(valueOf(node.args[k], u));
    const { op } = node;
    if (isComparison(node)) {
      const mask = op === "!="
        ? [arg(0), arg(1), simd(compare["<"]), arg(0), arg(1), simd(compare[">"]), bits.or]
        : [arg(0), arg(1), simd(compare[op as keyof typeof compare])];
      const kept = [mask, set(maskOf(index, u))];
      return asNumber[index] ? [kept, get(maskOf(index, u)), vector(one), bits.and, set(valueOf(index, u))] : kept;
    }
    const result = ((): Code => {
      switch (op) {
        case "as":
          return arg(0);
        case "round":
          return [arg(0), roundTo(node.dtype)];
        case "clamp":
          return [arg(0), arg(1), simd(f32x4.max), arg(2), simd(f32x4.min)];
        case "fma": {
          const half = (k: number, high: boolean): Code => high ? [arg(k), arg(k), upper, promoteLow] : [arg(k), promoteLow];
          return [[false, true].map((high) => [half(0, high), half(1, high), f64x2.mul, half(2, high), f64x2.add, f64x2.demote]), firsts];
        }
        case "sign":
          return [
            vector(one),
            [vector(minusOne), arg(0), arg(0), vector(0), simd(compare["<"]), bits.select],
            arg(0),
            vector(0),
            simd(compare[">"]),
            bits.select,
          ];
        case "where": {
          const condition = nodes[node.args[0]];
          const direct = isComparison(condition) && condition.role !== "col";
          const mask = direct
            ? get(maskOf(node.args[0], u))
            : [arg(0), vector(0), simd(compare["<"]), arg(0), vector(0), simd(compare[">"]), bits.or];
          return [arg(1), arg(2), mask, bits.select];
        }
        default:
          if (!Object.hasOwn(f32x4, op)) throw new Error(`Cannot compile ${op} over elements`);
          return [node.args.map((_, k) => arg(k)), simd(f32x4[op as keyof typeof f32x4])];
      }
    })();
    return [result, set(valueOf(index, u))];
  };

  // ---- loads and stores; width 1 is lane 0 alone
  const load = (dtype: DType, address: Code, offset: number, width: 1 | 4): Code =>
    dtype === "float32"
      ? [address, simd(width === 4 ? 0x00 : 0x5c), at(offset)]
      : width === 4
      ? [address, simd(0x04), at(offset), widen(dtype)]
      : [address, vector(0), simd(0x55), at(offset), 0, widen(dtype)];
  const store = (dtype: DType, address: Code, offset: number, value: Code, width: 1 | 4): Code => {
    if (dtype === "float32") return [address, value, width === 4 ? [simd(0x0b), at(offset)] : [simd(0x5a), at(offset), 0]];
    if (width === 1) return [address, value, narrow(dtype), simd(0x59), at(offset), 0];
    return [value, narrow(dtype), set(T), address, get(T), get(T), simd(0x86), simd(0x5b), at(offset), 0];
  };
  /** A number for all lanes. */
  const loadSplat = (dtype: DType, address: Code): Code =>
    dtype === "float32" ? [address, simd(0x09), at(0)] : [address, simd(0x08), at(0), vector(0xffff), bits.and, widen(dtype)];

  /** `count` elements: pairs of vectors, then one by one. */
  const elements = (count: number, streams: readonly Stream[], each: (width: 1 | 4, us: readonly number[]) => Code): Code => {
    const step = 4 * vectors;
    const advance = (n: number): Code => streams.map(({ local, stride }) => [get(local), constant(n * stride), add, set(local)]);
    const pass = (n: number, body: Code): Code =>
      block([loop([
        [get(count), constant(n), lessUnsigned, branchIf(1)],
        body,
        advance(n),
        [get(count), constant(n), sub, set(count)],
        branch(0),
      ])]);
    return [pass(step, each(4, Array.from({ length: vectors }, (_, u) => u))), pass(1, each(1, [0]))];
  };

  // ---- addresses
  const base = pointers.map(() => local(i32));
  const [ROWS, COLS, STRIDE, SCALARS] = [local(i32), local(i32), local(i32), local(i32)];
  const count = local(i32);
  const scaled = (index: Code, stride: number): Code => [index, constant(stride), mul];
  const streams = new Map<string, Stream>();
  const stream = (name: string, stride: number): Stream => {
    let known = streams.get(name);
    if (known === undefined) streams.set(name, known = { local: local(i32), stride });
    return known;
  };
  const elementStream = (pointer: number): Stream => stream(`e${pointer}`, strideOf(pointers[pointer].dtype));

  // ---- which nodes run where
  const ofRole = (role: string): number[] => nodes.map((_, index) => index).filter((index) => nodes[index].role === role);
  const elementNodes = ofRole("param");
  const usedByElements = new Set([
    ...elementNodes.flatMap((index) => nodes[index].args),
    ...stores.map(({ node }) => node),
    ...reductions.map(({ node }) => node),
  ]);
  const columnNodes = ofRole("col");
  const isPlainColumn = (index: number): boolean => nodes[index].op === "load" && nodes[index].dtype === "float32";
  const columnsRead = columnNodes.filter((index) => usedByElements.has(index));
  const columnsKept = columnsRead.filter((index) => !isPlainColumn(index));

  // ---- sums
  const sums = reductions.map(({ axis }) =>
    axis === "col" ? null : { pairs: Array.from({ length: 2 * vectors }, () => local(v128)), tail: local(f64) }
  );
  const combine = (f: string): Code => f === "max" ? f64x2.max : f64x2.add;
  const squares = (f: string): boolean => f === "norm" || f === "rms";
  const F = local(f64);
  const identity = (f: string): Code => f === "max" ? [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0xff] : [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
  const clear = (k: number): Code => {
    const { pairs, tail } = sums[k]!;
    const { f } = reductions[k];
    return [identity(f), set(tail), pairs.map((pair) => [identity(f), simd(0x14), set(pair)])];
  };
  /** Two doubles of a vector, squared where the reduction wants it. Widening is what costs most here: what two reductions sum is widened once. */
  const widened = new Map<string, number>();
  const doubles = (k: number, u: number, high: boolean): Code => {
    const { f, node } = reductions[k];
    const value = get(valueOf(node, u));
    const wide: Code = high ? [value, value, upper, promoteLow] : [value, promoteLow];
    const name = `${node} ${squares(f)} ${u} ${high}`;
    const first = reductions.findIndex((r) => r.node === node && squares(r.f) === squares(f));
    const shared = reductions.findLastIndex((r) => r.node === node && squares(r.f) === squares(f)) > first;
    if (k > first) return get(widened.get(name)!);
    const full = squares(f) ? [wide, set(T), get(T), get(T), f64x2.mul] : wide;
    if (!shared) return full;
    const into = widened.get(name) ?? local(v128);
    widened.set(name, into);
    return [full, [0x22, ...unsigned(into)]];
  };
  const single = (f: string, value: Code): Code => {
    const wide: Code = [value, lane0, promote];
    return squares(f) ? [wide, set(F), get(F), get(F), 0xa2] : wide;
  };
  const scalarCombine = (f: string): Code => f === "max" ? [0xa5] : [0xa0];
  const accumulate = (k: number, width: 1 | 4, us: readonly number[]): Code => {
    const { f, node, axis } = reductions[k];
    if (axis === "col") {
      const { local: into } = stream(`s${k}`, 8);
      if (width === 1) return [get(into), get(into), [0x2b, at(0)], single(f, get(valueOf(node, 0))), scalarCombine(f), [0x39, at(0)]];
      return us.flatMap((u) =>
        [false, true].map((high) => {
          const offset = 32 * u + (high ? 16 : 0);
          return [get(into), get(into), simd(0x00), at(offset), doubles(k, u, high), combine(f), simd(0x0b), at(offset)];
        })
      );
    }
    const { pairs, tail } = sums[k]!;
    if (width === 1) return [get(tail), single(f, get(valueOf(node, 0))), scalarCombine(f), set(tail)];
    return us.flatMap((u) =>
      [false, true].map((high) => {
        const pair = pairs[2 * u + (high ? 1 : 0)];
        return [get(pair), doubles(k, u, high), combine(f), set(pair)];
      })
    );
  };
  /** The sum of all lanes, as a double on the stack: ((0 + 2) + (4 + 6)) + ((1 + 3) + (5 + 7)), then the tail. */
  const settle = (k: number): Code => {
    const { f } = reductions[k];
    const { pairs: [a, b, c, d], tail } = sums[k]!;
    return [
      [get(a), get(b), combine(f), get(c), get(d), combine(f), combine(f), set(T)],
      [get(T), simd(0x21), 0, get(T), simd(0x21), 1, scalarCombine(f)],
      [get(tail), scalarCombine(f)],
    ];
  };
  /** From a sum over n elements to the result. */
  const finish = (f: string, n: number): Code => [
    f === "mean" || f === "rms" ? [get(n), 0xb8, 0xa3] : [],
    f === "norm" || f === "rms" ? [0x9f] : [],
  ];

  // ---- the element body
  const body = (width: 1 | 4, us: readonly number[]): Code => [
    columnsRead.map((index) => {
      const { local: from } = stream(`c${index}`, 4);
      return us.map((u) => [load("float32", get(from), 16 * u, width), set(valueOf(index, u))]);
    }),
    elementNodes.map((index) => {
      const { op, pointer, dtype } = nodes[index];
      if (op !== "load") return us.map((u) => operate(index, u));
      const { local: from, stride } = elementStream(pointer);
      return us.map((u) => [load(dtype, get(from), 4 * u * stride, width), set(valueOf(index, u))]);
    }),
    stores.map(({ pointer, node }) => {
      const { local: to, stride } = elementStream(pointer);
      return us.map((u) => store(pointers[pointer].dtype, get(to), 4 * u * stride, get(valueOf(node, u)), width));
    }),
    reductions.map((_, k) => accumulate(k, width, us)),
  ];

  // ---- assembled from the inside out, so that every constant and stream is known when the head is written
  const totals = reductions.map((_, k) => k).filter((k) => reductions[k].axis === "total");
  const rowSums = reductions.map((_, k) => k).filter((k) => reductions[k].axis === "row");
  const columnSums = reductions.map((_, k) => k).filter((k) => reductions[k].axis === "col");
  const singlesOf = (role: "batch" | "row", index: Code): Code =>
    ofRole(role).map((node) => {
      const { op, pointer, dtype } = nodes[node];
      if (op !== "load") return operate(node, 0);
      return [loadSplat(dtype, [get(base[pointer]), scaled(index, strideOf(dtype)), add]), set(valueOf(node, 0))];
    });

  let main: Code;
  if (shape === "flat") {
    const inner = elements(count, elementStreams(), body);
    main = [
      pointersUsed().map((k) => [get(base[k]), scaled(get(BEGIN), strideOf(pointers[k].dtype)), add, set(elementStream(k).local)]),
      [get(END), get(BEGIN), sub, set(count)],
      inner,
    ];
  } else {
    main = matrix();
  }

  function pointersUsed(): number[] {
    return [...streams.keys()].filter((name) => name[0] === "e").map((name) => Number(name.slice(1)));
  }
  /** The streams that the element body touches; a first call of the body makes them known. */
  function elementStreams(): Stream[] {
    body(1, [0]);
    return [...streams.entries()].filter(([name]) => name[0] !== "k").map(([, one]) => one);
  }

  function matrix(): Code {
    const [b, r, row, widthBytes, sumBytes] = [local(i32), local(i32), local(i32), local(i32), local(i32)];
    const keptAt = (nth: number): Code => [get(LOCAL), get(widthBytes), constant(nth), mul, add];
    // A band's sums go to the plan's memory, a whole matrix' into the thread's.
    const sumAt = columnSums.map(() => local(i32));
    const columnStart = (stride: number): Code => [scaled([get(b), get(COLS), mul], stride)];
    const inner = elements(count, elementStreams(), body);

    // column values: computed once a matrix
    const columnBody = (width: 1 | 4, us: readonly number[]): Code => [
      columnNodes.map((index) => {
        const { op, pointer, dtype } = nodes[index];
        if (op !== "load") return us.map((u) => operate(index, u));
        const { local: from, stride } = stream(`k${pointer}`, strideOf(dtype));
        return us.map((u) => [load(dtype, get(from), 4 * u * stride, width), set(valueOf(index, u))]);
      }),
      columnsKept.map((index) => {
        const { local: to } = stream(`kept ${index}`, 4);
        return us.map((u) => store("float32", get(to), 16 * u, get(valueOf(index, u)), width));
      }),
    ];
    let columnLoop: Code = [];
    if (columnsKept.length > 0) {
      columnBody(1, [0]);
      const moving = [...streams.entries()].filter(([name]) => name[0] === "k").map(([, one]) => one);
      columnLoop = [
        columnNodes.filter((index) => nodes[index].op === "load").map((index) => {
          const { pointer, dtype } = nodes[index];
          return [get(base[pointer]), columnStart(strideOf(dtype)), add, set(stream(`k${pointer}`, strideOf(dtype)).local)];
        }),
        columnsKept.map((index, nth) => [keptAt(nth), set(stream(`kept ${index}`, 4).local)]),
        [get(COLS), set(count)],
        elements(count, moving, columnBody),
      ];
    }

    const clearColumns = columnSums.map((k, nth) => {
      const { local: to } = stream(`s${k}`, 8);
      return [
        [get(sumAt[nth]), set(to), get(COLS), set(count)],
        block([loop([
          [get(count), 0x45, branchIf(1)],
          [get(to), identity(reductions[k].f), 0x39, at(0)],
          [get(to), constant(8), add, set(to)],
          [get(count), constant(1), sub, set(count)],
          branch(0),
        ])]),
      ];
    });
    const endColumns = columnSums.map((k, nth) => {
      const { f, pointer } = reductions[k];
      const { local: from } = stream(`s${k}`, 8);
      const to = local(i32);
      return [
        [get(sumAt[nth]), set(from), get(base[pointer]), columnStart(4), add, set(to), get(COLS), set(count)],
        block([loop([
          [get(count), 0x45, branchIf(1)],
          [get(to), get(from), 0x2b, at(0), finish(f, ROWS), demote, 0x38, at(0)],
          [get(from), constant(8), add, set(from)],
          [get(to), constant(4), add, set(to)],
          [get(count), constant(1), sub, set(count)],
          branch(0),
        ])]),
      ];
    });

    const perRow: Code = [
      [get(b), get(ROWS), mul, get(r), add, set(row)],
      singlesOf("row", get(row)),
      rowSums.map((k) => clear(k)),
      pointersUsed().map((k) => [
        [get(base[k]), scaled([get(row), get(COLS), mul], strideOf(pointers[k].dtype)), add],
        set(elementStream(k).local),
      ]),
      columnsRead.map((index) => [
        isPlainColumn(index) ? [get(base[nodes[index].pointer]), columnStart(4), add] : keptAt(columnsKept.indexOf(index)),
        set(stream(`c${index}`, 4).local),
      ]),
      columnSums.map((k, nth) => [get(sumAt[nth]), set(stream(`s${k}`, 8).local)]),
      [get(COLS), set(count)],
      inner,
      rowSums.map((k) => {
        const { f, pointer } = reductions[k];
        return [get(base[pointer]), scaled(get(row), 4), add, settle(k), finish(f, COLS), demote, 0x38, at(0)];
      }),
    ];
    return [
      [get(COLS), constant(2), 0x74, constant(15), add, constant(-16), and, set(widthBytes)],
      [get(COLS), constant(3), 0x74, constant(15), add, constant(-16), and, set(sumBytes)],
      [get(BEGIN), set(b)],
      block([loop([
        [get(b), get(END), atLeastUnsigned, branchIf(1)],
        singlesOf("batch", get(b)),
        columnLoop,
        columnSums.map((_, nth) => [
          [get(COLUMNS), get(STRIDE), constant(nth), mul, add],
          [keptAt(columnsKept.length), get(sumBytes), constant(nth), mul, add],
          get(COLUMNS),
          0x1b, // select: the first where COLUMNS is not 0
          set(sumAt[nth]),
        ]),
        clearColumns,
        [get(ROW_BEGIN), set(r)],
        block([loop([
          [get(r), get(ROW_END), atLeastUnsigned, branchIf(1)],
          perRow,
          [get(r), constant(1), add, set(r)],
          branch(0),
        ])]),
        columnSums.length > 0 ? [get(COLUMNS), 0x45, when(endColumns)] : [],
        [get(b), constant(1), add, set(b)],
        branch(0),
      ])]),
    ];
  }

  const tail = totals.map((k, nth) => [get(TOTALS), settle(k), 0x39, at(8 * nth)]);
  const splats = nodes.map((node, index) =>
    node.op === "splat" ? [get(SCALARS), simd(0x09), at(4 * node.scalar), set(valueOf(index, 0))] : []
  );
  const clears = totals.map((k) => clear(k));
  const head: Code = [
    base.map((into, k) => [get(JOB), load32(4 * k), set(into)]),
    [ROWS, COLS, STRIDE, SCALARS].map((into, k) => [get(JOB), load32(4 * (pointers.length + k)), set(into)]),
    [...constants].map(([bits, into]) => [bits === 0 ? zero : splat32(bits), set(into)]),
  ];
  return [head, splats, clears, main, tail];
}

/** Bytes of a thread's own memory that a kernel needs for a matrix of so many columns. */
export function localBytes({ nodes, reductions, stores }: Kernel, cols: number): number {
  const read = new Set([
    ...nodes.filter(({ role }) => role === "param").flatMap(({ args }) => args),
    ...stores.map(({ node }) => node),
    ...reductions.map(({ node }) => node),
  ]);
  const kept =
    nodes.filter(({ role, op, dtype }, index) => role === "col" && read.has(index) && !(op === "load" && dtype === "float32")).length;
  const sums = reductions.filter(({ axis }) => axis === "col").length;
  return kept * ((4 * cols + 15) & -16) + sums * ((8 * cols + 15) & -16);
}

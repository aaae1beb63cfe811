/**
 * Statements → SSA values → passes: what a rule text means, and in which dispatches it runs.
 *
 * Every assignment makes a new value. A reduction ends a pass, because its result is not known before the whole tensor has been read. A later
 * pass computes again rather than stores, except that it loads what a slot already holds; a slot's store waits for the last pass that needs its
 * old content. Which round a store or a reduction falls into is found by moving them later until nothing overwritten is read, then by trying
 * what costs fewer reads and writes.
 *
 * @module
 */
import type { Domain, Kernel, Node, Pointer, Role } from "./kernel.ts";
import { mistake } from "./parse.ts";
import type { ElementOp, ReductionName } from "../tables/ops.ts";
import type { DType, Expr, Program, Scope, SlotClass, Statement } from "../types.ts";

/** How much of a tensor a value differs over. */
export type Class = "option" | "group" | "scalar" | "batch" | "row" | "col" | "param";

/** What a reduction computes, and over what. */
export interface Reduce {
  readonly f: ReductionName;
  readonly axis: "full" | "row" | "col" | "all";
  /** Of an `all…` reduction: which sum over the tensors it belongs to. */
  readonly all: string;
}

/** An SSA value. Values of class option, group and scalar are float64, the others float32. */
export interface Value {
  readonly id: number;
  /** const, input, dim, slot, load, reduce, as, or a function of the language. */
  readonly op: string;
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

/** A compiled text. */
export interface Passes extends Program {
  readonly values: readonly Value[];
  /** Kernels by round. */
  readonly rounds: readonly (readonly Kernel[])[];
  /** Ids of scalar values to evaluate before round k; the last entry: after all rounds. */
  readonly scalars: readonly (readonly number[])[];
  /** `all…` reductions: id, and the round after which this text has contributed. */
  readonly alls: readonly { readonly id: number; readonly round: number }[];
  /** Ids of row, col and batch reductions, whose results need memory. */
  readonly results: readonly number[];
  /** Scalar and group slots that are written, with the id of their last value. */
  readonly scalarStores: readonly { readonly key: string; readonly id: number; readonly cls: "scalar" | "group" }[];
}

/** What names mean to {@linkcode compile}. */
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

const rank: Readonly<Record<Class, number>> = { option: 0, group: 1, scalar: 2, batch: 3, row: 4, col: 4, param: 5 };
const isScalar = (cls: Class): boolean => rank[cls] <= 2;
const isVector = (cls: Class): boolean => rank[cls] === 3 || rank[cls] === 4;
const fits = (value: Class, slot: Class): boolean => value === slot || rank[value] < rank[slot];
const wider = (a: Class, b: Class): Class => rank[a] === rank[b] && a !== b ? "param" : rank[a] >= rank[b] ? a : b;

const dims = ["size", "batch", "rows", "cols"];
const fixedNames = ["t", ...dims];
const scalarFunctions = ["pow", "exp", "log", "cos", "floor"];
const reduction = /^(row|col|all)?(sum|mean|norm|rms|max)$/;

// A hostile text must not take the compiler's time or stack: the largest rules that are known have under a hundred values.
const mostValues = 1_000;
const mostWork = 50_000;

const print = (e: Expr): string =>
  e.kind === "number" ? String(e.value) : e.kind === "name" ? e.name : `${e.f}(${e.args.map(print).join(",")})`;

/** Compiles statements: what they mean, and their passes. Throws a SyntaxError with `line`, `name` and `known`. */
export function compile(statements: readonly Statement[], names: Names): Passes {
  const values: Value[] = [];
  const interned = new Map<string, Value>();
  const make = (
    op: string,
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
    const match = e.args.length === 1 ? reduction.exec(e.f) : null;
    if (match !== null) {
      if (match[1] === "all") {
        throw mistake(`${e.f} must stand on a line of its own, as name = ${e.f}(…)`, { line: s.line, name: e.f, scope: s.scope });
      }
      return reduceTo(e.f, match[1] as "row" | "col" | undefined, match[2] as Reduce["f"], evaluate(e.args[0], s), s);
    }
    const args = e.args.map((arg) => evaluate(arg, s));
    const cls = args.map((a) => a.cls).reduce(wider);
    if (scalarFunctions.includes(e.f) && !isScalar(cls)) {
      throw mistake(`${e.f} takes numbers, not a value per ${cls === "param" ? "element" : cls}`, {
        line: s.line,
        name: e.f,
        scope: s.scope,
      });
    }
    if (e.f === "round") return round(args[0], pType);
    return make(e.f, args, cls);
  };
  const round = (value: Value, dtype: DType): Value =>
    dtype === "float32" && !isScalar(value.cls) ? value : make("round", [value], value.cls, { dtype });
  const reduceTo = (name: string, along: "row" | "col" | undefined, f: Reduce["f"], arg: Value, s: Statement): Value => {
    const refuse = (why: string): never => {
      throw mistake(`${name} ${why}`, { line: s.line, name, scope: s.scope });
    };
    if (isScalar(arg.cls)) refuse("takes a tensor, not one number");
    if (along === undefined) return make("reduce", [arg], "scalar", { reduce: { f, axis: "full", all: "" } });
    if (arg.cls === along || arg.cls === "batch") refuse(`has nothing to reduce: its argument has one value per ${arg.cls}`);
    return make("reduce", [arg], arg.cls === "param" ? along : "batch", { reduce: { f, axis: along, all: "" } });
  };

  // ---- statements
  let point: Value | undefined;
  const seenAlls = new Map<string, number>();
  for (const s of statements) {
    const { name, expr, scope, line } = s;
    let value: Value;
    if (expr.kind === "call" && expr.f.startsWith("all") && name !== null) {
      const f = expr.f.slice(3) as Reduce["f"];
      const text = `${scope} ${name}=${print(expr)}`;
      const nth = seenAlls.get(text) ?? 0;
      seenAlls.set(text, nth + 1);
      const arg = evaluate(expr.args[0], s);
      if (rank[arg.cls] < rank.scalar) throw mistake(`${expr.f} takes a value per tensor or finer`, { line, name: expr.f, scope });
      value = make("reduce", [arg], "group", { reduce: { f, axis: "all", all: `${text}#${nth}` } });
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
      throw mistake(`"${name}" holds one value per ${cls}, and is assigned one per ${value.cls === "param" ? "element" : value.cls}`, {
        line,
        name,
        scope,
      });
    }
    if (!isScalar(cls) && dtype !== "float32") value = round(value, dtype);
    // A group slot's is a value of its own, the group's one: the expression may differ between tensors with different t.
    if (value.cls !== cls || cls === "group") value = make("as", [value], cls);
    current.set(key, value);
  }

  // ---- what must be computed
  const outputs = new Map<string, Value>(); // tensor slots by key
  const scalarStores: { key: string; id: number; cls: "scalar" | "group" }[] = [];
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
      if (cls === "scalar" || cls === "group") scalarStores.push({ key, id: value.id, cls });
      else outputs.set(key, value.op === "load" ? make("as", [value], cls) : value);
    }
  }
  const roots = [...outputs.values(), ...scalarStores.map(({ id }) => values[id]), ...values.filter((v) => v.reduce?.axis === "all")];
  return schedule({ values, outputs, slotType, roots, scalarStores });
}

// ---------------------------------------------------------------------------------------------------------------------------------- rounds

interface Work {
  readonly values: readonly Value[];
  readonly outputs: ReadonlyMap<string, Value>;
  readonly slotType: ReadonlyMap<string, { readonly cls: SlotClass; readonly dtype: DType }>;
  readonly roots: readonly Value[];
  readonly scalarStores: Passes["scalarStores"];
}

interface Layout {
  readonly kernels: ReadonlyMap<
    string,
    { readonly domain: Domain; readonly round: number; readonly stores: string[]; readonly reductions: Value[] }
  >;
  readonly storeRound: ReadonlyMap<string, number>;
  readonly roundOf: (reduce: Value) => number;
  readonly scalarRound: (value: Value) => number;
  readonly rounds: number;
  readonly cost: number;
}

/** By value's id: the slot that ends up holding it. */
function finalSlots(outputs: Work["outputs"]): Map<number, string> {
  const finals = new Map<number, string>();
  for (const [key, value] of outputs) if (value.op !== "load" && !finals.has(value.id)) finals.set(value.id, key);
  return finals;
}

/** Lays out rounds, given the least round of some stores and reductions; moves stores later until no overwritten content is read. */
function layOut({ outputs, slotType, roots }: Work, least: ReadonlyMap<string, number>, live: readonly Value[]): Layout {
  const storeRound = new Map<string, number>([...outputs.keys()].map((key) => [key, least.get(key) ?? 0]));
  const finals = finalSlots(outputs);
  const reductions = live.filter((v) => v.op === "reduce");
  // Row, column and batch slots whose new content other kernels compute again: one of them needs the old content too, so neither may come first.
  const again = new Set<string>();
  const mostRounds = 2 * (reductions.length + outputs.size) + Math.max(0, ...least.values());

  for (;;) {
    const memo = new Map<string, number>();
    const time = (v: Value, domain: Domain | null): number => {
      const name = `${v.id} ${isScalar(v.cls) ? "" : domain}`;
      const known = memo.get(name);
      if (known !== undefined) return known;
      let round: number;
      const slot = finals.get(v.id);
      if (slot !== undefined && isVector(v.cls) && domain !== v.cls && !again.has(slot)) round = storeRound.get(slot)! + 1;
      else if (v.op === "reduce") round = roundOf(v) + 1;
      else round = Math.max(0, ...v.args.map((a) => time(a, domain)));
      memo.set(name, round);
      return round;
    };
    const scalarRound = (v: Value): number => time(v, null);
    const roundOf = (v: Value): number => {
      const [arg] = v.args;
      return Math.max(least.get(`#${v.id}`) ?? 0, time(arg, isScalar(arg.cls) ? null : arg.cls as Domain));
    };

    let changed = false;
    const later = (key: string, round: number): void => {
      if (storeRound.get(key)! < round) storeRound.set(key, round), changed = true;
    };
    // Row, column and batch slots are small: stored as soon as they are known.
    for (const [key, v] of outputs) if (isVector(v.cls)) later(key, time(v, v.cls as Domain));
    // A parameter-sized slot is stored in the last element pass; the trials of `schedule` find where earlier is cheaper.
    const elementOutputs = [...outputs].filter(([, v]) => v.cls === "param");
    const lastRound = Math.max(0, ...elementOutputs.map(([, v]) => time(v, "param")));
    for (const [key, v] of elementOutputs) later(key, least.has(key) ? Math.max(least.get(key)!, time(v, "param")) : lastRound);
    if (Math.max(0, ...storeRound.values()) > mostRounds) {
      const [slot] = [...storeRound].filter(([key]) => isVector(outputs.get(key)!.cls) && !again.has(key)).sort((a, b) => b[1] - a[1])[0];
      again.add(slot);
      for (const key of storeRound.keys()) storeRound.set(key, least.get(key) ?? 0);
      continue;
    }
    if (changed) continue;

    const kernels = new Map<string, { domain: Domain; round: number; stores: string[]; reductions: Value[] }>();
    const kernelAt = (domain: Domain, round: number) => {
      const name = `${round} ${domain}`;
      let kernel = kernels.get(name);
      if (kernel === undefined) kernels.set(name, kernel = { domain, round, stores: [], reductions: [] });
      return kernel;
    };
    for (const v of reductions) if (!isScalar(v.args[0].cls)) kernelAt(v.args[0].cls as Domain, roundOf(v)).reductions.push(v);
    for (const [key, round] of storeRound) kernelAt(slotType.get(key)!.cls as Domain, round).stores.push(key);

    let cost = 0;
    for (const { domain, round, stores, reductions } of kernels.values()) {
      const loads = new Set<string>();
      const seen = new Set<number>();
      const visit = (v: Value): void => {
        if (isScalar(v.cls) || seen.has(v.id)) return;
        seen.add(v.id);
        const slot = finals.get(v.id);
        if (slot !== undefined && storeRound.get(slot)! < round) return void loads.add(slot);
        if (v.op === "load") {
          loads.add(v.key);
          if (outputs.has(v.key)) later(v.key, domain === v.cls ? round : round + 1);
        } else if (v.op !== "reduce") v.args.forEach(visit);
      };
      for (const key of stores) visit(outputs.get(key)!);
      for (const v of reductions) visit(v.args[0]);
      cost += domain === "param"
        ? 0.5 + stores.length + [...loads].filter((key) => key === "g" || slotType.get(key)!.cls === "param").length
        : 0.05;
    }
    if (changed) continue;
    const last = Math.max(-1, ...[...kernels.values()].map(({ round }) => round), ...reductions.map(roundOf));
    return {
      kernels,
      storeRound,
      roundOf,
      scalarRound,
      rounds: Math.max(last + 1, ...roots.filter((v) => isScalar(v.cls)).map(scalarRound)),
      cost,
    };
  }
}

function schedule(work: Work): Passes {
  const { values, outputs, slotType, roots, scalarStores } = work;
  const alive = new Set<number>();
  const mark = (v: Value): void => {
    if (alive.has(v.id)) return;
    alive.add(v.id);
    v.args.forEach(mark);
  };
  roots.forEach(mark);
  const live = values.filter((v) => alive.has(v.id));

  // One hill climb: each store earlier, each reduction later, kept where it saves reads and writes and adds no round.
  let best = layOut(work, new Map(), live);
  let least = new Map<string, number>();
  let spent = 0;
  const attempt = (moves: readonly (readonly [string, number])[]): void => {
    if ((spent += live.length) > mostWork) return;
    const trial = new Map([...least, ...moves]);
    const layout = layOut(work, trial, live);
    if (layout.cost < best.cost && layout.rounds <= best.rounds) best = layout, least = trial;
  };
  // All slots together first: LAMB saves its second reading of g only if m and v are both stored early.
  const elements = [...outputs].filter(([, v]) => v.cls === "param").map(([key]) => key);
  for (let k = best.rounds - 2; k >= 0; k--) attempt(elements.map((key) => [key, k]));
  for (const key of elements) for (let k = best.storeRound.get(key)! - 1; k >= 0; k--) attempt([[key, k]]);
  for (const v of live) {
    if (v.op === "reduce") { for (let k = best.roundOf(v) + 1; k < best.rounds; k++) attempt([[`#${v.id}`, k]]); }
  }

  const { kernels, storeRound, roundOf, scalarRound, rounds: count } = best;
  const finals = finalSlots(outputs);
  const rounds: Kernel[][] = Array.from({ length: count }, () => []);
  for (const kernel of kernels.values()) {
    rounds[kernel.round].push(lower(kernel, outputs, slotType, (v) => {
      const slot = finals.get(v.id);
      return slot !== undefined && storeRound.get(slot)! < kernel.round ? slot : undefined;
    }));
  }
  const scalars: number[][] = Array.from({ length: count + 1 }, () => []);
  for (const v of live) if (isScalar(v.cls) && v.op !== "reduce") scalars[Math.min(count, scalarRound(v))].push(v.id);

  const reductions = live.filter((v) => v.op === "reduce");
  const used = new Set(rounds.flat().flatMap(({ pointers }) => pointers.map(({ key }) => key)).filter((key) => !key.startsWith("#")));
  return {
    values,
    rounds,
    scalars,
    alls: reductions.filter((v) => v.reduce!.axis === "all").map((v) => ({ id: v.id, round: roundOf(v) })),
    results: reductions.filter((v) => isVector(v.cls)).map((v) => v.id),
    scalarStores,
    tensors: [...used],
    writes: [...outputs.keys()],
    explain: () => explain(rounds, values),
  };
}

/** One kernel's values as nodes, with roles in its loop. */
function lower(
  { domain, stores, reductions }: { domain: Domain; stores: readonly string[]; reductions: readonly Value[] },
  outputs: ReadonlyMap<string, Value>,
  slotType: Work["slotType"],
  stored: (v: Value) => string | undefined,
): Kernel {
  // A row kernel loops over all rows as elements; the matrix they belong to is then their "row". Likewise columns.
  const role = (cls: Class): Role => isScalar(cls) ? "uniform" : cls === domain ? "param" : domain === "param" ? cls as Role : "row";
  const nodes: Node[] = [];
  const pointers: Pointer[] = [];
  const scalars: number[] = [];
  const memo = new Map<number, number>();
  const pointer = (key: string, cls: Class, dtype: DType): number => {
    const at = pointers.findIndex((p) => p.key === key);
    return at >= 0 ? at : pointers.push({ key, role: role(cls), dtype }) - 1;
  };
  const push = (node: Partial<Node> & Pick<Node, "op" | "role">): number =>
    nodes.push({ args: [], pointer: -1, scalar: -1, dtype: "float32", ...node }) - 1;
  const node = (v: Value): number => {
    const known = memo.get(v.id);
    if (known !== undefined) return known;
    const slot = stored(v);
    let at: number;
    if (isScalar(v.cls)) {
      at = push({ op: "splat", role: "uniform", scalar: scalars.push(v.id) - 1 });
    } else if (slot !== undefined || v.op === "load") {
      const key = slot ?? v.key;
      const dtype = slot === undefined ? v.dtype : slotType.get(slot)!.dtype;
      at = push({ op: "load", role: role(v.cls), pointer: pointer(key, v.cls, dtype), dtype });
    } else if (v.op === "reduce") {
      at = push({ op: "load", role: role(v.cls), pointer: pointer(`#${v.id}`, v.cls, "float32") });
    } else {
      const args = v.args.map(node);
      at = push({ op: v.op as ElementOp | "as", role: role(v.cls), args, dtype: v.dtype });
    }
    memo.set(v.id, at);
    return at;
  };
  const made = stores.map((key) => {
    const value = node(outputs.get(key)!);
    return { key, value };
  });
  const reduced = reductions.map((v) => {
    const { f, axis } = v.reduce!;
    return {
      f,
      axis: axis === "full" || axis === "all" ? "total" as const : domain === "param" ? axis : "row" as const,
      node: node(v.args[0]),
      value: v.id,
      pointer: isVector(v.cls) ? pointer(`#${v.id}`, v.cls, "float32") : -1,
    };
  });
  const written = made.map(({ key, value }) => {
    const { cls, dtype } = slotType.get(key)!;
    return { pointer: pointer(key, cls, dtype), node: value };
  });
  const shape = nodes.some((n) => n.role !== "param" && n.role !== "uniform") || reduced.some(({ axis }) => axis !== "total")
    ? "matrix"
    : "flat";
  const signature = JSON.stringify([
    shape,
    nodes.map((n) => [n.op, n.args, n.role, n.pointer, n.scalar, n.dtype]),
    pointers.map((p) => [p.role, p.dtype]),
    written,
    reduced.map((r) => [r.f, r.axis, r.node, r.pointer]),
  ]);
  return { domain, shape, nodes, pointers, scalars, stores: written, reductions: reduced, signature };
}

/** `1:transform/s` is read as `transform.s`, the rule's own `rule/m` as `m`. */
const shown = (key: string): string => key.replace(/^\d+:([^/]*)\//, "$1.").replace(/^[^/]*\//, "");

function explain(rounds: readonly (readonly Kernel[])[], values: readonly Value[]): string {
  const order = (key: string): number => key === "p" ? 0 : key === "g" ? 1 : 2;
  return rounds.filter((kernels) => kernels.length > 0).map((kernels, index) => {
    const list = (keys: Iterable<string>): string =>
      [...new Set(keys)].filter((key) => !key.startsWith("#")).sort((a, b) => order(a) - order(b)).map(shown).join(" ");
    const read = list(kernels.flatMap(({ nodes, pointers }) => nodes.filter((n) => n.op === "load").map((n) => pointers[n.pointer].key)));
    const write = list(kernels.flatMap(({ stores, pointers }) => stores.map((s) => pointers[s.pointer].key)));
    const reduce = kernels.flatMap(({ reductions }) => reductions.map(({ value }) => values[value].reduce!))
      .map(({ f, axis }) => axis === "full" ? f : axis + f).join(" ");
    const parts = [read && `read ${read}`, write && `write ${write}`, reduce && `reduce ${reduce}`].filter((part) => part !== "");
    return `pass ${index + 1}: ${parts.join(", ")}`;
  }).join("\n");
}

/**
 * Values → rounds: in which round each reduction is summed and each slot is stored.
 *
 * The loops of one round may run at the same time; a round begins when the one before has ended. These rules hold:
 *
 * 1. A reduction's result is known in the round after the one that sums it.
 * 2. A loop computes again whatever it needs from the tensors that it reads. But the new content of a row, column or batch slot is small: other
 *    loops than that slot's own load it, in a later round than the one that stores it.
 * 3. Parameter-sized slots are stored together, in the first round in which all of them are known.
 * 4. Nothing is read after it was overwritten. A loop reads each of its own elements before it writes it, so that a slot may be stored in the round
 *    of its last reader where that runs over the same domain, and in the round after where it does not.
 *
 * `earliest` gives the least rounds that rules 1 to 3 allow, `settle` raises the rounds of stores until rule 4 holds too, and `cheapest` tries
 * other rounds for single stores and reductions.
 *
 * @module
 */
import { type Class, type Domain, domainOf, isNumber, isVector } from "../tables/classes.ts";
import type { Meaning, Value } from "./values.ts";

/** One loop over one domain: it stores slots and sums reductions. */
export interface Loop {
  readonly domain: Domain;
  readonly round: number;
  /** Keys of slots. */
  readonly stores: readonly string[];
  readonly reductions: readonly Value[];
  /** Keys of the tensors that it reads as they were before the run, with their classes. */
  readonly old: ReadonlyMap<string, Class>;
  /** Keys of the slots whose new content it loads, with their classes. */
  readonly fresh: ReadonlyMap<string, Class>;
}

/** Where everything falls. */
export interface Rounds {
  /** What is computed at all. */
  readonly live: readonly Value[];
  readonly loops: readonly Loop[];
  /** How many rounds there are. */
  readonly count: number;
  /** The slot that a loop of this round loads instead of computing the value again. */
  loaded(value: Value, round: number): string | undefined;
  /** The round that sums a reduction. */
  sumRound(reduction: Value): number;
  /** The first round before which a number is known. */
  numberRound(value: Value): number;
}

/** A text with what follows from it before any round is chosen. */
interface Subject extends Meaning {
  readonly live: readonly Value[];
  /** Those of `live` that reduce. */
  readonly sums: readonly Value[];
  /** By value's id: the first slot that ends up holding it. */
  readonly holder: ReadonlyMap<number, string>;
}

/** Least rounds by name: a slot's key, or `#id` of a reduction. */
type Bounds = ReadonlyMap<string, number>;

/** Rounds that keep rules 1 to 3. */
interface EarlyRounds {
  readonly stores: ReadonlyMap<string, number>;
  sumRound(reduction: Value): number;
  /** The first round in which a loop over the domain (null: the arithmetic of numbers) can have the value. */
  known(value: Value, domain: Domain | null): number;
}

/** Rounds that keep all rules, and what they cost. */
interface Layout extends EarlyRounds {
  readonly loops: readonly Loop[];
  readonly count: number;
  readonly cost: number;
}

// Costs are in readings of a parameter-sized tensor. A loop over elements costs a reading or writing for each tensor that it touches, and half a one
// for itself: it may compute again, and between equal traffic fewer loops are better. Rows, columns and matrices are few: a loop over them costs
// little more than its call.
const costOfElementLoop = 0.5;
const costOfSmallLoop = 0.05;

// A hostile text must not take the compiler's time: so many values are looked at in trials, all in all.
const mostWork = 50_000;

/** The rounds of a text. */
export function roundsOf(meaning: Meaning): Rounds {
  const subject = subjectOf(meaning);
  const { loops, count, stores, sumRound, known } = cheapest(subject);
  return {
    live: subject.live,
    loops,
    count,
    loaded: (value, round) => loaded(subject, stores, value, round),
    sumRound,
    numberRound: (value) => known(value, null),
  };
}

function subjectOf(meaning: Meaning): Subject {
  const { values, outputs, roots } = meaning;
  const alive = new Set<Value>();
  const mark = (v: Value): void => {
    if (alive.has(v)) return;
    alive.add(v);
    v.args.forEach(mark);
  };
  roots.forEach(mark);
  const live = values.filter((v) => alive.has(v));
  const holder = new Map<number, string>();
  for (const [key, value] of outputs) if (value.op !== "load" && !holder.has(value.id)) holder.set(value.id, key);
  return { ...meaning, live, sums: live.filter((v) => v.op === "reduce"), holder };
}

function loaded({ holder }: Subject, stores: EarlyRounds["stores"], value: Value, round: number): string | undefined {
  const slot = holder.get(value.id);
  return slot !== undefined && stores.get(slot)! < round ? slot : undefined;
}

/**
 * The least rounds that keep rules 1 to 3 and are not below the bounds. It is one recursion from values to their arguments: a vector's store depends
 * on what is known to its own loop, and that never depends on this store.
 *
 * A slot in `wished` is stored as soon as its bound and its value allow: rule 3 does not hold for it. The new content of slots in `recomputed` is not
 * waited for: rule 2 computes it again.
 */
function earliest({ outputs, holder }: Subject, bounds: Bounds, wished: Bounds, recomputed: ReadonlySet<string>): EarlyRounds {
  const memo = new Map<Domain | null, Map<Value, number>>();
  const known = (v: Value, domain: Domain | null): number => {
    const over = isNumber(v.cls) ? null : domain;
    let column = memo.get(over);
    if (column === undefined) memo.set(over, column = new Map());
    let round = column.get(v);
    if (round === undefined) column.set(v, round = find(v, over));
    return round;
  };
  const find = (v: Value, domain: Domain | null): number => {
    const slot = holder.get(v.id);
    if (slot !== undefined && isVector(v.cls) && domain !== v.cls && !recomputed.has(slot)) return vectorRound(slot, v) + 1;
    if (v.op === "reduce") return sumRound(v) + 1;
    return Math.max(0, ...v.args.map((arg) => known(arg, domain)));
  };
  const sumRound = (v: Value): number => Math.max(bounds.get(`#${v.id}`) ?? 0, known(v.args[0], domainOf(v.args[0].cls)));
  const vectorRound = (key: string, v: Value): number => Math.max(bounds.get(key) ?? 0, known(v, v.cls as Domain));

  const together = Math.max(0, ...[...outputs.values()].filter(({ cls }) => cls === "param").map((v) => known(v, "param")));
  const stores = new Map<string, number>();
  for (const [key, v] of outputs) {
    if (isVector(v.cls)) stores.set(key, vectorRound(key, v));
    else stores.set(key, Math.max(bounds.get(key) ?? 0, wished.has(key) ? known(v, "param") : together));
  }
  return { stores, sumRound, known };
}

/** The loops of these rounds, and what each of them reads. */
function loopsOf(subject: Subject, { stores, sumRound }: EarlyRounds): Loop[] {
  const { outputs, slotType, sums } = subject;
  const loops = new Map<string, { domain: Domain; round: number; stores: string[]; reductions: Value[] }>();
  const at = (domain: Domain, round: number) => {
    const name = `${round} ${domain}`;
    let loop = loops.get(name);
    if (loop === undefined) loops.set(name, loop = { domain, round, stores: [], reductions: [] });
    return loop;
  };
  for (const v of sums) {
    const domain = domainOf(v.args[0].cls);
    if (domain !== null) at(domain, sumRound(v)).reductions.push(v);
  }
  for (const [key, round] of stores) at(slotType.get(key)!.cls as Domain, round).stores.push(key);

  return [...loops.values()].map((loop) => {
    const old = new Map<string, Class>();
    const fresh = new Map<string, Class>();
    const seen = new Set<Value>();
    const visit = (v: Value): void => {
      if (isNumber(v.cls) || seen.has(v)) return;
      seen.add(v);
      const slot = loaded(subject, stores, v, loop.round);
      if (slot !== undefined) fresh.set(slot, v.cls);
      else if (v.op === "load") old.set(v.key, v.cls);
      else if (v.op !== "reduce") v.args.forEach(visit);
    };
    for (const key of loop.stores) visit(outputs.get(key)!);
    for (const v of loop.reductions) visit(v.args[0]);
    return { ...loop, old, fresh };
  });
}

/** Rule 4: the stores that come too early for a loop that reads what was there before, with the rounds that they must wait for. */
function tooEarly({ outputs }: Subject, { stores }: EarlyRounds, loops: readonly Loop[]): Map<string, number> {
  const late = new Map<string, number>();
  for (const { domain, round, old } of loops) {
    for (const [key, cls] of old) {
      if (!outputs.has(key)) continue;
      const least = domain === cls ? round : round + 1;
      if (Math.max(stores.get(key)!, late.get(key) ?? 0) < least) late.set(key, least);
    }
  }
  return late;
}

/**
 * Rounds that keep all rules, none below what is wished.
 *
 * Rules 2 and 4 may contradict each other: a loop needs a small slot's new content, so that it comes after the store, and its old content, so that
 * it comes before. Then one such slot's content is computed again instead of waited for, and all begins anew. It ends, since there are so many small
 * slots: with every one recomputed, `known` depends on reductions alone, and a store is put off only by loops over finer domains, from elements to
 * rows and columns to matrices. Each reduction and each slot then adds one round at most, so that none passes `mostRounds`.
 */
function settle(subject: Subject, wished: Bounds): Layout {
  const mostRounds = 2 * (subject.sums.length + subject.outputs.size) + Math.max(0, ...wished.values());
  const recomputed = new Set<string>();
  for (;;) {
    const { rounds, loops } = raise(subject, wished, recomputed, mostRounds);
    if (loops !== null) return { ...rounds, loops, count: countOf(subject, rounds, loops), cost: costOf(loops) };
    recomputed.add(latestVector(subject, rounds, recomputed));
  }
}

/**
 * Raises the bounds of stores until rule 4 holds; without loops where a store passes `mostRounds`. Each repetition raises one bound at least, and
 * none ever falls: it ends.
 */
function raise(
  subject: Subject,
  wished: Bounds,
  recomputed: ReadonlySet<string>,
  mostRounds: number,
): { readonly rounds: EarlyRounds; readonly loops: readonly Loop[] | null } {
  const bounds = new Map(wished);
  for (;;) {
    const rounds = earliest(subject, bounds, wished, recomputed);
    if (Math.max(0, ...rounds.stores.values()) > mostRounds) return { rounds, loops: null };
    const loops = loopsOf(subject, rounds);
    const late = tooEarly(subject, rounds, loops);
    if (late.size === 0) return { rounds, loops };
    for (const [key, round] of late) bounds.set(key, round);
  }
}

/** The small slot that is stored last: the one that a contradiction has driven furthest. */
function latestVector({ outputs }: Subject, { stores }: EarlyRounds, recomputed: ReadonlySet<string>): string {
  const vectors = [...stores].filter(([key]) => isVector(outputs.get(key)!.cls) && !recomputed.has(key));
  return vectors.sort((a, b) => b[1] - a[1])[0][0];
}

function countOf({ sums, roots }: Subject, { sumRound, known }: EarlyRounds, loops: readonly Loop[]): number {
  const last = Math.max(-1, ...loops.map(({ round }) => round), ...sums.map(sumRound));
  return Math.max(last + 1, ...roots.filter((v) => isNumber(v.cls)).map((v) => known(v, null)));
}

function costOf(loops: readonly Loop[]): number {
  let cost = 0;
  for (const { domain, stores, old, fresh } of loops) {
    const read = [...new Map([...old, ...fresh]).values()].filter((cls) => cls === "param").length;
    cost += domain === "param" ? costOfElementLoop + stores.length + read : costOfSmallLoop;
  }
  return cost;
}

/**
 * The cheapest rounds that are found by wishing: stores earlier, reductions later. A wish is kept where it saves reads and writes and adds no round,
 * so that the result is never worse than without; each is tried once, so that the search ends.
 */
function cheapest(subject: Subject): Layout {
  const { live, outputs, sums } = subject;
  let best = settle(subject, new Map());
  let wished: Bounds = new Map();
  let left = Math.floor(mostWork / Math.max(1, live.length));
  const wish = (more: readonly (readonly [name: string, round: number])[]): void => {
    if (left-- <= 0) return;
    const all = new Map([...wished, ...more]);
    const layout = settle(subject, all);
    if (layout.cost < best.cost && layout.count <= best.count) best = layout, wished = all;
  };
  // All slots together first: LAMB saves its second reading of g only if m and v are both stored early.
  const elements = [...outputs].filter(([, v]) => v.cls === "param").map(([key]) => key);
  for (let k = best.count - 2; k >= 0; k--) wish(elements.map((key) => [key, k]));
  for (const key of elements) for (let k = best.stores.get(key)! - 1; k >= 0; k--) wish([[key, k]]);
  for (const v of sums) for (let k = best.sumRound(v) + 1; k < best.count; k++) wish([[`#${v.id}`, k]]);
  return best;
}

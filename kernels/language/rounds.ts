/**
 * Values → rounds: in which round each reduction is summed and each slot is stored.
 *
 * The loops of one round may run at the same time; a round begins when the one before has ended. These rules hold:
 *
 * 1. A reduction's result is known in the round after the one that sums it. So is a routine's, and a copy that is made for one to read.
 * 2. A loop computes again whatever it needs from the tensors that it reads. But the new content of a row, column or batch slot is small: other
 *    loops than that slot's own load it, in a later round than the one that stores it.
 *    A value that was copied for a routine is loaded by later loops likewise.
 * 3. Parameter-sized slots are stored together, in the first round in which all of them are known.
 * 4. Nothing is read after it was overwritten. A loop reads each of its own elements before it writes it, so that a slot may be stored in the round
 *    of its last reader where that runs over the same domain, and in the round after where it does not.
 * 5. Nothing is stored before it is known whether the run is held back. Small slots that decide it are computed again instead of waited for.
 *
 * `earliest` gives the least rounds that rules 1 to 3 and 5 allow, `raise` puts stores off until rule 4 holds too, `settle` decides where rules contradict
 * each other, and `cheapest` tries other rounds for single stores and reductions.
 *
 * @module
 */
import { type Class, type Domain, domainOf, isMatrix, isNumber, isVector } from "../tables/classes.ts";
import { isMade, type Meaning, type Value } from "./values.ts";

/** One loop over one domain: it stores slots, copies values for routines and sums reductions. Or the call of a routine, which is all by itself. */
export interface Loop {
  readonly domain: Domain;
  readonly routine: Value | null;
  readonly round: number;
  /** Keys of slots. */
  readonly stores: readonly string[];
  readonly copies: readonly Value[];
  readonly reductions: readonly Value[];
  /** Keys of the tensors that it reads as they were before the run: their classes, and the slot that decided when it reads them. */
  readonly old: ReadonlyMap<string, { readonly cls: Class; readonly slot: string | null }>;
  /** Keys of the slots whose new content it loads, and `#id` of what else was made in earlier rounds, with their classes. */
  readonly fresh: ReadonlyMap<string, Class>;
}

/** Where everything falls. */
export interface Rounds {
  /** What is computed at all. */
  readonly live: readonly Value[];
  readonly loops: readonly Loop[];
  /** How many rounds there are. */
  readonly count: number;
  /** What a loop of this round loads instead of computing the value again: a slot, or the `#id` of a copy. */
  loaded(value: Value, round: number): string | undefined;
  /** The round that sums a reduction, copies or calls a routine. */
  sumRound(made: Value): number;
  /** The first round before which a number is known. */
  numberRound(value: Value): number;
  /** The first round that may store. */
  readonly firstStore: number;
}

/** A text with what follows from it before any round is chosen. */
interface Subject extends Meaning {
  readonly live: readonly Value[];
  /** Those of `live` that reduce, and those that are routines or copies for them. */
  readonly sums: readonly Value[];
  readonly matrices: readonly Value[];
  /** By value's id: its copy. */
  readonly copyOf: ReadonlyMap<number, Value>;
  /** By value's id: the first slot that ends up holding it. */
  readonly holder: ReadonlyMap<number, string>;
  /** Numbers that must be known before anything is stored, and the small slots whose content they are made of. */
  readonly deciding: { readonly numbers: readonly Value[]; readonly slots: readonly string[] };
}

/** Lower bounds of rounds by name: a slot's key, or `#id` of a reduction. */
type Bounds = ReadonlyMap<string, number>;

/** A round, and the slot whose bound decided it, if one did: where that store comes later, so does this. */
interface Because {
  readonly round: number;
  readonly slot: string | null;
}

/** Rounds that keep rules 1 to 3 and 5. */
interface EarlyRounds {
  readonly stores: ReadonlyMap<string, Because>;
  sumRound(made: Value): Because;
  /** The first round in which a loop over the domain (null: the arithmetic of numbers) can have the value. */
  known(value: Value, domain: Domain | null): Because;
}

/** Rounds that keep all rules, and what they cost. */
interface Layout extends EarlyRounds {
  readonly loops: readonly Loop[];
  readonly count: number;
  readonly cost: number;
  /** How many values were looked at to find them. */
  readonly work: number;
}

// Costs are in readings of a parameter-sized tensor. A loop over elements costs a reading or writing for each tensor that it touches, and half a one
// for itself: it may compute again, and between equal traffic fewer loops are better. Rows, columns and matrices are few: a loop over them costs
// little more than its call.
const costOfElementLoop = 0.5;
const costOfSmallLoop = 0.05;

// A hostile text must not take the compiler's time: trials end when so many values have been looked at, each as often as rounds were raised. (Forty row
// slots that all contradict the rules took minutes when contradictions were only known by rounds without end and a trial counted once; now a moment.)
const mostWork = 50_000;

/** The rounds of a text. */
export function roundsOf(meaning: Meaning): Rounds {
  const subject = subjectOf(meaning);
  const { loops, count, stores, sumRound, known } = cheapest(subject);
  return {
    live: subject.live,
    loops,
    count,
    loaded: (value, round) => loaded(subject, { stores, sumRound }, value, round),
    sumRound: (made) => sumRound(made).round,
    numberRound: (value) => known(value, null).round,
    firstStore: subject.deciding.numbers.map((v) => known(v, null).round).reduce((a, b) => Math.max(a, b), 0),
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
  const sums = live.filter((v) => v.op === "reduce");
  const matrices = live.filter((v) => isMade(v) && v.op !== "reduce");
  const copyOf = new Map(matrices.filter((v) => v.op === "keep").map((v) => [v.args[0].id, v]));
  return { ...meaning, live, sums, matrices, copyOf, holder, deciding: decidingOf(meaning, holder) };
}

function decidingOf({ holds, values }: Meaning, holder: ReadonlyMap<number, string>): Subject["deciding"] {
  const numbers = holds.flatMap(({ id, stores }) => [id, ...stores.map(({ id }) => id)]).map((id) => values[id]);
  const slots = new Set<string>();
  const seen = new Set<Value>();
  const visit = (v: Value): void => {
    if (seen.has(v)) return;
    seen.add(v);
    const slot = holder.get(v.id);
    if (slot !== undefined && isVector(v.cls)) slots.add(slot);
    v.args.forEach(visit);
  };
  numbers.forEach(visit);
  return { numbers, slots: [...slots] };
}

function loaded(
  { holder, copyOf }: Subject,
  { stores, sumRound }: Pick<EarlyRounds, "stores" | "sumRound">,
  value: Value,
  round: number,
): string | undefined {
  const slot = holder.get(value.id);
  if (slot !== undefined && stores.get(slot)!.round < round) return slot;
  const copy = copyOf.get(value.id);
  return copy !== undefined && sumRound(copy).round < round ? `#${copy.id}` : undefined;
}

const start: Because = { round: 0, slot: null };
const later = (a: Because, b: Because): Because => b.round > a.round ? b : a;
const next = ({ round, slot }: Because): Because => ({ round: round + 1, slot });

/**
 * The least rounds that keep rules 1 to 3 and 5 and are not below the bounds. It is one recursion from values to their arguments: a vector's store depends
 * on what is known to its own loop, and that never depends on this store.
 *
 * A slot in `wished` is stored as soon as its bound and its value allow: rule 3 does not hold for it. The new content of slots in `recomputed` is not
 * waited for: rule 2 computes it again.
 */
function earliest({ outputs, holder, deciding }: Subject, bounds: Bounds, wished: Bounds, recomputed: ReadonlySet<string>): EarlyRounds {
  const memo = new Map<Domain | null, Map<Value, Because>>();
  const known = (v: Value, domain: Domain | null): Because => {
    const over = isNumber(v.cls) ? null : domain;
    let column = memo.get(over);
    if (column === undefined) memo.set(over, column = new Map());
    let round = column.get(v);
    if (round === undefined) column.set(v, round = find(v, over));
    return round;
  };
  const find = (v: Value, domain: Domain | null): Because => {
    const slot = holder.get(v.id);
    if (slot !== undefined && isVector(v.cls) && domain !== v.cls && !recomputed.has(slot)) return next(vectorRound(slot, v));
    if (isMade(v)) return next(sumRound(v));
    return v.args.map((arg) => known(arg, domain)).reduce(later, start);
  };
  const sumRound = (v: Value): Because =>
    v.args.map((arg) => known(arg, domainOf(arg.cls))).reduce(later, { round: bounds.get(`#${v.id}`) ?? 0, slot: null });
  const decided = deciding.numbers.map((v) => known(v, null)).reduce(later, start);
  const bounded = (key: string, least: Because): Because => later(later(least, decided), { round: bounds.get(key) ?? 0, slot: key });
  const vectorRound = (key: string, v: Value): Because => bounded(key, known(v, v.cls as Domain));

  const together = [...outputs.values()].filter(({ cls }) => cls === "param").map((v) => known(v, "param")).reduce(later, start);
  const stores = new Map<string, Because>();
  for (const [key, v] of outputs) {
    if (isVector(v.cls)) stores.set(key, vectorRound(key, v));
    else if (v.cls !== "param") stores.set(key, bounded(key, known(v, v.cls as Domain))); // a matrix of other sides, which no loop over elements reads
    else stores.set(key, bounded(key, wished.has(key) ? known(v, "param") : together));
  }
  return { stores, sumRound, known };
}

/** The loops of these rounds, and what each of them reads. */
function loopsOf(subject: Subject, { stores, sumRound }: EarlyRounds): Loop[] {
  const { outputs, slotType, sums, matrices } = subject;
  const loops = new Map<
    string,
    { domain: Domain; routine: Value | null; round: number; stores: string[]; copies: Value[]; reductions: Value[] }
  >();
  const at = (domain: Domain, round: number, routine: Value | null = null) => {
    const name = `${round} ${routine === null ? domain : `#${routine.id}`}`;
    let loop = loops.get(name);
    if (loop === undefined) loops.set(name, loop = { domain, routine, round, stores: [], copies: [], reductions: [] });
    return loop;
  };
  for (const v of sums) {
    const domain = domainOf(v.args[0].cls);
    if (domain !== null) at(domain, sumRound(v).round).reductions.push(v);
  }
  for (const v of matrices) {
    const { round } = sumRound(v);
    if (v.op === "keep") at(v.cls as Domain, round).copies.push(v);
    else at(v.cls as Domain, round, v);
  }
  for (const [key, { round }] of stores) at(slotType.get(key)!.cls as Domain, round).stores.push(key);

  return [...loops.values()].map((loop) => {
    const old = new Map<string, { cls: Class; slot: string | null }>();
    const fresh = new Map<string, Class>();
    const seen = new Set<Value>();
    const visit = (v: Value, slot: string | null): void => {
      if (isNumber(v.cls) || seen.has(v)) return;
      seen.add(v);
      const held = loop.routine === null ? loaded(subject, { stores, sumRound }, v, loop.round) : undefined;
      if (held !== undefined) fresh.set(held, v.cls);
      else if (v.op === "load") old.set(v.key, { cls: v.cls, slot });
      else if (isMade(v)) fresh.set(`#${v.id}`, v.cls);
      else for (const arg of v.args) visit(arg, slot);
    };
    for (const v of loop.routine?.args ?? []) visit(v, sumRound(loop.routine!).slot);
    for (const v of loop.copies) visit(v.args[0], sumRound(v).slot);
    for (const key of loop.stores) visit(outputs.get(key)!, stores.get(key)!.slot);
    for (const v of loop.reductions) visit(v.args[0], sumRound(v).slot);
    return { ...loop, old, fresh };
  });
}

/** Rule 4: the stores that come too early for a loop that reads what was there before, with the rounds that they must wait for. */
function tooEarly({ outputs }: Subject, { stores }: EarlyRounds, loops: readonly Loop[]): Map<string, Because> {
  const late = new Map<string, Because>();
  for (const { domain, routine, round, old } of loops) {
    for (const [key, { cls, slot }] of old) {
      if (!outputs.has(key)) continue;
      const least = domain === cls && routine === null ? round : round + 1;
      if (Math.max(stores.get(key)!.round, late.get(key)?.round ?? 0) < least) late.set(key, { round: least, slot });
    }
  }
  return late;
}

/**
 * Rounds that keep all rules, none below what is wished.
 *
 * Rules 2 and 4 may contradict each other: a loop needs a small slot's new content, so that it comes after the store, and its old content, so that
 * it comes before. Such a slot's content is then computed again instead of waited for, and all begins anew: at most as often as there are small
 * slots, since a contradiction always leads through a slot that is waited for.
 */
function settle(subject: Subject, wished: Bounds): Layout {
  const recomputed = new Set(subject.deciding.slots);
  for (let repeated = 0;;) {
    const { rounds, loops, repetitions, contradicted } = raise(subject, wished, recomputed);
    repeated += repetitions;
    if (contradicted.length === 0) {
      return { ...rounds, loops, count: countOf(subject, rounds, loops), cost: costOf(loops), work: repeated * subject.live.length };
    }
    for (const slot of contradicted) recomputed.add(slot);
  }
}

/**
 * Raises the bounds of stores until rule 4 holds, or until slots contradict it.
 *
 * Each bound keeps its reason: the slot whose own bound decided when the reading loop runs, or none. Where reasons lead from a slot back to it, its
 * bound would rise for ever. Such a circle leads through a store that is waited for (rule 2): by rule 4 alone, a store waits for loops over its own
 * class in the same round, and in a later one only for loops over finer classes.
 *
 * It ends. A bound is at most its reason's and one round more for each reduction and small slot in between; without a circle, reasons are a chain
 * of at most all slots. So there is a highest bound, none ever falls, and each repetition raises one.
 */
function raise(subject: Subject, wished: Bounds, recomputed: ReadonlySet<string>): {
  readonly rounds: EarlyRounds;
  readonly loops: readonly Loop[];
  readonly repetitions: number;
  readonly contradicted: readonly string[];
} {
  const bounds = new Map(wished);
  const reasons = new Map<string, string | null>();
  for (let repetitions = 1;; repetitions++) {
    const rounds = earliest(subject, bounds, wished, recomputed);
    const loops = loopsOf(subject, rounds);
    const late = tooEarly(subject, rounds, loops);
    for (const [key, { round, slot }] of late) bounds.set(key, round), reasons.set(key, slot);
    const contradicted = contradictions(
      subject,
      [...late.keys()],
      reasons,
      recomputed,
      () => earliest(subject, bounds, wished, recomputed),
    );
    if (late.size === 0 || contradicted.length > 0) return { rounds, loops, repetitions, contradicted };
  }
}

/**
 * Slots to compute again, among those whose bounds have just been raised. All that are their own reason directly: no other slot's content could help
 * them. Else, if one is through others, the small slot that would be stored last: the one that the contradiction drives furthest.
 */
function contradictions(
  { outputs }: Subject,
  raised: readonly string[],
  reasons: ReadonlyMap<string, string | null>,
  recomputed: ReadonlySet<string>,
  raisedRounds: () => EarlyRounds,
): readonly string[] {
  const direct = raised.filter((key) => reasons.get(key) === key);
  if (direct.length > 0 || !raised.some((key) => reasonsOf(key, reasons).has(key))) return direct;
  const small = [...raisedRounds().stores].filter(([key]) => isVector(outputs.get(key)!.cls) && !recomputed.has(key));
  return [small.reduce((last, one) => one[1].round > last[1].round ? one : last)[0]];
}

/** The slots that a slot's bound was raised for, directly and through others. */
function reasonsOf(key: string, reasons: ReadonlyMap<string, string | null>): Set<string> {
  const found = new Set<string>();
  for (let slot = reasons.get(key); typeof slot === "string" && !found.has(slot); slot = reasons.get(slot)) found.add(slot);
  return found;
}

/** Numbers add no round of their own: one is known after the last of the sums that it is made of. */
function countOf({ sums }: Subject, { sumRound }: EarlyRounds, loops: readonly Loop[]): number {
  return Math.max(-1, ...loops.map(({ round }) => round), ...sums.map((v) => sumRound(v).round)) + 1;
}

function costOf(loops: readonly Loop[]): number {
  let cost = 0;
  for (const { domain, routine, stores, copies, old, fresh } of loops) {
    if (routine !== null) continue; // called once, whatever the rounds are
    if (!isMatrix(domain)) cost += costOfSmallLoop;
    else {
      const read = new Set(
        [...fresh, ...[...old].map(([key, { cls }]) => [key, cls] as const)].filter(([, cls]) => isMatrix(cls)).map(([key]) => key),
      );
      cost += costOfElementLoop + stores.length + copies.length + read.size;
    }
  }
  return cost;
}

/**
 * The cheapest rounds that are found by wishing: stores earlier, reductions later. A wish is kept where it saves reads and writes and adds no round,
 * so that the result is never worse than without; each is tried once, so that the search ends.
 */
function cheapest(subject: Subject): Layout {
  const { outputs, sums } = subject;
  let best = settle(subject, new Map());
  let wished: Bounds = new Map();
  let left = mostWork;
  const wish = (more: readonly (readonly [name: string, round: number])[]): void => {
    if (left <= 0) return;
    const all = new Map([...wished, ...more]);
    const layout = settle(subject, all);
    left -= layout.work;
    if (layout.cost < best.cost && layout.count <= best.count) best = layout, wished = all;
  };
  // All slots together first: a rule that scales by norms saves its second reading of g only if both moments are stored early.
  const elements = [...outputs].filter(([, v]) => v.cls === "param").map(([key]) => key);
  for (let k = best.count - 2; k >= 0; k--) wish(elements.map((key) => [key, k]));
  for (const key of elements) for (let k = best.stores.get(key)!.round - 1; k >= 0; k--) wish([[key, k]]);
  for (const v of sums) for (let k = best.sumRound(v).round + 1; k < best.count; k++) wish([[`#${v.id}`, k]]);
  return best;
}

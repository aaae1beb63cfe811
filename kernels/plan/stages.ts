/**
 * Stages: which rounds of which programs run together, over which tensors.
 *
 * @module
 */
import type { GroupNumbers, ItemNumbers, NumberCode } from "./numbers.ts";

/** One round of a program over some of its tensors. */
export interface ProgramRound<I extends ItemNumbers> {
  readonly groups: readonly GroupNumbers[];
  readonly items: readonly I[];
  readonly round: number;
}

/** What one dispatch runs. Everything in it may run at the same time. */
export interface Stage<I extends ItemNumbers> {
  /** Whose turn it is: stages of one wave follow each other, over the same tensors. */
  readonly wave: number;
  readonly rounds: readonly ProgramRound<I>[];
  /** Keys of the sums over tensors that are complete afterwards, with the items that contributed. */
  readonly complete: readonly { readonly key: string; readonly items: readonly I[] }[];
  /** True where it must be known before whether the run is held back: from here on there are stores. */
  readonly decides: boolean;
}

/** One round each of some programs, and the keys of the sums over tensors that are complete afterwards, with the programs that contribute. */
interface Turn {
  readonly rounds: readonly { readonly code: NumberCode; readonly round: number }[];
  readonly complete: readonly { readonly key: string; readonly codes: readonly NumberCode[] }[];
  readonly decides: boolean;
}

// Elements of a wave: few enough that a round finds in the cache what the one before it read, enough to be shared out among threads. A rule of four
// rounds over the 131 tensors of T5-small took 6 % more time without waves on two threads, 2 % more with waves twice as large, 20 % more with half.
const waveElements = 1 << 20;

/**
 * The stages of a plan, in order. Rounds that wait for no sum over all tensors follow each other over a few tensors at a time, a wave: the second
 * round then finds in the cache what the first one read. `elements`: about how many of them a wave has.
 */
export function stagesOf<I extends ItemNumbers>(items: readonly I[], elements: number = waveElements): Stage<I>[] {
  const stages: Stage<I>[] = [];
  let sweep: Turn[] = [];
  let waveNumber = 0;
  const turns = turnsOf(codesOf(items));
  for (const [i, turn] of turns.entries()) {
    sweep.push(turn);
    // What holds a run back is asked once for all tensors, so that no wave may be past it.
    if (turn.complete.length === 0 && i < turns.length - 1 && !turns[i + 1].decides) continue;
    // Without a sum that completes, no program begins to run later than at the first turn of the sweep.
    const taking = sweep[0].rounds.flatMap(({ code }) => items.filter((one) => one.code === code));
    const waves = wavesOf(taking, sweep.length, elements);
    for (const wave of waves) {
      for (const { rounds, complete, decides } of sweep) {
        stages.push({
          wave: waveNumber,
          ...stageOf(rounds, wave === waves.at(-1) ? complete : [], wave, items, decides && wave === waves[0]),
        });
      }
      waveNumber++;
    }
    sweep = [];
  }
  return stages;
}

function stageOf<I extends ItemNumbers>(
  rounds: Turn["rounds"],
  complete: Turn["complete"],
  wave: readonly I[],
  all: readonly I[],
  decides: boolean,
): Omit<Stage<I>, "wave"> {
  return {
    decides,
    rounds: rounds.map(({ code, round }) => programRound(wave, code, round)),
    complete: complete.map(({ key, codes }) => ({ key, items: all.filter(({ code }) => codes.includes(code)) })),
  };
}

function programRound<I extends ItemNumbers>(items: readonly I[], code: NumberCode, round: number): ProgramRound<I> {
  const own = items.filter((one) => one.code === code);
  return { groups: [...new Set(own.map(({ group }) => group))], items: own, round };
}

/** What is left to compute for each program after its last round. */
export function closingRounds<I extends ItemNumbers>(items: readonly I[]): ProgramRound<I>[] {
  return codesOf(items).map((code) => programRound(items, code, code.program.rounds.length));
}

const codesOf = (items: readonly ItemNumbers[]): NumberCode[] => [...new Set(items.map(({ code }) => code))];

/** A program's next round waits where it needs a sum over tensors of others that is not there yet. */
function turnsOf(codes: readonly NumberCode[]): Turn[] {
  const next = new Map(codes.map((code) => [code, 0]));
  const summed = new Map<string, { code: NumberCode; round: number }[]>();
  for (const code of codes) {
    for (const { id, round } of code.program.alls) {
      const { all } = code.program.values[id].reduce!;
      summed.set(all, [...summed.get(all) ?? [], { code, round }]);
    }
  }
  const done = new Set<string>();
  const turns: Turn[] = [];
  const waits = (code: NumberCode): boolean => next.get(code)! >= code.program.firstStore;
  let undecided = codes.some(({ program: { holds } }) => holds.length > 0);
  if (undecided && codes.some(({ program: { holds } }) => holds.length === 0)) {
    throw new TypeError("Cannot order the passes: some texts may hold a run back, and others not");
  }
  for (;;) {
    const left = codes.filter((code) => next.get(code)! < code.program.rounds.length);
    if (left.length === 0) return turns;
    const isReady = (code: NumberCode): boolean => (code.needs[next.get(code)!] ?? []).every((key) => done.has(key));
    const decides = undecided && codes.every((code) => waits(code) && isReady(code));
    if (decides) undecided = false;
    const ready = left.filter((code) => isReady(code) && !(undecided && waits(code)));
    if (ready.length === 0) {
      throw new TypeError("Cannot order the passes: the texts of two groups sum over all tensors in different orders");
    }
    const rounds = ready.map((code) => ({ code, round: next.get(code)! }));
    for (const { code, round } of rounds) next.set(code, round + 1);
    const fresh = [...summed].filter(([key, list]) => !done.has(key) && list.every(({ code, round }) => next.get(code)! > round));
    for (const [key] of fresh) done.add(key);
    turns.push({ decides, rounds, complete: fresh.map(([key, list]) => ({ key, codes: list.map(({ code }) => code) })) });
  }
}

function wavesOf<I extends ItemNumbers>(items: readonly I[], turns: number, elements: number): I[][] {
  if (turns === 1) return [[...items]];
  const waves: I[][] = [];
  let room = 0;
  for (const one of items) {
    if (room <= 0) waves.push([]), room = elements;
    waves.at(-1)!.push(one);
    room -= one.item.extent.size;
  }
  return waves;
}

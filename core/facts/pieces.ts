/**
 * Stretches of a schedule cut into pieces of whole steps, in which values rise or fall all the way.
 *
 * A stretch of one step says nothing of how values go on. Many of them one after another, as of a `step` with `stepSize: 1`, are a curve of no law.
 *
 * @module
 */
import type { Stretch } from "../plugin/contract.ts";

/** Steps of one stretch. */
export interface Piece {
  /** Its first step. */
  readonly first: number;
  /** Its last step, which is in it. */
  readonly last: number;
  /** The stretch that it is of. */
  readonly law: Stretch;
}

/** So many pieces of one step each, one after another, are a curve: fewer may be cuts in neighbouring steps. */
const CURVE = 16;
/** Steps of a curve in one piece. A range has any number of them, and somebody may refuse so many after the first ones. */
const MOST_JOINED = 4096;

/** The pieces of a range, one after another without a gap. What no stretch covers is of no law, and neither are many stretches of one step each. */
export function* piecesOf(stretches: Iterable<Stretch> | undefined, from: number, to: number): Generator<Piece> {
  let run: Piece[] = [];
  let isCurve = false;
  for (const piece of cutsOf(stretches, from, to)) {
    if (piece.first === piece.last) {
      run.push(piece);
      if (run.length < MOST_JOINED) continue;
      yield joined(run);
      [run, isCurve] = [[], true];
      continue;
    }
    yield* flush();
    isCurve = false;
    yield piece;
  }
  yield* flush();

  function* flush(): Generator<Piece> {
    if (run.length >= CURVE || isCurve && run.length > 0) yield joined(run);
    else yield* run;
    run = [];
  }
}

/** Pieces of no law in one. */
function joined(pieces: readonly Piece[]): Piece {
  const { first } = pieces[0];
  return { first, last: pieces[pieces.length - 1].last, law: { from: first, law: "any" } };
}

function* cutsOf(stretches: Iterable<Stretch> | undefined, from: number, to: number): Generator<Piece> {
  let before: Stretch = { from, law: "any" };
  let next = from;
  for (const stretch of stretches ?? []) {
    const end = Math.min(to, Math.ceil(stretch.from) - 1);
    if (end >= next) {
      yield* cut({ first: next, last: end, law: before });
      next = end + 1;
    }
    before = stretch;
    if (next > to) return;
  }
  if (next <= to) yield* cut({ first: next, last: to, law: before });
}

/** A wave is cut where it turns. */
function* cut(piece: Piece): Generator<Piece> {
  const { first, last, law } = piece;
  if (law.law !== "wave") return yield piece;
  if (law.angle === 0) return yield { first, last, law: { from: law.from, law: "constant" } };
  const half = Math.abs(Math.PI / law.angle);
  // One that turns between two steps has no piece that rises or falls.
  if (half < 2) return yield { first, last, law: { from: law.from, law: "smooth" } };
  // Its phase is a whole number of half turns where it turns: the first such place behind the beginning.
  const zero = law.from - law.phase / law.angle;
  let at = first;
  for (let turn = Math.floor((first - zero) / half) + 1; at <= last; turn++) {
    const end = Math.min(last, Math.floor(zero + turn * half));
    if (end < at) continue;
    yield { first: at, last: end, law };
    at = end + 1;
  }
}

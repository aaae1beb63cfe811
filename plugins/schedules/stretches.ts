/**
 * What schedules say of their stretches, so that sums over any number of steps have a closed form.
 *
 * @module
 */
import type { Schedule, Stretch } from "../../core/plugin/contract.ts";

/** Stretches over some steps; a list, where the same ones hold for all groups and there are few. */
export type Stretches = readonly Stretch[] | NonNullable<Schedule["stretches"]>;

/** A schedule that says what its stretches are. */
export function inStretches(schedule: Schedule, stretches: Stretches): Schedule {
  return Object.assign(schedule, { stretches: stretchesOf(stretches) });
}

/** As the contract has it. */
export function stretchesOf(stretches: Stretches): NonNullable<Schedule["stretches"]> {
  if (typeof stretches !== "function") return () => stretches as readonly Stretch[];
  return (from, to, group) => advancing(stretches(from, to, group), from);
}

/** Stretches within one step that are looked at; far more than any schedule that is meant has. */
const mostWithinStep = 100_000;

/** The same, up to where more of them than can be meant begin within one step: waves far shorter than a step never come to an end. What is left has no law. */
function* advancing(stretches: Iterable<Stretch>, from: number): Generator<Stretch> {
  let step = from;
  let within = 0;
  for (const one of stretches) {
    const begins = Math.ceil(one.from);
    if (begins > step) [step, within] = [begins, 0];
    else if (++within > mostWithinStep) return yield stretch(step, "any");
    yield one;
  }
}

/** A stretch from a step on, of a law that needs no number. */
export function stretch(from: number, law: "constant" | "linear" | "smooth" | "any"): Stretch {
  return { from, law };
}

/** Cosine waves that are at `high` at first, and at `low` after each odd number of `half` lengths. */
export function waves(from: number, high: number, low: number, half: number, phase = 0): Stretch {
  return { from, law: "wave", about: (high + low) / 2, height: (high - low) / 2, phase, angle: Math.PI / half };
}

/** The same up to a step, at which the value is held. */
export function held(stretches: readonly Stretch[], at: number): readonly Stretch[] {
  return at === Infinity ? stretches : [...stretches.filter(({ from }) => from < at), stretch(at, "constant")];
}

/**
 * Where a schedule ends. Another number of steps would leave the ends behind, and a cosine whose end is passed goes up again: so an end that stood at
 * the last step goes with it, and others can be fitted.
 *
 * @module
 */
import type { OptionSpec, Plugin } from "../../../core/plugin/contract.ts";
import { rebase } from "../../../core/plugin/rebase.ts";
import { startOptions, unitOf } from "./ranges.ts";
import type { Choice } from "./state.ts";

/** The specs of a schedule's options; undefined where there is no such schedule. */
export type SpecsOf = (name: string) => Readonly<Record<string, OptionSpec<unknown>>> | undefined;

/** An option that says where a schedule ends. */
interface End {
  /** The option, after those that hold its schedule. */
  readonly path: readonly string[];
  /** The step that it says. */
  readonly step: number;
  /** Steps before its schedule begins. */
  readonly before: number;
  /** Steps that one of its schedule's takes: an epoch's, where it is asked once an epoch. */
  readonly each: number;
}

const isNumber = (value: unknown): value is number => typeof value === "number";

/** The steps where a choice ends. */
export function endsOf(choice: Choice, specsOf: SpecsOf): readonly number[] {
  return findEnds(choice, specsOf).map(({ step }) => step);
}

/** A choice whose ends at the step `from`, or all of its ends, stand at another. */
export function moveEnds(choice: Choice, specsOf: SpecsOf, to: number, from?: number): Choice {
  return findEnds(choice, specsOf).filter(({ step }) => from === undefined || step === from)
    .reduce((moved, { path, before, each }) => setOption(moved, path, Math.max(1, (to - before) / each)), choice);
}

/**
 * A choice whose last end stands at another step, and all of it with that: warmups, milestones and periods stay at their shares, as `rebaseSchedule` has it;
 * what did not come along is told. Where the last end is no number of steps, or the library refuses, the ends alone are moved.
 */
export function fit(
  choice: Choice,
  specsOf: SpecsOf,
  plugins: readonly Plugin[],
  to: number,
): { readonly choice: Choice; readonly notes: readonly string[] } {
  const from = endsOf(choice, specsOf).reduce((a, b) => Math.max(a, b), 0);
  // A schedule that the service alone has is scaled by the units of its options.
  const find = (kind: string, name: string): never =>
    (plugins.find((plugin) => plugin.kind === kind && plugin.name === name) ?? { kind, name, options: specsOf(name) ?? {} }) as never;
  try {
    const { schedule, notes } = rebase(find, choice, { from, to });
    return { choice: schedule, notes: notes.map(({ message }) => message) };
  } catch {
    return { choice: moveEnds(choice, specsOf, to), notes: [] };
  }
}

/**
 * Moves the ends of schedules along with the number of steps. It remembers where the number began to move: on the way from 1000 to 10,000 a slider
 * passes ends of others, which must not go along.
 */
export function createFollower(specsOf: SpecsOf): (choices: readonly Choice[], from: number, to: number) => readonly Choice[] {
  let start: { readonly choices: readonly Choice[]; readonly from: number } | undefined;
  let moved = "";
  return (choices, from, to) => {
    if (start === undefined || JSON.stringify(choices) !== moved) start = { choices, from };
    const { choices: began, from: first } = start;
    const next = began.map((choice) => moveEnds(choice, specsOf, to, first));
    moved = JSON.stringify(next);
    return next;
  };
}

/** An end is a length that a new schedule would have as long as the whole: a warmup, or the length of one wave of many, is none. */
function findEnds({ name, options }: Choice, specsOf: SpecsOf, before = 0, each = 1): End[] {
  const specs = specsOf(name);
  if (specs === undefined || beginsAgain({ name, options })) return [];
  const [short, long] = [1000, 2000].map((steps) => startOptions({ name, options: specs }, { steps, lr: 1e-3 }));
  const lengths = Object.entries(specs).filter(([option, spec]) => unitOf(option, spec) === "steps").map(([option]) => option);
  const own = lengths.flatMap((option): End[] => {
    const value = options[option];
    const isEnd = short[option] === 1000 && long[option] === 2000 && isNumber(value);
    const ahead = before + leadOf({ name, options }) * each;
    return isEnd ? [{ path: [option], step: ahead + value * each, before: ahead, each }] : [];
  });
  // What is held begins behind the lengths of what holds it, or so many steps before step 0.
  const sizes = lengths.map((option) => options[option]).filter(isNumber);
  const isByEpoch = name === "by_epoch";
  const ahead = isByEpoch ? before : sizes.reduce((sum, value) => sum + (name === "shift" ? -value : value) * each, before);
  const pace = isByEpoch ? each * (sizes[0] ?? 1) : each;
  const held = Object.entries(specs).filter(([, { holds }]) => holds === "schedule").flatMap(([option]): End[] => {
    const inner = options[option];
    const endsIn = (one: unknown, path: readonly string[], before: number): End[] =>
      isChoice(one)
        ? findEnds({ name: one.name, options: one.options ?? {} }, specsOf, before, pace).map((end) => ({
          ...end,
          path: [...path, ...end.path],
        }))
        : [];
    if (!Array.isArray(inner)) return endsIn(inner, [option], ahead);
    if (name !== "sequence") return inner.flatMap((one, i) => endsIn(one, [option, String(i)], ahead));
    // Of schedules one after another the last one is there at the end, from the last milestone on.
    const { milestones } = options;
    const last = Array.isArray(milestones) ? milestones[milestones.length - 1] ?? 0 : undefined;
    return isNumber(last) ? endsIn(inner[inner.length - 1], [option, String(inner.length - 1)], before + last * each) : [];
  });
  return [...own, ...held];
}

/** Whether a schedule goes on in further rounds behind what looks like its end: more steps are to show those. */
function beginsAgain({ name, options }: Choice): boolean {
  if (name === "polynomial_decay") return options.cycle === true;
  return name === "repeat" || name === "cosine_timm" && isNumber(options.cycleLimit) && options.cycleLimit > 1;
}

/** Steps before those that a schedule's own end counts: of a warmup in front of them. */
function leadOf({ name, options: { warmupTarget, warmupSteps, warmupPrefix, warmupT } }: Choice): number {
  if (name === "cosine_decay" && isNumber(warmupTarget) && isNumber(warmupSteps)) return warmupSteps;
  return name === "cosine_timm" && warmupPrefix === true && isNumber(warmupT) ? warmupT : 0;
}

/** True for a schedule that an option holds. */
export function isChoice(value: unknown): value is { readonly name: string; readonly options?: Choice["options"] } {
  return typeof value === "object" && value !== null && typeof (value as Partial<Choice>).name === "string";
}

function setOption(choice: Choice, [option, ...rest]: readonly string[], value: number): Choice {
  const held = choice.options[option];
  const within = (one: unknown, rest: readonly string[]): Choice =>
    setOption({ ...one as Choice, options: (one as Partial<Choice>).options ?? {} }, rest, value);
  const next = rest.length === 0
    ? value
    : Array.isArray(held)
    ? held.map((one, i) => String(i) === rest[0] ? within(one, rest.slice(1)) : one)
    : within(held, rest);
  return { ...choice, options: { ...choice.options, [option]: next } };
}

/**
 * What can be wrong with a learning rate's course.
 *
 * @module
 */
import type { Recipe } from "../../core/types.ts";
import { type Curve, peakOf, valueBefore } from "./curve.ts";
import { type Finding, finding, percent, say } from "./finding.ts";
import { endOf, fallOf, goesOn, type Node, warmupOf } from "./horizons.ts";

/** All rules of one course. */
export function lintCurve(curve: Curve, recipe: Recipe, updates: number): Finding[] {
  const warmups = curve.nodes.flatMap((node) => lintWarmup(node, updates));
  if (curve.returns === undefined) return warmups;
  const failure = lintFailure(curve, updates);
  if (curve.values.length === 0) return [...warmups, ...failure];
  if (peakOf(curve).value === 0 && Math.min(...curve.values) === 0) return [...warmups, ...failure, ...lintZero(curve, updates)];
  // A course that is cut off on its way up has one thing wrong with it, not its end as well.
  const isCut = failure.length > 0 || warmups.some(({ code }) => code === "warmup-too-long");
  const rising = isCut ? [] : lintPeak(curve, updates);
  return [
    ...warmups,
    ...failure,
    ...lintStart(curve),
    ...rising,
    ...(isCut || rising.length > 0 ? [] : curve.nodes.flatMap((node) => lintEnd(curve, node, recipe, updates))),
    ...curve.nodes.flatMap((node) => lintFall(node, updates)),
    ...lintIgnored(curve),
  ];
}

/** Ends that differ by less than this share of the training are the same: a last batch that was dropped is no mistake. */
const tolerance = 0.02;

function lintWarmup(node: Node, updates: number): Finding[] {
  const warmup = warmupOf(node);
  if (warmup === undefined || node.from >= updates) return [];
  const path = `${node.path}/options/${warmup.option}`;
  const { steps } = warmup;
  if (steps > 0 && steps < 1) {
    return [finding(
      "warmup-is-a-ratio",
      "warning",
      path,
      `${warmup.option} is ${
        say(steps)
      }: it counts updates, so that there is no warmup; a share of the training is meant, as warmup_ratio has it.`,
      `Write the number of updates: ${say(Math.ceil(steps * updates))} for ${percent(steps)} of ${say(updates)}.`,
    )];
  }
  // A warmup that the sequence cuts off is the sequence's affair only where it is the last one.
  if (steps === 0 || node.from + steps < updates || node.until < updates) return [];
  const reached = Math.max(0, updates - 1 - node.from) / steps;
  return [finding(
    "warmup-too-long",
    "error",
    path,
    `The warmup of schedule "${node.name}" takes ${say(steps)} updates and the training has ${
      say(updates)
    }: the learning rate never gets further than about ${percent(reached)} of what is set.`,
    "Warm up over 1 to 10 % of the updates, or train for longer.",
  )];
}

function lintFailure({ failure, use }: Curve, updates: number): Finding[] {
  if (failure === undefined) return [];
  return [finding(
    "schedule-fails",
    "error",
    `${use.path}/options`,
    `The schedule has no value at update ${say(failure.step)} of ${say(updates)}: ${failure.message}`,
    'Give the schedule as many steps as there are updates, or end: "hold" where it has that option.',
  )];
}

function lintZero({ use }: Curve, updates: number): Finding[] {
  return [finding(
    "lr-always-zero",
    "error",
    use.path,
    `The learning rate is 0 at each of the ${say(updates)} updates: nothing is ever learned.`,
    "Set a base value above 0, and lengths that fit the training.",
  )];
}

function lintStart({ values, steps, use, nodes }: Curve): Finding[] {
  if (steps[0] !== 0 || values[0] !== 0) return [];
  const node = nodes.find((node) => warmupOf(node) !== undefined && node.from === 0);
  const cure = node === undefined || !Object.hasOwn(node.options, "warmupOffset")
    ? "Where that matters, begin the warmup above 0, as warm's startFactor does."
    : "Where that matters, set warmupOffset to 1: then the first update is the first step of the warmup.";
  return [finding(
    "starts-at-zero",
    "note",
    (node ?? use).path,
    "The first update has a learning rate of 0 and moves nothing: the warmup begins at 0, as it does in PyTorch and transformers.",
    cure,
  )];
}

/** A course whose greatest value is its last one is cut off on its way up. */
function lintPeak(curve: Curve, updates: number): Finding[] {
  const { steps, values, use, nodes } = curve;
  if (updates < 2) return [];
  const peak = peakOf(curve);
  const before = valueBefore(curve, Math.floor(0.9 * (updates - 1)));
  if (peak.step !== steps.at(-1) || !(before < values.at(-1)! * (1 - 1e-9))) return [];
  const node = nodes.at(-1)!;
  return [finding(
    "never-peaks",
    "warning",
    use.path,
    `The learning rate still rises at the last of ${say(updates)} updates, to ${
      say(peak.value)
    }: the peak of schedule "${node.name}" is never reached.`,
    "Give the schedule the number of updates of this training as its length.",
  )];
}

function lintEnd(curve: Curve, node: Node, recipe: Recipe, updates: number): Finding[] {
  const end = endOf(node);
  // What another schedule follows in time need not end with the training.
  if (end === undefined || node.until < updates || node.from >= updates) return [];
  const at = node.from + end.steps;
  const path = `${node.path}/options/${end.option}`;
  const of = `schedule "${node.name}" ends at update ${say(at)}`;
  // In the option's own terms: behind a warmup, beside other lengths, in epochs.
  const fitting = say(Math.ceil(Number(node.options[end.option]) + (updates - at) / (node.updates ?? 1)));
  const every = (recipe.accumulate?.options as { readonly every?: unknown } | undefined)?.every;
  if (at < updates - 1) return lintEarlyEnd(curve, node, at, { path, of, fitting }, updates);
  if (at <= updates * (1 + tolerance) + 1) return [];
  if (typeof every === "number" && every > 1 && Math.abs(at - every * updates) <= tolerance * every * updates) {
    return [finding(
      "horizon-in-micro-batches",
      "warning",
      path,
      `${capital(of)}, which is ${say(every)} times the ${say(updates)} updates: it looks like the number of micro-batches, of which ${
        say(every)
      } make an update.`,
      `Schedules count updates: set ${end.option} to ${fitting}.`,
    )];
  }
  const peak = peakOf(curve).value;
  const last = curve.values.at(-1)!;
  return [finding(
    "horizon-too-long",
    last > peak / 2 ? "warning" : "note",
    path,
    `${capital(of)}, and the training has ${say(updates)}: it stops at a learning rate of ${say(last)}, ${
      percent(last / peak)
    } of the peak.`,
    `Set ${end.option} to ${fitting}, unless the rest is to come in another run.`,
  )];
}

/** Drops that are over in a tenth of the training, and were counted in epochs: torch's StepLR(30) is one. */
function lintFall(node: Node, updates: number): Finding[] {
  const fall = fallOf(node);
  if (fall === undefined || node.updates !== undefined || node.until < updates || node.from >= updates) return [];
  const at = node.from + fall.steps;
  // Drops by choice may all be early in a training; what has fallen to nothing so early is not meant, however late that is.
  if (updates < 10 * at || node.name === "multistep" && at > 1000) return [];
  const course = node.name === "multistep" ? "takes its last drop" : "has fallen to a billionth";
  return [finding(
    "horizon-in-epochs",
    "warning",
    `${node.path}/options/${fall.option}`,
    `Schedule "${node.name}" ${course} by update ${say(at)} of ${say(updates)}: its ${fall.option} look${
      fall.option === "milestones" ? "" : "s"
    } as if epochs were counted.`,
    `Schedules count updates: put it into "by_epoch" with the updates of an epoch, or say ${fall.option} in updates.`,
  )];
}

interface EndWords {
  readonly path: string;
  readonly of: string;
  readonly fitting: string;
}

function lintEarlyEnd(curve: Curve, node: Node, at: number, { path, of, fitting }: EndWords, updates: number): Finding[] {
  const option = path.slice(path.lastIndexOf("/") + 1);
  const peak = peakOf(curve).value;
  const there = valueBefore(curve, Math.max(0, Math.ceil(at)));
  const after = curve.values.filter((_, i) => curve.steps[i] > at);
  const highest = after.reduce((a, b) => Math.max(a, b), -Infinity);
  const looksLikeEpochs = node.updates === undefined && at <= 1000 && updates >= 10 * at;
  const rises = goesOn(node) && there < peak && highest > there + 1e-3 * peak;
  if (rises && !looksLikeEpochs) {
    return [finding(
      "rises-after-end",
      "warning",
      path,
      `${capital(of)} at a learning rate of ${say(there)} and rises again, to ${say(highest)}, for the training has ${
        say(updates)
      } updates.`,
      `Set ${option} to ${fitting}, or add end: "hold" to stay at the end's value.`,
    )];
  }
  const rest = updates - at;
  if (rest <= Math.max(1, tolerance * updates)) return [];
  const isIdle = highest <= 1e-9 * peak;
  const state = rises ? "rises and falls" : isIdle ? "is 0" : `stays at ${say(curve.values.at(-1)!)}`;
  const course = `the learning rate ${state} from there on`;
  // Behind a floor much of a training may be meant to run; at 0 none of it is.
  if (looksLikeEpochs) {
    return [finding(
      "horizon-in-epochs",
      "warning",
      path,
      `${capital(of)} of ${say(updates)}, and ${course}: ${say(at)} looks like a number of epochs.`,
      `Schedules count updates: multiply by the updates of an epoch, or set ${option} to ${fitting}.`,
    )];
  }
  return [finding(
    "horizon-too-short",
    isIdle ? "warning" : "note",
    path,
    `${capital(of)} of ${say(updates)}, and ${course}: ${percent(rest / updates)} of the training is left.`,
    `Set ${option} to ${fitting}, unless the rest is meant to go on like that.`,
  )];
}

/** A schedule of values stands in place of lr. */
function lintIgnored(curve: Curve): Finding[] {
  const { returns, group: { said, options }, use } = curve;
  const path = said.get("lr");
  if (returns !== "value" || path === undefined || typeof options.lr !== "number") return [];
  const { value } = peakOf(curve);
  // Where both say the same, as configurations that name it twice do, nothing is lost.
  if (Math.abs(value - options.lr) <= 1e-6 * Math.abs(value)) return [];
  return [finding(
    "lr-ignored",
    "note",
    path,
    `lr = ${say(options.lr)} has no effect: schedule "${use.name}" gives learning rates of its own, up to ${say(value)}.`,
    "Leave lr out, or take a schedule of factors.",
  )];
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

/**
 * The learning rate over the training, as far as it can be told without a metric.
 *
 * @module
 */
import type { Base, MetricSchedule, Schedule } from "../../core/types.ts";
import { isMetric, makeSchedule } from "../../core/plugin/schedules.ts";
import { takeUse } from "../../core/plugin/use.ts";
import type { Finding } from "./finding.ts";
import { endOf, type Node, nodesOf } from "./horizons.ts";
import { type LintedGroup, type PlacedUse, type Reading, refusal } from "./reading.ts";

/** A learning rate's course. */
export interface Curve {
  readonly use: PlacedUse;
  /** Its schedules, outermost first. */
  readonly nodes: readonly Node[];
  /** The group that it is looked at in. */
  readonly group: LintedGroup;
  /** Base value. */
  readonly base: number;
  /** What the schedule gives; undefined: it follows a metric, and has no course of its own. */
  readonly returns: "factor" | "value" | undefined;
  /** Updates that were looked at, ascending; of a long training not all. */
  readonly steps: readonly number[];
  /** The learning rate there; what is behind a failure is not there. */
  readonly values: readonly number[];
  /** Where the schedule had no value, and why. */
  readonly failure?: { readonly step: number; readonly message: string };
}

/** Updates that are looked at: all, or so many. A schedule's value takes about 0.1 us, so that a look stays under a millisecond or two. */
const mostSteps = 4096;
/** Of them, so many one by one at the beginning and at the end. */
const close = 256;

/** The curves of the recipe's learning rates: the recipe's own, and each group's that has one. */
export function curvesOf(reading: Reading): { readonly curves: readonly Curve[]; readonly findings: readonly Finding[] } {
  const curves: Curve[] = [];
  const findings: Finding[] = [];
  for (const { use, index } of lrSchedules(reading)) {
    const group = reading.groups[index];
    if (group.plugin.name === "adafactor" && group.options.relativeStep === true) continue; // a rule of its own says so
    const refused = (error: unknown): void => void findings.push(refusal(error, `${use.path}/options`));
    let nodes: readonly Node[];
    try {
      nodes = nodesOf(reading.find, use, 0, reading.updates);
    } catch (error) {
      // A name that nobody knows, and an option of the wrong kind.
      if (error instanceof TypeError) throw error;
      refused(error);
      continue;
    }
    try {
      curves.push(curveOf(reading, use, nodes, index));
    } catch (error) {
      refused(error);
    }
  }
  return { curves, findings };
}

/** The schedules of lr, each with the index of a group that follows it. */
export function lrSchedules({ recipe, groups }: Pick<Reading, "recipe" | "groups">): { readonly use: PlacedUse; readonly index: number }[] {
  const own = recipe.schedules?.lr;
  const ofGroups = (recipe.groups ?? []).flatMap((group, index) => {
    const use = (group as { readonly schedules?: Readonly<Record<string, { readonly name: string; readonly options?: object }>> }).schedules
      ?.lr;
    return use === undefined ? [] : [{ use: placed(use, `/groups/${index}/schedules/lr`), index }];
  });
  return [...own === undefined ? [] : [{ use: placed(own, "/schedules/lr"), index: groups.length - 1 }], ...ofGroups];
}

const placed = (use: { readonly name: string; readonly options?: object }, path: string): PlacedUse => ({
  path,
  name: use.name,
  options: use.options,
});

function curveOf({ find, updates, groups, recipe }: Reading, use: PlacedUse, nodes: readonly Node[], index: number): Curve {
  const group = groups[index];
  const bases = groups.map(({ options }) => Number(options.lr));
  const base: Base = { value: bases.at(-1)!, groups: bases };
  const { plugin, options } = takeUse(find, "schedule", { name: use.name, options: use.options });
  const schedule: Schedule | MetricSchedule = makeSchedule(plugin, options, base, find);
  const common = { use, nodes, group, base: bases[index] };
  if (isMetric(schedule)) return { ...common, returns: undefined, steps: [], values: [] };
  const returns = schedule.returns ?? "factor";
  const scale = scaleOf(recipe, index);
  const steps: number[] = [];
  const values: number[] = [];
  for (const step of stepsOf(updates, nodes)) {
    try {
      const given = schedule(step, index);
      values.push(scale * (returns === "value" ? given : bases[index] * given));
      steps.push(step);
    } catch (error) {
      return { ...common, returns, steps, values, failure: { step, message: (error as Error).message } };
    }
  }
  return { ...common, returns, steps, values };
}

/** What a group multiplies its lr by. */
function scaleOf({ groups = [] }: Reading["recipe"], index: number): number {
  const { scale } = (groups[index] ?? {}) as { readonly scale?: Readonly<Record<string, number>> };
  return scale?.lr ?? 1;
}

/** Updates to look at: the first, the last, those around the ends of schedules, and the rest evenly. */
function stepsOf(updates: number, nodes: readonly Node[]): number[] {
  if (updates <= mostSteps) return Array.from({ length: updates }, (_, step) => step);
  const stride = updates / (mostSteps - 2 * close);
  const evenly = Array.from({ length: mostSteps - 2 * close }, (_, i) => Math.floor(i * stride));
  const first = Array.from({ length: close }, (_, i) => i);
  const last = Array.from({ length: close }, (_, i) => updates - close + i);
  const bounds = nodes.slice(0, 32).flatMap((node) => [node.from, node.until - 1, node.from + (endOf(node)?.steps ?? 0)]);
  const within = bounds.map(Math.floor).filter((step) => step >= 0 && step < updates);
  return [...new Set([...first, ...evenly, ...last, ...within])].sort((a, b) => a - b);
}

/** The greatest value, and where it is first reached. */
export function peakOf({ steps, values }: Pick<Curve, "steps" | "values">): { readonly value: number; readonly step: number } {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return { value: values[best] ?? NaN, step: steps[best] ?? 0 };
}

/** The value at the last update that was looked at and is not behind `step`. */
export function valueBefore({ steps, values }: Curve, step: number): number {
  let low = 0, high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle - 1;
  }
  return values[low];
}

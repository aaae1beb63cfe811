/**
 * A schedule of epochs: asked once an epoch, and held through all of its steps.
 *
 * So are torch's schedulers where `scheduler.step()` is called once an epoch, and timm's unless `sched_on_updates` is set. The steps of an epoch are
 * updates: where gradients are accumulated, fewer than its batches.
 *
 * ![by_epoch, step by step](../../examples/pictures/by_epoch.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Stretch, Use } from "../../core/plugin/contract.ts";
import { compose, lastUpdate, makeInner } from "./compose.ts";
import { stretch } from "./stretches.ts";

/** Options of {@linkcode byEpoch}. */
export interface ByEpochOptions {
  /** The schedule, whose steps are epochs: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Steps of each epoch. */
  stepsPerEpoch: number;
}

/**
 * A schedule of epochs.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("by_epoch", { schedule: { name: "step", options: { stepSize: 30 } }, stepsPerEpoch: 1000 });
 * typeof schedule === "function" && schedule(29_999); // 1
 * typeof schedule === "function" && schedule(30_000); // 0.1
 * ```
 */
export const byEpoch: SchedulePlugin<"by_epoch", ByEpochOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "by_epoch",
  description: "A schedule of epochs, held through each of them",
  source: "schedulers of torch and timm, stepped once an epoch; own work",
  options: {
    schedule: {
      type: "object",
      holds: "schedule",
      description: "The schedule, whose steps are epochs: { name, options }, a plugin for name, or a function",
    },
    stepsPerEpoch: { type: "number", exclusiveMinimum: 0, unit: "steps", description: "Steps of each epoch" },
  },
  rebase({ schedule, stepsPerEpoch }, { period, note }) {
    note(
      "schedule",
      "Its steps are epochs, of which there stay as many, each of another length: for more epochs of the same length, rebase this one instead",
    );
    return { schedule, stepsPerEpoch: period(stepsPerEpoch) };
  },
  create({ schedule, stepsPerEpoch }, _maths, base, tools) {
    return compose("by_epoch", [makeInner(schedule, base, tools)], base, ([read]) => (step, group) => {
      return read(Math.floor(step / stepsPerEpoch), group);
    }, ([{ stretches }]) =>
      function* (from, to, group) {
        // A quotient that is rounded may lie in the next epoch.
        if (!Number.isInteger(stepsPerEpoch)) return yield stretch(from, "any");
        const [first, last] = [Math.floor(from / stepsPerEpoch), Math.floor(to / stepsPerEpoch)];
        let before: Stretch | undefined;
        for (const one of stretches(first, last, group)) {
          if (before !== undefined) yield* epochsOf(before, first, one.from, stepsPerEpoch);
          before = one;
          if (one.from > last) return;
        }
        if (before !== undefined) yield* epochsOf(before, first, last + 1, stepsPerEpoch);
      }, { feed: ([take]) => (metric, step) => take(metric, Math.min(step, Math.floor(lastUpdate(step) / stepsPerEpoch) + 1)) });
  },
};

/** The epochs of a stretch, each of which is held: as one, where it is held itself. */
function* epochsOf({ from, law }: Stretch, first: number, end: number, stepsPerEpoch: number): Generator<Stretch> {
  for (let epoch = Math.max(first, Math.ceil(from)); epoch < end; epoch++) {
    yield stretch(epoch * stepsPerEpoch, "constant");
    if (law === "constant") return;
  }
}

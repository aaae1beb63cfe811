/**
 * Schedules one after another.
 *
 * `torch.optim.lr_scheduler.SequentialLR` of torch 2.7: from each milestone on the next schedule, which begins at its step 0.
 * Where values and factors meet, it gives values: factors times each group's own base value. Where one follows a metric, so does the whole: it gets the
 * metrics that come after its own updates, and none of a warmup before it. (torch's refuses `ReduceLROnPlateau`; timm's plateau has its warmup so.)
 *
 * ![sequence, step by step](../../examples/pictures/sequence.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { checkSome, compose, lastUpdate, makeInner } from "./compose.ts";
import { moved } from "./composed_stretches.ts";
import { areWhole, innersOf } from "./simpler.ts";

/** Options of {@linkcode sequence}. */
export interface SequenceOptions {
  /** The schedules: each `{ name, options }`, or a function. */
  schedules: readonly (Use | Schedule | MetricSchedule)[];
  /** Steps at which the next one begins, ascending: one fewer than schedules. */
  milestones: readonly number[];
}

/**
 * Schedules one after another.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("sequence", {
 *   schedules: [
 *     { name: "linear_lr", options: { startFactor: 0.5, totalIters: 10 } },
 *     { name: "exponential", options: { gamma: 0.5 } },
 *   ],
 *   milestones: [10],
 * });
 * typeof schedule === "function" && schedule(11); // 0.5
 * ```
 */
export const sequence: SchedulePlugin<"sequence", SequenceOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "sequence",
  description: "Schedules one after another",
  source: "torch.optim.lr_scheduler.SequentialLR 2.7",
  options: {
    schedules: { type: "array", holds: "schedule", description: "The schedules: each { name, options }, a plugin for name, or a function" },
    milestones: { type: "array", unit: "steps", description: "Steps at which the next one begins, ascending: one fewer than schedules" },
  },
  check({ schedules, milestones }) {
    checkSome(schedules);
    const refuse = (option: string, what: string, Wrong = RangeError): never => {
      throw Object.assign(new Wrong(`Cannot use ${option}${what}`), { option });
    };
    if (milestones.length !== schedules.length - 1) {
      refuse("milestones", ` of length ${milestones.length}: there must be ${schedules.length - 1}, one fewer than schedules`);
    }
    milestones.forEach((milestone, i) => {
      if (typeof milestone !== "number") refuse(`milestones[${i}]`, ` = ${JSON.stringify(milestone)}: it must be a number`, TypeError);
      if (milestone < (milestones[i - 1] ?? 0)) {
        refuse(`milestones[${i}]`, ` = ${milestone}: it lies below ${i === 0 ? "0" : "the one before"}`);
      }
    });
  },
  rebase: ({ schedules, milestones }, { schedule }) => ({
    schedules: schedules.map((one, i) => schedule(`schedules/${i}`, one, milestones[i - 1] ?? 0)),
  }),
  create({ schedules, milestones }, _maths, base, tools) {
    // Bisection: the number of milestones up to the step.
    const turnAt = (step: number): number => {
      let low = 0;
      let high = milestones.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (milestones[middle] <= step) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return compose("sequence", schedules.map((inner) => makeInner(inner, base, tools)), base, (reads) => (step, group) => {
      const turn = turnAt(step);
      return reads[turn](turn === 0 ? step : step - milestones[turn - 1], group);
    }, (parts) =>
      function* (from, to, group) {
        for (let i = 0; i < parts.length; i++) {
          const [start, end] = [milestones[i - 1] ?? 0, milestones[i] ?? Infinity];
          const first = Math.max(from, start);
          if (first >= end || start > to) continue;
          yield* moved(parts[i].stretches(first - start, Math.min(to, end) - start, group), start, first, end);
        }
      }, {
      feed: (takes) => (metric, step) => {
        const turn = turnAt(lastUpdate(step));
        takes[turn](metric, turn === 0 ? step : step - milestones[turn - 1]);
      },
    });
  },
  simplify({ schedules, milestones }, returns) {
    const parts = innersOf(schedules);
    if (parts.length === 1) return parts[0];
    for (const [i, { name, options }] of parts.entries()) {
      if (name !== "sequence" || returns(parts[i]) === "metric") continue;
      const start = milestones[i - 1] ?? 0, end = milestones[i] ?? Infinity;
      const within = options.milestones as readonly number[];
      // What lies behind the end is never reached, but may say that the whole gives values.
      if (!areWhole(start, ...within) || within.some((milestone) => start + milestone > end)) continue;
      return {
        name,
        options: {
          schedules: [...parts.slice(0, i), ...options.schedules as readonly Use[], ...parts.slice(i + 1)],
          milestones: [...milestones.slice(0, i), ...within.map((milestone) => start + milestone), ...milestones.slice(i)],
        },
      };
    }
  },
};

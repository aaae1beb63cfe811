/**
 * A schedule between bounds.
 *
 * The bounds are in what the schedule gives: factors, or values.
 *
 * ![clamp, step by step](../../examples/pictures/clamp.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, makeInner } from "./compose.ts";
import { clamped } from "./composed_stretches.ts";
import { innerOf } from "./simpler.ts";

/** Options of {@linkcode clamp}. */
export interface ClampOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** Least factor or value; null: no bound. */
  min?: number | null;
  /** Greatest factor or value; null: no bound. */
  max?: number | null;
}

/**
 * A schedule between bounds.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("clamp", {
 *   schedule: { name: "exponential", options: { gamma: 0.5 } },
 *   min: 0.25,
 * });
 * typeof schedule === "function" && schedule(100); // 0.25
 * ```
 */
export const clamp: SchedulePlugin<"clamp", ClampOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "clamp",
  description: "A schedule between bounds",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    min: { default: null, type: ["number", "null"], description: "Least factor or value, as the schedule gives; null: no bound" },
    max: { default: null, type: ["number", "null"], description: "Greatest factor or value, as the schedule gives; null: no bound" },
  },
  check({ min, max }) {
    if (!(min !== null && max !== null && min > max)) return;
    throw Object.assign(new RangeError(`Cannot use min = ${min}: it lies above max = ${max}`), { option: "min" });
  },
  create({ schedule, min, max }, _maths, base, tools) {
    const [low, high] = [min ?? -Infinity, max ?? Infinity];
    return compose("clamp", [makeInner(schedule, base, tools)], base, ([read]) => (step, group) => {
      return Math.min(high, Math.max(low, read(step, group)));
    }, ([part]) => clamped(part, low, high));
  },
  simplify({ schedule, min, max }) {
    if (min === null && max === null) return innerOf(schedule);
    const { name, options: { schedule: held, min: low, max: high } } = innerOf(schedule);
    if (name !== "clamp") return undefined;
    const [least, most] = [Math.max(min ?? -Infinity, low as number ?? -Infinity), Math.min(max ?? Infinity, high as number ?? Infinity)];
    // Bounds that have nothing in common give the outer one's, whichever it is.
    if (least > most) return undefined;
    return { name, options: { schedule: held, min: least === -Infinity ? null : least, max: most === Infinity ? null : most } };
  },
};

/**
 * A schedule times a number.
 *
 * ![scale, step by step](../../examples/pictures/scale.svg)
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin, Use } from "../../core/plugin/contract.ts";
import { compose, makeInner } from "./compose.ts";
import { scaled } from "./composed_stretches.ts";
import { innerOf } from "./simpler.ts";

/** Options of {@linkcode scale}. */
export interface ScaleOptions {
  /** The schedule: `{ name, options }`, or a function. */
  schedule: Use | Schedule | MetricSchedule;
  /** What it is multiplied by. */
  factor: number;
}

/**
 * A schedule times a number.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("scale", { schedule: { name: "constant" }, factor: 0.5 });
 * typeof schedule === "function" && schedule(7); // 0.5
 * ```
 */
export const scale: SchedulePlugin<"scale", ScaleOptions, Schedule | MetricSchedule> = {
  kind: "schedule",
  name: "scale",
  description: "A schedule times a number",
  source: "own work",
  options: {
    schedule: { type: "object", holds: "schedule", description: "The schedule: { name, options }, a plugin for name, or a function" },
    factor: { type: "number", description: "What it is multiplied by" },
  },
  create({ schedule, factor }, _maths, base, tools) {
    return compose(
      "scale",
      [makeInner(schedule, base, tools)],
      base,
      ([read]) => (step, group) => factor * read(step, group),
      ([{ stretches }]) =>
        function* (from, to, group) {
          for (const one of stretches(from, to, group)) yield scaled(one, factor);
        },
    );
  },
  simplify: ({ schedule, factor }) => factor === 1 ? innerOf(schedule) : undefined,
};

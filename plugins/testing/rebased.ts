/**
 * What a schedule becomes over another number of updates.
 *
 * @module
 */
import type { MetricSchedule, Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import type { Values } from "../../core/plugin/options.ts";
import { rebase } from "../../core/plugin/rebase.ts";
import { isMetric } from "../../core/plugin/schedules.ts";
import { isJson } from "./described.ts";
import type { Faults } from "./faults.ts";
import { findAlso } from "./known_plugins.ts";
import { textOf } from "./option_values.ts";

/** The number of updates that options are taken to be written for. */
const from = 120;
/** Others. With ten times as many, places stay whole, so that curves can be compared; with fewer, lengths that must differ may come to be the same. */
const horizons: readonly number[] = [1200, 407];
/** Steps of the old curve between which the new one must lie: ends are rounded, and some curves end a step before their number of steps. */
const near = 3;

/** A plugin's `rebase` gives options that are valid, and with ten times as many updates each share of them has the value that it had. */
export function checkRebased(
  faults: Faults,
  plugin: SchedulePlugin,
  options: Values,
  made: (options: Values) => Schedule | MetricSchedule,
): void {
  if (plugin.rebase === undefined || !isJson(options)) return;
  for (const to of horizons) {
    faults.attempt(`rebase() from ${from} to ${to} updates`, () => {
      const given: Values = JSON.parse(JSON.stringify(options)); // a description is JSON, which has no -0
      const before = textOf(given);
      const { schedule: { options: changed }, notes } = rebase(findAlso(plugin), { name: plugin.name, options: given }, { from, to });
      if (textOf(given) !== before) faults.add(`rebase() changes the options that it is given, from ${before} to ${textOf(given)}`);
      const [was, is] = [made(given), made(changed as Values)];
      if (to !== 10 * from || notes.length > 0 || isMetric(was) || isMetric(is)) return;
      const values = Array.from({ length: from + near + 1 }, (_, step) => valueAt(was, step)).filter((value) => value !== undefined);
      const range = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (let step = 10 * near; step <= to; step++) {
        const value = valueAt(is, step);
        const around = values.slice(Math.floor(step / 10) - near, Math.ceil(step / 10) + near + 1);
        if (value === undefined || around.length === 0) continue;
        // Between two whole steps a curve may go on before it jumps: by no more than what lies between neighbours.
        const slack = around.reduce((most, value, i) => i === 0 ? 0 : Math.max(most, Math.abs(value - around[i - 1])), 0) + 0.01 * range;
        const [least, most] = [Math.min(...around) - slack, Math.max(...around) + slack];
        if (value >= least && value <= most) continue;
        const message = `rebase() from ${from} to ${to} updates gives ${textOf(changed)}, whose value at step ${step} is ${value}`;
        return faults.add(
          `${message}; around step ${step / 10} of the old one it lay between ${least} and ${most}, and a share keeps its value`,
        );
      }
    });
  }
}

/** The value at a step; undefined past a schedule's end. */
function valueAt(schedule: Schedule, step: number): number | undefined {
  try {
    return schedule(step, 0);
  } catch {
    return undefined;
  }
}

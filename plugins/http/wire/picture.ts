/**
 * Schedules as SVG.
 *
 * @module
 */
import { plotSchedule } from "../../../core/plot.ts";
import type { Schedule } from "../../../core/plugin/contract.ts";
import type { Asked } from "./parameters.ts";
import type { Points } from "./points.ts";

/** Draws schedules, named as they are asked for, at points; over a range without a stride where each pixel of the picture needs them. */
export function drawCurves(
  asked: readonly string[],
  schedules: readonly Schedule[],
  { steps }: Points,
  { from, to, every, lr, scale, title, width, height, theme }: Asked,
): string {
  const places = from !== undefined && every === undefined ? { from, to } : { steps: [...new Set(steps)].sort((a, b) => a - b) };
  const names = asked.map((name, i) => {
    const before = asked.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
  return plotSchedule(schedules, { scale, title, width, height, theme, names, ...places, ...(lr && { lr }) });
}

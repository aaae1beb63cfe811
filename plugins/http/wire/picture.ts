/**
 * Schedules as SVG.
 *
 * @module
 */
import { plotSchedule } from "../../../core/plot.ts";
import { type Curve, finite } from "./curve.ts";
import type { Asked } from "./parameters.ts";
import type { Points } from "./points.ts";

/** Draws curves at points; RangeError where a value is not finite: a picture would leave it out. */
export function drawCurves(curves: readonly Curve[], { steps }: Points, { lr, scale, title, width, height, theme }: Asked): string {
  const ascending = [...new Set(steps)].sort((a, b) => a - b);
  const names = curves.map(({ name }, i) => {
    const before = curves.slice(0, i).filter((other) => other.name === name).length;
    return curves.length === 1 ? "" : before === 0 ? name : `${name} (${before + 1})`;
  });
  const schedules = curves.map((curve) => finite(curve, lr ?? [1]));
  return plotSchedule(schedules, { scale, title, width, height, theme, names, steps: ascending, ...(lr && { lr }) });
}

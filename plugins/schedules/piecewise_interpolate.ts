/**
 * optax' lines or waves between values, each a multiple of the one before.
 *
 * `optax.piecewise_interpolate_schedule`: `initValue` at step 0, and at each boundary the value before times its scale; between them a straight line,
 * or half a cosine wave; behind the last, its value. It gives values. optax computes in float32 by default, this in float64. Where optax divides by 0,
 * at a boundary 0, this is refused.
 *
 * ![piecewise_interpolate, step by step](../../examples/pictures/piecewise_interpolate.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { stretch, waves } from "./stretches.ts";

/** Options of {@linkcode piecewiseInterpolate}. */
export interface PiecewiseInterpolateOptions {
  /** A straight line, or half a cosine wave. */
  interpolateType: "linear" | "cosine";
  /** Value at step 0. */
  initValue: number;
  /** Step to scale: what the value before is multiplied by there. */
  boundariesAndScales: Readonly<Record<string, number>>;
}

/**
 * Lines or waves between values, each a multiple of the one before.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("piecewise_interpolate", {
 *   interpolateType: "linear",
 *   initValue: 1,
 *   boundariesAndScales: { 100: 0.5, 200: 0.5 },
 * });
 * schedule(50); // 0.75: a value, not a factor
 * schedule(200); // 0.25
 * ```
 */
export const piecewiseInterpolate: SchedulePlugin<"piecewise_interpolate", PiecewiseInterpolateOptions, Schedule> = {
  kind: "schedule",
  name: "piecewise_interpolate",
  description: "optax' lines or waves between values, each a multiple of the one before",
  source: "optax.piecewise_interpolate_schedule",
  returns: "value",
  options: {
    interpolateType: { type: "string", enum: ["linear", "cosine"], description: "A straight line, or half a cosine wave" },
    initValue: { type: "number", unit: "rate", description: "Value at step 0" },
    boundariesAndScales: { type: "object", description: "Step to scale: what the value before is multiplied by there" },
  },
  check({ boundariesAndScales }) {
    const option = "boundariesAndScales";
    for (const [step, scale] of Object.entries(boundariesAndScales)) {
      const wrong = `Cannot use ${option} = { ${step}: ${JSON.stringify(scale)} }`;
      if (!/^\d+$/.test(step) || Number(step) === 0) {
        throw Object.assign(new RangeError(`${wrong}: a boundary is an integer from 1`), { option });
      }
      if (typeof scale !== "number") throw Object.assign(new TypeError(`${wrong}: a scale is a number`), { option });
      if (!(scale >= 0 && scale < Infinity)) throw Object.assign(new RangeError(`${wrong}: a scale is a number from 0`), { option });
    }
  },
  rebase({ boundariesAndScales }, { steps }) {
    const scaled: Record<string, number> = {};
    for (const [boundary, scale] of Object.entries(boundariesAndScales)) {
      const at = Math.max(1, steps(Number(boundary)));
      // Boundaries that have become one do there what both did.
      scaled[at] = (scaled[at] ?? 1) * scale;
    }
    return { boundariesAndScales: scaled };
  },
  create({ interpolateType, initValue, boundariesAndScales }, { cos }) {
    const boundaries = Object.keys(boundariesAndScales).map(Number).sort((a, b) => a - b);
    const values = [initValue];
    for (const boundary of boundaries) values.push(values[values.length - 1] * boundariesAndScales[boundary]);
    const between = interpolateType === "linear"
      ? (start: number, end: number, pct: number) => (end - start) * pct + start
      : (start: number, end: number, pct: number) => end + (start - end) / 2 * (cos(Math.PI * pct) + 1);
    return Object.assign((step: number) => {
      checkStep("piecewise_interpolate", step);
      // Bisection: the number of boundaries up to the step.
      let low = 0;
      let high = boundaries.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (boundaries[middle] <= step) low = middle + 1;
        else high = middle;
      }
      if (low === boundaries.length) return values[low];
      const from = low === 0 ? 0 : boundaries[low - 1];
      return between(values[low], values[low + 1], (step - from) / (boundaries[low] - from));
    }, {
      returns: "value" as const,
      perGroup: false,
      stretches: () => [
        ...boundaries.map((boundary, i) => {
          const from = i === 0 ? 0 : boundaries[i - 1];
          return interpolateType === "linear" ? stretch(from, "linear") : waves(from, values[i], values[i + 1], boundary - from);
        }),
        stretch(boundaries.length === 0 ? 0 : boundaries[boundaries.length - 1], "constant"),
      ],
    });
  },
};

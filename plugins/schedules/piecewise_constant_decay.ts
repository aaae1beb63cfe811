/**
 * TensorFlow's table of values.
 *
 * `tf.keras.optimizers.schedules.PiecewiseConstantDecay` of Keras 2.15: `values[i]` from above `boundaries[i - 1]` up to and with `boundaries[i]`,
 * rounded to float32 as there.
 *
 * ![piecewise_constant_decay, step by step](../../examples/pictures/piecewise_constant_decay.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkFloat32 } from "./check_float32.ts";
import { checkStep } from "./check_step.ts";
import { stretch } from "./stretches.ts";

/** Options of {@linkcode piecewiseConstantDecay}. */
export interface PiecewiseConstantDecayOptions {
  /** Last step of each value but the last, ascending. */
  boundaries: readonly number[];
  /** The values, one more than boundaries. */
  values: readonly number[];
}

/**
 * One value up to each boundary.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("piecewise_constant_decay", { boundaries: [100, 200], values: [0.5, 0.25, 0.125] });
 * schedule(101); // 0.25: a value, not a factor
 * ```
 */
export const piecewiseConstantDecay: SchedulePlugin<"piecewise_constant_decay", PiecewiseConstantDecayOptions, Schedule> = {
  kind: "schedule",
  name: "piecewise_constant_decay",
  description: "Keras' table of values: one up to each boundary",
  source: "tf.keras.optimizers.schedules.PiecewiseConstantDecay 2.15",
  returns: "value",
  options: {
    boundaries: { type: "array", unit: "steps", description: "Last step of each value but the last, ascending" },
    values: { type: "array", unit: "rate", description: "The values, one more than boundaries" },
  },
  check({ boundaries, values }) {
    const refuse = (option: string, what: string, Wrong = RangeError): never => {
      throw Object.assign(new Wrong(`Cannot use ${option}${what}`), { option });
    };
    for (const [name, list] of Object.entries({ boundaries, values })) {
      const wrong = list.findIndex((element) => typeof element !== "number");
      if (wrong >= 0) refuse(`${name}[${wrong}]`, ` = ${JSON.stringify(list[wrong])}: it must be a number`, TypeError);
    }
    if (boundaries.length === 0) refuse("boundaries", " of length 0: there must be one at least");
    if (values.length !== boundaries.length + 1) {
      refuse("values", ` of length ${values.length}: there must be ${boundaries.length + 1}, one more than boundaries`);
    }
    checkFloat32({ values });
    const falling = boundaries.findIndex((boundary, i) => boundary < boundaries[i - 1]);
    if (falling > 0) refuse(`boundaries[${falling}]`, ` = ${boundaries[falling]}: it lies below the one before`);
  },
  // A boundary is the last step of its value.
  rebase: ({ boundaries }, { steps }) => ({ boundaries: boundaries.map((boundary) => Math.max(0, steps(boundary + 1) - 1)) }),
  create({ boundaries, values }) {
    const table = values.map(Math.fround);
    return Object.assign((step: number) => {
      checkStep("piecewise_constant_decay", step);
      // Bisection: the number of boundaries below the step.
      let low = 0;
      let high = boundaries.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (step > boundaries[middle]) low = middle + 1;
        else high = middle;
      }
      return table[low];
    }, {
      returns: "value" as const,
      perGroup: false,
      stretches: () => [
        stretch(0, "constant"),
        // A boundary is the last step of its value.
        ...boundaries.map((boundary) => stretch(Math.floor(boundary) + 1, "constant")),
      ],
    });
  },
};

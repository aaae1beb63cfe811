/**
 * A constant: the option's base value at every step.
 *
 * `get_constant_schedule` of transformers 4.37.2.
 *
 * ![constant, step by step](../../examples/pictures/constant.svg)
 *
 * @module
 */
import type { Schedule, SchedulePlugin } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { inStretches, stretch } from "./stretches.ts";

/** Options of {@linkcode constant}: there are none, and a name that does nothing is refused. */
export type ConstantOptions = Record<string, never>;

/**
 * Factor 1 at every step.
 *
 * @example Usage
 * ```ts
 * import { builtins } from "@glissade/optim";
 *
 * const schedule = builtins.createSchedule("constant");
 * schedule(1000); // 1
 * ```
 */
export const constant: SchedulePlugin<"constant", ConstantOptions, Schedule> = {
  kind: "schedule",
  name: "constant",
  description: "The base value at every step",
  source: "get_constant_schedule of transformers 4.37.2",
  returns: "factor",
  options: {},
  create: () =>
    inStretches((step) => {
      checkStep("constant", step);
      return 1;
    }, [stretch(0, "constant")]),
};

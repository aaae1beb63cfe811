/**
 * Curves of values, one a group, as one schedule.
 *
 * @module
 */
import type { Schedule } from "../../core/plugin/contract.ts";
import { checkStep } from "./check_step.ts";
import { type Stretches, stretchesOf } from "./stretches.ts";

/**
 * The schedule of these curves. One that is the same for all groups takes no group, which says that its values stand in place of every group's own;
 * where each group has its own, a group may have set the option.
 */
export function valuesByGroup(
  name: string,
  curves: readonly ((step: number) => number)[],
  isShared: boolean,
  stretches?: Stretches,
): Schedule {
  const [first] = curves;
  const shared = (step: number): number => {
    checkStep(name, step);
    return first(step);
  };
  const own = (step: number, group: number | undefined): number => {
    checkStep(name, step);
    const curve = curves[group ?? 0];
    if (curve !== undefined) return curve(step);
    throw new RangeError(`Cannot ask schedule "${name}" for its value in group ${group}: there are ${curves.length}`);
  };
  return Object.assign(isShared ? shared : own as Schedule, {
    returns: "value" as const,
    perGroup: !isShared,
    ...stretches && { stretches: stretchesOf(stretches) },
  });
}

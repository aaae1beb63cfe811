/**
 * What plugins' `reading`s say.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import { baseOf, currentOptions } from "./current.ts";
import type { GroupState } from "./groups.ts";
import { countOf, type OptimizerState } from "./optimizer_state.ts";
import { ask } from "../plugin/use.ts";

/** What the plugin says of a group's first parameter: at t = 0 before the first step, and nothing as long as that parameter had no step. */
export function readingOf(state: OptimizerState, group: GroupState): number | null {
  const { plugin, slots } = group;
  const first = state.params.find((param) => param.group === group);
  if (plugin.reading === undefined || first === undefined || (state.steps > 0 && first.count === 0)) return null;
  const numbers: Record<string, number> = {};
  for (const { name, key, slot } of first.slots) {
    if (key !== `${plugin.name}/${name}`) continue;
    if (slot.shape === "scalar") numbers[name] = first.scalarSlots.get(key)!;
    if (slot.shape === "group") numbers[name] = slots.get(key)!;
  }
  const options = currentOptions(group, baseOf(group, state.base), state.steps);
  const reading = ask(plugin, () => plugin.reading!(options, countOf(state, first), numbers, maths));
  return Number.isFinite(reading) ? reading : null;
}

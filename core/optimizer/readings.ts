/**
 * What plugins' `reading`s say.
 *
 * @module
 */
import { maths } from "../../kernels/math.ts";
import { isRecord, show } from "../names.ts";
import { baseOf, currentOptions } from "./current.ts";
import type { GroupState } from "./groups.ts";
import { countOf, type OptimizerState } from "./optimizer_state.ts";
import { put } from "../tensors.ts";
import { ask } from "../plugin/use.ts";
import type { TransformState } from "./transforms.ts";

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

/** A transform's group slots by name. */
export function groupSlotsOf({ params }: OptimizerState, { scope }: TransformState): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const { group, slots } of params) {
    for (const { name, key, slot, scope: whose } of slots) {
      if (whose === scope && slot.shape === "group") numbers[name] ??= group.slots.get(key)!;
    }
  }
  return numbers;
}

/** What a transform says of its group slots, as the last step left them. Null: a number that there is not, as a norm before the first step. */
export function transformReadingOf(state: OptimizerState, transform: TransformState): Record<string, number | null> {
  const { plugin, title, options } = transform;
  if (plugin.reading === undefined) return {};
  const reading: unknown = ask(plugin, () => plugin.reading!(options, groupSlotsOf(state, transform)));
  if (!isRecord(reading)) throw new TypeError(`Cannot read ${title}: its reading is ${show(reading)}, not an object of numbers`);
  const finite: Record<string, number | null> = {};
  for (const [name, value] of Object.entries(reading)) {
    if (typeof value !== "number") throw new TypeError(`Cannot read ${title}: its reading gives ${name} = ${show(value)}, not a number`);
    put(finite, name, Number.isFinite(value) ? value : null);
  }
  return finite;
}

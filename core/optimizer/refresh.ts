/**
 * Groups brought up to date: options that were assigned, schedules of the coming step, and rules that are another text under them.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import { about, allAbout } from "../errors.ts";
import { baseOf, currentOptions } from "./current.ts";
import type { GroupState } from "./groups.ts";
import { scalarNames } from "./numbers.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import type { ParamState } from "./param_state.ts";
import { type Part, rulePart, slotsText } from "./parts.ts";
import { sameOption, type Values } from "../plugin/options.ts";
import { type Text, textOf } from "./programs.ts";

/** Brings all groups to the coming step. A group that an error stops is as it was. */
export function refresh(state: OptimizerState): void {
  for (const group of state.groups) refreshGroup(state, group);
}

function refreshGroup(state: OptimizerState, group: GroupState): void {
  const isOld = group.version !== state.version;
  if (!isOld && group.scheduled.length === 0) return;
  const { plugin, index } = group;
  let { base } = group;
  if (isOld) {
    base = baseOf(group, state.base);
    allAbout({ plugin: plugin.name, group: index }, () => plugin.check?.(base));
  }
  const current = currentOptions(group, base, state.steps);
  if (changesRules(group, current)) {
    const scalars = scalarNames(group, current);
    const params = state.params.filter((param) => param.group === group);
    const texts = params.map((param) =>
      allAbout(
        { tensor: param.info.name, group: index },
        () => newText(state.backend, param, rulePart(group, current, scalars, param.info)),
      )
    );
    params.forEach((param, i) => param.text = texts[i]);
    group.scalars = scalars;
  }
  group.base = base;
  group.version = state.version;
  if (group.current === current) return;
  group.current = current;
  group.numbers.clear();
}

/** True where the rule must be asked again: an option that it looked at has another value. */
function changesRules({ reads, current }: GroupState, next: Values): boolean {
  for (const name of reads) if (!sameOption(next[name], current[name])) return true;
  return false;
}

function newText(backend: KernelBackend, param: ParamState, part: Part): Text {
  const parts = [part, ...param.transforms];
  if (slotsText(parts) !== param.slotsText) {
    const message =
      `Cannot change the options of ${part.title} like this: parameter "${param.info.name}" would need other slots; make a new optimizer`;
    throw about(new TypeError(message), { plugin: part.plugin });
  }
  return textOf(backend, parts, param.given.dtype);
}

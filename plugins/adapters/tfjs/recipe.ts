/**
 * What an optimizer is made of, as JSON: what tfjs keeps of it in a model's file.
 *
 * @module
 */
import { allAbout } from "../../../core/errors.ts";
import { show } from "../../../core/names.ts";
import { checkRecipe } from "../../../core/training/recipe.ts";
import type { Group, Recipe, Settings, Use } from "../../../core/types.ts";

/** A recipe of an optimizer; TypeError for what JSON does not hold. */
export function recipeOf(named: Use["name"], options: object | undefined, { groups, schedules, transforms }: Settings<unknown>): Recipe {
  return checkRecipe({
    optimizer: { name: nameOf(named), options },
    groups: groups?.map((group, i) => allAbout({ group: i }, () => groupOf(group))),
    schedules: schedulesOf(schedules),
    transforms: transforms?.map(useOf),
  });
}

const nameOf = (name: Use["name"]): string => typeof name === "string" ? name : name.name;
const useOf = ({ name, options }: Use): { name: string; options?: object } => ({ name: nameOf(name), ...options && { options } });

function groupOf({ match, optimizer, schedules, ...rest }: Group<unknown>): object {
  if (match instanceof RegExp && match.flags !== "") {
    throw new TypeError(`Cannot save a group's match ${match}: a model's file holds JSON, and that has no flags of regular expressions`);
  }
  return {
    ...rest,
    match: match instanceof RegExp ? match.source : match,
    ...optimizer !== undefined && { optimizer: nameOf(optimizer) },
    ...schedules !== undefined && { schedules: schedulesOf(schedules) },
  };
}

function schedulesOf(schedules: Settings<unknown>["schedules"]): Recipe["schedules"] {
  return schedules && Object.fromEntries(
    Object.entries(schedules).map(([option, schedule]) => {
      if (schedule === undefined || "name" in schedule && typeof schedule !== "function") return [option, schedule && useOf(schedule)];
      const message = `Cannot save the schedule of "${option}": a model's file holds JSON, and ${
        show(schedule)
      } is none; give { name, options }`;
      throw new TypeError(message);
    }),
  ) as Recipe["schedules"];
}

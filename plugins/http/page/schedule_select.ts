/// <reference lib="dom" />
/**
 * The choice of a schedule by its name.
 *
 * @module
 */
import { type AnyRegistry, innerChoices, type Offer } from "./curves.ts";
import { element } from "./element.ts";
import type { Span } from "./ranges.ts";
import type { Choice } from "./state.ts";

/** The schedules that fit into an option of another one, with their specs. */
export function innerOf(
  registry: AnyRegistry,
  offers: readonly Offer[],
  outer: Choice,
  option: string,
  span: Span,
): readonly (Choice & { readonly specs: Offer["options"] })[] {
  return innerChoices(registry, offers, outer, option, span)
    .map((choice) => ({ ...choice, specs: offers.find(({ name }) => name === choice.name)!.options }));
}

/** A choice of schedules by what they return. */
export function scheduleSelect(offers: readonly Offer[], chosen: string, id: string): HTMLSelectElement {
  const select = element("select", { id }, ...groupsOf(offers, chosen));
  select.value = chosen;
  return select;
}

/** The options of such a choice, in groups by what the schedules return. */
export function groupsOf(offers: readonly Offer[], chosen: string): readonly HTMLElement[] {
  const own = offers.filter(({ from }) => from === "page");
  const groups: readonly (readonly [string, readonly Offer[]])[] = [
    ["Factors of the base lr", own.filter(({ returns }) => returns === "factor")],
    ["Values of their own", own.filter(({ returns }) => returns === "value")],
    ["From this service", offers.filter(({ from }) => from === "service")],
  ];
  const stranger = chosen !== "" && !offers.some(({ name, returns }) => name === chosen && returns !== "metric");
  return [
    ...(stranger ? [element("option", { value: chosen }, chosen)] : []),
    ...groups.filter(([, some]) => some.length > 0)
      .map(([label, some]) => element("optgroup", { label }, ...some.map(({ name }) => element("option", { value: name }, name)))),
  ];
}
